//! The comparison:
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml --
//!     heap|wheel|scheduler|overload|pool|tower|cache
//!     [--quick] [--json FILE] [--markdown] [--check]
//! ```
//!
//! `--check` fails if the scheduler, the pool or the cache misses a target.
//!
//! `RUSTFLAGS="-C target-cpu=native"` in front of it adds the peers that need SIMD.

use std::process::ExitCode;

fn main() -> ExitCode {
    punctual_peers::compare()
}
