//! The hint to load some memory into the cache before it is needed.

#![allow(unsafe_code, reason = "the prefetch instruction: see DESIGN.md")]

const LINE_BYTES: usize = 64;

/// Asks for the lines of some places behind a start, which may not exist.
#[inline(always)]
pub(crate) fn prefetch<T>(start: *const T, from: usize, count: usize) {
    let start = start.wrapping_add(from).cast::<u8>();
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
