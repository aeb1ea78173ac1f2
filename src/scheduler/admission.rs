//! How a job comes in.

use super::Scheduler;
use super::config::Admission;
use super::job::{Due, Job};
use super::next::Submitted;
use super::queue::Fate;
use super::reason::{RefuseReason, Refused, RescheduleError, Verdict};
use super::record::{NONE, Place, Record, Times, badness};
use crate::key::Key;
use crate::time::{Time, saturating_nanos};

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Queues a job, or lets it join a queued one of the same identity. O(log n), and O(log n) for
    /// each job whose release or latest start has passed since the last call; allocates only by
    /// growth. Poll after it: there may be a job to run, or, with [`Admission::Evict`], one to
    /// shed.
    ///
    /// # Errors
    ///
    /// The job comes back with the reason: its class is unknown, the scheduler is shut down, its
    /// deadline has passed, it could not be done in time, with [`Admission::Feasible`] others could
    /// not be for its sake, or the queue is full. A job that is refused changes nothing but what
    /// is counted.
    pub fn submit(&mut self, now: Time, job: Job<T, I>) -> Result<Submitted<T, I>, Refused<T, I>> {
        let now = self.move_to(now);
        let class = job.class.number();
        let Some(state) = self.classes.get_mut(class) else {
            self.unknown_class += 1;
            return Err(Refused { job, reason: RefuseReason::UnknownClass });
        };
        state.stats.counts.submitted += 1;
        match self.admit(now, &job) {
            Ok(Admitted::Queued(key)) => {
                if let Some(record) = self.queue.records.get_mut(key) {
                    (record.payload, record.identity) = (Some(job.payload), job.identity);
                    if let Some(identity) = record.identity.clone() {
                        self.identities.insert(identity, key.slot());
                    }
                }
                self.queued += 1;
                self.classes[class].stats.counts.queued += 1;
                Ok(Submitted::Queued(key))
            }
            Ok(Admitted::Joined(key)) => {
                self.classes[class].stats.counts.joined += 1;
                Ok(Submitted::Joined(key, job))
            }
            Err(reason) => {
                self.classes[class].stats.counts.refused.count(&reason);
                Err(Refused { job, reason })
            }
        }
    }

    /// Gives the job a place, still without its payload, or the reason not to take it.
    fn admit(&mut self, now: Time, job: &Job<T, I>) -> Result<Admitted, RefuseReason> {
        if self.is_closed {
            return Err(RefuseReason::Closed);
        }
        let eligible = job.release.map_or(now, |release| release.max(now));
        let deadline = match job.due {
            Due::Never => None,
            Due::At(deadline) => Some(deadline),
            Due::Within(budget) => Some(eligible + budget),
        };
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(RefuseReason::Expired);
        }
        self.queue.settle(now);
        let times = Times { deadline, eligible };
        let record = self.record(job, times);
        if let Err(hopeless) = record.is_possible(times, None, now) {
            self.classes[job.class.number()].turn_away(job.cost.is_some());
            return Err(RefuseReason::Infeasible(hopeless));
        }
        if let Some(key) = self.joinable(job) {
            return self.join(key, times, now);
        }
        self.find_room(&record, now)?;
        let key = self.queue.records.insert(record);
        self.next_sequence += 1;
        self.queue.place(key.slot(), now, None);
        if self.config.admission != Admission::Feasible {
            return Ok(Admitted::Queued(key));
        }
        let Err(forecast) = self.queue.is_bearable(key.slot(), now) else {
            return Ok(Admitted::Queued(key));
        };
        let reason = RefuseReason::Infeasible(forecast);
        if self.config.shadow {
            let verdict = Verdict::Refused(reason);
            self.queue.sentence(key.slot(), Fate { verdict, is_pardoned: true });
            return Ok(Admitted::Queued(key));
        }
        self.queue.remove(key);
        self.next_sequence -= 1;
        self.classes[job.class.number()].turn_away(job.cost.is_some());
        Err(reason)
    }

    fn record(&self, job: &Job<T, I>, times: Times) -> Record<T, I> {
        let (settings, state) =
            (&self.config.classes[job.class.number()], &self.classes[job.class.number()]);
        let cost = match job.cost {
            Some(declared) => state.correction.corrected(declared),
            None => state.cost.cost(),
        };
        let mut record = Record {
            payload: None,
            identity: None,
            place: Place::Nowhere,
            class: job.class,
            is_background_class: settings.background,
            is_protected: false,
            is_charged: false,
            is_declared: job.cost.is_some(),
            is_forced: false,
            shares: 1,
            tenant: job.tenant,
            deadline: times.deadline,
            latest_ns: u64::MAX,
            eligible: times.eligible,
            cost_ns: saturating_nanos(cost),
            declared_ns: saturating_nanos(job.cost.unwrap_or_default()),
            lead_ns: saturating_nanos(job.lead),
            margin_ns: saturating_nanos(state.margin.margin()),
            #[cfg(feature = "serde")]
            value: job.value,
            badness: badness(saturating_nanos(cost), job.value, settings.weight),
            sequence: self.next_sequence,
            older: NONE,
            newer: NONE,
        };
        record.set_times(times, None);
        record
    }

    /// A queued job of the same identity, unless it is to be shed.
    fn joinable(&self, job: &Job<T, I>) -> Option<Key> {
        let &slot = self.identities.get(job.identity.as_ref()?)?;
        let (key, record) = self.queue.records.at_slot(slot)?;
        (!matches!(record.place, Place::Doomed(_))).then_some(key)
    }

    /// Lets somebody share a queued job, which must be done in time for both.
    fn join(&mut self, key: Key, times: Times, now: Time) -> Result<Admitted, RefuseReason> {
        let from = self.queue.get(key).map_or(times, Record::times);
        let to = from.tighter(times);
        if to != from
            && let Err(RescheduleError::Infeasible(forecast)) = self.move_job(key, to, now)
        {
            return Err(RefuseReason::Infeasible(forecast));
        }
        if let Some(record) = self.queue.records.get_mut(key) {
            record.shares = record.shares.saturating_add(1);
        }
        Ok(Admitted::Joined(key))
    }

    /// Checks the bounds, and dooms a job of a full queue for one of a tenant that has less.
    fn find_room(&mut self, record: &Record<T, I>, now: Time) -> Result<(), RefuseReason> {
        let class = record.class.number();
        let of_class = self.classes[class].stats.counts.queued;
        let bound = self.config.classes[class].queue_bound;
        let has_room =
            self.queued < self.config.queue_bound && bound.is_none_or(|bound| of_class < bound);
        if has_room {
            return Ok(());
        }
        let may_make_room = self.config.admission == Admission::Evict
            && !self.config.shadow
            && !record.is_background()
            && record.eligible <= now
            && self.queue.doomed.len() < self.config.queue_bound as usize;
        match record.tenant {
            Some(tenant)
                if may_make_room && self.queue.make_room(class, tenant, record.cost_ns, now) =>
            {
                Ok(())
            }
            _ => Err(RefuseReason::QueueFull),
        }
    }
}

/// What becomes of a job that is not refused.
enum Admitted {
    Queued(Key),
    Joined(Key),
}
