//! What the core knows of each key.

use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use equivalent::Equivalent;
use hashbrown::HashTable;

use super::error::LoadError;
use super::flight::Flight;
use super::stored::Kind;
use crate::key::{Key, KeyedStore};
use crate::sync::Arc;
use crate::time::Time;

/// A key that is stored, is being loaded, or both. Its slot is its id for the planner.
pub(super) struct Record<K, V> {
    pub(super) key: K,
    /// When the last value was written, or the last one invalidated: a load that began before is
    /// superseded.
    pub(super) sequence: u64,
    /// When it was expired by hand: what a load brings that began before is stale.
    pub(super) expired: u64,
    /// What the storage holds for it.
    pub(super) stored: Option<Kind>,
    /// The load that is wanted or under way, and was not superseded.
    pub(super) flight: Option<Arc<Flight<V>>>,
    /// The load that the flight stands for, once it has begun.
    pub(super) load: Option<Key>,
    /// When what is stored was made, and what a load of it costs.
    pub(super) made: Time,
    pub(super) cost: f64,
    /// When it turns stale.
    pub(super) soft: Time,
    /// When it is not served any more, and when it was to be so when it came.
    pub(super) hard: Time,
    pub(super) natural_hard: Time,
    /// Somebody has asked for it since it is known.
    pub(super) is_wanted: bool,
    /// How many loads in a row have failed, and why the last one has.
    pub(super) failures: u32,
    /// How many refreshes in a row their dispatcher has not done.
    pub(super) drops: u32,
    pub(super) error: Option<LoadError>,
    /// Of the hits, one in 2^shift is counted.
    pub(super) shift: u32,
    /// How many were counted since that was decided.
    pub(super) samples: u64,
}

/// All records, found by key or by slot.
pub(super) struct Records<K, V> {
    table: HashTable<u32>,
    records: KeyedStore<Record<K, V>>,
    hasher: RandomState,
}

impl<K, V> Records<K, V> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Record<K, V>)> {
        self.records.iter()
    }
}

impl<K: Eq + Hash, V> Records<K, V> {
    pub(super) fn new() -> Self {
        Self { table: HashTable::new(), records: KeyedStore::new(), hasher: RandomState::new() }
    }

    pub(super) fn find<Q>(&self, key: &Q) -> Option<Key>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let is_it = |&slot: &u32| self.at(slot).is_some_and(|(_, it)| key.equivalent(&it.key));
        let slot = self.table.find(self.hasher.hash_one(key), is_it)?;
        Some(self.at(*slot)?.0)
    }

    /// The record of a key, a new one if there is none.
    pub(super) fn find_or_add<Q>(&mut self, key: &Q) -> Key
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(found) = self.find(key) {
            return found;
        }
        let record = Record {
            key: key.to_owned(),
            sequence: 0,
            expired: 0,
            stored: None,
            flight: None,
            load: None,
            made: Time::ZERO,
            cost: 1.0,
            soft: Time::ZERO,
            hard: Time::ZERO,
            natural_hard: Time::ZERO,
            is_wanted: false,
            failures: 0,
            drops: 0,
            error: None,
            shift: 0,
            samples: 0,
        };
        let added = self.records.insert(record);
        let Self { table, records, hasher } = self;
        let rehash = |&slot: &u32| {
            records.at_slot(slot).map_or(0, |(_, record)| hasher.hash_one(&record.key))
        };
        table.insert_unique(hasher.hash_one(key), added.slot(), rehash);
        added
    }

    pub(super) fn get(&self, key: Key) -> Option<&Record<K, V>> {
        self.records.get(key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Record<K, V>> {
        self.records.get_mut(key)
    }

    pub(super) fn at(&self, slot: u32) -> Option<(Key, &Record<K, V>)> {
        self.records.at_slot(slot)
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> Option<(Key, &mut Record<K, V>)> {
        self.records.at_slot_mut(slot)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Record<K, V>> {
        let record = self.records.remove(key)?;
        let hash = self.hasher.hash_one(&record.key);
        if let Ok(entry) = self.table.find_entry(hash, |&slot| slot == key.slot()) {
            entry.remove();
        }
        Some(record)
    }

    /// All that is remembered of failures.
    pub(super) fn take_errors(&mut self) -> Vec<LoadError> {
        self.records.iter_mut().filter_map(|(_, record)| record.error.take()).collect()
    }

    /// Forgets all records; those who hold them drop them.
    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.records.clear();
    }
}
