//! A heap over dense ids that the caller owns.

use alloc::collections::TryReserveError;
use core::fmt;

use super::arrays::Arrays;
use super::id_iter::{IdDrain, IdIter};
use super::id_peek_mut::IdPeekMut;
use super::positions::Positions;
use super::{KeyError, PushError};

/// A min-heap of priorities over dense `u32` ids, with decrease-key; binary unless `D` says
/// otherwise.
///
/// The ids are the caller's: node numbers, slab slots. Memory is 4 bytes for every id below the
/// largest one that was ever pushed, and the size of `P` plus 4 bytes for every element: once each
/// after [`IdHeap::reserve`] and [`IdHeap::try_cover`] or after [`IdHeap::shrink_to_fit`], up to
/// twice after growth by pushes. Where ids come from outside, [`IdHeap::with_bound`] keeps a
/// hostile one from allocating 16 GiB.
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
///
/// A heap of many elements is built in O(n) by `collect`; of an id that comes twice the last
/// priority counts.
///
/// ```
/// use punctual::heap::IdHeap;
///
/// let heap: IdHeap<u64> = [(0, 30), (1, 20), (0, 10)].into_iter().collect();
/// assert_eq!(heap.into_sorted_vec(), [(0, 10), (1, 20)]);
/// ```
pub struct IdHeap<P, const D: usize = 2> {
    pub(super) arrays: Arrays<P, D>,
    pub(super) positions: Positions,
    bound: u32,
}

/// What [`IdHeap::decrease_or_push`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relaxed<P> {
    /// The element was not in the heap, and is now.
    Pushed,
    /// The element had this larger priority.
    Decreased(P),
    /// The element has this priority, which is not larger, and keeps it.
    Kept(P),
}

/// Checks that an id below `bound` is not in the heap, and makes room for it in the table.
#[inline]
pub(super) fn admit(positions: &mut Positions, bound: u32, id: u32) -> Result<(), PushError> {
    if (id as usize) < positions.covered() {
        return if positions.get(id).is_some() { Err(PushError::Present) } else { Ok(()) };
    }
    cover(positions, bound, id)
}

#[cold]
fn cover(positions: &mut Positions, bound: u32, id: u32) -> Result<(), PushError> {
    if id >= bound {
        return Err(PushError::OutOfBound);
    }
    positions.cover(id, bound);
    Ok(())
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

    /// How many elements fit without another allocation, apart from the table of positions: see
    /// [`IdHeap::covered`].
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.arrays.capacity()
    }

    /// Ids below this one have a place in the table of positions: their pushes don't let it grow.
    #[must_use]
    pub fn covered(&self) -> usize {
        self.positions.covered()
    }

    /// The ids that the heap takes are below this one.
    #[must_use]
    pub const fn bound(&self) -> u32 {
        self.bound
    }

    /// Whether `id` is in the heap. O(1).
    #[must_use]
    #[inline]
    pub fn contains(&self, id: u32) -> bool {
        self.positions.get(id).is_some()
    }

    /// Makes room for `additional` elements more. Aborts where there is no memory.
    ///
    /// # Panics
    ///
    /// If that many don't fit into the address space.
    pub fn reserve(&mut self, additional: usize) {
        self.arrays.reserve(additional);
    }

    /// Makes room for `additional` elements more.
    ///
    /// # Errors
    ///
    /// If there is no memory. The elements are as before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.arrays.try_reserve(additional)
    }

    /// Makes room in the table of positions for all ids below `ids` that the heap takes: 4 bytes
    /// each.
    ///
    /// # Errors
    ///
    /// If there is no memory. The heap is as before.
    pub fn try_cover(&mut self, ids: u32) -> Result<(), TryReserveError> {
        self.positions.try_cover(ids.min(self.bound))
    }

    /// Gives back what isn't needed for `capacity` elements, or for those that the heap holds if
    /// they are more, and for their ids. O(n).
    pub fn shrink_to(&mut self, capacity: usize) {
        self.arrays.shrink_to(capacity);
        self.positions.shrink_to(self.arrays.ids_below(), capacity);
    }

    /// Gives back all memory that isn't in use. O(n).
    pub fn shrink_to_fit(&mut self) {
        self.shrink_to(0);
    }
}

impl<P: Copy, const D: usize> IdHeap<P, D> {
    /// The id with the smallest priority. O(1).
    #[must_use]
    #[inline]
    pub fn peek(&self) -> Option<(u32, P)> {
        self.arrays.get(0)
    }

    /// The priority of `id`, if it is in the heap. O(1).
    #[must_use]
    #[inline]
    pub fn priority(&self, id: u32) -> Option<P> {
        let (_, priority) = self.arrays.get(self.positions.get(id)?)?;
        Some(priority)
    }

    /// All ids with their priorities, in no particular order.
    pub fn iter(&self) -> IdIter<'_, P> {
        IdIter::new(&self.arrays)
    }

    /// Takes all elements out, in no particular order; those that the iterator doesn't reach are
    /// forgotten when it is dropped. O(n).
    pub fn drain(&mut self) -> IdDrain<'_, P, D> {
        IdDrain::new(self)
    }

    /// Forgets all elements and keeps the memory. O(n).
    pub fn clear(&mut self) {
        self.arrays.clear(&mut self.positions);
    }

    /// Checks that the heap takes `id` and doesn't hold it, and makes room for it in the table.
    #[inline]
    fn admit(&mut self, id: u32) -> Result<(), PushError> {
        admit(&mut self.positions, self.bound, id)
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
    #[inline(always)]
    pub fn push(&mut self, id: u32, priority: P) -> Result<(), PushError> {
        if self.positions.is_free(id) && self.arrays.push_fast(id, priority, &mut self.positions) {
            return Ok(());
        }
        self.push_slowly(id, priority)
    }

    /// Out of line, so that the usual push needs no stack.
    #[cold]
    #[inline(never)]
    fn push_slowly(&mut self, id: u32, priority: P) -> Result<(), PushError> {
        self.admit(id)?;
        self.arrays.push(id, priority, &mut self.positions);
        Ok(())
    }

    /// Takes out the id with the smallest priority. O(log n).
    #[inline(always)]
    pub fn pop(&mut self) -> Option<(u32, P)> {
        self.arrays.pop(&mut self.positions)
    }

    /// Takes out the id with the smallest priority, if the predicate wants it. O(log n).
    pub fn pop_if(&mut self, predicate: impl FnOnce(u32, P) -> bool) -> Option<(u32, P)> {
        let (id, priority) = self.peek()?;
        if predicate(id, priority) { self.pop() } else { None }
    }

    /// Pops, one call of `next` each, as long as the predicate holds for the smallest priority.
    /// What isn't asked for stays in the heap.
    ///
    /// ```
    /// use punctual::heap::IdHeap;
    ///
    /// let mut heap: IdHeap<u64> = [(0, 30), (1, 10), (2, 20)].into_iter().collect();
    /// let due: Vec<u32> = heap.drain_while(|at| at <= 20).map(|(id, _)| id).collect();
    /// assert_eq!((due, heap.len()), (vec![1, 2], 1));
    /// ```
    pub fn drain_while(
        &mut self,
        mut predicate: impl FnMut(P) -> bool,
    ) -> impl Iterator<Item = (u32, P)> {
        core::iter::from_fn(move || self.pop_if(|_, priority| predicate(priority)))
    }

    /// The id with the smallest priority, to look at, change or take out. O(1), and O(log n) when
    /// the guard is dropped after a change. A guard that is leaked changes nothing.
    pub fn peek_mut(&mut self) -> Option<IdPeekMut<'_, P, D>> {
        IdPeekMut::new(self)
    }

    /// Takes out the id with the smallest priority and adds `id`: a pop and a push for the price
    /// of one. `id` may be the one that is taken out. On an empty heap it is only a push.
    /// O(log n).
    ///
    /// # Errors
    ///
    /// As [`IdHeap::push`]. The heap is as before.
    pub fn replace_top(&mut self, id: u32, priority: P) -> Result<Option<(u32, P)>, PushError> {
        let Some((first, _)) = self.peek() else {
            return self.push(id, priority).map(|()| None);
        };
        if id != first {
            self.admit(id)?;
        }
        Ok(self.arrays.replace_first(id, priority, &mut self.positions))
    }

    /// Adds `id` and takes out the smallest of all, which may be the same. O(log n); O(1) if it
    /// is the same.
    ///
    /// # Errors
    ///
    /// As [`IdHeap::push`]. The heap is as before.
    pub fn push_pop(&mut self, id: u32, priority: P) -> Result<(u32, P), PushError> {
        self.admit(id)?;
        if self.peek().is_none_or(|(_, smallest)| priority <= smallest) {
            return Ok((id, priority));
        }
        let other = self.arrays.replace_first(id, priority, &mut self.positions);
        Ok(other.unwrap_or((id, priority)))
    }

    /// Lowers the priority of `id` and returns the old one. O(log n).
    ///
    /// # Errors
    ///
    /// [`KeyError::Stale`] if the id is not in the heap, [`KeyError::NotSmaller`] if its
    /// priority is not larger than `priority`. The heap is as before.
    #[inline]
    pub fn decrease_key(&mut self, id: u32, priority: P) -> Result<P, KeyError> {
        let at = self.positions.get(id).ok_or(KeyError::Stale)?;
        self.arrays.decrease(at, priority, &mut self.positions)
    }

    /// Adds `id`, or lowers its priority if that is larger than `priority`: the step of a
    /// shortest-path search. O(log n).
    ///
    /// # Errors
    ///
    /// [`PushError::OutOfBound`] if the heap doesn't take the id. The heap is as before.
    pub fn decrease_or_push(&mut self, id: u32, priority: P) -> Result<Relaxed<P>, PushError> {
        let present = self.positions.get(id).and_then(|at| Some((at, self.arrays.get(at)?.1)));
        let Some((at, present)) = present else {
            return self.push(id, priority).map(|()| Relaxed::Pushed);
        };
        match self.arrays.decrease(at, priority, &mut self.positions) {
            Ok(old) => Ok(Relaxed::Decreased(old)),
            Err(_) => Ok(Relaxed::Kept(present)),
        }
    }

    /// Sets the priority of `id`, lower or higher, and returns the old one. O(log n).
    ///
    /// `None` if the id is not in the heap.
    pub fn change_key(&mut self, id: u32, priority: P) -> Option<P> {
        let at = self.positions.get(id)?;
        self.arrays.change(at, priority, &mut self.positions)
    }

    /// Takes `id` out and returns its priority, if it is in the heap. O(log n).
    pub fn remove(&mut self, id: u32) -> Option<P> {
        let at = self.positions.get(id)?;
        let (_, priority) = self.arrays.remove(at, &mut self.positions)?;
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

impl<P: Copy, const D: usize> Clone for IdHeap<P, D> {
    fn clone(&self) -> Self {
        let (arrays, positions) = (self.arrays.clone(), self.positions.clone());
        Self { arrays, positions, bound: self.bound }
    }
}

impl<P, const D: usize> Default for IdHeap<P, D> {
    fn default() -> Self {
        Self::with_arity()
    }
}

impl<P: Copy + fmt::Debug, const D: usize> fmt::Debug for IdHeap<P, D> {
    /// A map from id to priority, in no particular order.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}
