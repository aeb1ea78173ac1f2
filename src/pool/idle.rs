//! Workers that have nothing to do.

use core::hint::spin_loop;
use core::iter::repeat_n;

use crate::sync::{Mutex, Ordering, SharedU64, Thread, current, park};

/// The most workers of one group: a bit each.
pub(super) const MOST_WORKERS: u32 = 64;

/// How often a worker looks whether there is work before it sleeps: some microseconds, in which a
/// busy producer comes back. Sleeping and waking costs both sides more than that.
const LOOKS: usize = if cfg!(any(punctual_loom, punctual_shuttle)) { 0 } else { 200 };

/// A group's workers that rest. Whoever clears a worker's bit sends it back to work.
///
/// A worker sets its bit while it holds its group's lock, after it has found nothing to do, and
/// looks at the inbox once more after it has given the lock back. Whoever brings work puts it into
/// the inbox before it tries to take that lock, or holds the lock while it looks at the bits. So
/// one of the two sees the other.
pub(super) struct Idle {
    resting: SharedU64,
    threads: Vec<Mutex<Option<Thread>>>,
}

impl Idle {
    pub(super) fn new(workers: u32) -> Self {
        let threads = (0..workers).map(|_| Mutex::new(None)).collect();
        Self { resting: SharedU64::new(0), threads }
    }

    /// This thread is the worker.
    pub(super) fn enlist(&self, worker: usize) {
        *self.threads[worker].lock() = Some(current());
    }

    pub(super) fn is_anybody_resting(&self) -> bool {
        self.resting.load(Ordering::SeqCst) != 0
    }

    /// The worker begins to rest, as far as others can see.
    pub(super) fn lie_down(&self, worker: usize) {
        self.resting.fetch_or(1 << worker, Ordering::SeqCst);
    }

    /// The worker goes back to work by itself. Whether nobody has sent it meanwhile: if somebody
    /// has, it has to see to that work, or to send somebody else.
    #[must_use]
    pub(super) fn get_up(&self, worker: usize) -> bool {
        self.resting.fetch_and(!(1 << worker), Ordering::SeqCst) & (1 << worker) != 0
    }

    /// Waits until somebody sends the worker back to work.
    pub(super) fn rest(&self, worker: usize) {
        let is_resting = || self.resting.load(Ordering::SeqCst) & (1 << worker) != 0;
        for () in repeat_n((), LOOKS) {
            if !is_resting() {
                return;
            }
            spin_loop();
        }
        while is_resting() {
            park();
        }
    }

    /// Sends a worker back to work. Whether there was one.
    pub(super) fn wake_one(&self) -> bool {
        loop {
            let resting = self.resting.load(Ordering::SeqCst);
            if resting == 0 {
                return false;
            }
            let worker = resting.trailing_zeros() as usize;
            let before = self.resting.fetch_and(!(1 << worker), Ordering::SeqCst);
            if before & (1 << worker) != 0 {
                self.unpark(worker);
                return true;
            }
        }
    }

    /// Sends all workers back to work.
    pub(super) fn wake_all(&self) {
        while self.wake_one() {}
    }

    fn unpark(&self, worker: usize) {
        if let Some(thread) = &*self.threads[worker].lock() {
            thread.unpark();
        }
    }
}
