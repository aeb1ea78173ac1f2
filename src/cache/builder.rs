//! How a cache is made.

use core::error::Error;
use core::fmt;
use core::future::Future;
use core::hash::Hash;
use core::time::Duration;

use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use super::RefreshCache;
use super::answer::Removal;
use super::clock::CacheClock;
use super::core::Core;
use super::dispatch::Dispatcher;
use super::error::BuildError;
use super::latency::Latency;
use super::loaded::Loaded;
use super::loader::Loader;
use super::policy::Policy;
use super::shared::{Listener, Parts, Shared};
use super::stored::{Collect, Marks, SLOTS, Store, Values, Weigh, Weigher};
use crate::refresh::{Config, Planner};
use crate::scheduler::Budget;
use crate::sync::Arc;
use crate::time::{MonotonicClock, Time};
use crate::timer::Timer;

/// How late the coarse clock may be before somebody who reads it is misled about a hard expiry.
const GUARD: Duration = Duration::from_millis(64);

/// So many entries are expected where they have weights that are not known yet.
const ENTRIES: usize = 1 << 16;

/// So many keys without a value are remembered, at least.
const LEAST_MARKS: u64 = 64;

/// Makes a [`RefreshCache`]; begin with [`cached`](super::cached) or
/// [`cached_fn`](super::cached_fn).
#[must_use = "it makes a cache when it is built"]
pub struct Builder<K, V> {
    loader: Loader<K, V>,
    capacity: u64,
    entries: Option<usize>,
    weigher: Option<Weigher<K, V>>,
    policy: Policy,
    plan: Config,
    latency: Duration,
    is_same: Option<fn(&V, &V) -> bool>,
    listener: Option<Listener<K, V>>,
    timer: Option<Timer>,
    resolution: Duration,
    seed: u64,
}

impl<K, V> Builder<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(loader: Loader<K, V>) -> Self {
        Self {
            loader,
            capacity: 10_000,
            entries: None,
            weigher: None,
            policy: Policy::default(),
            plan: Config::default(),
            latency: Duration::ZERO,
            is_same: None,
            listener: None,
            timer: None,
            resolution: Duration::from_millis(1),
            seed: 0,
        }
    }

    /// Loads up to `most` keys at once, where several are due together or asked for together.
    /// Keys that are not in the result are known to be absent. Each key takes one of the plan's
    /// [places](crate::refresh::Config::concurrent).
    pub fn bulk<F, Fut, L, E>(mut self, most: usize, load: F) -> Self
    where
        F: Fn(Vec<K>, Budget) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<(K, L)>, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.loader.set_many(most, load);
        self
    }

    /// The weight that the cache may have: a number of entries, unless there is a
    /// [weigher](Self::weigher). 10,000 by default.
    pub const fn capacity(mut self, weight: u64) -> Self {
        self.capacity = weight;
        self
    }

    /// How many entries there will be, about; the capacity by default, or 65,536 with a weigher. As
    /// many keys are remembered that have no value.
    pub const fn entries(mut self, entries: usize) -> Self {
        self.entries = Some(entries);
        self
    }

    /// Weighs values: each at least 1. It is called under the cache's locks, often, and must be
    /// short and always say the same of a value.
    pub fn weigher(mut self, weigher: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        self.weigher = Some(Arc::new(weigher));
        self
    }

    /// For how long values are fresh; a minute by default.
    pub const fn soft_ttl(mut self, ttl: Duration) -> Self {
        self.policy.soft_ttl = ttl;
        self
    }

    /// For how long values are served, stale ones included; four times the soft TTL by default. A
    /// soft TTL that is longer ends with it.
    pub const fn hard_ttl(mut self, ttl: Duration) -> Self {
        self.policy.hard_ttl = Some(ttl);
        self
    }

    /// For how long it is remembered that a key has no value; a tenth of the soft TTL by default.
    /// Up to four times that it may be answered while it is looked up again.
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.policy.negative_ttl = Some(ttl);
        self
    }

    /// Shortens each TTL by a random part, at most this share of it, so that what came together
    /// doesn't turn stale together; 0.05 by default.
    pub const fn jitter(mut self, share: f64) -> Self {
        self.policy.jitter = share;
        self
    }

    /// The share of its soft TTL at whose end a value is replaced, if the budget allows it; 1.0
    /// by default. The load starts earlier by as much as it takes.
    pub const fn refresh_after(mut self, share: f64) -> Self {
        self.policy.refresh_after = share;
        self
    }

    /// For how long after its hard expiry a value may be served if it can't be refreshed; not at
    /// all by default.
    pub const fn stale_if_error(mut self, longest: Duration) -> Self {
        self.policy.stale_if_error = longest;
        self
    }

    /// How long a key is left alone after a load that failed, and after many in a row, which
    /// double it; 100 ms and a minute by default. A random part, at most half, is taken off.
    pub const fn back_off(mut self, first: Duration, most: Duration) -> Self {
        self.policy.first_back_off = first;
        self.policy.most_back_off = most;
        self
    }

    /// What loads may cost the backend, and how refreshes are chosen.
    pub const fn plan(mut self, plan: Config) -> Self {
        self.plan = plan;
        self
    }

    /// How long a load takes, until loads have shown it; it decides how early refreshes begin.
    pub const fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Compares what refreshes bring with what was there, so that the plan learns how often each
    /// entry changes, and spends its loads where they matter.
    pub fn detect_changes(mut self) -> Self
    where
        V: PartialEq,
    {
        self.is_same = Some(V::eq);
        self
    }

    /// Is called for each value that has left the cache, outside its locks, by whoever finds that:
    /// also by the timer's thread, so that it must not block.
    pub fn listener(mut self, listener: impl Fn(&K, &V, Removal) + Send + Sync + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// A timer to be shared with others, and its clock. By default it is the dispatcher's, if it
    /// has one, or one of the cache's own.
    pub fn timer(mut self, timer: Timer) -> Self {
        self.timer = Some(timer);
        self
    }

    /// How often the clock of the hit path is moved while the cache is used; every millisecond by
    /// default. By as much an answer may be taken for fresh that is stale.
    pub const fn resolution(mut self, resolution: Duration) -> Self {
        self.resolution = resolution;
        self
    }

    /// What jitter is made of. The same seed, the same calls and the same clock give the same
    /// schedule.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Makes the cache, which a timer's thread drives.
    ///
    /// # Errors
    ///
    /// If a setting or the plan is none, or the system gives no thread.
    pub fn build(mut self, dispatcher: impl Dispatcher) -> Result<RefreshCache<K, V>, BuildError> {
        let timer = match self.timer.take().or_else(|| dispatcher.timer()) {
            Some(timer) => timer,
            None => Timer::new(MonotonicClock::new()).map_err(BuildError::Thread)?,
        };
        self.policy.guard = GUARD;
        let start = timer.now();
        self.make(Box::new(dispatcher), CacheClock::new(Some(timer), start), start)
    }

    /// Makes a cache that does nothing by itself: the caller moves its clock, by
    /// [`advance`](RefreshCache::advance). For an event loop of your own, for tests, and for
    /// simulations.
    ///
    /// # Errors
    ///
    /// If a setting or the plan is none.
    pub fn build_driven(
        self,
        dispatcher: impl Dispatcher,
        start: Time,
    ) -> Result<RefreshCache<K, V>, BuildError> {
        self.make(Box::new(dispatcher), CacheClock::new(None, start), start)
    }

    fn make(
        self,
        dispatcher: Box<dyn Dispatcher>,
        clock: CacheClock,
        start: Time,
    ) -> Result<RefreshCache<K, V>, BuildError> {
        self.validate()?;
        // Every entry may be loaded: ids are slots, and grow with the entries alone.
        let plan = Config { bound: self.plan.bound.max(SLOTS), ..self.plan };
        let planner = Planner::new(plan, start).map_err(BuildError::Plan)?;
        let mut core = Core::new(planner, start, self.seed);
        core.latency = Latency::declared(self.latency);
        let shared = Shared::new(Parts {
            store: self.store()?,
            clock,
            core,
            policy: self.policy,
            loader: self.loader,
            dispatcher,
            listener: self.listener,
            is_same: self.is_same,
            resolution: self.resolution.max(Duration::from_micros(100)),
        });
        Ok(RefreshCache { shared })
    }

    fn store(&self) -> Result<Store<K, V>, BuildError> {
        let weight = usize::try_from(self.capacity).unwrap_or(usize::MAX);
        let most = if self.weigher.is_some() { ENTRIES } else { usize::MAX };
        let entries = self.entries.unwrap_or(weight.min(most));
        let options = |weight| {
            let mut options = OptionsBuilder::new();
            options.estimated_items_capacity(entries).weight_capacity(weight).build()
        };
        let wrong = |_| BuildError::Setting("capacity");
        let values = options(self.capacity).map_err(wrong)?;
        let marks = options((entries as u64).max(LEAST_MARKS)).map_err(wrong)?;
        let (weigh, hasher) = (Weigh(self.weigher.clone()), DefaultHashBuilder::default());
        let unit = UnitWeighter;
        Ok(Store {
            values: Values::with_options(values, weigh, hasher.clone(), Collect),
            marks: Marks::with_options(marks, unit, hasher, Collect),
        })
    }

    fn validate(&self) -> Result<(), BuildError> {
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        let Policy { jitter, refresh_after, soft_ttl, hard_ttl, first_back_off, .. } = self.policy;
        let checks = [
            (self.capacity > 0, "capacity"),
            (is_share(jitter), "jitter"),
            (is_share(refresh_after), "share of the soft TTL"),
            (!soft_ttl.is_zero(), "soft TTL"),
            (hard_ttl != Some(Duration::ZERO), "hard TTL"),
            (!first_back_off.is_zero(), "back-off"),
        ];
        match checks.into_iter().find(|(is_valid, _)| !is_valid) {
            Some((_, name)) => Err(BuildError::Setting(name)),
            None => Ok(()),
        }
    }
}

impl<K, V> fmt::Debug for Builder<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Builder")
            .field("capacity", &self.capacity)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
