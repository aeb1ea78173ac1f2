//! Who waits for an outcome.

use std::task::Waker;

use crate::sync::Thread;

pub(super) enum Waiter {
    Future(Waker),
    Thread(Thread),
    /// A worker of the pool: when the job is queued again, it can run it itself.
    Helper(Thread),
}

impl Waiter {
    pub(super) fn wake(self) {
        match self {
            Self::Future(waker) => waker.wake(),
            Self::Thread(thread) | Self::Helper(thread) => thread.unpark(),
        }
    }

    pub(super) fn will_wake(&self, waker: &Waker) -> bool {
        matches!(self, Self::Future(own) if own.will_wake(waker))
    }

    pub(super) fn helper(&self) -> Option<Thread> {
        match self {
            Self::Helper(thread) => Some(thread.clone()),
            Self::Future(_) | Self::Thread(_) => None,
        }
    }
}
