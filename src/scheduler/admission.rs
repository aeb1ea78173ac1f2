//! How a job comes in.

use core::time::Duration;

use super::Scheduler;
use super::config::Admission;
use super::job::{Due, Job};
use super::next::Submitted;
use super::reason::{Forecast, RefuseReason, Refused, RescheduleError, Verdict};
use super::record::{NONE, Place, Record, badness};
use crate::key::Key;
use crate::time::{Time, saturating_nanos};

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Queues a job, or lets it join a queued one of the same identity. O(log n), and O(log n) for
    /// each job that is evicted for it, or whose release or latest start has passed since the
    /// last call; allocates only by growth.
    ///
    /// # Errors
    ///
    /// The job comes back with the reason: its class is unknown, the scheduler is shut down, its
    /// deadline has passed, it would not be done in time, others would not be done in time for
    /// its sake, or the queue is full. A job that is refused changes nothing.
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
        let record = self.record(job, deadline, eligible);
        if let Err(hopeless) = record.is_possible(now) {
            self.doubt_hopeless(job, &record, now);
            return Err(RefuseReason::Infeasible(hopeless));
        }
        if let Some(key) = self.joinable(job) {
            return self.join(key, deadline, eligible, now);
        }
        let is_contested =
            !record.is_background() && eligible <= now && self.config.admission != Admission::All;
        self.find_room(&record, is_contested, now)?;
        let key = self.queue.records.insert(record);
        self.next_sequence += 1;
        self.queue.place(key.slot(), now, None);
        if !is_contested {
            return Ok(Admitted::Queued(key));
        }
        let Err(forecast) = self.try_in_hand(key.slot(), now) else {
            return Ok(Admitted::Queued(key));
        };
        let reason = RefuseReason::Infeasible(forecast);
        if self.config.shadow {
            self.queue.condemn(key.slot(), Verdict::Refused(reason));
            return Ok(Admitted::Queued(key));
        }
        self.queue.remove(key);
        self.next_sequence -= 1;
        self.classes[job.class.number()].doubt(job.cost.is_some());
        Err(reason)
    }

    /// Whether a ready job that has just come can stay.
    pub(super) fn try_in_hand(&mut self, slot: u32, now: Time) -> Result<(), Forecast> {
        match self.config.admission {
            Admission::All => Ok(()),
            Admission::Feasible => self.queue.is_bearable(slot, now),
            Admission::Evict => self.queue.evict(Some(slot), now),
        }
    }

    fn record(&self, job: &Job<T, I>, deadline: Option<Time>, eligible: Time) -> Record<T, I> {
        let (settings, state) =
            (&self.config.classes[job.class.number()], &self.classes[job.class.number()]);
        let cost = match job.cost {
            Some(declared) => state.correction.corrected(declared),
            None => state.cost.cost(),
        };
        let reserve = cost.saturating_add(job.lead).saturating_add(state.margin.margin());
        let mut record = Record {
            payload: None,
            identity: None,
            place: Place::Nowhere,
            class: job.class,
            is_background_class: settings.background,
            is_protected: false,
            is_charged: false,
            is_declared: job.cost.is_some(),
            shares: 1,
            tenant: job.tenant,
            deadline: None,
            latest_start: None,
            forced: None,
            eligible,
            cost_ns: saturating_nanos(cost),
            declared_ns: saturating_nanos(job.cost.unwrap_or_default()),
            reserve_ns: saturating_nanos(reserve),
            badness: badness(saturating_nanos(cost), job.value, settings.weight),
            sequence: self.next_sequence,
            older: NONE,
            newer: NONE,
            fate: None,
        };
        record.set_deadline(deadline, None);
        record
    }

    /// A job is refused that no scheduler could serve: is that only what its class has learned?
    fn doubt_hopeless(&mut self, job: &Job<T, I>, record: &Record<T, I>, now: Time) {
        let state = &mut self.classes[job.class.number()];
        let possible = |cost: Duration, margin: Duration| {
            let reserve = cost.saturating_add(job.lead).saturating_add(margin);
            record.deadline.is_some_and(|deadline| deadline - reserve > record.eligible.max(now))
        };
        let cost = Duration::from_nanos(record.cost_ns);
        let (initial, margin) = (state.cost.initial(), state.margin.margin());
        if job.cost.is_none() && possible(initial, margin) {
            state.cost.doubt();
        }
        if possible(cost, state.margin.least()) {
            state.margin.doubt();
        }
    }

    /// A queued job of the same identity, unless it is to be shed.
    fn joinable(&self, job: &Job<T, I>) -> Option<Key> {
        let &slot = self.identities.get(job.identity.as_ref()?)?;
        let (key, record) = self.queue.records.at_slot(slot)?;
        (record.place != Place::Doomed).then_some(key)
    }

    /// Lets somebody share a queued job, which must be done by the earlier deadline of both.
    fn join(
        &mut self,
        key: Key,
        deadline: Option<Time>,
        eligible: Time,
        now: Time,
    ) -> Result<Admitted, RefuseReason> {
        let Some(record) = self.queue.records.get(key) else {
            return Err(RefuseReason::Closed);
        };
        let earlier = record.deadline.into_iter().chain(deadline).min();
        let eligible = record.eligible.min(eligible);
        if (earlier, eligible) != (record.deadline, record.eligible) {
            self.move_job(key, earlier, eligible, now).map_err(|error| match error {
                RescheduleError::Infeasible(forecast) => RefuseReason::Infeasible(forecast),
                RescheduleError::Stale | RescheduleError::Running => RefuseReason::Closed,
            })?;
        }
        if let Some(record) = self.queue.records.get_mut(key) {
            record.shares = record.shares.saturating_add(1);
        }
        Ok(Admitted::Joined(key))
    }

    /// Checks the bounds, and lifts a job out of a full queue for one of a tenant that has less.
    fn find_room(
        &mut self,
        record: &Record<T, I>,
        is_contested: bool,
        now: Time,
    ) -> Result<(), RefuseReason> {
        let class = record.class.number();
        let of_class = self.classes[class].stats.counts.queued;
        let bound = self.config.classes[class].queue_bound;
        let has_room =
            self.queued < self.config.queue_bound && bound.is_none_or(|bound| of_class < bound);
        if has_room {
            return Ok(());
        }
        match record.tenant {
            Some(tenant)
                if is_contested
                    && self.config.admission == Admission::Evict
                    && !self.config.shadow
                    && self.queue.doomed.len() < self.config.queue_bound as usize
                    && self.queue.make_room(class, tenant, record.cost_ns, now) =>
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

impl<T, I> Record<T, I> {
    /// Whether an idle scheduler could start the job before its latest start.
    pub(super) fn is_possible(&self, now: Time) -> Result<(), Forecast> {
        let start = self.eligible.max(now);
        match self.latest_start {
            Some(latest_start) if latest_start <= start => Err(Forecast {
                latest_start,
                start,
                ahead: 0,
                violated: self.deadline.unwrap_or(Time::MAX),
            }),
            _ => Ok(()),
        }
    }
}
