//! Hand-over, rest and shutdown of the pool, in every order that the processor may choose.
//!
//! ```text
//! RUSTFLAGS="--cfg punctual_loom" cargo test --release --features pool --test loom
//! ```
//!
//! Loom tries all executions in which threads are interrupted no more than [`PREEMPTIONS`] times;
//! `LOOM_MAX_PREEMPTIONS` says another number. Beside the threads of a model there are the pool's
//! worker and its timer's thread. A thread that waits for ever is a deadlock, which loom reports.

#![cfg(punctual_loom)]

mod shutdown;
mod work;

use std::sync::Arc;

use loom::model::Builder;
use punctual::pool::Pool;
use punctual::time::{ManualClock, Time};

/// Most bugs need no more than two interruptions, and one more takes ten times as long.
const PREEMPTIONS: usize = 2;

/// Points at which an execution can go on in several ways, at most.
const MOST_BRANCHES: usize = 10_000;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(PREEMPTIONS));
    builder.max_branches = MOST_BRANCHES;
    builder.check(model);
}

/// A pool of one worker whose clock stands still.
fn pool() -> Pool {
    let clock = Arc::new(ManualClock::new(Time::ZERO));
    Pool::builder().workers(1).build_on(clock).expect("the model has threads")
}
