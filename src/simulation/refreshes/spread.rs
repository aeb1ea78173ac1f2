//! A number for each entry.

use alloc::vec::Vec;
use core::time::Duration;

use crate::simulation::random::{Random, scaled};
use crate::time::saturating_nanos;

/// A number for each entry: a rate a second, or what a load costs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Spread {
    /// The same for all.
    Fixed(f64),
    /// Random numbers whose logarithms are uniformly distributed.
    LogUniform {
        /// The least, above 0.
        least: f64,
        /// The largest.
        most: f64,
    },
    /// In proportion to (*id* + 1) to the power of -`exponent`: entry 0 has the most.
    Zipf {
        /// The sum of all.
        total: f64,
        /// How fast they fall; 0.99 is usual for the popularity of keys.
        exponent: f64,
    },
    /// These, by id.
    Each(Vec<f64>),
}

impl Spread {
    /// Whether there is a finite number of at least zero for each.
    pub(super) fn is_valid(&self, count: u32) -> bool {
        let is_number = |number: f64| number.is_finite() && number >= 0.0;
        match self {
            Self::Fixed(number) => is_number(*number),
            Self::LogUniform { least, most } => *least > 0.0 && least <= most && most.is_finite(),
            Self::Zipf { total, exponent } => is_number(*total) && is_number(*exponent),
            Self::Each(all) => {
                all.len() == count as usize
                    && all.iter().all(|&it| is_number(it))
                    && all.iter().sum::<f64>().is_finite()
            }
        }
    }

    pub(super) fn draw(&self, random: &mut Random, count: u32) -> Vec<f64> {
        match self {
            Self::Fixed(number) => (0..count).map(|_| *number).collect(),
            Self::LogUniform { least, most } => {
                let (low, width) = (libm::log(*least), libm::log(most / least));
                (0..count).map(|_| libm::exp(low + width * random.unit())).collect()
            }
            Self::Zipf { total, exponent } => {
                let share = |rank: u32| libm::pow(f64::from(rank), -exponent);
                let scale = total / (1..=count).map(share).sum::<f64>();
                (1..=count).map(|rank| scale * share(rank)).collect()
            }
            Self::Each(all) => all.clone(),
        }
    }
}

/// How long a value is fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ttls {
    /// The same time for every entry.
    Fixed(Duration),
    /// A time for each entry, uniformly distributed.
    Uniform {
        /// The least.
        least: Duration,
        /// The longest.
        most: Duration,
    },
}

impl Ttls {
    pub(super) fn is_valid(&self) -> bool {
        match *self {
            Self::Fixed(ttl) => !ttl.is_zero(),
            Self::Uniform { least, most } => !least.is_zero() && least <= most,
        }
    }

    pub(super) fn longest_ns(&self) -> u64 {
        match *self {
            Self::Fixed(longest) | Self::Uniform { most: longest, .. } => saturating_nanos(longest),
        }
    }

    pub(super) fn draw_ns(&self, random: &mut Random) -> u64 {
        match *self {
            Self::Fixed(ttl) => saturating_nanos(ttl),
            Self::Uniform { least, most } => {
                let (least_ns, most_ns) = (saturating_nanos(least), saturating_nanos(most));
                least_ns + scaled(most_ns - least_ns, random.unit())
            }
        }
    }
}

/// Picks entries as often as their rates say, in constant time: A. J. Walker's aliases, 1977.
#[derive(Debug)]
pub(super) struct Picker {
    /// The share of each place that is its own entry's; the rest is its alias's.
    own: Vec<f64>,
    alias: Vec<u32>,
}

impl Picker {
    /// The rates are as many as an id can tell apart, and not all zero.
    pub(super) fn new(rates: &[f64]) -> Self {
        let count = rates.len() as f64;
        let total: f64 = rates.iter().sum();
        let mut own: Vec<f64> = rates.iter().map(|rate| rate / total * count).collect();
        let mut alias: Vec<u32> = (0..rates.len() as u32).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            alias.iter().partition(|&&id| own[id as usize] < 1.0);
        while let (Some(&poor), Some(&rich)) = (small.last(), large.last()) {
            small.pop();
            alias[poor as usize] = rich;
            own[rich as usize] -= 1.0 - own[poor as usize];
            if own[rich as usize] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        // What is left differs from 1 by rounding alone.
        small.into_iter().chain(large).for_each(|id| own[id as usize] = 1.0);
        Self { own, alias }
    }

    pub(super) fn pick(&self, random: &mut Random) -> u32 {
        let id = random.below(self.own.len() as u64) as u32;
        match random.unit() < self.own[id as usize] {
            true => id,
            false => self.alias[id as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_as_they_are_called() {
        let mut random = Random::new(2, 0);
        let zipf = Spread::Zipf { total: 10.0, exponent: 1.0 }.draw(&mut random, 100);
        assert!((zipf.iter().sum::<f64>() - 10.0).abs() < 1e-9);
        assert!((zipf[0] / zipf[9] - 10.0).abs() < 1e-9);
        let rates = Spread::LogUniform { least: 0.01, most: 1.0 }.draw(&mut random, 10_000);
        assert!(rates.iter().all(|rate| (0.0099..=1.0001).contains(rate)));
        let below = rates.iter().filter(|&&rate| rate < 0.1).count();
        assert!((4_800..5_200).contains(&below), "{below}");
        let (least, most) = (Duration::from_secs(30), Duration::from_secs(120));
        let ttls = Ttls::Uniform { least, most };
        let mean_s = (0..10_000).map(|_| ttls.draw_ns(&mut random) as f64).sum::<f64>() / 1e13;
        assert!((mean_s - 75.0).abs() < 1.0, "{mean_s}");
    }

    #[test]
    fn entries_are_picked_as_often_as_their_rates_say() {
        let rates = [0.0, 5.0, 1.0, 0.5, 3.5];
        let (picker, mut random) = (Picker::new(&rates), Random::new(4, 0));
        let mut picked = [0_u32; 5];
        (0..100_000).for_each(|_| picked[picker.pick(&mut random) as usize] += 1);
        assert_eq!(picked[0], 0);
        for (picked, rate) in picked.into_iter().zip(rates) {
            let picked = f64::from(picked) / 1e4;
            assert!((picked - rate).abs() < 0.1, "{picked}, not {rate}");
        }
    }

    #[test]
    fn nonsense_is_not_valid() {
        assert!(Spread::Each(Vec::from([1.0, 0.0])).is_valid(2));
        assert!(!Spread::Each(Vec::from([1.0, 0.0])).is_valid(3));
        assert!(!Spread::Each(Vec::from([f64::MAX, f64::MAX])).is_valid(2));
        assert!(!Spread::Fixed(-1.0).is_valid(1));
        assert!(!Spread::LogUniform { least: 0.0, most: 1.0 }.is_valid(1));
        assert!(!Spread::Zipf { total: f64::NAN, exponent: 1.0 }.is_valid(1));
        assert!(!Ttls::Fixed(Duration::ZERO).is_valid());
    }
}
