//! Who waits for an outcome.

use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::{Arc, Thread, current, park};

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

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A waker that unparks this thread.
pub(super) fn unpark_waker() -> Waker {
    Waker::from(Arc::new(Unpark(current())))
}

/// Runs a future on this thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = unpark_waker();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        park();
    }
}
