//! Compares punctual with its peers within one run, on one core, in thread CPU time.
//!
//! Figures from two runs mean little next to each other; ratios from one run do.
//!
//! `overload`, `pool`, `tower` and `cache` are another matter: real time on two cores, of which
//! nobody else may use either.

mod cache;
mod contenders;
mod dijkstra;
mod flood;
mod frame;
mod heap;
mod layers;
mod machine;
mod memory;
mod options;
mod overload;
mod pauses;
mod peers;
mod pool;
mod quantiles;
mod report;
mod scheduler;
mod shrink;
mod steady;
mod steps;
mod storm;
mod weigher;
mod wheel;

#[path = "../../workload"]
mod workload {
    pub(crate) mod heap;
    pub(crate) mod random;
    pub(crate) mod scheduler;
    pub(crate) mod wheel;
}

use std::process::ExitCode;

use frame::Measured;
use options::{Options, Structure};
use pool::Report;

/// Measures what the command line asks for, and prints the tables.
pub fn compare() -> ExitCode {
    report_failure(Options::from_arguments(std::env::args().skip(1)).and_then(|options| {
        match options.structure {
            Structure::Overload => publish_tables(&options, overload::measure(&options)),
            Structure::Tower => publish_tables(&options, layers::measure(&options)),
            Structure::Pool => publish_report(&options, pool::measure(&options)),
            Structure::Cache => publish_report(&options, cache::measure(&options)),
            _ => compare_costs(&options),
        }
    }))
}

/// Measures times, and has the bytes weighed by `weigh`.
fn compare_costs(options: &Options) -> Result<(), String> {
    // Before this thread and its children are bound to one core: the weigher may be compiled.
    let bytes = weigher::run(options)?;
    let pinned = core_affinity::get_core_ids()
        .and_then(|cores| cores.last().copied())
        .is_some_and(core_affinity::set_for_current);
    let header = machine::header(if pinned { "one pinned core" } else { "no core pinned" });
    let mut cases = match options.structure {
        Structure::Heap => heap::measure(options.scale),
        Structure::Wheel => wheel::measure(options.scale),
        Structure::Scheduler => scheduler::measure(options.scale),
        Structure::Overload | Structure::Pool | Structure::Tower | Structure::Cache => {
            unreachable!("they are measured otherwise")
        }
    };
    cases.extend(bytes);
    publish(options, &header, &cases)
}

fn publish_tables(
    options: &Options,
    measured: Result<(String, String), String>,
) -> Result<(), String> {
    let (table, json) = measured?;
    print!("{table}");
    write_json(options, &json)
}

fn publish_report(options: &Options, report: Result<Report, String>) -> Result<(), String> {
    let report = report?;
    print!("{}", report.text);
    write_json(options, &report.json)?;
    fail_if(options.check && report.is_missed)
}

/// Counts bytes and prints them for `compare` to read. The program has to have
/// [`peak_alloc::PeakAlloc`] as its global allocator.
pub fn weigh() -> ExitCode {
    report_failure(Options::from_arguments(std::env::args().skip(1)).map(|options| {
        let cases = match options.structure {
            Structure::Heap => heap::weigh(options.scale),
            Structure::Wheel => wheel::weigh(options.scale),
            Structure::Scheduler => scheduler::weigh(options.scale),
            Structure::Overload | Structure::Pool | Structure::Tower | Structure::Cache => {
                Vec::new()
            }
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
    write_json(options, &report::json(header, options.structure.name(), cases))?;
    if options.structure == Structure::Scheduler {
        let (targets, is_missed) = scheduler::targets(cases);
        print!("\n{targets}");
        return fail_if(options.check && is_missed);
    }
    Ok(())
}

fn fail_if(is_missed: bool) -> Result<(), String> {
    if is_missed { Err("a target is missed".to_owned()) } else { Ok(()) }
}

fn write_json(options: &Options, json: &str) -> Result<(), String> {
    let Some(path) = &options.json else {
        return Ok(());
    };
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
