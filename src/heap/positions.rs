//! Where in a heap's arrays an id stands.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::sift::{ABSENT, Tracked};

/// A table from id to position. Absence is a position that no heap reaches.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    table: Vec<u32>,
}

/// The table grows by so many ids at once where it has the memory: pushes of one new id after the
/// other hardly meet its end.
const COVERED_AT_ONCE: usize = 64;

impl Positions {
    pub(super) const fn new() -> Self {
        Self { table: Vec::new() }
    }

    /// The id's position, or `None` if it is not in the heap.
    #[inline]
    pub(super) fn get(&self, id: u32) -> Option<usize> {
        let position = *self.table.get(id as usize)?;
        (position != ABSENT).then_some(position as usize)
    }

    /// Whether the id has a place in the table and is not in the heap.
    #[inline]
    pub(super) fn is_free(&self, id: u32) -> bool {
        self.table.get(id as usize) == Some(&ABSENT)
    }

    /// Ids below this one have a place in the table.
    #[inline]
    pub(super) fn covered(&self) -> usize {
        self.table.len()
    }

    /// Makes room for `id`, which is absent at first. The table doubles, but never beyond `bound`,
    /// which is larger than the id.
    #[inline]
    pub(super) fn cover(&mut self, id: u32, bound: u32) {
        if id as usize >= self.table.len() {
            self.grow(id as usize + 1, bound as usize);
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize, bound: usize) {
        if needed > self.table.capacity() {
            let doubled = self.table.capacity().saturating_mul(2).min(bound);
            self.table.reserve_exact(doubled.max(needed) - self.table.len());
        }
        let covered =
            needed.next_multiple_of(COVERED_AT_ONCE).min(self.table.capacity()).min(bound);
        self.table.resize(covered.max(needed), ABSENT);
    }

    /// Makes room for all ids below `bound`, unless there is no memory for it.
    pub(super) fn try_cover(&mut self, bound: u32) -> Result<(), TryReserveError> {
        let missing = (bound as usize).saturating_sub(self.table.len());
        self.table.try_reserve_exact(missing)?;
        self.table.resize(self.table.len() + missing, ABSENT);
        Ok(())
    }

    /// How many ids the table has room for.
    pub(super) fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// Makes room for so many ids, without covering them; aborts where there is no memory.
    pub(super) fn reserve(&mut self, ids: usize) {
        self.table.reserve(ids.saturating_sub(self.table.len()));
    }

    /// Makes room for so many ids, without covering them.
    pub(super) fn try_reserve(&mut self, ids: usize) -> Result<(), TryReserveError> {
        self.table.try_reserve(ids.saturating_sub(self.table.len()))
    }

    /// Gives back the memory of ids from `bound` on, all of which are absent, down to `capacity`.
    pub(super) fn shrink_to(&mut self, bound: usize, capacity: usize) {
        self.table.truncate(bound);
        self.table.shrink_to(capacity);
    }

    /// For those who move elements. No position is larger than the number of ids, so none is
    /// taken for absence.
    #[inline(always)]
    pub(super) fn tracked(&mut self) -> Tracked<'_> {
        Tracked(&mut self.table)
    }

    /// Notes the position of a covered id.
    #[inline(always)]
    pub(super) fn set(&mut self, id: u32, at: usize) {
        self.table[id as usize] = at as u32;
    }

    /// Notes that a covered id has left the heap.
    #[inline(always)]
    pub(super) fn unset(&mut self, id: u32) {
        self.table[id as usize] = ABSENT;
    }

    /// How many ids are present. O(ids); for checks.
    pub(super) fn count(&self) -> usize {
        self.table.iter().filter(|&&position| position != ABSENT).count()
    }
}
