//! Where in a heap's arrays an id stands.

use alloc::vec::Vec;

/// A table from id to position. Absence is a position that no heap reaches.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    table: Vec<u32>,
}

/// Ids are below `u32::MAX`, so a heap has at most `u32::MAX` elements, and this position is free.
const ABSENT: u32 = u32::MAX;

impl Positions {
    pub(super) const fn new() -> Self {
        Self { table: Vec::new() }
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { table: Vec::with_capacity(capacity) }
    }

    /// The id's position, or `None` if it is not in the heap.
    pub(super) fn get(&self, id: u32) -> Option<usize> {
        let position = *self.table.get(id as usize)?;
        (position != ABSENT).then_some(position as usize)
    }

    /// Makes room for `id`, which is absent at first.
    pub(super) fn cover(&mut self, id: u32) {
        if id as usize >= self.table.len() {
            self.table.resize(id as usize + 1, ABSENT);
        }
    }

    /// The positions of all covered ids, for those who move elements. None is larger than the
    /// number of ids, so none is taken for absence.
    pub(super) fn as_mut_slice(&mut self) -> &mut [u32] {
        &mut self.table
    }

    /// Notes that a covered id has left the heap.
    pub(super) fn unset(&mut self, id: u32) {
        self.table[id as usize] = ABSENT;
    }

    /// How many ids are present. O(ids); for checks.
    pub(super) fn count(&self) -> usize {
        self.table.iter().filter(|&&position| position != ABSENT).count()
    }
}
