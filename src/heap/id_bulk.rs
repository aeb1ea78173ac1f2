//! What an `IdHeap` does with many elements at once.

use alloc::vec::Vec;

use super::PushError;
use super::bulk::{BELIEVED, Unordered};
use super::id_heap::{IdHeap, admit};
use super::id_iter::IdIntoSortedIter;

impl<P: Ord + Copy, const D: usize> IdHeap<P, D> {
    /// Adds elements as [`IdHeap::push`] does, until one is refused. O(n + k) for k elements, or
    /// less if they are few.
    ///
    /// # Errors
    ///
    /// Why an element was refused: it and those behind it are not in the heap, those before are.
    pub fn try_extend(
        &mut self,
        elements: impl IntoIterator<Item = (u32, P)>,
    ) -> Result<(), PushError> {
        let elements = elements.into_iter();
        let bound = self.bound();
        let batch = self.batch(elements.size_hint().0);
        for (id, priority) in elements {
            admit(batch.positions, bound, id)?;
            batch.arrays.append(id, priority, batch.positions);
        }
        Ok(())
    }

    /// Moves all elements of the other heap into this one. O(n + k) for k elements, or less if
    /// they are few.
    ///
    /// # Errors
    ///
    /// Why an element of the other heap would be refused by [`IdHeap::push`]. Both heaps are as
    /// before.
    pub fn append(&mut self, other: &mut Self) -> Result<(), PushError> {
        let refused = |id| {
            if id >= self.bound() {
                Some(PushError::OutOfBound)
            } else {
                self.contains(id).then_some(PushError::Present)
            }
        };
        match other.iter().find_map(|(id, _)| refused(id)) {
            Some(error) => Err(error),
            None => self.try_extend(other.drain()),
        }
    }

    /// Keeps the elements that the predicate wants. O(n).
    pub fn retain(&mut self, keep: impl FnMut(u32, P) -> bool) {
        self.arrays.retain(&mut self.positions, keep, |_| {});
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
    pub fn into_sorted_vec(self) -> Vec<(u32, P)> {
        self.arrays.sorted().into_iter().map(|(priority, id)| (id, priority)).collect()
    }

    /// All elements, the smallest first, each popped when it is asked for. O(log n) each.
    #[must_use]
    pub fn into_sorted_iter(self) -> IdIntoSortedIter<P, D> {
        IdIntoSortedIter::new(self)
    }

    /// Makes room for elements that come in no order, as far as their number can be believed.
    fn batch(&mut self, expected: usize) -> Unordered<'_, P, D> {
        let free = self.bound() as usize - self.len();
        let expected = expected.min(free).min(BELIEVED);
        self.reserve(expected);
        self.positions.reserve(self.len() + expected);
        let ordered = self.len();
        Unordered { arrays: &mut self.arrays, positions: &mut self.positions, ordered }
    }
}

impl<P: Ord + Copy, const D: usize> Extend<(u32, P)> for IdHeap<P, D> {
    /// Adds elements; one that is in the heap takes its new priority, lower or higher. O(n + k)
    /// for k elements and the largest id, or less if they are few and new: for few changes there is
    /// [`IdHeap::change_key`].
    ///
    /// # Panics
    ///
    /// If an id is not below the bound; the elements before it are in the heap. Use
    /// [`IdHeap::try_extend`] for ids from outside.
    fn extend<I: IntoIterator<Item = (u32, P)>>(&mut self, elements: I) {
        let elements = elements.into_iter();
        let bound = self.bound();
        let mut batch = self.batch(elements.size_hint().0);
        for (id, priority) in elements {
            if let Some(at) = batch.positions.get(id) {
                batch.arrays.overwrite(at, priority);
                batch.ordered = batch.ordered.min(at);
            } else {
                assert!(id < bound, "id {id} is not below the heap's bound, {bound}");
                batch.positions.cover(id, bound);
                batch.arrays.append(id, priority, batch.positions);
            }
        }
    }
}

impl<P: Ord + Copy, const D: usize> FromIterator<(u32, P)> for IdHeap<P, D> {
    /// A heap of the elements, without a bound of its own; the last priority of an id counts.
    /// O(n) and the largest id.
    ///
    /// # Panics
    ///
    /// If an id is `u32::MAX`.
    fn from_iter<I: IntoIterator<Item = (u32, P)>>(elements: I) -> Self {
        let mut heap = Self::with_arity();
        heap.extend(elements);
        heap
    }
}
