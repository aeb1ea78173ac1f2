//! orx-priority-queue over a hash map of positions, whose hasher is std's and can't be chosen.

use orx_priority_queue::{DaryHeapWithMap, PriorityQueue, PriorityQueueDecKey};

use crate::workload::heap::{Addressable, Queue};

pub(crate) struct OrxMap(DaryHeapWithMap<u32, u64, 4>);

impl Queue for OrxMap {
    const NAME: &'static str = "orx map D=4";

    fn new(_ids: usize) -> Self {
        Self(DaryHeapWithMap::new())
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.0.push(id, priority);
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop()
    }
}

impl Addressable for OrxMap {
    fn relax(&mut self, id: u32, priority: u64) {
        self.0.try_decrease_key(&id, priority);
    }

    fn remove(&mut self, id: u32) {
        self.0.remove(&id);
    }
}
