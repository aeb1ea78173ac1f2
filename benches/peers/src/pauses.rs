//! How long a single call can hold a thread up: the longest tick, call or question of a replay.

use crate::frame::Turn;
use crate::steps::Steps;
use crate::workload::random::mix;
use crate::workload::wheel::Timers;
use crate::workload::wheel::operation::Operation;
use crate::workload::wheel::plan::{Delay, Plan};
use crate::workload::wheel::prepared::{Prepared, fire, insert};

/// Timers of a burst, and the tick on which all of them are due.
pub(crate) const BURST_TIMERS: usize = 100_000;
const BURST_TICK: u64 = 30_000;

/// The most that a burst's caller takes at once.
const BURST_BUDGET: usize = 256;

/// Timers of a structure that runs empty to have its code in the caches.
const WARM_UP: usize = 1_000;

/// Visits every tick up to the last deadline; the cost is that of the slowest.
pub(crate) fn worst_tick<T: Timers>(plan: &Plan, ticks: &mut Steps) -> Turn {
    let mut timers = started::<T>(plan);
    let last_tick = plan.timers.iter().map(|&(_, tick)| tick).max().unwrap_or(0);
    let mut checksum = 0_u64;
    for now in 1..=last_tick {
        let fired = ticks.time(now as usize - 1, || fire(&mut timers, now));
        checksum = checksum.wrapping_add(fired);
    }
    Turn { cost: ticks.worst_ns(), checksum }
}

/// The timers of a burst, among others whose delays are uniform.
pub(crate) fn burst(others: usize) -> Plan {
    let mut plan = Plan::new(BURST_TIMERS + others, Delay::Uniform, 0);
    for (_, tick) in &mut plan.timers[..BURST_TIMERS] {
        *tick = BURST_TICK;
    }
    plan
}

/// Visits every tick up to the burst, with as many calls as its budget demands; the cost is that
/// of the slowest call, those included that have nothing to fire.
pub(crate) fn worst_call<T: Timers>(plan: &Plan, calls: &mut Steps) -> Turn {
    let mut timers = started::<T>(plan);
    let (mut checksum, mut number) = (0_u64, 0);
    for now in 1..=BURST_TICK {
        loop {
            let mut fired = 0;
            calls.time(number, || {
                timers.advance(now, BURST_BUDGET, &mut |id| {
                    checksum = checksum.wrapping_add(mix((now << 32) | u64::from(id)));
                    fired += 1;
                });
            });
            number += 1;
            if fired < BURST_BUDGET {
                break;
            }
        }
    }
    Turn { cost: calls.worst_ns(), checksum: mix(checksum ^ number as u64) }
}

/// Cancels the earliest timers one by one; the cost is that of the slowest cancellation with the
/// question for the next wake-up.
pub(crate) fn worst_question<T: Timers>(prepared: &Prepared, questions: &mut Steps) -> Turn {
    let mut timers = prepared.start::<T>();
    let checksum = prepared
        .cancel_first(&mut timers, |number, cancel_and_ask| questions.time(number, cancel_and_ask));
    Turn { cost: questions.worst_ns(), checksum }
}

/// A plan's timers. A first tick would wait for its code, and that is not the structure's doing.
fn started<T: Timers>(plan: &Plan) -> T {
    let warm_up = Prepared::new(Operation::Expire, WARM_UP, Delay::Exponential);
    warm_up.run(&mut warm_up.start::<T>());
    let mut timers = T::new(plan.timers.len());
    insert(&mut timers, plan);
    timers
}
