//! `Scheduler` against a plain list of jobs that is searched from end to end.

mod admission;
mod classes;
mod configs;
mod ops;
mod oracle;
mod polling;
mod started;
mod submission;

use core::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{
    Class, Config, Job, Next, Outcome, RescheduleError, Scheduler, Submitted,
};
use punctual::time::Time;

use super::{Model, Word};
use configs::start;
#[allow(unused_imports, reason = "some drivers choose a configuration by number")]
pub(crate) use configs::{CONFIGS, config};
pub(crate) use ops::{Due, Offer, Op, units};
use ops::{UNKNOWN, span};
use oracle::{Oracle, Place};
use submission::{Candidate, Submission, Unchanged};

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const fn duration(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// A job's payload is its number, counted over all submissions.
pub(crate) struct SchedulerModel {
    scheduler: Scheduler<u32, u8>,
    oracle: Oracle,
    config: Config,
    now: Time,
    /// When the last wait ends.
    told: Option<Time>,
    submissions: u32,
}

impl SchedulerModel {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            scheduler: Scheduler::with_identities(config.clone()).expect("it is valid"),
            oracle: Oracle::new(config),
            config: config.clone(),
            now: Time::from_nanos(5_000),
            told: None,
            submissions: 0,
        }
    }

    /// A model of the configuration with this number.
    pub(crate) fn numbered(number: u32) -> Self {
        Self { now: start(number), ..Self::new(&config(number)) }
    }

    fn shifted(&self, by: i32) -> Time {
        match by {
            0.. => self.now + units(by.unsigned_abs()),
            _ => self.now - units(by.unsigned_abs()),
        }
    }

    fn pick(&self, pick: u32) -> Option<usize> {
        let accepted = self.oracle.jobs.len();
        accepted.checked_sub(1)?.checked_sub(pick as usize % accepted)
    }

    fn pick_running(&self, pick: u32) -> Option<usize> {
        let running = self.oracle.those(|job| matches!(job.place, Place::Running(_)));
        running.get((pick as usize).checked_rem(running.len())?).copied()
    }

    fn pick_suspended(&self, pick: u32) -> Option<usize> {
        let suspended = self.oracle.those(|job| job.place == Place::Suspended);
        suspended.get((pick as usize).checked_rem(suspended.len())?).copied()
    }

    fn key(&self, id: usize) -> Key {
        self.oracle.jobs[id].key.expect("it was accepted")
    }

    /// Makes a job of an operation's numbers and submits it.
    fn offer(&mut self, offer: Offer) {
        // Some releases coincide, and some fall between the units.
        let apart = u64::from(self.submissions % 3) * 7_919;
        let release = offer.release.map(|after| self.now + units(after) + duration(apart));
        let eligible = release.unwrap_or(self.now);
        let classes = self.oracle.classes.len();
        let class = match offer.class {
            UNKNOWN => classes,
            number => usize::from(number) % classes,
        };
        let job = Job::new(self.submissions).class(Class::new(class as u16));
        let mut job = job.lead(span(offer.lead)).value(offer.value);
        job = offer.cost.into_iter().fold(job, |job, cost| job.cost(span(cost)));
        job = release.into_iter().fold(job, Job::release);
        job = offer.tenant.into_iter().fold(job, Job::tenant);
        job = offer.identity.into_iter().fold(job, Job::identity);
        let (job, deadline) = match offer.due {
            Due::Never => (job, None),
            Due::At(by) => (job.deadline(self.shifted(by)), Some(self.shifted(by))),
            Due::Within(by) => (job.budget(units(by)), Some(eligible + units(by))),
            Due::End => (job.deadline(Time::MAX), Some(Time::MAX)),
        };
        let candidate = Candidate {
            payload: self.submissions,
            class,
            deadline: deadline.map(Time::as_nanos),
            eligible: eligible.as_nanos(),
            declared: offer.cost.map(|cost| nanos(span(cost))),
            lead: nanos(span(offer.lead)),
            value: offer.value,
            tenant: offer.tenant,
            identity: offer.identity,
        };
        self.submissions += 1;
        self.submit(job, candidate);
    }

    fn submit(&mut self, job: Job<u32, u8>, candidate: Candidate) {
        self.oracle.move_to(self.now.as_nanos());
        let expected = self.oracle.submit(candidate);
        match (self.scheduler.submit(self.now, job.clone()), expected) {
            (Ok(Submitted::Queued(key)), Ok(Submission::Queued(id))) => {
                assert!(self.oracle.jobs.iter().all(|job| job.key != Some(key)), "a new key");
                self.oracle.jobs[id].key = Some(key);
            }
            (Ok(Submitted::Joined(key, back)), Ok(Submission::Joined(id))) => {
                assert_eq!((Some(key), back), (self.oracle.jobs[id].key, job));
            }
            (Err(refused), Err(expected)) => {
                assert_eq!((refused.reason, refused.job), (expected, job));
            }
            (found, Ok(Submission::Queued(_))) => panic!("it is queued, not {found:?}"),
            (found, Ok(Submission::Joined(id))) => panic!("it joins {id}, not {found:?}"),
            (found, Err(expected)) => panic!("it is refused as {expected:?}, not {found:?}"),
        }
    }

    fn poll(&mut self, now: Time) {
        let expected = self.oracle.poll(now.as_nanos());
        if let Next::Wait(until) = expected {
            self.told = until;
        }
        assert_eq!(self.scheduler.poll(now), expected);
    }

    fn complete(&mut self, id: usize, outcome: Outcome) {
        let expected = self.oracle.complete(self.now.as_nanos(), id, outcome).map(duration);
        let key = self.oracle.jobs[id].key.expect("it was accepted");
        assert_eq!(self.scheduler.complete(self.now, key, outcome), expected);
    }

    fn cancel(&mut self, id: usize) {
        let job = self.oracle.jobs[id];
        let payload = self.scheduler.get_mut(job.key.expect("it was accepted")).copied();
        assert_eq!(payload, job.is_queued().then_some(job.payload));
        let expected = self.oracle.cancel(id);
        assert_eq!(self.scheduler.cancel(job.key.expect("it was accepted")), expected);
    }

    fn reschedule(&mut self, id: usize, deadline: Time) {
        self.oracle.move_to(self.now.as_nanos());
        let expected = self.oracle.reschedule(id, deadline.as_nanos());
        let expected = match expected {
            Ok(old) => Ok(old.map(Time::from_nanos)),
            Err(Unchanged::Stale) => Err(RescheduleError::Stale),
            Err(Unchanged::Running) => Err(RescheduleError::Running),
            Err(Unchanged::Infeasible(forecast)) => Err(RescheduleError::Infeasible(forecast)),
        };
        let key = self.oracle.jobs[id].key.expect("it was accepted");
        assert_eq!(self.scheduler.reschedule(self.now, key, deadline), expected);
    }

    fn suspend(&mut self, id: usize) {
        let expected = self.oracle.suspend(self.now.as_nanos(), id).map(duration);
        assert_eq!(self.scheduler.suspend(self.now, self.key(id)), expected);
    }

    fn resume(&mut self, id: usize) {
        let payload = self.oracle.jobs[id].payload.wrapping_add(1 << 16);
        let expected = match self.oracle.resume(self.now.as_nanos(), id, payload) {
            true => Ok(()),
            false => Err(payload),
        };
        assert_eq!(self.scheduler.resume(self.now, self.key(id), payload), expected);
    }

    fn claim(&mut self, id: usize) {
        let expected = self.oracle.claim(self.now.as_nanos(), id);
        assert_eq!(self.scheduler.claim(self.now, self.key(id)), expected);
    }

    fn set_workers(&mut self, workers: u32) {
        let expected = self.oracle.set_workers(self.now.as_nanos(), workers);
        assert_eq!(self.scheduler.set_workers(self.now, workers), expected);
        self.config.workers = self.oracle.config.workers;
    }

    fn tend(&mut self, after: u32) {
        self.now += units(after);
        let expected = self.oracle.tend(self.now.as_nanos());
        let next = match self.scheduler.poll_sheds(self.now) {
            Some(shed) => Next::Shed(shed),
            None => Next::Wait(self.scheduler.next_wakeup(self.now)),
        };
        assert_eq!(next, expected, "for somebody without a worker");
    }

    /// What can be asked of each job, and of all.
    fn check_jobs(&self) {
        for job in &self.oracle.jobs {
            let key = job.key.expect("it was accepted");
            let payload = job.is_queued().then_some(&job.payload);
            assert_eq!(self.scheduler.get(key), payload, "the payload of {job:?}");
            let is_here = job.place != Place::Gone;
            let deadline = is_here.then_some(job.deadline.map(Time::from_nanos));
            assert_eq!(self.scheduler.deadline(key), deadline, "the deadline of {job:?}");
            let latest = job.is_queued().then(|| self.oracle.shed_at(job)).flatten();
            let latest = latest.map(Time::from_nanos);
            assert_eq!(self.scheduler.latest_start(key), latest, "the latest start of {job:?}");
        }
        let queued = self.oracle.those(oracle::Entry::is_queued).len();
        assert_eq!((self.scheduler.len(), self.scheduler.is_empty()), (queued, queued == 0));
        assert_eq!(self.scheduler.is_closed(), self.oracle.by.is_some());
        assert_eq!(self.scheduler.config(), &self.config);
    }

    fn load(&mut self) {
        let expected = self.oracle.load(self.now.as_nanos());
        let load = self.scheduler.load(self.now);
        assert_eq!((load.running, load.queued, load.begin, load.slack), expected, "the load");
    }
}

impl Model for SchedulerModel {
    type Op = Op;

    fn decode(word: Word) -> Op {
        Op::decode(word)
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Submit(offer) => self.offer(offer),
            Op::Poll { after } => {
                self.now += units(after);
                self.poll(self.now);
            }
            Op::PollWhenTold => {
                // The end of time would leave nothing to come.
                let near = self.told.filter(|&told| told < self.now + units(1_000));
                self.now = self.now.max(near.unwrap_or(self.now));
                self.poll(self.now);
            }
            Op::PollAtTheEnd => {
                self.now = Time::MAX;
                self.poll(self.now);
            }
            Op::PollInThePast { by } => self.poll(self.now - units(by)),
            Op::Complete { running, after, outcome } => {
                self.now += units(after);
                if let Some(id) = self.pick_running(running) {
                    self.complete(id, outcome);
                }
            }
            Op::CompleteAny { pick } => {
                if let Some(id) = self.pick(pick) {
                    self.complete(id, Outcome::Done);
                }
            }
            Op::Cancel { pick } => {
                if let Some(id) = self.pick(pick) {
                    self.cancel(id);
                }
            }
            Op::Reschedule { pick, by } => {
                if let Some(id) = self.pick(pick) {
                    self.reschedule(id, self.shifted(by));
                }
            }
            Op::Load { after } => self.now += units(after),
            Op::Suspend { running, after } => {
                self.now += units(after);
                self.pick_running(running).into_iter().for_each(|id| self.suspend(id));
            }
            Op::SuspendAny { pick } => self.pick(pick).into_iter().for_each(|id| self.suspend(id)),
            Op::Resume { suspended } => {
                self.pick_suspended(suspended).into_iter().for_each(|id| self.resume(id));
            }
            Op::ResumeAny { pick } => self.pick(pick).into_iter().for_each(|id| self.resume(id)),
            Op::First { after } => {
                self.now += units(after);
                let expected = self.oracle.next(self.now.as_nanos());
                assert_eq!(self.scheduler.first(self.now), expected, "who is next");
            }
            Op::Tend { after } => self.tend(after),
            Op::Claim { pick } => self.pick(pick).into_iter().for_each(|id| self.claim(id)),
            Op::SetWorkers { workers } => self.set_workers(workers),
            Op::Shutdown { by } => {
                let by = self.shifted(by);
                self.oracle.move_to(self.now.as_nanos());
                self.oracle.shutdown(by.as_nanos());
                self.scheduler.shutdown(self.now, by);
            }
        }
        self.load();
    }

    fn check(&self) {
        self.scheduler.assert_invariants();
        self.check_jobs();
        assert_eq!(self.scheduler.stats(), self.oracle.stats());
        for (number, class) in self.oracle.classes.iter().enumerate() {
            let name = Class::new(number as u16);
            let cost = Some(duration(class.expected_cost()));
            assert_eq!(self.scheduler.expected_cost(name), cost, "the cost of class {number}");
            let margin = Some(duration(class.margin()));
            assert_eq!(self.scheduler.margin(name), margin, "the margin of class {number}");
            let stats = self.scheduler.class_stats(name).expect("the class exists");
            assert_eq!(stats.counts, self.oracle.counts(number), "the counts of class {number}");
            let histograms = (&stats.queue_delay, &stats.lateness);
            assert!(histograms == (&class.stats.queue_delay, &class.stats.lateness));
        }
        let none = Class::new(self.oracle.classes.len() as u16);
        assert_eq!(self.scheduler.expected_cost(none), None);
        assert_eq!(self.scheduler.margin(none), None);
        assert_eq!(self.scheduler.class_stats(none), None);
    }
}
