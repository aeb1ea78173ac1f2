//! The operations that are measured, each a preparation, a run and a check.

use super::Timers;
use super::plan::{Delay, Plan, Step, cancelled_mix};
use crate::workload::random::mix;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Insert,
    Cancel,
    Reset,
    ResetLater,
    /// Timers come and go, and 95 % of them are cancelled.
    CancelledMix,
    /// All timers expire, and the wheel is advanced at every tick at which one does.
    Expire,
    /// Sleep until the next wake-up, fire, arm again what fired.
    EventLoop,
    /// Cancel the earliest timer and ask for the next wake-up.
    CancelEarliest,
    /// Advance by a tick at which nothing is due.
    EmptyTick,
    /// Advance by an hour in which nothing is due.
    IdleHour,
}

impl Operation {
    pub(crate) const ALL: [Self; 10] = [
        Self::Insert,
        Self::Cancel,
        Self::Reset,
        Self::ResetLater,
        Self::CancelledMix,
        Self::Expire,
        Self::EventLoop,
        Self::CancelEarliest,
        Self::EmptyTick,
        Self::IdleHour,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Cancel => "cancel",
            Self::Reset => "re-arm",
            Self::ResetLater => "re-arm later",
            Self::CancelledMix => "95% cancelled",
            Self::Expire => "expire all",
            Self::EventLoop => "wake, fire, re-arm",
            Self::CancelEarliest => "cancel first, next_wakeup",
            Self::EmptyTick => "empty tick",
            Self::IdleHour => "idle hour",
        }
    }

    /// Ticks before the first delay begins.
    const fn idle_ticks(self) -> u64 {
        match self {
            Self::CancelEarliest => 10_000,
            Self::EmptyTick => 2 * EMPTY_TICKS,
            Self::IdleHour => (IDLE_HOURS + 1) * HOUR_TICKS,
            _ => 0,
        }
    }
}

const EMPTY_TICKS: u64 = 100_000;
const IDLE_HOURS: u64 = 1_000;
const HOUR_TICKS: u64 = 3_600_000;

/// More of them would take minutes where a wake-up is found by a scan.
const CANCELLED_EARLIEST: usize = 100;

/// After every deadline of a plan.
const END: u64 = 1 << 33;

/// An operation with all that it needs, drawn before the clock runs.
pub(crate) struct Prepared {
    operation: Operation,
    plan: Plan,
    ids: usize,
    /// Ids to be cancelled, in order.
    order: Vec<u32>,
    resets: Vec<(u32, u64)>,
    /// Steps before the measured ones, which bring the structure to its steady state, and those.
    lead: Vec<Step>,
    steps: Vec<Step>,
    delays: Vec<u64>,
    ticks: Vec<u64>,
    /// Insertions, cancellations, ticks: what the time is divided by.
    pub(crate) count: usize,
}

impl Prepared {
    pub(crate) fn new(operation: Operation, timers: usize, delay: Delay) -> Self {
        let plan = Plan::new(timers, delay, operation.idle_ticks());
        let mut prepared = Self {
            operation,
            plan,
            ids: timers,
            order: Vec::new(),
            resets: Vec::new(),
            lead: Vec::new(),
            steps: Vec::new(),
            delays: Vec::new(),
            ticks: Vec::new(),
            count: timers,
        };
        let plan = &prepared.plan;
        match operation {
            Operation::Insert | Operation::Cancel => prepared.order = plan.shuffled(),
            Operation::Reset => prepared.resets = plan.resets(),
            Operation::ResetLater => prepared.resets = plan.later_resets(),
            Operation::CancelledMix => {
                (prepared.lead, prepared.ids) = cancelled_mix(timers, 3 * timers, delay);
                prepared.steps = prepared.lead.split_off(prepared.lead.len() / 3 * 2);
                prepared.count =
                    prepared.steps.iter().filter(|step| step.deadline.is_some()).count();
            }
            Operation::Expire => prepared.ticks = plan.due_ticks(),
            Operation::EventLoop => prepared.delays = plan.delays(),
            Operation::CancelEarliest => {
                prepared.order = plan.earliest(CANCELLED_EARLIEST.min(timers / 2));
                prepared.count = prepared.order.len();
            }
            Operation::EmptyTick => prepared.ticks = (1..=EMPTY_TICKS).collect(),
            Operation::IdleHour => {
                prepared.ticks = (1..=IDLE_HOURS).map(|hour| hour * HOUR_TICKS).collect();
            }
        }
        if matches!(operation, Operation::EmptyTick | Operation::IdleHour) {
            prepared.count = prepared.ticks.len();
        }
        prepared
    }

    /// The structure as it is when the clock starts.
    pub(crate) fn start<T: Timers>(&self) -> T {
        let mut timers = T::new(self.ids);
        if self.operation == Operation::CancelledMix {
            follow(&mut timers, &self.lead);
            return timers;
        }
        insert(&mut timers, &self.plan);
        if self.operation == Operation::Insert {
            // Memory that was used before is what a service inserts into.
            cancel(&mut timers, &self.order);
        }
        timers
    }

    /// What is measured; returns a checksum of what it saw.
    pub(crate) fn run<T: Timers>(&self, timers: &mut T) -> u64 {
        match self.operation {
            Operation::Insert => insert(timers, &self.plan),
            Operation::Cancel => cancel(timers, &self.order),
            Operation::Reset | Operation::ResetLater => {
                for &(id, tick) in &self.resets {
                    timers.reset(id, tick);
                }
            }
            Operation::CancelledMix => return follow(timers, &self.steps),
            Operation::Expire | Operation::EmptyTick | Operation::IdleHour => {
                return self
                    .ticks
                    .iter()
                    .fold(0, |sum: u64, &now| sum.wrapping_add(fire(timers, now)));
            }
            Operation::EventLoop => return event_loop(timers, &self.delays),
            Operation::CancelEarliest => return cancel_earliest(timers, &self.order),
        }
        0
    }

    /// Takes out what is left; returns a checksum of it.
    pub(crate) fn finish<T: Timers>(&self, timers: &mut T) -> u64 {
        // Which id waits for which delay depends on the order within a tick, after event loops.
        match self.operation {
            Operation::EventLoop => 0,
            _ => fire(timers, END),
        }
    }
}

pub(crate) fn insert<T: Timers>(timers: &mut T, plan: &Plan) {
    for &(id, tick) in &plan.timers {
        timers.insert(id, tick);
    }
}

fn cancel<T: Timers>(timers: &mut T, order: &[u32]) {
    for &id in order {
        timers.cancel(id);
    }
}

/// Fires what is due; returns a sum that doesn't depend on the order.
pub(crate) fn fire<T: Timers>(timers: &mut T, now: u64) -> u64 {
    let mut checksum = 0_u64;
    timers.advance(now, &mut |id| {
        checksum = checksum.wrapping_add(mix((now << 32) | u64::from(id)));
    });
    checksum
}

fn follow<T: Timers>(timers: &mut T, steps: &[Step]) -> u64 {
    let (mut checksum, mut present) = (0_u64, 0);
    for step in steps {
        if step.now != present {
            checksum = checksum.wrapping_add(fire(timers, step.now));
            present = step.now;
        }
        match step.deadline {
            Some(tick) => timers.insert(step.id, tick.get()),
            None => timers.cancel(step.id),
        }
    }
    checksum
}

fn event_loop<T: Timers>(timers: &mut T, delays: &[u64]) -> u64 {
    let (mut checksum, mut delays) = (0, delays.iter());
    let mut fired = Vec::new();
    while let Some(now) = timers.next_wakeup() {
        timers.advance(now, &mut |id| fired.push(id));
        checksum = mix(checksum ^ now ^ fired.len() as u64);
        for id in fired.drain(..) {
            let Some(delay) = delays.next() else { return checksum };
            timers.insert(id, now + delay);
        }
    }
    checksum
}

fn cancel_earliest<T: Timers>(timers: &mut T, order: &[u32]) -> u64 {
    let mut checksum = 0;
    for &id in order {
        timers.cancel(id);
        checksum = mix(checksum ^ timers.next_wakeup().unwrap_or(0));
    }
    checksum
}
