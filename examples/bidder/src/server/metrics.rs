//! What the server counts and measures, in Prometheus's text form.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Why a request was answered 'no' without an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ShedReason {
    /// It was queued until its latest start.
    LatestStart,
    /// It was queued, and not all could be in time: it cost most.
    Evicted,
    /// It was queued, and not all could be in time: its tenant had more than its share.
    OverShare,
    /// It was queued, and the queue was full: one with a better right took its place.
    Displaced,
    /// Its deadline had passed when it was submitted.
    Expired,
    /// It left too little time for an evaluation, or others would have been too late for it.
    Infeasible,
    /// The queue was full.
    QueueFull,
    /// It has more impressions than there are classes: a bug of ours.
    UnknownClass,
    /// The server went down before its turn.
    Shutdown,
    /// A reason that the scheduler didn't have yet when this was written.
    Other,
}

impl ShedReason {
    const ALL: [Self; 10] = [
        Self::LatestStart,
        Self::Evicted,
        Self::OverShare,
        Self::Displaced,
        Self::Expired,
        Self::Infeasible,
        Self::QueueFull,
        Self::UnknownClass,
        Self::Shutdown,
        Self::Other,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LatestStart => "latest-start",
            Self::Evicted => "evicted",
            Self::OverShare => "over-share",
            Self::Displaced => "displaced",
            Self::Expired => "expired",
            Self::Infeasible => "infeasible",
            Self::QueueFull => "queue-full",
            Self::UnknownClass => "unknown-class",
            Self::Shutdown => "shutdown",
            Self::Other => "other",
        }
    }
}

impl EncodeLabelValue for ShedReason {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.name().encode(encoder)
    }
}

/// Which kind of answer came late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AnswerKind {
    Bid,
    NoBid,
    Shed,
}

impl EncodeLabelValue for AnswerKind {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Bid => "bid",
            Self::NoBid => "no-bid",
            Self::Shed => "shed",
        };
        name.encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ShedLabels {
    pub(crate) reason: ShedReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct AnswerLabels {
    pub(crate) answer: AnswerKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StatusLabels {
    pub(crate) status: u16,
}

/// Everything that is counted, shared by all workers.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Counter,
    pub(crate) refused: Family<StatusLabels, Counter>,
    pub(crate) bids: Counter,
    pub(crate) no_bids: Counter,
    pub(crate) failed_evaluations: Counter,
    pub(crate) abandoned: Counter,
    pub(crate) sheds: Family<ShedLabels, Counter>,
    pub(crate) late: Family<AnswerLabels, Counter>,
    pub(crate) connections: Gauge,
    pub(crate) timed_out: Counter,
    pub(crate) campaigns: Gauge,
    pub(crate) reloads: Counter,
    pub(crate) failed_reloads: Counter,
    pub(crate) queue_delay: Histogram,
    pub(crate) evaluation: Histogram,
    pub(crate) latency: Histogram,
}

/// 50 µs to 1.6 s: finer than the deadlines of exchanges, and far beyond them.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(50e-6, 2.0, 16))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("bidder"),
            requests: Counter::default(),
            refused: Family::default(),
            bids: Counter::default(),
            no_bids: Counter::default(),
            failed_evaluations: Counter::default(),
            abandoned: Counter::default(),
            sheds: Family::default(),
            late: Family::default(),
            connections: Gauge::default(),
            timed_out: Counter::default(),
            campaigns: Gauge::default(),
            reloads: Counter::default(),
            failed_reloads: Counter::default(),
            queue_delay: seconds(),
            evaluation: seconds(),
            latency: seconds(),
        };
        metrics.register();
        metrics.show_all_labels();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Bid requests", self.requests.clone());
        registry.register("refused", "Requests that are none, by status", self.refused.clone());
        registry.register("bids", "Answers with a bid", self.bids.clone());
        registry.register("no_bids", "Evaluations without a bid", self.no_bids.clone());
        let failed = "Evaluations that panicked, which are no-bids as well";
        registry.register("failed_evaluations", failed, self.failed_evaluations.clone());
        registry.register(
            "abandoned",
            "Requests whose clients left before the answer",
            self.abandoned.clone(),
        );
        registry.register("sheds", "Requests answered 'no' unevaluated", self.sheds.clone());
        let late = "Answers after tmax - margin, by kind";
        registry.register("late_answers", late, self.late.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("timed_out", "Connections that were cut", self.timed_out.clone());
        registry.register("campaigns", "Campaigns in force", self.campaigns.clone());
        registry.register("reloads", "Campaign files read", self.reloads.clone());
        let failed = "Campaign files that were not taken";
        registry.register("failed_reloads", failed, self.failed_reloads.clone());
        let mut register = |name, help, histogram: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        };
        register("queue_delay", "From submission to evaluation", &self.queue_delay);
        register("evaluation", "Time of one evaluation", &self.evaluation);
        register("latency", "From a request's first byte to its answer", &self.latency);
    }

    /// A series that appears only with its first event would hide that event from a rate.
    fn show_all_labels(&self) {
        for reason in ShedReason::ALL {
            drop(self.sheds.get_or_create(&ShedLabels { reason }));
        }
        for answer in [AnswerKind::Bid, AnswerKind::NoBid, AnswerKind::Shed] {
            drop(self.late.get_or_create(&AnswerLabels { answer }));
        }
    }

    /// Requests answered 'no' unevaluated, for whatever reason.
    pub(crate) fn sheds_total(&self) -> u64 {
        let count = |reason| self.sheds.get_or_create(&ShedLabels { reason }).get();
        ShedReason::ALL.into_iter().map(count).sum()
    }

    /// Answers after tmax - margin, of all kinds.
    pub(crate) fn late_total(&self) -> u64 {
        let kinds = [AnswerKind::Bid, AnswerKind::NoBid, AnswerKind::Shed];
        let count = |answer| self.late.get_or_create(&AnswerLabels { answer }).get();
        kinds.into_iter().map(count).sum()
    }

    pub(crate) fn observe(histogram: &Histogram, duration: Duration) {
        histogram.observe(duration.as_secs_f64());
    }

    /// The whole registry in Prometheus's text form.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(std::fmt::Error) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_before_its_first_event() {
        let metrics = Metrics::new();
        metrics.sheds.get_or_create(&ShedLabels { reason: ShedReason::LatestStart }).inc();
        metrics.late.get_or_create(&AnswerLabels { answer: AnswerKind::Bid }).inc();
        let text = metrics.render();
        assert!(text.contains("bidder_sheds_total{reason=\"latest-start\"} 1"), "{text}");
        assert!(text.contains("bidder_sheds_total{reason=\"queue-full\"} 0"), "{text}");
        assert!(text.contains("bidder_queue_delay_seconds_bucket"), "{text}");
        assert_eq!((metrics.sheds_total(), metrics.late_total()), (1, 1));
    }
}
