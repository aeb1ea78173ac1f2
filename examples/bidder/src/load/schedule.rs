//! When requests are due: a pure iterator of offsets, decided before the first answer comes.
//!
//! An open-loop generator must not let the server set its own pace. The offsets here depend on
//! nothing but the rate, the span and the seed, so a slow server meets the same requests at the
//! same times as a fast one.

use std::time::Duration;

/// How requests are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Arrivals {
    /// Independent arrivals, as from many exchanges: gaps are exponentially distributed.
    Poisson,
    /// Equal gaps, the kindest traffic that a server can get.
    Constant,
}

/// The offsets from the start at which requests are due, in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    rate_per_s: f64,
    span: Duration,
    sent: u64,
    offset_s: f64,
    random: fastrand::Rng,
}

impl Schedule {
    /// Starts a schedule of `rate_per_s` over `span`; the rate must be positive and finite.
    pub(crate) fn new(arrivals: Arrivals, rate_per_s: f64, span: Duration, seed: u64) -> Self {
        debug_assert!(rate_per_s.is_finite() && rate_per_s > 0.0);
        let random = fastrand::Rng::with_seed(seed);
        Self { arrivals, rate_per_s, span, sent: 0, offset_s: 0.0, random }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.offset_s = match self.arrivals {
            // A product, not a running sum, so that rounding cannot drift over a long run.
            Arrivals::Constant => self.sent as f64 / self.rate_per_s,
            // `f64` is below one, so the logarithm's argument is never zero.
            Arrivals::Poisson => self.offset_s - (1.0 - self.random.f64()).ln() / self.rate_per_s,
        };
        // An offset too large for a `Duration` is past every span.
        let offset = Duration::try_from_secs_f64(self.offset_s).ok()?;
        self.sent += 1;
        (offset < self.span).then_some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule(arrivals: Arrivals, rate_per_s: f64, span: Duration, seed: u64) -> Vec<Duration> {
        Schedule::new(arrivals, rate_per_s, span, seed).collect()
    }

    #[test]
    fn constant_arrivals_are_equally_spaced_and_end_before_the_span() {
        let offsets = schedule(Arrivals::Constant, 4.0, SECOND, 0);
        assert_eq!(offsets, [0, 250, 500, 750].map(Duration::from_millis));
    }

    #[test]
    fn constant_arrivals_do_not_drift() {
        let mut schedule = Schedule::new(Arrivals::Constant, 3.0, SECOND * 1_000_000, 0);
        assert_eq!(schedule.nth(2_999_997), Some(SECOND * 999_999));
    }

    #[test]
    fn poisson_arrivals_ascend_and_repeat_with_their_seed_only() {
        let offsets = schedule(Arrivals::Poisson, 1_000.0, SECOND, 7);
        assert!(offsets.is_sorted());
        assert!(offsets.iter().all(|offset| *offset < SECOND));
        assert_eq!(offsets, schedule(Arrivals::Poisson, 1_000.0, SECOND, 7));
        assert_ne!(offsets, schedule(Arrivals::Poisson, 1_000.0, SECOND, 8));
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_the_spread_of_an_exponential() {
        let rate_per_s = 500.0;
        let offsets = schedule(Arrivals::Poisson, rate_per_s, SECOND * 200, 1);
        let gaps: Vec<f64> =
            offsets.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * rate_per_s).collect();
        let count = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / count;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
        let above_mean = gaps.iter().filter(|gap| **gap > 1.0).count() as f64 / count;
        assert!((mean - 1.0).abs() < 0.02, "mean gap {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
        assert!((above_mean - (-1.0_f64).exp()).abs() < 0.01, "share above the mean {above_mean}");
    }

    #[test]
    fn a_rate_too_small_for_any_arrival_gives_none() {
        assert_eq!(schedule(Arrivals::Poisson, f64::MIN_POSITIVE, SECOND, 3), []);
        assert_eq!(schedule(Arrivals::Constant, f64::MIN_POSITIVE, SECOND, 3), [Duration::ZERO]);
    }
}
