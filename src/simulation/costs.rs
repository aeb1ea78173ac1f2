//! What jobs cost, and what the scheduler is told of it.

use core::time::Duration;

use super::random::{Random, scaled};
use crate::time::saturating_nanos;

/// The worker time that the jobs of a stream need.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Costs {
    /// Always the same.
    Fixed(Duration),
    /// Exponentially distributed.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// One of two.
    Bimodal {
        /// That of most jobs.
        short: Duration,
        /// That of the others.
        long: Duration,
        /// The share of the jobs that are long, from 0.0 to 1.0.
        long_share: f64,
    },
    /// Pareto distributed: the share of jobs that cost more than *x* falls with *x* to the power
    /// of -`shape`.
    Pareto {
        /// The least cost.
        least: Duration,
        /// How fast the tail falls, above 0: up to 2 the variance, and up to 1 the mean has no
        /// bound but `most`.
        shape: f64,
        /// What is above costs so much.
        most: Duration,
    },
    /// As recorded, with [`Arrivals::Trace`](super::Arrivals::Trace).
    Traced,
}

impl Costs {
    pub(super) fn is_valid(&self, is_traced: bool) -> bool {
        match *self {
            Self::Fixed(_) | Self::Exponential { .. } => true,
            Self::Bimodal { long_share, .. } => is_share(long_share),
            Self::Pareto { least, shape, most } => {
                shape.is_finite() && shape > 0.0 && least <= most
            }
            Self::Traced => is_traced,
        }
    }

    /// The cost of one job, whose recorded cost is `traced`.
    pub(super) fn draw(&self, random: &mut Random, traced: Duration) -> Duration {
        let ns = match *self {
            Self::Fixed(cost) => return cost,
            Self::Traced => return traced,
            Self::Exponential { mean } => random.time_ns(saturating_nanos(mean)),
            Self::Bimodal { short, long, long_share } => {
                return if random.chance(long_share) { long } else { short };
            }
            Self::Pareto { least, shape, most } => {
                let factor = libm::pow(1.0 - random.unit(), -1.0 / shape);
                scaled(saturating_nanos(least), factor).min(saturating_nanos(most))
            }
        };
        Duration::from_nanos(ns)
    }
}

/// What the scheduler is told of a job's cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Estimates {
    /// The truth.
    #[default]
    Exact,
    /// Nothing: the class learns.
    Learned,
    /// The truth multiplied by a log-normally distributed factor of median 1.
    LogNormal {
        /// The deviation of the factor's logarithm, at least 0.
        sigma: f64,
    },
    /// The truth multiplied by a uniformly distributed factor.
    Uniform {
        /// The least factor, at least 0.
        least: f64,
        /// The largest factor.
        most: f64,
    },
    /// The truth multiplied by this: below 1, the stream declares too little.
    Factor(f64),
}

impl Estimates {
    pub(super) fn is_valid(&self) -> bool {
        let is_factor = |factor: f64| factor.is_finite() && factor >= 0.0;
        match *self {
            Self::Exact | Self::Learned => true,
            Self::LogNormal { sigma: factor } | Self::Factor(factor) => is_factor(factor),
            Self::Uniform { least, most } => is_factor(least) && is_factor(most) && least <= most,
        }
    }

    /// What is declared for a job of this cost, if anything.
    pub(super) fn draw(&self, random: &mut Random, cost: Duration) -> Option<Duration> {
        let factor = match *self {
            Self::Exact => return Some(cost),
            Self::Learned => return None,
            Self::LogNormal { sigma } => libm::exp(sigma * random.normal()),
            Self::Uniform { least, most } => least + (most - least) * random.unit(),
            Self::Factor(factor) => factor,
        };
        Some(Duration::from_nanos(scaled(saturating_nanos(cost), factor)))
    }
}

pub(super) fn is_share(share: f64) -> bool {
    (0.0..=1.0).contains(&share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn mean_ns(mut draw: impl FnMut(&mut Random) -> Duration) -> f64 {
        let mut random = Random::new(5, 0);
        (0..100_000).map(|_| draw(&mut random).as_nanos() as f64).sum::<f64>() / 1e5
    }

    #[test]
    fn costs_have_their_means() {
        let mean = |costs: Costs| mean_ns(|random| costs.draw(random, 3 * MS)) / 1e6;
        assert_eq!(mean(Costs::Fixed(MS)), 1.0);
        assert_eq!(mean(Costs::Traced), 3.0);
        assert!((mean(Costs::Exponential { mean: MS }) - 1.0).abs() < 0.02);
        let bimodal = Costs::Bimodal { short: MS, long: 10 * MS, long_share: 0.1 };
        assert!((mean(bimodal) - 1.9).abs() < 0.05);
        // The mean of an unbounded one of shape 3 is 3/2 of the least.
        let pareto = Costs::Pareto { least: MS, shape: 3.0, most: 1_000 * MS };
        assert!((mean(pareto) - 1.5).abs() < 0.02);
        let bounded = Costs::Pareto { least: MS, shape: 0.1, most: 2 * MS };
        assert!((1.8..2.0).contains(&mean(bounded)));
    }

    #[test]
    fn estimates_have_their_means() {
        let mean = |estimates: Estimates| {
            mean_ns(|random| estimates.draw(random, MS).expect("it is declared")) / 1e6
        };
        assert_eq!(mean(Estimates::Exact), 1.0);
        assert_eq!(mean(Estimates::Factor(0.2)), 0.2);
        assert!((mean(Estimates::Uniform { least: 0.5, most: 2.0 }) - 1.25).abs() < 0.01);
        // The mean of a log-normal factor is exp(sigma^2 / 2).
        assert!((mean(Estimates::LogNormal { sigma: 0.5 }) - 1.133).abs() < 0.02);
        assert_eq!(Estimates::Learned.draw(&mut Random::new(0, 0), MS), None);
    }

    #[test]
    fn nonsense_is_not_valid() {
        assert!(!Costs::Traced.is_valid(false));
        assert!(!Costs::Bimodal { short: MS, long: MS, long_share: 1.5 }.is_valid(false));
        assert!(!Costs::Pareto { least: MS, shape: 0.0, most: MS }.is_valid(false));
        assert!(!Estimates::Factor(f64::NAN).is_valid());
        assert!(!Estimates::Uniform { least: 2.0, most: 1.0 }.is_valid());
    }
}
