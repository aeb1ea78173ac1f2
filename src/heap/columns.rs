//! Priorities and ids side by side, and the way into the sifts.

#![allow(
    unsafe_code,
    reason = "values in raw memory, and the entrance to the sifts: see DESIGN.md"
)]

use alloc::collections::TryReserveError;
use core::{fmt, slice};

use super::lines::Lines;
use super::sift::{Hole, Notes, Track};

/// A growing array of (id, priority), whose two columns lie apart.
///
/// Invariants: the first `len` places of both columns are initialised; `len <= capacity`, which
/// both columns have; where the capacity isn't zero, `D` places behind it may be written too; every
/// id is below `ids_below`.
pub(super) struct Columns<P, const D: usize> {
    priorities: Lines<P, D>,
    ids: Lines<u32, D>,
    len: usize,
    capacity: usize,
    ids_below: usize,
}

impl<P, const D: usize> Columns<P, D> {
    pub(super) const fn new() -> Self {
        Self { priorities: Lines::new(), ids: Lines::new(), len: 0, capacity: 0, ids_below: 0 }
    }

    #[inline(always)]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// All ids are below this one.
    pub(super) const fn ids_below(&self) -> usize {
        self.ids_below
    }

    #[inline(always)]
    pub(super) const fn ids(&self) -> &[u32] {
        // SAFETY: the first `len` places are initialised and inside of the memory; without any
        // memory `len` is zero.
        unsafe { slice::from_raw_parts(self.ids.start(), self.len) }
    }

    #[inline(always)]
    pub(super) const fn priorities(&self) -> &[P] {
        // SAFETY: as in `ids`; values without a size need no memory.
        unsafe { slice::from_raw_parts(self.priorities.start(), self.len) }
    }

    pub(super) fn reserve(&mut self, additional: usize) {
        let needed = self.len.saturating_add(additional);
        self.priorities.reserve(needed);
        self.ids.reserve(needed);
        self.note_capacity();
    }

    pub(super) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        let needed = self.len.saturating_add(additional);
        let reserved = self.priorities.try_reserve(needed);
        let reserved = reserved.and_then(|()| self.ids.try_reserve(needed));
        self.note_capacity();
        reserved
    }

    /// Gives memory back down to room for so many elements, or for those that are held, and looks
    /// how far the ids reach. O(n).
    pub(super) fn shrink_to(&mut self, capacity: usize) {
        let kept = capacity.min(self.capacity).max(self.len);
        // If this unwinds halfway, there is room for the elements at least.
        self.capacity = self.len;
        self.priorities.shrink_to(kept);
        self.ids.shrink_to(kept);
        self.note_capacity();
        self.ids_below = self.ids().iter().max().map_or(0, |&largest| largest as usize + 1);
    }

    pub(super) const fn clear(&mut self) {
        // Priorities are `Copy` wherever there are any, so that nothing has to be dropped.
        (self.len, self.ids_below) = (0, 0);
    }

    #[cold]
    fn grow(&mut self) {
        self.reserve(1);
    }

    fn note_capacity(&mut self) {
        self.capacity = self.priorities.capacity().min(self.ids.capacity());
    }
}

impl<P: Copy, const D: usize> Columns<P, D> {
    /// Adds an element at the end. Amortised O(1).
    #[inline(always)]
    pub(super) fn push(&mut self, id: u32, priority: P) {
        if self.len == self.capacity {
            self.grow();
        }
        // SAFETY: `len < capacity`, so both places are inside of the memory and aligned.
        unsafe {
            self.priorities.start().wrapping_add(self.len).write(priority);
            self.ids.start().wrapping_add(self.len).write(id);
        }
        self.len += 1;
        self.ids_below = self.ids_below.max(id as usize + 1);
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<(u32, P)> {
        let last = self.len.checked_sub(1)?;
        let element = self.get(last);
        self.len = last;
        element
    }

    #[inline(always)]
    pub(super) fn get(&self, at: usize) -> Option<(u32, P)> {
        Some((*self.ids().get(at)?, *self.priorities().get(at)?))
    }

    /// Puts an element at a place that there is.
    pub(super) fn set(&mut self, at: usize, id: u32, priority: P) {
        self.ids_below = self.ids_below.max(id as usize + 1);
        let (ids, priorities) = self.columns_mut();
        ids[at] = id;
        priorities[at] = priority;
    }

    /// Whether an element with this id can be pushed at once.
    #[inline(always)]
    fn takes(&self, id: u32, tracked: usize) -> bool {
        self.len < self.capacity && self.ids_below == tracked && (id as usize) < tracked
    }

    /// Makes room for one element more, whose id is tracked, so that it can be pushed.
    #[cold]
    #[inline(never)]
    pub(super) fn prepare_push(&mut self, id: u32, tracked: usize) {
        let below = self.ids_below.max(id as usize + 1);
        assert!(below <= tracked, "every id is tracked");
        if self.len == self.capacity {
            self.reserve(1);
        }
        self.ids_below = tracked;
    }

    /// Adds an element at the end and moves it towards the root as far as the order asks for, if
    /// there is room for it; tells whether there was.
    #[inline(always)]
    pub(super) fn push_up<T: Track>(&mut self, id: u32, priority: P, track: T) -> bool
    where
        P: Ord,
    {
        let takes = self.takes(id, track.ids_below());
        if takes {
            let at = self.len;
            self.len += 1;
            // SAFETY: at < len, there is room for it, and the id is below `tracked`, which is
            // `ids_below`; the place isn't initialised, but the hole sifts up and is gone.
            unsafe { self.hole(at, id, priority, track) }.sift_up();
        }
        takes
    }

    /// Moves the last element into a hole at `at`; `None` if it was there, and is gone now.
    ///
    /// What was there is overwritten.
    #[inline(always)]
    pub(super) fn fill_from_end<T: Track>(
        &mut self,
        at: usize,
        track: T,
    ) -> Option<Hole<'_, P, T::Notes, D>> {
        let (id, priority) = self.pop()?;
        // SAFETY: at < len, so the place is initialised, and the id was a column's.
        (at < self.len).then(|| unsafe { self.hole(at, id, priority, track) })
    }

    /// Takes out the first element and lets the last one sink from its place. O(log n).
    #[inline(always)]
    pub(super) fn pop_first<T: Track>(&mut self, track: T) -> Option<(u32, P)>
    where
        P: Ord,
    {
        let removed = self.get(0);
        if removed.is_some() {
            self.drop_first(track);
        }
        removed
    }

    /// Out of line and without a result, so that its caller is small enough to be inlined and has
    /// the element in registers.
    #[inline(never)]
    fn drop_first<T: Track>(&mut self, track: T)
    where
        P: Ord,
    {
        assert!(self.len > 0 && self.ids_below <= track.ids_below(), "every id is tracked");
        let columns @ (ids, priorities) = (self.ids.start(), self.priorities.start());
        let notes = track.notes();
        self.len -= 1;
        // SAFETY: there were `len + 1` elements, so places 0 and `len` are initialised; the ids are
        // below `ids_below`, which is within the bounds of `track`; the columns are this value's
        // own, with `D` places to spare, since a capacity with elements isn't zero.
        unsafe {
            notes.unset(*ids);
            if self.len > 0 {
                let last = (*ids.add(self.len), *priorities.add(self.len));
                Hole::<P, _, D>::new(columns, self.len, notes, 0, last).sift_down();
            }
        }
    }

    /// A hole at a place that there is, for its element with another priority.
    #[inline(always)]
    pub(super) fn change_in_hole<T: Track>(
        &mut self,
        at: usize,
        priority: P,
        track: T,
    ) -> Hole<'_, P, T::Notes, D> {
        let id = self.ids()[at];
        // SAFETY: the element is there, so at < len, and the id is a column's.
        unsafe { self.hole(at, id, priority, track) }
    }

    /// A hole at `at` for an element.
    ///
    /// # Safety
    ///
    /// `at < len <= capacity` and `id < ids_below`. All places below `len` are initialised, except
    /// perhaps that at `at`; if it isn't, nothing but `sift_up` is called on the hole.
    #[inline(always)]
    unsafe fn hole<T: Track>(
        &mut self,
        at: usize,
        id: u32,
        priority: P,
        track: T,
    ) -> Hole<'_, P, T::Notes, D> {
        debug_assert!(at < self.len && (id as usize) < self.ids_below);
        assert!(self.ids_below <= track.ids_below(), "every id is tracked");
        let (columns, len) = ((self.ids.start(), self.priorities.start()), self.len);
        // SAFETY: the columns are of one length, and `at` is below it by the caller's word, with
        // `D` places to spare; this id, by the caller's word, and every other one is below
        // `ids_below`, which is within the bounds of `track`; what isn't initialised is the
        // caller's to mind.
        unsafe { Hole::new(columns, len, track.notes(), at, (id, priority)) }
    }

    #[inline(always)]
    const fn columns_mut(&mut self) -> (&mut [u32], &mut [P]) {
        // SAFETY: as in `ids` and `priorities`; the two columns are memory of their own, and both
        // are borrowed mutably.
        unsafe {
            (
                slice::from_raw_parts_mut(self.ids.start(), self.len),
                slice::from_raw_parts_mut(self.priorities.start(), self.len),
            )
        }
    }
}

impl<P: Copy, const D: usize> Clone for Columns<P, D> {
    /// The same elements with room for hardly more.
    fn clone(&self) -> Self {
        let (priorities, ids) = (self.priorities.copy(self.len), self.ids.copy(self.len));
        let mut clone = Self { priorities, ids, ..*self };
        clone.note_capacity();
        clone
    }
}

impl<P: fmt::Debug, const D: usize> fmt::Debug for Columns<P, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.ids().iter().zip(self.priorities())).finish()
    }
}
