//! What becomes of a job.

use std::any::Any;
use std::fmt;
use std::pin::Pin;

use crate::block::block_on;
use crate::scheduler::{Budget, Verdict};

/// What became of a job; `W` is what comes back of one that was not run.
#[must_use = "a job that was not run is in it"]
pub enum Outcome<R, W = Work<R>> {
    /// It ran, and this is its result.
    Done(R),
    /// It panicked; this is the payload, as [`std::thread::JoinHandle::join`] gives it.
    Failed(Box<dyn Any + Send>),
    /// It was not run: here it is, and why.
    Shed(W, Verdict),
    /// Its ticket cancelled it, or the pool ended while it waited for something.
    Cancelled,
}

impl<R, W> Outcome<R, W> {
    /// The result of a job that ran to its end.
    pub fn done(self) -> Option<R> {
        match self {
            Self::Done(result) => Some(result),
            Self::Failed(_) | Self::Shed(..) | Self::Cancelled => None,
        }
    }

    /// Why the job was not run, if it wasn't.
    pub const fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Shed(_, verdict) => Some(verdict),
            Self::Done(_) | Self::Failed(_) | Self::Cancelled => None,
        }
    }
}

impl<R: fmt::Debug, W> fmt::Debug for Outcome<R, W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(result) => formatter.debug_tuple("Done").field(result).finish(),
            Self::Failed(payload) => {
                let message = payload.downcast_ref::<&str>().copied();
                let message = message.or(payload.downcast_ref::<String>().map(String::as_str));
                formatter.debug_tuple("Failed").field(&message.unwrap_or("..")).finish()
            }
            Self::Shed(_, verdict) => {
                formatter.debug_tuple("Shed").field(&"..").field(verdict).finish()
            }
            Self::Cancelled => formatter.write_str("Cancelled"),
        }
    }
}

type BoxFuture<R> = Pin<Box<dyn Future<Output = R> + Send>>;

/// The work of a job that was not run.
///
/// Whoever has time for it can do it: here, in another pool, or later. Dropping it drops the
/// closure.
pub struct Work<R>(Kind<R>);

enum Kind<R> {
    Call(Box<dyn FnOnce(Budget) -> R + Send>),
    Future(Box<dyn FnOnce(Budget) -> BoxFuture<R> + Send>),
}

impl<R> Work<R> {
    pub(super) fn call(call: impl FnOnce(Budget) -> R + Send + 'static) -> Self {
        Self(Kind::Call(Box::new(call)))
    }

    pub(super) fn future<Fut>(make: impl FnOnce(Budget) -> Fut + Send + 'static) -> Self
    where
        Fut: Future<Output = R> + Send + 'static,
    {
        Self(Kind::Future(Box::new(move |budget| Box::pin(make(budget)))))
    }

    /// Does the work on this thread; a future blocks it until it is done.
    ///
    /// # Panics
    ///
    /// If the work does.
    pub fn run(self, budget: Budget) -> R {
        match self.0 {
            Kind::Call(call) => call(budget),
            Kind::Future(make) => block_on(make(budget)),
        }
    }

    /// Does the work when it is awaited; a closure is run by the first poll.
    pub async fn into_future(self, budget: Budget) -> R {
        match self.0 {
            Kind::Call(call) => call(budget),
            Kind::Future(make) => make(budget).await,
        }
    }
}

impl<R> fmt::Debug for Work<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Work(..)")
    }
}
