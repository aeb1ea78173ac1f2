//! hierarchical_hash_wheel_timer: four wheels of 256 slots, and a hash map that tells which of
//! their entries still count.
//!
//! It moves nothing in place, so a timer is re-armed by a cancellation and an insertion. A tick
//! gives all of its timers at once: whoever has a budget keeps the rest.

use std::rc::Rc;
use std::time::Duration;
use std::vec;

use hierarchical_hash_wheel_timer::wheels::Skip;
use hierarchical_hash_wheel_timer::wheels::cancellable::{
    CancellableTimerEntry, QuadWheelWithOverflow,
};

use crate::workload::wheel::Timers;
use crate::workload::wheel::operation::Operation;

/// An entry that knows its id; its delay is given when it is inserted.
#[derive(Debug)]
struct Entry(u32);

impl CancellableTimerEntry for Entry {
    type Id = u32;

    fn id(&self) -> &u32 {
        &self.0
    }
}

/// The wheels with the time that its caller would count.
pub(crate) struct HashWheel {
    wheels: QuadWheelWithOverflow<Entry>,
    now: u64,
    due: vec::IntoIter<Rc<Entry>>,
}

impl HashWheel {
    /// Skips what can be skipped and makes one tick, but goes no further than to `now`.
    fn step(&mut self, now: u64) {
        let skippable = match self.wheels.can_skip() {
            Skip::None => 0,
            Skip::Millis(ticks) => ticks,
            Skip::Empty => u32::MAX,
        };
        let skipped = (now - self.now).min(u64::from(skippable));
        if skipped > 0 {
            self.wheels.skip(skipped as u32);
            self.now += skipped;
        }
        if self.now < now {
            self.due = self.wheels.tick().into_iter();
            self.now += 1;
        }
    }
}

impl Timers for HashWheel {
    const NAME: &'static str = "hierarchical_hash_wheel_timer";

    /// The wheels know only how far they are empty: that is before the next timer.
    const LEFT_OUT: &'static [Operation] = &[Operation::NextWakeup, Operation::CancelFirst];

    fn new(_ids: usize) -> Self {
        Self { wheels: QuadWheelWithOverflow::new(), now: 0, due: Vec::new().into_iter() }
    }

    fn insert(&mut self, id: u32, tick: u64) {
        let delay = Duration::from_millis(tick - self.now);
        let inserted = self.wheels.insert_ref_with_delay(Rc::new(Entry(id)), delay);
        inserted.expect("the timer is not due yet");
    }

    fn cancel(&mut self, id: u32) {
        self.wheels.cancel(&id).expect("the id has a timer");
    }

    fn reset(&mut self, id: u32, tick: u64) {
        self.cancel(id);
        self.insert(id, tick);
    }

    fn advance(&mut self, now: u64, budget: usize, fire: &mut impl FnMut(u32)) {
        let mut left = budget;
        loop {
            while left > 0
                && let Some(entry) = self.due.next()
            {
                fire(entry.0);
                left -= 1;
            }
            if left == 0 || self.now >= now {
                return;
            }
            self.step(now);
        }
    }

    /// The next tick that can't be skipped.
    fn next_wakeup(&mut self) -> Option<u64> {
        if self.due.len() > 0 {
            return Some(self.now);
        }
        match self.wheels.can_skip() {
            Skip::None => Some(self.now + 1),
            Skip::Millis(ticks) => Some(self.now + u64::from(ticks) + 1),
            Skip::Empty => None,
        }
    }
}
