//! An operation's preparation, its run and its check.

use std::hint::black_box;

use super::Timers;
use super::operation::Operation;
use super::plan::{Delay, Plan, Step, cancelled_mix};
use crate::workload::random::mix;

const EMPTY_TICKS: u64 = 100_000;
const IDLE_HOURS: u64 = 1_000;
const HOUR_TICKS: u64 = 3_600_000;

/// Questions for the next wake-up while nothing changes.
const QUESTIONS: usize = 10_000;

/// Questions after which a structure stops that scans for its answers. What the others see after
/// them is in no checksum.
const SCANS: usize = 100;

/// After every deadline of a plan.
const END: u64 = 1 << 33;

/// An operation with all that it needs, drawn before the clock runs.
pub(crate) struct Prepared {
    pub(crate) operation: Operation,
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
    /// The first timers in order of their deadlines: they are gone when the clock starts, so
    /// that the slot or the cluster that comes next is neither full nor empty.
    gone: Vec<u32>,
    /// What everybody counts who doesn't stop before.
    pub(crate) count: usize,
}

impl Prepared {
    pub(crate) fn new(operation: Operation, timers: usize, delay: Delay) -> Self {
        let mut prepared = Self {
            operation,
            plan: Plan::new(timers, delay, idle_ticks(operation)),
            ids: timers,
            order: Vec::new(),
            resets: Vec::new(),
            lead: Vec::new(),
            steps: Vec::new(),
            delays: Vec::new(),
            ticks: Vec::new(),
            gone: Vec::new(),
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
            Operation::NextWakeup => prepared.count = QUESTIONS,
            Operation::CancelFirst | Operation::PopOne => {
                prepared.gone = plan.earliest(timers / 2);
                prepared.order = prepared.gone.split_off(timers / 4);
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

    /// Insertions, cancellations, ticks, questions: what the time is divided by.
    pub(crate) fn count<T: Timers>(&self) -> usize {
        let is_slow = match self.operation {
            // Otherwise a slot holds few timers when they are due.
            Operation::PopOne if self.plan.delay != Delay::Clustered => false,
            operation => T::SCANNED.contains(&operation),
        };
        if is_slow { self.count.min(SCANS) } else { self.count }
    }

    /// The structure as it is when the clock starts.
    pub(crate) fn start<T: Timers>(&self) -> T {
        assert!(!T::LEFT_OUT.contains(&self.operation), "{} can't do that", T::NAME);
        let mut timers = T::new(self.ids);
        match self.operation {
            Operation::CancelledMix => {
                follow(&mut timers, &self.lead);
                return timers;
            }
            _ => insert(&mut timers, &self.plan),
        }
        match self.operation {
            // Memory that was used before is what a service inserts into.
            Operation::Insert => cancel(&mut timers, &self.order),
            // What was asked for before may be remembered.
            Operation::NextWakeup => drop(timers.next_wakeup()),
            Operation::CancelFirst => cancel(&mut timers, &self.gone),
            Operation::PopOne => pop(&mut timers, self.gone.len()),
            _ => {}
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
                let fired = self.ticks.iter().map(|&now| fire(timers, now));
                return fired.fold(0, u64::wrapping_add);
            }
            Operation::EventLoop => return event_loop(timers, &self.delays),
            Operation::NextWakeup => return ask(timers, self.count::<T>()),
            Operation::CancelFirst => {
                return self.cancel_first(timers, |_, cancel_and_ask| cancel_and_ask());
            }
            Operation::PopOne => return pop_one_by_one(timers, self.count::<T>()),
        }
        0
    }

    /// Cancels the earliest timers one by one and asks for the next after each, in steps that
    /// somebody else may time by their number.
    pub(crate) fn cancel_first<T: Timers>(
        &self,
        timers: &mut T,
        mut step: impl FnMut(usize, &mut dyn FnMut() -> Option<u64>) -> Option<u64>,
    ) -> u64 {
        let mut checksum = 0;
        for (number, &id) in self.order.iter().take(self.count::<T>()).enumerate() {
            let next = step(number, &mut || {
                timers.cancel(id);
                timers.next_wakeup()
            });
            if number < SCANS {
                checksum = mix(checksum ^ next.unwrap_or(0));
            }
        }
        checksum
    }

    /// Takes out what is left; returns a checksum of it.
    pub(crate) fn finish<T: Timers>(&self, timers: &mut T) -> u64 {
        match self.operation {
            // Which id waits for which delay depends on the order within a tick.
            Operation::EventLoop => 0,
            // Not everybody takes out as many.
            Operation::CancelFirst | Operation::PopOne => 0,
            _ => fire(timers, END),
        }
    }
}

/// Ticks before the first delay begins.
const fn idle_ticks(operation: Operation) -> u64 {
    match operation {
        // Far enough for wide slots, in which the next timer is not known at once.
        Operation::CancelFirst => 10_000,
        Operation::EmptyTick => 2 * EMPTY_TICKS,
        Operation::IdleHour => (IDLE_HOURS + 1) * HOUR_TICKS,
        _ => 0,
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
    timers.advance(now, usize::MAX, &mut |id| {
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
        timers.advance(now, usize::MAX, &mut |id| fired.push(id));
        if fired.is_empty() {
            continue;
        }
        checksum = mix(checksum ^ now ^ fired.len() as u64);
        for id in fired.drain(..) {
            let Some(delay) = delays.next() else { return checksum };
            timers.insert(id, now + delay);
        }
    }
    checksum
}

/// Returns a checksum of the smallest answer and the largest, which are the same. Of all answers
/// it would cost more than some of them.
fn ask<T: Timers>(timers: &mut T, questions: usize) -> u64 {
    let answers = (0..questions).map(|_| black_box(&mut *timers).next_wakeup().unwrap_or(0));
    let extremes = answers.fold((u64::MAX, 0), |(smallest, largest): (u64, u64), next| {
        (smallest.min(next), largest.max(next))
    });
    mix(extremes.0).wrapping_add(extremes.1)
}

/// Takes out the first `count` timers.
fn pop<T: Timers>(timers: &mut T, count: usize) {
    let mut left = count;
    while left > 0 {
        let now = timers.next_wakeup().expect("there are more");
        timers.advance(now, left, &mut |_| left -= 1);
    }
}

/// Returns a checksum of the ticks: in which order the timers of a tick come is open.
fn pop_one_by_one<T: Timers>(timers: &mut T, count: usize) -> u64 {
    let (mut checksum, mut popped) = (0, 0);
    while popped < count {
        let now = timers.next_wakeup().expect("there are more");
        let before = popped;
        timers.advance(now, 1, &mut |_| popped += 1);
        if popped > before && popped <= SCANS {
            checksum = mix(checksum ^ now);
        }
    }
    checksum
}
