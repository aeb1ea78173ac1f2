//! How an element finds its place: a moving hole, and a tournament among siblings.

#![allow(unsafe_code, reason = "no bounds are checked in the innermost loops: see DESIGN.md")]

use core::hint::select_unpredictable;

use crate::prefetch::prefetch;

/// From so many bytes of priorities and ids on (20,000 elements with `u64` priorities), a sift that
/// goes down asks for the grandchildren before it compares the children. A smaller heap lies in a
/// core's own caches, and asking costs more than it saves.
const PREFETCH_FROM_BYTES: usize = 240_000;

/// Grandchildren that take more bytes than this are not asked for: hardly any of them is needed.
const MOST_PREFETCHED_BYTES: usize = 1_024;

/// Priorities of more bytes are not carried along in a tournament, but compared where they are.
const MOST_CARRIED_BYTES: usize = 16;

/// Who is told where a moving element came to stand.
///
/// # Safety
///
/// `ids_below` tells the truth: `set` may be called for every id below it.
pub(super) unsafe trait Track {
    /// Ids below this one may be told of.
    fn ids_below(&self) -> usize;

    /// Notes the position of an id.
    ///
    /// # Safety
    ///
    /// The id is below `ids_below`.
    unsafe fn set(&mut self, id: u32, at: usize);
}

/// A table from id to position.
pub(super) struct Tracked<'a>(pub(super) &'a mut [u32]);

// SAFETY: a table has a place for every id below its length.
unsafe impl Track for Tracked<'_> {
    fn ids_below(&self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    unsafe fn set(&mut self, id: u32, at: usize) {
        // SAFETY: the caller's id is below the table's length.
        unsafe { *self.0.get_unchecked_mut(id as usize) = at as u32 };
    }
}

/// Nobody: for those who note all positions when the moving is over.
pub(super) struct Untracked;

// SAFETY: nothing is done for any id.
unsafe impl Track for Untracked {
    fn ids_below(&self) -> usize {
        usize::MAX
    }

    #[inline(always)]
    unsafe fn set(&mut self, _id: u32, _at: usize) {}
}

/// The place of a moving element, which is filled when the hole is dropped.
///
/// What stands in the element's way is pulled over the hole, and the element itself is written
/// once. A comparison may panic; the drop during unwinding then puts the element and its position
/// back where the hole stands, so that nothing is lost or doubled.
///
/// Invariants: `at < priorities.len() == ids.len()`, and `id` and all `ids` are below
/// `track.ids_below()`.
///
/// The sifts are inlined, so that a hole lives in registers; called, it would live on the stack.
pub(super) struct Hole<'a, P: Copy, T: Track> {
    priorities: &'a mut [P],
    ids: &'a mut [u32],
    track: T,
    at: usize,
    id: u32,
    priority: P,
}

impl<'a, P: Copy, T: Track> Hole<'a, P, T> {
    /// Opens the place `at` for an element; what was there is overwritten.
    ///
    /// # Safety
    ///
    /// `at < priorities.len() == ids.len()`, and the element's id and all of `ids` are below
    /// `track.ids_below()`.
    #[inline(always)]
    pub(super) unsafe fn new(
        priorities: &'a mut [P],
        ids: &'a mut [u32],
        track: T,
        at: usize,
        (id, priority): (u32, P),
    ) -> Self {
        debug_assert!(at < ids.len() && ids.len() == priorities.len());
        Self { priorities, ids, track, at, id, priority }
    }

    /// Moves the element at `from`, whose priority is given, into the hole, which is at `from`
    /// then.
    ///
    /// # Safety
    ///
    /// `from < priorities.len()`.
    #[inline(always)]
    unsafe fn pull(&mut self, from: usize, priority: P) {
        // SAFETY: `from` is inside by the caller's word, `at` and the id are by the invariants.
        unsafe {
            let id = *self.ids.get_unchecked(from);
            *self.priorities.get_unchecked_mut(self.at) = priority;
            *self.ids.get_unchecked_mut(self.at) = id;
            self.track.set(id, self.at);
        }
        self.at = from;
    }
}

impl<P: Ord + Copy, T: Track> Hole<'_, P, T> {
    /// Moves towards the root as far as the order asks for; tells whether it moved.
    #[inline(always)]
    pub(super) fn sift_up<const D: usize>(&mut self) -> bool {
        let start = self.at;
        while self.at > 0 {
            let parent = (self.at - 1) / D;
            // SAFETY: parent < at < priorities.len().
            let above = unsafe { *self.priorities.get_unchecked(parent) };
            if above <= self.priority {
                break;
            }
            // SAFETY: as before.
            unsafe { self.pull(parent, above) };
        }
        self.at != start
    }

    /// Moves towards the leaves as far as the order asks for.
    #[inline(always)]
    pub(super) fn sift_down<const D: usize>(&mut self) {
        let few_enough = D * D * size_of::<P>() <= MOST_PREFETCHED_BYTES;
        let bytes = self.ids.len().saturating_mul(size_of::<P>() + size_of::<u32>());
        if few_enough && bytes >= PREFETCH_FROM_BYTES {
            self.sift_down_with::<D, true>();
        } else {
            self.sift_down_with::<D, false>();
        }
    }

    #[inline(always)]
    fn sift_down_with<const D: usize, const PREFETCH: bool>(&mut self) {
        loop {
            // Positions fit into 32 bits and `D` into 8, so nothing overflows 64 bits.
            let first = D as u64 * self.at as u64 + 1;
            if PREFETCH {
                let grandchild = (D as u64 * first + 1) as usize;
                prefetch(self.priorities, grandchild, D * D);
                prefetch(self.ids, grandchild, D * D);
            }
            if first + D as u64 > self.priorities.len() as u64 {
                return self.sift_below_few::<D>(first);
            }
            let first = first as usize;
            // SAFETY: first + D <= priorities.len(), so all siblings are inside.
            let siblings = unsafe { &*self.priorities.as_ptr().add(first).cast::<[P; D]>() };
            let (offset, priority) = smallest(siblings);
            if self.priority <= priority {
                return;
            }
            // SAFETY: first + offset < first + D <= priorities.len().
            unsafe { self.pull(first + offset, priority) };
        }
    }

    /// The last step, to the last siblings, which are fewer than the arity or none.
    #[inline(always)]
    fn sift_below_few<const D: usize>(&mut self, first: u64) {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let Some(&(mut smallest)) = self.priorities.get(first) else {
            return;
        };
        let mut from = first;
        for offset in 1..D - 1 {
            let at = first + offset;
            match self.priorities.get(at) {
                Some(&priority) if priority < smallest => (from, smallest) = (at, priority),
                Some(_) => {}
                None => break,
            }
        }
        if smallest < self.priority {
            // SAFETY: there is a priority at `from`.
            unsafe { self.pull(from, smallest) };
        }
    }
}

impl<P: Copy, T: Track> Drop for Hole<'_, P, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: at < priorities.len() == ids.len(), and the id is below `track.ids_below()`.
        unsafe {
            *self.priorities.get_unchecked_mut(self.at) = self.priority;
            *self.ids.get_unchecked_mut(self.at) = self.id;
            self.track.set(self.id, self.at);
        }
    }
}

/// The smallest of a full group of siblings with its offset, which is below `D`.
///
/// A tournament of pairs, in which the winner's priority is carried along with its offset by
/// conditional moves: no round waits for a second load, or for a branch that nobody can predict.
///
/// Large priorities would be copied in every round: they are looked at one after the other.
#[inline(always)]
fn smallest<P: Ord + Copy, const D: usize>(siblings: &[P; D]) -> (usize, P) {
    if size_of::<P>() > MOST_CARRIED_BYTES {
        let mut best = 0;
        for offset in 1..D {
            if siblings[offset] < siblings[best] {
                best = offset;
            }
        }
        return (best, siblings[best]);
    }
    let mut players: [(usize, P); D] = core::array::from_fn(|offset| (offset, siblings[offset]));
    let mut playing = D;
    while playing > 1 {
        let winners = playing.div_ceil(2);
        for low in 0..playing / 2 {
            // Neighbours where all rounds are even, for the shorter code; else nobody is left over.
            let (left, right) =
                if D.is_power_of_two() { (2 * low, 2 * low + 1) } else { (low, winners + low) };
            let (left, right) = (players[left], players[right]);
            let wins = right.1 < left.1;
            let offset = select_unpredictable(wins, right.0, left.0);
            players[low] = (offset, select_unpredictable(wins, right.1, left.1));
        }
        playing = winners;
    }
    players[0]
}
