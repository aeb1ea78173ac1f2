//! dary_heap: std's heap with another arity, which finds no element again.

use std::cmp::Reverse;

use dary_heap::QuaternaryHeap;

use crate::workload::heap::Queue;
use crate::workload::heap::lazy::LazilyDeleting;

/// Priorities only.
pub(crate) struct Bare(pub(crate) QuaternaryHeap<Reverse<u64>>);

impl Queue for Bare {
    const NAME: &'static str = "dary_heap D=4 u64";

    fn new(_ids: usize) -> Self {
        Self(QuaternaryHeap::new())
    }

    fn push(&mut self, _id: u32, priority: u64) {
        self.0.push(Reverse(priority));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop().map(|Reverse(priority)| (0, priority))
    }
}

/// Priorities with their ids.
pub(crate) struct Pairs(pub(crate) QuaternaryHeap<Reverse<(u64, u32)>>);

impl Queue for Pairs {
    const NAME: &'static str = "dary_heap D=4 (u64, u32)";

    fn new(_ids: usize) -> Self {
        Self(QuaternaryHeap::new())
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.0.push(Reverse((priority, id)));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop().map(|Reverse((priority, id))| (id, priority))
    }
}

impl LazilyDeleting for Pairs {
    const LAZY: &'static str = "dary_heap D=4, lazy";
}
