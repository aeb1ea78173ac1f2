//! Jobs of one kind.

use alloc::vec::Vec;
use core::time::Duration;

use super::arrivals::Arrivals;
use super::costs::{Costs, Estimates, is_share};
use super::random::Random;
use crate::scheduler::Class;

/// Jobs of one kind: when they come, what they need, and what is said of them.
///
/// ```
/// use core::time::Duration;
/// use punctual::scheduler::Class;
/// use punctual::simulation::{Arrivals, Costs, Estimates, Stream, Tenants};
///
/// let (ms, us) = (Duration::from_millis, Duration::from_micros);
/// let bids = Stream {
///     class: Class::new(1),
///     budget: Some(ms(80)),
///     costs: Costs::Exponential { mean: us(300) },
///     estimates: Estimates::LogNormal { sigma: 0.3 },
///     tenants: Tenants::Uniform { first: 0, count: 20 },
///     ..Stream::new(Arrivals::Poisson { rate: 2_000.0 })
/// };
/// # let _ = bids;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The class of its jobs.
    pub class: Class,
    /// When they arrive.
    pub arrivals: Arrivals,
    /// What they cost.
    pub costs: Costs,
    /// What the scheduler is told of that.
    pub estimates: Estimates,
    /// Their relative deadline; without one they are background work.
    pub budget: Option<Duration>,
    /// The value of each.
    pub value: u32,
    /// On whose behalf they are done.
    pub tenants: Tenants,
    /// The time that each needs after its run, without a worker.
    pub lead: Duration,
    /// The time after its arrival before which none starts.
    pub release_delay: Duration,
    /// How many identities there are, of which each job has a random one; `None`: jobs without.
    /// Streams share the identities, numbered from 0.
    pub identities: Option<u64>,
    /// The share of the jobs that fail after they ran, from 0.0 to 1.0.
    pub failures: f64,
}

/// On whose behalf the jobs of a stream are done.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Tenants {
    /// Nobody's, unless a trace says it.
    #[default]
    None,
    /// One of these, all equally often.
    Uniform {
        /// The number of the first.
        first: u64,
        /// How many they are.
        count: u64,
    },
    /// One of these, as often as their weights say.
    Weighted {
        /// The number of the first.
        first: u64,
        /// The weight of each: 0 or more, and not all 0, nor infinite together.
        weights: Vec<f64>,
    },
}

impl Stream {
    /// A stream of class 0 whose jobs cost 200 µs each, as they declare, and have 10 ms.
    #[must_use]
    pub const fn new(arrivals: Arrivals) -> Self {
        Self {
            class: Class::new(0),
            arrivals,
            costs: Costs::Fixed(Duration::from_micros(200)),
            estimates: Estimates::Exact,
            budget: Some(Duration::from_millis(10)),
            value: 1,
            tenants: Tenants::None,
            lead: Duration::ZERO,
            release_delay: Duration::ZERO,
            identities: None,
            failures: 0.0,
        }
    }

    /// What is wrong with it, if something is.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        let is_traced = matches!(self.arrivals, Arrivals::Trace(_));
        let checks = [
            (self.arrivals.is_valid(), "arrivals"),
            (self.costs.is_valid(is_traced), "costs"),
            (self.estimates.is_valid(), "estimates"),
            (self.tenants.is_valid(), "tenants"),
            (self.identities != Some(0), "identities"),
            (is_share(self.failures), "failures"),
        ];
        checks.into_iter().find(|&(is_valid, _)| !is_valid).map(|(_, what)| what)
    }
}

impl Tenants {
    fn is_valid(&self) -> bool {
        match self {
            Self::None => true,
            Self::Uniform { count, .. } => *count > 0,
            Self::Weighted { weights, .. } => {
                let are_weights = weights.iter().all(|it| it.is_finite() && *it >= 0.0);
                are_weights && (f64::MIN_POSITIVE..=f64::MAX).contains(&weights.iter().sum())
            }
        }
    }

    pub(super) fn draw(&self, random: &mut Random) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Uniform { first, count } => Some(first.wrapping_add(random.below(*count))),
            Self::Weighted { first, weights } => {
                let mut left = random.unit() * weights.iter().sum::<f64>();
                let found = weights.iter().position(|&weight| {
                    left -= weight;
                    left < 0.0
                });
                // Rounding may leave a rest behind the last weight.
                let last = weights.iter().rposition(|&weight| weight > 0.0);
                found.or(last).map(|place| first.wrapping_add(place as u64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_have_their_shares() {
        let mut random = Random::new(8, 0);
        let weighted = Tenants::Weighted { first: 4, weights: Vec::from([0.0, 3.0, 1.0]) };
        assert!(weighted.is_valid());
        let drawn: Vec<_> = (0..10_000).filter_map(|_| weighted.draw(&mut random)).collect();
        let count = |tenant| drawn.iter().filter(|&&it| it == tenant).count();
        assert_eq!((count(4), count(5) + count(6)), (0, 10_000));
        assert!((7_300..7_700).contains(&count(5)), "{}", count(5));
        let uniform = Tenants::Uniform { first: 4, count: 2 };
        assert!((0..100).all(|_| matches!(uniform.draw(&mut random), Some(4 | 5))));
        assert!(!Tenants::Weighted { first: 0, weights: Vec::new() }.is_valid());
        assert!(!Tenants::Uniform { first: 0, count: 0 }.is_valid());
        for weights in [[f64::INFINITY, 1.0], [f64::MAX, f64::MAX], [0.0, 0.0], [-1.0, 2.0]] {
            assert!(!Tenants::Weighted { first: 0, weights: weights.to_vec() }.is_valid());
        }
    }

    #[test]
    fn flaws_are_named() {
        let stream = Stream::new(Arrivals::Poisson { rate: 1.0 });
        assert_eq!(stream.flaw(), None);
        assert_eq!(Stream { costs: Costs::Traced, ..stream.clone() }.flaw(), Some("costs"));
        assert_eq!(Stream { failures: 2.0, ..stream.clone() }.flaw(), Some("failures"));
        let arrivals = Arrivals::Poisson { rate: f64::INFINITY };
        assert_eq!(Stream { arrivals, ..stream }.flaw(), Some("arrivals"));
    }
}
