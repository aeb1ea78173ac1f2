//! punctual's heaps as contenders.

use punctual::heap::{Arrivals, Fifo, IdHeap, IndexedHeap};
use punctual::key::Key;

use super::{Addressable, Queue};

impl<const D: usize> Queue for IdHeap<u64, D> {
    const NAME: &'static str = match D {
        2 => "IdHeap",
        4 => "IdHeap D=4",
        8 => "IdHeap D=8",
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

/// The heap whose equal priorities leave it in the order of their arrival.
pub(crate) struct Stamped {
    pub(crate) heap: IdHeap<Fifo<u64>, 4>,
    arrivals: Arrivals,
}

impl Queue for Stamped {
    const NAME: &'static str = "IdHeap D=4, FIFO";

    fn new(ids: usize) -> Self {
        Self { heap: IdHeap::with_arity_and_bound(ids as u32), arrivals: Arrivals::new() }
    }

    fn push(&mut self, id: u32, priority: u64) {
        let stamped = self.arrivals.stamp(priority);
        self.heap.push(id, stamped).expect("the id is free and below the bound");
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        self.heap.pop().map(|(id, stamped)| (id, stamped.priority()))
    }
}

impl Addressable for Stamped {
    /// Among its new equals, the element keeps the place of its first arrival.
    fn relax(&mut self, id: u32, priority: u64) {
        let present = self.heap.priority(id).expect("the id is in the heap");
        let _not_smaller = self.heap.decrease_key(id, present.with_priority(priority));
    }

    fn remove(&mut self, id: u32) {
        self.heap.remove(id).expect("the id is in the heap");
    }
}

/// The heap with the table of keys that its caller would keep; a payload takes 8 bytes, as a
/// pointer does.
pub(crate) struct Indexed<const D: usize> {
    pub(crate) heap: IndexedHeap<u64, u64, D>,
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
        self.keys[id as usize] = Some(self.heap.push(priority, u64::from(id)));
    }

    fn pop(&mut self) -> Option<(u32, u64)> {
        let (priority, id) = self.heap.pop()?;
        Some((id as u32, priority))
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
