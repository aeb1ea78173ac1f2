//! priority-queue: a binary heap over the entries of a hash map, here with a fast hasher.

use std::cmp::Reverse;

use priority_queue::PriorityQueue;
use rustc_hash::FxBuildHasher;

use crate::workload::heap::{Addressable, Queue};

pub(crate) struct HashedQueue(pub(crate) PriorityQueue<u32, Reverse<u64>, FxBuildHasher>);

impl Queue for HashedQueue {
    const NAME: &'static str = "priority-queue";

    fn new(_ids: usize) -> Self {
        Self(PriorityQueue::with_default_hasher())
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.0.push(id, Reverse(priority));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop().map(|(id, Reverse(priority))| (id, priority))
    }
}

impl Addressable for HashedQueue {
    /// One lookup: `push_increase` would take two.
    fn relax(&mut self, id: u32, priority: u64) {
        let found = self.0.change_priority_by(&id, |Reverse(present)| {
            *present = priority.min(*present);
        });
        assert!(found, "id {id} is in the queue");
    }

    fn remove(&mut self, id: u32) {
        self.0.remove(&id).expect("the id is in the queue");
    }
}
