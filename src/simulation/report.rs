//! How a simulation ended.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::Simulation;
use super::event::{Event, Ticket, What};
use super::striped::RankError;
use super::windows::{WindowReport, Windows};
use crate::scheduler::{Histogram, Outcome, Refusals, RefuseReason, ShedReason, Sheds};
use crate::time::Time;

/// What became of some jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Jobs that were submitted.
    pub offered: u64,
    /// The worker time that they would have needed.
    pub offered_work: Duration,
    /// That of those that joined others or were cancelled.
    pub unwanted_work: Duration,
    /// Jobs that were done by their deadline, or had none.
    pub on_time: u64,
    /// The worker time that those needed; what a worker stood still meanwhile doesn't count.
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
    /// The worker time of all runs, stalls included.
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

    /// The share of the work that was done in time; that of jobs that joined others and of those
    /// that were cancelled is left out. 1.0 without any.
    #[must_use]
    pub fn work_share(&self) -> f64 {
        let wanted = self.offered_work.saturating_sub(self.unwanted_work);
        match wanted.is_zero() {
            true => 1.0,
            false => self.on_time_work.as_secs_f64() / wanted.as_secs_f64(),
        }
    }

    /// The jobs that have an outcome.
    #[must_use]
    pub const fn outcomes(&self) -> u64 {
        let ran = self.on_time + self.late + self.failed;
        ran + self.refused.total() + self.shed.total() + self.cancelled + self.joined
    }

    pub(super) fn count(&mut self, event: &Event) {
        match &event.what {
            What::Submitted { ticket, .. } => self.offer(ticket),
            What::Joined { ticket, .. } => {
                self.offer(ticket);
                self.unwanted_work = self.unwanted_work.saturating_add(ticket.cost);
                self.joined += 1;
            }
            What::Refused { ticket, reason } => {
                self.offer(ticket);
                self.refuse(reason);
            }
            What::Started { waited, .. } => self.queue_delay.record(*waited),
            What::Shed { reason, .. } => self.shed(reason),
            What::Completed { ticket, outcome, took, late, .. } => {
                self.busy = self.busy.saturating_add(*took);
                self.complete(ticket, *outcome, *late);
            }
            What::Cancelled { ticket, .. } => {
                self.unwanted_work = self.unwanted_work.saturating_add(ticket.cost);
                self.cancelled += 1;
            }
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

    fn complete(&mut self, ticket: &Ticket, outcome: Outcome, late: Duration) {
        if !late.is_zero() {
            self.lateness.record(late);
        }
        match outcome {
            Outcome::Failed | Outcome::GivenUp => self.failed += 1,
            Outcome::Done if late.is_zero() => {
                self.on_time += 1;
                self.on_time_work = self.on_time_work.saturating_add(ticket.cost);
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
    /// What became of the jobs of each tenant: of the first [`MOST_TENANTS`](Self::MOST_TENANTS)
    /// that had a job.
    pub tenants: BTreeMap<u64, Share>,
    /// What became of the jobs of all other tenants together.
    pub other_tenants: Share,
    /// What became of the jobs that arrived in each of the
    /// [`Simulation::windows`](super::Simulation::windows).
    pub windows: Vec<WindowReport>,
    /// How far the order of starts was from that of one queue, with several
    /// [groups](super::Simulation::groups).
    pub rank_error: RankError,
    /// The time of all workers together, until the last job was done.
    pub capacity: Duration,
    /// When the last event was, in the simulated world's time.
    pub end: Time,
    /// How many events there were.
    pub events: u64,
    /// A hash of every event: the same simulation gives the same hash on every machine.
    pub trace_hash: u64,
    /// Whether [`Simulation::max_events`](super::Simulation::max_events) was reached: no job
    /// arrived after that.
    pub is_cut: bool,
    /// Jobs of traces and batches that never arrived, since they were to come after the
    /// simulation's duration, or after that.
    pub not_offered: u64,
    /// Jobs without an outcome: not 0 only if the bound of the events was reached while what
    /// was queued was still being done.
    pub pending: u64,
}

/// How many of a tenant's jobs were done in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Jobs that were submitted; those that joined others and those that were cancelled are left
    /// out.
    pub offered: u64,
    /// Jobs that were done by their deadline, or had none.
    pub on_time: u64,
}

impl Share {
    const fn count(&mut self, what: &What) {
        match what {
            What::Submitted { .. } | What::Refused { .. } => self.offered += 1,
            What::Cancelled { .. } => self.offered -= 1,
            What::Completed { outcome: Outcome::Done, late: Duration::ZERO, .. } => {
                self.on_time += 1;
            }
            _ => {}
        }
    }

    /// The share of the jobs that was done in time; 1.0 without any.
    #[must_use]
    pub fn on_time_share(&self) -> f64 {
        if self.offered == 0 { 1.0 } else { self.on_time as f64 / self.offered as f64 }
    }
}

impl Report {
    /// So many tenants are told apart.
    pub const MOST_TENANTS: usize = 1 << 16;

    /// The share of the workers' time that was spent on jobs that were done in time.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        match self.capacity.is_zero() {
            true => 0.0,
            false => self.total.on_time_work.as_secs_f64() / self.capacity.as_secs_f64(),
        }
    }

    pub(super) fn new(simulation: &Simulation) -> Self {
        let tallies = |count| (0..count).map(|_| Tally::default()).collect();
        let classes = simulation.config.classes.len();
        let windows = simulation.windows.iter().map(|windows| {
            let length = windows.length_within(simulation.duration);
            let capacity = length.saturating_mul(simulation.config.workers);
            WindowReport { capacity, classes: tallies(classes), ..WindowReport::default() }
        });
        Self {
            classes: tallies(classes),
            streams: tallies(simulation.streams.len()),
            windows: windows.collect(),
            trace_hash: FNV_OFFSET,
            ..Self::default()
        }
    }

    pub(super) fn count(&mut self, event: &Event, windows: &[Windows]) {
        self.events += 1;
        self.hash(event.at.as_nanos());
        self.hash(event.now.as_nanos());
        event.what.digest().into_iter().for_each(|word| self.hash(word));
        let Some(ticket) = event.what.ticket() else { return };
        self.total.count(event);
        if let What::Started { rank_error, .. } = event.what {
            self.rank_error.count(rank_error);
        }
        for (report, windows) in self.windows.iter_mut().zip(windows) {
            if windows.hold(ticket.at) {
                report.count(event, ticket);
            }
        }
        let class = self.classes.get_mut(ticket.class.number());
        let stream = self.streams.get_mut(ticket.stream);
        class.into_iter().chain(stream).for_each(|tally| tally.count(event));
        if let Some(tenant) = ticket.tenant {
            self.share(tenant).count(&event.what);
        }
    }

    fn share(&mut self, tenant: u64) -> &mut Share {
        let is_full = self.tenants.len() >= Self::MOST_TENANTS;
        match is_full && !self.tenants.contains_key(&tenant) {
            true => &mut self.other_tenants,
            false => self.tenants.entry(tenant).or_default(),
        }
    }

    fn hash(&mut self, word: u64) {
        self.trace_hash = hashed(self.trace_hash, word);
    }
}

/// FNV-1a over the eight bytes of a number, the lowest first.
pub(super) fn hashed(hash: u64, word: u64) -> u64 {
    let bytes = word.to_le_bytes().into_iter();
    bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

pub(super) const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_fowler_noll_and_vo() {
        let mut report = Report::new(&Simulation::default());
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
}
