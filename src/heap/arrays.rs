//! The heap proper: priorities and ids in two arrays, and the sifts that keep them in order.
//!
//! The position table is a parameter of everything that moves an element, so that its owner
//! decides whose ids it holds. An element moves as a *hole*: what stands in its way is pulled
//! over it, and the element itself is written once, at the end.

use alloc::vec::Vec;

use super::KeyError;
use super::positions::Positions;

/// A d-ary min-heap of (priority, id): the children of `p` stand at `D * p + 1 ..= D * p + D`.
#[derive(Clone, Debug)]
pub(super) struct Arrays<P, const D: usize> {
    priorities: Vec<P>,
    /// Parallel to `priorities`.
    ids: Vec<u32>,
}

impl<P, const D: usize> Arrays<P, D> {
    pub(super) const fn new() -> Self {
        const { assert!(D >= 2, "a heap's arity is at least 2") };
        Self { priorities: Vec::new(), ids: Vec::new() }
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        const { assert!(D >= 2, "a heap's arity is at least 2") };
        Self { priorities: Vec::with_capacity(capacity), ids: Vec::with_capacity(capacity) }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.priorities.capacity().min(self.ids.capacity())
    }

    /// Forgets all elements; costs O(n) for their positions.
    pub(super) fn clear(&mut self, positions: &mut Positions) {
        for &id in &self.ids {
            positions.unset(id);
        }
        self.priorities.clear();
        self.ids.clear();
    }
}

impl<P: Copy, const D: usize> Arrays<P, D> {
    /// The element at a position, if the heap reaches so far.
    pub(super) fn get(&self, at: usize) -> Option<(u32, P)> {
        Some((*self.ids.get(at)?, *self.priorities.get(at)?))
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (u32, P)> {
        self.ids.iter().copied().zip(self.priorities.iter().copied())
    }
}

impl<P: Ord + Copy, const D: usize> Arrays<P, D> {
    /// Adds a covered id that is not in the heap. O(log n), O(1) on average for random input.
    pub(super) fn push(&mut self, id: u32, priority: P, positions: &mut Positions) {
        let at = self.len();
        self.priorities.push(priority);
        self.ids.push(id);
        self.hole(at, id, priority, positions).sift_up::<D>();
    }

    /// Takes out the element at a position of the heap. O(log n).
    pub(super) fn remove(&mut self, at: usize, positions: &mut Positions) -> (u32, P) {
        let removed = (self.ids[at], self.priorities[at]);
        positions.unset(removed.0);
        if let (Some(id), Some(priority)) = (self.ids.pop(), self.priorities.pop())
            && at < self.len()
        {
            // The last element comes from another branch: it may belong above `at` or below.
            let mut hole = self.hole(at, id, priority, positions);
            if at == 0 || !hole.sift_up::<D>() {
                hole.sift_down::<D>();
            }
        }
        removed
    }

    /// Gives the element at a position of the heap a smaller priority and returns the old one.
    /// O(log n).
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
        self.hole(at, id, priority, positions).sift_up::<D>();
        Ok(old)
    }

    /// Gives the element at a position of the heap another priority and returns the old one.
    /// O(log n).
    pub(super) fn change(&mut self, at: usize, priority: P, positions: &mut Positions) -> P {
        let (id, old) = (self.ids[at], self.priorities[at]);
        let is_smaller = priority < old;
        let mut hole = self.hole(at, id, priority, positions);
        if is_smaller {
            hole.sift_up::<D>();
        } else {
            hole.sift_down::<D>();
        }
        old
    }

    #[inline(always)]
    fn hole<'a>(
        &'a mut self,
        at: usize,
        id: u32,
        priority: P,
        positions: &'a mut Positions,
    ) -> Hole<'a, P> {
        let positions = positions.as_mut_slice();
        Hole { priorities: &mut self.priorities, ids: &mut self.ids, positions, at, id, priority }
    }

    /// Panics if the order or a position is broken. O(n).
    pub(super) fn assert_invariants(&self, positions: &Positions) {
        assert_eq!(self.priorities.len(), self.ids.len(), "the arrays are parallel");
        assert_eq!(positions.count(), self.len(), "every position has its element");
        for (at, (id, priority)) in self.iter().enumerate() {
            assert_eq!(positions.get(id), Some(at), "the position of id {id}");
            if let Some(above) = at.checked_sub(1) {
                assert!(self.priorities[above / D] <= priority, "heap order at {at}");
            }
        }
    }
}

/// The place of a moving element, which is filled when the hole is dropped.
///
/// A comparison may panic; the drop during unwinding then puts the element and its position back
/// where the hole stands, so that nothing is lost or doubled.
///
/// The sifts are inlined, so that a hole lives in registers; called, it would live on the stack.
struct Hole<'a, P: Copy> {
    priorities: &'a mut [P],
    ids: &'a mut [u32],
    positions: &'a mut [u32],
    at: usize,
    id: u32,
    priority: P,
}

impl<P: Copy> Hole<'_, P> {
    /// Moves the element at `from` into the hole, which is at `from` then.
    #[inline(always)]
    fn pull(&mut self, from: usize) {
        let id = self.ids[from];
        self.priorities[self.at] = self.priorities[from];
        self.ids[self.at] = id;
        self.positions[id as usize] = self.at as u32;
        self.at = from;
    }
}

impl<P: Ord + Copy> Hole<'_, P> {
    /// Moves towards the root as far as the order asks for; tells whether it moved.
    #[inline(always)]
    fn sift_up<const D: usize>(&mut self) -> bool {
        let start = self.at;
        while self.at > 0 {
            let parent = (self.at - 1) / D;
            if self.priorities[parent] <= self.priority {
                break;
            }
            self.pull(parent);
        }
        self.at != start
    }

    /// Moves towards the leaves as far as the order asks for.
    #[inline(always)]
    fn sift_down<const D: usize>(&mut self) {
        loop {
            let first = D * self.at + 1;
            let Some(siblings) = self.priorities.get(first..) else {
                break;
            };
            let (offset, priority) = match siblings.first_chunk::<D>() {
                Some(full) => smallest(full),
                None => match smallest_of_few(siblings) {
                    Some(few) => few,
                    None => break,
                },
            };
            if self.priority <= priority {
                break;
            }
            self.pull(first + offset);
        }
    }
}

impl<P: Copy> Drop for Hole<'_, P> {
    fn drop(&mut self) {
        self.priorities[self.at] = self.priority;
        self.ids[self.at] = self.id;
        self.positions[self.id as usize] = self.at as u32;
    }
}

/// The smallest of a full group of siblings with its offset.
///
/// A tournament of pairs, in which the winner's priority is carried along with its offset: the
/// compiler makes conditional moves of it, and no round waits for a second load.
fn smallest<P: Ord + Copy, const D: usize>(siblings: &[P; D]) -> (usize, P) {
    let mut players: [(usize, P); D] = core::array::from_fn(|offset| (offset, siblings[offset]));
    let mut playing = D;
    while playing > 1 {
        let winners = playing.div_ceil(2);
        for low in 0..playing / 2 {
            let high = winners + low;
            let wins = players[high].1 < players[low].1;
            players[low] = if wins { players[high] } else { players[low] };
        }
        playing = winners;
    }
    players[0]
}

/// The smallest of the last siblings, which may be fewer than the arity or none.
fn smallest_of_few<P: Ord + Copy>(siblings: &[P]) -> Option<(usize, P)> {
    siblings.iter().copied().enumerate().min_by(|left, right| left.1.cmp(&right.1))
}
