//! What a structure takes of memory, counted by the allocator of `weigh`.

use peak_alloc::PeakAlloc;

use crate::frame::Turn;

/// Allocation doesn't vary from turn to turn, but the first turn may allocate what outlives it,
/// such as a runtime: the median of three leaves that out.
pub(crate) const TURNS: usize = 3;

/// Builds something; its cost is the memory that is held once it stands, divided by `count`.
pub(crate) fn held<T>(count: usize, build: impl FnOnce() -> T) -> Turn {
    let before = PeakAlloc.current_usage();
    let built = build();
    let held = PeakAlloc.current_usage() - before;
    drop(built);
    Turn { cost: held as f64 / count as f64, checksum: 0 }
}

/// Builds something; its cost is the most memory that is held on the way, divided by `count`.
///
/// An array that grows counts twice, old and new, as with an allocator that always moves it.
pub(crate) fn peak<T>(count: usize, build: impl FnOnce() -> T) -> Turn {
    PeakAlloc.reset_peak_usage();
    let before = PeakAlloc.current_usage();
    drop(build());
    let peak = PeakAlloc.peak_usage() - before;
    Turn { cost: peak as f64 / count as f64, checksum: 0 }
}
