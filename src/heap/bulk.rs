//! What a heap does with many elements at once.

use alloc::vec::Vec;

use super::arrays::Arrays;
use super::positions::Positions;
use super::sift::Untracked;

/// So many elements are made room for on the word of an iterator alone.
pub(super) const BELIEVED: usize = 1 << 20;

/// A heap whose first elements are in order and whose others may not be: the order is restored
/// when this is dropped, also while a panic of somebody else's code unwinds.
pub(super) struct Unordered<'a, P: Ord + Copy, const D: usize> {
    pub(super) arrays: &'a mut Arrays<P, D>,
    pub(super) positions: &'a mut Positions,
    /// So many of the first elements are a heap.
    pub(super) ordered: usize,
}

impl<P: Ord + Copy, const D: usize> Drop for Unordered<'_, P, D> {
    fn drop(&mut self) {
        let len = self.arrays.len();
        let added = len - self.ordered.min(len);
        // A rebuild compares each element about once; one that is sifted up alone compares once
        // for every level at worst, and hardly twice at best.
        let levels = (len.max(1).ilog2() / D.ilog2()) as usize + 1;
        if added > len / levels * 2 {
            self.arrays.rebuild(self.positions);
        } else {
            for at in self.ordered..len {
                self.arrays.sift_up(at, self.positions.tracked());
            }
        }
    }
}

/// Elements that were moved without notice: their positions are noted when this is dropped.
struct Moved<'a, P: Copy, const D: usize> {
    arrays: &'a mut Arrays<P, D>,
    positions: &'a mut Positions,
}

impl<P: Copy, const D: usize> Drop for Moved<'_, P, D> {
    fn drop(&mut self) {
        self.arrays.note_positions(self.positions);
    }
}

impl<P: Ord + Copy, const D: usize> Arrays<P, D> {
    /// Brings all elements into heap order, whatever their order is. O(n).
    ///
    /// Every position is written once, at the end. Source: R. W. Floyd, Algorithm 245: Treesort
    /// 3, 1964.
    pub(super) fn rebuild(&mut self, positions: &mut Positions) {
        let moved = Moved { arrays: self, positions };
        // The last element's parent is the last that has children.
        let parents = (moved.arrays.len() + D - 2) / D;
        for at in (0..parents).rev() {
            moved.arrays.sift_down(at, Untracked);
        }
    }

    /// Keeps the elements that `keep` wants; `removed` is told of each other one as soon as it
    /// has left. O(n).
    pub(super) fn retain(
        &mut self,
        positions: &mut Positions,
        mut keep: impl FnMut(u32, P) -> bool,
        mut removed: impl FnMut(u32),
    ) {
        let mut at = self.len();
        let mut unordered = Unordered { ordered: at, arrays: self, positions };
        // From the end on, so that what fills a gap has been looked at.
        while let Some(before) = at.checked_sub(1) {
            at = before;
            let Some((id, priority)) = unordered.arrays.get(at) else {
                break;
            };
            if !keep(id, priority) {
                unordered.arrays.swap_out(at, unordered.positions);
                unordered.ordered = unordered.ordered.min(at);
                removed(id);
            }
        }
    }

    /// All elements in the order of their priorities. O(n log n).
    pub(super) fn sorted(&self) -> Vec<(P, u32)> {
        let mut elements: Vec<(P, u32)> =
            self.iter().map(|(id, priority)| (priority, id)).collect();
        elements.sort_unstable_by_key(|&(priority, _)| priority);
        elements
    }
}
