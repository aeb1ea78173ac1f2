//! How long loads take.

use core::mem;
use core::time::Duration;

use crate::scheduler::{Histogram, Quantile};

/// A quantile is made of so many loads, and of as many before them.
const WINDOW: u64 = 512;

/// It is asked for often, and made anew after so many loads.
const EVERY: u64 = 16;

/// A high quantile of what recent loads took.
#[derive(Default)]
pub(super) struct Latency {
    recent: Histogram,
    before: Option<Duration>,
    high: Duration,
    /// What the builder was told, until loads show it.
    declared: Duration,
}

impl Latency {
    pub(super) fn declared(latency: Duration) -> Self {
        Self { high: latency, declared: latency, ..Self::default() }
    }

    pub(super) fn record(&mut self, took: Duration) {
        self.recent.record(took);
        let count = self.recent.count();
        if count < EVERY || count.is_multiple_of(EVERY) {
            let recent = self.recent.quantile(Quantile::P99);
            let known = recent.max(self.before);
            self.high = known.unwrap_or(self.declared);
        }
        if count >= WINDOW {
            self.before = mem::take(&mut self.recent).quantile(Quantile::P99);
        }
    }

    /// What 99 of 100 loads took at most.
    pub(super) const fn high(&self) -> Duration {
        self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let ms = Duration::from_millis;
        let mut latency = Latency::declared(ms(7));
        assert_eq!(latency.high(), ms(7));
        latency.record(ms(40));
        assert_eq!(latency.high(), ms(40));
        (0..2 * WINDOW).for_each(|_| latency.record(ms(10)));
        assert!((ms(10)..ms(11)).contains(&latency.high()), "{:?}", latency.high());
    }
}
