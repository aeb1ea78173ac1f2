//! Counts the jobs that borrow from a scope, until there are none.

use crate::sync::{AtomicUsize, Ordering, Thread, current, park};

/// Jobs that borrow from a scope, and the thread that waits until they have ended.
pub(super) struct Lease {
    jobs: AtomicUsize,
    owner: Thread,
}

impl Lease {
    /// A lease of this thread's.
    pub(super) fn new() -> Self {
        Self { jobs: AtomicUsize::new(0), owner: current() }
    }

    /// A job borrows from the scope.
    pub(super) fn enter(&self) {
        self.jobs.fetch_add(1, Ordering::Relaxed);
    }

    /// A job has ended. What it did to what it borrowed happens before the owner goes on.
    pub(super) fn leave(&self) {
        if self.jobs.fetch_sub(1, Ordering::Release) == 1 {
            self.owner.unpark();
        }
    }

    /// Leaves when it is dropped, also by a panic.
    pub(super) fn leave_later(&self) -> Leave<'_> {
        Leave(self)
    }

    /// Lets the owner look again.
    pub(super) fn nudge(&self) {
        self.owner.unpark();
    }

    pub(super) fn is_idle(&self) -> bool {
        self.jobs.load(Ordering::Acquire) == 0
    }

    /// Waits until all jobs have ended.
    pub(super) fn wait(&self) {
        // A scope that doesn't wait is a race, which ThreadSanitizer must see: its lane plants it.
        while !self.is_idle() && !cfg!(punctual_planted_race) {
            park();
        }
    }
}

pub(super) struct Leave<'a>(&'a Lease);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
