//! quickheap: a quicksort that stops where it may, with SIMD that the whole build has to allow:
//! on x86-64, `RUSTFLAGS="-C target-cpu=native"`.

use quickheap::{KvSimdQuickHeap, SimdQuickHeap};

use crate::workload::heap::Queue;
use crate::workload::heap::lazy::LazilyDeleting;

/// Priorities only.
pub(crate) struct Bare(SimdQuickHeap<u64>);

impl Queue for Bare {
    const NAME: &'static str = "quickheap u64";

    fn new(_ids: usize) -> Self {
        Self(SimdQuickHeap::default())
    }

    fn push(&mut self, _id: u32, priority: u64) {
        self.0.push(priority);
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop().map(|priority| (0, priority))
    }
}

/// Priorities with their ids, which have to be as wide.
pub(crate) struct Pairs(KvSimdQuickHeap<u64>);

impl Queue for Pairs {
    const NAME: &'static str = "quickheap (u64, u64)";

    fn new(_ids: usize) -> Self {
        Self(KvSimdQuickHeap::new())
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.0.push(priority, u64::from(id));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop().map(|(priority, id)| (id as u32, priority))
    }
}

impl LazilyDeleting for Pairs {
    const LAZY: &'static str = "quickheap, lazy";
}
