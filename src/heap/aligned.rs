//! A vector whose groups of siblings start at cache lines, and the hint to load some of it.

#![allow(unsafe_code, reason = "an allocation aligned to cache lines: see DESIGN.md")]

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};
use core::slice;

const LINE_BYTES: usize = 64;

/// Raw memory of one cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    _bytes: [MaybeUninit<u8>; LINE_BYTES],
}

/// A growing array of plain values, laid out for a heap of arity `D`.
///
/// So many places in front are left unused that a group of `D` siblings starts at a multiple of
/// `D` places, and the `D * D` children of such a group at a multiple of `D * D`. A group whose
/// size is a power of two up to a line's then lies in one line.
///
/// Invariants: the first `len` places behind those in front are initialised, and they lie inside
/// of `lines`, all of whose capacity counts as their length.
pub(super) struct AlignedVec<T, const D: usize> {
    lines: Vec<Line>,
    len: usize,
    values: PhantomData<T>,
}

impl<T, const D: usize> AlignedVec<T, D> {
    const SIZE: usize = size_of::<T>();
    const IN_FRONT: usize = D * D - D - 1;

    pub(super) const fn new() -> Self {
        const { assert!(D >= 2, "a heap's arity is at least 2") };
        const { assert!(align_of::<T>() <= LINE_BYTES, "a priority is aligned to a line at most") };
        Self { lines: Vec::new(), len: 0, values: PhantomData }
    }

    pub(super) const fn capacity(&self) -> usize {
        match (self.lines.capacity() * LINE_BYTES).checked_div(Self::SIZE) {
            Some(places) => places.saturating_sub(Self::IN_FRONT),
            None => usize::MAX,
        }
    }

    /// Makes room for so many values more, and for a growing number of pushes.
    pub(super) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        let missing_lines = self.missing_lines(additional);
        if missing_lines > 0 {
            self.lines.try_reserve(missing_lines)?;
            self.take_capacity();
        }
        Ok(())
    }

    /// Makes room for so many values more; aborts where there is no memory.
    pub(super) fn reserve(&mut self, additional: usize) {
        let missing_lines = self.missing_lines(additional);
        if missing_lines > 0 {
            self.lines.reserve(missing_lines);
            self.take_capacity();
        }
    }

    /// Gives memory back down to room for so many values, or for those that are held.
    pub(super) fn shrink_to(&mut self, capacity: usize) {
        let kept = capacity.max(self.len);
        let lines = if kept == 0 { 0 } else { Self::lines_for(kept).min(self.lines.len()) };
        self.lines.truncate(lines);
        self.lines.shrink_to_fit();
        self.take_capacity();
    }

    /// How many lines are missing for so many values more; too many for any allocation if their
    /// number overflows.
    fn missing_lines(&self, additional: usize) -> usize {
        if additional <= self.capacity() - self.len {
            return 0;
        }
        Self::lines_for(self.len.saturating_add(additional)) - self.lines.len()
    }

    fn lines_for(values: usize) -> usize {
        values.saturating_add(Self::IN_FRONT).saturating_mul(Self::SIZE).div_ceil(LINE_BYTES)
    }

    /// Counts the whole capacity as length, so that a vector that moves takes all of it along.
    fn take_capacity(&mut self) {
        // SAFETY: a line is raw memory, which may be uninitialised.
        unsafe { self.lines.set_len(self.lines.capacity()) };
    }

    #[cold]
    fn grow(&mut self) {
        self.reserve(1);
    }

    const fn start(&self) -> *const T {
        self.lines.as_ptr().cast::<T>().wrapping_add(Self::IN_FRONT)
    }

    const fn start_mut(&mut self) -> *mut T {
        self.lines.as_mut_ptr().cast::<T>().wrapping_add(Self::IN_FRONT)
    }
}

impl<T: Copy, const D: usize> AlignedVec<T, D> {
    /// Adds a value at the end. Amortised O(1).
    #[inline(always)]
    pub(super) fn push(&mut self, value: T) {
        if self.len == self.capacity() {
            self.grow();
        }
        // SAFETY: `len < capacity`, so the place lies inside of the lines; it is aligned, since
        // the lines are and the size of a value is a multiple of its alignment.
        unsafe { self.start_mut().wrapping_add(self.len).write(value) };
        self.len += 1;
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<T> {
        let last = *self.last()?;
        self.len -= 1;
        Some(last)
    }

    /// Forgets all values, which are `Copy`, so that nothing has to be dropped.
    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }
}

impl<T, const D: usize> Deref for AlignedVec<T, D> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: the first `len` places are initialised and inside of the lines; where there are
        // no lines, `len` is zero or the values have no size, and the pointer is aligned.
        unsafe { slice::from_raw_parts(self.start(), self.len) }
    }
}

impl<T, const D: usize> DerefMut for AlignedVec<T, D> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the vector is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.start_mut(), self.len) }
    }
}

impl<T: Copy, const D: usize> Clone for AlignedVec<T, D> {
    /// A vector of the same values with room for hardly more.
    fn clone(&self) -> Self {
        let used = if self.is_empty() { 0 } else { Self::lines_for(self.len) };
        let mut clone = Self { lines: self.lines[..used].to_vec(), ..Self::new() };
        clone.take_capacity();
        clone.len = self.len;
        clone
    }
}

impl<T: fmt::Debug, const D: usize> fmt::Debug for AlignedVec<T, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// Asks for the lines of some places behind a slice's start, which may not exist, to be loaded
/// into the cache.
#[inline(always)]
pub(super) fn prefetch<T>(slice: &[T], from: usize, count: usize) {
    let start = slice.as_ptr().wrapping_add(from).cast::<u8>();
    for line in 0..(count * size_of::<T>()).div_ceil(LINE_BYTES) {
        prefetch_line(start.wrapping_add(line * LINE_BYTES));
    }
}

/// A hint where stable Rust can give one, and nothing elsewhere.
#[inline(always)]
fn prefetch_line(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
    // SAFETY: a hint reads nothing, so every address will do; the target has the instruction.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse")))]
    let _ = address;
}
