//! Sleeping until a moment, with any executor: one thread, and a wheel of wakers.
//!
//! - [`Timer`] is a handle to the thread: [`sleep_until`](Timer::sleep_until) a moment, give a
//!   future a [`timeout`](Timer::timeout).
//! - [`Sleep`] and [`Timeout`] are futures that need no runtime: tokio, a pool or a bare `block_on`
//!   polls them.
//!
//! No sleep ends early. It ends up to [`Timer::RESOLUTION`] late, and by what the system needs to
//! wake a thread.
//!
//! ```
//! use std::time::Duration;
//! use punctual::time::MonotonicClock;
//! use punctual::timer::Timer;
//!
//! async fn answer(timer: &Timer) -> &'static str {
//!     let slow = async {
//!         timer.sleep(Duration::from_secs(3_600)).await;
//!         "too late"
//!     };
//!     let deadline = timer.now() + Duration::from_millis(5);
//!     timer.timeout(deadline, slow).await.unwrap_or("no")
//! }
//!
//! let timer = Timer::new(MonotonicClock::new())?;
//! # struct Unpark(std::thread::Thread);
//! # impl std::task::Wake for Unpark {
//! #     fn wake(self: std::sync::Arc<Self>) { self.0.unpark(); }
//! # }
//! # fn block_on<T>(future: impl Future<Output = T>) -> T {
//! #     let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
//! #     let mut context = std::task::Context::from_waker(&waker);
//! #     let mut future = std::pin::pin!(future);
//! #     loop {
//! #         match future.as_mut().poll(&mut context) {
//! #             std::task::Poll::Ready(output) => return output,
//! #             std::task::Poll::Pending => std::thread::park(),
//! #         }
//! #     }
//! # }
//! assert_eq!(block_on(answer(&timer)), "no");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # How it works
//!
//! Wakers wait in a [`TimerWheel`](crate::wheel::TimerWheel) behind a lock. The thread parks until
//! the wheel's next wake-up, takes what is due out in batches, and wakes it after it has let go of
//! the lock: a waker may do what it likes, sleep again included, and one that panics is the only
//! one that suffers. A time-out that is over before its time, as nearly all are, costs two locks,
//! an insertion and a removal, and wakes nobody.
//!
//! | file | idea |
//! | --- | --- |
//! | `queue` | who waits, and when the thread has to be woken for it |
//! | `thread` | the thread, and how it ends |
//! | `sleep`, `timeout` | the futures |
//! | `alarm` | a waker of the shells that is armed again and again |

#![cfg_attr(
    not(any(feature = "pool", feature = "tower")),
    allow(dead_code, unused_imports, reason = "alarms are for the shells of these features")
)]

mod alarm;
mod queue;
mod sleep;
mod thread;
mod timeout;

pub(crate) use alarm::Alarm;
pub use sleep::Sleep;
pub use timeout::{Elapsed, Timeout};

use core::fmt;
use core::time::Duration;
use std::io;

use crate::sync::Arc;
use crate::time::{Clock, Time};
use queue::{Queue, RESOLUTION};
use thread::TimerThread;

/// Wakes futures when their time has come. A handle: its clones share one thread.
///
/// The thread ends when the last handle is dropped; sleeps hold one each. That drop waits for the
/// thread, and so for a waker that it is about to call: don't hold a lock there that a waker of
/// yours takes.
#[derive(Clone)]
pub struct Timer {
    thread: Arc<TimerThread>,
}

impl Timer {
    /// By how much a sleep may end late for the sake of the wheel.
    pub const RESOLUTION: Duration = RESOLUTION;

    /// Starts a thread, named `punctual-timer`, that keeps the time of `clock`. The clock must not
    /// panic.
    ///
    /// A clock that somebody moves ([`ManualClock`](crate::time::ManualClock)) is looked at again
    /// after [`Timer::wake`], and now and then without it.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn new(clock: impl Clock + Send + Sync + 'static) -> io::Result<Self> {
        let thread = TimerThread::start(Queue::new(Box::new(clock)))?;
        Ok(Self { thread: Arc::new(thread) })
    }

    /// The clock's time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.queue().now()
    }

    /// Ends at `deadline`, at once if that has passed. Costs nothing until it is polled, and the
    /// first poll an insertion behind a lock.
    pub fn sleep_until(&self, deadline: Time) -> Sleep {
        Sleep::new(self.clone(), deadline)
    }

    /// Ends when `duration` has passed from now on; otherwise as [`Timer::sleep_until`].
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// The output of `future`, if it has one when it is polled at `deadline` or before: the future
    /// is polled first, and after the deadline only once. It is dropped with the time-out.
    pub fn timeout<F: Future>(&self, deadline: Time, future: F) -> Timeout<F> {
        Timeout::new(future, self.sleep_until(deadline))
    }

    /// Looks at the clock again, which somebody has moved by hand. O(1).
    pub fn wake(&self) {
        self.thread.unpark();
    }

    /// Whether this is the timer's own thread: a waker runs on it, for which everybody else waits.
    #[cfg(feature = "pool")]
    pub(crate) fn is_current(&self) -> bool {
        self.thread.is_current()
    }

    fn queue(&self) -> &Queue {
        self.thread.queue()
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Timer").finish_non_exhaustive()
    }
}
