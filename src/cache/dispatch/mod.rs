//! Where loads run: on a [pool](OnPool), in a shell of your own ([`Inbox`]), or in any runtime, by
//! a closure.
//!
//! ```
//! use punctual::cache::cached_fn;
//! # fn spawn_somewhere(load: punctual::cache::Load) {}
//!
//! // `tokio::spawn(load)`, say.
//! let cache = cached_fn(|key: &u32, _budget| Ok::<_, std::io::Error>(key * 2))
//!     .build(|load| drop(spawn_somewhere(load)))?;
//! # drop::<punctual::cache::RefreshCache<u32, u32>>(cache);
//! # Ok::<(), punctual::cache::BuildError>(())
//! ```

mod inbox;
#[cfg(feature = "pool")]
mod pool;

pub use inbox::{Inbox, Message, Number};
#[cfg(feature = "pool")]
pub use pool::OnPool;

use super::load::Load;
use crate::sync::Arc;
use crate::time::Time;
use crate::timer::Timer;

/// Runs loads.
///
/// It is called without any lock of the cache's, by whoever finds that a load is due: a thread
/// that asked for something, or the timer's. So it must not block. What its
/// [order](Load::order) says is a wish; [`Load`] sees to time-outs itself.
pub trait Dispatcher: Send + Sync + 'static {
    /// Takes a load, to be polled to its end.
    ///
    /// # Errors
    ///
    /// The load, if it can't be run: who waits for it is told at once, and a refresh is tried
    /// again after a back-off.
    fn submit(&self, load: Load) -> Result<Box<dyn Dispatched>, Load>;

    /// The timer whose clock its deadlines are of, if it matters.
    fn timer(&self) -> Option<Timer> {
        None
    }

    /// Whether this is one of the threads on which it runs loads.
    fn is_worker(&self) -> bool {
        false
    }
}

/// A load that a dispatcher has taken. Dropping it does nothing: the load goes on.
pub trait Dispatched: Send + Sync {
    /// The load has become more urgent, and must be done by the deadline.
    fn reschedule(&self, deadline: Time);

    /// Nobody needs the load any more, if it has not begun.
    fn cancel(&self);
}

impl Dispatched for () {
    fn reschedule(&self, _: Time) {}

    fn cancel(&self) {}
}

impl<D: Dispatched + ?Sized> Dispatched for Arc<D> {
    fn reschedule(&self, deadline: Time) {
        (**self).reschedule(deadline);
    }

    fn cancel(&self) {
        (**self).cancel();
    }
}

/// A function that spawns loads.
impl<F: Fn(Load) + Send + Sync + 'static> Dispatcher for F {
    fn submit(&self, load: Load) -> Result<Box<dyn Dispatched>, Load> {
        self(load);
        Ok(Box::new(()))
    }
}
