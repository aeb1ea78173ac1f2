//! Memory in which groups of siblings start at cache lines.

#![allow(unsafe_code, reason = "raw memory of whole cache lines: see DESIGN.md")]

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

const LINE_BYTES: usize = 64;
const CHUNK_BYTES: usize = 16;

/// Raw memory of the alignment that allocators give by themselves on 64-bit targets: a vector of it
/// grows in place where the system can do that, which one that is aligned to cache lines can't.
#[derive(Clone, Copy)]
#[repr(align(16))]
struct Chunk {
    _bytes: [MaybeUninit<u8>; CHUNK_BYTES],
}

/// Memory for values of a heap of arity `D`, which says nothing about what is in it.
///
/// From the first cache line on so many places are left unused that a group of `D` siblings starts
/// at a multiple of `D` places, and the `D * D` children of such a group at a multiple of `D * D`.
/// A group whose size is a power of two up to a line's then lies in one line.
///
/// Invariants: the whole capacity of `chunks` counts as its length, so that growth takes all of it
/// along; `skipped` chunks come before the first cache line; `start` is the place of the first
/// value, kept since every sift needs it.
pub(super) struct Lines<T, const D: usize> {
    chunks: Vec<Chunk>,
    skipped: usize,
    start: NonNull<T>,
}

// SAFETY: `start` points into `chunks`, this value's own memory of values that may be sent.
unsafe impl<T: Send, const D: usize> Send for Lines<T, D> {}
// SAFETY: as before, and a shared reference gives nothing but that address.
unsafe impl<T: Sync, const D: usize> Sync for Lines<T, D> {}

impl<T, const D: usize> Lines<T, D> {
    const SIZE: usize = size_of::<T>();
    const IN_FRONT: usize = D * D - D - 1;
    /// So many places behind the capacity are inside of the memory too, unless the capacity is
    /// zero: see `Hole::sink`.
    const BEHIND: usize = D;
    /// More chunks never come before the first cache line.
    const MOST_SKIPPED: usize = LINE_BYTES / CHUNK_BYTES - 1;

    pub(super) const fn new() -> Self {
        const { assert!(D >= 2 && D <= 64, "a heap's arity is at least 2 and at most 64") };
        const { assert!(align_of::<T>() <= LINE_BYTES, "a priority is aligned to a line at most") };
        Self { chunks: Vec::new(), skipped: 0, start: NonNull::dangling() }
    }

    /// So many values fit. Unless the capacity is zero, places up to here and `D` more, counted
    /// from `start`, are inside of the memory, and all are aligned: the lines are, and a value's
    /// size is a multiple of its alignment.
    pub(super) const fn capacity(&self) -> usize {
        let bytes = self.chunks.len().saturating_sub(Self::MOST_SKIPPED) * CHUNK_BYTES;
        match bytes.checked_div(Self::SIZE) {
            Some(places) => places.saturating_sub(Self::IN_FRONT + Self::BEHIND),
            None => usize::MAX,
        }
    }

    /// The place of the first value. It is aligned, but dangling where the capacity is zero or the
    /// values have no size.
    #[inline(always)]
    pub(super) const fn start(&self) -> *mut T {
        self.start.as_ptr()
    }

    /// Makes room for so many values in all, and for a growing number.
    pub(super) fn try_reserve(&mut self, values: usize) -> Result<(), TryReserveError> {
        if values > self.capacity() {
            // A number of chunks that overflows is one that no allocator has.
            let held = self.chunks.len();
            self.chunks.try_reserve(Self::chunks_for(values) - held)?;
            self.settle(held);
        }
        Ok(())
    }

    /// Makes room for so many values in all, and for a growing number; aborts where there is no
    /// memory.
    pub(super) fn reserve(&mut self, values: usize) {
        if values > self.capacity() {
            let held = self.chunks.len();
            self.chunks.reserve(Self::chunks_for(values) - held);
            self.settle(held);
        }
    }

    /// Gives back what isn't needed for so many values, which are all that is used.
    pub(super) fn shrink_to(&mut self, values: usize) {
        self.chunks.truncate(Self::chunks_for(values));
        let held = self.chunks.len();
        self.chunks.shrink_to_fit();
        self.settle(held);
    }

    /// A copy of the first so many values' memory.
    pub(super) fn copy(&self, values: usize) -> Self {
        let held = Self::chunks_for(values).min(self.chunks.len());
        let chunks = self.chunks[..held].to_vec();
        let mut copy = Self { chunks, skipped: self.skipped, start: NonNull::dangling() };
        copy.settle(held);
        copy
    }

    fn chunks_for(values: usize) -> usize {
        match values {
            0 => 0,
            _ => values
                .saturating_add(Self::IN_FRONT + Self::BEHIND)
                .saturating_mul(Self::SIZE)
                .div_ceil(CHUNK_BYTES)
                .saturating_add(Self::MOST_SKIPPED),
        }
    }

    /// Restores the invariants after the first `held` chunks have come to another place.
    fn settle(&mut self, held: usize) {
        // SAFETY: a chunk is raw memory, which may be uninitialised.
        unsafe { self.chunks.set_len(self.chunks.capacity()) };
        let behind_line = self.chunks.as_ptr().addr() % LINE_BYTES / CHUNK_BYTES;
        let skipped = (LINE_BYTES / CHUNK_BYTES - behind_line) % (LINE_BYTES / CHUNK_BYTES);
        if skipped != self.skipped && held > Self::MOST_SKIPPED {
            // As many chunks are in use as fit behind the most that are ever skipped.
            let used = held - Self::MOST_SKIPPED;
            self.chunks.copy_within(self.skipped..self.skipped + used, skipped);
        }
        self.skipped = skipped;
        self.start = if Self::SIZE == 0 || self.capacity() == 0 {
            NonNull::dangling()
        } else {
            let lines = self.chunks.as_mut_ptr().wrapping_add(skipped);
            let start = lines.cast::<T>().wrapping_add(Self::IN_FRONT);
            NonNull::new(start).expect("no memory is at address zero")
        };
    }
}
