//! Every 'no', and why.

use core::error::Error as StdError;
use core::fmt;
use core::time::Duration;
use std::io;

use crate::scheduler::{ConfigError, RefuseReason, ShedReason, Verdict};

/// Why a request has no answer of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It was never given to the service, and this is why.
    NotStarted(Verdict),
    /// It had its place, and its deadline passed: the service's future was dropped, or the service
    /// was not called any more.
    GivenUp,
}

/// A request that the layer answers itself, with a 'no'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    cause: Cause,
    retry_after: Duration,
    is_hopeless: bool,
}

/// What kind of 'no' it is, for those who only have a code to say it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is too much to do.
    Overloaded,
    /// There is too little time, however little there is to do.
    Hopeless,
    /// The time is over.
    TooLate,
    /// The service ends.
    Closing,
    /// The layer's user named a class that there is none of.
    Misconfigured,
}

impl Rejection {
    /// `backlog` is the time until everybody else is done.
    pub(super) const fn new(cause: Cause, backlog: Duration) -> Self {
        let mut rejection = Self { cause, retry_after: backlog, is_hopeless: false };
        if !matches!(rejection.kind(), Kind::Overloaded) {
            rejection.retry_after = Duration::ZERO;
        }
        rejection
    }

    /// Not even an idle service could have met its deadline.
    pub(super) const fn hopeless(cause: Cause) -> Self {
        Self { cause, retry_after: Duration::ZERO, is_hopeless: true }
    }

    /// The layer's 'no' in an error: the error itself, or one that it comes from.
    ///
    /// ```
    /// use std::error::Error;
    /// use punctual::adapters::tower::Rejection;
    ///
    /// fn is_overload(error: &(dyn Error + 'static)) -> bool {
    ///     Rejection::find(error).is_some_and(Rejection::is_overload)
    /// }
    /// # assert!(!is_overload(&std::fmt::Error));
    /// ```
    #[must_use]
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(rejection) = error.downcast_ref() {
                return Some(rejection);
            }
            next = error.source();
        }
        None
    }

    /// Why.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// When it may be worth while to ask again: after what ran and was queued at the time of the
    /// 'no' is done; with [`Admission::All`](crate::scheduler::Admission::All), which keeps no
    /// account of the queue, after what ran. Zero if that had nothing to do with it.
    ///
    /// All who are turned away in one moment are told about the same: let clients add some chance.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// Whether the deadline has passed, before the request came or while it was served. Otherwise
    /// the 'no' comes in time.
    #[must_use]
    pub const fn is_too_late(&self) -> bool {
        matches!(self.kind(), Kind::TooLate)
    }

    /// Whether not even an idle service could have met the deadline: the request's budget is less
    /// than what it is expected to cost, and the margin. Trying again with the same budget is of no
    /// use.
    #[must_use]
    pub const fn is_hopeless(&self) -> bool {
        matches!(self.kind(), Kind::Hopeless)
    }

    /// Whether there was too much to do.
    #[must_use]
    pub const fn is_overload(&self) -> bool {
        matches!(self.kind(), Kind::Overloaded)
    }

    pub(super) const fn kind(&self) -> Kind {
        match self.cause {
            Cause::GivenUp | Cause::NotStarted(Verdict::Refused(RefuseReason::Expired)) => {
                Kind::TooLate
            }
            Cause::NotStarted(
                Verdict::Refused(RefuseReason::Closed) | Verdict::Shed(ShedReason::Shutdown),
            ) => Kind::Closing,
            Cause::NotStarted(Verdict::Refused(RefuseReason::UnknownClass)) => Kind::Misconfigured,
            Cause::NotStarted(_) if self.is_hopeless => Kind::Hopeless,
            Cause::NotStarted(_) => Kind::Overloaded,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Cause::NotStarted(verdict) => verdict.fmt(formatter),
            Cause::GivenUp => formatter.write_str("the deadline has passed while it was served"),
        }
    }
}

impl StdError for Rejection {}

/// Why a call of a [`DeadlineService`](super::DeadlineService) fails, unless its layer
/// [answers](super::Builder::answer) what it rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The layer said no.
    Rejected(Rejection),
    /// The service's own error.
    Service(E),
}

impl<E> Error<E> {
    /// The layer's 'no', if it is one.
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Service(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(formatter),
            Self::Service(error) => error.fmt(formatter),
        }
    }
}

/// The source is the layer's 'no', if it is one; see [`Rejection::find`]. The service's errors may
/// be boxed ones, which are no errors themselves: of those there is only the message.
impl<E: fmt::Debug + fmt::Display> StdError for Error<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Service(_) => None,
        }
    }
}

/// Why there is no layer.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The configuration makes no scheduler.
    Config(ConfigError),
    /// The system gives no thread for the timer.
    Timer(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(formatter),
            Self::Timer(error) => write!(formatter, "no thread for the timer: {error}"),
        }
    }
}

impl StdError for BuildError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Config(_) => None,
            Self::Timer(error) => Some(error),
        }
    }
}

impl From<ConfigError> for BuildError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
