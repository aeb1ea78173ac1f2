//! The random numbers that configurations are made of.

use std::time::Duration;

/// S. Vigna's splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`.
    pub(crate) fn within(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(crate) fn us(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_nanos(self.within(least * 1_000, most * 1_000))
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    /// A number from `least` to `most`, in steps of a 1,024th of that.
    pub(crate) fn real(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * (self.within(0, 1_024) as f64 / 1_024.0)
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.within(0, from.len() as u64 - 1) as usize].clone()
    }
}
