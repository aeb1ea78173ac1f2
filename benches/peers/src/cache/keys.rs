//! Which keys are asked for, and in which order.

use crate::workload::random::Random;
use crate::workload::scheduler::drawn;

/// Ranks by Zipf's law: the first is asked for most.
pub(crate) struct Zipf {
    /// The sums of the weights up to each rank, as shares of all.
    cumulative: Box<[f64]>,
}

impl Zipf {
    pub(crate) fn new(count: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut cumulative: Box<[f64]> = (1..=count)
            .map(|rank| {
                sum += f64::from(rank).powf(-exponent);
                sum
            })
            .collect();
        for share in &mut cumulative {
            *share /= sum;
        }
        Self { cumulative }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> u32 {
        let share = share(random);
        self.cumulative.partition_point(|&sum| sum < share) as u32
    }
}

/// A number in (0, 1).
pub(crate) fn share(random: &mut Random) -> f64 {
    ((random.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// All keys once, in random order: who asks for neighbours finds no neighbours in memory.
pub(crate) fn shuffled_keys(count: u32, seed: u64) -> Vec<u32> {
    drawn(count as usize, count as usize, &mut Random::new(seed))
}

/// What a cache is asked for, one key after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trace {
    /// Zipf's law with this exponent.
    Zipf(f64),
    /// The same keys again and again, so many times the capacity.
    Loop(f64),
    /// Zipf's law, and after as many requests as the capacity is, as many keys that nobody asks
    /// for a second time.
    Scans,
}

impl Trace {
    /// `length` keys, for a cache of `capacity` entries; popular ones are below `count`.
    pub(crate) fn keys(self, length: usize, capacity: usize, count: u32) -> Vec<u32> {
        let mut random = Random::new(7);
        match self {
            Self::Zipf(exponent) => {
                let zipf = Zipf::new(count, exponent);
                (0..length).map(|_| zipf.draw(&mut random)).collect()
            }
            Self::Loop(times) => {
                let around = (times * capacity as f64) as usize;
                (0..length).map(|at| (at % around) as u32).collect()
            }
            Self::Scans => {
                let (zipf, mut next) = (Zipf::new(count, 0.99), count);
                let mut draw = |at: usize| {
                    if (at / capacity).is_multiple_of(2) {
                        return zipf.draw(&mut random);
                    }
                    next += 1;
                    next
                };
                (0..length).map(&mut draw).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_law() {
        let (zipf, mut random) = (Zipf::new(1_000, 1.0), Random::new(1));
        let mut counts = [0_u32; 1_000];
        for _ in 0..1_000_000 {
            counts[zipf.draw(&mut random) as usize] += 1;
        }
        let harmonic: f64 = (1..=1_000).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [1_u32, 2, 10, 100] {
            let expected = 1e6 / harmonic / f64::from(rank);
            let counted = f64::from(counts[rank as usize - 1]);
            assert!((counted / expected - 1.0).abs() < 0.1, "rank {rank}: {counted}, {expected}");
        }
        assert_eq!(counts.iter().sum::<u32>(), 1_000_000);
    }

    #[test]
    fn traces_are_what_they_say() {
        assert_eq!(Trace::Loop(1.5).keys(7, 2, 10), [0, 1, 2, 0, 1, 2, 0]);
        let scans = Trace::Scans.keys(1_000, 100, 50);
        let (asked, scanned): (Vec<u32>, _) = scans.iter().partition(|&&key| key < 50);
        assert_eq!((asked.len(), scanned.len()), (500, 500));
        let once: std::collections::BTreeSet<_> = scanned.iter().collect();
        assert_eq!(once.len(), scanned.len());
    }
}
