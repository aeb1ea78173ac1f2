//! The work of a load: what it depends on first, then the loader, then its way home.

use core::hash::Hash;
use core::mem;
use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::core::Discarded;
use super::error::{LoadError, WaitError};
use super::flight::Flight;
use super::load::{Attempt, Order};
use super::loaded::{Content, Loaded};
use super::loader::{Batch, BoxFuture, Loader};
use super::pump::deadline;
use super::shared::Shared;
use super::visit::Visit;
use crate::contain::contain;
use crate::key::Key;
use crate::refresh::{Demand, End, Urgency};
use crate::scheduler::Budget;
use crate::sync::{Arc, Weak};
use crate::time::Time;

/// What a load is for.
pub(super) struct Landing<K, V> {
    /// Of the record; stale if that was forgotten meanwhile.
    pub(super) record: Key,
    pub(super) key: K,
    pub(super) flight: Arc<Flight<V>>,
    /// As the planner knows it.
    pub(super) load: Key,
    /// Its place in the order of loads, writes and invalidations.
    pub(super) sequence: u64,
    pub(super) urgency: Urgency,
}

/// One or several keys on their way. It holds its cache weakly: a cache that is gone needs no
/// results.
pub(super) struct Errand<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    shared: Weak<Shared<K, V>>,
    loader: Arc<Loader<K, V>>,
    /// Empty once they have landed.
    landings: Vec<Landing<K, V>>,
    budget: Budget,
    /// The time of those who wait: without any, what it depends on is as little urgent.
    upstream: Budget,
    began: Option<Time>,
    stage: Stage<K, V>,
}

enum Stage<K, V> {
    Waiting,
    /// What it depends on is loaded first.
    Upstream(Vec<BoxFuture<()>>),
    Loading(BoxFuture<Batch<K, V>>),
}

impl<K, V> Errand<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(shared: &Shared<K, V>, landings: Vec<Landing<K, V>>, order: &Order) -> Self {
        let (loader, own) = (shared.loader.clone(), shared.own.clone());
        let budget = Budget::until(order.until);
        let upstream = order.deadline.map_or(Budget::UNLIMITED, Budget::until);
        let (began, stage) = (None, Stage::Waiting);
        Self { shared: own, loader, landings, budget, upstream, began, stage }
    }

    /// Goes on as far as it can. What the user wrote may panic.
    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Batch<K, V>> {
        loop {
            match &mut self.stage {
                Stage::Waiting => self.stage = Stage::Upstream(self.upstream()),
                Stage::Upstream(waits) => {
                    waits.retain_mut(|wait| wait.as_mut().poll(context).is_pending());
                    if !waits.is_empty() {
                        return Poll::Pending;
                    }
                    self.began = self.shared.upgrade().map(|shared| shared.clock.now());
                    let keys = self.landings.iter().map(|landing| landing.key.clone()).collect();
                    self.stage = Stage::Loading(self.loader.load(keys, self.budget));
                }
                Stage::Loading(loading) => return loading.as_mut().poll(context),
            }
        }
    }

    fn upstream(&self) -> Vec<BoxFuture<()>> {
        let Some(shared) = self.shared.upgrade() else { return Vec::new() };
        let keys = self.landings.iter().map(|landing| &landing.key);
        keys.flat_map(|key| shared.upstream(key, self.upstream)).collect()
    }

    /// Brings home what there is.
    fn land(&mut self, result: Batch<K, V>) {
        let landings = mem::take(&mut self.landings);
        let Some(shared) = self.shared.upgrade() else { return close(&landings) };
        let began = self.began;
        match result {
            Ok(mut loaded) => {
                for landing in landings {
                    let found = loaded.iter().position(|(key, _)| *key == landing.key);
                    let found = found.map(|at| loaded.swap_remove(at).1);
                    let loaded = found.unwrap_or_else(Loaded::absent);
                    let landed = contain(|| shared.land(&landing, Ok(loaded), began));
                    if landed.is_none() {
                        let error = LoadError::panicked(&"a value could not be stored");
                        contain(|| shared.land(&landing, Err(error), began));
                    }
                }
            }
            Err(error) => {
                for landing in landings {
                    contain(|| shared.land(&landing, Err(error.clone()), began));
                }
            }
        }
    }
}

impl<K, V> Attempt for Errand<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.advance(context)));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(payload) => {
                let error = LoadError::panicked(&*payload);
                // To drop what was thrown may panic once more.
                mem::forget(payload);
                Err(error)
            }
        };
        let stage = mem::replace(&mut self.stage, Stage::Waiting);
        contain(|| drop(stage));
        self.land(result);
        Poll::Ready(())
    }
}

impl<K, V> Drop for Errand<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        let stage = mem::replace(&mut self.stage, Stage::Waiting);
        contain(|| drop(stage));
        if !self.landings.is_empty() {
            self.land(Err(LoadError::Dropped));
        }
    }
}

impl<K, V> Visit<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A load has come home.
    ///
    /// What it brought is stored if nothing newer was written, and the key not invalidated, since
    /// it began: also after its time was over, since slow values are better than none.
    pub(super) fn land(
        &mut self,
        landing: &Landing<K, V>,
        result: Result<Loaded<V>, LoadError>,
        (began, is_changed): (Option<Time>, Option<bool>),
    ) {
        self.core.take_running(landing.load);
        let outcome = match result {
            Ok(loaded) => self.loaded(landing, loaded, began.unwrap_or(self.now), is_changed),
            Err(error) => match self.missed(landing, error) {
                Some(outcome) => outcome,
                // Somebody waits for another try.
                None => return,
            },
        };
        self.leave_flight(landing);
        self.tell(&landing.flight, outcome);
        self.forget_if_idle(landing.record);
    }

    fn is_current(&self, landing: &Landing<K, V>) -> bool {
        let record = self.core.records.get(landing.record);
        record.is_some_and(|record| record.sequence < landing.sequence)
    }

    fn is_of_flight(&self, landing: &Landing<K, V>) -> bool {
        self.core.is_flight_of(landing.record, &landing.flight)
    }

    fn leave_flight(&mut self, landing: &Landing<K, V>) {
        if self.is_of_flight(landing)
            && let Some(record) = self.core.records.get_mut(landing.record)
        {
            (record.flight, record.load) = (None, None);
        }
    }

    fn loaded(
        &mut self,
        landing: &Landing<K, V>,
        loaded: Loaded<V>,
        began: Time,
        is_changed: Option<bool>,
    ) -> super::flight::Outcome<V> {
        let now = self.now;
        let stats = &mut self.core.stats;
        stats.loaded += 1;
        let took = now.saturating_since(began);
        stats.took.record(took);
        self.core.latency.record(took);
        let end = match is_changed {
            _ if matches!(loaded.content, Content::Unchanged) => End::Unchanged,
            Some(true) => End::Changed,
            Some(false) => End::Unchanged,
            None => End::Loaded,
        };
        if !self.is_current(landing) {
            self.core.stats.superseded += 1;
            self.core.planner.finish(now, landing.load, End::Loaded);
            let answer = loaded.answer().ok_or(WaitError::Failed(nothing_to_keep()));
            self.discard(Some(Discarded::Loaded(loaded)));
            return answer;
        }
        self.note_lag(landing);
        self.core.planner.finish(now, landing.load, end);
        let outcome = loaded.answer();
        if !self.store(landing.record, loaded, began) {
            let error = nothing_to_keep();
            self.failed(landing.record, error.clone(), None);
            self.discard(outcome.map(|answer| Discarded::Outcome(Ok(answer))));
            return Err(WaitError::Failed(error));
        }
        if let Some(record) = self.core.records.get_mut(landing.record) {
            record.sequence = landing.sequence;
            if landing.sequence < record.expired {
                self.turn_stale(landing.record);
            }
        }
        Ok(outcome.unwrap_or_else(|| self.shared.peek_at(&landing.key, now)))
    }

    fn note_lag(&mut self, landing: &Landing<K, V>) {
        let now = self.now;
        let Some(record) = self.core.records.get(landing.record) else { return };
        let (is_stored, soft) = (record.stored.is_some(), record.soft);
        match landing.urgency {
            Urgency::Demanded { .. } if !is_stored => {
                let since = landing.flight.since;
                self.core.stats.miss_time.record(now.saturating_since(since));
            }
            _ => self.core.stats.lag.record(now.saturating_since(soft)),
        }
    }

    /// A load has brought nothing; what who waits is told, unless there is another try.
    fn missed(
        &mut self,
        landing: &Landing<K, V>,
        error: LoadError,
    ) -> Option<super::flight::Outcome<V>> {
        let is_dropped = matches!(error, LoadError::Dropped);
        let stats = &mut self.core.stats;
        *(if is_dropped { &mut stats.dropped } else { &mut stats.failed }) += 1;
        let now = self.now;
        if !self.is_of_flight(landing) {
            let end = End::Failed { retry_at: now };
            self.core.planner.finish(now, landing.load, end);
        } else if is_dropped {
            return self.dropped(landing);
        } else {
            self.failed(landing.record, error.clone(), Some(landing.load));
        }
        Some(Err(WaitError::Failed(error)))
    }

    /// Its dispatcher had no time for a load, which is nothing against the key: a refresh is tried
    /// again later, and those whose deadline was not the first are waited for still.
    ///
    /// If none is left, it is wanted once more, without a deadline: who comes next finds it.
    fn dropped(&mut self, landing: &Landing<K, V>) -> Option<super::flight::Outcome<V>> {
        let (now, chance) = (self.now, self.core.chance());
        let first = landing.flight.first_deadline().or_else(|| deadline(landing.urgency));
        let is_demanded = matches!(landing.urgency, Urgency::Demanded { .. });
        let is_wanted = is_demanded || landing.flight.first_deadline().is_some();
        let mut retry_at = now;
        if let Some(record) = self.core.records.get_mut(landing.record).filter(|_| !is_wanted) {
            record.drops = record.drops.saturating_add(1);
            retry_at += self.shared.policy.back_off(record.drops, chance);
        }
        self.core.planner.finish(now, landing.load, End::Dropped { retry_at });
        let wakers = &mut self.effects.wakers;
        let next = first.and_then(|first| landing.flight.land_until(first, wakers));
        if next.is_none() && (first.is_none() || !is_wanted) {
            return Some(Err(WaitError::Failed(LoadError::Dropped)));
        }
        if let Some(record) = self.core.records.get_mut(landing.record) {
            record.load = None;
        }
        let next = next.filter(|&next| next < Time::MAX);
        match self.core.planner.demand(now, landing.record.slot(), next) {
            Demand::Queued | Demand::Joined(_) => None,
            Demand::BackedOff(_) => Some(Err(WaitError::Failed(LoadError::Dropped))),
            Demand::Full => Some(Err(WaitError::Full)),
        }
    }
}

/// The cache is gone.
fn close<K, V>(landings: &[Landing<K, V>]) {
    let mut wakers = Vec::new();
    for landing in landings {
        drop(landing.flight.land(Err(WaitError::Closed), &mut wakers));
    }
    for waker in wakers {
        contain(|| waker.wake());
    }
}

fn nothing_to_keep() -> LoadError {
    LoadError::failed("the loader says 'unchanged', but the old value is gone")
}
