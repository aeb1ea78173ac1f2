//! punctual's heaps as contenders.

use punctual::heap::{IdHeap, IndexedHeap};
use punctual::key::Key;

use super::{Addressable, Queue};

impl<const D: usize> Queue for IdHeap<u64, D> {
    const NAME: &'static str = match D {
        2 => "IdHeap",
        4 => "IdHeap D=4",
        _ => panic!("this arity has no name"),
    };

    fn new(ids: usize) -> Self {
        Self::with_arity_and_bound(ids as u32)
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.push(id, priority).expect("the id is free and below the bound");
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.pop()
    }
}

impl<const D: usize> Addressable for IdHeap<u64, D> {
    fn relax(&mut self, id: u32, priority: u64) {
        let _not_smaller = self.decrease_key(id, priority);
    }

    fn remove(&mut self, id: u32) {
        self.remove(id).expect("the id is in the heap");
    }
}

/// The heap with the table of keys that its caller would keep.
pub(crate) struct Indexed<const D: usize> {
    heap: IndexedHeap<u64, u32, D>,
    keys: Vec<Option<Key>>,
}

impl<const D: usize> Queue for Indexed<D> {
    const NAME: &'static str = match D {
        2 => "IndexedHeap",
        4 => "IndexedHeap D=4",
        _ => panic!("this arity has no name"),
    };

    fn new(ids: usize) -> Self {
        Self { heap: IndexedHeap::with_arity(), keys: vec![None; ids] }
    }

    fn push(&mut self, id: u32, priority: u64) {
        self.keys[id as usize] = Some(self.heap.push(priority, id));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        let (priority, id) = self.heap.pop()?;
        Some((id, priority))
    }
}

impl<const D: usize> Addressable for Indexed<D> {
    fn relax(&mut self, id: u32, priority: u64) {
        let key = self.keys[id as usize].expect("the id was pushed");
        let _not_smaller = self.heap.decrease_key(key, priority);
    }

    fn remove(&mut self, id: u32) {
        let key = self.keys[id as usize].expect("the id was pushed");
        self.heap.remove(key).expect("the id is in the heap");
    }
}
