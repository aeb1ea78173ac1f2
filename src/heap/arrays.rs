//! The heap proper: priorities and ids in two arrays, in heap order.
//!
//! The position table is a parameter of everything that moves an element, so that its owner
//! decides whose ids it holds.

use alloc::collections::TryReserveError;

use super::KeyError;
use super::columns::Columns;
use super::positions::Positions;
use super::sift::Track;

/// A d-ary min-heap of (priority, id): the children of `p` stand at `D * p + 1 ..= D * p + D`.
#[derive(Debug)]
pub(super) struct Arrays<P, const D: usize> {
    columns: Columns<P, D>,
}

impl<P, const D: usize> Arrays<P, D> {
    pub(super) const fn new() -> Self {
        Self { columns: Columns::new() }
    }

    #[inline(always)]
    pub(super) const fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) const fn capacity(&self) -> usize {
        self.columns.capacity()
    }

    /// All ids are below this one.
    pub(super) const fn ids_below(&self) -> usize {
        self.columns.ids_below()
    }

    pub(super) fn reserve(&mut self, additional: usize) {
        self.columns.reserve(additional);
    }

    pub(super) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.columns.try_reserve(additional)
    }

    /// Makes room for one element more; then nothing can fail any more when it is added.
    #[inline(always)]
    pub(super) fn make_room(&mut self) {
        if self.len() == self.capacity() {
            self.reserve(1);
        }
    }

    /// Gives memory back, and looks how far the ids reach. O(n).
    pub(super) fn shrink_to(&mut self, capacity: usize) {
        self.columns.shrink_to(capacity);
    }
}

impl<P: Copy, const D: usize> Arrays<P, D> {
    /// The element at a position, if the heap reaches so far.
    #[inline(always)]
    pub(super) fn get(&self, at: usize) -> Option<(u32, P)> {
        self.columns.get(at)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (u32, P)> {
        self.ids().iter().copied().zip(self.priorities().iter().copied())
    }

    pub(super) const fn ids(&self) -> &[u32] {
        self.columns.ids()
    }

    /// Parallel to the ids.
    pub(super) const fn priorities(&self) -> &[P] {
        self.columns.priorities()
    }

    /// Adds a covered id that is not in the heap at the end, wherever it belongs.
    pub(super) fn append(&mut self, id: u32, priority: P, positions: &mut Positions) {
        let at = self.len();
        self.columns.push(id, priority);
        positions.set(id, at);
    }

    /// Takes out the last element, for those who have given up the positions. O(1).
    pub(super) fn give_up_last(&mut self) -> Option<(u32, P)> {
        self.columns.pop()
    }

    /// Takes out the last element, which no other one stands on. O(1).
    pub(super) fn pop_last(&mut self, positions: &mut Positions) -> Option<(u32, P)> {
        let (id, priority) = self.columns.pop()?;
        positions.unset(id);
        Some((id, priority))
    }

    /// Takes out the element at a position of the heap and leaves the last one in its place,
    /// wherever that belongs. O(1).
    pub(super) fn swap_out(&mut self, at: usize, positions: &mut Positions) -> Option<(u32, P)> {
        let removed = self.get(at)?;
        positions.unset(removed.0);
        if let Some((id, priority)) = self.columns.pop()
            && at < self.len()
        {
            self.columns.set(at, id, priority);
            positions.set(id, at);
        }
        Some(removed)
    }

    /// Gives the element at a position of the heap another priority and leaves it there, wherever
    /// it belongs.
    pub(super) fn overwrite(&mut self, at: usize, priority: P) {
        if let Some((id, _)) = self.get(at) {
            self.columns.set(at, id, priority);
        }
    }

    /// Notes where every element stands. O(n).
    pub(super) fn note_positions(&self, positions: &mut Positions) {
        for (at, &id) in self.ids().iter().enumerate() {
            positions.set(id, at);
        }
    }

    /// Forgets all elements. O(n), for their positions.
    pub(super) fn clear(&mut self, positions: &mut Positions) {
        for &id in self.ids() {
            positions.unset(id);
        }
        self.columns.clear();
    }
}

impl<P: Copy, const D: usize> Clone for Arrays<P, D> {
    fn clone(&self) -> Self {
        Self { columns: self.columns.clone() }
    }
}

impl<P: Ord + Copy, const D: usize> Arrays<P, D> {
    /// Adds a covered id that is not in the heap. O(log n), O(1) on average for random input.
    #[inline(always)]
    pub(super) fn push(&mut self, id: u32, priority: P, positions: &mut Positions) {
        if !self.push_fast(id, priority, positions) {
            self.push_slowly(id, priority, positions);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_slowly(&mut self, id: u32, priority: P, positions: &mut Positions) {
        self.columns.prepare_push(id, positions.covered());
        let pushed = self.push_fast(id, priority, positions);
        debug_assert!(pushed, "there is room for it");
    }

    /// Adds a covered id that is not in the heap, if there is room for it.
    #[inline(always)]
    pub(super) fn push_fast(&mut self, id: u32, priority: P, positions: &mut Positions) -> bool {
        self.columns.push_up(id, priority, positions.tracked())
    }

    /// Takes out the first element. O(log n).
    #[inline(always)]
    pub(super) fn pop(&mut self, positions: &mut Positions) -> Option<(u32, P)> {
        self.columns.pop_first(positions.tracked())
    }

    /// Takes out the element at a position, if the heap reaches so far. O(log n).
    #[inline(always)]
    pub(super) fn remove(&mut self, at: usize, positions: &mut Positions) -> Option<(u32, P)> {
        let removed = self.get(at)?;
        positions.unset(removed.0);
        if let Some(mut hole) = self.columns.fill_from_end(at, positions.tracked()) {
            // The last element comes from another branch: it may belong above `at` or below.
            if at == 0 || !hole.sift_up() {
                hole.sift_down();
            }
        }
        Some(removed)
    }

    /// Puts another element in the place of the first one, which is taken out. O(log n).
    ///
    /// The other id is covered and not in the heap, unless it is the first one's.
    #[inline(always)]
    pub(super) fn replace_first(
        &mut self,
        id: u32,
        priority: P,
        positions: &mut Positions,
    ) -> Option<(u32, P)> {
        let removed = self.get(0)?;
        positions.unset(removed.0);
        self.columns.set(0, id, priority);
        self.columns.change_in_hole(0, priority, positions.tracked()).sift_down();
        Some(removed)
    }

    /// Gives the element at a position a smaller priority and returns the old one. O(log n).
    #[inline(always)]
    pub(super) fn decrease(
        &mut self,
        at: usize,
        priority: P,
        positions: &mut Positions,
    ) -> Result<P, KeyError> {
        let (_, old) = self.get(at).ok_or(KeyError::Stale)?;
        if old <= priority {
            return Err(KeyError::NotSmaller);
        }
        self.columns.change_in_hole(at, priority, positions.tracked()).sift_up();
        Ok(old)
    }

    /// Gives the element at a position another priority and returns the old one. O(log n).
    pub(super) fn change(
        &mut self,
        at: usize,
        priority: P,
        positions: &mut Positions,
    ) -> Option<P> {
        let (_, old) = self.get(at)?;
        let is_smaller = priority < old;
        let mut hole = self.columns.change_in_hole(at, priority, positions.tracked());
        if is_smaller {
            hole.sift_up();
        } else {
            hole.sift_down();
        }
        Some(old)
    }

    /// Moves the element at a position of the heap towards the root as far as it belongs.
    pub(super) fn sift_up<T: Track>(&mut self, at: usize, track: T) {
        if let Some((_, priority)) = self.get(at) {
            self.columns.change_in_hole(at, priority, track).sift_up();
        }
    }

    /// Moves the element at a position of the heap towards the leaves as far as it belongs.
    pub(super) fn sift_down<T: Track>(&mut self, at: usize, track: T) {
        if let Some((_, priority)) = self.get(at) {
            self.columns.change_in_hole(at, priority, track).settle();
        }
    }

    /// Panics if the order or a position is broken. O(n).
    pub(super) fn assert_invariants(&self, positions: &Positions) {
        assert!(self.len() <= self.capacity(), "the elements have their memory");
        assert_eq!(positions.count(), self.len(), "every position has its element");
        assert!(self.ids_below() <= positions.covered(), "every id is covered");
        for (at, (id, priority)) in self.iter().enumerate() {
            assert!((id as usize) < self.ids_below(), "id {id} is below the bound");
            assert_eq!(positions.get(id), Some(at), "the position of id {id}");
            if let Some(above) = at.checked_sub(1) {
                assert!(self.priorities()[above / D] <= priority, "heap order at {at}");
            }
        }
    }
}
