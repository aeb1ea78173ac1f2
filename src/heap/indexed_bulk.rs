//! What an `IndexedHeap` does with many elements at once.

use alloc::vec::Vec;
use core::cell::RefCell;

use super::bulk::{BELIEVED, Unordered};
use super::indexed_heap::IndexedHeap;
use super::indexed_iter::IntoSortedIter;
use crate::key::{Key, KeyedStore};

impl<P: Ord + Copy, T, const D: usize> IndexedHeap<P, T, D> {
    /// Adds elements, and each one's key to `keys`. O(n + k) for k elements, or less if they are
    /// few.
    ///
    /// # Panics
    ///
    /// As [`IndexedHeap::push`].
    pub fn extend_with_keys(
        &mut self,
        elements: impl IntoIterator<Item = (P, T)>,
        keys: &mut impl Extend<Key>,
    ) {
        let elements = elements.into_iter();
        let mut batch = self.batch(elements.size_hint().0);
        keys.extend(elements.map(|(priority, payload)| batch.add(priority, payload)));
    }

    /// Moves all elements of the other heap into this one, where they get other keys: `rekey` is
    /// told of each element's old key and new key. O(n + k) for k elements, or less if they are
    /// few.
    ///
    /// # Panics
    ///
    /// As [`IndexedHeap::push`].
    pub fn append(&mut self, other: &mut Self, mut rekey: impl FnMut(Key, Key)) {
        let mut batch = self.batch(other.len());
        // What `rekey` doesn't come to, should it panic, stays where it is.
        while let Some((old, priority, payload)) = other.pop_last() {
            rekey(old, batch.add(priority, payload));
        }
    }

    /// Keeps the elements that the predicate wants. O(n).
    pub fn retain(&mut self, mut keep: impl FnMut(Key, P, &mut T) -> bool) {
        let payloads = RefCell::new(&mut self.payloads);
        self.arrays.retain(
            &mut self.positions,
            |slot, priority| {
                let mut payloads = payloads.borrow_mut();
                payloads
                    .at_slot_mut(slot)
                    .is_some_and(|(key, payload)| keep(key, priority, payload))
            },
            |slot| {
                let removed = payloads.borrow_mut().remove_slot(slot);
                drop(removed);
            },
        );
    }

    /// Brings all elements into order again, after a comparison that panicked or an order that
    /// has changed. O(n).
    pub fn rebuild(&mut self) {
        self.arrays.rebuild(&mut self.positions);
    }

    /// All elements, the smallest first. O(n log n); allocates twice for n elements.
    ///
    /// # Panics
    ///
    /// The sort of the standard library may panic if the order of `P` contradicts itself.
    #[must_use]
    pub fn into_sorted_vec(mut self) -> Vec<(P, T)> {
        let sorted = self.arrays.sorted();
        let taken = sorted.into_iter().filter_map(|(priority, slot)| {
            let (_, payload) = self.payloads.remove_slot(slot)?;
            Some((priority, payload))
        });
        taken.collect()
    }

    /// All elements, the smallest first, each popped when it is asked for. O(log n) each.
    #[must_use]
    pub fn into_sorted_iter(self) -> IntoSortedIter<P, T, D> {
        IntoSortedIter::new(self)
    }

    fn batch(&mut self, expected: usize) -> Batch<'_, P, T, D> {
        self.reserve(expected.min(BELIEVED));
        let ordered = self.len();
        let (arrays, positions) = (&mut self.arrays, &mut self.positions);
        let unordered = Unordered { arrays, positions, ordered };
        Batch { payloads: &mut self.payloads, unordered }
    }
}

/// Elements that are added in no order.
struct Batch<'a, P: Ord + Copy, T, const D: usize> {
    payloads: &'a mut KeyedStore<T>,
    unordered: Unordered<'a, P, D>,
}

impl<P: Ord + Copy, T, const D: usize> Batch<'_, P, T, D> {
    fn add(&mut self, priority: P, payload: T) -> Key {
        let Unordered { arrays, positions, .. } = &mut self.unordered;
        arrays.make_room();
        positions.cover(self.payloads.vacant_slot(), u32::MAX);
        let key = self.payloads.insert(payload);
        arrays.append(key.slot(), priority, positions);
        key
    }
}

impl<P: Ord + Copy, T, const D: usize> Extend<(P, T)> for IndexedHeap<P, T, D> {
    /// Adds elements whose keys nobody needs yet: [`IndexedHeap::iter`] tells them later. O(n + k)
    /// for k elements, or less if they are few.
    ///
    /// # Panics
    ///
    /// As [`IndexedHeap::push`].
    fn extend<I: IntoIterator<Item = (P, T)>>(&mut self, elements: I) {
        let elements = elements.into_iter();
        let mut batch = self.batch(elements.size_hint().0);
        for (priority, payload) in elements {
            batch.add(priority, payload);
        }
    }
}

impl<P: Ord + Copy, T, const D: usize> FromIterator<(P, T)> for IndexedHeap<P, T, D> {
    /// A heap of the elements. O(n).
    fn from_iter<I: IntoIterator<Item = (P, T)>>(elements: I) -> Self {
        let mut heap = Self::with_arity();
        heap.extend(elements);
        heap
    }
}
