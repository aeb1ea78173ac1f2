//! What the standard library offers: an ordered map, and a binary heap with lazy cancellation.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Timers;

/// A map in order of deadlines, and each id's deadline to find it there.
pub(crate) struct Ordered {
    map: BTreeMap<(u64, u32), ()>,
    ticks: Vec<u64>,
}

impl Timers for Ordered {
    const NAME: &'static str = "BTreeMap";

    fn new(ids: usize) -> Self {
        Self { map: BTreeMap::new(), ticks: vec![0; ids] }
    }

    fn insert(&mut self, id: u32, tick: u64) {
        self.ticks[id as usize] = tick;
        self.map.insert((tick, id), ());
    }

    fn cancel(&mut self, id: u32) {
        self.map.remove(&(self.ticks[id as usize], id)).expect("the id has a timer");
    }

    fn reset(&mut self, id: u32, tick: u64) {
        self.cancel(id);
        self.insert(id, tick);
    }

    fn advance(&mut self, now: u64, budget: usize, fire: &mut impl FnMut(u32)) {
        let mut left = budget;
        while left > 0
            && let Some(first) = self.map.first_entry()
            && first.key().0 <= now
        {
            fire(first.remove_entry().0.1);
            left -= 1;
        }
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        self.map.first_key_value().map(|(&(tick, _), ())| tick)
    }
}

/// No timer is due at this tick.
const ABSENT: u64 = u64::MAX;

/// An entry that its id's present deadline contradicts is dropped when it comes to the top.
pub(crate) struct Lazy {
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    ticks: Vec<u64>,
}

impl Timers for Lazy {
    const NAME: &'static str = "BinaryHeap, lazy";

    fn new(ids: usize) -> Self {
        Self { heap: BinaryHeap::new(), ticks: vec![ABSENT; ids] }
    }

    fn insert(&mut self, id: u32, tick: u64) {
        self.ticks[id as usize] = tick;
        self.heap.push(Reverse((tick, id)));
    }

    fn cancel(&mut self, id: u32) {
        self.ticks[id as usize] = ABSENT;
    }

    fn reset(&mut self, id: u32, tick: u64) {
        // An entry for the same tick may be a stale one: then the first to come fires, once.
        self.insert(id, tick);
    }

    fn advance(&mut self, now: u64, budget: usize, fire: &mut impl FnMut(u32)) {
        let mut left = budget;
        while left > 0
            && let Some(&Reverse((tick, id))) = self.heap.peek()
            && tick <= now
        {
            self.heap.pop();
            if self.ticks[id as usize] == tick {
                self.ticks[id as usize] = ABSENT;
                fire(id);
                left -= 1;
            }
        }
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        while let Some(&Reverse((tick, id))) = self.heap.peek() {
            if self.ticks[id as usize] == tick {
                return Some(tick);
            }
            self.heap.pop();
        }
        None
    }
}
