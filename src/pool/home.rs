//! The way from a job back to its pool.

use super::shared::Shared;
use super::task::TaskRef;
use crate::sync::{Arc, Ordering};

/// The pool in which a job is.
#[derive(Clone)]
pub(super) struct Home(pub(super) Arc<Shared>);

impl Home {
    /// Queues a job again that has waited for something.
    pub(super) fn resume(&self, task: TaskRef) {
        let group = task.spot().group;
        self.0.groups[group].woken.push(task);
        self.0.attend(group, self.0.now());
    }
}

/// The place that a future takes in its pool until it ends.
pub(super) struct Seat(Arc<Shared>);

impl Seat {
    /// A place, if there is one.
    pub(super) fn take(shared: &Arc<Shared>) -> Option<Self> {
        let taken = shared.futures.fetch_add(1, Ordering::Relaxed);
        let seat = Self(shared.clone());
        (taken < shared.futures_bound).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.futures.fetch_sub(1, Ordering::Relaxed);
    }
}
