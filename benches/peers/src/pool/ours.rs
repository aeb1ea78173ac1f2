//! punctual's pool with one worker.

use punctual::pool::{Handle, Pool};
use punctual::scheduler::{Admission, Job};
use punctual::time::{MonotonicClock, Time};

use super::executor::Executor;

/// A pool that evicts, or one that turns nobody away.
pub(crate) struct Ours<const EVICTS: bool>(Pool);

pub(crate) type All = Ours<false>;
pub(crate) type Evict = Ours<true>;

impl<const EVICTS: bool> Executor for Ours<EVICTS> {
    const NAME: &'static str = if EVICTS { "Pool Evict" } else { "Pool All" };
    const IS_OURS: bool = true;

    fn start(clock: MonotonicClock) -> Self {
        let admission = if EVICTS { Admission::Evict } else { Admission::All };
        let pool = Pool::builder().workers(1).admission(admission).build_on(clock);
        Self(pool.expect("a thread can be started"))
    }

    fn execute(&self, deadline: Time, job: impl FnOnce() + Send + 'static) {
        let ticket = self.0.submit(Job::new(move |_| job()).deadline(deadline));
        ticket.expect("fewer are in flight than the pool has room for").detach();
    }
}

impl<const EVICTS: bool> Ours<EVICTS> {
    /// The pool, to do with it what its peers can't.
    pub(crate) fn handle(&self) -> &Handle {
        &self.0
    }
}
