//! Random numbers that are the same on every machine and with every version of a dependency.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// A generator and the few distributions that a simulation needs.
///
/// The transformations are written out over `libm`, whose results depend neither on the processor
/// nor on the system's library: with either, a seed would mean another run elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Random {
    generator: Pcg64,
}

impl Random {
    /// The generator of one use: another use of the same seed is independent, so that a change
    /// of one stream of jobs leaves the others as they were.
    pub(super) fn new(seed: u64, usage: u64) -> Self {
        let state = (u128::from(seed) << 64) | u128::from(!seed);
        Self { generator: Pcg64::new(state, u128::from(usage)) }
    }

    /// A number below `bound`, which is at least 1. Multiplied, not divided: the bias is less
    /// than `bound` / 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.generator.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in 0.0..1.0.
    pub(super) fn unit(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Whether something happens that happens with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An exponentially distributed number of mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }

    /// A normally distributed number of mean 0 and deviation 1 (Box and Muller; the second one
    /// is thrown away, so that every call takes two numbers from the generator).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(core::f64::consts::TAU * self.unit())
    }

    /// An exponentially distributed time of this mean, at least 1 ns.
    pub(super) fn time_ns(&mut self, mean_ns: u64) -> u64 {
        scaled(mean_ns, self.exponential()).max(1)
    }
}

/// A time multiplied by a factor; saturates.
pub(super) fn scaled(ns: u64, factor: f64) -> u64 {
    (ns as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(mut draw: impl FnMut() -> f64) -> f64 {
        (0..100_000).map(|_| draw()).sum::<f64>() / 100_000.0
    }

    #[test]
    fn means_are_what_they_are_called() {
        let mut random = Random::new(1, 0);
        assert!((mean(|| random.unit()) - 0.5).abs() < 0.01);
        assert!((mean(|| random.exponential()) - 1.0).abs() < 0.02);
        assert!(mean(|| random.normal()).abs() < 0.02);
        assert!((mean(|| random.normal().powi(2)) - 1.0).abs() < 0.03);
        assert!((mean(|| random.below(10) as f64) - 4.5).abs() < 0.05);
        assert!((mean(|| f64::from(u8::from(random.chance(0.2)))) - 0.2).abs() < 0.01);
    }

    #[test]
    fn a_seed_gives_these_numbers_everywhere() {
        let mut random = Random::new(42, 7);
        let drawn = [random.below(1_000_000), random.time_ns(1_000_000), random.below(1 << 40)];
        let normal_bits = random.normal().to_bits();
        assert_eq!(drawn, [926_568, 140_357, 218_074_590_158]);
        assert_eq!(normal_bits, 13_817_560_729_864_119_008);
    }
}
