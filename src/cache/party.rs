//! What several flights of one load tell its dispatcher.

use super::dispatch::Dispatched;
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering};
use crate::time::Time;

/// A load that a dispatcher has taken, as each of its keys holds it: the earliest deadline of all
/// counts, and it is cancelled when none needs it any more.
#[derive(Clone)]
pub(super) struct Party(Arc<Joint>);

struct Joint {
    dispatched: Box<dyn Dispatched>,
    earliest: Mutex<Option<Time>>,
    members: AtomicUsize,
}

impl Party {
    /// A load for so many keys, which must be done by then.
    pub(super) fn new(
        dispatched: Box<dyn Dispatched>,
        deadline: Option<Time>,
        members: usize,
    ) -> Self {
        let (earliest, members) = (Mutex::new(deadline), AtomicUsize::new(members));
        Self(Arc::new(Joint { dispatched, earliest, members }))
    }

    /// One of its keys must be done by then.
    pub(super) fn reschedule(&self, deadline: Time) {
        let mut earliest = self.0.earliest.lock();
        if earliest.is_some_and(|earliest| earliest <= deadline) {
            return;
        }
        *earliest = Some(deadline);
        // The dispatcher is somebody else's code.
        drop(earliest);
        self.0.dispatched.reschedule(deadline);
    }

    /// One of its keys doesn't need it any more.
    pub(super) fn leave(&self) {
        if self.0.members.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.dispatched.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<Option<Time>>>);

    impl Dispatched for Log {
        fn reschedule(&self, deadline: Time) {
            self.0.lock().push(Some(deadline));
        }

        fn cancel(&self) {
            self.0.lock().push(None);
        }
    }

    #[test]
    fn the_earliest_deadline_counts_and_the_last_one_cancels() {
        let (log, at) = (Arc::new(Log::default()), Time::from_nanos);
        let party = Party::new(Box::new(log.clone()), Some(at(50)), 2);
        [70, 40, 45, 30].into_iter().for_each(|ns| party.reschedule(at(ns)));
        party.leave();
        assert_eq!(*log.0.lock(), [Some(at(40)), Some(at(30))]);
        party.clone().leave();
        assert_eq!(log.0.lock().last(), Some(&None));
    }
}
