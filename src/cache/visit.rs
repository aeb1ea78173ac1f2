//! What is done under the core's lock: demands, writes, and what the planner wants.

use core::hash::Hash;
use core::mem;
use core::time::Duration;

use equivalent::Equivalent;

use super::answer::Removal;
use super::core::{Command, Core, Effects};
use super::errand::{Errand, Landing};
use super::error::{LoadError, WaitError};
use super::flight::Flight;
use super::load::{Body, Load, Order};
use super::loaded::{Content, Loaded};
use super::policy::Lifetime;
use super::shared::Shared;
use super::stored::{Kind, Stored};
use super::wait::{Host, Wait, Waiting};
use crate::key::Key;
use crate::refresh::{Demand, Learned, Next, Urgency};
use crate::scheduler::Budget;
use crate::sync::{Arc, MutexGuard, Weak};
use crate::time::Time;

/// So many loads are started by one look at the planner, and as many other things done.
const MOST_STEPS: usize = 64;

/// So many hits are counted for each value, about; of the others only some.
const HITS_A_VALUE: f64 = 32.0;

/// Exclusive access to the core, and what is to be done after it.
pub(super) struct Visit<'a, K, V> {
    pub(super) shared: &'a Shared<K, V>,
    pub(super) core: MutexGuard<'a, Core<K, V>>,
    pub(super) now: Time,
    pub(super) effects: Effects<K, V>,
}

/// A load that starts.
struct Start<K, V> {
    landing: Landing<K, V>,
    urgency: Urgency,
    until: Time,
}

impl<K, V> Visit<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The record of a key that somebody wants.
    pub(super) fn find_or_add<Q>(&mut self, key: &Q) -> Key
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.core.records.find_or_add(key)
    }

    /// Somebody wants a load: the flight that will bring it. With a deadline, somebody waits.
    pub(super) fn demand(
        &mut self,
        key: Key,
        deadline: Option<Time>,
    ) -> Result<Arc<Flight<V>>, WaitError> {
        let (now, slot) = (self.now, key.slot());
        let Core { records, planner, .. } = &mut *self.core;
        let Some(record) = records.get_mut(key) else { return Err(WaitError::Closed) };
        if let Some(flight) = record.flight.clone() {
            // The planner has let go of a load whose entry was evicted: it is none of its ids'.
            if record.load.is_none() || planner.is_loading(slot) {
                planner.demand(now, slot, deadline);
            }
            return Ok(flight);
        }
        let refused = match planner.demand(now, slot, deadline) {
            Demand::Queued | Demand::Joined(_) => {
                let flight = Arc::new(Flight::new(now));
                record.flight = Some(flight.clone());
                return Ok(flight);
            }
            Demand::BackedOff(until) => {
                let error = record.error.clone().unwrap_or(LoadError::Dropped);
                WaitError::BackedOff { error, until }
            }
            Demand::Full => WaitError::Full,
        };
        self.forget_if_idle(key);
        Err(refused)
    }

    /// Waits for a flight.
    pub(super) fn wait(&mut self, flight: Arc<Flight<V>>, budget: Budget) -> Wait<V> {
        let deadline = budget.deadline();
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            self.core.stats.elapsed += 1;
            return Wait::ready(Err(WaitError::Elapsed));
        }
        self.core.stats.waits += 1;
        let number = flight.join(deadline.unwrap_or(Time::MAX));
        let timer = deadline.map(|at| self.core.waits.insert(at, (flight.clone(), number)));
        let host: Weak<dyn Host> = self.shared.own.clone();
        Wait::until(Waiting { flight, number, timer, host })
    }

    /// Lets go of a key about which nothing is worth knowing.
    pub(super) fn forget_if_idle(&mut self, key: Key) {
        let Some(record) = self.core.records.get(key) else { return };
        if record.stored.is_none() && record.flight.is_none() {
            let now = self.now;
            self.core.planner.remove(now, key.slot());
            self.core.records.remove(key);
        }
    }

    /// The load in flight for the key is not its any more; it goes on for those who wait. One
    /// that has not begun will see what is new.
    pub(super) fn supersede(&mut self, key: Key) -> Option<Arc<Flight<V>>> {
        let (now, sequence) = (self.now, self.core.next_sequence());
        let record = self.core.records.get_mut(key)?;
        record.sequence = sequence;
        record.load.take()?;
        let flight = record.flight.take();
        self.core.planner.abandon(now, key.slot());
        flight
    }

    /// The load that is wanted for the key, and has not begun, is not needed any more.
    pub(super) fn withdraw(&mut self, key: Key) -> Option<Arc<Flight<V>>> {
        let now = self.now;
        let flight = self.core.records.get_mut(key)?.flight.take();
        self.core.planner.abandon(now, key.slot());
        flight
    }

    /// A load that has not begun, which the planner doesn't know of, is wanted.
    pub(super) fn want(&mut self, key: Key, flight: Arc<Flight<V>>) {
        let now = self.now;
        let deadline = flight.first_deadline();
        if let Some(record) = self.core.records.get_mut(key) {
            record.flight = Some(flight);
            self.core.planner.demand(now, key.slot(), deadline);
        }
    }

    /// Stores what was loaded, or put.
    ///
    /// It is made at `made`: a value is as old as the beginning of its load.
    pub(super) fn store(&mut self, key: Key, loaded: Loaded<V>, made: Time) -> bool {
        let chance = self.core.chance();
        let lifetime = self.shared.policy.lifetime(&loaded, chance);
        self.store_for(key, loaded, lifetime, made)
    }

    /// Stores what lives for so long.
    pub(super) fn store_for(
        &mut self,
        key: Key,
        loaded: Loaded<V>,
        lifetime: Lifetime,
        made: Time,
    ) -> bool {
        let now = self.now;
        let lead = self.shared.total_latency(self.core.latency.high());
        let policy = &self.shared.policy;
        let terms = policy.terms(lifetime, (made, now), lead, loaded.cost);
        let slot = key.slot();
        let shift = self.shift(slot, lifetime.soft);
        let Some(record) = self.core.records.get_mut(key) else { return false };
        let (content, kind) = match loaded.content {
            Content::Value(value) => (Some(value), Kind::Value),
            Content::Absent => (None, Kind::Absent),
            Content::Unchanged => match self.shared.store.peek(&record.key) {
                Some(old) if matches!(old.kind(), Kind::Value | Kind::Absent) => {
                    (old.value.clone(), old.kind())
                }
                _ => return false,
            },
        };
        (record.made, record.cost) = (made, loaded.cost);
        (record.soft, record.hard, record.shift) = (terms.soft, terms.hard, shift);
        (record.failures, record.error) = (0, None);
        let stored = Stored::new(content, kind, slot, self.shared.clock.revision())
            .live(terms.soft, terms.hard, policy.guard(lifetime.hard))
            .sampled(shift);
        // Beyond the bound of ids nothing is refreshed; it is an entry all the same.
        let _ = self.core.planner.insert(now, slot, terms);
        self.shared.hits.welcome(slot);
        self.write(key, stored, Removal::Replaced);
        true
    }

    /// Writes to the storage, and sees to what that pushes out.
    pub(super) fn write(&mut self, key: Key, stored: Stored<V>, why: Removal) {
        let Some(record) = self.core.records.get_mut(key) else { return };
        let owned = record.key.clone();
        // The old value is dropped outside the locks, unless this is its only copy.
        let old = self.shared.store.peek(&owned).and_then(|old| old.value);
        let before = self.core.set_stored(key, Some(stored.kind()));
        match old {
            Some(old) if before == Some(Kind::Value) && self.shared.listener.is_some() => {
                self.effects.removed.push((owned.clone(), old, why));
            }
            old => self.effects.replaced.extend(old),
        }
        self.overwrite(key, owned, stored, before.is_some());
    }

    /// Changes what hits see of an entry, without a trace in the storage's order.
    pub(super) fn rewrite(&mut self, key: Key, change: impl FnOnce(Stored<V>) -> Stored<V>) {
        let Some(record) = self.core.records.get(key) else { return };
        let Some(stored) = self.shared.store.peek(&record.key) else { return };
        let owned = record.key.clone();
        self.overwrite(key, owned, change(stored), true);
    }

    fn overwrite(&mut self, key: Key, owned: K, stored: Stored<V>, was_there: bool) {
        let (store, mut evicted) = (&self.shared.store, Vec::new());
        let rejected = if was_there {
            // A refresh says nothing about how much an entry is wanted.
            store.replace_with_lifecycle(owned, stored, true, &mut evicted).err()
        } else {
            store.insert_with_lifecycle(owned, stored, &mut evicted);
            None
        };
        // What is too heavy takes its predecessor with it, and is the last one to be told.
        let mut own = None;
        for (owned, stored) in evicted.into_iter().chain(rejected) {
            if stored.slot == key.slot() {
                let earlier = own.replace((owned, stored)).and_then(|(_, stored)| stored.value);
                self.effects.replaced.extend(earlier);
            } else {
                self.evicted(owned, stored);
            }
        }
        if let Some((owned, stored)) = own {
            self.evicted(owned, stored);
        }
    }

    /// An entry was pushed out of the storage.
    fn evicted(&mut self, owned: K, stored: Stored<V>) {
        let (now, slot) = (self.now, stored.slot);
        let Some((key, _)) = self.core.records.at(slot) else { return };
        self.core.set_stored(key, None);
        self.core.stats.evicted += 1;
        self.core.planner.remove(now, slot);
        if let Some(value) = stored.value {
            self.effects.removed.push((owned, value, Removal::Evicted));
        }
        // A demand was forgotten with the rest; a load that has begun goes on.
        let record = self.core.records.get(key).filter(|record| record.load.is_none());
        if let Some(flight) = record.and_then(|record| record.flight.clone()) {
            self.want(key, flight);
        }
        self.forget_if_idle(key);
    }

    /// Takes what is stored for a key out.
    pub(super) fn take_out(&mut self, key: Key, why: Removal) {
        if self.core.set_stored(key, None).is_none() {
            return;
        }
        let Some(record) = self.core.records.get(key) else { return };
        if let Some((owned, Stored { value: Some(value), .. })) =
            self.shared.store.remove(&record.key)
        {
            self.effects.removed.push((owned, value, why));
        }
    }

    /// Leaves nothing stored for a key but that it is known.
    pub(super) fn bury(&mut self, key: Key, why: Removal) {
        let revision = self.shared.clock.revision();
        self.write(key, Stored::new(None, Kind::Gone, key.slot(), revision), why);
    }

    /// Which share of an entry's hits is to be counted.
    fn shift(&self, slot: u32, soft: Duration) -> u32 {
        let learned = self.core.planner.learned(self.now, slot);
        let hits = learned.map_or(0.0, |it: Learned| it.hit_rate) * soft.as_secs_f64();
        let excess = (hits / HITS_A_VALUE).clamp(1.0, f64::from(1_u32 << super::hits::MOST_SHIFT));
        (excess as u32).ilog2()
    }

    /// Tells the planner of hits.
    pub(super) fn take_hits(&mut self, most: usize) {
        for _ in 0..most {
            let Some((slot, hits)) = self.shared.hits.take() else { return };
            let now = self.now;
            let Some((key, record)) = self.core.records.at(slot) else { continue };
            if record.stored.is_none() {
                continue;
            }
            let (shift, soft) = (record.shift, record.soft.saturating_since(now));
            let hits = u32::try_from(hits).unwrap_or(u32::MAX);
            self.core.planner.touch(now, slot, hits);
            // Too many were counted: a value may stay for long, so its share is changed now.
            let wanted = self.shift(slot, soft).min(super::hits::MOST_SHIFT);
            if f64::from(hits >> shift) > HITS_A_VALUE / 2.0 && wanted > shift {
                if let Some(record) = self.core.records.get_mut(key) {
                    record.shift = wanted;
                }
                self.rewrite(key, |stored| stored.sampled(wanted));
            }
        }
    }

    /// Ends waits whose deadlines have come.
    pub(super) fn end_waits(&mut self) {
        for _ in 0..MOST_STEPS {
            let Some((_, (flight, number))) = self.core.waits.pop_due(self.now) else { return };
            self.core.stats.elapsed += 1;
            self.effects.wakers.extend(flight.elapse(number));
        }
    }

    /// Does what the planner wants; when it is to be asked again.
    pub(super) fn pump(&mut self) -> Option<Time> {
        let mut starts = Vec::new();
        let mut until = Some(self.now);
        for _ in 0..MOST_STEPS {
            match self.core.planner.poll(self.now) {
                Next::Load { id, load, urgency, until } => {
                    starts.extend(self.start(id, load, urgency, until));
                }
                Next::Raise { id, deadline, .. } => self.raise(id, deadline),
                Next::Overdue { id, load } => self.overdue(id, load),
                Next::Expired { id } => self.expired(id),
                Next::Wait(next) => {
                    until = next;
                    break;
                }
            }
        }
        self.dispatch(starts);
        let waits = self.core.waits.next_wakeup();
        [until, waits].into_iter().flatten().min()
    }

    fn start(
        &mut self,
        slot: u32,
        load: Key,
        urgency: Urgency,
        until: Time,
    ) -> Option<Start<K, V>> {
        let (now, sequence) = (self.now, self.core.next_sequence());
        let stats = &mut self.core.stats;
        match urgency {
            Urgency::Demanded { .. } => stats.demanded += 1,
            Urgency::Expiring { .. } => stats.expiring += 1,
            Urgency::Refresh => stats.refreshes += 1,
        }
        let (key, record) = self.core.records.at_mut(slot)?;
        let flight = record.flight.get_or_insert_with(|| Arc::new(Flight::new(now))).clone();
        record.load = Some(load);
        let owned = record.key.clone();
        let landing = Landing { record: key, key: owned, flight, load, sequence, urgency };
        Some(Start { landing, urgency, until })
    }

    /// Makes loads of what starts, of several keys if the loader takes them.
    fn dispatch(&mut self, starts: Vec<Start<K, V>>) {
        let most = self.shared.loader.most();
        let mut starts = starts.into_iter().peekable();
        while starts.peek().is_some() {
            let group: Vec<_> = starts.by_ref().take(most).collect();
            self.submit(group);
        }
    }

    fn submit(&mut self, group: Vec<Start<K, V>>) {
        let lead = self.shared.total_latency(self.core.latency.high());
        let Some(order) = order(&group, lead) else { return };
        let flights: Vec<_> = group.iter().map(|it| it.landing.flight.clone()).collect();
        let loads: Vec<_> = group.iter().map(|it| it.landing.load).collect();
        let landings = group.into_iter().map(|it| it.landing).collect();
        let errand = Errand::new(self.shared, landings, Budget::until(order.until));
        let body = Body::new(Box::new(errand));
        flights.iter().for_each(|flight| flight.set_body(&body));
        loads.into_iter().for_each(|load| self.core.set_running(load, &body));
        self.core.outbox.push_back(Command::Submit(Load::new(body, order), flights));
    }

    fn raise(&mut self, slot: u32, deadline: Time) {
        let Some((_, record)) = self.core.records.at(slot) else { return };
        let Some(flight) = record.flight.clone() else { return };
        self.core.outbox.push_back(Command::Raise(flight, deadline));
    }

    /// A load's time is over: who waits hears it, and whoever runs it is to drop it.
    fn overdue(&mut self, slot: Option<u32>, load: Key) {
        self.core.stats.overdue += 1;
        if let Some(body) = self.core.take_running(load) {
            body.call_off(&mut self.effects.wakers);
        }
        let Some((key, _)) = slot.and_then(|slot| self.core.records.at(slot)) else { return };
        let Some(record) = self.core.records.get_mut(key) else { return };
        record.load = None;
        let flight = record.flight.take();
        self.failed(key, LoadError::Overdue, None);
        if let Some(flight) = flight {
            let outcome = Err(WaitError::Failed(LoadError::Overdue));
            flight.land(outcome, &mut self.effects.wakers);
        }
    }

    /// A load has failed, and another one is not to be tried at once: until when. With a load, the
    /// planner hears of its end here.
    pub(super) fn failed(&mut self, key: Key, error: LoadError, load: Option<Key>) -> Time {
        let (now, chance) = (self.now, self.core.chance());
        let failures = self.core.records.get(key).map_or(1, |it| it.failures.saturating_add(1));
        let retry_at = now + self.shared.policy.back_off(failures, chance);
        match load {
            Some(load) => {
                let end = crate::refresh::End::Failed { retry_at };
                self.core.planner.finish(now, load, end);
            }
            None => self.core.planner.back_off(now, key.slot(), retry_at),
        }
        let Some(record) = self.core.records.get_mut(key) else { return retry_at };
        (record.failures, record.error) = (failures, Some(error));
        let (is_live, hard) = (record.stored == Some(Kind::Value), record.hard);
        if record.stored.is_none() {
            // What is known of the failure takes a place in the storage: that bounds it.
            self.bury(key, Removal::Replaced);
        } else if is_live && !self.shared.policy.stale_if_error.is_zero() {
            let hard = hard + self.shared.policy.stale_if_error;
            self.core.planner.set_hard(now, key.slot(), hard);
            self.rewrite(key, |mut stored| {
                stored.hard_ns = hard.as_nanos();
                stored
            });
        }
        retry_at
    }

    /// The hard expiry has come.
    fn expired(&mut self, slot: u32) {
        let Some((key, record)) = self.core.records.at(slot) else { return };
        if record.stored == Some(Kind::Value) {
            self.core.stats.expired += 1;
        }
        self.take_out(key, Removal::Expired);
        self.forget_if_idle(key);
    }

    /// What is done once the lock is free.
    pub(super) fn take_effects(&mut self) -> Effects<K, V> {
        mem::replace(&mut self.effects, Effects::new())
    }
}

/// What a dispatcher is told of loads that go together.
fn order<K, V>(group: &[Start<K, V>], lead: Duration) -> Option<Order> {
    let first = group.first()?;
    let rank = |urgency: &Urgency| match urgency {
        Urgency::Demanded { .. } => 0,
        Urgency::Expiring { .. } => 1,
        Urgency::Refresh => 2,
    };
    let urgency = group.iter().map(|it| it.urgency).min_by_key(rank)?;
    let deadline = group.iter().filter_map(|it| deadline(it.urgency)).min();
    Some(Order { urgency, deadline, lead, until: first.until, keys: group.len() })
}

/// When a load must be done for the sake of those who wait, or of the hard expiry.
pub(super) const fn deadline(urgency: Urgency) -> Option<Time> {
    match urgency {
        Urgency::Demanded { deadline } => deadline,
        Urgency::Expiring { hard } => Some(hard),
        Urgency::Refresh => None,
    }
}
