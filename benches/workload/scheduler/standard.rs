//! What the standard library offers: a binary heap, and an ordered set that finds jobs again.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::{Jobs, Keyed};

/// Deadline, arrival and payload: deadline order, and nothing else.
pub(crate) struct Plain {
    heap: BinaryHeap<Reverse<(u64, u64, u64)>>,
    next_sequence: u64,
}

impl Jobs for Plain {
    const NAME: &'static str = "BinaryHeap";

    fn new(_jobs: usize) -> Self {
        Self { heap: BinaryHeap::new(), next_sequence: 0 }
    }

    fn submit(&mut self, _now_ns: u64, id: u32, deadline_ns: u64) {
        self.heap.push(Reverse((deadline_ns, self.next_sequence, u64::from(id))));
        self.next_sequence += 1;
    }

    fn run_first(&mut self, _now_ns: u64) -> Option<u32> {
        self.heap.pop().map(|Reverse((_, _, id))| id as u32)
    }
}

/// A set in deadline order, and each job's place to find it there.
pub(crate) struct Ordered {
    set: BTreeSet<(u64, u64, u64)>,
    places: Vec<(u64, u64)>,
    next_sequence: u64,
}

impl Jobs for Ordered {
    const NAME: &'static str = "BTreeSet";

    fn new(_jobs: usize) -> Self {
        Self { set: BTreeSet::new(), places: Vec::new(), next_sequence: 0 }
    }

    fn submit(&mut self, _now_ns: u64, id: u32, deadline_ns: u64) {
        self.set.insert((deadline_ns, self.next_sequence, u64::from(id)));
        self.next_sequence += 1;
    }

    fn run_first(&mut self, _now_ns: u64) -> Option<u32> {
        self.set.pop_first().map(|(_, _, id)| id as u32)
    }
}

impl Keyed for Ordered {
    fn enter(&mut self, id: u32, deadline_ns: u64) {
        self.places.push((deadline_ns, self.next_sequence));
        self.submit(0, id, deadline_ns);
    }

    fn cancel(&mut self, id: u32) -> u32 {
        let (deadline_ns, sequence) = self.places[id as usize];
        let was_there = self.set.remove(&(deadline_ns, sequence, u64::from(id)));
        assert!(was_there, "job {id} is queued");
        id
    }

    fn reschedule(&mut self, id: u32, deadline_ns: u64) -> u64 {
        self.cancel(id);
        let (old_ns, sequence) = self.places[id as usize];
        self.places[id as usize] = (deadline_ns, sequence);
        self.set.insert((deadline_ns, sequence, u64::from(id)));
        old_ns
    }
}
