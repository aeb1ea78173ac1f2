//! What the standard library offers: plain binary heaps and an ordered set.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::lazy::LazilyDeleting;
use super::{ABSENT, Addressable, Queue};

/// Priorities only: the least that a queue can do.
pub(crate) struct Bare(pub(crate) BinaryHeap<Reverse<u64>>);

impl Queue for Bare {
    const NAME: &'static str = "BinaryHeap u64";

    fn new(_ids: usize) -> Self {
        Self(BinaryHeap::new())
    }

    fn push(&mut self, _id: u32, priority: u64) {
        self.0.push(Reverse(priority));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop().map(|Reverse(priority)| (0, priority))
    }
}

/// Priorities with their ids, which nobody can find again.
pub(crate) struct Pairs(pub(crate) BinaryHeap<Reverse<(u64, u32)>>);

impl Queue for Pairs {
    const NAME: &'static str = "BinaryHeap (u64, u32)";

    fn new(_ids: usize) -> Self {
        Self(BinaryHeap::new())
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.0.push(Reverse((priority, id)));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.0.pop().map(|Reverse((priority, id))| (id, priority))
    }
}

impl LazilyDeleting for Pairs {
    const LAZY: &'static str = "BinaryHeap, lazy";
}

/// A set in order of priority, and each id's priority to find it there.
pub(crate) struct Ordered {
    pairs: BTreeSet<(u64, u32)>,
    priorities: Vec<u64>,
}

impl Queue for Ordered {
    const NAME: &'static str = "BTreeSet";

    fn new(ids: usize) -> Self {
        Self { pairs: BTreeSet::new(), priorities: vec![ABSENT; ids] }
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.priorities[id as usize] = priority;
        self.pairs.insert((priority, id));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.pairs.pop_first().map(|(priority, id)| (id, priority))
    }
}

impl Addressable for Ordered {
    fn relax(&mut self, id: u32, priority: u64) {
        if priority < self.priorities[id as usize] {
            self.remove(id);
            self.push(id, priority);
        }
    }

    fn remove(&mut self, id: u32) {
        let present = self.pairs.remove(&(self.priorities[id as usize], id));
        assert!(present, "id {id} is in the set");
    }
}
