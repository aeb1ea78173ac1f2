//! What keeps values for a while: ours and its peers, each as it comes out of its builder.

use std::convert::Infallible;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use punctual::cache::{Load, RefreshCache, cached_fn};
use punctual::time::Time;
use quick_cache::DefaultHashBuilder;

/// Nothing expires during a turn.
const TTL: Duration = Duration::from_secs(3_600);

/// What is kept.
pub(crate) trait Value: Clone + Send + Sync + 'static {
    /// The one of this key.
    fn of(key: u32) -> Self;

    /// A number for a checksum, that can't be had without a look at the value.
    fn number(&self) -> u64;
}

impl Value for u64 {
    fn of(key: u32) -> Self {
        Self::from(key) + 1
    }

    fn number(&self) -> u64 {
        *self
    }
}

impl Value for Arc<str> {
    fn of(key: u32) -> Self {
        format!("value {key}").into()
    }

    fn number(&self) -> u64 {
        self.bytes().next_back().map_or(0, u64::from)
    }
}

/// Keys are `u64`, as hashes or database ids are.
pub(crate) trait Store<V: Value>: Send + Sync + Sized {
    const NAME: &'static str;
    const IS_OURS: bool = false;

    fn of_capacity(entries: usize) -> Self;

    fn get(&self, key: u32) -> Option<V>;

    fn put(&self, key: u32, value: V);

    /// What is done where nothing was found.
    fn fill(&self, key: u32) {
        self.put(key, V::of(key));
    }
}

/// Ours, driven by its own timer. What is missing is loaded at once, by the thread that asks.
pub(crate) struct Ours<V>(RefreshCache<u64, V>);

fn load_here(load: Load) {
    let load = std::pin::pin!(load);
    let is_over = load.poll(&mut Context::from_waker(Waker::noop())).is_ready();
    assert!(is_over, "a plain function waits for nothing");
}

fn builder<V: Value>(entries: usize) -> punctual::cache::Builder<u64, V> {
    let load = |key: &u64, _| Ok::<V, Infallible>(V::of(*key as u32));
    cached_fn(load).capacity(entries as u64).soft_ttl(TTL)
}

impl<V: Value> Store<V> for Ours<V> {
    const NAME: &'static str = "RefreshCache";
    const IS_OURS: bool = true;

    fn of_capacity(entries: usize) -> Self {
        Self(builder(entries).build(load_here).expect("a thread can be started"))
    }

    fn get(&self, key: u32) -> Option<V> {
        self.0.get(&u64::from(key)).value()
    }

    fn put(&self, key: u32, value: V) {
        self.0.put(u64::from(key), value);
    }
}

/// Ours, driven by who asks: no load runs on another thread, which might lose its core meanwhile.
pub(crate) struct Driven {
    cache: RefreshCache<u64, u64>,
    asked: AtomicU64,
}

/// After so many questions a millisecond has gone by.
const A_MILLISECOND: u64 = 1_000;

impl Store<u64> for Driven {
    const NAME: &'static str = "RefreshCache";
    const IS_OURS: bool = true;

    fn of_capacity(entries: usize) -> Self {
        let cache = builder(entries).build_driven(load_here, Time::ZERO);
        Self { cache: cache.expect("the settings are valid"), asked: AtomicU64::new(0) }
    }

    fn get(&self, key: u32) -> Option<u64> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked.is_multiple_of(A_MILLISECOND) {
            self.cache.advance(Time::ZERO + Duration::from_millis(asked / A_MILLISECOND));
        }
        self.cache.get(&u64::from(key)).value()
    }

    fn put(&self, key: u32, value: u64) {
        self.cache.put(u64::from(key), value);
    }

    /// `get` has loaded it.
    fn fill(&self, _: u32) {}
}

/// quick_cache, which knows no time.
pub(crate) struct Quick<V>(quick_cache::sync::Cache<u64, V>);

impl<V: Value> Store<V> for Quick<V> {
    const NAME: &'static str = "quick_cache";

    fn of_capacity(entries: usize) -> Self {
        Self(quick_cache::sync::Cache::new(entries))
    }

    fn get(&self, key: u32) -> Option<V> {
        self.0.get(&u64::from(key))
    }

    fn put(&self, key: u32, value: V) {
        self.0.insert(u64::from(key), value);
    }
}

/// quick_cache with a time beside each value, as one writes it at first.
pub(crate) struct QuickTtl<V>(quick_cache::sync::Cache<u64, (V, Instant)>);

#[expect(clippy::disallowed_methods, reason = "its cost is what is measured")]
fn instant_now() -> Instant {
    Instant::now()
}

impl<V: Value> Store<V> for QuickTtl<V> {
    const NAME: &'static str = "quick_cache, Instant::now";

    fn of_capacity(entries: usize) -> Self {
        Self(quick_cache::sync::Cache::new(entries))
    }

    fn get(&self, key: u32) -> Option<V> {
        let (value, until) = self.0.get(&u64::from(key))?;
        (instant_now() < until).then_some(value)
    }

    fn put(&self, key: u32, value: V) {
        self.0.insert(u64::from(key), (value, instant_now() + TTL));
    }
}

/// quick_cache with two times beside each value, and a clock that is an atomic number: what the
/// hits of ours would cost if nobody counted them.
pub(crate) struct QuickCoarse<V> {
    cache: quick_cache::sync::Cache<u64, (V, [u64; 2])>,
    now: AtomicU64,
}

impl<V: Value> Store<V> for QuickCoarse<V> {
    const NAME: &'static str = "quick_cache, coarse clock";

    fn of_capacity(entries: usize) -> Self {
        Self { cache: quick_cache::sync::Cache::new(entries), now: AtomicU64::new(0) }
    }

    fn get(&self, key: u32) -> Option<V> {
        let (value, [soft, hard]) = self.cache.get(&u64::from(key))?;
        let now = self.now.load(Ordering::Relaxed);
        (now < soft || now < hard).then_some(value)
    }

    fn put(&self, key: u32, value: V) {
        self.cache.insert(u64::from(key), (value, [1, 2]));
    }
}

/// moka's synchronous cache with one TTL for all, and its own hash function or another.
pub(crate) struct Moka<V, S = std::hash::RandomState>(moka::sync::Cache<u64, V, S>);

/// moka with quick_cache's hash function, which is ours too.
pub(crate) type MokaFold<V> = Moka<V, DefaultHashBuilder>;

/// Names for hash functions.
pub(crate) trait Hashes: BuildHasher + Default + Clone + Send + Sync + 'static {
    const MOKA: &'static str;
}

impl Hashes for std::hash::RandomState {
    const MOKA: &'static str = "moka";
}

impl Hashes for DefaultHashBuilder {
    const MOKA: &'static str = "moka, foldhash";
}

impl<V: Value, S: Hashes> Store<V> for Moka<V, S> {
    const NAME: &'static str = S::MOKA;

    fn of_capacity(entries: usize) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(entries as u64).time_to_live(TTL);
        Self(builder.build_with_hasher(S::default()))
    }

    fn get(&self, key: u32) -> Option<V> {
        self.0.get(&u64::from(key))
    }

    fn put(&self, key: u32, value: V) {
        self.0.insert(u64::from(key), value);
    }
}

/// moka with a TTL for each entry.
pub(crate) struct MokaExpiry<V>(moka::sync::Cache<u64, V>);

struct EachHour;

impl<V> moka::Expiry<u64, V> for EachHour {
    fn expire_after_create(&self, _: &u64, _: &V, _: Instant) -> Option<Duration> {
        Some(TTL)
    }
}

impl<V: Value> Store<V> for MokaExpiry<V> {
    const NAME: &'static str = "moka, Expiry";

    fn of_capacity(entries: usize) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(entries as u64);
        Self(builder.expire_after(EachHour).build())
    }

    fn get(&self, key: u32) -> Option<V> {
        self.0.get(&u64::from(key))
    }

    fn put(&self, key: u32, value: V) {
        self.0.insert(u64::from(key), value);
    }
}

/// fibre_cache: values are looked at in place, which spares it the `Arc` that it keeps them in.
pub(crate) struct Fibre<V: Send + Sync>(fibre_cache::Cache<u64, V>);

impl<V: Value> Store<V> for Fibre<V> {
    const NAME: &'static str = "fibre_cache";

    fn of_capacity(entries: usize) -> Self {
        let builder = fibre_cache::CacheBuilder::default();
        let cache = builder.capacity(entries as u64).time_to_live(TTL).build();
        Self(cache.expect("the settings are valid"))
    }

    fn get(&self, key: u32) -> Option<V> {
        self.0.get(&u64::from(key), V::clone)
    }

    fn put(&self, key: u32, value: V) {
        self.0.insert(u64::from(key), value, 1);
    }
}
