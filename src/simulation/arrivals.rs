//! When jobs arrive.

use core::time::Duration;

use super::random::Random;
use super::trace::Trace;
use crate::time::saturating_nanos;

/// When the jobs of a stream arrive. Rates are jobs in a second.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Arrivals {
    /// Independently of each other, at this rate.
    Poisson {
        /// Jobs in a second.
        rate: f64,
    },
    /// In bursts of Poisson arrivals; bursts and pauses last exponentially distributed times.
    OnOff {
        /// Jobs in a second while a burst lasts.
        rate: f64,
        /// The mean length of a burst.
        on: Duration,
        /// The mean length of a pause.
        off: Duration,
    },
    /// Poisson arrivals whose rate rises for the first part of every period.
    Spike {
        /// Jobs in a second between the spikes.
        base: f64,
        /// Jobs in a second while a spike lasts.
        spike: f64,
        /// How long a spike lasts; at most a period.
        length: Duration,
        /// The time from the start of a spike to that of the next.
        period: Duration,
    },
    /// One after each such time, the first at once.
    Even {
        /// The time between two jobs.
        every: Duration,
    },
    /// All at one moment.
    Batch {
        /// The moment, counted from the start.
        at: Duration,
        /// How many jobs.
        count: u32,
    },
    /// As recorded.
    Trace(Trace),
}

impl Arrivals {
    /// How many jobs there are, if that is known before they come.
    pub(super) fn known_jobs(&self) -> Option<u64> {
        match self {
            Self::Batch { count, .. } => Some((*count).into()),
            Self::Trace(trace) => Some(trace.rows().len() as u64),
            _ => None,
        }
    }

    /// The mean rate of what has phases.
    fn mean_rate(&self) -> f64 {
        let share = |of: Duration, in_all: Duration| of.as_secs_f64() / in_all.as_secs_f64();
        match *self {
            Self::Poisson { rate } => rate,
            Self::OnOff { rate, on, off } => rate * share(on, on.saturating_add(off)),
            Self::Spike { base, spike, length, period } => {
                base + (spike - base) * share(length, period)
            }
            Self::Even { .. } | Self::Batch { .. } | Self::Trace(_) => 0.0,
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
        match *self {
            Self::Poisson { rate } => is_rate(rate),
            Self::OnOff { rate, on, off } => is_rate(rate) && !on.is_zero() && !off.is_zero(),
            Self::Spike { base, spike, length, period } => {
                is_rate(base) && is_rate(spike) && !period.is_zero() && length <= period
            }
            Self::Even { every } => !every.is_zero(),
            Self::Batch { .. } | Self::Trace(_) => true,
        }
    }
}

/// Some jobs that arrive at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) at_ns: u64,
    pub(super) count: u32,
    /// The place in the trace, if there is one.
    pub(super) row: usize,
}

/// After so many phases without an arrival the next one comes at the mean rate: random phases that
/// are so much shorter than the time between two arrivals can't be told apart by anybody.
const MOST_PHASES: u32 = 1 << 16;

/// The arrivals of a stream, one after the other.
#[derive(Debug)]
pub(super) struct Feed {
    arrivals: Arrivals,
    random: Random,
    end_ns: u64,
    at_ns: u64,
    given: usize,
    /// Of `OnOff`: when the present phase ends, and whether it is a burst.
    phase_end_ns: u64,
    is_burst: bool,
}

impl Feed {
    /// The arrivals before `end_ns`.
    pub(super) fn new(arrivals: Arrivals, random: Random, end_ns: u64) -> Self {
        let (at_ns, given, phase_end_ns) = (0, 0, 0);
        Self { arrivals, random, end_ns, at_ns, given, phase_end_ns, is_burst: false }
    }

    /// The next arrival; `None` when there is none any more.
    pub(super) fn next(&mut self) -> Option<Arrival> {
        let (mut count, row) = (1, self.given);
        let at_ns = match &self.arrivals {
            Arrivals::Even { .. } if row == 0 => 0,
            Arrivals::Even { every } => self.at_ns.saturating_add(saturating_nanos(*every)),
            Arrivals::Batch { at, count: all } if row == 0 => {
                count = *all;
                saturating_nanos(*at)
            }
            Arrivals::Batch { .. } => return None,
            Arrivals::Trace(trace) => saturating_nanos(trace.rows().get(row)?.at),
            Arrivals::Poisson { .. } | Arrivals::OnOff { .. } | Arrivals::Spike { .. } => {
                self.next_at_a_rate()?
            }
        };
        self.given += 1;
        self.at_ns = at_ns;
        (at_ns < self.end_ns).then_some(Arrival { at_ns, count, row })
    }

    /// The next of arrivals whose rate changes from phase to phase: the integral of the rate
    /// from one arrival to the next is exponentially distributed.
    fn next_at_a_rate(&mut self) -> Option<u64> {
        let (mut expected, mut at_ns) = (self.random.exponential(), self.at_ns);
        for _ in 0..MOST_PHASES {
            if at_ns >= self.end_ns {
                return None;
            }
            let (rate, until_ns) = self.phase(at_ns);
            let rate_per_ns = rate / 1e9;
            let in_phase = rate_per_ns * (until_ns - at_ns) as f64;
            if in_phase > expected {
                return Some(at_ns.saturating_add((expected / rate_per_ns) as u64));
            }
            expected -= in_phase;
            at_ns = until_ns;
            self.skip_periods(&mut expected, &mut at_ns);
        }
        let mean_per_ns = self.arrivals.mean_rate() / 1e9;
        Some(at_ns.saturating_add((expected / mean_per_ns) as u64))
    }

    /// Skips the whole periods of spikes in which nothing comes: there may be a billion of them.
    fn skip_periods(&self, expected: &mut f64, at_ns: &mut u64) {
        let Arrivals::Spike { period, .. } = self.arrivals else { return };
        let period_ns = saturating_nanos(period);
        let in_period = self.arrivals.mean_rate() / 1e9 * period_ns as f64;
        // One less than would fit, since a sum of many parts is not exactly a product.
        let periods = if in_period > 0.0 { *expected / in_period - 1.0 } else { f64::INFINITY };
        if periods >= 1.0 {
            let periods = periods as u64;
            *expected -= periods as f64 * in_period;
            *at_ns = at_ns.saturating_add(periods.saturating_mul(period_ns));
        }
    }

    /// The rate at a moment, and until when it stays, at least a nanosecond.
    fn phase(&mut self, at_ns: u64) -> (f64, u64) {
        match self.arrivals {
            Arrivals::Poisson { rate } => (rate, u64::MAX),
            Arrivals::OnOff { rate, on, off } => {
                if at_ns >= self.phase_end_ns {
                    self.is_burst = !self.is_burst;
                    let mean = if self.is_burst { on } else { off };
                    let length_ns = self.random.time_ns(saturating_nanos(mean));
                    self.phase_end_ns = at_ns.saturating_add(length_ns);
                }
                (if self.is_burst { rate } else { 0.0 }, self.phase_end_ns)
            }
            Arrivals::Spike { base, spike, length, period } => {
                let period_ns = saturating_nanos(period);
                let start_ns = at_ns - at_ns % period_ns;
                let end_ns = start_ns.saturating_add(saturating_nanos(length));
                match at_ns < end_ns {
                    true => (spike, end_ns),
                    false => (base, start_ns.saturating_add(period_ns)),
                }
            }
            Arrivals::Even { .. } | Arrivals::Batch { .. } | Arrivals::Trace(_) => (0.0, u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::TraceRow;
    use alloc::vec::Vec;

    const SECOND_NS: u64 = 1_000_000_000;

    fn all(arrivals: Arrivals, seconds: u64) -> Vec<u64> {
        assert!(arrivals.is_valid());
        let mut feed = Feed::new(arrivals, Random::new(3, 0), seconds * SECOND_NS);
        let mut times = Vec::new();
        while let Some(arrival) = feed.next() {
            times.extend((0..arrival.count).map(|_| arrival.at_ns));
        }
        assert!(times.is_sorted());
        times
    }

    #[test]
    fn rates_are_kept() {
        let ms = Duration::from_millis;
        let poisson = all(Arrivals::Poisson { rate: 1_000.0 }, 50).len();
        assert!((49_000..51_000).contains(&poisson), "{poisson}");
        let bursts = all(Arrivals::OnOff { rate: 3_000.0, on: ms(10), off: ms(20) }, 50).len();
        assert!((45_000..55_000).contains(&bursts), "{bursts}");
        let (length, period) = (ms(100), ms(1_000));
        let spikes = all(Arrivals::Spike { base: 800.0, spike: 10_000.0, length, period }, 50);
        let in_spikes = spikes.iter().filter(|&at_ns| at_ns % SECOND_NS < SECOND_NS / 10).count();
        assert!((49_000..51_000).contains(&in_spikes), "{in_spikes}");
        let between = spikes.len() - in_spikes;
        assert!((35_000..37_000).contains(&between), "{between}");
        assert!(all(Arrivals::Poisson { rate: 0.0 }, 1).is_empty());
    }

    #[test]
    fn tiny_phases_and_rates_of_zero_end() {
        let (ns, long) = (Duration::from_nanos(1), Duration::from_secs(1 << 30));
        for (base, spike) in [(0.0, 0.0), (0.0, 1e-9), (1e-9, 0.0)] {
            let spikes = Arrivals::Spike { base, spike, length: ns, period: 2 * ns };
            assert!(all(spikes, 1 << 30).len() < 10);
        }
        for rate in [0.0, 1e-9] {
            assert!(all(Arrivals::OnOff { rate, on: ns, off: ns }, 1 << 30).len() < 10);
            assert!(all(Arrivals::OnOff { rate, on: long, off: long }, 1 << 30).len() < 10);
        }
        // What is skipped, and what is drawn at the mean rate, changes no rate.
        let spikes = Arrivals::Spike { base: 0.0, spike: 20.0, length: ns, period: 2 * ns };
        let bursts = Arrivals::OnOff { rate: 20.0, on: ns, off: ns };
        for arrivals in [spikes, bursts] {
            let count = all(arrivals, 100).len();
            assert!((900..1_100).contains(&count), "{count}");
        }
    }

    #[test]
    fn bursts_have_their_lengths() {
        let ms = Duration::from_millis;
        // Counted in windows of a burst's mean length T, Poisson arrivals have a variance as large
        // as their mean. Random phases of that mean add (rate * T)^2 * (1 + e^-2) / 8, the
        // integral of their covariance, rate^2 / 4 * e^(-2t / T).
        let times = all(Arrivals::OnOff { rate: 10_000.0, on: ms(10), off: ms(10) }, 200);
        let mut counts = Vec::from([0.0_f64; 20_000]);
        times.iter().for_each(|at_ns| counts[(at_ns / 10_000_000) as usize] += 1.0);
        let mean = counts.iter().sum::<f64>() / 20_000.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 20_000.0;
        let expected = mean + 100.0 * 100.0 * (libm::exp(-2.0) + 1.0) / 8.0;
        assert!((mean - 50.0).abs() < 2.0, "{mean}");
        assert!((variance / expected - 1.0).abs() < 0.05, "{variance}, not {expected}");
    }

    #[test]
    fn moments_are_kept() {
        let half = Duration::from_millis(500);
        assert_eq!(all(Arrivals::Even { every: half }, 1), [0, SECOND_NS / 2]);
        assert_eq!(all(Arrivals::Batch { at: half, count: 2 }, 1), [SECOND_NS / 2; 2]);
        let rows = [0, 7, 7, 2 * SECOND_NS]
            .map(|at_ns| TraceRow { at: Duration::from_nanos(at_ns), ..TraceRow::default() });
        let trace = Trace::new(rows.to_vec()).expect("it is sorted");
        assert_eq!(all(Arrivals::Trace(trace), 1), [0, 7, 7]);
    }
}
