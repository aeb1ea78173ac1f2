//! What became of the jobs so far.

use core::ops::AddAssign;
use core::time::Duration;

use super::histogram::Histogram;
use super::reason::{RefuseReason, ShedReason};
use crate::time::Time;

/// Counts of jobs by what became of them, of a class or of all.
///
/// Every submit has exactly one outcome, at any moment:
/// `submitted = refused + joined + done + failed + cancelled + shed + pending`, where
/// `pending = queued + running + suspended`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls of `submit`. Those with a class that is not configured are counted for no class.
    pub submitted: u64,
    /// Jobs that were not accepted, by reason.
    pub refused: Refusals,
    /// Jobs that joined a queued one.
    pub joined: u64,
    /// Jobs that ran and were completed with [`Outcome::Done`](super::Outcome::Done).
    pub done: u64,
    /// Jobs that ran and were completed with [`Outcome::Failed`](super::Outcome::Failed) or
    /// [`Outcome::GivenUp`](super::Outcome::GivenUp).
    pub failed: u64,
    /// Jobs that were cancelled while they were queued or suspended.
    pub cancelled: u64,
    /// Accepted jobs that were not run, by reason.
    pub shed: Sheds,
    /// Jobs that were completed after their deadline; they are counted as done or failed too.
    pub late: u64,
    /// Starts of background jobs that their class's starvation guard took to the front.
    pub forced: u64,
    /// Jobs that [shadow mode](super::Config::shadow) ran although they would not have been.
    pub shadowed: u64,
    /// Jobs that are queued now, those included that were resumed and have not gone on yet.
    pub queued: u32,
    /// Jobs that are running now, those included that a guest runs.
    pub running: u32,
    /// Jobs that are suspended now.
    pub suspended: u32,
    /// The time of all runs that have ended, on workers and by guests.
    pub busy: Duration,
}

impl Stats {
    /// The share of the workers' time between two moments that runs have taken: `self` is the later
    /// reading. 0.0 if no time has passed. A run counts when it ends, so over short times the share
    /// can exceed 1; so it can where guests run jobs too.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Scheduler};
    ///
    /// let mut scheduler = Scheduler::<()>::new(Config::default())?;
    /// let before = scheduler.stats();
    /// // A second passes.
    /// let used = scheduler.stats().utilisation(&before, Duration::from_secs(1), 1);
    /// assert_eq!(used, 0.0);
    /// # Ok::<(), punctual::scheduler::ConfigError>(())
    /// ```
    #[must_use]
    pub fn utilisation(&self, earlier: &Self, elapsed: Duration, workers: u32) -> f64 {
        let capacity = elapsed.as_secs_f64() * f64::from(workers);
        let busy = self.busy.saturating_sub(earlier.busy).as_secs_f64();
        if capacity > 0.0 { busy / capacity } else { 0.0 }
    }
}

/// Counts of refused jobs by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusals {
    /// The queue was full.
    pub queue_full: u64,
    /// The deadline had passed.
    pub expired: u64,
    /// A deadline would have been missed.
    pub infeasible: u64,
    /// The class is not one of the configuration's.
    pub unknown_class: u64,
    /// The scheduler was shut down.
    pub closed: u64,
}

impl Refusals {
    /// All refused jobs.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.queue_full + self.expired + self.infeasible + self.unknown_class + self.closed
    }

    pub(super) const fn count(&mut self, reason: &RefuseReason) {
        *match reason {
            RefuseReason::QueueFull => &mut self.queue_full,
            RefuseReason::Expired => &mut self.expired,
            RefuseReason::Infeasible(_) => &mut self.infeasible,
            RefuseReason::UnknownClass => &mut self.unknown_class,
            RefuseReason::Closed => &mut self.closed,
        } += 1;
    }
}

/// Counts of accepted jobs that were not run, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sheds {
    /// Their latest start had passed.
    pub latest_start: u64,
    /// They cost most for their value.
    pub evicted: u64,
    /// Their tenant had more than its share.
    pub over_share: u64,
    /// Their place in a full queue was given away.
    pub displaced: u64,
    /// The scheduler was shut down.
    pub shutdown: u64,
}

impl Sheds {
    /// All shed jobs.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.latest_start + self.evicted + self.over_share + self.displaced + self.shutdown
    }

    pub(super) const fn count(&mut self, reason: &ShedReason) {
        *match reason {
            ShedReason::LatestStart { .. } => &mut self.latest_start,
            ShedReason::Evicted(_) => &mut self.evicted,
            ShedReason::OverShare(_) => &mut self.over_share,
            ShedReason::Displaced => &mut self.displaced,
            ShedReason::Shutdown => &mut self.shutdown,
        } += 1;
    }
}

impl AddAssign for Stats {
    fn add_assign(&mut self, other: Self) {
        self.submitted += other.submitted;
        self.refused.queue_full += other.refused.queue_full;
        self.refused.expired += other.refused.expired;
        self.refused.infeasible += other.refused.infeasible;
        self.refused.unknown_class += other.refused.unknown_class;
        self.refused.closed += other.refused.closed;
        self.joined += other.joined;
        self.done += other.done;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.shed.latest_start += other.shed.latest_start;
        self.shed.evicted += other.shed.evicted;
        self.shed.over_share += other.shed.over_share;
        self.shed.displaced += other.shed.displaced;
        self.shed.shutdown += other.shed.shutdown;
        self.late += other.late;
        self.forced += other.forced;
        self.shadowed += other.shadowed;
        self.queued += other.queued;
        self.running += other.running;
        self.suspended += other.suspended;
        self.busy = self.busy.saturating_add(other.busy);
    }
}

/// How the jobs of a class fare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassStats {
    /// What became of them.
    pub counts: Stats,
    /// How long those that ran were queued before they began, from their submission or later
    /// release.
    pub queue_delay: Histogram,
    /// By how much those that were late missed their deadline.
    pub lateness: Histogram,
}

impl ClassStats {
    /// Adds what the same class did elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.counts += other.counts;
        self.queue_delay.merge(&other.queue_delay);
        self.lateness.merge(&other.lateness);
    }
}

/// How things stand at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Worker time that the running jobs are expected to need still.
    pub running: Duration,
    /// Worker time that the released foreground jobs are expected to need.
    pub queued: Duration,
    /// When the first queued job starts at the latest, as far as the sum of what runs tells; with
    /// several workers it may be sooner.
    pub begin: Time,
    /// By how much the released foreground jobs could be delayed without a deadline being missed;
    /// [`Duration::MAX`] if there are none, `None` if it is not certain that all will be done in
    /// time, or if nobody keeps account: with [`Admission::All`](super::Admission::All).
    pub slack: Option<Duration>,
}
