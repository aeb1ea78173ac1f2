//! The keys of what is queued, for those who pick some at random, and when each must be done.

use alloc::vec::Vec;

use super::random::Random;
use crate::key::Key;
use crate::time::Time;

/// A set of keys in an order that depends on nothing but what was done with it. Every operation
/// costs O(1).
#[derive(Debug, Default)]
pub(super) struct Queued {
    keys: Vec<Key>,
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The place of the slot's key.
    place: u32,
    /// When the job must be done, in the simulated world's time.
    due: Option<Time>,
}

const NOBODY: Slot = Slot { place: u32::MAX, due: None };

impl Queued {
    pub(super) fn insert(&mut self, key: Key, due: Option<Time>) {
        let slot = key.slot() as usize;
        if slot >= self.slots.len() {
            self.slots.resize(slot + 1, NOBODY);
        }
        self.slots[slot] = Slot { place: self.keys.len() as u32, due };
        self.keys.push(key);
    }

    /// Takes a job out, and tells when it must be done.
    pub(super) fn remove(&mut self, key: Key) -> Option<Time> {
        let slot = self.slots.get_mut(key.slot() as usize)?;
        let removed = core::mem::replace(slot, NOBODY);
        if removed.place == NOBODY.place {
            return None;
        }
        self.keys.swap_remove(removed.place as usize);
        if let Some(moved) = self.keys.get(removed.place as usize) {
            self.slots[moved.slot() as usize].place = removed.place;
        }
        removed.due
    }

    /// Somebody else wants a job, by this time.
    pub(super) fn join(&mut self, key: Key, due: Option<Time>) {
        if let Some(slot) = self.slots.get_mut(key.slot() as usize) {
            slot.due = slot.due.into_iter().chain(due).min();
        }
    }

    pub(super) fn set_due(&mut self, key: Key, due: Time) {
        if let Some(slot) = self.slots.get_mut(key.slot() as usize) {
            slot.due = Some(due);
        }
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(super) fn pick(&self, random: &mut Random) -> Option<Key> {
        match self.keys.len() {
            0 => None,
            len => self.keys.get(random.below(len as u64) as usize).copied(),
        }
    }
}
