//! Earliest deadline first, with an explicit 'no' in time: a state machine without clock or
//! thread.
//!
//! Every call takes `now`. A shell (an event loop, a pool of threads, a simulation) submits jobs,
//! polls, runs what it is told to run, answers 'no' where it is told to shed, and completes.
//!
//! # Order
//!
//! Foreground jobs run in the order of (deadline, submission), none before its release. A
//! background job (one of a background class, or without a deadline) starts only if no
//! foreground job is ready and it would end before the latest start of every foreground job that
//! waits for its release. Only the first background job is considered: one that is too long for
//! the slack is not overtaken.
//!
//! # Shedding
//!
//! A job's *latest start* is deadline - cost - lead - margin. A queued job is shed by the first
//! poll at or after it, while the caller still has time to answer; nothing starts after its
//! latest start. The cost is declared, or the class's learned mean, and frozen when the job is
//! submitted. A job that could not be met by an idle scheduler is refused at once. Where only the
//! learned mean stands in the way, each refusal brings it a sixteenth closer to the class's
//! initial cost: a class whose mean was spoilt by one long run tries again after a few of them.
//!
//! # Time
//!
//! A `now` before that of an earlier call counts as that one.
//!
//! # Source
//!
//! C. L. Liu and J. W. Layland, Scheduling algorithms for multiprogramming in a hard-real-time
//! environment, 1973; latest start times as the trigger in overload: G. Koren and D. Shasha,
//! D-over, 1992.

mod config;
mod cost;
mod job;
mod queue;
mod stats;

pub use config::{ClassConfig, Config, ConfigError};
pub use job::{
    Class, Job, Next, Outcome, RefuseReason, Refused, RescheduleError, Running, Shed, ShedReason,
};
pub use stats::{Refusals, Stats};

use alloc::vec::Vec;
use core::time::Duration;

use crate::key::Key;
use crate::time::Time;
use cost::MeanCost;
use job::Due;
use queue::{Place, Queue, Record};

/// Orders jobs by deadline and tells its shell what to do next.
///
/// ```
/// use core::time::Duration;
/// use punctual::scheduler::{Config, Job, Next, Outcome, Scheduler};
/// use punctual::time::Time;
///
/// let ms = Duration::from_millis;
/// let start = Time::ZERO;
/// let mut scheduler = Scheduler::new(Config::default())?;
/// let key = scheduler.submit(start, Job::new("later").budget(ms(90)).cost(ms(1)))?;
/// scheduler.submit(start, Job::new("first").budget(ms(50)).cost(ms(1)))?;
/// scheduler.reschedule(start, key, start + ms(20))?;
///
/// let Next::Run(running) = scheduler.poll(start) else { unreachable!() };
/// assert_eq!(running.payload, "later");
/// assert_eq!(scheduler.poll(start), Next::Wait(Some(start + ms(49)))); // the one worker is busy
/// scheduler.complete(start + ms(1), running.key, Outcome::Done);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Scheduler<T> {
    config: Config,
    costs: Vec<MeanCost>,
    queue: Queue<T>,
    now: Time,
    next_sequence: u64,
    sheds_since_run: u32,
    stats: Stats,
}

impl<T> Scheduler<T> {
    /// A scheduler without jobs.
    ///
    /// # Errors
    ///
    /// If the configuration makes no scheduler.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            costs: config.classes.iter().map(|class| MeanCost::new(class.initial_cost)).collect(),
            config,
            queue: Queue::new(),
            now: Time::ZERO,
            next_sequence: 0,
            sheds_since_run: 0,
            stats: Stats::default(),
        })
    }

    /// Queues a job and returns its key. O(log n); allocates only by growth.
    ///
    /// # Errors
    ///
    /// The job comes back with the reason: its class is unknown, its deadline or its latest
    /// start has passed, or the queue is full.
    pub fn submit(&mut self, now: Time, job: Job<T>) -> Result<Key, Refused<T>> {
        let now = self.move_to(now);
        self.stats.submitted += 1;
        let record = match self.admit(now, &job) {
            Ok(record) => record,
            Err(reason) => {
                let refused = &mut self.stats.refused;
                *match reason {
                    RefuseReason::QueueFull => &mut refused.queue_full,
                    RefuseReason::Expired => &mut refused.expired,
                    RefuseReason::Infeasible { .. } => &mut refused.infeasible,
                    RefuseReason::UnknownClass => &mut refused.unknown_class,
                } += 1;
                return Err(Refused { job, reason });
            }
        };
        self.next_sequence += 1;
        self.stats.queued += 1;
        Ok(self.queue.insert(Record { payload: Some(job.payload), ..record }, now))
    }

    /// The job's record, still without its payload, or the reason not to take it.
    fn admit(&mut self, now: Time, job: &Job<T>) -> Result<Record<T>, RefuseReason> {
        let class = job.class.number();
        let settings = self.config.classes.get(class).ok_or(RefuseReason::UnknownClass)?;
        let eligible = job.release.map_or(now, |release| release.max(now));
        let deadline = match job.due {
            Due::Never => None,
            Due::At(deadline) => Some(deadline),
            Due::Within(budget) => Some(eligible + budget),
        };
        let reserve =
            |cost: Duration| cost.saturating_add(job.lead).saturating_add(self.config.margin);
        let cost = job.cost.unwrap_or_else(|| self.costs[class].mean());
        let record = Record {
            payload: None,
            place: Place::Unreleased,
            class: job.class,
            is_background_class: settings.background,
            deadline,
            eligible,
            cost,
            reserve: reserve(cost),
            sequence: self.next_sequence,
        };
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(RefuseReason::Expired);
        }
        if let Some(latest_start) = record.latest_start()
            && latest_start <= eligible
        {
            let initial = reserve(self.costs[class].initial());
            if job.cost.is_none() && deadline.is_some_and(|at| at - initial > eligible) {
                self.costs[class].doubt();
            }
            return Err(RefuseReason::Infeasible { latest_start });
        }
        match self.stats.queued < self.config.queue_bound {
            true => Ok(record),
            false => Err(RefuseReason::QueueFull),
        }
    }

    /// What to do next. O(log n), and O(log n) for each job whose release or latest start has
    /// passed since the last poll. A `Wait` asks the wheel for its next wake-up as well, which is
    /// amortised O(1): see [`IdWheel::next_wakeup`](crate::wheel::IdWheel::next_wakeup).
    ///
    /// Poll again at once after a `Run` or a `Shed`: there may be more.
    pub fn poll(&mut self, now: Time) -> Next<T> {
        let now = self.move_to(now);
        self.queue.settle(now);
        if self.sheds_since_run < self.config.max_sheds_between_runs
            && let Some(shed) = self.shed_next(now)
        {
            return Next::Shed(shed);
        }
        if let Some(running) = self.start_next(now) {
            return Next::Run(running);
        }
        match self.shed_next(now) {
            Some(shed) => Next::Shed(shed),
            None => Next::Wait(self.queue.next_wakeup()),
        }
    }

    /// Sheds the late job with the earliest deadline.
    fn shed_next(&mut self, now: Time) -> Option<Shed<T>> {
        let key = self.queue.first_late()?;
        let record = self.queue.remove(key)?;
        let latest_start = record.latest_start()?;
        self.sheds_since_run = self.sheds_since_run.saturating_add(1);
        self.stats.queued -= 1;
        self.stats.shed += 1;
        Some(Shed {
            key,
            payload: record.payload?,
            deadline: record.deadline,
            class: record.class,
            waited: now.saturating_since(record.eligible),
            reason: ShedReason::LatestStart { latest_start, cost: record.cost },
        })
    }

    /// Starts the first job, if a worker is free for it.
    fn start_next(&mut self, now: Time) -> Option<Running<T>> {
        if self.stats.running >= self.config.workers {
            return None;
        }
        let key = self.queue.first_ready().or_else(|| self.queue.first_background_in_slack(now))?;
        let (payload, record) = self.queue.start(key, now)?;
        self.sheds_since_run = 0;
        self.stats.queued -= 1;
        self.stats.running += 1;
        Some(Running {
            key,
            payload,
            deadline: record.deadline,
            class: record.class,
            cost: record.cost,
            waited: now.saturating_since(record.eligible),
        })
    }

    /// Ends a running job: frees its worker, and its class learns from the time since its start
    /// if it is done. O(1). Returns that time; `None` if the key's job is not running.
    pub fn complete(&mut self, now: Time, key: Key, outcome: Outcome) -> Option<Duration> {
        let now = self.move_to(now);
        let Place::Running(started) = self.queue.get(key)?.place else {
            return None;
        };
        let record = self.queue.remove(key)?;
        let took = now.saturating_since(started);
        self.stats.running -= 1;
        self.stats.late += u64::from(record.deadline.is_some_and(|deadline| deadline < now));
        match outcome {
            Outcome::Done => {
                self.costs[record.class.number()].learn(took);
                self.stats.done += 1;
            }
            Outcome::Failed => self.stats.failed += 1,
        }
        Some(took)
    }

    /// Takes a queued job out and returns its payload. O(log n). `None` if the job is running or
    /// gone.
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        if matches!(self.queue.get(key)?.place, Place::Running(_)) {
            return None;
        }
        let record = self.queue.remove(key)?;
        self.stats.queued -= 1;
        self.stats.cancelled += 1;
        record.payload
    }

    /// Gives a queued job another deadline, earlier or later, and returns the old one. O(log n).
    ///
    /// The job keeps its place among equal deadlines. If its latest start has passed under the
    /// new deadline, the next poll sheds it; a job that was about to be shed is saved by a later
    /// deadline. A job that had none enters the order of its class.
    ///
    /// # Errors
    ///
    /// If the job is running or gone.
    pub fn reschedule(
        &mut self,
        now: Time,
        key: Key,
        deadline: Time,
    ) -> Result<Option<Time>, RescheduleError> {
        let now = self.move_to(now);
        let record = self.queue.get(key).ok_or(RescheduleError::Stale)?;
        if matches!(record.place, Place::Running(_)) {
            return Err(RescheduleError::Running);
        }
        Ok(self.queue.reschedule(key, deadline, now))
    }

    /// What became of the jobs so far. O(1).
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// The cost of a job that declares none, if it were submitted now; `None` for a class that
    /// is not configured. O(1).
    #[must_use]
    pub fn expected_cost(&self, class: Class) -> Option<Duration> {
        self.costs.get(class.number()).map(MeanCost::mean)
    }

    fn move_to(&mut self, now: Time) -> Time {
        self.now = self.now.max(now);
        self.now
    }

    /// Checks that every job stands in one place and that no outcome is missing. O(n); for tests
    /// and fuzzing.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub fn assert_invariants(&self) {
        self.queue.assert_invariants();
        let Stats { submitted, refused, done, failed, cancelled, shed, queued, running, .. } =
            self.stats;
        let pending = u64::from(queued) + u64::from(running);
        assert_eq!(self.queue.len() as u64, pending, "every pending job is in the store");
        let outcomes = refused.total() + done + failed + cancelled + shed;
        assert_eq!(submitted, outcomes + pending, "every submit has one outcome");
        assert!(running <= self.config.workers && queued <= self.config.queue_bound);
    }
}
