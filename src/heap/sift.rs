//! How an element finds its place: a moving hole, and a tournament among siblings.

#![allow(unsafe_code, reason = "no bounds are checked in the innermost loops: see DESIGN.md")]

use core::hint::select_unpredictable;
use core::marker::PhantomData;
use core::slice;

use crate::prefetch::prefetch;

/// Grandchildren that take no more bytes than this are asked for by every sift that goes down,
/// before it compares the children: two lines of priorities at most, and their ids (one line of
/// these for `u64` at arity 4).
const ALWAYS_PREFETCHED_BYTES: usize = 128;

/// More of them are asked for from so many bytes of priorities and ids on (20,000 elements with
/// `u64` priorities). A smaller heap lies in a core's own caches.
const PREFETCH_FROM_BYTES: usize = 240_000;

/// Grandchildren that take more bytes than this are not asked for: hardly any of them is needed.
const MOST_PREFETCHED_BYTES: usize = 1_024;

/// Priorities of more bytes are not carried along in a tournament, but compared where they are.
const MOST_CARRIED_BYTES: usize = 16;

/// Where a priority takes more bytes, a heap that lies in a core's own caches is slower without
/// branches: to compare and move one costs as much as a misprediction then.
const MOST_SUNK_BYTES: usize = 8;

/// With a larger arity, a step costs more than a branch that is predicted wrongly.
const MOST_SUNK_ARITY: usize = 8;

/// The position of an id that is not in the heap. Ids are below `u32::MAX`, so a heap has at most
/// `u32::MAX` elements, and this position is free.
pub(super) const ABSENT: u32 = u32::MAX;

/// Who is told where a moving element came to stand.
///
/// # Safety
///
/// `ids_below` tells the truth: the notes may be set for every id below it.
pub(super) unsafe trait Track {
    type Notes: Notes;

    /// Ids below this one may be told of.
    fn ids_below(&self) -> usize;

    /// What the sifts write to, without the bound.
    fn notes(self) -> Self::Notes;
}

/// The unchecked half of `Track`: where positions are written.
pub(super) trait Notes {
    /// Notes the position of an id.
    ///
    /// # Safety
    ///
    /// The id is below the `ids_below` of the one whose notes these are.
    unsafe fn set(&self, id: u32, at: usize);

    /// Notes that an id has left.
    ///
    /// # Safety
    ///
    /// As for `set`.
    unsafe fn unset(&self, id: u32);
}

/// A table from id to position.
pub(super) struct Tracked<'a>(pub(super) &'a mut [u32]);

/// Where a table from id to position starts, which is borrowed as long.
pub(super) struct Table<'a> {
    start: *mut u32,
    table: PhantomData<&'a mut [u32]>,
}

// SAFETY: a table has a place for every id below its length.
unsafe impl<'a> Track for Tracked<'a> {
    type Notes = Table<'a>;

    #[inline(always)]
    fn ids_below(&self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn notes(self) -> Table<'a> {
        Table { start: self.0.as_mut_ptr(), table: PhantomData }
    }
}

impl Notes for Table<'_> {
    #[inline(always)]
    unsafe fn set(&self, id: u32, at: usize) {
        // SAFETY: the caller's id is below the table's length.
        unsafe { *self.start.add(id as usize) = at as u32 };
    }

    #[inline(always)]
    unsafe fn unset(&self, id: u32) {
        // SAFETY: as in `set`.
        unsafe { *self.start.add(id as usize) = ABSENT };
    }
}

/// Nobody: for those who note all positions when the moving is over.
pub(super) struct Untracked;

// SAFETY: nothing is done for any id.
unsafe impl Track for Untracked {
    type Notes = Self;

    fn ids_below(&self) -> usize {
        usize::MAX
    }

    fn notes(self) -> Self {
        self
    }
}

impl Notes for Untracked {
    #[inline(always)]
    unsafe fn set(&self, _id: u32, _at: usize) {}

    #[inline(always)]
    unsafe fn unset(&self, _id: u32) {}
}

/// The place of a moving element, which is filled when the hole is dropped.
///
/// What stands in the element's way is pulled over the hole, and the element itself is written
/// once. A comparison may panic; the drop during unwinding then puts the element and its position
/// back where the hole stands, so that nothing is lost or doubled.
///
/// Invariants: `at < len`; the first `len` places of both columns are initialised, except perhaps
/// that at `at` in a push's hole, which only sifts up: whoever opens one lets nobody else have it;
/// `D` places of the priorities behind them may be written; `id` and all ids of the column may be
/// noted.
///
/// The sifts are inlined, so that a hole lives in registers; called, it would live on the stack.
pub(super) struct Hole<'a, P: Copy, N: Notes, const D: usize> {
    priorities: *mut P,
    ids: *mut u32,
    len: usize,
    notes: N,
    at: usize,
    id: u32,
    priority: P,
    columns: PhantomData<&'a mut P>,
}

impl<P: Copy, N: Notes, const D: usize> Hole<'_, P, N, D> {
    /// Opens the place `at` for an element; what was there is overwritten.
    ///
    /// # Safety
    ///
    /// The invariants hold, and nobody else uses the columns or the notes as long as the hole
    /// lives. If the place `at` isn't initialised, nothing but `sift_up` is called.
    #[inline(always)]
    pub(super) unsafe fn new(
        (ids, priorities): (*mut u32, *mut P),
        len: usize,
        notes: N,
        at: usize,
        (id, priority): (u32, P),
    ) -> Self {
        debug_assert!(at < len);
        Self { priorities, ids, len, notes, at, id, priority, columns: PhantomData }
    }

    /// Moves the element at `from`, whose priority is given, into the hole, which is at `from`
    /// then.
    ///
    /// # Safety
    ///
    /// `from < len`, and `from` is not the hole's own place.
    #[inline(always)]
    unsafe fn pull(&mut self, from: usize, priority: P) {
        // SAFETY: `from` is inside by the caller's word, and initialised, since `at` alone may not
        // be; `at` and the id are inside by the invariants.
        unsafe {
            let id = *self.ids.add(from);
            *self.priorities.add(self.at) = priority;
            *self.ids.add(self.at) = id;
            self.notes.set(id, self.at);
        }
        self.at = from;
    }
}

impl<P: Ord + Copy, N: Notes, const D: usize> Hole<'_, P, N, D> {
    /// Moves towards the root as far as the order asks for; tells whether it moved.
    #[inline(always)]
    pub(super) fn sift_up(&mut self) -> bool {
        let start = self.at;
        while self.at > 0 {
            let parent = (self.at - 1) / D;
            // SAFETY: parent < at < len.
            let above = unsafe { *self.priorities.add(parent) };
            if above <= self.priority {
                break;
            }
            // SAFETY: as before.
            unsafe { self.pull(parent, above) };
        }
        self.at != start
    }

    /// Moves towards the leaves as far as the order asks for, which is likely to be far.
    #[inline(always)]
    pub(super) fn sift_down(&mut self) {
        let is_long = size_of::<P>() > MOST_SUNK_BYTES && self.bytes() < PREFETCH_FROM_BYTES;
        if size_of::<P>() > MOST_CARRIED_BYTES || D > MOST_SUNK_ARITY || is_long {
            self.settle();
        } else {
            self.sink();
        }
    }

    /// What all priorities and ids take.
    #[inline(always)]
    fn bytes(&self) -> usize {
        self.len.saturating_mul(size_of::<P>() + size_of::<u32>())
    }

    /// Whether a sift that goes down asks for the grandchildren.
    #[inline(always)]
    fn prefetches(&self) -> bool {
        let grandchildren = D * D * size_of::<P>();
        grandchildren <= ALWAYS_PREFETCHED_BYTES
            || grandchildren <= MOST_PREFETCHED_BYTES && self.bytes() >= PREFETCH_FROM_BYTES
    }

    /// Sifts down an element that comes from far below: it stops where nobody can predict, but
    /// hardly ever before the last two levels. Those have no branches; in front of them stand a
    /// predictable early stop, and a number of levels that `at` and `len` alone decide.
    #[inline(always)]
    fn sink(&mut self) {
        // Behind the last element stand `D` copies of the moving one's priority. A copy is never
        // smaller than the moving element, unless the order contradicts itself, so that groups that
        // are incomplete or missing need no branch of their own.
        for offset in 0..D {
            // SAFETY: so many places behind the last one may be written.
            unsafe { self.priorities.add(self.len + offset).write(self.priority) };
        }
        // Positions fit into 32 bits and `D` into 8, so nothing overflows 64 bits.
        let (arity, len) = (D as u64, self.len as u64);
        let mut first = arity * self.at as u64 + 1;
        // The last place, whether it exists or not, on the way's level.
        let mut last = arity * self.at as u64 + arity;
        while last < len {
            let below = arity * first + 1;
            if self.prefetches() {
                let grandchild = below.min(len) as usize;
                prefetch(self.priorities, grandchild, D * D);
                prefetch(self.ids, grandchild, D * D);
            }
            // SAFETY: first + D - 1 <= last < len, and this isn't a push's hole, so all places
            // below `len` are initialised.
            let siblings = unsafe { &*self.priorities.add(first as usize).cast::<[P; D]>() };
            // The way to the next siblings is what everything waits for. Counted in places there,
            // an offset has to be added to them and nothing else; the place itself can wait.
            let (skipped, least) = smallest(siblings, |offset| D * offset);
            last = arity * last + arity;
            if last >= len {
                let from = ((below + skipped as u64) / arity) as usize;
                // SAFETY: from = first + offset, which is below len as above; `at` is initialised.
                unsafe { self.pull_if(least < self.priority, from, least) };
                break;
            }
            if self.priority <= least {
                return;
            }
            first = below + skipped as u64;
            // SAFETY: first / D = the former first + offset, which is below len as above.
            unsafe { self.pull((first / arity) as usize, least) };
        }
        let first = (arity * self.at as u64 + 1).min(len) as usize;
        // SAFETY: first <= len; the `D` places from len on were written above, and this isn't a
        // push's hole, so all places below `len` are initialised.
        let siblings = unsafe { &*self.priorities.add(first).cast::<[P; D]>() };
        let (offset, least) = smallest(siblings, |offset| offset);
        // An order that contradicts itself may let a place behind the last one win.
        let goes = (least < self.priority) & (first + offset < self.len);
        // SAFETY: it goes only where first + offset < len; `at` is initialised as above.
        unsafe { self.pull_if(goes, first + offset, least) };
    }

    /// As `pull`, if `goes`; else the hole stays. Without a branch.
    ///
    /// # Safety
    ///
    /// `from < len` if `goes`; the place `at` is initialised.
    #[inline(always)]
    unsafe fn pull_if(&mut self, goes: bool, from: usize, priority: P) {
        let to = select_unpredictable(goes, from, self.at);
        // SAFETY: to < len by the caller's word or the invariants, which say so of `at` too; the
        // place `to` is initialised, by the caller's word if it is `at`; both ids may be noted.
        unsafe {
            let id = select_unpredictable(goes, *self.ids.add(to), self.id);
            *self.priorities.add(self.at) = select_unpredictable(goes, priority, self.priority);
            *self.ids.add(self.at) = id;
            self.notes.set(id, self.at);
        }
        self.at = to;
    }

    /// Sifts down an element that is as likely to stop soon.
    #[inline(always)]
    pub(super) fn settle(&mut self) {
        loop {
            let first = D as u64 * self.at as u64 + 1;
            if self.prefetches() {
                let grandchild = (D as u64 * first + 1).min(self.len as u64) as usize;
                prefetch(self.priorities, grandchild, D * D);
                prefetch(self.ids, grandchild, D * D);
            }
            if first + D as u64 > self.len as u64 {
                return self.settle_below_few(first);
            }
            let first = first as usize;
            // SAFETY: first + D <= len, so all siblings are inside; this isn't a push's hole, so
            // all of them are initialised.
            let siblings = unsafe { &*self.priorities.add(first).cast::<[P; D]>() };
            let (offset, priority) = smallest(siblings, |offset| offset);
            if self.priority <= priority {
                return;
            }
            // SAFETY: first + offset < first + D <= len.
            unsafe { self.pull(first + offset, priority) };
        }
    }

    /// The last step, to the last siblings, which are fewer than the arity or none.
    #[inline(always)]
    fn settle_below_few(&mut self, first: u64) {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        // SAFETY: this isn't a push's hole, so `len` places are initialised; nobody else uses them.
        let priorities = unsafe { slice::from_raw_parts(self.priorities, self.len) };
        let Some(&(mut smallest)) = priorities.get(first) else {
            return;
        };
        let mut from = first;
        for offset in 1..D - 1 {
            let at = first + offset;
            match priorities.get(at) {
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

impl<P: Copy, N: Notes, const D: usize> Drop for Hole<'_, P, N, D> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `at < len` by the invariants, and the id may be noted.
        unsafe {
            *self.priorities.add(self.at) = self.priority;
            *self.ids.add(self.at) = self.id;
            self.notes.set(self.id, self.at);
        }
    }
}

/// The smallest of a full group of siblings: returns `name(offset)`, with offset < D, and the
/// priority.
///
/// A tournament of pairs, in which the winner's priority is carried along with its offset by
/// conditional moves: no round waits for a second load, or for a branch that nobody can predict.
///
/// Large priorities would be copied in every round: they are looked at one after the other.
#[inline(always)]
fn smallest<P: Ord + Copy, const D: usize>(
    siblings: &[P; D],
    name: impl Fn(usize) -> usize,
) -> (usize, P) {
    if size_of::<P>() > MOST_CARRIED_BYTES {
        let mut best = 0;
        for offset in 1..D {
            if siblings[offset] < siblings[best] {
                best = offset;
            }
        }
        return (name(best), siblings[best]);
    }
    let mut players: [(usize, P); D] = core::array::from_fn(|at| (name(at), siblings[at]));
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
