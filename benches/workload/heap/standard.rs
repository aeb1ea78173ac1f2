//! What the standard library offers: plain binary heaps, lazy deletion, and an ordered set.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::{Addressable, Queue};

/// Priorities only: the least that a queue can do.
pub(crate) struct Bare(BinaryHeap<Reverse<u64>>);

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
pub(crate) struct Pairs(BinaryHeap<Reverse<(u64, u32)>>);

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

/// No element has this priority.
const ABSENT: u64 = u64::MAX;

/// A change pushes a second pair; a pair that its id's present priority contradicts is dropped
/// when it comes to the top.
pub(crate) struct Lazy {
    pairs: Pairs,
    priorities: Vec<u64>,
}

impl Queue for Lazy {
    const NAME: &'static str = "BinaryHeap, lazy";

    fn new(ids: usize) -> Self {
        Self { pairs: Pairs::new(ids), priorities: vec![ABSENT; ids] }
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.priorities[id as usize] = priority;
        self.pairs.push(id, priority);
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        loop {
            let (id, priority) = self.pairs.pop()?;
            if self.priorities[id as usize] == priority {
                self.priorities[id as usize] = ABSENT;
                return Some((id, priority));
            }
        }
    }
}

impl Addressable for Lazy {
    fn relax(&mut self, id: u32, priority: u64) {
        if priority < self.priorities[id as usize] {
            self.push(id, priority);
        }
    }

    fn remove(&mut self, id: u32) {
        self.priorities[id as usize] = ABSENT;
    }
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
