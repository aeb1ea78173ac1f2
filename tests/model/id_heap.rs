//! `IdHeap` against a map from id to priority.

use std::collections::BTreeMap;

use punctual::heap::{IdHeap, KeyError, PushError};

use super::{Model, Word};

/// Ids from here on are refused.
const BOUND: u32 = 24;

pub(crate) struct IdHeapModel<const D: usize> {
    heap: IdHeap<u32, D>,
    oracle: BTreeMap<u32, u32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Push { id: u32, priority: u32 },
    Pop,
    DecreaseKey { id: u32, priority: u32 },
    ChangeKey { id: u32, priority: u32 },
    Remove { id: u32 },
    Clear,
}

impl<const D: usize> IdHeapModel<D> {
    pub(crate) fn new() -> Self {
        Self { heap: IdHeap::with_arity_and_bound(BOUND), oracle: BTreeMap::new() }
    }
}

impl<const D: usize> Model for IdHeapModel<D> {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(32);
        let id = word.below(BOUND + 2);
        // Few priorities make ties; the largest value is as ordinary as any.
        let priority = match word.below(40) {
            39 => u32::MAX,
            small => small,
        };
        match kind {
            0..12 => Op::Push { id, priority },
            12..17 => Op::Pop,
            17..22 => Op::DecreaseKey { id, priority },
            22..27 => Op::ChangeKey { id, priority },
            27..31 => Op::Remove { id },
            _ if id < 3 => Op::Clear,
            _ => Op::Push { id, priority },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Push { id, priority } => {
                let expected = match self.oracle.contains_key(&id) {
                    _ if id >= BOUND => Err(PushError::OutOfBound),
                    true => Err(PushError::Present),
                    false => Ok(()),
                };
                assert_eq!(self.heap.push(id, priority), expected);
                if expected.is_ok() {
                    self.oracle.insert(id, priority);
                }
            }
            Op::Pop => match self.heap.pop() {
                // Which of several smallest comes first is the heap's choice.
                Some((id, priority)) => {
                    assert_eq!(Some(&priority), self.oracle.values().min());
                    assert_eq!(self.oracle.remove(&id), Some(priority));
                }
                None => assert!(self.oracle.is_empty()),
            },
            Op::DecreaseKey { id, priority } => {
                let expected = match self.oracle.get(&id) {
                    None => Err(KeyError::Stale),
                    Some(&old) if old <= priority => Err(KeyError::NotSmaller),
                    Some(&old) => Ok(old),
                };
                assert_eq!(self.heap.decrease_key(id, priority), expected);
                if expected.is_ok() {
                    self.oracle.insert(id, priority);
                }
            }
            Op::ChangeKey { id, priority } => {
                let old = self.oracle.get_mut(&id);
                let expected = old.map(|old| std::mem::replace(old, priority));
                assert_eq!(self.heap.change_key(id, priority), expected);
            }
            Op::Remove { id } => assert_eq!(self.heap.remove(id), self.oracle.remove(&id)),
            Op::Clear => {
                self.heap.clear();
                self.oracle.clear();
            }
        }
    }

    fn check(&self) {
        self.heap.assert_invariants();
        assert_eq!(self.heap.len(), self.oracle.len());
        assert_eq!(self.heap.is_empty(), self.oracle.is_empty());
        assert!(self.heap.capacity() >= self.heap.len());
        assert_eq!(self.heap.bound(), BOUND);
        let smallest = self.heap.peek().map(|(_, priority)| priority);
        assert_eq!(smallest.as_ref(), self.oracle.values().min());
        if let Some((id, priority)) = self.heap.peek() {
            assert_eq!(self.heap.priority(id), Some(priority));
        }
        let held: BTreeMap<u32, u32> = self.heap.iter().collect();
        assert_eq!(held, self.oracle);
        for id in 0..BOUND + 2 {
            assert_eq!(self.heap.contains(id), self.oracle.contains_key(&id));
            assert_eq!(self.heap.priority(id).as_ref(), self.oracle.get(&id));
        }
    }
}
