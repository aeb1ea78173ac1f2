//! How a queued job is moved or taken out.

use super::Scheduler;
use super::class::Class;
use super::config::Admission;
use super::next::Cancelled;
use super::queue::Fate;
use super::reason::{RescheduleError, ShedReason};
use super::record::{Place, Record, Times};
use crate::key::Key;
use crate::time::Time;

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Gives a queued or suspended job another deadline, earlier or later, and returns the old one.
    /// O(log n).
    ///
    /// The job keeps its place among equal deadlines. An earlier deadline is admitted anew, as if
    /// the job had just been submitted; so is any deadline of a job that was to be shed and that
    /// nobody was told of yet. One that was [suspended](Self::suspend) is never refused. A job that
    /// had no deadline enters the order of its class. Poll after it, as after
    /// [`submit`](Self::submit).
    ///
    /// # Errors
    ///
    /// If the job is running or gone, if the deadline could not be met even by an idle scheduler,
    /// or, with [`Admission::Feasible`], if a deadline would be missed: then nothing changes. A job
    /// that was to be shed is gone too if another of its identity has been submitted meanwhile, if
    /// its place in a full queue was given to another tenant, or if it is shed by a shutdown.
    pub fn reschedule(
        &mut self,
        now: Time,
        key: Key,
        deadline: Time,
    ) -> Result<Option<Time>, RescheduleError> {
        let now = self.settle_at(now);
        let from = self.queue.get(key).ok_or(RescheduleError::Stale)?.times();
        self.move_job(key, Times { deadline: Some(deadline), ..from }, now)?;
        Ok(from.deadline)
    }

    /// Gives a queued job other times. Settle first.
    pub(super) fn move_job(
        &mut self,
        key: Key,
        to: Times,
        now: Time,
    ) -> Result<(), RescheduleError> {
        let slot = key.slot();
        let record = self.movable(key)?;
        record.is_possible(to, self.queue.closing(), now).map_err(RescheduleError::Infeasible)?;
        let before = self.queue.position(record);
        let (is_suspended, is_held) = (record.place == Place::Suspended, self.has_to_wait(record));
        if is_suspended {
            self.queue.set_times(slot, to);
            return Ok(());
        }
        self.queue.displace(slot);
        self.queue.set_times(slot, to);
        if is_held {
            self.queue.hold(slot, now);
            return Ok(());
        }
        self.queue.place(slot, now, None);
        let is_contested = to.is_tighter_than(before.times) || before.fate.is_some();
        if self.config.admission != Admission::Feasible || !is_contested {
            return Ok(());
        }
        self.queue.is_bearable(slot, now).map_err(|forecast| {
            self.queue.put_back(slot, before, now);
            RescheduleError::Infeasible(forecast)
        })
    }

    /// A job that is queued, unless its end is decided.
    fn movable(&self, key: Key) -> Result<&Record<T, I>, RescheduleError> {
        let record = self.queue.get(key).ok_or(RescheduleError::Stale)?;
        let is_shut_down = self.queue.fate(record) == Some(Fate::Shed(ShedReason::Shutdown));
        match record.place {
            Place::Running(_) => Err(RescheduleError::Running),
            // Another job may have been queued in its stead.
            Place::Doomed(_)
                if is_shut_down
                    || !self.is_joinable(record, key.slot())
                    || !self.has_place(record.class) =>
            {
                Err(RescheduleError::Stale)
            }
            _ => Ok(record),
        }
    }

    /// Whether a job that was to be shed can stay: its place may have been given away.
    fn has_place(&self, class: Class) -> bool {
        let of_class = self.classes[class.number()].stats.counts.queued;
        let bound = self.config.classes[class.number()].queue_bound;
        self.live() < self.config.queue_bound && bound.is_none_or(|bound| of_class <= bound)
    }

    /// Whether a submission with the job's identity would join it.
    fn is_joinable(&self, record: &Record<T, I>, slot: u32) -> bool {
        let identity = record.identity.as_ref();
        identity.is_none_or(|identity| self.identities.get(identity) == Some(&slot))
    }

    /// Takes a queued job out and returns its payload, or a suspended one, whose payload the caller
    /// has; unless somebody has joined it: then only one share of it goes. O(log n). `None` if the
    /// job is running or gone.
    ///
    /// ```
    /// use punctual::scheduler::{Cancelled, Config, Job, Scheduler};
    /// use punctual::time::Time;
    ///
    /// let mut scheduler = Scheduler::with_identities(Config::default())?;
    /// let job = || Job::new("load user 7").identity(7);
    /// let key = scheduler.submit(Time::ZERO, job())?.key();
    /// scheduler.submit(Time::ZERO, job())?; // it joins the first
    /// assert_eq!(scheduler.cancel(key), Some(Cancelled::LetGo));
    /// assert_eq!(scheduler.cancel(key), Some(Cancelled::Removed("load user 7")));
    /// assert_eq!(scheduler.cancel(key), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn cancel(&mut self, key: Key) -> Option<Cancelled<T>> {
        let record = self.queue.records.get_mut(key)?;
        if matches!(record.place, Place::Running(_)) {
            return None;
        }
        if record.shares > 1 {
            record.shares -= 1;
            return Some(Cancelled::LetGo);
        }
        let freed = match record.is_started {
            true => self.end_identity(key),
            false => {
                self.forget_identity(key.slot());
                None
            }
        };
        let record = self.queue.remove(key)?;
        self.classes[record.class.number()].stats.counts.cancelled += 1;
        let cancelled = match record.payload {
            Some(payload) => {
                self.leave_queue(record.class);
                Cancelled::Removed(payload)
            }
            None => {
                self.classes[record.class.number()].stats.counts.suspended -= 1;
                Cancelled::Suspended
            }
        };
        if let Some(held) = freed {
            self.queue.admit_released(held, self.now);
        }
        Some(cancelled)
    }
}
