//! Threads that wait for futures.

#[cfg(feature = "pool")]
use std::pin::pin;
#[cfg(feature = "pool")]
use std::task::{Context, Poll};
use std::task::{Wake, Waker};

#[cfg(feature = "pool")]
use crate::sync::park;
use crate::sync::{Arc, Thread, current};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A waker that unparks this thread.
pub(crate) fn unpark_waker() -> Waker {
    Waker::from(Arc::new(Unpark(current())))
}

/// Runs a future on this thread.
#[cfg(feature = "pool")]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
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
