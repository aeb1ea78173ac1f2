//! Compares punctual with its peers within one run, on one core, in thread CPU time.
//!
//! Figures from two runs mean little next to each other; ratios from one run do.

mod contenders;
mod dijkstra;
mod frame;
mod heap;
mod machine;
mod memory;
mod options;
mod pauses;
mod peers;
mod report;
mod shrink;
mod steady;
mod steps;
mod weigher;
mod wheel;

#[path = "../../workload"]
mod workload {
    pub(crate) mod heap;
    pub(crate) mod random;
    pub(crate) mod wheel;
}

use std::process::ExitCode;

use frame::Measured;
use options::{Options, Structure};

/// Measures times, has the bytes weighed by `weigh`, and prints the tables.
pub fn compare() -> ExitCode {
    report_failure(Options::from_arguments(std::env::args().skip(1)).and_then(|options| {
        // Before this thread and its children are bound to one core: the weigher may be compiled.
        let bytes = weigher::run(&options)?;
        let pinned = core_affinity::get_core_ids()
            .and_then(|cores| cores.last().copied())
            .is_some_and(core_affinity::set_for_current);
        let header = machine::header(pinned);
        let mut cases = match options.structure {
            Structure::Heap => heap::measure(options.scale),
            Structure::Wheel => wheel::measure(options.scale),
        };
        cases.extend(bytes);
        publish(&options, &header, &cases)
    }))
}

/// Counts bytes and prints them for `compare` to read. The program has to have
/// [`peak_alloc::PeakAlloc`] as its global allocator.
pub fn weigh() -> ExitCode {
    report_failure(Options::from_arguments(std::env::args().skip(1)).map(|options| {
        let cases = match options.structure {
            Structure::Heap => heap::weigh(options.scale),
            Structure::Wheel => wheel::weigh(options.scale),
        };
        print!("{}", weigher::to_text(&cases));
    }))
}

fn publish(options: &Options, header: &str, cases: &[Measured]) -> Result<(), String> {
    if options.markdown {
        print!("{}", report::markdown(header, cases));
    } else {
        print!("{}", report::details(header, cases));
    }
    let Some(path) = &options.json else {
        return Ok(());
    };
    let json = report::json(header, options.structure.name(), cases);
    std::fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))
}

fn report_failure(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
