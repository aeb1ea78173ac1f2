//! How a simulation of refreshes ended.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::event::{Answered, RefreshEvent, RefreshWhat};
use crate::refresh::Urgency;
use crate::scheduler::Histogram;
use crate::simulation::report::{FNV_OFFSET, Tally, hashed};
use crate::time::Time;

/// What was answered to those who asked for entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answers {
    /// How often somebody asked.
    pub asked: u64,
    /// With a value before its soft expiry.
    pub fresh: u64,
    /// With a value between its expiries.
    pub stale: u64,
    /// With nothing.
    pub missing: u64,
    /// With what the backend would have said, fresh or stale.
    pub current: u64,
}

impl Answers {
    /// The share of the answers that were values before their soft expiry; 1.0 without any.
    #[must_use]
    pub fn fresh_share(&self) -> f64 {
        share(self.fresh, self.asked)
    }

    /// The share of the answers that were what the backend would have said; 1.0 without any.
    #[must_use]
    pub fn current_share(&self) -> f64 {
        share(self.current, self.asked)
    }

    /// The share of the answers that were values; 1.0 without any.
    #[must_use]
    pub fn served_share(&self) -> f64 {
        share(self.fresh + self.stale, self.asked)
    }

    const fn count(&mut self, answer: Answered, is_current: bool) {
        self.asked += 1;
        self.current += is_current as u64;
        *match answer {
            Answered::Fresh => &mut self.fresh,
            Answered::Stale => &mut self.stale,
            Answered::Missing => &mut self.missing,
        } += 1;
    }
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 1.0 } else { part as f64 / all as f64 }
}

/// What was loaded, and how it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadCounts {
    /// Loads that were started because something was missing.
    pub demanded: u64,
    /// Loads that were started since a hard expiry was near.
    pub expiring: u64,
    /// Other refreshes.
    pub refreshes: u64,
    /// Loads that became urgent while they were in flight.
    pub raised: u64,
    /// Loads whose value was stored and was another than before.
    pub changed: u64,
    /// Other loads whose value was stored.
    pub unchanged: u64,
    /// Loads that failed, or whose value came too late to be stored.
    pub failed: u64,
    /// Loads that the scheduler refused or shed, or that were cancelled there when they were
    /// overdue.
    pub dropped: u64,
    /// Loads that took too long, whatever became of them then.
    pub overdue: u64,
}

impl LoadCounts {
    /// All loads that were started.
    #[must_use]
    pub const fn started(&self) -> u64 {
        self.demanded + self.expiring + self.refreshes
    }

    /// All loads that have ended.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.changed + self.unchanged + self.failed + self.dropped
    }
}

/// How many values were replaced in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Punctuality {
    /// Values that were replaced before their soft expiry.
    pub in_time: u64,
    /// Values that were replaced later.
    pub late: u64,
    /// Values that were dropped at their hard expiry.
    pub expired: u64,
}

impl Punctuality {
    /// The share of the values that were replaced before their soft expiry; 1.0 without any.
    #[must_use]
    pub fn in_time_share(&self) -> f64 {
        share(self.in_time, self.in_time + self.late + self.expired)
    }
}

/// How a simulation of refreshes ended. What happened during the warm-up is left out, except for
/// the jobs, the hash and the number of events.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RefreshReport {
    /// What was answered.
    pub answers: Answers,
    /// What was answered to those who asked for the hot entries.
    pub hot: Answers,
    /// Who waited for a value, and got it.
    pub stalls: u64,
    /// Who would have waited for a value, and didn't get it: its time was over, the load failed,
    /// or there was none to wait for.
    pub unserved: u64,
    /// How long those waited who got one.
    pub waits: Histogram,
    /// The loads.
    pub loads: LoadCounts,
    /// What the started loads cost the backend together.
    pub cost: f64,
    /// The loads that were started in each second of the simulation, if any were.
    pub per_second: BTreeMap<u64, u32>,
    /// How many values were replaced in time.
    pub values: Punctuality,
    /// The same of the hot entries.
    pub hot_values: Punctuality,
    /// How long after their soft expiry values were replaced, if they were replaced later.
    pub lag: Histogram,
    /// How long loads took from their start to their value.
    pub took: Histogram,
    /// The longest time after a hard expiry for which the planner still believed in a value. (It
    /// isn't served all the same.)
    pub overstay: Duration,
    /// The price of the planner's budget at the end.
    pub price: f64,
    /// What became of the jobs of each stream beside.
    pub streams: Vec<Tally>,
    /// What became of the loads as jobs in the scheduler.
    pub load_jobs: Tally,
    /// When the last event was.
    pub end: Time,
    /// How many events there were.
    pub events: u64,
    /// A hash of every event: the same simulation gives the same hash on every machine.
    pub trace_hash: u64,
    /// Whether the bound of the events was reached: then the end came early.
    pub is_cut: bool,
}

impl RefreshReport {
    /// All who found nothing and would have waited.
    #[must_use]
    pub const fn waited(&self) -> u64 {
        self.stalls + self.unserved
    }

    pub(super) fn new(streams: usize) -> Self {
        let streams = (0..streams).map(|_| Tally::default()).collect();
        Self { streams, trace_hash: FNV_OFFSET, ..Self::default() }
    }

    pub(super) fn count(&mut self, event: &RefreshEvent, is_counted: bool, is_hot: bool) {
        self.events += 1;
        self.trace_hash = hashed(self.trace_hash, event.at.as_nanos());
        let words = event.what.digest();
        self.trace_hash = words.into_iter().fold(self.trace_hash, hashed);
        if let RefreshWhat::Job(job) = &event.what {
            let Some(ticket) = job.what.ticket() else { return };
            let stream = self.streams.get_mut(ticket.stream);
            stream.unwrap_or(&mut self.load_jobs).count(job);
        } else if is_counted {
            self.count_cache(&event.what, is_hot);
        }
    }

    fn count_cache(&mut self, what: &RefreshWhat, is_hot: bool) {
        match *what {
            RefreshWhat::Answered { answer, is_current, .. } => {
                self.answers.count(answer, is_current);
                if is_hot {
                    self.hot.count(answer, is_current);
                }
            }
            RefreshWhat::Started { urgency, .. } => {
                *match urgency {
                    Urgency::Demanded { .. } => &mut self.loads.demanded,
                    Urgency::Expiring { .. } => &mut self.loads.expiring,
                    Urgency::Refresh => &mut self.loads.refreshes,
                } += 1;
            }
            RefreshWhat::Raised { .. } => self.loads.raised += 1,
            RefreshWhat::Stored { has_changed: true, .. } => self.loads.changed += 1,
            RefreshWhat::Stored { .. } => self.loads.unchanged += 1,
            RefreshWhat::Failed { .. } => self.loads.failed += 1,
            RefreshWhat::Dropped { .. } => self.loads.dropped += 1,
            RefreshWhat::Overdue { .. } => self.loads.overdue += 1,
            RefreshWhat::Expired { .. } => self.replace(is_hot, |values| &mut values.expired),
            RefreshWhat::Job(_) => {}
        }
    }

    /// A value was replaced, so long after its soft expiry, or before it.
    pub(super) fn replaced(&mut self, late: Option<Duration>, is_hot: bool) {
        match late {
            None => self.replace(is_hot, |values| &mut values.in_time),
            Some(late) => {
                self.lag.record(late);
                self.replace(is_hot, |values| &mut values.late);
            }
        }
    }

    fn replace(&mut self, is_hot: bool, which: impl Fn(&mut Punctuality) -> &mut u64) {
        *which(&mut self.values) += 1;
        if is_hot {
            *which(&mut self.hot_values) += 1;
        }
    }
}
