//! What a job of a class costs on average.

use core::time::Duration;

use crate::time::saturating_nanos;

/// An exponentially weighted moving mean of run times, which starts at a configured cost and
/// forgets it after the first.
#[derive(Clone, Debug)]
pub(super) struct MeanCost {
    initial_ns: u64,
    mean_ns: u64,
    learned: bool,
}

/// A new run time weighs one part in this many: the mean follows a change within some dozens of
/// jobs, and one outlier moves it by a sixteenth.
const WEIGHT: u64 = 16;

impl MeanCost {
    pub(super) fn new(initial: Duration) -> Self {
        let initial_ns = saturating_nanos(initial);
        Self { initial_ns, mean_ns: initial_ns, learned: false }
    }

    pub(super) const fn initial(&self) -> Duration {
        Duration::from_nanos(self.initial_ns)
    }

    pub(super) const fn mean(&self) -> Duration {
        Duration::from_nanos(self.mean_ns)
    }

    pub(super) fn learn(&mut self, cost: Duration) {
        let cost_ns = saturating_nanos(cost);
        if self.learned {
            self.approach(cost_ns);
        } else {
            self.mean_ns = cost_ns;
            self.learned = true;
        }
    }

    /// Goes back towards the initial cost, because a job was refused for nothing but the mean.
    ///
    /// A mean that refuses every job would never learn again: one long run (a machine that stood
    /// still, a cold start) would lock its class out for good.
    pub(super) fn doubt(&mut self) {
        self.approach(self.initial_ns.min(self.mean_ns));
    }

    fn approach(&mut self, cost_ns: u64) {
        // The step rounds away from zero, so that the mean arrives where it is pulled to.
        let step_ns = self.mean_ns.abs_diff(cost_ns).div_ceil(WEIGHT);
        self.mean_ns = match cost_ns > self.mean_ns {
            true => self.mean_ns + step_ns,
            false => self.mean_ns - step_ns,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_starts_at_the_first_cost_and_follows_a_change() {
        let mut cost = MeanCost::new(Duration::from_secs(9));
        assert_eq!(cost.mean(), Duration::from_secs(9));
        cost.learn(Duration::from_micros(100));
        assert_eq!(cost.mean(), Duration::from_micros(100));
        cost.learn(Duration::from_micros(260));
        assert_eq!(cost.mean(), Duration::from_micros(110));
        for _ in 0..300 {
            cost.learn(Duration::from_micros(20));
        }
        assert_eq!(cost.mean(), Duration::from_micros(20));
    }

    #[test]
    fn extreme_costs_neither_overflow_nor_stick() {
        let mut cost = MeanCost::new(Duration::MAX);
        cost.learn(Duration::MAX);
        cost.learn(Duration::ZERO);
        cost.learn(Duration::MAX);
        assert!(cost.mean() > Duration::from_secs(1 << 33));
    }
}
