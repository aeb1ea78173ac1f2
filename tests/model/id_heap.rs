//! `IdHeap` against a map from id to priority.

use std::collections::BTreeMap;

use punctual::heap::{IdHeap, KeyError, PushError, Relaxed};

use super::{Model, Word};

/// Ids from here on are refused.
const BOUND: u32 = 80;

pub(crate) struct IdHeapModel<const D: usize> {
    heap: IdHeap<u32, D>,
    oracle: BTreeMap<u32, u32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Push { id: u32, priority: u32 },
    Pop,
    PopIf { limit: u32 },
    DrainWhile { limit: u32 },
    PeekMut { priority: u32 },
    PeekMutPop { priority: u32 },
    ReplaceTop { id: u32, priority: u32 },
    PushPop { id: u32, priority: u32 },
    DecreaseKey { id: u32, priority: u32 },
    DecreaseOrPush { id: u32, priority: u32 },
    ChangeKey { id: u32, priority: u32 },
    Remove { id: u32 },
    TryExtend { id: u32, priority: u32 },
    Extend { id: u32, priority: u32 },
    Append { id: u32, priority: u32 },
    Retain { limit: u32 },
    Drain { taken: u32 },
    Rebuild,
    Memory { capacity: u32 },
    Copies,
    Clear,
}

/// Elements of neighbouring ids, more than two arities of them; some may be refused.
fn several(id: u32, priority: u32) -> impl Iterator<Item = (u32, u32)> + Clone {
    let count = 1 + priority % 19;
    (0..count).map(move |step| ((id + 3 * step) % (BOUND + 1), priority.wrapping_mul(step) % 41))
}

impl<const D: usize> IdHeapModel<D> {
    pub(crate) fn new() -> Self {
        Self { heap: IdHeap::with_arity_and_bound(BOUND), oracle: BTreeMap::new() }
    }

    fn oracle_push(&mut self, id: u32, priority: u32) -> Result<(), PushError> {
        if id >= BOUND {
            return Err(PushError::OutOfBound);
        }
        if self.oracle.contains_key(&id) {
            return Err(PushError::Present);
        }
        self.oracle.insert(id, priority);
        Ok(())
    }

    /// Which of several smallest comes first is the heap's choice.
    fn expect_smallest(&mut self, popped: Option<(u32, u32)>) {
        match popped {
            Some((id, priority)) => {
                assert_eq!(Some(&priority), self.oracle.values().min());
                assert_eq!(self.oracle.remove(&id), Some(priority));
            }
            None => assert!(self.oracle.is_empty()),
        }
    }

    fn peek_mut(&mut self, op: Op) {
        let before = self.heap.peek();
        let Some(mut first) = self.heap.peek_mut() else {
            return assert_eq!(before, None);
        };
        assert_eq!(Some((first.id(), first.priority())), before);
        match op {
            Op::PeekMut { priority } => {
                first.set_priority(priority);
                assert_eq!(first.priority(), priority);
                self.oracle.insert(first.id(), priority);
            }
            Op::PeekMutPop { priority } => {
                // A guard's element may be changed and then taken out.
                if priority % 2 == 0 {
                    first.set_priority(priority);
                    self.oracle.insert(first.id(), priority);
                }
                let (id, priority) = first.pop();
                assert_eq!(
                    (Some(id), self.oracle.remove(&id)),
                    (before.map(|it| it.0), Some(priority))
                );
            }
            _ => unreachable!("this is no operation on the first element"),
        }
    }

    fn replace_top(&mut self, id: u32, priority: u32) {
        let first = self.heap.peek();
        let removed = first.and_then(|(first, _)| self.oracle.remove(&first));
        match self.oracle_push(id, priority) {
            Ok(()) => assert_eq!(self.heap.replace_top(id, priority), Ok(first)),
            Err(refused) => {
                assert_eq!(self.heap.replace_top(id, priority), Err(refused));
                self.oracle.extend(first.map(|(first, _)| first).zip(removed));
            }
        }
    }

    fn apply_to_many(&mut self, op: Op) {
        match op {
            Op::TryExtend { id, priority } => {
                let mut elements = several(id, priority);
                let expected =
                    elements.try_for_each(|(id, priority)| self.oracle_push(id, priority));
                assert_eq!(self.heap.try_extend(several(id, priority)), expected);
            }
            Op::Extend { id, priority } => {
                let fitting = several(id, priority).filter(|&(id, _)| id < BOUND);
                self.heap.extend(fitting.clone());
                self.oracle.extend(fitting);
            }
            Op::Append { id, priority } => {
                let mut other = IdHeap::from_iter(several(id, priority));
                let refused = |id| id >= BOUND || self.oracle.contains_key(&id);
                if other.iter().any(|(id, _)| refused(id)) {
                    let before = other.len();
                    self.heap.append(&mut other).expect_err("an id is refused");
                    assert_eq!(other.len(), before);
                } else {
                    self.oracle.extend(&other);
                    assert_eq!(self.heap.append(&mut other), Ok(()));
                    assert!(other.is_empty());
                }
                other.assert_invariants();
            }
            Op::Retain { limit } => {
                self.heap.retain(|id, priority| priority < limit || id == 7);
                self.oracle.retain(|&id, priority| *priority < limit || id == 7);
            }
            Op::Drain { taken } => {
                let drained: Vec<_> = self.heap.drain().take(taken as usize).collect();
                assert_eq!(drained.len(), self.oracle.len().min(taken as usize));
                for (id, priority) in drained {
                    assert_eq!(self.oracle.remove(&id), Some(priority));
                }
                self.oracle.clear();
            }
            Op::Rebuild => self.heap.rebuild(),
            Op::Memory { capacity } => self.manage_memory(capacity % 64),
            Op::Copies => self.copy(),
            _ => unreachable!("this is no operation on many elements"),
        }
    }

    fn manage_memory(&mut self, capacity: u32) {
        let (len, wanted) = (self.heap.len(), capacity as usize);
        match capacity % 4 {
            0 => self.heap.reserve(wanted),
            1 => assert_eq!(self.heap.try_reserve(wanted), Ok(())),
            2 => self.heap.shrink_to(wanted),
            _ => self.heap.shrink_to_fit(),
        }
        if capacity % 4 < 2 {
            assert!(self.heap.capacity() >= len + wanted);
        }
        if capacity % 8 == 2 {
            assert_eq!(self.heap.try_cover(capacity), Ok(()));
            assert!(self.heap.covered() >= capacity.min(BOUND) as usize);
        }
        assert!(self.heap.try_reserve(usize::MAX).is_err());
    }

    /// Copies and all that gives up a heap hold the same elements.
    fn copy(&mut self) {
        let copy = self.heap.clone();
        copy.assert_invariants();
        let sorted = self.heap.clone().into_sorted_vec();
        assert!(sorted.is_sorted_by_key(|&(_, priority)| priority));
        let popped: Vec<_> = self.heap.clone().into_sorted_iter().collect();
        assert!(popped.iter().map(|it| it.1).eq(sorted.iter().map(|it| it.1)));
        for elements in [sorted, popped, copy.into_iter().collect()] {
            assert_eq!(elements.len(), self.oracle.len());
            assert_eq!(BTreeMap::from_iter(elements), self.oracle);
        }
        assert_eq!(format!("{:?}", self.heap).matches(':').count(), self.oracle.len());
    }
}

impl<const D: usize> Model for IdHeapModel<D> {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(48);
        let id = word.below(BOUND + 2);
        // Few priorities make ties; the largest value is as ordinary as any.
        let priority = match word.below(40) {
            39 => u32::MAX,
            small => small,
        };
        match kind {
            0..12 => Op::Push { id, priority },
            12..16 => Op::Pop,
            16 => Op::PopIf { limit: priority },
            17 => Op::DrainWhile { limit: priority / 2 },
            18 => Op::PeekMut { priority },
            19 => Op::PeekMutPop { priority },
            20..22 => Op::ReplaceTop { id, priority },
            22..24 => Op::PushPop { id, priority },
            24..27 => Op::DecreaseKey { id, priority },
            27..30 => Op::DecreaseOrPush { id, priority },
            30..34 => Op::ChangeKey { id, priority },
            34..38 => Op::Remove { id },
            38 => Op::TryExtend { id, priority },
            39 => Op::Extend { id, priority },
            40 => Op::Append { id, priority },
            41 => Op::Retain { limit: priority },
            42 => Op::Drain { taken: id },
            43 => Op::Rebuild,
            44 => Op::Memory { capacity: priority },
            45 => Op::Copies,
            _ if id < 3 => Op::Clear,
            _ => Op::Push { id, priority },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Push { id, priority } => {
                let expected = self.oracle_push(id, priority);
                assert_eq!(self.heap.push(id, priority), expected);
            }
            Op::Pop => {
                let popped = self.heap.pop();
                self.expect_smallest(popped);
            }
            Op::PopIf { limit } => {
                let popped = self.heap.pop_if(|_, priority| priority <= limit);
                match self.oracle.values().min() {
                    Some(&smallest) if smallest <= limit => self.expect_smallest(popped),
                    _ => assert_eq!(popped, None),
                }
            }
            Op::DrainWhile { limit } => {
                let popped: Vec<_> = self.heap.drain_while(|priority| priority <= limit).collect();
                popped.into_iter().for_each(|popped| self.expect_smallest(Some(popped)));
                assert!(self.oracle.values().all(|&priority| priority > limit));
            }
            Op::PeekMut { .. } | Op::PeekMutPop { .. } => self.peek_mut(op),
            Op::ReplaceTop { id, priority } => self.replace_top(id, priority),
            Op::PushPop { id, priority } => match self.oracle_push(id, priority) {
                Ok(()) => {
                    let popped = self.heap.push_pop(id, priority);
                    self.expect_smallest(Some(popped.expect("the oracle took it")));
                }
                refused => assert_eq!(self.heap.push_pop(id, priority).map(|_| ()), refused),
            },
            Op::DecreaseKey { id, priority } => {
                let expected = match self.oracle.get_mut(&id) {
                    None => Err(KeyError::Stale),
                    Some(old) if *old <= priority => Err(KeyError::NotSmaller),
                    Some(old) => Ok(std::mem::replace(old, priority)),
                };
                assert_eq!(self.heap.decrease_key(id, priority), expected);
            }
            Op::DecreaseOrPush { id, priority } => {
                let expected = match self.oracle.get_mut(&id) {
                    None => self.oracle_push(id, priority).map(|()| Relaxed::Pushed),
                    Some(old) if *old <= priority => Ok(Relaxed::Kept(*old)),
                    Some(old) => Ok(Relaxed::Decreased(std::mem::replace(old, priority))),
                };
                assert_eq!(self.heap.decrease_or_push(id, priority), expected);
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
            _ => self.apply_to_many(op),
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
