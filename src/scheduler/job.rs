//! What goes into a scheduler and what comes out of it.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::key::Key;
use crate::time::Time;

/// The number of a class in [`Config::classes`](super::Config::classes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class(u16);

impl Class {
    /// The class with this number, counted from zero.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The class's number.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }
}

/// When a job must be done, as its submitter said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Never,
    At(Time),
    Within(Duration),
}

/// A payload and what the scheduler needs to know of it.
///
/// Without a deadline a job is background work, whatever its class: it runs in slack, in the
/// order of submission, and is never shed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job<T> {
    /// What the job is about; the scheduler only carries it.
    pub payload: T,
    pub(super) due: Due,
    pub(super) release: Option<Time>,
    pub(super) class: Class,
    pub(super) cost: Option<Duration>,
    pub(super) lead: Duration,
}

impl<T> Job<T> {
    /// A job of class 0 without deadline or release, whose cost the class has learned.
    #[must_use]
    pub const fn new(payload: T) -> Self {
        Self {
            payload,
            due: Due::Never,
            release: None,
            class: Class::new(0),
            cost: None,
            lead: Duration::ZERO,
        }
    }

    /// Sets when the job must be done.
    #[must_use]
    pub fn deadline(self, deadline: Time) -> Self {
        Self { due: Due::At(deadline), ..self }
    }

    /// Sets the time that the job has, counted from its submission, or from its release if that
    /// comes later: no job is born expired.
    #[must_use]
    pub fn budget(self, budget: Duration) -> Self {
        Self { due: Due::Within(budget), ..self }
    }

    /// Sets the time before which the job doesn't start.
    #[must_use]
    pub fn release(self, release: Time) -> Self {
        Self { release: Some(release), ..self }
    }

    /// Sets the class.
    #[must_use]
    pub fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// Declares the worker time that the job needs; otherwise it is the class's learned mean at
    /// the moment of submission.
    #[must_use]
    pub fn cost(self, cost: Duration) -> Self {
        Self { cost: Some(cost), ..self }
    }

    /// Sets the time to completion that occupies no worker, such as a wait for I/O; zero by
    /// default.
    #[must_use]
    pub fn lead(self, lead: Duration) -> Self {
        Self { lead, ..self }
    }
}

/// What [`Scheduler::poll`](super::Scheduler::poll) asks its shell to do next.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a job in it is lost when it is dropped"]
pub enum Next<T> {
    /// Run this job, then call [`Scheduler::complete`](super::Scheduler::complete).
    Run(Running<T>),
    /// Answer 'no' for this job at once: there is just time for it.
    Shed(Shed<T>),
    /// Nothing to do before this time, unless a job is submitted, rescheduled, cancelled (whose
    /// slack may let background work start) or completed; `None` if only such a call can bring
    /// work.
    Wait(Option<Time>),
}

/// A job that starts now and occupies a worker until it is completed.
#[derive(Debug, PartialEq, Eq)]
pub struct Running<T> {
    /// The job's key, for [`Scheduler::complete`](super::Scheduler::complete).
    pub key: Key,
    /// What was submitted.
    pub payload: T,
    /// When the job must be done.
    pub deadline: Option<Time>,
    /// The job's class.
    pub class: Class,
    /// The worker time that it is expected to need.
    pub cost: Duration,
    /// How long it was queued, counted from its release if that came later than its submission.
    pub waited: Duration,
}

/// An accepted job that is not run.
#[derive(Debug, PartialEq, Eq)]
pub struct Shed<T> {
    /// The job's key, which is stale from now on.
    pub key: Key,
    /// What was submitted.
    pub payload: T,
    /// When the job must have been done.
    pub deadline: Option<Time>,
    /// The job's class.
    pub class: Class,
    /// How long it was queued, counted from its release if that came later than its submission.
    pub waited: Duration,
    /// Why it is not run.
    pub reason: ShedReason,
}

/// Why an accepted job is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShedReason {
    /// Started now it would end after its deadline.
    LatestStart {
        /// The time before which it had to start: deadline - cost - lead - margin.
        latest_start: Time,
        /// The worker time that it was expected to need.
        cost: Duration,
    },
}

/// How a job ended that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should; the class learns from the time that it took.
    Done,
    /// It failed; the class learns nothing.
    Failed,
}

/// A job that was not accepted, and why. Only ever the job in hand.
#[derive(PartialEq, Eq)]
pub struct Refused<T> {
    /// What was to be submitted.
    pub job: Job<T>,
    /// Why it was not accepted.
    pub reason: RefuseReason,
}

/// Why a job was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefuseReason {
    /// As many jobs are queued as the configuration allows.
    QueueFull,
    /// The deadline has passed.
    Expired,
    /// Nobody could meet the deadline, however empty the queue.
    Infeasible {
        /// The time before which it would have to start.
        latest_start: Time,
    },
    /// The class is not one of the configuration's.
    UnknownClass,
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Refused").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(formatter)
    }
}

impl<T> Error for Refused<T> {}

impl fmt::Display for RefuseReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => formatter.write_str("the queue is full"),
            Self::Expired => formatter.write_str("the deadline has passed"),
            Self::Infeasible { .. } => {
                formatter.write_str("the deadline leaves less time than cost, lead and margin need")
            }
            Self::UnknownClass => formatter.write_str("the class is not configured"),
        }
    }
}

impl fmt::Display for ShedReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LatestStart { latest_start, cost } => {
                write!(formatter, "a job of {cost:?} had to start before {latest_start:?}")
            }
        }
    }
}

/// Why a deadline was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RescheduleError {
    /// The job is gone: it has an outcome already.
    Stale,
    /// The job is running.
    Running,
}

impl fmt::Display for RescheduleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stale => "the job has an outcome already",
            Self::Running => "the job is running",
        })
    }
}

impl Error for RescheduleError {}
