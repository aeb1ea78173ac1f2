//! How a queued job is moved, and how all of them are when the end is near.

use alloc::vec::Vec;

use super::Scheduler;
use super::reason::{RescheduleError, ShedReason, Verdict};
use super::record::{Place, Record};
use crate::key::Key;
use crate::time::Time;

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Gives a queued job another deadline, earlier or later, and returns the old one. O(log n),
    /// and O(log n) for each job that is evicted for it.
    ///
    /// The job keeps its place among equal deadlines. An earlier deadline is admitted anew, as if
    /// the job had just been submitted; so is any deadline of a job that was to be shed and that
    /// nobody was told of yet. A job that had no deadline enters the order of its class.
    ///
    /// # Errors
    ///
    /// If the job is running or gone, or if a deadline would be missed: then nothing changes.
    pub fn reschedule(
        &mut self,
        now: Time,
        key: Key,
        deadline: Time,
    ) -> Result<Option<Time>, RescheduleError> {
        let now = self.settle_at(now);
        let record = self.queue.get(key).ok_or(RescheduleError::Stale)?;
        let (old, eligible) = (record.deadline, record.eligible);
        self.move_job(key, Some(deadline), eligible, now)?;
        Ok(old)
    }

    /// Gives a queued job another deadline and another release. Settle first.
    pub(super) fn move_job(
        &mut self,
        key: Key,
        deadline: Option<Time>,
        eligible: Time,
        now: Time,
    ) -> Result<(), RescheduleError> {
        let slot = key.slot();
        let record = self.queue.get(key).ok_or(RescheduleError::Stale)?;
        let (old_deadline, old_eligible) = (record.deadline, record.eligible);
        let (place, fate, was_protected) = (record.place, record.fate, record.is_protected);
        match (place, fate) {
            (Place::Running(_), _) => return Err(RescheduleError::Running),
            (Place::Doomed, Some(Verdict::Shed(ShedReason::Shutdown))) => {
                return Err(RescheduleError::Stale);
            }
            // Another job of the same identity was queued in its stead.
            (Place::Doomed, _) if !self.is_joinable(record, slot) => {
                return Err(RescheduleError::Stale);
            }
            _ => {}
        }
        self.queue.set_times(slot, deadline, eligible);
        if let Some(Err(hopeless)) = self.queue.at(slot).map(|record| record.is_possible(now)) {
            self.queue.set_times(slot, old_deadline, old_eligible);
            return Err(RescheduleError::Infeasible(hopeless));
        }
        // Whatever order holds the job holds it under its old times.
        self.queue.set_times(slot, old_deadline, old_eligible);
        self.queue.displace(slot);
        self.queue.set_times(slot, deadline, eligible);
        self.queue.place(slot, now, None);
        let is_later = eligible >= old_eligible
            && old_deadline.is_none_or(|old| deadline.is_none_or(|deadline| deadline >= old))
            && (old_deadline.is_some() || deadline.is_none());
        let is_tested = !is_later || matches!(place, Place::Doomed | Place::Condemned);
        let is_ready = self
            .queue
            .at(slot)
            .is_some_and(|record| record.place == Place::Ready && record.forced.is_none());
        if !is_tested || !is_ready {
            return Ok(());
        }
        let Err(forecast) = self.try_in_hand(slot, now) else {
            return Ok(());
        };
        self.queue.displace(slot);
        self.queue.set_times(slot, old_deadline, old_eligible);
        match (place, fate) {
            (Place::Doomed | Place::Condemned, Some(fate)) => {
                self.queue.sentence(slot, place, fate);
            }
            _ => self.queue.place(slot, now, Some(was_protected)),
        }
        Err(RescheduleError::Infeasible(forecast))
    }

    /// Whether a submission with the job's identity would join it.
    fn is_joinable(&self, record: &Record<T, I>, slot: u32) -> bool {
        let identity = record.identity.as_ref();
        identity.is_none_or(|identity| self.identities.get(identity) == Some(&slot))
    }

    /// Takes no job any more, and gives every queued one the deadline `by`, if it has none that
    /// is earlier. O(n log n).
    ///
    /// What can't be done by then is shed with [`ShedReason::Shutdown`]: at once what could not be
    /// done even now, and the rest as the admission says. So polls go on to tell what to run and
    /// what to shed, until a `Wait(None)` says that nothing is queued. With a `by` that has passed
    /// everything that is queued is shed. Running jobs are not touched. Shadow mode and starvation
    /// guards end here. A second call can only bring the end forward.
    pub fn shutdown(&mut self, now: Time, by: Time) {
        let now = self.settle_at(now);
        self.is_closed = true;
        let queued: Vec<_> = {
            let records = self.queue.records.iter();
            let is_live =
                |record: &Record<T, I>| !matches!(record.place, Place::Running(_) | Place::Doomed);
            let live = records.filter(|(_, record)| is_live(record));
            live.map(|(key, record)| (record.sequence, key.slot())).collect()
        };
        self.queue.shut_down(queued, by, now);
    }
}
