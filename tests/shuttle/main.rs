//! The whole pool under random schedules: every ticket gets exactly one outcome, no job is lost or
//! run twice, and nobody waits for ever.
//!
//! ```text
//! RUSTFLAGS="--cfg punctual_shuttle" cargo test --release --features pool --test shuttle
//! ```
//!
//! `PUNCTUAL_SCHEDULES` says how many schedules of each model are tried. A schedule that fails is
//! printed; `shuttle::replay` runs it again.

#![cfg(punctual_shuttle)]

mod clients;
mod endings;
mod fates;
mod meetings;
mod world;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, MaxSteps, Runner};

/// Schedules of each model, if nobody says how many.
const SCHEDULES: usize = 2_000;

/// No model takes as many steps, unless somebody runs in circles.
const MOST_STEPS: usize = 200_000;

/// Schedulers and their records lie on the stacks of the models' threads.
const STACK_BYTES: usize = 1 << 18;

/// Changes of priority in a schedule that otherwise follows priorities.
const DEPTH: usize = 3;

/// Tries random schedules, and a quarter as many that let one thread run as long as it can.
fn check(model: fn()) {
    let named = std::env::var("PUNCTUAL_SCHEDULES").ok();
    let schedules = named.and_then(|text| text.parse().ok()).unwrap_or(SCHEDULES);
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    // Of atomics that are ordered weakly: the loom models look at those.
    config.silence_warnings = true;
    Runner::new(RandomScheduler::new(schedules), config.clone()).run(model);
    Runner::new(PctScheduler::new(DEPTH, schedules.div_ceil(4)), config).run(model);
}
