//! What is going to happen, in the order of time.

use crate::heap::{Arrivals, Fifo, IndexedHeap};
use crate::key::Key;

/// What is going to happen. The places are those of streams, workers and disturbances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Arrival { stream: usize },
    End { worker: usize },
    Disturbance { place: usize },
    Shutdown,
}

/// Things to come, in the order of time and then of their entry.
#[derive(Debug)]
pub(super) struct Agenda<D = Due> {
    entries: Arrivals,
    heap: IndexedHeap<Fifo<u64>, D>,
}

impl<D> Agenda<D> {
    pub(super) const fn new() -> Self {
        Self { entries: Arrivals::new(), heap: IndexedHeap::new() }
    }

    pub(super) fn enter(&mut self, at_ns: u64, due: D) -> Key {
        self.heap.push(self.entries.stamp(at_ns), due)
    }

    /// When the next thing happens.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.heap.peek().map(|(_, at, _)| at.priority())
    }

    pub(super) fn pop(&mut self) -> Option<D> {
        self.heap.pop().map(|(_, due)| due)
    }

    /// What was entered under this key happens so much later.
    pub(super) fn delay(&mut self, key: Key, length_ns: u64) {
        if let Some(at) = self.heap.priority(key) {
            let later_ns = at.priority().saturating_add(length_ns);
            self.heap.change_key(key, at.with_priority(later_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_entered_first_comes_first_and_what_is_delayed_later() {
        let mut agenda = Agenda::new();
        let end = agenda.enter(5, Due::End { worker: 0 });
        agenda.enter(5, Due::Shutdown);
        agenda.enter(5, Due::Arrival { stream: 1 });
        agenda.delay(end, 2);
        assert_eq!(agenda.next_ns(), Some(5));
        let popped = [(); 3].map(|()| agenda.pop());
        let arrival = Due::Arrival { stream: 1 };
        assert_eq!(popped, [Due::Shutdown, arrival, Due::End { worker: 0 }].map(Some));
        assert_eq!((agenda.next_ns(), agenda.pop()), (None, None));
    }
}
