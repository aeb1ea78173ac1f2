//! What happens in a simulation, as its observer sees it.

use core::time::Duration;

use crate::key::Key;
use crate::scheduler::{
    Class, Outcome, RefuseReason, RescheduleError, Running, Shed, ShedReason, Verdict,
};
use crate::time::Time;

/// A simulated job: what the scheduler carries, and doesn't know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// The number of the job, in the order of arrival.
    pub number: u64,
    /// The place of its stream in [`Simulation::streams`](super::Simulation::streams).
    pub stream: usize,
    /// Its class.
    pub class: Class,
    /// When it arrived, in the time of the simulated world.
    pub at: Time,
    /// When it must be done, in the time of the simulated world.
    pub due: Option<Time>,
    /// When it arrived, as the scheduler saw it.
    pub arrival: Time,
    /// When it may start: its release, or its arrival.
    pub eligible: Time,
    /// Its deadline, as it was submitted: by the clock that the scheduler sees.
    pub deadline: Option<Time>,
    /// The worker time that it needs, stalls left out.
    pub cost: Duration,
    /// The cost that was declared for it.
    pub declared: Option<Duration>,
    /// The time that it needs after its run, without a worker.
    pub lead: Duration,
    /// The margin that its class had when it was submitted.
    pub margin: Duration,
    /// Its value.
    pub value: u32,
    /// On whose behalf it is done.
    pub tenant: Option<u64>,
    /// By what it is coalesced.
    pub identity: Option<u64>,
    /// Whether it fails after its run.
    pub fails: bool,
}

impl Ticket {
    /// The time before which it had to start, with this deadline and this expected cost.
    #[must_use]
    pub fn latest_start(&self, deadline: Option<Time>, cost: Duration) -> Option<Time> {
        let reserve = cost.saturating_add(self.lead).saturating_add(self.margin);
        deadline.map(|deadline| deadline - reserve)
    }
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in the time of the simulated world.
    pub at: Time,
    /// When, as the scheduler saw it: with an undisturbed clock that is the same.
    pub now: Time,
    /// The number of the group in whose scheduler: 0 if there is only one.
    pub group: usize,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A job was queued.
    Submitted {
        /// Its key.
        key: Key,
        /// The job.
        ticket: Ticket,
    },
    /// A job joined a queued one.
    Joined {
        /// The key of the queued one.
        key: Key,
        /// The job that joined.
        ticket: Ticket,
    },
    /// A job was not accepted.
    Refused {
        /// The job.
        ticket: Ticket,
        /// Why.
        reason: RefuseReason,
    },
    /// A job started.
    Started {
        /// Its key.
        key: Key,
        /// The job.
        ticket: Ticket,
        /// Its deadline now.
        deadline: Option<Time>,
        /// The worker time that it is expected to need.
        expected: Duration,
        /// The time before which it had to start.
        latest_start: Option<Time>,
        /// How long it was queued.
        waited: Duration,
        /// What would have become of it, if the scheduler were no shadow.
        verdict: Option<Verdict>,
        /// How many ready jobs were due earlier; not counted with one group.
        rank_error: u64,
    },
    /// An accepted job was shed.
    Shed {
        /// Its key.
        key: Key,
        /// The job.
        ticket: Ticket,
        /// Its deadline now.
        deadline: Option<Time>,
        /// Why.
        reason: ShedReason,
    },
    /// A job's run ended.
    Completed {
        /// Its key.
        key: Key,
        /// The job.
        ticket: Ticket,
        /// Its deadline now.
        deadline: Option<Time>,
        /// That deadline in the time of the simulated world.
        due: Option<Time>,
        /// How it ended.
        outcome: Outcome,
        /// How long the worker was busy with it.
        took: Duration,
        /// By how much it was not done when it was due in the simulated world, its lead
        /// included; zero if it was. No clock that stands still makes anybody punctual.
        late: Duration,
    },
    /// A queued job was cancelled.
    Cancelled {
        /// Its key.
        key: Key,
        /// The job.
        ticket: Ticket,
    },
    /// One of those who share a queued job let go of it.
    LetGo {
        /// Its key.
        key: Key,
    },
    /// A queued job got another deadline.
    Rescheduled {
        /// Its key.
        key: Key,
        /// The deadline that it had.
        old: Option<Time>,
        /// The one that it has.
        new: Time,
    },
    /// A queued job kept its deadline.
    NotRescheduled {
        /// Its key.
        key: Key,
        /// The deadline that it was to get.
        new: Time,
        /// Why it didn't.
        error: RescheduleError,
    },
    /// The scheduler has nothing to do before this time.
    Waiting {
        /// The time.
        until: Option<Time>,
    },
    /// The scheduler was told to shut down.
    ShutDown {
        /// By when.
        by: Time,
    },
}

impl What {
    pub(super) fn started(running: &Running<Ticket>, rank_error: u64) -> Self {
        let &Running { key, payload: ticket, deadline, cost, waited, verdict, .. } = running;
        let latest_start = ticket.latest_start(deadline, cost);
        Self::Started {
            key,
            ticket,
            deadline,
            expected: cost,
            latest_start,
            waited,
            verdict,
            rank_error,
        }
    }

    pub(super) const fn shed(shed: &Shed<Ticket>) -> Self {
        let &Shed { key, payload: ticket, deadline, reason, .. } = shed;
        Self::Shed { key, ticket, deadline, reason }
    }

    /// The job that something became of.
    pub(super) const fn ticket(&self) -> Option<&Ticket> {
        match self {
            Self::Submitted { ticket, .. }
            | Self::Joined { ticket, .. }
            | Self::Refused { ticket, .. }
            | Self::Started { ticket, .. }
            | Self::Shed { ticket, .. }
            | Self::Completed { ticket, .. }
            | Self::Cancelled { ticket, .. } => Some(ticket),
            _ => None,
        }
    }

    /// The event's number in a trace's hash, and what it says of jobs and times.
    pub(super) fn digest(&self) -> [u64; 4] {
        let [number, subject, detail] = self.short_digest();
        let more = match *self {
            Self::Started { expected, .. } => expected.as_nanos() as u64,
            Self::Completed { took, .. } => took.as_nanos() as u64,
            _ => 0,
        };
        [number, subject, detail, more]
    }

    fn short_digest(&self) -> [u64; 3] {
        let ns = |time: Time| time.as_nanos();
        let optional = |time: Option<Time>| time.map_or(u64::MAX, Time::as_nanos);
        match *self {
            Self::Submitted { ticket, .. } => [1, ticket.number, ns(ticket.eligible)],
            Self::Joined { ticket, .. } => [2, ticket.number, ns(ticket.eligible)],
            Self::Refused { ticket, reason } => [3, ticket.number, refuse_number(&reason)],
            Self::Started { ticket, deadline, .. } => [4, ticket.number, optional(deadline)],
            Self::Shed { ticket, reason, .. } => [5, ticket.number, shed_number(&reason)],
            Self::Completed { ticket, late, .. } => [6, ticket.number, late.as_nanos() as u64],
            Self::Cancelled { ticket, .. } => [7, ticket.number, 0],
            Self::LetGo { key } => [8, key.to_bits(), 0],
            Self::Rescheduled { key, new, .. } => [9, key.to_bits(), ns(new)],
            Self::NotRescheduled { key, new, .. } => [10, key.to_bits(), ns(new)],
            Self::Waiting { until } => [11, 0, optional(until)],
            Self::ShutDown { by } => [12, 0, ns(by)],
        }
    }
}

fn refuse_number(reason: &RefuseReason) -> u64 {
    match reason {
        RefuseReason::QueueFull => 1,
        RefuseReason::Expired => 2,
        RefuseReason::UnknownClass => 3,
        RefuseReason::Closed => 4,
        RefuseReason::Infeasible(forecast) => 5 + (forecast.start.as_nanos() << 3),
    }
}

fn shed_number(reason: &ShedReason) -> u64 {
    match reason {
        ShedReason::Shutdown => 1,
        ShedReason::Displaced => 3,
        ShedReason::LatestStart { latest_start, .. } => 2 + (latest_start.as_nanos() << 3),
        ShedReason::Evicted(forecast) => 3 + (forecast.start.as_nanos() << 3),
        ShedReason::OverShare(forecast) => 4 + (forecast.start.as_nanos() << 3),
    }
}
