//! rheaps: a d-ary heap in an array, whose checked handles its caller keeps.

use rheaps::array::{AddressableHandle, DaryArrayAddressableHeap};

use crate::workload::heap::{Addressable, Queue};

const DEGREE: usize = 4;

/// The heap with the table of handles that its caller would keep.
pub(crate) struct Rheaps {
    heap: DaryArrayAddressableHeap<u64, u64>,
    handles: Vec<Option<AddressableHandle>>,
}

impl Rheaps {
    fn handle(&self, id: u32) -> AddressableHandle {
        self.handles[id as usize].expect("the id was pushed")
    }
}

impl Queue for Rheaps {
    const NAME: &'static str = "rheaps D=4";

    fn new(ids: usize) -> Self {
        let heap = DaryArrayAddressableHeap::new(DEGREE).expect("the degree is at least 2");
        Self { heap, handles: vec![None; ids] }
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.handles[id as usize] = Some(self.heap.insert(priority, u64::from(id)));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.heap.pop_entry().map(|(priority, id)| (id as u32, priority))
    }
}

impl Addressable for Rheaps {
    fn relax(&mut self, id: u32, priority: u64) {
        let _not_smaller = self.heap.decrease_key(self.handle(id), priority);
    }

    fn remove(&mut self, id: u32) {
        self.heap.delete(self.handle(id)).expect("the id is in the heap");
    }
}
