//! Counts and histograms of a run: pure bookkeeping of outcomes, latencies and deadlines.
//!
//! An *answer* is a bid or a no-bid. Other statuses and failures are counted apart and have no
//! latency here: a server that fails fast must not look fast. An *evaluated* answer is one that the
//! server did not mark as shed.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::distinct::DistinctCounts;
use super::outcome::{Failure, Outcome};

/// How many distinct reasons for shedding are told apart.
const MAX_SHED_REASONS: usize = 16;

/// The longest time that a histogram tells from longer ones.
const MAX_RECORDED: Duration = Duration::from_secs(3600);

/// What became of the requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Requests that were due.
    pub(crate) scheduled: u64,
    /// Requests that were given to a connection.
    pub(crate) sent: u64,
    /// Answers with bids.
    pub(crate) bids: u64,
    /// Answers without bids, evaluated or shed.
    pub(crate) no_bids: u64,
    /// Statuses other than 200 and 204, by code; HTTP has at most 900.
    pub(crate) other_statuses: BTreeMap<u16, u64>,
    /// Requests without a usable answer.
    pub(crate) errors: Errors,
    /// Answers that came by their deadline.
    pub(crate) on_time: u64,
    /// Answers with bids that came by their deadline.
    pub(crate) on_time_bids: u64,
    /// Evaluated answers that came by their deadline: the goodput.
    pub(crate) on_time_evaluated: u64,
    /// Answers that came after their deadline.
    pub(crate) late: u64,
    /// Evaluated answers that came after their deadline.
    pub(crate) late_evaluated: u64,
    /// Shed answers, by the reason that the server gave.
    pub(crate) shed: DistinctCounts,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            scheduled: 0,
            sent: 0,
            bids: 0,
            no_bids: 0,
            other_statuses: BTreeMap::new(),
            errors: Errors::default(),
            on_time: 0,
            on_time_bids: 0,
            on_time_evaluated: 0,
            late: 0,
            late_evaluated: 0,
            shed: DistinctCounts::new(MAX_SHED_REASONS),
        }
    }
}

impl Counts {
    /// Returns the bids and no-bids.
    pub(crate) fn answered(&self) -> u64 {
        self.bids + self.no_bids
    }

    /// Returns the answers that the server did not shed.
    pub(crate) fn evaluated(&self) -> u64 {
        self.on_time_evaluated + self.late_evaluated
    }

    /// Returns the share of evaluated answers that came after their deadline; zero of none.
    pub(crate) fn late_share(&self) -> f64 {
        self.late_evaluated as f64 / self.evaluated().max(1) as f64
    }

    /// Returns the requests that have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.answered() + self.other_statuses.values().sum::<u64>() + self.errors.total()
    }

    /// Asserts what holds between any two calls of a tally's methods.
    pub(crate) fn assert_invariants(&self) {
        let Self { scheduled, sent, bids, on_time_bids, .. } = *self;
        assert_eq!(self.on_time + self.late, self.answered());
        assert_eq!(self.evaluated() + self.shed.total(), self.answered());
        assert!(on_time_bids <= bids && on_time_bids <= self.on_time_evaluated);
        assert!(self.answered() <= sent && sent <= scheduled);
        assert!(self.ended() <= scheduled);
    }
}

/// Requests without a usable answer, by [`Failure`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Errors {
    /// No connection could be opened.
    pub(crate) connect: u64,
    /// The connection broke.
    pub(crate) closed: u64,
    /// No complete answer came within the timeout.
    pub(crate) timeout: u64,
    /// The request never reached a connection.
    pub(crate) unsent: u64,
    /// The answer was not a bidder's.
    pub(crate) malformed: u64,
}

impl Errors {
    /// Counts one failure.
    pub(crate) fn add(&mut self, failure: Failure) {
        *match failure {
            Failure::Connect => &mut self.connect,
            Failure::Closed => &mut self.closed,
            Failure::Timeout => &mut self.timeout,
            Failure::Unsent => &mut self.unsent,
            Failure::Malformed => &mut self.malformed,
        } += 1;
    }

    /// Returns the failures of all kinds.
    pub(crate) fn total(&self) -> u64 {
        self.connect + self.closed + self.timeout + self.unsent + self.malformed
    }
}

/// The counts and the distributions of a run.
#[derive(Debug)]
pub(crate) struct Tally {
    counts: Counts,
    latency: Histogram<u64>,
    bid_latency: Histogram<u64>,
    overrun: Histogram<u64>,
    lateness: Histogram<u64>,
}

impl Tally {
    /// Makes an empty tally.
    pub(crate) fn new() -> Self {
        Self {
            counts: Counts::default(),
            latency: histogram(),
            bid_latency: histogram(),
            overrun: histogram(),
            lateness: histogram(),
        }
    }

    /// Counts a request that the generator started `lateness` after it was due.
    pub(crate) fn start(&mut self, lateness: Duration) {
        self.counts.scheduled += 1;
        record(&mut self.lateness, lateness);
    }

    /// Counts a request that was given to a connection.
    pub(crate) fn send(&mut self) {
        self.counts.sent += 1;
    }

    /// Counts the end of a request, `latency` after it was due; `tmax` is its deadline.
    pub(crate) fn end(&mut self, outcome: Outcome, latency: Duration, tmax: Duration) {
        match outcome {
            Outcome::Bid => {
                self.counts.bids += 1;
                self.counts.on_time_bids += u64::from(latency <= tmax);
                record(&mut self.bid_latency, latency);
                self.answer(None, latency, tmax);
            }
            Outcome::NoBid { shed } => {
                self.counts.no_bids += 1;
                self.answer(shed.as_deref(), latency, tmax);
            }
            Outcome::Status(code) => *self.counts.other_statuses.entry(code).or_default() += 1,
            Outcome::Failed(failure) => self.counts.errors.add(failure),
        }
    }

    fn answer(&mut self, shed: Option<&str>, latency: Duration, tmax: Duration) {
        let evaluated = u64::from(shed.is_none());
        if let Some(reason) = shed {
            self.counts.shed.add(reason);
        }
        record(&mut self.latency, latency);
        if latency <= tmax {
            self.counts.on_time += 1;
            self.counts.on_time_evaluated += evaluated;
        } else {
            self.counts.late += 1;
            self.counts.late_evaluated += evaluated;
            record(&mut self.overrun, latency - tmax);
        }
    }

    /// Returns the counts so far.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns how long answers took from the time they were due.
    pub(crate) fn latency(&self) -> Spread {
        Spread::of(&self.latency)
    }

    /// Returns how long answers with bids took.
    pub(crate) fn bid_latency(&self) -> Spread {
        Spread::of(&self.bid_latency)
    }

    /// Returns how far late answers were past their deadlines.
    pub(crate) fn overrun(&self) -> Spread {
        Spread::of(&self.overrun)
    }

    /// Returns how long after they were due the generator started requests.
    pub(crate) fn lateness(&self) -> Spread {
        Spread::of(&self.lateness)
    }

    /// Returns the latency within which 99% of the answers came so far.
    pub(crate) fn latency_p99_ns(&self) -> u64 {
        self.latency.value_at_quantile(0.99)
    }
}

/// A distribution in a few figures, exact to three digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Spread {
    /// How many values there are; if none, the rest is zero.
    pub(crate) count: u64,
    /// The median.
    pub(crate) p50_ns: u64,
    /// The 90th percentile.
    pub(crate) p90_ns: u64,
    /// The 99th percentile.
    pub(crate) p99_ns: u64,
    /// The 99.9th percentile.
    pub(crate) p99_9_ns: u64,
    /// The largest value.
    pub(crate) max_ns: u64,
}

impl Spread {
    fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            count: histogram.len(),
            p50_ns: histogram.value_at_quantile(0.5),
            p90_ns: histogram.value_at_quantile(0.9),
            p99_ns: histogram.value_at_quantile(0.99),
            p99_9_ns: histogram.value_at_quantile(0.999),
            max_ns: histogram.max(),
        }
    }
}

fn histogram() -> Histogram<u64> {
    let max_ns = MAX_RECORDED.as_nanos() as u64;
    Histogram::new_with_bounds(1, max_ns, 3).expect("the bounds are constants that it allows")
}

fn record(histogram: &mut Histogram<u64>, value: Duration) {
    histogram.saturating_record(value.min(MAX_RECORDED).as_nanos() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TMAX: Duration = Duration::from_millis(100);

    fn shed(reason: &str) -> Outcome {
        Outcome::NoBid { shed: Some(reason.to_owned()) }
    }

    fn tally(ends: impl IntoIterator<Item = (Outcome, u64)>) -> Tally {
        let mut tally = Tally::new();
        for (outcome, latency_us) in ends {
            tally.start(Duration::ZERO);
            tally.send();
            tally.end(outcome, Duration::from_micros(latency_us), TMAX);
            tally.counts().assert_invariants();
        }
        tally
    }

    #[test]
    fn an_answer_at_its_deadline_is_on_time_and_one_beyond_it_is_late() {
        let tally = tally([(Outcome::Bid, 100_000), (Outcome::Bid, 100_001)]);
        let counts = tally.counts();
        assert_eq!((counts.on_time, counts.on_time_bids, counts.late), (1, 1, 1));
        assert_eq!((tally.overrun().count, tally.overrun().max_ns / 1_000), (1, 1));
    }

    #[test]
    fn shed_answers_are_answers_but_not_goodput() {
        let evaluated = Outcome::NoBid { shed: None };
        let tally = tally([
            (Outcome::Bid, 1),
            (evaluated.clone(), 2),
            (evaluated, 200_000),
            (shed("latest-start"), 3),
            (shed("latest-start"), 300_000),
            (shed("queue-full"), 4),
        ]);
        let counts = tally.counts();
        assert_eq!((counts.bids, counts.no_bids, counts.evaluated()), (1, 5, 3));
        assert_eq!((counts.on_time, counts.on_time_evaluated), (4, 2));
        assert_eq!((counts.late, counts.late_evaluated), (2, 1));
        assert_eq!((counts.shed.get("latest-start"), counts.shed.get("queue-full")), (2, 1));
        assert!((counts.late_share() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn reasons_beyond_the_bound_share_one_count() {
        let tally = tally((0..20).map(|index| (shed(&format!("reason-{index}")), 1)));
        assert_eq!(tally.counts().shed.iter().count(), MAX_SHED_REASONS);
        assert_eq!(tally.counts().shed.other(), 4);
    }

    #[test]
    fn failures_and_other_statuses_have_no_latency() {
        let tally = tally([
            (Outcome::Status(500), 1),
            (Outcome::Status(500), 500_000),
            (Outcome::Failed(Failure::Closed), 1),
            (Outcome::Failed(Failure::Timeout), 5_000_000),
        ]);
        let counts = tally.counts();
        assert_eq!(counts.other_statuses, BTreeMap::from([(500, 2)]));
        assert_eq!(counts.errors, Errors { closed: 1, timeout: 1, ..Errors::default() });
        assert_eq!((counts.answered(), counts.late, counts.ended()), (0, 0, 4));
        assert_eq!(tally.latency(), Spread::default());
        assert_eq!(counts.late_share(), 0.0);
    }

    #[test]
    fn percentiles_are_those_of_the_data_to_three_digits() {
        let no_bids = (1..=9_000).map(|us| (Outcome::NoBid { shed: None }, us));
        let bids = (9_001..=10_000).map(|us| (Outcome::Bid, us));
        let tally = tally(no_bids.chain(bids));
        let near = |ns: u64, us: u64| (ns as f64 / (us as f64 * 1e3) - 1.0).abs() < 1e-3;
        let all = tally.latency();
        assert!(near(all.p50_ns, 5_000) && near(all.p90_ns, 9_000), "{all:?}");
        assert!(near(all.p99_ns, 9_900) && near(all.p99_9_ns, 9_990), "{all:?}");
        assert!(near(all.max_ns, 10_000) && near(tally.latency_p99_ns(), 9_900), "{all:?}");
        let bids = tally.bid_latency();
        assert_eq!((all.count, bids.count), (10_000, 1_000));
        assert!(near(bids.p50_ns, 9_500), "{bids:?}");
    }

    #[test]
    fn a_time_beyond_the_histogram_is_counted_at_its_end() {
        let tally = tally([(Outcome::Bid, u64::MAX / 1_000)]);
        assert_eq!(tally.latency().count, 1);
        assert!(tally.latency().max_ns >= MAX_RECORDED.as_nanos() as u64);
    }
}
