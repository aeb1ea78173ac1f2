//! A job: a fixed amount of work for the CPU, whose result is checked.

use std::hint::black_box;
use std::time::Duration;

use punctual::time::{Clock, MonotonicClock};

use crate::workload::random::mix;

/// Steps to begin the calibration with.
const TRIED_STEPS: u64 = 20_000;

/// Runs of which the median counts.
const RUNS: usize = 201;

/// How long the capacity is measured before a trial.
const CAPACITY_TIME: Duration = Duration::from_millis(60);

/// A chain of multiplications, each of which needs the one before it: no memory, no branches.
#[derive(Clone, Debug)]
pub(crate) struct CpuJob {
    steps: u64,
    result: u64,
}

impl CpuJob {
    /// A job that takes so long on this thread's core, once for the whole run.
    pub(crate) fn calibrated(clock: &MonotonicClock, cost: Duration) -> Self {
        // A core that has been idle needs a while to reach its clock rate.
        let warm = Self { steps: TRIED_STEPS, result: chain(TRIED_STEPS) };
        let mut taken = (0..2 * RUNS).map(|_| warm.time(clock)).skip(RUNS).collect::<Vec<_>>();
        taken.sort_unstable();
        let tried_ns = taken[taken.len() / 2].as_nanos() as u64;
        let steps = TRIED_STEPS * cost.as_nanos() as u64 / tried_ns.max(1);
        Self { steps, result: chain(steps) }
    }

    /// Does the work.
    ///
    /// # Panics
    ///
    /// If somebody has found a shortcut.
    pub(crate) fn run(&self) {
        assert_eq!(chain(black_box(self.steps)), self.result, "the work was not done");
    }

    /// How many jobs a second this thread can do, one behind the other.
    pub(crate) fn capacity(&self, clock: &MonotonicClock) -> f64 {
        let start = clock.now();
        let mut done = 0_u32;
        loop {
            self.run();
            done += 1;
            let taken = clock.now().saturating_since(start);
            if taken >= CAPACITY_TIME {
                return f64::from(done) / taken.as_secs_f64();
            }
        }
    }

    fn time(&self, clock: &MonotonicClock) -> Duration {
        let start = clock.now();
        self.run();
        clock.now().saturating_since(start)
    }
}

fn chain(steps: u64) -> u64 {
    (0..steps).fold(1, |number, step| mix(number ^ step))
}
