//! nexus-timer: seven levels of 64 slots, linked through a slab, moved to finer levels as they
//! are polled.
//!
//! A cap on the moves of a poll leaves its longest pause as it is and scans the rest again and
//! again: of the caps 64 to 16,384, measured at 1e5 and 1e6 timers, none beats the default.

use std::iter;
use std::time::{Duration, Instant};

use nexus_timer::{TimerHandle, Wheel};

use crate::workload::wheel::Timers;
use crate::workload::wheel::operation::Operation;

/// Of the slab, as in the crate's documentation.
const CHUNK_TIMERS: usize = 4_096;

const TICK: Duration = Duration::from_millis(1);

/// The wheel with the table of handles that its caller would keep.
pub(crate) struct NexusWheel {
    wheel: Wheel<u32>,
    handles: Vec<Option<TimerHandle<u32>>>,
    fired: Vec<u32>,
    start: Instant,
    now: u64,
}

impl NexusWheel {
    /// Halfway between two ticks. The wheel rounds down, by a reciprocal that is a little too
    /// small: a whole number of ticks becomes one less, and its timer fires up to a tick early.
    fn at(&self, tick: u64) -> Instant {
        self.start + Duration::from_millis(tick) + TICK / 2
    }

    fn handle(&mut self, id: u32) -> TimerHandle<u32> {
        self.handles[id as usize].take().expect("the id was inserted")
    }
}

impl Timers for NexusWheel {
    const NAME: &'static str = "nexus-timer";

    /// A slot's earliest deadline is kept when its timer is cancelled: then the answer comes too
    /// early, until a poll has looked at the slot.
    const LEFT_OUT: &'static [Operation] = &[Operation::CancelFirst];

    #[expect(
        clippy::disallowed_methods,
        reason = "the wheel counts from an `Instant`, any will do"
    )]
    fn new(ids: usize) -> Self {
        let start = Instant::now();
        Self {
            wheel: Wheel::unbounded(CHUNK_TIMERS, start),
            handles: iter::repeat_with(|| None).take(ids).collect(),
            fired: Vec::new(),
            start,
            now: 0,
        }
    }

    fn insert(&mut self, id: u32, tick: u64) {
        self.handles[id as usize] = Some(self.wheel.schedule(self.at(tick), id));
    }

    fn cancel(&mut self, id: u32) {
        let handle = self.handle(id);
        self.wheel.cancel(handle).expect("the id has a timer");
    }

    fn reset(&mut self, id: u32, tick: u64) {
        let (handle, at) = (self.handle(id), self.at(tick));
        self.handles[id as usize] = Some(self.wheel.reschedule(handle, at));
    }

    fn advance(&mut self, now: u64, budget: usize, fire: &mut impl FnMut(u32)) {
        self.now = now;
        let (at, mut fired) = (self.at(now), std::mem::take(&mut self.fired));
        self.wheel.poll_and_rebalance_with_limit(at, budget, &mut fired);
        for id in fired.drain(..) {
            // A timer whose handle nobody gives back stays in the slab after it has fired.
            let handle = self.handle(id);
            self.wheel.free(handle);
            fire(id);
        }
        self.fired = fired;
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        let since_start = self.wheel.next_deadline()? - self.start;
        Some((since_start.as_millis() as u64).max(self.now))
    }
}

/// A handle must not be dropped.
impl Drop for NexusWheel {
    fn drop(&mut self) {
        for handle in self.handles.drain(..).flatten() {
            self.wheel.free(handle);
        }
    }
}
