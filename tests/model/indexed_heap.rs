//! `IndexedHeap` against a list of everything that was ever pushed.

use punctual::heap::{IndexedHeap, KeyError};
use punctual::key::Key;

use super::{Model, Word};

pub(crate) struct IndexedHeapModel<const D: usize> {
    heap: IndexedHeap<u32, String, D>,
    /// Every key that was ever handed out, with its element while it is in the heap.
    issued: Vec<(Key, Option<(u32, String)>)>,
}

/// `Pick` numbers the keys from the newest to the oldest, stale ones included.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Push { priority: u32 },
    Pop,
    DecreaseKey { pick: u32, priority: u32 },
    ChangeKey { pick: u32, priority: u32 },
    Remove { pick: u32 },
    ChangePayload { pick: u32 },
    Clear,
}

impl<const D: usize> IndexedHeapModel<D> {
    pub(crate) fn new() -> Self {
        Self { heap: IndexedHeap::with_arity_and_capacity(2), issued: Vec::new() }
    }

    fn pick(&mut self, pick: u32) -> Option<&mut (Key, Option<(u32, String)>)> {
        let back = pick as usize % self.issued.len().max(1);
        self.issued.iter_mut().rev().nth(back)
    }

    fn smallest(&self) -> Option<u32> {
        self.issued.iter().filter_map(|(_, live)| Some(live.as_ref()?.0)).min()
    }
}

impl<const D: usize> Model for IndexedHeapModel<D> {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(32);
        let pick = word.below(20);
        let priority = match word.below(40) {
            39 => u32::MAX,
            small => small,
        };
        match kind {
            0..12 => Op::Push { priority },
            12..17 => Op::Pop,
            17..22 => Op::DecreaseKey { pick, priority },
            22..26 => Op::ChangeKey { pick, priority },
            26..30 => Op::Remove { pick },
            30 => Op::ChangePayload { pick },
            _ if pick < 2 => Op::Clear,
            _ => Op::Push { priority },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Push { priority } => {
                let payload = format!("element {}", self.issued.len());
                let key = self.heap.push(priority, payload.clone());
                assert!(self.issued.iter().all(|(old, _)| *old != key), "keys are unique");
                self.issued.push((key, Some((priority, payload))));
            }
            Op::Pop => {
                let smallest = self.smallest();
                let popped = self.heap.pop();
                assert_eq!(popped.as_ref().map(|(priority, _)| *priority), smallest);
                if popped.is_some() {
                    let found = self.issued.iter_mut().find(|(_, live)| *live == popped);
                    assert!(found.is_some_and(|(_, live)| live.take().is_some()));
                }
            }
            Op::DecreaseKey { pick, priority } => {
                let Some((key, live)) = self.pick(pick) else {
                    return;
                };
                let expected = match live {
                    None => Err(KeyError::Stale),
                    Some((old, _)) if *old <= priority => Err(KeyError::NotSmaller),
                    Some((old, _)) => Ok(std::mem::replace(old, priority)),
                };
                let key = *key;
                assert_eq!(self.heap.decrease_key(key, priority), expected);
            }
            Op::ChangeKey { pick, priority } => {
                let Some((key, live)) = self.pick(pick) else {
                    return;
                };
                let expected = live.as_mut().map(|(old, _)| std::mem::replace(old, priority));
                let key = *key;
                assert_eq!(self.heap.change_key(key, priority), expected);
            }
            Op::Remove { pick } => {
                let Some((key, live)) = self.pick(pick) else {
                    return;
                };
                let (key, expected) = (*key, live.take());
                assert_eq!(self.heap.remove(key), expected);
            }
            Op::ChangePayload { pick } => {
                let Some((key, live)) = self.pick(pick) else {
                    return;
                };
                let key = *key;
                if let Some((_, payload)) = live {
                    payload.push('!');
                }
                if let Some(payload) = self.heap.get_mut(key) {
                    payload.push('!');
                }
            }
            Op::Clear => {
                self.heap.clear();
                self.issued.iter_mut().for_each(|(_, live)| *live = None);
            }
        }
    }

    fn check(&self) {
        self.heap.assert_invariants();
        let live = self.issued.iter().filter(|(_, live)| live.is_some()).count();
        assert_eq!(self.heap.len(), live);
        assert_eq!(self.heap.is_empty(), live == 0);
        assert!(self.heap.capacity() >= live);
        assert_eq!(self.heap.peek().map(|(_, priority, _)| priority), self.smallest());
        assert_eq!(self.heap.iter().count(), live);
        for (key, live) in &self.issued {
            assert_eq!(self.heap.contains(*key), live.is_some());
            assert_eq!(self.heap.priority(*key), live.as_ref().map(|(priority, _)| *priority));
            assert_eq!(self.heap.get(*key), live.as_ref().map(|(_, payload)| payload));
        }
    }
}
