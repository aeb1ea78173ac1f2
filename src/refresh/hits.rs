//! How often an entry is asked for.

use core::time::Duration;

use crate::time::Time;

/// The quick mean forgets so many times as fast.
const QUICK: f64 = 16.0;

/// So many hits must be in the quick mean before it counts.
const ENOUGH: f64 = 8.0;

/// The quick mean counts if it is so many times the slow one: that is growth, and not chance.
const GROWTH: f64 = 2.0;

/// Hits that are assumed of an entry that nobody knows, in the time of its soft TTL.
const PRIOR: f64 = 0.5;

/// No rate is below this, so that every entry is worth something.
const LEAST: f64 = 1e-12;

/// Hits and the time in which they came, both forgotten alike: while an entry is young their
/// quotient is a plain mean.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mean {
    hits: f64,
    seconds: f64,
}

/// An entry's hit rate, by two means: a slow one, and a quick one for entries that become hot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct HitRate {
    slow: Mean,
    quick: Mean,
    at: Time,
}

impl Mean {
    /// What is left of it after some time, with a time constant, both in seconds.
    fn after(self, seconds: f64, memory: f64) -> Self {
        let left = libm::exp(-seconds / memory);
        Self { hits: self.hits * left, seconds: self.seconds * left + memory * (1.0 - left) }
    }

    fn rate(self) -> f64 {
        self.hits / self.seconds.max(1e-9)
    }
}

impl HitRate {
    /// The rate of an entry of which nothing is known but how long it is fresh.
    pub(super) fn unknown(now: Time, soft_ttl: Duration) -> Self {
        let seconds = soft_ttl.as_secs_f64().clamp(1e-3, 1e9);
        let mean = Mean { hits: PRIOR, seconds };
        Self { slow: mean, quick: Mean { hits: 0.0, seconds }, at: now }
    }

    /// The rate of an entry that was known elsewhere.
    pub(super) fn known(now: Time, rate: f64, memory: Duration) -> Self {
        let seconds = memory.as_secs_f64();
        let mean = Mean { hits: rate * seconds, seconds };
        Self { slow: mean, quick: mean.after(0.0, seconds), at: now }
    }

    fn at(&self, now: Time, memory: Duration) -> Self {
        if now <= self.at {
            return *self;
        }
        let seconds = now.saturating_since(self.at).as_secs_f64();
        let memory = memory.as_secs_f64();
        Self {
            slow: self.slow.after(seconds, memory),
            quick: self.quick.after(seconds, memory / QUICK),
            at: self.at.max(now),
        }
    }

    /// Some hits have come.
    pub(super) fn touch(&mut self, now: Time, hits: u32, memory: Duration) {
        *self = self.at(now, memory);
        self.slow.hits += f64::from(hits);
        self.quick.hits += f64::from(hits);
    }

    /// Hits a second.
    pub(super) fn rate(&self, now: Time, memory: Duration) -> f64 {
        let Self { slow, quick, .. } = self.at(now, memory);
        let has_grown = quick.hits >= ENOUGH && quick.rate() > GROWTH * slow.rate();
        (if has_grown { quick } else { slow }).rate().clamp(LEAST, 1e12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Duration = Duration::from_secs(600);

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_young_entry_has_a_plain_mean() {
        let mut rate = HitRate::unknown(at(0), Duration::from_secs(1));
        (1..=20).for_each(|second| rate.touch(at(second), 3, MEMORY));
        assert!((2.7..3.1).contains(&rate.rate(at(20), MEMORY)), "{}", rate.rate(at(20), MEMORY));
    }

    #[test]
    fn growth_is_noticed_soon_and_idleness_in_time() {
        let mut rate = HitRate::unknown(at(0), Duration::from_secs(60));
        (1..=2_000).for_each(|second| rate.touch(at(second), u32::from(second % 10 == 0), MEMORY));
        assert!((0.08..0.12).contains(&rate.rate(at(2_000), MEMORY)));
        (2_001..=2_030).for_each(|second| rate.touch(at(second), 5, MEMORY));
        assert!(rate.rate(at(2_030), MEMORY) > 2.0);
        assert!(rate.rate(at(9_000), MEMORY) < 0.01);
    }

    #[test]
    fn extremes_are_finite() {
        let mut rate = HitRate::unknown(at(0), Duration::ZERO);
        (0..100).for_each(|_| rate.touch(at(0), u32::MAX, MEMORY));
        assert!(rate.rate(at(0), MEMORY).is_finite());
        assert!(rate.rate(Time::MAX, MEMORY) > 0.0);
        let known = HitRate::known(at(5), 40.0, MEMORY);
        assert!((39.0..41.0).contains(&known.rate(at(5), MEMORY)));
    }
}
