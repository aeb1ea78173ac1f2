//! orx-priority-queue: a d-ary heap over the caller's dense ids.

use orx_priority_queue::{DaryHeapOfIndices, PriorityQueue, PriorityQueueDecKey};

use crate::workload::heap::{Addressable, Queue};

pub(crate) struct Orx<const D: usize>(DaryHeapOfIndices<u32, u64, D>);

impl<const D: usize> Queue for Orx<D> {
    const NAME: &'static str = match D {
        2 => "orx ids",
        4 => "orx ids D=4",
        _ => panic!("this arity has no name"),
    };

    fn new(ids: usize) -> Self {
        Self(DaryHeapOfIndices::with_index_bound(ids))
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.0.push(id, priority);
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop()
    }
}

impl<const D: usize> Addressable for Orx<D> {
    fn relax(&mut self, id: u32, priority: u64) {
        self.0.try_decrease_key(&id, priority);
    }

    fn remove(&mut self, id: u32) {
        self.0.remove(&id);
    }
}
