//! A heap with owned payloads and checked keys.

use alloc::collections::TryReserveError;
use core::fmt;

use super::arrays::Arrays;
use super::indexed_iter::{Drain, Iter};
use super::indexed_peek_mut::PeekMut;
use super::positions::Positions;
use super::{KeyError, Relaxed};
use crate::key::{Key, KeyedStore};

/// From so many elements on, the payloads of those that are likely to leave next are asked for: a
/// smaller heap lies in a core's own caches.
const PREFETCH_FROM: usize = 4_096;

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
pub struct IndexedHeap<P, T, const D: usize = 2> {
    /// Slots of the store are the ids of the heap.
    pub(super) arrays: Arrays<P, D>,
    pub(super) positions: Positions,
    pub(super) payloads: KeyedStore<T>,
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
        let mut heap = Self::with_arity();
        heap.reserve(capacity);
        heap
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

    /// How many elements fit without another allocation.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.arrays.capacity().min(self.payloads.capacity()).min(self.positions.capacity())
    }

    /// Makes room for `additional` elements more. Aborts where there is no memory.
    ///
    /// # Panics
    ///
    /// If that many don't fit into the address space.
    pub fn reserve(&mut self, additional: usize) {
        self.payloads.reserve(additional);
        self.arrays.reserve(additional);
        self.positions.reserve(self.len().saturating_add(additional));
    }

    /// Makes room for `additional` elements more.
    ///
    /// # Errors
    ///
    /// If there is no memory. The elements are as before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.payloads.try_reserve(additional)?;
        self.arrays.try_reserve(additional)?;
        self.positions.try_reserve(self.len().saturating_add(additional))
    }

    /// Gives back what isn't needed for `capacity` elements, or for those that the heap holds and
    /// the slots up to the last one in use. O(n).
    pub fn shrink_to(&mut self, capacity: usize) {
        self.payloads.shrink_to(capacity);
        self.arrays.shrink_to(capacity);
        self.positions.shrink_to(self.arrays.ids_below(), capacity);
    }

    /// Gives back all memory that isn't in use. O(n).
    pub fn shrink_to_fit(&mut self) {
        self.shrink_to(0);
    }

    /// Whether the key's element is in the heap. O(1).
    #[must_use]
    #[inline]
    pub fn contains(&self, key: Key) -> bool {
        self.payloads.contains(key)
    }

    /// The key's payload, if it is in the heap. O(1).
    #[must_use]
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.payloads.get(key)
    }

    /// The key's payload, if it is in the heap. O(1).
    #[must_use]
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.payloads.get_mut(key)
    }

    #[inline]
    pub(super) fn position(&self, key: Key) -> Option<usize> {
        if self.contains(key) { self.positions.get(key.slot()) } else { None }
    }
}

impl<P: Copy, T, const D: usize> IndexedHeap<P, T, D> {
    /// The element with the smallest priority. O(1).
    #[must_use]
    #[inline]
    pub fn peek(&self) -> Option<(Key, P, &T)> {
        let (slot, priority) = self.arrays.get(0)?;
        let (key, payload) = self.payloads.at_slot(slot)?;
        Some((key, priority, payload))
    }

    /// The priority of the key's element, if it is in the heap. O(1).
    #[must_use]
    #[inline]
    pub fn priority(&self, key: Key) -> Option<P> {
        let (_, priority) = self.arrays.get(self.position(key)?)?;
        Some(priority)
    }

    /// All elements, in no particular order.
    pub fn iter(&self) -> Iter<'_, P, T> {
        Iter::new(self)
    }

    /// All elements, whose payloads may be changed, in no particular order. O(slots), which are as
    /// many as there were elements at once.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Key, P, &mut T)> {
        let (arrays, positions) = (&self.arrays, &self.positions);
        self.payloads.iter_mut().filter_map(|(key, payload)| {
            let (_, priority) = arrays.get(positions.get(key.slot())?)?;
            Some((key, priority, payload))
        })
    }

    /// Takes all elements out, in no particular order; those that the iterator doesn't reach are
    /// dropped with it. O(n).
    pub fn drain(&mut self) -> Drain<'_, P, T, D> {
        Drain::new(self)
    }

    /// Takes out the last element, which no other one stands on. O(1).
    pub(super) fn pop_last(&mut self) -> Option<(Key, P, T)> {
        let (slot, priority) = self.arrays.pop_last(&mut self.positions)?;
        let (key, payload) = self.payloads.remove_slot(slot)?;
        Some((key, priority, payload))
    }

    /// Drops all elements and keeps the memory. O(n). Keys from before find nothing after.
    pub fn clear(&mut self) {
        // The arrays go first: should a payload panic in its drop, no position outlives it.
        self.arrays.clear(&mut self.positions);
        self.payloads.clear();
    }
}

impl<P: Ord + Copy, T, const D: usize> IndexedHeap<P, T, D> {
    /// Adds an element and returns its key. O(log n), O(1) on average for random priorities;
    /// allocates only by growth.
    ///
    /// # Panics
    ///
    /// If the heap holds [`KeyedStore::MAX_LEN`] elements.
    #[inline]
    pub fn push(&mut self, priority: P, payload: T) -> Key {
        // Whatever may fail does so before the payload is in.
        self.arrays.make_room();
        self.positions.cover(self.payloads.vacant_slot(), u32::MAX);
        let key = self.payloads.insert(payload);
        self.arrays.push(key.slot(), priority, &mut self.positions);
        key
    }

    /// Takes out the element with the smallest priority. O(log n).
    #[inline]
    pub fn pop(&mut self) -> Option<(P, T)> {
        let (_, priority, payload) = self.take(0)?;
        Some((priority, payload))
    }

    /// Takes out the element with the smallest priority, with the key that it had. O(log n).
    pub fn pop_with_key(&mut self) -> Option<(Key, P, T)> {
        self.take(0)
    }

    /// Takes out the element with the smallest priority, if the predicate wants it. O(log n).
    pub fn pop_if(&mut self, predicate: impl FnOnce(Key, P, &T) -> bool) -> Option<(P, T)> {
        let (key, priority, payload) = self.peek()?;
        if predicate(key, priority, payload) { self.pop() } else { None }
    }

    /// Pops, one call of `next` each, as long as the predicate holds for the smallest priority.
    /// What isn't asked for stays in the heap.
    ///
    /// ```
    /// use punctual::heap::IndexedHeap;
    ///
    /// let mut heap = IndexedHeap::<u64, &str>::new();
    /// heap.extend([(30, "c"), (10, "a"), (20, "b")]);
    /// let due: Vec<&str> = heap.drain_while(|at| at <= 20).map(|(_, name)| name).collect();
    /// assert_eq!((due, heap.len()), (vec!["a", "b"], 1));
    /// ```
    pub fn drain_while(
        &mut self,
        mut predicate: impl FnMut(P) -> bool,
    ) -> impl Iterator<Item = (P, T)> {
        core::iter::from_fn(move || self.pop_if(|_, priority, _| predicate(priority)))
    }

    /// The element with the smallest priority, to look at, change or take out. O(1), and O(log n)
    /// when the guard is dropped after a change. A guard that is leaked changes no priority.
    pub fn peek_mut(&mut self) -> Option<PeekMut<'_, P, T, D>> {
        PeekMut::new(self)
    }

    /// Takes out the element with the smallest priority and adds another one: a pop and a push
    /// for the price of one. On an empty heap it is only a push. O(log n).
    ///
    /// # Panics
    ///
    /// As [`IndexedHeap::push`].
    pub fn replace_top(&mut self, priority: P, payload: T) -> (Key, Option<(P, T)>) {
        let Some((slot, _)) = self.arrays.get(0) else {
            return (self.push(priority, payload), None);
        };
        // The payload leaves first, so that the other one gets its slot.
        let removed = self.payloads.remove_slot(slot);
        let key = self.payloads.insert(payload);
        let old = self.arrays.replace_first(key.slot(), priority, &mut self.positions);
        (key, old.zip(removed).map(|((_, old), (_, payload))| (old, payload)))
    }

    /// Adds an element and takes out the smallest of all: if that is the new one it comes back,
    /// and there is no key. O(log n); O(1) if it is the new one.
    ///
    /// # Panics
    ///
    /// As [`IndexedHeap::push`].
    pub fn push_pop(&mut self, priority: P, payload: T) -> (Option<Key>, (P, T)) {
        let is_smallest = self.arrays.get(0).is_none_or(|(_, smallest)| priority <= smallest);
        if is_smallest {
            return (None, (priority, payload));
        }
        match self.replace_top(priority, payload) {
            (key, Some(removed)) => (Some(key), removed),
            (_, None) => unreachable!("the heap has a smallest element"),
        }
    }

    /// Lowers the priority of the key's element and returns the old one. O(log n).
    ///
    /// # Errors
    ///
    /// [`KeyError::Stale`] if the element is not in the heap, [`KeyError::NotSmaller`] if its
    /// priority is not larger than `priority`. The heap is as before.
    #[inline]
    pub fn decrease_key(&mut self, key: Key, priority: P) -> Result<P, KeyError> {
        let at = self.position(key).ok_or(KeyError::Stale)?;
        self.arrays.decrease(at, priority, &mut self.positions)
    }

    /// Lowers the priority of the key's element if that is larger than `priority`; if the element
    /// is not in the heap, adds the payload that the function makes. Returns the key that the
    /// element has now. O(log n).
    ///
    /// # Panics
    ///
    /// As [`IndexedHeap::push`].
    pub fn decrease_or_push(
        &mut self,
        key: Key,
        priority: P,
        payload: impl FnOnce() -> T,
    ) -> (Key, Relaxed<P>) {
        match self.priority(key) {
            None => (self.push(priority, payload()), Relaxed::Pushed),
            Some(old) => match self.decrease_key(key, priority) {
                Ok(old) => (key, Relaxed::Decreased(old)),
                Err(_) => (key, Relaxed::Kept(old)),
            },
        }
    }

    /// Sets the priority of the key's element, lower or higher, and returns the old one.
    /// O(log n).
    ///
    /// `None` if the element is not in the heap.
    pub fn change_key(&mut self, key: Key, priority: P) -> Option<P> {
        let at = self.position(key)?;
        self.arrays.change(at, priority, &mut self.positions)
    }

    /// Takes the key's element out, if it is in the heap. O(log n).
    pub fn remove(&mut self, key: Key) -> Option<(P, T)> {
        let (_, priority, payload) = self.take(self.position(key)?)?;
        Some((priority, payload))
    }

    /// Takes the element at a position out. The payload leaves its store first: if a comparison
    /// panics, it is dropped by the unwinding and no slot is left without an element.
    #[inline]
    fn take(&mut self, at: usize) -> Option<(Key, P, T)> {
        let (slot, priority) = self.arrays.get(at)?;
        let (key, payload) = self.payloads.remove_slot(slot)?;
        if at == 0 {
            self.arrays.pop(&mut self.positions);
        } else {
            self.arrays.remove(at, &mut self.positions);
        }
        self.prefetch_first();
        Some((key, priority, payload))
    }

    /// Whatever comes next is likely to ask for the first element or, after that, for one of its
    /// children: in a large heap their payloads are on their way by then.
    #[inline(always)]
    fn prefetch_first(&self) {
        if self.len() >= PREFETCH_FROM {
            for &slot in self.arrays.ids().iter().take(D + 1) {
                self.payloads.prefetch(slot);
            }
        }
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

impl<P: Copy, T: Clone, const D: usize> Clone for IndexedHeap<P, T, D> {
    /// Keys from before find the clones of their elements in the clone; keys from after mean
    /// nothing to the other heap, as those of any two.
    fn clone(&self) -> Self {
        let (arrays, positions) = (self.arrays.clone(), self.positions.clone());
        Self { arrays, positions, payloads: self.payloads.clone() }
    }
}

impl<P, T, const D: usize> Default for IndexedHeap<P, T, D> {
    fn default() -> Self {
        Self::with_arity()
    }
}

impl<P: Copy + fmt::Debug, T: fmt::Debug, const D: usize> fmt::Debug for IndexedHeap<P, T, D> {
    /// A list of (key, priority, payload), in no particular order.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}
