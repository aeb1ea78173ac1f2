//! Earliest deadline first, the most work for its cost in overload, and an explicit 'no' in time:
//! a state machine without clock or thread.
//!
//! Every call takes `now`. A shell (an event loop, a pool of threads, a simulation) submits jobs,
//! polls, runs what it is told to run, answers 'no' where it is told to shed, and completes.
//!
//! # Order
//!
//! Foreground jobs run in the order of (deadline, submission), none before its release. A
//! background job (one of a background class, or without a deadline) starts only if no
//! foreground job is ready, and if all foreground jobs that wait for their release could still be
//! done in time after it, one behind the other in the order of their deadlines. Only the first
//! background job is considered: one that is too long for the slack is not overtaken. A class's
//! [starvation guard](ClassConfig::starvation_guard) takes the job that has waited longest to the
//! front, at most one in each such time.
//!
//! # Shedding
//!
//! A job's *latest start* is deadline - cost - lead - margin. A queued job is shed by the first
//! poll at or after it, while the caller still has time to answer; nothing starts after its
//! latest start.
//!
//! # Admission
//!
//! A job that could not be met by an idle scheduler is refused at once. Beyond that,
//! [`Admission::All`] refuses nobody. The others keep a *demand index*: the released foreground
//! jobs in their order, with the worker time before each. With `W` workers, job *j* starts at the
//! latest at
//!
//! > now + (R + Σ cost of the queued jobs before *j*) / `W`,
//!
//! where R is what the running jobs are expected to need still: until then no worker is idle
//! (R. L. Graham, 1966). That is exact for one worker, and sufficient for more. As many jobs as
//! there are free workers start at once. Jobs are *feasible* if each starts before its latest
//! start by this measure.
//!
//! [`Admission::Feasible`] refuses a job with which itself or one behind it would not be feasible.
//! [`Admission::Evict`] takes it, finds the first job that is not feasible, and evicts the one of
//! the highest cost per value up to there, the last in order among equals, until all are feasible
//! again; if that is the job in hand, it is refused and nobody is evicted. That is the rule of
//! J. M. Moore and T. J. Hodgson (1968), which for equal values and a common release gives the
//! largest number of jobs in time. A poll does the same when runs took longer than expected. A
//! job that couldn't be met even as the first is evicted itself.
//!
//! *Tenants*: if the class of the job that is to be evicted has tenants that have queued more work
//! than the mean of all of the class's tenants with something queued, one of theirs goes in its
//! stead: that of the tenant with the most work that has a job up to there. With a full queue, a
//! job whose tenant has queued less takes the place of the worst job of the class's tenant with
//! the most work.
//!
//! *Reservations*: while a class's [`Reservation`] could serve a job by its latest start, it is
//! evicted only if there is nobody else, and not refused for the sake of others.
//!
//! # Costs
//!
//! A job's cost is declared, or what its class has learned, and frozen when it is submitted, so
//! that a latest start never moves by itself. Where the runs of a class take longer than what was
//! declared for them, declared costs are multiplied by the ratio of the two means: a class that
//! declares too little hurts itself alone. Where only what was learned stands in the way of a
//! job that is refused or shed, that goes a sixteenth of the way back to the class's initial cost:
//! a class whose estimate was spoilt by one long run tries again after a few refusals.
//! [`complete`](Scheduler::complete) frees what a job did not need.
//!
//! # Coalescing
//!
//! In a scheduler [with identities](Scheduler::with_identities) a job joins a queued one of an
//! equal identity: the queued one takes the earlier deadline and the earlier release, a tightened
//! deadline is admitted anew, and it leaves the queue when all who share it have cancelled. A
//! running job is joined by nobody, since it may have read what has changed since.
//!
//! # Time
//!
//! A `now` before that of an earlier call counts as that one.
//!
//! # Source
//!
//! C. L. Liu and J. W. Layland, Scheduling algorithms for multiprogramming in a hard-real-time
//! environment, 1973; latest start times as the trigger in overload: G. Koren and D. Shasha,
//! D-over, 1992; deadline order before and value order in overload: G. Buttazzo, M. Spuri and
//! F. Sensini, Value vs. deadline scheduling in overload conditions, 1995.

mod budget;
mod class;
mod config;
mod cost;
mod histogram;
mod job;
mod next;
mod queue;
mod reason;
mod stats;

pub use budget::Budget;
pub use class::{Class, ClassConfig, CostModel, Reservation};
pub use config::{Admission, Config, ConfigError, Margin};
pub use histogram::{Histogram, Quantile};
pub use job::{Job, NoIdentity};
pub use next::{Cancelled, Next, Outcome, Running, Shed, Submitted};
pub use reason::{Forecast, RefuseReason, Refused, RescheduleError, ShedReason, Verdict};
pub use stats::{ClassStats, Load, Refusals, Sheds, Stats};

use alloc::vec::Vec;
use core::marker::PhantomData;
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
pub struct Scheduler<T, I = NoIdentity> {
    identities: PhantomData<I>,
    config: Config,
    costs: Vec<MeanCost>,
    queue: Queue<T>,
    margin: Duration,
    now: Time,
    next_sequence: u64,
    sheds_since_run: u32,
    stats: Stats,
}

impl<T> Scheduler<T> {
    /// A scheduler without jobs, which coalesces none.
    ///
    /// # Errors
    ///
    /// If the configuration makes no scheduler.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::with_identities(config)
    }
}

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// A scheduler without jobs, which coalesces those of equal identities.
    ///
    /// # Errors
    ///
    /// If the configuration makes no scheduler.
    pub fn with_identities(config: Config) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            identities: PhantomData,
            costs: config.classes.iter().map(|class| MeanCost::new(class.initial_cost)).collect(),
            margin: match config.margin {
                Margin::Fixed(margin) => margin,
                Margin::Learned { least, .. } => least,
            },
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
    pub fn submit(&mut self, now: Time, job: Job<T, I>) -> Result<Submitted<T, I>, Refused<T, I>> {
        let now = self.move_to(now);
        self.stats.submitted += 1;
        let record = match self.admit(now, &job) {
            Ok(record) => record,
            Err(reason) => {
                self.stats.refused.count(&reason);
                return Err(Refused { job, reason });
            }
        };
        self.next_sequence += 1;
        self.stats.queued += 1;
        let record = Record { payload: Some(job.payload), ..record };
        Ok(Submitted::Queued(self.queue.insert(record, now)))
    }

    /// The job's record, still without its payload, or the reason not to take it.
    fn admit(&mut self, now: Time, job: &Job<T, I>) -> Result<Record<T>, RefuseReason> {
        let class = job.class.number();
        let settings = self.config.classes.get(class).ok_or(RefuseReason::UnknownClass)?;
        let eligible = job.release.map_or(now, |release| release.max(now));
        let deadline = match job.due {
            Due::Never => None,
            Due::At(deadline) => Some(deadline),
            Due::Within(budget) => Some(eligible + budget),
        };
        let reserve = |cost: Duration| cost.saturating_add(job.lead).saturating_add(self.margin);
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
            return Err(RefuseReason::Infeasible(Forecast {
                latest_start,
                start: eligible,
                ahead: 0,
                violated: deadline.unwrap_or(Time::MAX),
            }));
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
        self.stats.shed.latest_start += 1;
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
            verdict: None,
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
    pub fn cancel(&mut self, key: Key) -> Option<Cancelled<T>> {
        if matches!(self.queue.get(key)?.place, Place::Running(_)) {
            return None;
        }
        let record = self.queue.remove(key)?;
        self.stats.queued -= 1;
        self.stats.cancelled += 1;
        record.payload.map(Cancelled::Removed)
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

    /// The margin of a job that is submitted now; `None` for a class that is not configured.
    /// O(1).
    #[must_use]
    pub fn margin(&self, class: Class) -> Option<Duration> {
        self.costs.get(class.number()).map(|_| self.margin)
    }

    /// What became of a class's jobs so far, and how they fared; `None` for a class that is not
    /// configured. O(1).
    #[must_use]
    pub fn class_stats(&self, class: Class) -> Option<&ClassStats> {
        let _ = class;
        None
    }

    /// How things stand. O(log n).
    #[must_use]
    pub fn load(&mut self, now: Time) -> Load {
        let begin = self.move_to(now);
        Load { running: Duration::ZERO, queued: Duration::ZERO, begin, slack: None }
    }

    /// Takes no job any more, and sheds every queued one that could not be done before `by`, at
    /// its latest start for that moment. O(n log n).
    pub fn shutdown(&mut self, now: Time, by: Time) {
        let _ = (now, by);
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
        let outcomes = refused.total() + done + failed + cancelled + shed.total();
        assert_eq!(submitted, outcomes + pending, "every submit has one outcome");
        assert!(running <= self.config.workers && queued <= self.config.queue_bound);
    }
}
