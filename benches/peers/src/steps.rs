//! Steps of a replay, to find the one that takes longest by the structure's own doing.

use punctual::time::{Clock, MonotonicClock};

/// The fastest time that each step ever took. An interrupt hardly ever hits a step in every
/// replay; what is left is the structure's own.
#[derive(Default)]
pub(crate) struct Steps {
    clock: MonotonicClock,
    fastest_ns: Vec<u64>,
}

impl Steps {
    /// Does a step. Its time is wall time: what a thread is held up by.
    pub(crate) fn time<R>(&mut self, number: usize, step: impl FnOnce() -> R) -> R {
        let start = self.clock.now();
        let result = step();
        let taken_ns = self.clock.now().saturating_since(start).as_nanos() as u64;
        if number >= self.fastest_ns.len() {
            self.fastest_ns.resize(number + 1, u64::MAX);
        }
        let fastest_ns = &mut self.fastest_ns[number];
        *fastest_ns = taken_ns.min(*fastest_ns);
        result
    }

    /// The slowest step, once all of them have been replayed.
    pub(crate) fn worst_ns(&self) -> f64 {
        self.fastest_ns.iter().copied().max().unwrap_or(0) as f64
    }
}
