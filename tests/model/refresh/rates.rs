//! What is learned of an id, from a plain list of what was seen.

use core::time::Duration;

use punctual::refresh::{Learned, Terms};
use punctual::time::Time;

/// Hits that are expected of who is new, in its first soft TTL.
const PRIOR_HITS: f64 = 0.5;

/// The quick mean forgets so many times as fast; it counts with so many hits, if it is so many
/// times the slow one.
const QUICK: f64 = 16.0;
const ENOUGH: f64 = 8.0;
const GROWTH: f64 = 2.0;

/// What is expected of changes weighs like so many, and what is remembered like so many.
const PRIOR_CHANGES: f64 = 0.7;
const MOST_CHANGES: f64 = 64.0;

/// Everything that an id's rates follow from.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    born: Time,
    first_hits: f64,
    first_seconds: f64,
    quick_hits: f64,
    quick_seconds: f64,
    touches: Vec<(Time, u32)>,
    /// The expected rate, with how many observations' weight.
    expected: (f64, f64),
    looks: Vec<(f64, bool)>,
}

impl Seen {
    pub(crate) fn nothing(now: Time) -> Self {
        let mut seen = Self {
            born: now,
            first_hits: PRIOR_HITS,
            first_seconds: 0.0,
            quick_hits: 0.0,
            quick_seconds: 0.0,
            touches: Vec::new(),
            expected: (1.0, PRIOR_CHANGES),
            looks: Vec::new(),
        };
        seen.expect_hits(now, Duration::from_secs(60));
        seen
    }

    /// Half a hit is expected in that time.
    pub(crate) fn expect_hits(&mut self, now: Time, within: Duration) {
        let seconds = within.as_secs_f64().clamp(1e-3, 1e9);
        (self.born, self.first_hits, self.first_seconds) = (now, PRIOR_HITS, seconds);
        (self.quick_hits, self.quick_seconds) = (0.0, seconds);
        self.touches.clear();
    }

    pub(crate) fn expect_changes(&mut self, terms: &Terms) {
        if self.looks.is_empty() && self.expected.1 < MOST_CHANGES {
            let rate = if terms.change_rate.is_finite() { terms.change_rate } else { 1.0 };
            self.expected.0 = rate.clamp(1e-9, 1e9);
        }
    }

    pub(crate) fn teach(&mut self, now: Time, learned: Learned, memory: Duration) {
        let seconds = memory.as_secs_f64();
        (self.born, self.first_seconds) = (now, seconds);
        self.first_hits = learned.hit_rate * seconds;
        (self.quick_hits, self.quick_seconds) = (self.first_hits, self.first_seconds);
        self.touches.clear();
        self.expected = (learned.change_rate.clamp(1e-9, 1e9), MOST_CHANGES);
        self.looks.clear();
    }

    pub(crate) fn touch(&mut self, now: Time, hits: u32) {
        self.touches.push((now, hits));
    }

    pub(crate) fn look(&mut self, seconds: f64, is_changed: bool) {
        self.looks.push((seconds.clamp(1e-9, 1e9), is_changed));
    }

    pub(crate) fn learned(&self, now: Time, memory: Duration) -> Learned {
        let memory = memory.as_secs_f64();
        let (_, slow) = self.mean(now, (self.first_hits, self.first_seconds), memory);
        let first = (self.quick_hits, self.quick_seconds);
        let (hits, quick) = self.mean(now, first, memory / QUICK);
        let hit_rate = if hits >= ENOUGH && quick > GROWTH * slow { quick } else { slow };
        Learned { hit_rate: hit_rate.clamp(1e-12, 1e12), change_rate: self.change_rate() }
    }

    /// Each hit counts by its age, and so does the time in which they came.
    fn mean(&self, now: Time, first: (f64, f64), memory: f64) -> (f64, f64) {
        let left = |since: Time| (-now.saturating_since(since).as_secs_f64() / memory).exp();
        let since_birth = left(self.born);
        let touches = self.touches.iter().map(|&(at, hits)| f64::from(hits) * left(at));
        let hits = first.0 * since_birth + touches.sum::<f64>();
        let seconds = first.1 * since_birth + memory * (1.0 - since_birth);
        (hits, hits / seconds.max(1e-9))
    }

    fn change_rate(&self) -> f64 {
        let (rate, weight) = self.expected;
        let (mut changes, mut seconds) = (weight, weight / rate);
        let is_taught = weight >= MOST_CHANGES;
        for (number, &(after, is_changed)) in self.looks.iter().enumerate() {
            let mean = (changes / seconds).clamp(1e-9, 1e9) * after;
            changes += if is_changed { mean / -(-mean).exp_m1() } else { 0.0 };
            seconds += after;
            if is_taught || number as f64 >= MOST_CHANGES {
                changes *= MOST_CHANGES / (MOST_CHANGES + 1.0);
                seconds *= MOST_CHANGES / (MOST_CHANGES + 1.0);
            }
        }
        (changes / seconds).clamp(1e-9, 1e9)
    }
}
