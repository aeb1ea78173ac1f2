//! A cache, as its users see it.

use core::fmt;
use core::hash::Hash;
use core::time::Duration;

use equivalent::Equivalent;

use super::answer::{Answer, Ttl};
use super::calls::Need;
use super::entry::Entry;
use super::error::CycleError;
use super::loaded::Loaded;
use super::loader::BoxFuture;
use super::shared::Shared;
use super::stats::Stats;
use super::stored::{Kind, Stored};
use super::wait::Wait;
use crate::scheduler::Budget;
use crate::sync::Arc;
use crate::time::Time;

/// A cache that refreshes its entries before they are too old. A handle: its clones are the same
/// cache. With the last one, who waits hears [`Closed`](super::WaitError::Closed), and loads are
/// dropped.
///
/// See the [module](super) for what it does, and [`Builder`](super::Builder) for what can be set.
pub struct RefreshCache<K, V> {
    pub(super) shared: Arc<Shared<K, V>>,
}

impl<K, V> Clone for RefreshCache<K, V> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K, V> RefreshCache<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What is there, at once. What is stale is refreshed when its turn comes; what is missing is
    /// loaded, for whoever asks next.
    ///
    /// See the [module](super#what-a-hit-costs) for its cost.
    pub fn get<Q>(&self, key: &Q) -> Answer<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match self.find(key) {
            Found::Fresh(answer) | Found::Stale(answer) => answer,
            Found::Missing(now) => self.ask(key, now),
        }
    }

    /// What is there, or where nothing is, what a load brings within the budget.
    ///
    /// Many who ask for the same key wait for the same load, each for its own budget.
    pub fn get_or_wait<Q>(&self, key: &Q, budget: Budget) -> Wait<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match self.find(key) {
            Found::Fresh(answer) | Found::Stale(answer) => Wait::ready(Ok(answer)),
            Found::Missing(now) => self.wait(key, now, budget, Need::Any),
        }
    }

    /// What is there if it is fresh, or else what a load brings within the budget: never a stale
    /// answer.
    pub fn get_fresh<Q>(&self, key: &Q, budget: Budget) -> Wait<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match self.find(key) {
            Found::Fresh(answer) => Wait::ready(Ok(answer)),
            Found::Stale(_) => self.wait(key, self.now(), budget, Need::Fresh),
            Found::Missing(now) => self.wait(key, now, budget, Need::Fresh),
        }
    }

    /// Loads the key anew, whatever there is, and waits for that within the budget. If a load is
    /// under way already, that one will do. A key whose loads fail is left to its back-off.
    pub fn refresh<Q>(&self, key: &Q, budget: Budget) -> Wait<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.wait(key, self.now(), budget, Need::Load)
    }

    /// What is there, without a trace: nothing is counted, refreshed or loaded.
    #[must_use]
    pub fn peek<Q>(&self, key: &Q) -> Answer<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.shared.peek_at(key, self.now())
    }

    /// Stores a value, or with [`Loaded`] more than that. It wins over a load that is under way;
    /// who waits for that load gets this value.
    #[expect(clippy::needless_pass_by_value, reason = "the key of a new entry is the caller's")]
    pub fn put(&self, key: K, value: impl Into<Loaded<V>>) {
        let (loaded, now) = (value.into(), self.now());
        self.shared.visit(now, |visit| visit.put(&key, loaded));
    }

    /// Removes what is stored for the key; says whether there was something. It wins over a load
    /// that is under way. An entry that is in demand is loaded again as soon as the plan allows.
    pub fn invalidate<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.shared.visit(self.now(), |visit| visit.invalidate(key))
    }

    /// Makes what is stored for the key stale from now on; says whether there was something. It
    /// wins over a load that is under way, since that may have read what is old now: what it brings
    /// is stored, and stale.
    pub fn expire<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.shared.visit(self.now(), |visit| visit.expire(key))
    }

    /// The time that a value, or the knowledge that there is none, has left; `None` if nothing is
    /// known. O(1), behind the cache's lock.
    #[must_use]
    pub fn ttl<Q>(&self, key: &Q) -> Option<Ttl>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let now = self.now();
        self.shared.look(|core| {
            let record = core.records.get(core.records.find(key)?)?;
            let is_entry = matches!(record.stored, Some(Kind::Value | Kind::Absent));
            (is_entry && now < record.hard).then(|| Ttl {
                soft: record.soft.saturating_since(now),
                hard: record.hard.saturating_since(now),
            })
        })
    }

    /// Removes everything; loads that are under way store nothing. All at once for everybody: who
    /// gets something meanwhile finds nothing, and who has to wait for a load waits for the end of
    /// this, too. O(n) behind the cache's lock.
    pub fn clear(&self) {
        self.shared.visit(self.now(), |visit| visit.clear());
    }

    /// The place of a key, for several calls about it.
    pub const fn entry(&self, key: K) -> Entry<'_, K, V> {
        Entry::new(self, key)
    }

    /// How many entries there are, with those that are known to be absent. Some may have expired
    /// a moment ago.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.entries()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries weigh together.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.shared.store.values.weight()
    }

    /// What they may weigh together.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.shared.store.values.capacity()
    }

    /// The time by the cache's clock, from which budgets are counted.
    #[must_use]
    pub fn now(&self) -> Time {
        self.shared.clock.now()
    }

    /// What the cache has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let [fresh, stale, missing] = self.shared.counters.sums();
        let weight = self.weight();
        self.shared.look(|core| Stats {
            fresh,
            stale,
            missing,
            loads: core.stats.clone(),
            entries: core.entries as u64,
            weight,
            in_flight: core.planner.in_flight(),
            price: core.planner.price(),
            latency: core.latency.high(),
        })
    }

    /// Of a cache that the caller [drives](super::Builder::build_driven): moves its clock to
    /// `now`, and does what is due: counts hits, ends waits, starts loads. Returns when there is
    /// something to do again; `None` if only another call can bring that.
    ///
    /// Between two calls the cache's time stands still: call it every millisecond or so while the
    /// cache is used. Bounded work; it says `now` if there is more. For other caches it does
    /// nothing but what their own thread would do a little later.
    pub fn advance(&self, now: Time) -> Option<Time> {
        self.shared.advance(now)
    }

    /// Declares that this function depends on another cached one: by which key, `key` tells, if it
    /// does at all. Before this one is loaded, the other's key is loaded if it is not fresh; and
    /// this one's refreshes begin so early that there is time for both.
    ///
    /// # Errors
    ///
    /// If the other depends on this one already, directly or not.
    pub fn depends_on<K2, V2>(
        &self,
        other: &RefreshCache<K2, V2>,
        key: impl Fn(&K) -> Option<K2> + Send + Sync + 'static,
    ) -> Result<(), CycleError>
    where
        K2: Clone + Eq + Hash + Send + Sync + 'static,
        V2: Clone + Send + Sync + 'static,
    {
        self.shared.node.depend_on(&other.shared.node)?;
        let other = other.clone();
        let upstream = move |own: &K, budget: Budget| -> Option<BoxFuture<()>> {
            let key = key(own)?;
            if matches!(other.peek(&key), Answer::Fresh(_) | Answer::Absent) {
                return None;
            }
            let refreshed = match budget.deadline() {
                Some(_) => other.get_fresh(&key, budget),
                // For a refresh that has no deadline itself, this one has none.
                None => other.shared.visit(other.now(), |visit| visit.freshen(&key))?,
            };
            // The loader will hear of a failure when it asks for the value itself.
            Some(Box::pin(async { drop(refreshed.await) }))
        };
        self.shared.upstreams.lock().push(Arc::new(upstream));
        Ok(())
    }

    /// How long a load takes, as a high quantile, and the most that one of those takes on which it
    /// depends, and so on.
    #[must_use]
    pub fn total_latency(&self) -> Duration {
        self.shared.node.total_latency()
    }

    /// What is there, or the value, which is stored then.
    pub(super) fn put_if_missing(&self, key: &K, value: V) -> Answer<V> {
        let (now, mut value) = (self.now(), Some(value));
        // What is not needed is dropped here, and not under the lock.
        self.shared.visit(now, |visit| match visit.shared.peek_at(key, now) {
            Answer::Missing => value.take().map_or(Answer::Missing, |value| {
                visit.put(key, Loaded::new(value.clone()));
                Answer::Fresh(value)
            }),
            known => known,
        })
    }

    /// What is stored and may be served.
    #[inline]
    pub(super) fn find<Q>(&self, key: &Q) -> Found<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let shared = &*self.shared;
        match shared.store.values.get(key) {
            Some(stored) if stored.is_fresh_at(shared.clock.coarse()) => {
                self.count(stored.slot(), stored.shift());
                Found::Fresh(Answer::Fresh(stored.value))
            }
            found => self.find_slowly(key, found),
        }
    }

    /// A hit is counted, if its entry says so.
    #[inline]
    fn count(&self, slot: u32, shift: u32) {
        if let Some(count) = self.shared.hits.sample(slot, shift) {
            self.shared.counters.add_fresh(count);
        }
    }

    /// There is no value, it is not certainly fresh, or the coarse clock is parked.
    #[cold]
    fn find_slowly<Q>(&self, key: &Q, found: Option<Stored<V>>) -> Found<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let shared = &*self.shared;
        let now = self.now();
        shared.wake(now);
        let (is_served, epoch) = (!shared.clock.is_clearing(), shared.clock.epoch());
        if let Some(stored) = found.filter(|stored| is_served && stored.is_served_at(epoch, now)) {
            let (slot, shift, is_fresh) =
                (stored.slot(), stored.shift(), stored.is_fresh_at_true(epoch, now));
            self.count_slowly(slot, shift, is_fresh);
            return Found::of(stored.answer(epoch, now), is_fresh);
        }
        let mark = shared.store.marks.get(key);
        let mark = mark.filter(|mark| is_served && mark.is_served_at(epoch, now));
        if let Some(mark) = mark.filter(|mark| mark.kind() == Kind::Absent) {
            let is_fresh = mark.is_fresh_at_true(epoch, now);
            self.count_slowly(mark.slot(), mark.shift(), is_fresh);
            return Found::of(Answer::Absent, is_fresh);
        }
        shared.counters.add_missing();
        Found::Missing(now)
    }

    fn count_slowly(&self, slot: u32, shift: u32, is_fresh: bool) {
        if is_fresh {
            self.count(slot, shift);
        } else {
            self.shared.hits.sample_stale(slot, shift);
            self.shared.counters.add_stale();
        }
    }

    /// Asks for a load that nobody waits for.
    #[cold]
    fn ask<Q>(&self, key: &Q, now: Time) -> Answer<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        if self.shared.clock.is_clearing() {
            // The lock is held for long, and whatever is asked for now is forgotten by its end.
            return Answer::Missing;
        }
        self.shared.visit(now, |visit| visit.ask(key))
    }

    fn wait<Q>(&self, key: &Q, now: Time, budget: Budget, need: Need) -> Wait<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.shared.visit(now, |visit| visit.get_or_wait(key, budget, need))
    }
}

/// What a lookup came to.
pub(super) enum Found<V> {
    Fresh(Answer<V>),
    Stale(Answer<V>),
    /// Nothing, at this time.
    Missing(Time),
}

impl<V> Found<V> {
    const fn of(answer: Answer<V>, is_fresh: bool) -> Self {
        if is_fresh { Self::Fresh(answer) } else { Self::Stale(answer) }
    }
}

impl<K, V> fmt::Debug for RefreshCache<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RefreshCache")
            .field("handles", &Arc::strong_count(&self.shared))
            .finish_non_exhaustive()
    }
}
