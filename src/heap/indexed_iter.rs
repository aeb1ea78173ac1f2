//! Iterators over the elements of an `IndexedHeap`.

use core::fmt;
use core::iter::FusedIterator;

use super::id_iter::IdIter;
use super::indexed_heap::IndexedHeap;
use crate::key::{Key, KeyedStore};

/// The keys, priorities and payloads of a heap, in no particular order; from
/// [`IndexedHeap::iter`].
pub struct Iter<'a, P, T> {
    elements: IdIter<'a, P>,
    payloads: &'a KeyedStore<T>,
}

impl<'a, P: Copy, T> Iter<'a, P, T> {
    pub(super) fn new<const D: usize>(heap: &'a IndexedHeap<P, T, D>) -> Self {
        Self { elements: IdIter::new(&heap.arrays), payloads: &heap.payloads }
    }

    fn with_payload(&self, (slot, priority): (u32, P)) -> (Key, P, &'a T) {
        let (key, payload) = self.payloads.at_slot(slot).expect("every element has its payload");
        (key, priority, payload)
    }
}

impl<'a, P: Copy, T> Iterator for Iter<'a, P, T> {
    type Item = (Key, P, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        let element = self.elements.next()?;
        Some(self.with_payload(element))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.elements.size_hint()
    }
}

impl<P: Copy, T> DoubleEndedIterator for Iter<'_, P, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let element = self.elements.next_back()?;
        Some(self.with_payload(element))
    }
}

impl<P: Copy, T> ExactSizeIterator for Iter<'_, P, T> {}

impl<P: Copy, T> FusedIterator for Iter<'_, P, T> {}

impl<P: Copy, T> Clone for Iter<'_, P, T> {
    fn clone(&self) -> Self {
        Self { elements: self.elements.clone(), payloads: self.payloads }
    }
}

impl<P: Copy + fmt::Debug, T: fmt::Debug> fmt::Debug for Iter<'_, P, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.clone()).finish()
    }
}

impl<'a, P: Copy, T, const D: usize> IntoIterator for &'a IndexedHeap<P, T, D> {
    type Item = (Key, P, &'a T);
    type IntoIter = Iter<'a, P, T>;

    fn into_iter(self) -> Iter<'a, P, T> {
        self.iter()
    }
}

/// Empties a heap in no particular order; from [`IndexedHeap::drain`].
///
/// Elements leave from the end of the heap, so that what is left is a heap at any moment; a leaked
/// iterator leaves them in.
pub struct Drain<'a, P: Copy, T, const D: usize> {
    heap: &'a mut IndexedHeap<P, T, D>,
}

impl<'a, P: Copy, T, const D: usize> Drain<'a, P, T, D> {
    pub(super) fn new(heap: &'a mut IndexedHeap<P, T, D>) -> Self {
        Self { heap }
    }
}

impl<P: Copy, T, const D: usize> Iterator for Drain<'_, P, T, D> {
    type Item = (Key, P, T);

    fn next(&mut self) -> Option<Self::Item> {
        self.heap.pop_last()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.heap.len(), Some(self.heap.len()))
    }
}

impl<P: Copy, T, const D: usize> ExactSizeIterator for Drain<'_, P, T, D> {}

impl<P: Copy, T, const D: usize> FusedIterator for Drain<'_, P, T, D> {}

impl<P: Copy, T, const D: usize> Drop for Drain<'_, P, T, D> {
    fn drop(&mut self) {
        self.heap.clear();
    }
}

impl<P: Copy + fmt::Debug, T: fmt::Debug, const D: usize> fmt::Debug for Drain<'_, P, T, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Drain").field(&self.heap).finish()
    }
}

/// The elements of a heap that was given up, in no particular order.
#[derive(Clone, Debug)]
pub struct IntoIter<P: Copy, T, const D: usize> {
    heap: IndexedHeap<P, T, D>,
}

impl<P: Copy, T, const D: usize> Iterator for IntoIter<P, T, D> {
    type Item = (P, T);

    fn next(&mut self) -> Option<(P, T)> {
        let (slot, priority) = self.heap.arrays.give_up_last()?;
        let (_, payload) = self.heap.payloads.remove_slot(slot)?;
        Some((priority, payload))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.heap.len(), Some(self.heap.len()))
    }
}

impl<P: Copy, T, const D: usize> ExactSizeIterator for IntoIter<P, T, D> {}

impl<P: Copy, T, const D: usize> FusedIterator for IntoIter<P, T, D> {}

impl<P: Copy, T, const D: usize> IntoIterator for IndexedHeap<P, T, D> {
    type Item = (P, T);
    type IntoIter = IntoIter<P, T, D>;

    fn into_iter(self) -> IntoIter<P, T, D> {
        IntoIter { heap: self }
    }
}

/// The elements of a heap that was given up, the smallest first; from
/// [`IndexedHeap::into_sorted_iter`].
#[derive(Clone, Debug)]
pub struct IntoSortedIter<P: Copy, T, const D: usize> {
    heap: IndexedHeap<P, T, D>,
}

impl<P: Copy, T, const D: usize> IntoSortedIter<P, T, D> {
    pub(super) fn new(heap: IndexedHeap<P, T, D>) -> Self {
        Self { heap }
    }
}

impl<P: Ord + Copy, T, const D: usize> Iterator for IntoSortedIter<P, T, D> {
    type Item = (P, T);

    fn next(&mut self) -> Option<(P, T)> {
        self.heap.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.heap.len(), Some(self.heap.len()))
    }
}

impl<P: Ord + Copy, T, const D: usize> ExactSizeIterator for IntoSortedIter<P, T, D> {}

impl<P: Ord + Copy, T, const D: usize> FusedIterator for IntoSortedIter<P, T, D> {}
