//! A job: a fixed amount of work for the CPU, whose result is checked.

use std::hint::black_box;
use std::time::Duration;

use punctual::time::{Clock, MonotonicClock};

use crate::quantiles::median;
use crate::workload::random::{Random, mix};

/// Steps to begin the calibration with.
const TRIED_STEPS: u64 = 20_000;

/// Runs of which the median counts.
const RUNS: usize = 201;

/// How long the speed is measured between trials.
const SPEED_TIME: Duration = Duration::from_millis(60);

/// How much work a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    Usual,
    Short,
    Long,
    /// What a refresh of a cache's entry takes, once its data is there.
    Refresh,
    /// A job that only passes through the shell.
    Nothing,
}

impl Cost {
    const ALL: [Self; 5] = [Self::Usual, Self::Short, Self::Long, Self::Refresh, Self::Nothing];

    /// What it takes at a speed of 1.
    pub(crate) const fn time(self) -> Duration {
        match self {
            Self::Usual => Duration::from_micros(200),
            Self::Short => Duration::from_micros(100),
            Self::Long => Duration::from_micros(1_000),
            Self::Refresh => Duration::from_micros(75),
            Self::Nothing => Duration::ZERO,
        }
    }
}

/// Which jobs come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// All of one cost, which nobody declares.
    Equal,
    /// Nine short ones for each long one. Who submits them knows which they are.
    Mixed,
}

impl Mix {
    pub(crate) fn draw(self, random: &mut Random) -> Cost {
        match self {
            Self::Equal => Cost::Usual,
            Self::Mixed if random.below(10) == 0 => Cost::Long,
            Self::Mixed => Cost::Short,
        }
    }

    /// What a job takes on average at a speed of 1.
    pub(crate) fn mean(self) -> Duration {
        match self {
            Self::Equal => Cost::Usual.time(),
            Self::Mixed => (9 * Cost::Short.time() + Cost::Long.time()) / 10,
        }
    }
}

/// The jobs of every cost.
#[derive(Clone, Debug)]
pub(crate) struct Jobs([CpuJob; Cost::ALL.len()]);

impl Jobs {
    /// Jobs that take their costs on this thread's core, once for the whole run: its speed now
    /// is 1.
    pub(crate) fn calibrated(clock: &MonotonicClock) -> Self {
        // A core that has been idle needs a while to reach its clock rate.
        let warm = CpuJob::new(TRIED_STEPS);
        let taken_ns = (0..2 * RUNS).map(|_| warm.time(clock).as_nanos() as f64).skip(RUNS);
        let tried_ns = median(taken_ns).unwrap_or_default().max(1.0);
        let steps = |cost: Cost| TRIED_STEPS as f64 * cost.time().as_nanos() as f64 / tried_ns;
        Self(Cost::ALL.map(|cost| CpuJob::new(steps(cost) as u64)))
    }

    /// Does the work.
    ///
    /// # Panics
    ///
    /// If somebody has found a shortcut.
    pub(crate) fn run(&self, cost: Cost) {
        self.0[cost as usize].run();
    }

    /// How many seconds of work this thread does in a second.
    pub(crate) fn speed(&self, clock: &MonotonicClock) -> f64 {
        let start = clock.now();
        let mut done = 0_u32;
        loop {
            self.run(Cost::Usual);
            done += 1;
            let taken = clock.now().saturating_since(start);
            if taken >= SPEED_TIME {
                return (done * Cost::Usual.time()).div_duration_f64(taken);
            }
        }
    }
}

/// A chain of multiplications, each of which needs the one before it: no memory, no branches.
#[derive(Clone, Debug)]
struct CpuJob {
    steps: u64,
    result: u64,
}

impl CpuJob {
    fn new(steps: u64) -> Self {
        Self { steps, result: chain(steps) }
    }

    fn run(&self) {
        assert_eq!(chain(black_box(self.steps)), self.result, "the work was not done");
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
