//! Memory whose groups of siblings start at cache lines, and the hint to load some of it.

#![allow(unsafe_code, reason = "raw memory and the prefetch instruction: see DESIGN.md")]

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

const LINE_BYTES: usize = 64;

/// Raw memory of one cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    _bytes: [MaybeUninit<u8>; LINE_BYTES],
}

/// Memory for values of a heap of arity `D`, which says nothing about what is in it.
///
/// So many places in front are left unused that a group of `D` siblings starts at a multiple of
/// `D` places, and the `D * D` children of such a group at a multiple of `D * D`. A group whose
/// size is a power of two up to a line's then lies in one line.
///
/// The whole capacity of `lines` counts as its length, so that growth takes all of it along.
pub(super) struct Lines<T, const D: usize> {
    lines: Vec<Line>,
    values: PhantomData<T>,
}

impl<T, const D: usize> Lines<T, D> {
    const SIZE: usize = size_of::<T>();
    const IN_FRONT: usize = D * D - D - 1;

    pub(super) const fn new() -> Self {
        const { assert!(D >= 2, "a heap's arity is at least 2") };
        const { assert!(align_of::<T>() <= LINE_BYTES, "a priority is aligned to a line at most") };
        Self { lines: Vec::new(), values: PhantomData }
    }

    /// So many values fit. Places up to here, counted from `start`, are inside of the memory, and
    /// all are aligned: the lines are, and a value's size is a multiple of its alignment.
    pub(super) const fn capacity(&self) -> usize {
        match (self.lines.len() * LINE_BYTES).checked_div(Self::SIZE) {
            Some(places) => places.saturating_sub(Self::IN_FRONT),
            None => usize::MAX,
        }
    }

    /// The place of the first value, which may be dangling where the capacity is zero.
    #[inline(always)]
    pub(super) const fn start(&self) -> *const T {
        self.lines.as_ptr().cast::<T>().wrapping_add(Self::IN_FRONT)
    }

    /// The place of the first value, which may be dangling where the capacity is zero.
    #[inline(always)]
    pub(super) const fn start_mut(&mut self) -> *mut T {
        self.lines.as_mut_ptr().cast::<T>().wrapping_add(Self::IN_FRONT)
    }

    /// Makes room for so many values in all, and for a growing number.
    pub(super) fn try_reserve(&mut self, values: usize) -> Result<(), TryReserveError> {
        if values > self.capacity() {
            // A number of lines that overflows is one that no allocator has.
            self.lines.try_reserve(Self::lines_for(values) - self.lines.len())?;
            self.take_capacity();
        }
        Ok(())
    }

    /// Makes room for so many values in all, and for a growing number; aborts where there is no
    /// memory.
    pub(super) fn reserve(&mut self, values: usize) {
        if values > self.capacity() {
            self.lines.reserve(Self::lines_for(values) - self.lines.len());
            self.take_capacity();
        }
    }

    /// Gives back what isn't needed for so many values.
    pub(super) fn shrink_to(&mut self, values: usize) {
        self.lines.truncate(Self::lines_for(values));
        self.lines.shrink_to_fit();
        self.take_capacity();
    }

    /// A copy of the first so many values' memory.
    pub(super) fn copy(&self, values: usize) -> Self {
        let used = Self::lines_for(values).min(self.lines.len());
        let mut copy = Self { lines: self.lines[..used].to_vec(), values: PhantomData };
        copy.take_capacity();
        copy
    }

    fn lines_for(values: usize) -> usize {
        match values {
            0 => 0,
            _ => values
                .saturating_add(Self::IN_FRONT)
                .saturating_mul(Self::SIZE)
                .div_ceil(LINE_BYTES),
        }
    }

    fn take_capacity(&mut self) {
        // SAFETY: a line is raw memory, which may be uninitialised.
        unsafe { self.lines.set_len(self.lines.capacity()) };
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
