//! A heap over dense ids that the caller owns.

use super::arrays::Arrays;
use super::positions::Positions;
use super::{KeyError, PushError};

/// A min-heap of priorities over dense `u32` ids, with decrease-key; binary unless `D` says
/// otherwise.
///
/// The ids are the caller's: node numbers, slab slots. Memory is 4 bytes for every id below the
/// largest one that was ever pushed, and the size of `P` plus 4 bytes for every element. Where
/// ids come from outside, [`IdHeap::with_bound`] keeps a hostile one from allocating 16 GiB.
///
/// ```
/// use punctual::heap::IdHeap;
///
/// let mut heap = IdHeap::new();
/// heap.push(7, 30)?;
/// heap.push(9, 20)?;
/// assert_eq!(heap.decrease_key(7, 10), Ok(30));
/// assert_eq!(heap.pop(), Some((7, 10)));
/// assert_eq!(heap.pop(), Some((9, 20)));
/// # Ok::<(), punctual::heap::PushError>(())
/// ```
#[derive(Clone, Debug)]
pub struct IdHeap<P, const D: usize = 2> {
    arrays: Arrays<P, D>,
    positions: Positions,
    bound: u32,
}

impl<P> IdHeap<P> {
    /// An empty binary heap that takes every id below `u32::MAX`; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_arity()
    }

    /// An empty binary heap that takes ids below `bound`; allocates nothing.
    #[must_use]
    pub const fn with_bound(bound: u32) -> Self {
        Self::with_arity_and_bound(bound)
    }
}

impl<P, const D: usize> IdHeap<P, D> {
    /// An empty heap of arity `D` that takes every id below `u32::MAX`; allocates nothing.
    ///
    /// ```
    /// use punctual::heap::{IdHeap, QuaternaryIdHeap};
    ///
    /// let heap = IdHeap::<u64, 4>::with_arity();
    /// let same: QuaternaryIdHeap<u64> = heap;
    /// assert!(same.is_empty());
    /// ```
    #[must_use]
    pub const fn with_arity() -> Self {
        Self::with_arity_and_bound(u32::MAX)
    }

    /// An empty heap of arity `D` that takes ids below `bound`; allocates nothing.
    #[must_use]
    pub const fn with_arity_and_bound(bound: u32) -> Self {
        Self { arrays: Arrays::new(), positions: Positions::new(), bound }
    }

    /// How many ids the heap holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrays.len()
    }

    /// Whether the heap holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements fit without another allocation, apart from the table of positions,
    /// which grows with the largest id.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.arrays.capacity()
    }

    /// The ids that the heap takes are below this one.
    #[must_use]
    pub const fn bound(&self) -> u32 {
        self.bound
    }

    /// Whether `id` is in the heap. O(1).
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.positions.get(id).is_some()
    }

    /// Forgets all elements and keeps the memory. O(n).
    pub fn clear(&mut self) {
        self.arrays.clear(&mut self.positions);
    }
}

impl<P: Copy, const D: usize> IdHeap<P, D> {
    /// The id with the smallest priority. O(1).
    #[must_use]
    pub fn peek(&self) -> Option<(u32, P)> {
        self.arrays.get(0)
    }

    /// The priority of `id`, if it is in the heap. O(1).
    #[must_use]
    pub fn priority(&self, id: u32) -> Option<P> {
        let (_, priority) = self.arrays.get(self.positions.get(id)?)?;
        Some(priority)
    }

    /// All ids with their priorities, in no particular order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, P)> {
        self.arrays.iter()
    }
}

impl<P: Ord + Copy, const D: usize> IdHeap<P, D> {
    /// Adds `id`. O(log n), O(1) on average for random priorities; allocates only by growth.
    /// The first push of an id that is larger than all before fills the table up to it: O(id).
    ///
    /// # Errors
    ///
    /// [`PushError::Present`] if the id is in the heap, [`PushError::OutOfBound`] if the heap
    /// doesn't take it. The heap is as before.
    pub fn push(&mut self, id: u32, priority: P) -> Result<(), PushError> {
        if id >= self.bound {
            return Err(PushError::OutOfBound);
        }
        if self.contains(id) {
            return Err(PushError::Present);
        }
        self.positions.cover(id);
        self.arrays.push(id, priority, &mut self.positions);
        Ok(())
    }

    /// Takes out the id with the smallest priority. O(log n).
    pub fn pop(&mut self) -> Option<(u32, P)> {
        if self.is_empty() {
            return None;
        }
        Some(self.arrays.remove(0, &mut self.positions))
    }

    /// Lowers the priority of `id` and returns the old one. O(log n).
    ///
    /// # Errors
    ///
    /// [`KeyError::Stale`] if the id is not in the heap, [`KeyError::NotSmaller`] if its
    /// priority is not larger than `priority`. The heap is as before.
    pub fn decrease_key(&mut self, id: u32, priority: P) -> Result<P, KeyError> {
        let at = self.positions.get(id).ok_or(KeyError::Stale)?;
        self.arrays.decrease(at, priority, &mut self.positions)
    }

    /// Sets the priority of `id`, lower or higher, and returns the old one. O(log n).
    ///
    /// `None` if the id is not in the heap.
    pub fn change_key(&mut self, id: u32, priority: P) -> Option<P> {
        let at = self.positions.get(id)?;
        Some(self.arrays.change(at, priority, &mut self.positions))
    }

    /// Takes `id` out and returns its priority, if it is in the heap. O(log n).
    pub fn remove(&mut self, id: u32) -> Option<P> {
        let at = self.positions.get(id)?;
        let (_, priority) = self.arrays.remove(at, &mut self.positions);
        Some(priority)
    }

    /// Checks the order and the positions. O(n) and the largest id; for tests and fuzzing.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub fn assert_invariants(&self) {
        self.arrays.assert_invariants(&self.positions);
    }
}

impl<P, const D: usize> Default for IdHeap<P, D> {
    fn default() -> Self {
        Self::with_arity()
    }
}
