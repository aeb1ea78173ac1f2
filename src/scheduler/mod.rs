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
//! poll at or after it, while the caller still has time to answer; nothing starts then or later.
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
//! (R. L. Graham, 1966). That is exact for one worker, and sufficient for more. For more than one,
//! it starts at the latest when as many workers as there are jobs up to *j* have become free,
//! too, and what runs longer than until the last queued deadline counts only until then. Jobs are
//! *feasible* if each starts before its latest start by this measure.
//!
//! [`Admission::Feasible`] refuses a job with which itself or one behind it would not be feasible;
//! so it does when the deadline of a queued job is brought forward, and a job whose release comes
//! later is shed then.
//!
//! [`Admission::Evict`] takes every job, and each poll makes feasible what is queued: it finds
//! the first job that is not feasible, and evicts the one of the highest cost per value up to
//! there, the last in order among equals, until all are feasible again. That is the rule of
//! J. M. Moore and T. J. Hodgson (1968): for equal values, and jobs that were all submitted
//! before the poll, it keeps the largest number that can be done in time. Runs that take longer
//! than expected are made up for in the same way. A job that couldn't be met even as the first is
//! evicted itself.
//!
//! *Tenants*: if the class of the job that is to be evicted has tenants that have queued more work
//! than the mean of all of the class's tenants with something queued, one of theirs goes in its
//! stead: that of the tenant with the most work that has a job up to there (of eight that are
//! asked).
//!
//! *Reservations*: while a class's [`Reservation`] could serve a job by its latest start, it is
//! evicted only if there is nobody else who can be (a running job can't, nor one that a starvation
//! guard took to the front), and not refused for the sake of others.
//!
//! *A full queue*: with [`Admission::Evict`], a job whose tenant has queued less displaces the
//! worst job of the class's tenant with the most work; and where the whole queue is full, a job
//! that costs less for its value displaces the worst of all, as does a job with a reservation.
//! Jobs that are to be shed don't fill a queue, unless there are as many of them again.
//!
//! # Costs
//!
//! A job's cost is declared, or what its class has learned, and frozen when it is submitted, so
//! that a latest start never moves by itself. Where the runs of a class take longer than what was
//! declared for them, declared costs are multiplied by the ratio of the two means: a class that
//! declares too little hurts itself alone. When more than 256 jobs of a class were refused or shed
//! for their cost and none of it has run meanwhile, the next one is a *probe*: it is booked as if
//! nothing had been learned and is not evicted for others, and what it shows replaces what was
//! learned. So one long run locks no class out. [`complete`](Scheduler::complete) frees what a job
//! did not need.
//!
//! Until its class has learned, a job that declares nothing costs the class's
//! [initial cost](ClassConfig::initial_cost), which is zero by default: a first burst of such jobs
//! looks as if all of it could be done in no time.
//!
//! # Coalescing
//!
//! In a scheduler [with identities](Scheduler::with_identities) a job joins a queued one of an
//! equal identity: the queued one keeps its class, cost, value and tenant, and takes the earlier
//! deadline and the earlier release, for good. With [`Admission::Feasible`] that is admitted anew.
//! It leaves the queue when all who share it have cancelled. A running job is joined by nobody,
//! since it may have read what has changed since; another of its identity waits until it is done
//! (but for what only shadow mode runs).
//!
//! # Jobs that wait, and guests
//!
//! A running job that waits for something gives its worker back with
//! [`suspend`](Scheduler::suspend), and is queued again with [`resume`](Scheduler::resume), in its
//! order and with what is left of its cost. Once it was suspended, nothing but its end makes it
//! go: time was spent on it, and somebody waits for the rest. So it is not shed at its latest
//! start, and nobody is evicted for its sake; but what it still needs comes before others, who may
//! be evicted for that.
//!
//! A *guest* is somebody who runs a job and is none of the workers: a worker of another scheduler,
//! to which [`first`](Scheduler::first) says what comes next here, or a job that waits for one of
//! its own. It takes a job with [`claim`](Scheduler::claim). That needs no worker, and those that
//! the scheduler counts on stay its own: [`set_workers`](Scheduler::set_workers) changes how many
//! they are.
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

mod admission;
mod budget;
mod capacity;
mod class;
mod complete;
mod config;
mod cost;
mod demand;
mod evict;
mod histogram;
mod invariants;
mod job;
mod lane;
mod learned;
mod next;
mod observe;
mod places;
mod queue;
mod ready;
mod reason;
mod record;
mod reschedule;
mod reservation;
mod runs;
mod shutdown;
#[cfg(feature = "serde")]
mod snapshot;
mod start;
mod stats;
pub mod stripes;
mod suspend;
mod tenants;
mod workers;

pub use budget::Budget;
pub use class::{Class, ClassConfig, CostModel, Reservation};
pub use config::{Admission, Config, ConfigError, Margin};
pub use histogram::{Histogram, Quantile};
pub use job::{Job, NoIdentity};
pub use next::{Cancelled, Next, Outcome, Running, Shed, Submitted};
pub use reason::{Forecast, RefuseReason, Refused, RescheduleError, ShedReason, Verdict};
#[cfg(feature = "serde")]
pub use snapshot::{SavedJob, Snapshot};
pub use stats::{ClassStats, Load, Refusals, Sheds, Stats};

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::time::Time;
use learned::Learned;
use queue::Queue;
use record::Record;

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
/// let key = scheduler.submit(start, Job::new("later").budget(ms(90)).cost(ms(1)))?.key();
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
    config: Config,
    classes: Vec<ClassState>,
    queue: Queue<T, I>,
    /// The queued jobs that can be joined, by slot.
    identities: BTreeMap<I, u32>,
    /// How many jobs of an identity were started and have not ended: one, but for what shadow mode
    /// lets run.
    running: BTreeMap<I, u32>,
    now: Time,
    is_closed: bool,
    next_sequence: u64,
    sheds_since_run: u32,
    /// Submissions with a class that is not configured.
    unknown_class: u64,
    queued: u32,
}

/// What is known of a class's jobs.
#[derive(Debug)]
struct ClassState {
    learned: Learned,
    stats: ClassStats,
}

impl ClassState {
    /// A job is refused or shed because of its cost. If another of the class runs, that will tell
    /// what they cost.
    fn turn_away(&mut self) {
        if self.stats.counts.running == 0 {
            self.learned.turn_away();
        }
    }
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
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, Scheduler, Submitted};
    /// use punctual::time::Time;
    ///
    /// let ms = Duration::from_millis;
    /// let mut scheduler = Scheduler::with_identities(Config::default())?;
    /// let load = |budget| Job::new("load user 7").identity("user 7").budget(budget);
    /// let first = scheduler.submit(Time::ZERO, load(ms(80)))?;
    /// let second = scheduler.submit(Time::ZERO, load(ms(50)))?;
    /// assert!(matches!(second, Submitted::Joined(key, _) if key == first.key()));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the configuration makes no scheduler.
    pub fn with_identities(config: Config) -> Result<Self, ConfigError> {
        config.validate()?;
        let classes = config.classes.iter().map(|class| ClassState {
            learned: Learned::new(class, config.margin),
            stats: ClassStats::default(),
        });
        Ok(Self {
            classes: classes.collect(),
            queue: Queue::new(&config),
            config,
            identities: BTreeMap::new(),
            running: BTreeMap::new(),
            now: Time::ZERO,
            is_closed: false,
            next_sequence: 0,
            sheds_since_run: 0,
            unknown_class: 0,
            queued: 0,
        })
    }

    /// What to do next. Amortised O(log n), and O(log n) for each job whose release or latest start
    /// has passed since the last poll, or that has to be evicted: after a long stall that may be
    /// all of them in one call. With several workers, finding out whether somebody is late costs
    /// O(workers) more when the index's bound is reached. A `Wait` asks the wheel for its next
    /// wake-up as well, which is amortised O(1): see
    /// [`IdWheel::next_wakeup`](crate::wheel::IdWheel::next_wakeup).
    ///
    /// Poll again at once after a `Run` or a `Shed`: there may be more.
    pub fn poll(&mut self, now: Time) -> Next<T> {
        let now = self.decide_at(now);
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
            None => Next::Wait(self.queue.next_wakeup(now)),
        }
    }

    /// What is to be shed next, as [`poll`](Self::poll) says it and as costly, but nothing is
    /// started: for a shell that has no worker at hand, and still says 'no' in time. Afterwards
    /// [`next_wakeup`](Self::next_wakeup) tells when to look again.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, Scheduler};
    /// use punctual::time::Time;
    ///
    /// let (now, ms) = (Time::ZERO, Duration::from_millis);
    /// let mut scheduler = Scheduler::new(Config::default())?;
    /// scheduler.submit(now, Job::new("bid").budget(ms(10)).cost(ms(2)))?;
    /// assert_eq!(scheduler.poll_sheds(now), None);
    /// assert_eq!(scheduler.next_wakeup(now), Some(now + ms(8)));
    /// assert_eq!(scheduler.poll_sheds(now + ms(8)).map(|shed| shed.payload), Some("bid"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn poll_sheds(&mut self, now: Time) -> Option<Shed<T>> {
        let now = self.decide_at(now);
        self.shed_next(now)
    }

    /// Whether it was decided already that something is shed, and nobody was told yet. O(1).
    #[cfg(feature = "pool")]
    pub(crate) fn has_sheds(&self) -> bool {
        self.queue.first_doomed().is_some()
    }

    /// When something changes by itself next, as a [`Next::Wait`] of a poll that has nothing to
    /// start or to shed says it. Costs what
    /// [`IdWheel::next_wakeup`](crate::wheel::IdWheel::next_wakeup) does.
    #[must_use]
    pub fn next_wakeup(&mut self, now: Time) -> Option<Time> {
        let now = self.settle_at(now);
        self.queue.next_wakeup(now)
    }

    /// Sheds the doomed job with the earliest deadline.
    fn shed_next(&mut self, now: Time) -> Option<Shed<T>> {
        self.forget_identity(self.queue.first_doomed()?);
        let (key, record, reason) = self.queue.pop_doomed()?;
        self.sheds_since_run = self.sheds_since_run.saturating_add(1);
        self.leave_queue(record.class);
        let class = &mut self.classes[record.class.number()];
        class.stats.counts.shed.count(&reason);
        if !matches!(reason, ShedReason::Shutdown | ShedReason::Displaced) {
            class.turn_away();
        }
        Some(Shed {
            key,
            payload: record.payload?,
            deadline: record.deadline,
            class: record.class,
            tenant: record.tenant,
            shares: record.shares,
            waited: now.saturating_since(record.eligible),
            reason,
        })
    }

    fn leave_queue(&mut self, class: Class) {
        self.queued -= 1;
        self.classes[class.number()].stats.counts.queued -= 1;
    }

    /// Nobody joins a job any more that leaves the queue. Call it before anything else is changed:
    /// the caller's order of identities may panic.
    fn forget_identity(&mut self, slot: u32) {
        let Some(identity) = self.queue.at(slot).and_then(|record| record.identity.as_ref()) else {
            return;
        };
        if self.identities.get(identity) == Some(&slot) {
            self.identities.remove(identity);
        }
    }

    /// Whether a job of the same identity was started and has not ended.
    fn is_running(&self, identity: Option<&I>) -> bool {
        identity.is_some_and(|identity| self.running.contains_key(identity))
    }

    /// Whether a job has to wait until another of its identity ends.
    fn has_to_wait(&self, record: &Record<T, I>) -> bool {
        !record.is_started && self.is_running(record.identity.as_ref())
    }

    /// Moves to `now` what happens by itself.
    fn settle_at(&mut self, now: Time) -> Time {
        let now = self.move_to(now);
        self.queue.settle(now);
        now
    }

    /// Moves to `now` what happens by itself, and decides who has to go.
    fn decide_at(&mut self, now: Time) -> Time {
        let now = self.settle_at(now);
        if self.config.admission == Admission::Evict {
            self.queue.evict(now);
        }
        now
    }

    fn move_to(&mut self, now: Time) -> Time {
        self.now = self.now.max(now);
        self.now
    }
}
