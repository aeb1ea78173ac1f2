//! Ids in the order of time, or of something else.

use crate::heap::IdHeap;
use crate::time::Time;

/// Ids in the order of (time, id), each at most once. Changes cost O(log n).
#[derive(Clone, Debug)]
pub(super) struct Order<P: Copy = Time>(IdHeap<(P, u32), 4>);

impl<P: Ord + Copy> Order<P> {
    pub(super) const fn with_bound(bound: u32) -> Self {
        Self(IdHeap::with_arity_and_bound(bound))
    }

    /// Puts the id at a time, wherever it was, or takes it out.
    pub(super) fn set(&mut self, id: u32, at: Option<P>) {
        match at {
            None => {
                self.0.remove(id);
            }
            Some(at) if self.0.contains(id) => {
                self.0.change_key(id, (at, id));
            }
            Some(at) => {
                // It isn't there, and whoever comes here is below the bound.
                let pushed = self.0.push(id, (at, id));
                debug_assert!(pushed.is_ok(), "{id} is below the bound");
            }
        }
    }

    pub(super) fn first(&self) -> Option<(P, u32)> {
        self.0.peek().map(|(_, first)| first)
    }

    /// The first one, if its time has come.
    pub(super) fn due(&self, now: P) -> Option<(P, u32)> {
        self.first().filter(|&(at, _)| at <= now)
    }

    pub(super) fn at(&self, id: u32) -> Option<P> {
        self.0.priority(id).map(|(at, _)| at)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn assert_invariants(&self) {
        self.0.assert_invariants();
        assert!(self.0.iter().all(|(id, (_, named))| id == named), "each is named as it is");
    }
}
