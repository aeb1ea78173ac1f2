//! What a run found, for a reader, for a file and for another module.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::tally::{Counts, Errors, Spread, Tally};

/// What was asked for and what was reached, each in requests a second of the measured window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Rates {
    /// The rate in the configuration.
    pub(crate) requested_per_s: f64,
    /// Requests given to a connection; if it is below the requested rate, look at the lateness.
    pub(crate) achieved_per_s: f64,
    /// Bids and no-bids.
    pub(crate) answered_per_s: f64,
    /// Evaluated answers that came by their deadline.
    pub(crate) goodput_per_s: f64,
}

/// The findings of one run, without its warm-up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Report {
    /// What became of the requests.
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// The share of evaluated answers that came after their deadline.
    pub(crate) late_share: f64,
    /// The rates.
    pub(crate) rates: Rates,
    /// From the scheduled time to the complete answer, over all answers.
    pub(crate) latency: Spread,
    /// The same over the answers with bids.
    pub(crate) bid_latency: Spread,
    /// From the deadline to the complete answer, over the late answers.
    pub(crate) overrun: Spread,
    /// From the scheduled time to the start of the request: the generator's own fault.
    pub(crate) lateness: Spread,
    /// From the start of the measured window to its last request, at least the duration asked for.
    pub(crate) window_ns: u64,
}

impl Report {
    /// Sums up a tally whose requests were due over `window`.
    pub(crate) fn new(tally: &Tally, requested_per_s: f64, window: Duration) -> Self {
        let counts = tally.counts().clone();
        let per_s = |count: u64| count as f64 / window.as_secs_f64();
        Self {
            late_share: counts.late_share(),
            rates: Rates {
                requested_per_s,
                achieved_per_s: per_s(counts.sent),
                answered_per_s: per_s(counts.answered()),
                goodput_per_s: per_s(counts.on_time_evaluated),
            },
            latency: tally.latency(),
            bid_latency: tally.bid_latency(),
            overrun: tally.overrun(),
            lateness: tally.lateness(),
            window_ns: u64::try_from(window.as_nanos()).unwrap_or(u64::MAX),
            counts,
        }
    }

    /// Writes the report for a reader.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { counts, rates, .. } = self;
        writeln!(
            out,
            "rate       requested {:.1}/s, achieved {:.1}/s, answered {:.1}/s, goodput {:.1}/s",
            rates.requested_per_s, rates.achieved_per_s, rates.answered_per_s, rates.goodput_per_s,
        )?;
        writeln!(
            out,
            "requests   scheduled {}, sent {}, bids {}, no-bids {}",
            counts.scheduled, counts.sent, counts.bids, counts.no_bids,
        )?;
        writeln!(
            out,
            "deadline   on time {} (bids {}, evaluated {}), late {}",
            counts.on_time, counts.on_time_bids, counts.on_time_evaluated, counts.late,
        )?;
        writeln!(
            out,
            "evaluated  {}, of these late {} ({:.3}%)",
            counts.evaluated(),
            counts.late_evaluated,
            self.late_share * 100.0,
        )?;
        write!(out, "shed       {}", counts.shed.total())?;
        for (reason, count) in counts.shed.iter() {
            write!(out, ", {} {count}", reason.escape_debug())?;
        }
        if counts.shed.other() > 0 {
            write!(out, ", other reasons {}", counts.shed.other())?;
        }
        writeln!(out)?;
        if !counts.other_statuses.is_empty() {
            write!(out, "statuses  ")?;
            for (code, count) in &counts.other_statuses {
                write!(out, " {code}: {count}")?;
            }
            writeln!(out)?;
        }
        write!(out, "errors     ")?;
        write_errors(out, &counts.errors)?;
        self.write_spreads(out)
    }

    fn write_spreads(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\n{:<22}{:>10}{:>11}{:>11}{:>11}{:>11}{:>11}",
            "milliseconds", "count", "p50", "p90", "p99", "p99.9", "max",
        )?;
        for (name, spread) in [
            ("latency", &self.latency),
            ("latency of bids", &self.bid_latency),
            ("past the deadline", &self.overrun),
            ("generator's lateness", &self.lateness),
        ] {
            write!(out, "{name:<22}{:>10}", spread.count)?;
            let Spread { p50_ns, p90_ns, p99_ns, p99_9_ns, max_ns, .. } = *spread;
            for value_ns in [p50_ns, p90_ns, p99_ns, p99_9_ns, max_ns] {
                write!(out, "{:>11.3}", value_ns as f64 / 1e6)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// Writes the failures by kind on the rest of a line.
pub(crate) fn write_errors(out: &mut impl Write, errors: &Errors) -> io::Result<()> {
    let Errors { connect, closed, timeout, unsent, malformed } = errors;
    writeln!(
        out,
        "{} (connect {connect}, closed {closed}, timeout {timeout}, unsent {unsent}, \
         malformed {malformed})",
        errors.total(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::outcome::{Failure, Outcome};
    use super::*;

    fn report() -> Report {
        let tmax = Duration::from_millis(100);
        let mut tally = Tally::new();
        for (outcome, latency_ms) in [
            (Outcome::Bid, 10),
            (Outcome::Bid, 150),
            (Outcome::NoBid { shed: Some("late\nstart".to_owned()) }, 1),
            (Outcome::Status(503), 1),
            (Outcome::Failed(Failure::Closed), 1),
        ] {
            tally.start(Duration::from_micros(20));
            tally.send();
            tally.end(outcome, Duration::from_millis(latency_ms), tmax);
        }
        Report::new(&tally, 3.0, Duration::from_secs(2))
    }

    #[test]
    fn rates_are_per_second_of_the_window() {
        let rates = report().rates;
        assert_eq!((rates.requested_per_s, rates.achieved_per_s), (3.0, 2.5));
        assert_eq!((rates.answered_per_s, rates.goodput_per_s), (1.5, 0.5));
    }

    #[test]
    fn json_has_the_counts_at_the_top_and_units_in_its_names() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["bids"], 2);
        assert_eq!(json["late_evaluated"], 1);
        assert_eq!(json["late_share"], 0.5);
        assert_eq!(json["other_statuses"]["503"], 1);
        assert_eq!(json["errors"]["closed"], 1);
        assert_eq!(json["shed"]["counts"]["late\nstart"], 1);
        assert_eq!(json["lateness"]["count"], 5);
        assert!(json["latency"]["p99_9_ns"].as_u64() >= Some(149_000_000));
    }

    #[test]
    fn text_keeps_outside_strings_on_their_line() {
        let mut text = Vec::new();
        report().write_text(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("shed       1, late\\nstart 1\n"), "{text}");
        assert!(text.contains("statuses   503: 1\n"), "{text}");
        assert!(text.contains("errors     1 (connect 0, closed 1,"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("generator's lateness")), "{text}");
    }
}
