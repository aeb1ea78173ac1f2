//! Why a job is not run: every 'no' explains itself.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use super::job::{Job, NoIdentity};
use crate::time::Time;

/// What the scheduler foresaw when it said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The time before which the job had to start: deadline - cost - lead - margin.
    pub latest_start: Time,
    /// When it would have started at the latest, with everything before it that was queued or
    /// running.
    pub start: Time,
    /// When it would have been done then: start + cost + lead.
    pub finish: Time,
    /// How many queued jobs were before it.
    pub ahead: u32,
    /// The earliest deadline that would have been missed: the job's own, or that of one behind
    /// it.
    pub violated: Time,
}

/// A job that was not accepted, and why. Only ever the job in hand.
#[derive(PartialEq, Eq)]
pub struct Refused<T, I = NoIdentity> {
    /// What was to be submitted.
    pub job: Job<T, I>,
    /// Why it was not accepted.
    pub reason: RefuseReason,
}

/// Why a job was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefuseReason {
    /// As many jobs are queued, in all or of its class, as the configuration allows.
    QueueFull,
    /// The deadline has passed.
    Expired,
    /// A deadline would be missed: the job's own, however empty the queue, or, with
    /// [`Admission::Feasible`](super::Admission::Feasible), because of what is queued.
    Infeasible(Forecast),
    /// The class is not one of the configuration's.
    UnknownClass,
    /// The scheduler is shut down.
    Closed,
}

/// Why an accepted job is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShedReason {
    /// Started now it would not end its margin before its deadline.
    LatestStart {
        /// The time before which it had to start: deadline - cost - lead - margin.
        latest_start: Time,
        /// The worker time that it was expected to need.
        cost: Duration,
    },
    /// Not all could be done in time, and it was the one to go: it cost most for its value, or
    /// could not have been done even as the first.
    Evicted(Forecast),
    /// Not all could be done in time, and its tenant had more than its share of the queue.
    OverShare(Forecast),
    /// The queue was full, and its place was given to a job with a better right to it.
    Displaced,
    /// The scheduler shuts down, and it could not be done before that.
    Shutdown,
}

/// What would have become of a job, if the scheduler were not in
/// [shadow mode](super::Config::shadow).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would have been refused.
    Refused(RefuseReason),
    /// It would have been shed.
    Shed(ShedReason),
}

/// Why a deadline was not changed; the job keeps the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RescheduleError {
    /// The job is gone: it has an outcome already.
    Stale,
    /// The job is running.
    Running,
    /// A deadline would be missed.
    Infeasible(Forecast),
}

impl<T, I> fmt::Debug for Refused<T, I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Refused").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<T, I> fmt::Display for Refused<T, I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(formatter)
    }
}

impl<T, I> Error for Refused<T, I> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.reason)
    }
}

impl Error for RefuseReason {}

impl fmt::Display for Forecast {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latest_start, start, finish, ahead, violated } = self;
        write!(
            formatter,
            "behind {ahead} others it would start at {start:?} and end at {finish:?}; it had to \
             start before {latest_start:?}, and the job due at {violated:?} would be too late"
        )
    }
}

impl fmt::Display for RefuseReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => formatter.write_str("the queue is full"),
            Self::Expired => formatter.write_str("the deadline has passed"),
            Self::Infeasible(forecast) => forecast.fmt(formatter),
            Self::UnknownClass => formatter.write_str("the class is not configured"),
            Self::Closed => formatter.write_str("the scheduler is shut down"),
        }
    }
}

impl fmt::Display for ShedReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LatestStart { latest_start, cost } => {
                write!(formatter, "a job of {cost:?} had to start before {latest_start:?}")
            }
            Self::Evicted(forecast) => {
                write!(formatter, "not all can be done, and it was the one to go: {forecast}")
            }
            Self::OverShare(forecast) => {
                write!(formatter, "its tenant has more than its share: {forecast}")
            }
            Self::Displaced => formatter.write_str("its place in the full queue was given away"),
            Self::Shutdown => formatter.write_str("the scheduler shuts down"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => write!(formatter, "refused: {reason}"),
            Self::Shed(reason) => write!(formatter, "shed: {reason}"),
        }
    }
}

impl fmt::Display for RescheduleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale => formatter.write_str("the job has an outcome already"),
            Self::Running => formatter.write_str("the job is running"),
            Self::Infeasible(forecast) => forecast.fmt(formatter),
        }
    }
}

impl Error for RescheduleError {}
