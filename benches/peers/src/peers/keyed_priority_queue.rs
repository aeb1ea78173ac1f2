//! keyed_priority_queue: a binary heap beside a hash map of positions, here with a fast hasher.

use std::cmp::Reverse;

use keyed_priority_queue::{Entry, KeyedPriorityQueue};
use rustc_hash::FxBuildHasher;

use crate::workload::heap::{Addressable, Queue};

pub(crate) struct KeyedQueue(KeyedPriorityQueue<u32, Reverse<u64>, FxBuildHasher>);

impl Queue for KeyedQueue {
    const NAME: &'static str = "keyed_priority_queue";

    fn new(_ids: usize) -> Self {
        Self(KeyedPriorityQueue::with_hasher(FxBuildHasher))
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.0.push(id, Reverse(priority));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop().map(|(id, Reverse(priority))| (id, priority))
    }
}

impl Addressable for KeyedQueue {
    fn relax(&mut self, id: u32, priority: u64) {
        let Entry::Occupied(entry) = self.0.entry(id) else {
            panic!("id {id} is in the queue");
        };
        if priority < entry.get_priority().0 {
            entry.set_priority(Reverse(priority));
        }
    }

    fn remove(&mut self, id: u32) {
        self.0.remove(&id).expect("the id is in the queue");
    }
}
