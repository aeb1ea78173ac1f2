//! What is done under the core's lock: demands, writes, and what the planner wants.

use core::hash::Hash;
use core::mem;

use equivalent::Equivalent;

use super::core::{Command, Core, Discarded, Effects};
use super::error::{LoadError, WaitError};
use super::flight::{Flight, Outcome};
use super::shared::Shared;
use super::wait::{Host, Wait, Waiting};
use crate::key::Key;
use crate::refresh::Demand;
use crate::scheduler::Budget;
use crate::sync::{Arc, MutexGuard, Weak};
use crate::time::Time;

/// So many waits are ended by one look at them.
const MOST_STEPS: usize = 64;

/// Exclusive access to the core, and what is to be done after it.
pub(super) struct Visit<'a, K, V> {
    pub(super) shared: &'a Shared<K, V>,
    pub(super) core: MutexGuard<'a, Core<K, V>>,
    pub(super) now: Time,
    pub(super) effects: Effects<K, V>,
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
        let Core { records, planner, outbox, .. } = &mut *self.core;
        let Some(record) = records.get_mut(key) else { return Err(WaitError::Closed) };
        if let Some(flight) = record.flight.clone() {
            if record.load.is_none() || planner.is_loading(slot) {
                planner.demand(now, slot, deadline);
            } else if let Some(deadline) = deadline {
                // The planner has let go of a load whose entry was evicted: it is none of its ids'.
                outbox.push_back(Command::Raise(flight.clone(), deadline));
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
            self.shared.hits.forget(key.slot());
            let error = self.core.records.remove(key).and_then(|record| record.error);
            self.discard(error.map(Discarded::Error));
        }
    }

    /// Drops something of the user's once the lock is free.
    pub(super) fn discard(&mut self, unneeded: Option<Discarded<V>>) {
        self.effects.discarded.extend(unneeded);
    }

    /// Tells those who wait for a flight.
    pub(super) fn tell(&mut self, flight: &Flight<V>, outcome: Outcome<V>) {
        let unneeded = flight.land(outcome, &mut self.effects.wakers);
        self.discard(unneeded.map(Discarded::Outcome));
    }

    /// The load in flight for the key is not its any more: it stores nothing, and goes on for those
    /// who wait. One that has not begun will see what is new.
    pub(super) fn supersede(&mut self, key: Key) -> Option<Arc<Flight<V>>> {
        let sequence = self.core.next_sequence();
        self.core.records.get_mut(key)?.sequence = sequence;
        let flight = self.let_go(key)?;
        if flight.first_deadline().is_none() {
            // Nobody waits for it, and nothing of it will be stored.
            self.core.outbox.push_back(Command::Cancel(flight.clone()));
        }
        Some(flight)
    }

    /// Who comes from now on doesn't wait for the load in flight for the key.
    pub(super) fn let_go(&mut self, key: Key) -> Option<Arc<Flight<V>>> {
        let now = self.now;
        let record = self.core.records.get_mut(key)?;
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

    /// Ends waits whose deadlines have come.
    pub(super) fn end_waits(&mut self) {
        for _ in 0..MOST_STEPS {
            let Some((_, (flight, number))) = self.core.waits.pop_due(self.now) else { return };
            let is_elapsed = flight.elapse(number, &mut self.effects.wakers);
            self.core.stats.elapsed += u64::from(is_elapsed);
        }
    }

    /// What is done once the lock is free.
    pub(super) fn take_effects(&mut self) -> Effects<K, V> {
        mem::replace(&mut self.effects, Effects::new())
    }
}
