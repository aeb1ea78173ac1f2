//! Compares punctual with its peers within one run, on one core, in thread CPU time.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- heap|wheel
//!     [--quick] [--json FILE] [--markdown]
//! ```
//!
//! Figures from two runs mean little next to each other; ratios from one run do.

mod contenders;
mod dijkstra;
mod frame;
mod heap;
mod machine;
mod options;
mod peers;
mod report;
mod wheel;

#[path = "../../workload"]
mod workload {
    pub(crate) mod heap;
    pub(crate) mod random;
    pub(crate) mod wheel;
}

use std::alloc::System;
use std::process::ExitCode;

use options::{Options, Structure};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts bytes; its price is two atomic additions an allocation, for every contender.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let options = match Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let pinned = core_affinity::get_core_ids()
        .and_then(|cores| cores.last().copied())
        .is_some_and(core_affinity::set_for_current);
    let header = machine::header(pinned);
    let (name, cases) = match options.structure {
        Structure::Heap => ("heap", heap::measure(options.scale)),
        Structure::Wheel => ("wheel", wheel::measure(options.scale)),
    };
    if options.markdown {
        print!("{}", report::markdown(&header, &cases));
    } else {
        print!("{}", report::details(&header, &cases));
    }
    if let Some(path) = options.json
        && let Err(error) = std::fs::write(&path, report::json(&header, name, &cases))
    {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
