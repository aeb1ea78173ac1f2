//! Queues that give their spare room back.

use punctual::heap::IdHeap;

use crate::peers::dary_heap;
use crate::peers::priority_queue::HashedQueue;
use crate::workload::heap::Queue;
use crate::workload::heap::lazy::{LazilyDeleting, Lazy};
use crate::workload::heap::ours::{Indexed, Stamped};
use crate::workload::heap::standard as std_heap;

pub(crate) trait Shrink: Queue {
    fn shrink_to_fit(&mut self);
}

impl<const D: usize> Shrink for IdHeap<u64, D> {
    fn shrink_to_fit(&mut self) {
        self.shrink_to_fit();
    }
}

impl Shrink for Stamped {
    fn shrink_to_fit(&mut self) {
        self.heap.shrink_to_fit();
    }
}

impl<const D: usize> Shrink for Indexed<D> {
    fn shrink_to_fit(&mut self) {
        self.heap.shrink_to_fit();
    }
}

impl Shrink for std_heap::Bare {
    fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}

impl Shrink for std_heap::Pairs {
    fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}

/// The table of present priorities has no spare room.
impl<Q: LazilyDeleting + Shrink> Shrink for Lazy<Q> {
    fn shrink_to_fit(&mut self) {
        self.pairs.shrink_to_fit();
    }
}

impl Shrink for dary_heap::Bare {
    fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}

impl Shrink for dary_heap::Pairs {
    fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}

impl Shrink for HashedQueue {
    fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}
