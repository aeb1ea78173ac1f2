//! Lazy deletion: how a queue that finds no element again changes and removes elements.

use super::{ABSENT, Addressable, Queue};

/// A queue that keeps ids with their priorities, and can hold an id more than once.
pub(crate) trait LazilyDeleting: Queue {
    /// What the queue is called with lazy deletion on top.
    const LAZY: &'static str;
}

/// A change pushes a second pair; a pair that its id's present priority contradicts is dropped
/// when it comes to the top.
pub(crate) struct Lazy<Q> {
    pub(crate) pairs: Q,
    priorities: Vec<u64>,
}

impl<Q: LazilyDeleting> Queue for Lazy<Q> {
    const NAME: &'static str = Q::LAZY;

    fn new(ids: usize) -> Self {
        Self { pairs: Q::new(ids), priorities: vec![ABSENT; ids] }
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

impl<Q: LazilyDeleting> Addressable for Lazy<Q> {
    fn relax(&mut self, id: u32, priority: u64) {
        if priority < self.priorities[id as usize] {
            self.push(id, priority);
        }
    }

    fn remove(&mut self, id: u32) {
        self.priorities[id as usize] = ABSENT;
    }
}
