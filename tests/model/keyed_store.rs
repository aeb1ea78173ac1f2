//! `KeyedStore` against a list of everything that was ever inserted.

use punctual::key::{Key, KeyedStore};

use super::{Model, Word};

pub(crate) struct KeyedStoreModel {
    store: KeyedStore<usize>,
    /// Every key that was ever handed out, with its element while it is in the store.
    issued: Vec<(Key, Option<usize>)>,
    /// So many slots there are, free ones included.
    slots: usize,
}

/// `Pick` numbers the keys from the newest to the oldest, stale ones included.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Insert,
    Get { pick: u32 },
    Change { pick: u32 },
    Remove { pick: u32 },
    AtSlot { pick: u32 },
    RemoveSlot { pick: u32 },
    ChangeAll,
    Memory { pick: u32 },
    Copies,
    Clear,
}

impl KeyedStoreModel {
    pub(crate) fn new() -> Self {
        Self { store: KeyedStore::with_capacity(3), issued: Vec::new(), slots: 0 }
    }

    fn pick(&self, pick: u32) -> Option<usize> {
        self.issued.len().checked_sub(1)?.checked_sub(pick as usize % self.issued.len())
    }

    /// The live element in the slot of the picked key, which may be another's by now.
    fn in_slot(&self, index: usize) -> Option<usize> {
        let slot = self.issued[index].0.slot();
        self.issued.iter().position(|(key, value)| key.slot() == slot && value.is_some())
    }

    /// A free slot is used again before there is a new one.
    fn issue(&mut self, key: Key, value: usize) {
        assert!(self.issued.iter().all(|(old, _)| *old != key), "keys are unique");
        let slot = key.slot() as usize;
        if self.live().len() < self.slots {
            assert!(slot < self.slots, "a slot is free");
        } else {
            assert_eq!(slot, self.slots);
            self.slots += 1;
        }
        self.issued.push((key, Some(value)));
    }

    /// The elements in the order of their slots, as the store gives them.
    fn live(&self) -> Vec<(Key, usize)> {
        let mut live: Vec<_> =
            self.issued.iter().filter_map(|&(key, value)| Some((key, value?))).collect();
        live.sort_by_key(|(key, _)| key.slot());
        live
    }

    fn manage_memory(&mut self, pick: u32) {
        let (len, wanted) = (self.store.len(), 3 * pick as usize);
        match pick % 4 {
            0 => self.store.reserve(wanted),
            1 => assert_eq!(self.store.try_reserve(wanted), Ok(())),
            _ => self.store.shrink_to(wanted),
        }
        if pick % 4 < 2 {
            assert!(self.store.capacity() >= len + wanted);
        } else {
            // An empty slot in front of a full one is kept, since the full one doesn't move.
            self.slots = self.live().last().map_or(0, |(key, _)| key.slot() as usize + 1);
            assert!(self.store.capacity() <= wanted.max(self.slots).max(4));
        }
        assert!(self.store.try_reserve(usize::MAX).is_err());
    }

    /// A copy holds the same under the same keys, and goes its own way.
    fn copy(&mut self) {
        let mut copy = self.store.clone();
        let expected = self.live();
        assert!(copy.iter().map(|(key, value)| (key, *value)).eq(expected.iter().copied()));
        let (theirs, ours) = (copy.insert(7), self.store.insert(7));
        assert_eq!((theirs, copy.remove(theirs)), (ours, Some(7)));
        self.issue(ours, 7);
        assert_eq!((self.store.remove(ours), copy.get(ours)), (Some(7), None));
        self.issued.last_mut().expect("it was issued").1 = None;
        assert_eq!(format!("{:?}", self.store).matches("Key").count(), expected.len());
    }
}

impl Model for KeyedStoreModel {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(20);
        let pick = word.below(12);
        match kind {
            0..6 => Op::Insert,
            6 => Op::Get { pick },
            7 => Op::Change { pick },
            8..11 => Op::Remove { pick },
            11 | 12 => Op::AtSlot { pick },
            13 | 14 => Op::RemoveSlot { pick },
            15 => Op::ChangeAll,
            16 | 17 => Op::Memory { pick },
            18 => Op::Copies,
            _ if pick < 3 => Op::Clear,
            _ => Op::Insert,
        }
    }

    fn apply(&mut self, op: Op) {
        let picked = match op {
            Op::Insert | Op::ChangeAll | Op::Memory { .. } | Op::Copies | Op::Clear => None,
            Op::Get { pick }
            | Op::Change { pick }
            | Op::Remove { pick }
            | Op::AtSlot { pick }
            | Op::RemoveSlot { pick } => self.pick(pick),
        };
        match (op, picked) {
            (Op::Insert, _) => {
                let value = self.issued.len() * 10;
                let key = self.store.insert(value);
                self.issue(key, value);
            }
            (Op::Clear, _) => {
                self.store.clear();
                self.slots = 0;
                self.issued.iter_mut().for_each(|(_, value)| *value = None);
            }
            (Op::ChangeAll, _) => {
                let mut live = self.live().into_iter();
                for (key, value) in self.store.iter_mut() {
                    assert_eq!(live.next(), Some((key, *value)));
                    *value += 1;
                }
                assert_eq!(live.next(), None);
                self.issued.iter_mut().filter_map(|it| it.1.as_mut()).for_each(|it| *it += 1);
            }
            (Op::Memory { pick }, _) => self.manage_memory(pick),
            (Op::Copies, _) => self.copy(),
            (_, None) => {}
            (Op::Get { .. }, Some(index)) => {
                let (key, value) = self.issued[index];
                assert_eq!(self.store.get(key).copied(), value);
                assert_eq!(self.store.contains(key), value.is_some());
            }
            (Op::Change { .. }, Some(index)) => {
                let (key, value) = &mut self.issued[index];
                assert_eq!(self.store.get_mut(*key).map(|it| std::mem::replace(it, 1)), *value);
                *value = value.map(|_| 1);
            }
            (Op::Remove { .. }, Some(index)) => {
                let (key, value) = &mut self.issued[index];
                assert_eq!(self.store.remove(*key), value.take());
            }
            (Op::AtSlot { .. }, Some(index)) => {
                let live = self.in_slot(index).map(|live| self.issued[live]);
                let expected = live.and_then(|(key, value)| Some((key, value?)));
                let slot = self.issued[index].0.slot();
                assert_eq!(self.store.at_slot(slot).map(|(key, it)| (key, *it)), expected);
                assert_eq!(self.store.at_slot_mut(slot).map(|(key, it)| (key, *it)), expected);
            }
            (Op::RemoveSlot { .. }, Some(index)) => {
                let live = self.in_slot(index);
                let expected = live.map(|live| (self.issued[live].0, self.issued[live].1.take()));
                let removed = self.store.remove_slot(self.issued[index].0.slot());
                assert_eq!(removed.map(|(key, value)| (key, Some(value))), expected);
            }
        }
    }

    fn check(&self) {
        let live = self.live();
        assert_eq!(self.store.len(), live.len());
        assert_eq!(self.store.is_empty(), live.is_empty());
        assert!(self.store.capacity() >= live.len());
        assert!(self.store.iter().map(|(key, value)| (key, *value)).eq(live));
        for (key, value) in &self.issued {
            assert_eq!(self.store.get(*key).copied(), *value);
            assert_eq!(Key::from_bits(key.to_bits()), Some(*key));
        }
    }
}
