//! The heap proper: priorities and ids in two arrays, in heap order.
//!
//! The position table is a parameter of everything that moves an element, so that its owner
//! decides whose ids it holds.

#![allow(unsafe_code, reason = "the one entrance to the sifts: see DESIGN.md")]

use alloc::collections::TryReserveError;

use super::KeyError;
use super::aligned::AlignedVec;
use super::positions::Positions;
use super::sift::{Hole, Track};

/// A d-ary min-heap of (priority, id): the children of `p` stand at `D * p + 1 ..= D * p + D`.
#[derive(Debug)]
pub(super) struct Arrays<P, const D: usize> {
    priorities: AlignedVec<P, D>,
    /// Parallel to `priorities`; all are below `ids_below`.
    ids: AlignedVec<u32, D>,
    ids_below: usize,
}

impl<P, const D: usize> Arrays<P, D> {
    pub(super) const fn new() -> Self {
        Self { priorities: AlignedVec::new(), ids: AlignedVec::new(), ids_below: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.priorities.capacity().min(self.ids.capacity())
    }

    /// All ids are below this one.
    pub(super) fn ids_below(&self) -> usize {
        self.ids_below
    }

    pub(super) fn reserve(&mut self, additional: usize) {
        self.priorities.reserve(additional);
        self.ids.reserve(additional);
    }

    pub(super) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.priorities.try_reserve(additional)?;
        self.ids.try_reserve(additional)
    }

    /// Gives memory back, and looks how far the ids reach. O(n).
    pub(super) fn shrink_to(&mut self, capacity: usize) {
        self.priorities.shrink_to(capacity);
        self.ids.shrink_to(capacity);
        self.ids_below = self.ids.iter().max().map_or(0, |&largest| largest as usize + 1);
    }
}

impl<P: Copy, const D: usize> Arrays<P, D> {
    /// The element at a position, if the heap reaches so far.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<(u32, P)> {
        Some((*self.ids.get(at)?, *self.priorities.get(at)?))
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (u32, P)> + DoubleEndedIterator {
        self.ids.iter().copied().zip(self.priorities.iter().copied())
    }

    /// The ids, and the priorities parallel to them.
    pub(super) fn as_slices(&self) -> (&[u32], &[P]) {
        (&self.ids, &self.priorities)
    }

    /// Adds a covered id that is not in the heap at the end, wherever it belongs.
    #[inline(always)]
    pub(super) fn append(&mut self, id: u32, priority: P, positions: &mut Positions) {
        positions.set(id, self.len());
        self.priorities.push(priority);
        self.ids.push(id);
        self.ids_below = self.ids_below.max(id as usize + 1);
    }

    /// Takes out the last element, for those who have given up the positions. O(1).
    pub(super) fn give_up_last(&mut self) -> Option<(u32, P)> {
        Some((self.ids.pop()?, self.priorities.pop()?))
    }

    /// Takes out the last element, which no other one stands on. O(1).
    #[inline(always)]
    pub(super) fn pop_last(&mut self, positions: &mut Positions) -> Option<(u32, P)> {
        let (id, priority) = self.give_up_last()?;
        positions.unset(id);
        Some((id, priority))
    }

    /// Takes out the element at a position of the heap and leaves the last one in its place,
    /// wherever that belongs. O(1).
    pub(super) fn swap_out(&mut self, at: usize, positions: &mut Positions) -> (u32, P) {
        let removed = (self.ids[at], self.priorities[at]);
        if let Some((id, priority)) = self.pop_last(positions)
            && at < self.len()
        {
            self.ids[at] = id;
            self.priorities[at] = priority;
            positions.unset(removed.0);
            positions.set(id, at);
        }
        removed
    }

    /// Gives the element at a position of the heap another priority and leaves it there, wherever
    /// it belongs.
    pub(super) fn overwrite(&mut self, at: usize, priority: P) {
        self.priorities[at] = priority;
    }

    /// Notes where every element stands. O(n).
    pub(super) fn note_positions(&self, positions: &mut Positions) {
        for (at, &id) in self.ids.iter().enumerate() {
            positions.set(id, at);
        }
    }

    /// Forgets all elements. O(n), for their positions.
    pub(super) fn clear(&mut self, positions: &mut Positions) {
        for &id in self.ids.iter() {
            positions.unset(id);
        }
        self.priorities.clear();
        self.ids.clear();
        self.ids_below = 0;
    }

    /// A hole at a position of the heap, for an element whose id was appended once.
    #[inline(always)]
    pub(super) fn hole<T: Track>(
        &mut self,
        at: usize,
        element: (u32, P),
        track: T,
    ) -> Hole<'_, P, T> {
        assert!((element.0 as usize) < self.ids_below && self.ids_below <= track.ids_below());
        // SAFETY: `ids_below` bounds every id that was appended, and no other gets into `ids`;
        // it and the element's id are within the bounds of `track`, as was just asserted.
        unsafe { Hole::new(&mut self.priorities, &mut self.ids, track, at, element) }
    }
}

impl<P: Copy, const D: usize> Clone for Arrays<P, D> {
    fn clone(&self) -> Self {
        let (priorities, ids) = (self.priorities.clone(), self.ids.clone());
        Self { priorities, ids, ids_below: self.ids_below }
    }
}

impl<P: Ord + Copy, const D: usize> Arrays<P, D> {
    /// Adds a covered id that is not in the heap. O(log n), O(1) on average for random input.
    #[inline(always)]
    pub(super) fn push(&mut self, id: u32, priority: P, positions: &mut Positions) {
        let at = self.len();
        self.append(id, priority, positions);
        self.hole(at, (id, priority), positions.tracked()).sift_up::<D>();
    }

    /// Takes out the element at a position of the heap. O(log n).
    #[inline(always)]
    pub(super) fn remove(&mut self, at: usize, positions: &mut Positions) -> (u32, P) {
        let removed = (self.ids[at], self.priorities[at]);
        positions.unset(removed.0);
        if let Some(last) = self.give_up_last()
            && at < self.len()
        {
            // The last element comes from another branch: it may belong above `at` or below.
            let mut hole = self.hole(at, last, positions.tracked());
            if at == 0 || !hole.sift_up::<D>() {
                hole.sift_down::<D>();
            }
        }
        removed
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
    ) -> (u32, P) {
        let removed = (self.ids[0], self.priorities[0]);
        positions.unset(removed.0);
        self.ids_below = self.ids_below.max(id as usize + 1);
        self.hole(0, (id, priority), positions.tracked()).sift_down::<D>();
        removed
    }

    /// Gives the element at a position of the heap a smaller priority and returns the old one.
    /// O(log n).
    #[inline]
    pub(super) fn decrease(
        &mut self,
        at: usize,
        priority: P,
        positions: &mut Positions,
    ) -> Result<P, KeyError> {
        let (id, old) = (self.ids[at], self.priorities[at]);
        if old <= priority {
            return Err(KeyError::NotSmaller);
        }
        self.hole(at, (id, priority), positions.tracked()).sift_up::<D>();
        Ok(old)
    }

    /// Gives the element at a position of the heap another priority and returns the old one.
    /// O(log n).
    pub(super) fn change(&mut self, at: usize, priority: P, positions: &mut Positions) -> P {
        let (id, old) = (self.ids[at], self.priorities[at]);
        let is_smaller = priority < old;
        let mut hole = self.hole(at, (id, priority), positions.tracked());
        if is_smaller {
            hole.sift_up::<D>();
        } else {
            hole.sift_down::<D>();
        }
        old
    }

    /// Panics if the order or a position is broken. O(n).
    pub(super) fn assert_invariants(&self, positions: &Positions) {
        assert_eq!(self.priorities.len(), self.ids.len(), "the arrays are parallel");
        assert_eq!(positions.count(), self.len(), "every position has its element");
        assert!(self.ids_below <= positions.covered(), "every id is covered");
        for (at, (id, priority)) in self.iter().enumerate() {
            assert!((id as usize) < self.ids_below, "id {id} is below the bound");
            assert_eq!(positions.get(id), Some(at), "the position of id {id}");
            if let Some(above) = at.checked_sub(1) {
                assert!(self.priorities[above / D] <= priority, "heap order at {at}");
            }
        }
    }
}
