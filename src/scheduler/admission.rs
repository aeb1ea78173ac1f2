//! How a job comes in.

use super::Scheduler;
use super::config::Admission;
use super::job::Job;
use super::next::Submitted;
use super::queue::Fate;
use super::reason::{RefuseReason, Refused, RescheduleError, Verdict};
use super::record::{NONE, Place, Record, Times, badness};
use crate::key::Key;
use crate::time::{Time, saturating_nanos};

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Queues a job, or lets it join a queued one of the same identity. O(log n), and O(log n) for
    /// each job whose release or latest start has passed since the last call; allocates only by
    /// growth, but for identities and tenants, whose maps allocate a node now and then. Poll after
    /// it: there may be a job to run, or, with [`Admission::Evict`], one to shed.
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
        if class >= self.classes.len() {
            self.unknown_class += 1;
            return Err(Refused { job, reason: RefuseReason::UnknownClass });
        }
        // Whatever panics in the caller's order of identities, what is counted has an outcome.
        let admitted = self.admit(now, &job);
        self.classes[class].stats.counts.submitted += 1;
        match admitted {
            Ok(Admitted::Queued(key)) => {
                self.queued += 1;
                let state = &mut self.classes[class];
                state.stats.counts.queued += 1;
                if self.queue.get(key).is_some_and(|record| record.is_probe) {
                    state.learned.be_patient();
                }
                if let Some(record) = self.queue.records.get_mut(key) {
                    (record.payload, record.identity) = (Some(job.payload), job.identity);
                    // Last, since it may panic: then nobody can join the job, and that is all.
                    if let Some(identity) = record.identity.clone() {
                        self.identities.insert(identity, key.slot());
                    }
                }
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
        let (deadline, eligible) = (job.due(now), job.eligible(now));
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(RefuseReason::Expired);
        }
        self.queue.settle(now);
        let times = Times { deadline, eligible };
        let record = self.record(job, times);
        if let Err(hopeless) = record.is_possible(times, None, now) {
            self.classes[job.class.number()].turn_away();
            return Err(RefuseReason::Infeasible(hopeless));
        }
        if let Some(key) = self.joinable(job) {
            return self.join(key, times, now);
        }
        let is_held = self.is_running(job.identity.as_ref());
        self.find_room(&record, is_held, now)?;
        let key = self.queue.records.insert(record);
        self.next_sequence += 1;
        match is_held {
            true => self.queue.hold(key.slot(), now),
            false => self.queue.place(key.slot(), now, None),
        }
        if self.config.admission != Admission::Feasible {
            return Ok(Admitted::Queued(key));
        }
        let Err(forecast) = self.queue.is_bearable(key.slot(), now) else {
            return Ok(Admitted::Queued(key));
        };
        let reason = RefuseReason::Infeasible(forecast);
        if self.config.shadow {
            self.queue.sentence(key.slot(), Fate::Shadowed(Verdict::Refused(reason)));
            return Ok(Admitted::Queued(key));
        }
        self.queue.remove(key);
        self.next_sequence -= 1;
        self.classes[job.class.number()].turn_away();
        Err(reason)
    }

    fn record(&self, job: &Job<T, I>, times: Times) -> Record<T, I> {
        let class = job.class.number();
        let settings = &self.config.classes[class];
        // Work that takes no time needs no scheduler: a declared zero says nothing.
        let declared = job.cost.filter(|cost| !cost.is_zero());
        let booking = self.classes[class].learned.book(declared);
        let mut record = Record {
            payload: None,
            identity: None,
            place: Place::Nowhere,
            class: job.class,
            is_background_class: settings.background,
            is_protected: false,
            is_probe: booking.is_probe,
            is_guess: booking.is_guess,
            is_charged: false,
            is_declared: declared.is_some(),
            is_forced: false,
            is_started: false,
            is_guest: false,
            shares: 1,
            tenant: job.tenant,
            deadline: times.deadline,
            latest_ns: u64::MAX,
            eligible: times.eligible,
            cost_ns: booking.cost_ns,
            spent_ns: 0,
            declared_ns: saturating_nanos(declared.unwrap_or_default()),
            lead_ns: job.lead_ns,
            margin_ns: booking.margin_ns,
            #[cfg(feature = "serde")]
            value: job.value,
            badness: badness(booking.cost_ns, job.value, settings.weight),
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

    /// Checks the bounds, and displaces a job of a full queue for one with a better right to its
    /// place. Jobs that are to be shed don't fill the queue, but there are never more than as
    /// many again.
    fn find_room(
        &mut self,
        record: &Record<T, I>,
        is_held: bool,
        now: Time,
    ) -> Result<(), RefuseReason> {
        let class = record.class.number();
        let bound = self.config.queue_bound;
        let of_class = self.classes[class].stats.counts.queued;
        let class_bound = self.config.classes[class].queue_bound;
        let class_has_room = class_bound.is_none_or(|bound| of_class < bound);
        let has_places = u64::from(self.queued) < 2 * u64::from(bound);
        if self.live() < bound && has_places && class_has_room {
            return Ok(());
        }
        let may_displace = self.config.admission == Admission::Evict
            && !self.config.shadow
            && !record.is_background()
            && record.eligible <= now
            && !is_held
            && has_places;
        let has_room = may_displace
            && (record.tenant.is_some_and(|tenant| {
                self.queue.displace_for_tenant(class, tenant, record.cost_ns)
            }) || class_has_room && self.queue.displace_for_better(record, now));
        if has_room { Ok(()) } else { Err(RefuseReason::QueueFull) }
    }

    /// Queued jobs that are not to be shed.
    pub(super) fn live(&self) -> u32 {
        self.queued - self.queue.doomed.len() as u32
    }
}

/// What becomes of a job that is not refused.
enum Admitted {
    Queued(Key),
    Joined(Key),
}
