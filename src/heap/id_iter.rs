//! Iterators over the elements of an `IdHeap`.

use core::fmt;
use core::iter::FusedIterator;
use core::{iter, slice};

use super::arrays::Arrays;
use super::id_heap::IdHeap;

/// The ids and priorities of a heap, in no particular order; from [`IdHeap::iter`].
#[derive(Clone, Debug)]
pub struct IdIter<'a, P> {
    elements: iter::Zip<iter::Copied<slice::Iter<'a, u32>>, iter::Copied<slice::Iter<'a, P>>>,
}

impl<'a, P: Copy> IdIter<'a, P> {
    pub(super) fn new<const D: usize>(arrays: &'a Arrays<P, D>) -> Self {
        let (ids, priorities) = (arrays.ids().iter(), arrays.priorities().iter());
        Self { elements: ids.copied().zip(priorities.copied()) }
    }
}

impl<P: Copy> Iterator for IdIter<'_, P> {
    type Item = (u32, P);

    fn next(&mut self) -> Option<(u32, P)> {
        self.elements.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.elements.size_hint()
    }
}

impl<P: Copy> DoubleEndedIterator for IdIter<'_, P> {
    fn next_back(&mut self) -> Option<(u32, P)> {
        self.elements.next_back()
    }
}

impl<P: Copy> ExactSizeIterator for IdIter<'_, P> {}

impl<P: Copy> FusedIterator for IdIter<'_, P> {}

impl<'a, P: Copy, const D: usize> IntoIterator for &'a IdHeap<P, D> {
    type Item = (u32, P);
    type IntoIter = IdIter<'a, P>;

    fn into_iter(self) -> IdIter<'a, P> {
        self.iter()
    }
}

/// Empties a heap in no particular order; from [`IdHeap::drain`].
///
/// Elements leave from the end of the heap, so that what is left is a heap at any moment; a leaked
/// iterator leaves them in.
pub struct IdDrain<'a, P: Copy, const D: usize> {
    heap: &'a mut IdHeap<P, D>,
}

impl<'a, P: Copy, const D: usize> IdDrain<'a, P, D> {
    pub(super) fn new(heap: &'a mut IdHeap<P, D>) -> Self {
        Self { heap }
    }
}

impl<P: Copy, const D: usize> Iterator for IdDrain<'_, P, D> {
    type Item = (u32, P);

    fn next(&mut self) -> Option<(u32, P)> {
        self.heap.arrays.pop_last(&mut self.heap.positions)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.heap.len(), Some(self.heap.len()))
    }
}

impl<P: Copy, const D: usize> ExactSizeIterator for IdDrain<'_, P, D> {}

impl<P: Copy, const D: usize> FusedIterator for IdDrain<'_, P, D> {}

impl<P: Copy, const D: usize> Drop for IdDrain<'_, P, D> {
    fn drop(&mut self) {
        self.heap.clear();
    }
}

impl<P: Copy + fmt::Debug, const D: usize> fmt::Debug for IdDrain<'_, P, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("IdDrain").field(&self.heap).finish()
    }
}

/// The elements of a heap that was given up, in no particular order.
#[derive(Clone, Debug)]
pub struct IdIntoIter<P: Copy, const D: usize> {
    arrays: Arrays<P, D>,
}

impl<P: Copy, const D: usize> Iterator for IdIntoIter<P, D> {
    type Item = (u32, P);

    fn next(&mut self) -> Option<(u32, P)> {
        self.arrays.give_up_last()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.arrays.len(), Some(self.arrays.len()))
    }
}

impl<P: Copy, const D: usize> ExactSizeIterator for IdIntoIter<P, D> {}

impl<P: Copy, const D: usize> FusedIterator for IdIntoIter<P, D> {}

impl<P: Copy, const D: usize> IntoIterator for IdHeap<P, D> {
    type Item = (u32, P);
    type IntoIter = IdIntoIter<P, D>;

    fn into_iter(self) -> IdIntoIter<P, D> {
        IdIntoIter { arrays: self.arrays }
    }
}

/// The elements of a heap that was given up, the smallest first; from
/// [`IdHeap::into_sorted_iter`].
#[derive(Clone, Debug)]
pub struct IdIntoSortedIter<P: Copy, const D: usize> {
    heap: IdHeap<P, D>,
}

impl<P: Copy, const D: usize> IdIntoSortedIter<P, D> {
    pub(super) fn new(heap: IdHeap<P, D>) -> Self {
        Self { heap }
    }
}

impl<P: Ord + Copy, const D: usize> Iterator for IdIntoSortedIter<P, D> {
    type Item = (u32, P);

    fn next(&mut self) -> Option<(u32, P)> {
        self.heap.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.heap.len(), Some(self.heap.len()))
    }
}

impl<P: Ord + Copy, const D: usize> ExactSizeIterator for IdIntoSortedIter<P, D> {}

impl<P: Ord + Copy, const D: usize> FusedIterator for IdIntoSortedIter<P, D> {}
