//! Counts the bytes that structures take; the comparison starts it.
//!
//! Whatever grows is copied by this allocator, so that the old block and the new one count
//! together. That would spoil the times of a fill: hence a program of its own.

use std::process::ExitCode;

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    punctual_peers::weigh()
}
