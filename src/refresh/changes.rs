//! How often a value changes, as its refreshes show it.

/// The prior weighs as much as so many changes.
const PRIOR: f64 = 0.7;

/// After so many observations each one more takes something from those before.
const MEMORY: f64 = 64.0;

/// A change rate, as a mean of a gamma distribution.
///
/// A refresh after `t` seconds tells only *whether* there were changes. If there was one at least,
/// their expected number is `d t / (1 - e^(-d t))`; that is what is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ChangeRate {
    changes: f64,
    seconds: f64,
    observations: f64,
}

impl ChangeRate {
    /// A rate that nobody has observed.
    pub(super) fn unknown(rate: f64) -> Self {
        let rate = if rate.is_finite() { rate.clamp(1e-9, 1e9) } else { 1.0 };
        Self { changes: PRIOR, seconds: PRIOR / rate, observations: 0.0 }
    }

    /// A rate that is well known.
    pub(super) fn known(rate: f64) -> Self {
        let rate = rate.clamp(1e-9, 1e9);
        Self { changes: MEMORY, seconds: MEMORY / rate, observations: MEMORY }
    }

    /// Changes a second.
    pub(super) fn rate(&self) -> f64 {
        (self.changes / self.seconds).clamp(1e-9, 1e9)
    }

    /// Whether anything was observed.
    pub(super) const fn is_observed(&self) -> bool {
        self.observations > 0.0
    }

    /// A refresh after so many seconds has brought another value, or the same.
    pub(super) fn observe(&mut self, seconds: f64, is_changed: bool) {
        let seconds = seconds.clamp(1e-9, 1e9);
        let expected = self.rate() * seconds;
        if is_changed {
            self.changes += expected / -libm::expm1(-expected);
        }
        self.seconds += seconds;
        self.observations += 1.0;
        if self.observations > MEMORY {
            let left = MEMORY / self.observations;
            self.changes *= left;
            self.seconds *= left;
            self.observations = MEMORY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_observed_is_learned() {
        // Of values that change once in ten seconds, refreshes after five see 39 in 100 change.
        let mut rate = ChangeRate::unknown(1.0);
        let mut random = 1_u32;
        let mut mean = 0.0;
        for round in 0..2_000 {
            random = random.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            let is_changed = f64::from(random >> 8) / f64::from(1 << 24) < 0.3935;
            rate.observe(5.0, is_changed);
            if round >= 100 {
                mean += rate.rate() / 1_900.0;
            }
        }
        assert!((0.09..0.115).contains(&mean), "{mean}");
    }

    #[test]
    fn extremes_are_finite() {
        let mut rate = ChangeRate::unknown(f64::NAN);
        for seconds in [0.0, f64::INFINITY, 1e300, 1e-300] {
            (0..200).for_each(|_| rate.observe(seconds, true));
            assert!(rate.rate().is_finite() && rate.rate() > 0.0);
            (0..200).for_each(|_| rate.observe(seconds, false));
            assert!(rate.rate().is_finite() && rate.rate() > 0.0);
        }
    }
}
