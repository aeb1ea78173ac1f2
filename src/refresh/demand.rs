//! What is wanted, and how loads end.

use super::planner::{Load, Planner, Rank};
use super::terms::{Demand, End, Urgency};
use crate::key::Key;
use crate::time::Time;

impl Planner {
    /// Somebody wants a load of the id: nothing is stored, or nothing that is fresh enough. With a
    /// deadline, somebody waits until then; demands are started in the order of their deadlines,
    /// of which none counts as further ahead than a [time-out](super::Config::load_timeout).
    /// O(log n); allocates by growth.
    pub fn demand(&mut self, now: Time, id: u32, deadline: Option<Time>) -> Demand {
        let now = self.at(now);
        let most = now + self.config.load_timeout;
        let by = deadline.map_or(most, |deadline| deadline.min(most));
        let rank = Rank { by, number: self.demanded, deadline };
        if let Some(before) = self.demands.priority(id) {
            let deadline = before.deadline.into_iter().chain(deadline).min();
            let rank = Rank { by: rank.by.min(before.by), deadline, ..before };
            if rank != before {
                self.demands.change_key(id, rank);
            }
            return Demand::Queued;
        }
        if let Some(entry) = self.entry(id) {
            if let Some(load) = entry.load {
                self.raise(load, deadline);
                return Demand::Joined(load);
            }
            if now < entry.barred_until {
                return Demand::BackedOff(entry.barred_until);
            }
        }
        if self.demands.len() >= self.config.demand_bound as usize
            || self.entry_or_unknown(id).is_err()
        {
            return Demand::Full;
        }
        let pushed = self.demands.push(id, rank);
        debug_assert!(pushed.is_ok(), "{pushed:?}");
        self.demanded += 1;
        self.arm(id);
        Demand::Queued
    }

    /// A load in flight has a deadline, if that is earlier than it had.
    pub(super) fn raise(&mut self, key: Key, deadline: Option<Time>) {
        let (Some(deadline), Some(load)) = (deadline, self.loads.get_mut(key)) else { return };
        let before = match load.urgency {
            Urgency::Demanded { deadline } => deadline,
            Urgency::Expiring { hard } => Some(hard),
            Urgency::Refresh => None,
        };
        if before.is_none_or(|before| deadline < before) {
            load.urgency = Urgency::Demanded { deadline: Some(deadline) };
            if !core::mem::replace(&mut load.is_raised, true) {
                self.raises.push_back(key);
            }
        }
    }

    /// A load has ended: its place is free. Returns the id that it counted for; `None` if that has
    /// let go of it, or if the load was overdue. After a success, [`insert`](Self::insert) is to
    /// follow. O(log n).
    pub fn finish(&mut self, now: Time, load: Key, end: End) -> Option<u32> {
        self.at(now);
        let ended = self.release(load)?;
        let id = ended.id?;
        let entry = self.entry_mut(id)?;
        entry.load = None;
        match (end, ended.age) {
            (End::Changed, Some(age)) => entry.changes.observe(age, true),
            (End::Unchanged, Some(age)) => entry.changes.observe(age, false),
            (End::Failed { retry_at }, _) => {
                (entry.retry_at, entry.barred_until) = (retry_at, retry_at);
            }
            (End::Dropped { retry_at }, _) => entry.retry_at = entry.retry_at.max(retry_at),
            (End::Changed | End::Unchanged | End::Loaded, _) => {}
        }
        self.arm(id);
        Some(id)
    }

    /// Frees a load's place.
    pub(super) fn release(&mut self, key: Key) -> Option<Load> {
        let load = self.loads.remove(key)?;
        self.leases.set(key.slot(), None);
        self.refreshes -= u32::from(load.is_refresh);
        Some(load)
    }
}
