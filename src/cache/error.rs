//! What can go wrong, by who hears of it.

use core::error::Error;
use core::fmt;
use std::io;

use crate::refresh::ConfigError;
use crate::sync::Arc;
use crate::time::Time;

/// Why a load brought nothing. It is shared by all who waited for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The loader said so.
    Failed(Arc<dyn Error + Send + Sync>),
    /// The loader panicked, and said this.
    Panicked(Arc<str>),
    /// It took longer than [`Config::load_timeout`](crate::refresh::Config::load_timeout).
    Overdue,
    /// Whoever was to run it has refused it, shed it or dropped it before its end.
    Dropped,
}

impl LoadError {
    /// The error of a loader.
    pub(super) fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(Arc::from(error.into()))
    }

    /// What a panic carried.
    pub(super) fn panicked(payload: &(dyn core::any::Any + Send)) -> Self {
        let message = match payload.downcast_ref::<&str>() {
            Some(message) => *message,
            None => payload.downcast_ref::<String>().map_or("", String::as_str),
        };
        Self::Panicked(Arc::from(message))
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(formatter, "the load failed: {error}"),
            Self::Panicked(message) => write!(formatter, "the load panicked: {message}"),
            Self::Overdue => formatter.write_str("the load took too long"),
            Self::Dropped => formatter.write_str("the load was dropped before its end"),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Panicked(_) | Self::Overdue | Self::Dropped => None,
        }
    }
}

/// Why waiting brought no answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WaitError {
    /// The budget was spent first; the load goes on.
    Elapsed,
    /// The load brought nothing.
    Failed(LoadError),
    /// Loads of this key have failed, and the next one is not tried before `until`.
    BackedOff {
        /// Why the last one failed.
        error: LoadError,
        /// When the next one may be tried.
        until: Time,
    },
    /// As many loads wait as the [plan](crate::refresh::Config::demand_bound) allows.
    Full,
    /// The cache is gone.
    Closed,
}

impl fmt::Display for WaitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elapsed => formatter.write_str("the budget was spent before the load's end"),
            Self::Failed(error) => error.fmt(formatter),
            Self::BackedOff { error, until } => {
                write!(formatter, "no load before {until:?}, since the last one failed: {error}")
            }
            Self::Full => formatter.write_str("too many loads wait already"),
            Self::Closed => formatter.write_str("the cache is gone"),
        }
    }
}

impl Error for WaitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) | Self::BackedOff { error, .. } => Some(error),
            Self::Elapsed | Self::Full | Self::Closed => None,
        }
    }
}

/// Why no cache was made.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The plan is none.
    Plan(ConfigError),
    /// The capacity is zero, or there is a share that is none: not from 0 to 1.
    Setting(&'static str),
    /// The system gives no thread.
    Thread(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => error.fmt(formatter),
            Self::Setting(name) => write!(formatter, "there is no such {name}"),
            Self::Thread(error) => write!(formatter, "no thread was started: {error}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Plan(error) => Some(error),
            Self::Thread(error) => Some(error),
            Self::Setting(_) => None,
        }
    }
}

/// A dependency was not declared, because what is to depend is depended on already: a function
/// that waits for itself never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleError;

impl fmt::Display for CycleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the other one depends on this one already")
    }
}

impl Error for CycleError {}
