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

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use crate::prefetch::prefetch;

/// Names one element of one store: a slot and the serial number of its insertion, in 8 bytes.
///
/// `Option<Key>` is 8 bytes as well. A key means nothing to another store than its own, where it
/// may find an element or none: whoever has several stores keeps their keys apart.
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
enum Slot<T> {
    /// The slot that was free before it, if any.
    Free {
        before: u32,
    },
    Full {
        serial: NonZeroU32,
        value: T,
    },
}

/// Names no slot.
const NONE: u32 = u32::MAX;

/// A slab whose keys never find another element than their own.
///
/// Every operation costs O(1), except where it says otherwise; memory is allocated only by growth,
/// and kept until it is given back. An element takes the space of its value and its serial.
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
#[derive(Clone)]
pub struct KeyedStore<T> {
    slots: Vec<Slot<T>>,
    /// The slot that was freed last; each free slot names the one before it.
    free: u32,
    len: usize,
    next_serial: NonZeroU32,
}

impl<T> KeyedStore<T> {
    /// The most elements that a store holds at once.
    pub const MAX_LEN: usize = u32::MAX as usize - 1;

    /// An empty store; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Vec::new(), free: NONE, len: 0, next_serial: NonZeroU32::MIN }
    }

    /// An empty store with room for `capacity` elements.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { slots: Vec::with_capacity(capacity), ..Self::new() }
    }

    /// How many elements the store holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the store holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many elements fit without another allocation.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// Makes room for `additional` elements more. Aborts where there is no memory.
    ///
    /// # Panics
    ///
    /// If that many don't fit into the address space.
    pub fn reserve(&mut self, additional: usize) {
        self.slots.reserve(additional.saturating_sub(self.slots.len() - self.len));
    }

    /// Makes room for `additional` elements more.
    ///
    /// # Errors
    ///
    /// If there is no memory. The store is as before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.slots.try_reserve(additional.saturating_sub(self.slots.len() - self.len))
    }

    /// Gives back what isn't needed for `capacity` elements, or for the slots up to the last one
    /// in use. O(slots).
    pub fn shrink_to(&mut self, capacity: usize) {
        let used = self.slots.iter().rposition(|slot| matches!(slot, Slot::Full { .. }));
        self.slots.truncate(used.map_or(0, |last| last + 1));
        self.slots.shrink_to(capacity);
        self.free = NONE;
        for at in (0..self.slots.len()).rev() {
            if let Slot::Free { before } = &mut self.slots[at] {
                *before = self.free;
                self.free = at as u32;
            }
        }
    }

    /// Puts `value` into the slot that was freed last, or into a new one. Amortised O(1).
    ///
    /// # Panics
    ///
    /// If the store holds [`KeyedStore::MAX_LEN`] elements.
    #[inline]
    pub fn insert(&mut self, value: T) -> Key {
        let serial = self.next_serial;
        let filled = Slot::Full { serial, value };
        let slot = match self.slots.get_mut(self.free as usize) {
            Some(vacant) => {
                let slot = self.free;
                if let Slot::Free { before } = *vacant {
                    self.free = before;
                }
                *vacant = filled;
                slot
            }
            None => {
                assert!(self.slots.len() < Self::MAX_LEN, "the store is full");
                self.slots.push(filled);
                (self.slots.len() - 1) as u32
            }
        };
        self.next_serial = serial.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.len += 1;
        Key { slot, serial }
    }

    /// The slot of the next element that is put in.
    #[inline]
    pub(crate) const fn vacant_slot(&self) -> u32 {
        if self.free == NONE { self.slots.len() as u32 } else { self.free }
    }

    /// Whether the key's element is still here. O(1).
    #[must_use]
    #[inline]
    pub fn contains(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// The key's element, if it is still here. O(1).
    #[must_use]
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        let (found, value) = self.at_slot(key.slot)?;
        (found.serial == key.serial).then_some(value)
    }

    /// The key's element, if it is still here. O(1).
    #[must_use]
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (found, value) = self.at_slot_mut(key.slot)?;
        (found.serial == key.serial).then_some(value)
    }

    /// Takes the key's element out, if it is still here. O(1).
    #[inline]
    pub fn remove(&mut self, key: Key) -> Option<T> {
        if self.contains(key) { Some(self.remove_slot(key.slot)?.1) } else { None }
    }

    /// The key and the element in `slot`, whatever its serial. O(1).
    #[must_use]
    #[inline]
    pub fn at_slot(&self, slot: u32) -> Option<(Key, &T)> {
        match self.slots.get(slot as usize)? {
            Slot::Full { serial, value } => Some((Key { slot, serial: *serial }, value)),
            Slot::Free { .. } => None,
        }
    }

    /// The key and the element in `slot`, whatever its serial. O(1).
    #[must_use]
    #[inline]
    pub fn at_slot_mut(&mut self, slot: u32) -> Option<(Key, &mut T)> {
        match self.slots.get_mut(slot as usize)? {
            Slot::Full { serial, value } => Some((Key { slot, serial: *serial }, value)),
            Slot::Free { .. } => None,
        }
    }

    /// Takes the element in `slot` out, whatever its serial. O(1).
    #[inline]
    pub fn remove_slot(&mut self, slot: u32) -> Option<(Key, T)> {
        let place = self.slots.get_mut(slot as usize)?;
        if let Slot::Free { .. } = place {
            return None;
        }
        match core::mem::replace(place, Slot::Free { before: self.free }) {
            Slot::Full { serial, value } => {
                self.free = slot;
                self.len -= 1;
                Some((Key { slot, serial }, value))
            }
            Slot::Free { .. } => None,
        }
    }

    /// How many slots there are, free ones included.
    pub(crate) const fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Asks for an element's memory, for those who know that they will come for it.
    #[inline(always)]
    pub(crate) fn prefetch(&self, slot: u32) {
        prefetch(self.slots.as_ptr(), slot as usize, 1);
    }

    /// All elements with their keys, in the order of their slots. O(slots).
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        (0..).zip(&self.slots).filter_map(|(slot, place)| match place {
            Slot::Full { serial, value } => Some((Key { slot, serial: *serial }, value)),
            Slot::Free { .. } => None,
        })
    }

    /// All elements with their keys, in the order of their slots. O(slots).
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        (0..).zip(&mut self.slots).filter_map(|(slot, place)| match place {
            Slot::Full { serial, value } => Some((Key { slot, serial: *serial }, value)),
            Slot::Free { .. } => None,
        })
    }

    /// Drops all elements and keeps the memory. O(slots). Keys from before find nothing after.
    pub fn clear(&mut self) {
        // The serial goes on counting: that is what makes the keys from before stale. A vector
        // that is cleared is empty even if an element panics in its drop.
        (self.free, self.len) = (NONE, 0);
        self.slots.clear();
    }
}

impl<T> Default for KeyedStore<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for KeyedStore<T> {
    /// A map from key to element.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
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
