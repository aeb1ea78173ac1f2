//! A heap with owned payloads and checked keys.

use super::KeyError;
use super::arrays::Arrays;
use super::positions::Positions;
use crate::key::{Key, KeyedStore};

/// A min-heap of payloads by priority, with decrease-key by [`Key`]; binary unless `D` says
/// otherwise.
///
/// A payload stays where it was put; only priorities and slots move. A key finds its own element
/// or nothing. Memory is 8 bytes and the sizes of `P` and of a payload with its serial for every
/// element, and the most that was needed at once is kept.
///
/// ```
/// use punctual::heap::{IndexedHeap, KeyError};
///
/// let mut heap = IndexedHeap::<u64, &str>::new();
/// let key = heap.push(30, "refresh");
/// heap.push(20, "bid");
/// heap.decrease_key(key, 10)?;
/// assert_eq!(heap.pop(), Some((10, "refresh")));
/// assert_eq!(heap.decrease_key(key, 5), Err(KeyError::Stale));
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct IndexedHeap<P, T, const D: usize = 2> {
    /// Slots of the store are the ids of the heap.
    arrays: Arrays<P, D>,
    positions: Positions,
    payloads: KeyedStore<T>,
}

impl<P, T> IndexedHeap<P, T> {
    /// An empty binary heap; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_arity()
    }

    /// An empty binary heap with room for `capacity` elements.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_arity_and_capacity(capacity)
    }
}

impl<P, T, const D: usize> IndexedHeap<P, T, D> {
    /// An empty heap of arity `D`; allocates nothing.
    #[must_use]
    pub const fn with_arity() -> Self {
        Self { arrays: Arrays::new(), positions: Positions::new(), payloads: KeyedStore::new() }
    }

    /// An empty heap of arity `D` with room for `capacity` elements.
    #[must_use]
    pub fn with_arity_and_capacity(capacity: usize) -> Self {
        Self {
            arrays: Arrays::with_capacity(capacity),
            positions: Positions::with_capacity(capacity),
            payloads: KeyedStore::with_capacity(capacity),
        }
    }

    /// How many elements the heap holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrays.len()
    }

    /// Whether the heap holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements fit without another allocation of priorities or payloads.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.arrays.capacity().min(self.payloads.capacity())
    }

    /// Whether the key's element is in the heap. O(1).
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        self.payloads.contains(key)
    }

    /// The key's payload, if it is in the heap. O(1).
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.payloads.get(key)
    }

    /// The key's payload, if it is in the heap. O(1).
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.payloads.get_mut(key)
    }

    /// Drops all elements and keeps the memory. O(n). Keys from before find nothing after.
    pub fn clear(&mut self) {
        // The arrays go first: should a payload panic in its drop, no position outlives it.
        self.arrays.clear(&mut self.positions);
        self.payloads.clear();
    }

    fn position(&self, key: Key) -> Option<usize> {
        if self.contains(key) { self.positions.get(key.slot()) } else { None }
    }
}

impl<P: Copy, T, const D: usize> IndexedHeap<P, T, D> {
    /// The element with the smallest priority. O(1).
    #[must_use]
    pub fn peek(&self) -> Option<(P, &T)> {
        let (slot, priority) = self.arrays.get(0)?;
        let (_, payload) = self.payloads.at_slot(slot)?;
        Some((priority, payload))
    }

    /// The priority of the key's element, if it is in the heap. O(1).
    #[must_use]
    pub fn priority(&self, key: Key) -> Option<P> {
        let (_, priority) = self.arrays.get(self.position(key)?)?;
        Some(priority)
    }

    /// All elements, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, P, &T)> {
        self.arrays.iter().filter_map(|(slot, priority)| {
            let (key, payload) = self.payloads.at_slot(slot)?;
            Some((key, priority, payload))
        })
    }
}

impl<P: Ord + Copy, T, const D: usize> IndexedHeap<P, T, D> {
    /// Adds an element and returns its key. O(log n), O(1) on average for random priorities;
    /// allocates only by growth.
    ///
    /// # Panics
    ///
    /// If the heap holds [`KeyedStore::MAX_LEN`] elements.
    pub fn push(&mut self, priority: P, payload: T) -> Key {
        let key = self.payloads.insert(payload);
        self.positions.cover(key.slot());
        self.arrays.push(key.slot(), priority, &mut self.positions);
        key
    }

    /// Takes out the element with the smallest priority. O(log n).
    pub fn pop(&mut self) -> Option<(P, T)> {
        self.take(0)
    }

    /// Lowers the priority of the key's element and returns the old one. O(log n).
    ///
    /// # Errors
    ///
    /// [`KeyError::Stale`] if the element is not in the heap, [`KeyError::NotSmaller`] if its
    /// priority is not larger than `priority`. The heap is as before.
    pub fn decrease_key(&mut self, key: Key, priority: P) -> Result<P, KeyError> {
        let at = self.position(key).ok_or(KeyError::Stale)?;
        self.arrays.decrease(at, priority, &mut self.positions)
    }

    /// Sets the priority of the key's element, lower or higher, and returns the old one.
    /// O(log n).
    ///
    /// `None` if the element is not in the heap.
    pub fn change_key(&mut self, key: Key, priority: P) -> Option<P> {
        let at = self.position(key)?;
        Some(self.arrays.change(at, priority, &mut self.positions))
    }

    /// Takes the key's element out, if it is in the heap. O(log n).
    pub fn remove(&mut self, key: Key) -> Option<(P, T)> {
        self.take(self.position(key)?)
    }

    /// Takes the element at a position out. The payload leaves its store first: if a comparison
    /// panics, it is dropped by the unwinding and no slot is left without an element.
    fn take(&mut self, at: usize) -> Option<(P, T)> {
        let (slot, priority) = self.arrays.get(at)?;
        let (_, payload) = self.payloads.remove_slot(slot)?;
        self.arrays.remove(at, &mut self.positions);
        Some((priority, payload))
    }

    /// Checks the order, the positions and the payloads. O(n); for tests and fuzzing.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub fn assert_invariants(&self) {
        self.arrays.assert_invariants(&self.positions);
        assert_eq!(self.arrays.len(), self.payloads.len(), "every element has its payload");
        assert_eq!(self.iter().count(), self.len(), "every slot in the heap is filled");
    }
}

impl<P, T, const D: usize> Default for IndexedHeap<P, T, D> {
    fn default() -> Self {
        Self::with_arity()
    }
}
