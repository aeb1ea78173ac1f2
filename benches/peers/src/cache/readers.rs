//! Caches in front of a slow backend, as tasks read through them.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use fibre_cache::{AsyncCache, CacheBuilder};
use punctual::cache::{RefreshCache, cached};
use punctual::refresh::Config;
use punctual::scheduler::Budget;
use punctual::timer::Timer;
use tokio::runtime::Handle;

use super::backend::{Backend, LATENCY, Value};

/// As many loads may run at once, wherever there is such a limit.
const CONCURRENT: u32 = 512;

/// Longer than any load takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long values are good for.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) keys: u32,
    pub(crate) ttl: Duration,
    /// For how long after that they may be served while they are refreshed, by who does that.
    pub(crate) grace: Duration,
    /// What ours may load in a second, if there is a limit.
    pub(crate) loads_per_second: Option<f64>,
}

/// A cache with its way of coming by new values. It is made and used inside of tokio.
pub(crate) trait Reader: Send + Sync + Sized + 'static {
    const NAME: &'static str;
    const IS_OURS: bool = false;

    fn new(terms: Terms, backend: Backend) -> Self;

    fn read(&self, key: u32) -> impl Future<Output = Value> + Send;
}

/// Ours: what is asked for is refreshed before its soft TTL is over.
pub(crate) struct Ours(RefreshCache<u32, Value>);

impl Reader for Ours {
    const NAME: &'static str = "RefreshCache";
    const IS_OURS: bool = true;

    fn new(terms: Terms, backend: Backend) -> Self {
        let timer = Timer::new(backend.clock()).expect("a thread can be started");
        let runtime = Handle::current();
        let plan = Config {
            loads_per_second: terms.loads_per_second,
            concurrent: CONCURRENT,
            concurrent_refreshes: CONCURRENT,
            ..Config::default()
        };
        let load = move |key, _| {
            let backend = backend.clone();
            async move { Ok::<_, Infallible>(backend.load(key).await) }
        };
        let cache = cached(load)
            .soft_ttl(terms.ttl)
            .hard_ttl(terms.ttl + terms.grace)
            .latency(LATENCY)
            .plan(plan)
            .timer(timer)
            .build(move |load| drop(runtime.spawn(load)));
        Self(cache.expect("the settings are valid"))
    }

    async fn read(&self, key: u32) -> Value {
        let budget = Budget::of(self.0.now(), PATIENCE);
        let answer = self.0.get_or_wait(&key, budget).await.expect("no load fails");
        answer.value().expect("every key has a value")
    }
}

/// moka: a single load for all who wait, once the value is gone.
pub(crate) struct Moka {
    cache: moka::future::Cache<u32, Value>,
    backend: Backend,
}

impl Reader for Moka {
    const NAME: &'static str = "moka try_get_with";

    fn new(terms: Terms, backend: Backend) -> Self {
        Self { cache: moka::future::Cache::builder().time_to_live(terms.ttl).build(), backend }
    }

    async fn read(&self, key: u32) -> Value {
        let load = async { Ok::<_, Infallible>(self.backend.load(key).await) };
        self.cache.try_get_with(key, load).await.expect("no load fails")
    }
}

/// fibre_cache: whoever finds a stale value gets it, and has it refreshed.
pub(crate) struct Fibre(AsyncCache<u32, Value>);

impl Reader for Fibre {
    const NAME: &'static str = "fibre_cache, stale while revalidate";

    fn new(terms: Terms, backend: Backend) -> Self {
        let load = move |key| {
            let backend = backend.clone();
            async move { (backend.load(key).await, 1) }
        };
        let cache = CacheBuilder::default()
            .time_to_live(terms.ttl)
            .stale_while_revalidate(terms.grace)
            .max_concurrent_refreshes(CONCURRENT as usize)
            .async_loader(load)
            .build_async();
        Self(cache.expect("the settings are valid"))
    }

    async fn read(&self, key: u32) -> Value {
        *self.0.fetch_with(&key).await
    }
}
