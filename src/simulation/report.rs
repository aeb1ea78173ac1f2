//! How a simulation ended.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::event::{Event, Ticket, What};
use crate::scheduler::{Histogram, Outcome, Refusals, RefuseReason, ShedReason, Sheds};
use crate::time::{Time, saturating_nanos};

/// The part of each period in which the arrivals are counted apart: after a spike, for instance.
///
/// [`Report::windows`] holds what became of the jobs that arrived in all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The time from the start of one period to that of the next.
    pub period: Duration,
    /// Where in each period the window starts.
    pub from: Duration,
    /// Where it ends.
    pub until: Duration,
}

impl Windows {
    pub(super) fn is_valid(&self) -> bool {
        !self.period.is_zero() && self.from < self.until && self.until <= self.period
    }

    /// Whether a moment of the simulated world is in one of them.
    pub(super) fn hold(&self, at_ns: u64) -> bool {
        let inside_ns = at_ns % saturating_nanos(self.period);
        (saturating_nanos(self.from)..saturating_nanos(self.until)).contains(&inside_ns)
    }
}

/// What became of some jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Jobs that were submitted.
    pub offered: u64,
    /// The worker time that they would have needed.
    pub offered_work: Duration,
    /// Jobs that were done by their deadline, or had none.
    pub on_time: u64,
    /// The worker time of those.
    pub on_time_work: Duration,
    /// Jobs that were done after their deadline.
    pub late: u64,
    /// Jobs that ran and failed.
    pub failed: u64,
    /// Jobs that were not accepted, by reason.
    pub refused: Refusals,
    /// Accepted jobs that were not run, by reason.
    pub shed: Sheds,
    /// Jobs that were cancelled while they were queued.
    pub cancelled: u64,
    /// Jobs that joined a queued one.
    pub joined: u64,
    /// The worker time of all runs.
    pub busy: Duration,
    /// By how much the late ones missed their deadline.
    pub lateness: Histogram,
    /// How long those that ran were queued.
    pub queue_delay: Histogram,
}

impl Tally {
    /// The share of the jobs that was done in time; those that joined others and those that were
    /// cancelled are left out. 1.0 without any.
    #[must_use]
    pub fn on_time_share(&self) -> f64 {
        match self.offered - self.joined - self.cancelled {
            0 => 1.0,
            wanted => self.on_time as f64 / wanted as f64,
        }
    }

    /// The jobs that have an outcome.
    #[must_use]
    pub const fn outcomes(&self) -> u64 {
        let ran = self.on_time + self.late + self.failed;
        ran + self.refused.total() + self.shed.total() + self.cancelled + self.joined
    }

    fn count(&mut self, event: &Event) {
        match &event.what {
            What::Submitted { ticket, .. } => self.offer(ticket),
            What::Joined { ticket, .. } => {
                self.offer(ticket);
                self.joined += 1;
            }
            What::Refused { ticket, reason } => {
                self.offer(ticket);
                self.refuse(reason);
            }
            What::Started { waited, .. } => self.queue_delay.record(*waited),
            What::Shed { reason, .. } => self.shed(reason),
            What::Completed { outcome, took, late, .. } => self.complete(*outcome, *took, *late),
            What::Cancelled { .. } => self.cancelled += 1,
            _ => {}
        }
    }

    fn offer(&mut self, ticket: &Ticket) {
        self.offered += 1;
        self.offered_work = self.offered_work.saturating_add(ticket.cost);
    }

    const fn refuse(&mut self, reason: &RefuseReason) {
        *match reason {
            RefuseReason::QueueFull => &mut self.refused.queue_full,
            RefuseReason::Expired => &mut self.refused.expired,
            RefuseReason::Infeasible(_) => &mut self.refused.infeasible,
            RefuseReason::UnknownClass => &mut self.refused.unknown_class,
            RefuseReason::Closed => &mut self.refused.closed,
        } += 1;
    }

    const fn shed(&mut self, reason: &ShedReason) {
        *match reason {
            ShedReason::LatestStart { .. } => &mut self.shed.latest_start,
            ShedReason::Evicted(_) => &mut self.shed.evicted,
            ShedReason::OverShare(_) => &mut self.shed.over_share,
            ShedReason::Displaced => &mut self.shed.displaced,
            ShedReason::Shutdown => &mut self.shed.shutdown,
        } += 1;
    }

    fn complete(&mut self, outcome: Outcome, took: Duration, late: Duration) {
        self.busy = self.busy.saturating_add(took);
        if !late.is_zero() {
            self.lateness.record(late);
        }
        match outcome {
            Outcome::Failed => self.failed += 1,
            Outcome::Done if late.is_zero() => {
                self.on_time += 1;
                self.on_time_work = self.on_time_work.saturating_add(took);
            }
            Outcome::Done => self.late += 1,
        }
    }
}

/// How a simulation ended.
///
/// A job that failed is neither on time nor late, but its lateness is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// What became of all jobs.
    pub total: Tally,
    /// What became of the jobs of each class; jobs of a class that is not configured are left
    /// out.
    pub classes: Vec<Tally>,
    /// What became of the jobs of each stream.
    pub streams: Vec<Tally>,
    /// What became of the jobs of each tenant.
    pub tenants: BTreeMap<u64, Share>,
    /// What became of the jobs that arrived in the [`Windows`], if there are any.
    pub windows: Tally,
    /// The time of all workers together, until the last job was done.
    pub capacity: Duration,
    /// When the last event was, in the simulated world's time.
    pub end: Time,
    /// How many events there were.
    pub events: u64,
    /// A hash of every event: the same simulation gives the same hash on every machine.
    pub trace_hash: u64,
    /// Jobs without an outcome: not 0 only if the bound of the events was reached while what
    /// was queued was still being done.
    pub pending: u64,
}

/// How many of a tenant's jobs were done in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Jobs that were submitted; those that joined others are left out.
    pub offered: u64,
    /// Jobs that were done by their deadline, or had none.
    pub on_time: u64,
}

impl Share {
    /// The share of the jobs that was done in time; 1.0 without any.
    #[must_use]
    pub fn on_time_share(&self) -> f64 {
        if self.offered == 0 { 1.0 } else { self.on_time as f64 / self.offered as f64 }
    }
}

impl Report {
    /// The share of the workers' time that was spent on jobs that were done in time.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        match self.capacity.is_zero() {
            true => 0.0,
            false => self.total.on_time_work.as_secs_f64() / self.capacity.as_secs_f64(),
        }
    }

    pub(super) fn new(classes: usize, streams: usize) -> Self {
        let tallies = |count| (0..count).map(|_| Tally::default()).collect();
        Self {
            classes: tallies(classes),
            streams: tallies(streams),
            trace_hash: FNV_OFFSET,
            ..Self::default()
        }
    }

    pub(super) fn count(&mut self, event: &Event) {
        self.events += 1;
        self.hash(event.now.as_nanos());
        event.what.digest().into_iter().for_each(|word| self.hash(word));
        let ticket = match &event.what {
            What::Submitted { ticket, .. }
            | What::Joined { ticket, .. }
            | What::Refused { ticket, .. }
            | What::Started { ticket, .. }
            | What::Shed { ticket, .. }
            | What::Completed { ticket, .. }
            | What::Cancelled { ticket, .. } => ticket,
            _ => return,
        };
        self.total.count(event);
        if ticket.in_window {
            self.windows.count(event);
        }
        let class = self.classes.get_mut(ticket.class.number());
        let stream = self.streams.get_mut(ticket.stream);
        class.into_iter().chain(stream).for_each(|tally| tally.count(event));
        if let Some(tenant) = ticket.tenant {
            let share = self.tenants.entry(tenant).or_default();
            match event.what {
                What::Submitted { .. } | What::Refused { .. } => share.offered += 1,
                What::Completed { outcome: Outcome::Done, late: Duration::ZERO, .. } => {
                    share.on_time += 1;
                }
                _ => {}
            }
        }
    }

    /// FNV-1a over the eight bytes of a number, the lowest first.
    fn hash(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.trace_hash = (self.trace_hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_fowler_noll_and_vo() {
        let mut report = Report::new(0, 0);
        report.hash(u64::from_le_bytes(*b"foobar\0\0"));
        let expected = b"foobar\0\0"
            .iter()
            .fold(FNV_OFFSET, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        assert_eq!(report.trace_hash, expected);
        // The published hash of "foobar", without the two zeros that fill up the word.
        let published = b"foobar"
            .iter()
            .fold(FNV_OFFSET, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        assert_eq!(published, 0x8594_4171_f739_67e8);
    }

    #[test]
    fn windows_hold_a_part_of_each_period() {
        let ms = Duration::from_millis;
        let windows = Windows { period: ms(10), from: ms(2), until: ms(10) };
        assert!(windows.is_valid());
        let held = (0..20).filter(|at_ms| windows.hold(at_ms * 1_000_000)).count();
        assert_eq!(held, 16);
        assert!(!Windows { until: ms(11), ..windows }.is_valid());
    }
}
