//! How durations are distributed, in a few kilobytes and without floating point.

use alloc::vec::Vec;
use core::time::Duration;

use crate::time::saturating_nanos;

/// A share of all values, in ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantile(u16);

impl Quantile {
    /// The median.
    pub const P50: Self = Self(5_000);
    /// Nine of ten.
    pub const P90: Self = Self(9_000);
    /// 95 of 100.
    pub const P95: Self = Self(9_500);
    /// 99 of 100.
    pub const P99: Self = Self(9_900);
    /// 999 of 1,000.
    pub const P999: Self = Self(9_990);
    /// All of them.
    pub const MAX: Self = Self(10_000);

    /// So many ten-thousandths; `None` above 10,000.
    #[must_use]
    pub const fn new(ten_thousandths: u16) -> Option<Self> {
        if ten_thousandths <= 10_000 { Some(Self(ten_thousandths)) } else { None }
    }

    /// How many ten-thousandths it is.
    #[must_use]
    pub const fn ten_thousandths(self) -> u16 {
        self.0
    }

    /// How many of `count` values it covers, rounded up.
    const fn of(self, count: u64) -> u64 {
        (count as u128 * self.0 as u128).div_ceil(10_000) as u64
    }
}

/// Each power of two is divided into this many buckets, as a power of two itself: a bucket's
/// upper end is at most a sixteenth above what is in it.
const SPLIT: u32 = 4;

/// Values of 2^45 ns (ten hours) and more share the last bucket.
const BUCKETS: usize = bucket((1 << 45) - 1) + 2;

/// Counts of durations in buckets whose width grows with the duration: up to 16 ns exact, beyond
/// that at most a sixteenth wide.
///
/// ```
/// use core::time::Duration;
/// use punctual::scheduler::{Histogram, Quantile};
///
/// let mut delays = Histogram::new();
/// for us in 1..=1_000 {
///     delays.record(Duration::from_micros(us));
/// }
/// let p90 = delays.quantile(Quantile::P90).expect("it is not empty");
/// assert!((900..957).contains(&p90.as_micros()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Empty until the first value: a class that is never used costs nothing.
    counts: Vec<u64>,
    count: u64,
    sum_ns: u128,
    max_ns: u64,
}

const fn bucket(ns: u64) -> usize {
    if ns < 1 << SPLIT {
        return ns as usize;
    }
    let power = ns.ilog2() - SPLIT;
    ((power as usize) << SPLIT) + (ns >> power) as usize
}

/// The largest value of a bucket.
const fn upper_end(bucket: usize) -> u64 {
    let power = (bucket >> SPLIT).saturating_sub(1);
    let low = bucket - (power << SPLIT);
    ((low as u64 + 1) << power) - 1
}

impl Histogram {
    /// A histogram without values, which has not allocated yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: Vec::new(), count: 0, sum_ns: 0, max_ns: 0 }
    }

    /// Counts a value. O(1); the first one allocates.
    pub fn record(&mut self, value: Duration) {
        let ns = saturating_nanos(value);
        if self.counts.is_empty() {
            self.counts.resize(BUCKETS, 0);
        }
        self.counts[bucket(ns).min(BUCKETS - 1)] += 1;
        self.count += 1;
        self.sum_ns += u128::from(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    /// How many values were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The mean of all values; `None` if there is none.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let mean_ns = self.sum_ns.checked_div(u128::from(self.count))?;
        Some(Duration::from_nanos(u64::try_from(mean_ns).unwrap_or(u64::MAX)))
    }

    /// The largest value; `None` if there is none.
    #[must_use]
    pub const fn max(&self) -> Option<Duration> {
        match self.count {
            0 => None,
            _ => Some(Duration::from_nanos(self.max_ns)),
        }
    }

    /// A value that so many values don't exceed, at most a sixteenth above the smallest such;
    /// `None` if there is none. O(buckets), of which there are about 700.
    #[must_use]
    pub fn quantile(&self, quantile: Quantile) -> Option<Duration> {
        let rank = quantile.of(self.count).max(1);
        let mut seen = 0;
        let counts = self.counts.iter().enumerate();
        let found = counts.map(|(bucket, &count)| {
            seen += count;
            (bucket, seen)
        });
        let (bucket, _) = found.into_iter().find(|&(_, seen)| seen >= rank)?;
        let is_last = bucket == BUCKETS - 1;
        let ns = if is_last { self.max_ns } else { upper_end(bucket).min(self.max_ns) };
        Some(Duration::from_nanos(ns))
    }

    /// The upper ends of the buckets that hold something, and how much they hold, in rising
    /// order. Values of ten hours and more are in the last one.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let filled = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        filled.map(|(bucket, &count)| (Duration::from_nanos(upper_end(bucket)), count))
    }

    /// Adds another histogram's values.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.count += other.count;
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Halves every count, rounded down, so that what comes next weighs more than what was, for
    /// quantiles; the mean is only near its truth afterwards, and the largest value stays.
    pub(super) fn fade(&mut self) {
        for count in &mut self.counts {
            *count /= 2;
        }
        self.count = self.counts.iter().sum();
        self.sum_ns /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_narrow_and_without_gaps() {
        let mut next = 0;
        for at in 0..BUCKETS - 1 {
            let end = upper_end(at);
            assert_eq!((bucket(next), bucket(end)), (at, at), "bucket {at}");
            assert!(end - next <= next / 16, "bucket {at} is {next}..={end}");
            next = end + 1;
        }
        assert!(next >= 1 << 45);
    }

    #[test]
    fn quantiles_are_close_to_those_of_a_sorted_list() {
        let mut values: Vec<u64> = (0..2_000).map(|at| at * at * 37 + at % 7).collect();
        let mut histogram = Histogram::new();
        values.iter().for_each(|&ns| histogram.record(Duration::from_nanos(ns)));
        values.sort_unstable();
        for quantile in [Quantile::P50, Quantile::P90, Quantile::P99, Quantile::P999] {
            let exact = values[quantile.of(2_000) as usize - 1];
            let found = histogram.quantile(quantile).map(|found| found.as_nanos() as u64);
            assert!(found.is_some_and(|it| (exact..=exact + exact / 16).contains(&it)));
        }
        assert_eq!(histogram.quantile(Quantile::MAX), histogram.max());
    }

    #[test]
    fn extreme_values_are_counted() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(Quantile::P50), None);
        histogram.record(Duration::MAX);
        histogram.record(Duration::ZERO);
        assert_eq!(histogram.quantile(Quantile::P50), Some(Duration::ZERO));
        assert_eq!(histogram.quantile(Quantile::P99), Some(Duration::from_nanos(u64::MAX)));
        histogram.fade();
        assert_eq!((histogram.count(), histogram.quantile(Quantile::P50)), (0, None));
    }
}
