//! Worker threads around a scheduler: jobs, futures and scoped closures in the order of their
//! deadlines, with a 'no' in time for what can't be done.
//!
//! A [`Pool`] owns threads; a [`Handle`] submits to it; a [`Ticket`] is the way to an outcome, for
//! threads that [wait](Ticket::wait) and for futures that await it. What is run, shed and refused
//! is decided by the [`scheduler`](crate::scheduler), and so are classes, costs, margins and
//! admission.
//!
//! ```
//! use core::time::Duration;
//! use punctual::pool::{Outcome, Pool};
//! use punctual::scheduler::Job;
//!
//! let ms = Duration::from_millis;
//! let pool = Pool::builder().workers(2).build()?;
//! let handle = pool.clone();
//! let bid = Job::new(move |budget: punctual::scheduler::Budget| {
//!     // A lookup that leaves 10 ms of what this job has, to use its result.
//!     let lookup = Job::new(|_| 41).within(budget.child(ms(10)));
//!     let found = handle.submit(lookup).ok()?.wait().done()?;
//!     Some(found + 1)
//! });
//! let Ok(ticket) = pool.submit(bid.budget(ms(60_000))) else { unreachable!("it has room") };
//! match ticket.wait() {
//!     Outcome::Done(price) => assert_eq!(price, Some(42)),
//!     Outcome::Shed(_, why) => println!("no bid: {why}"),
//!     Outcome::Failed(_) | Outcome::Cancelled => unreachable!("nobody does that here"),
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Who does what
//!
//! Each [group](Ordering) of workers has a scheduler behind a lock, which is held for the time of
//! a few operations and never while somebody's code runs. Submitters never wait for it: if it is
//! free they queue their job themselves, and hear of a refusal at once; if not, they leave it in a
//! bounded inbox, and whoever holds the lock takes it in. A worker that finds nothing to do looks
//! around for some microseconds and sleeps. While all workers are busy, the [timer](crate::timer)'s
//! thread sheds what can't be done in time any more, so that its caller hears of it while it can
//! still answer; it also sees to releases.
//!
//! # Blocking
//!
//! A job that blocks takes its worker with it. A job that waits for another of the same pool, by
//! [`Ticket::wait`] or [`Handle::scope`], runs that one itself if nobody else has begun with it, so
//! that jobs which wait for their own sub-tasks don't lock the pool up. While that one waits
//! itself, the worker runs other jobs, up to 32 of them inside each other; deeper down it only
//! waits. So don't block on futures of the same pool that wait for its jobs in turn where many do
//! so at once: await them. What a worker runs while a job waits counts as worker time of both.
//!
//! # Panics
//!
//! A panic in a job is its outcome, and one in a waker or a destructor is nobody else's.

mod at_work;
mod body;
mod builder;
mod group;
mod handle;
mod home;
mod idle;
mod lease;
mod outcome;
mod scope;
mod shared;
mod task;
mod ticket;
mod trace;
mod visit;
mod waiter;
mod worker;

pub use builder::{BuildError, Builder, Ordering};
pub use handle::Handle;
pub use outcome::{Outcome, Work};
pub use scope::{Scope, ScopedTicket};
pub use ticket::Ticket;

use core::ops::Deref;

use crate::sync::{JoinHandle, current};

/// Threads that run jobs, and the right to end them.
///
/// Jobs are submitted through the [`Handle`] that it derefs to. When it is dropped it
/// [sheds](Handle::shutdown_now) what is queued and waits for what runs; dropped by one of its own
/// jobs, it doesn't wait. [`drain`](Handle::drain) it before, if what is queued is to be done.
#[derive(Debug)]
pub struct Pool {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// A pool to be configured.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Deref for Pool {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.handle.shutdown_now();
        let own = current().id();
        let is_worker = self.threads.iter().any(|thread| thread.thread().id() == own);
        if is_worker || self.timer().is_current() {
            return;
        }
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            debug_assert!(ended.is_ok(), "workers catch what jobs throw");
        }
    }
}
