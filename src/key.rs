//! Keys that find their own element or nothing, and the store that hands them out.
//!
//! A [`Key`] names a slot and the serial number of the insertion that filled it. When the
//! element is gone its key finds nothing, also after the slot was used again and after
//! [`KeyedStore::clear`].
//!
//! # When a serial wraps
//!
//! A store counts its insertions with 32 bits and leaves zero out. A stale key can meet another
//! element only if it is kept for a whole multiple of 4,294,967,295 insertions into the same
//! store, and if exactly that insertion fell into the same slot. A key that is dropped when its
//! element goes never meets this; one that is kept for hours in a store with millions of
//! insertions a second should be looked at again by its owner.

use core::fmt;
use core::num::NonZeroU32;

use slab::Slab;

/// Names one element of one store: a slot and the serial number of its insertion, in 8 bytes.
///
/// `Option<Key>` is 8 bytes as well. Keys of one store mean nothing to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    slot: u32,
    serial: NonZeroU32,
}

impl Key {
    /// The slot of the element: small and dense, but used again after a removal.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// The serial number of the element's insertion.
    #[must_use]
    pub const fn serial(self) -> u32 {
        self.serial.get()
    }

    /// The key as one number, to be kept where only a number fits.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        ((self.serial.get() as u64) << 32) | self.slot as u64
    }

    /// The key that [`Key::to_bits`] was called on; `None` for what no key gives.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match NonZeroU32::new((bits >> 32) as u32) {
            Some(serial) => Some(Self { slot: bits as u32, serial }),
            None => None,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({}#{})", self.slot, self.serial)
    }
}

#[derive(Clone, Debug)]
struct Entry<T> {
    serial: NonZeroU32,
    value: T,
}

/// A slab whose keys never find another element than their own.
///
/// Every operation costs O(1); memory is allocated only by growth, and kept until the store is
/// dropped.
///
/// ```
/// use punctual::key::KeyedStore;
///
/// let mut store = KeyedStore::new();
/// let first = store.insert("first");
/// assert_eq!(store.remove(first), Some("first"));
///
/// let second = store.insert("second");
/// assert_eq!(first.slot(), second.slot());
/// assert_eq!(store.get(first), None);
/// assert_eq!(store.get(second), Some(&"second"));
/// ```
#[derive(Clone, Debug)]
pub struct KeyedStore<T> {
    entries: Slab<Entry<T>>,
    next_serial: NonZeroU32,
}

impl<T> KeyedStore<T> {
    /// The most elements that a store holds at once.
    pub const MAX_LEN: usize = u32::MAX as usize - 1;

    /// An empty store; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Slab::new(), next_serial: NonZeroU32::MIN }
    }

    /// An empty store with room for `capacity` elements.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { entries: Slab::with_capacity(capacity), next_serial: NonZeroU32::MIN }
    }

    /// How many elements the store holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the store holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many elements fit without another allocation.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Puts `value` into a free slot. Amortised O(1).
    ///
    /// # Panics
    ///
    /// If the store holds [`KeyedStore::MAX_LEN`] elements.
    pub fn insert(&mut self, value: T) -> Key {
        assert!(self.entries.len() < Self::MAX_LEN, "the store is full");
        let serial = self.next_serial;
        self.next_serial = serial.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let slot = self.entries.insert(Entry { serial, value });
        // A slab fills freed slots before it grows, so slots stay below MAX_LEN as well.
        Key { slot: slot as u32, serial }
    }

    /// Whether the key's element is still here. O(1).
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// The key's element, if it is still here. O(1).
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        let entry = self.entries.get(key.slot as usize)?;
        (entry.serial == key.serial).then_some(&entry.value)
    }

    /// The key's element, if it is still here. O(1).
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.slot as usize)?;
        (entry.serial == key.serial).then_some(&mut entry.value)
    }

    /// Takes the key's element out, if it is still here. O(1).
    pub fn remove(&mut self, key: Key) -> Option<T> {
        self.contains(key).then(|| self.entries.remove(key.slot as usize).value)
    }

    /// The key and the element in `slot`, whatever its serial. O(1).
    #[must_use]
    pub fn at_slot(&self, slot: u32) -> Option<(Key, &T)> {
        let entry = self.entries.get(slot as usize)?;
        Some((Key { slot, serial: entry.serial }, &entry.value))
    }

    /// The key and the element in `slot`, whatever its serial. O(1).
    #[must_use]
    pub fn at_slot_mut(&mut self, slot: u32) -> Option<(Key, &mut T)> {
        let entry = self.entries.get_mut(slot as usize)?;
        Some((Key { slot, serial: entry.serial }, &mut entry.value))
    }

    /// Takes the element in `slot` out, whatever its serial. O(1).
    pub fn remove_slot(&mut self, slot: u32) -> Option<(Key, T)> {
        let entry = self.entries.try_remove(slot as usize)?;
        Some((Key { slot, serial: entry.serial }, entry.value))
    }

    /// All elements with their keys, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.entries
            .iter()
            .map(|(slot, entry)| (Key { slot: slot as u32, serial: entry.serial }, &entry.value))
    }

    /// Drops all elements and keeps the memory. O(n). Keys from before find nothing after.
    pub fn clear(&mut self) {
        // The serial goes on counting: that is what makes the keys from before stale. Should an
        // element panic in its drop, an empty slab is left behind, not a half cleared one.
        let mut entries = core::mem::take(&mut self.entries);
        entries.clear();
        self.entries = entries;
    }
}

impl<T> Default for KeyedStore<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A serial that wraps must leave zero out, or `Option<Key>` could not tell it from `None`.
    #[test]
    fn a_wrapping_serial_leaves_zero_out() {
        let mut store = KeyedStore::new();
        store.next_serial = NonZeroU32::MAX;
        let last = store.insert("last");
        let first = store.insert("first");
        assert_eq!((last.serial(), first.serial()), (u32::MAX, 1));
        assert_eq!(store.remove(last), Some("last"));
        assert_eq!(store.get(first), Some(&"first"));
    }

    #[test]
    fn keys_are_small_and_survive_as_bits() {
        assert_eq!(size_of::<Key>(), 8);
        assert_eq!(size_of::<Option<Key>>(), 8);
        let key = KeyedStore::new().insert(());
        assert_eq!(Key::from_bits(key.to_bits()), Some(key));
        assert_eq!(Key::from_bits(7), None);
    }
}
