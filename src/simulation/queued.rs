//! The keys of the jobs that are queued, for those who pick some at random.

use alloc::vec::Vec;

use super::random::Random;
use crate::key::Key;

/// A set of keys in an order that depends on nothing but what was done with it. Every operation
/// costs O(1).
#[derive(Debug, Default)]
pub(super) struct Queued {
    keys: Vec<Key>,
    /// The place of each slot's key.
    places: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl Queued {
    pub(super) fn insert(&mut self, key: Key) {
        let slot = key.slot() as usize;
        if slot >= self.places.len() {
            self.places.resize(slot + 1, NOWHERE);
        }
        self.places[slot] = self.keys.len() as u32;
        self.keys.push(key);
    }

    pub(super) fn remove(&mut self, key: Key) {
        let Some(place) = self.places.get_mut(key.slot() as usize) else { return };
        let removed = core::mem::replace(place, NOWHERE);
        if removed == NOWHERE {
            return;
        }
        self.keys.swap_remove(removed as usize);
        if let Some(moved) = self.keys.get(removed as usize) {
            self.places[moved.slot() as usize] = removed;
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
