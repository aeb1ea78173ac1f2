//! tokio-util's DelayQueue, on a runtime whose clock is paused and moved by hand.
//!
//! The queue learns of the time from tokio's timer only, so every advance of the clock costs a
//! turn of the runtime: its users pay that as well.

use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::time::Instant;
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key;

use crate::workload::wheel::Timers;
use crate::workload::wheel::operation::Operation;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing")
});

/// The queue with the table of keys that its caller would keep.
pub(crate) struct TokioDelayQueue {
    queue: DelayQueue<u32>,
    keys: Vec<Option<Key>>,
    start: Instant,
    now: u64,
    _context: EnterGuard<'static>,
}

impl TokioDelayQueue {
    fn key(&self, id: u32) -> &Key {
        self.keys[id as usize].as_ref().expect("the id was inserted")
    }

    fn at(&self, tick: u64) -> Instant {
        self.start + Duration::from_millis(tick)
    }
}

impl Timers for TokioDelayQueue {
    const NAME: &'static str = "DelayQueue";

    /// `peek` compares all timers of the next slot, at every question.
    const SCANNED: &'static [Operation] =
        &[Operation::NextWakeup, Operation::CancelFirst, Operation::PopOne];

    fn new(ids: usize) -> Self {
        let context = RUNTIME.enter();
        Self {
            queue: DelayQueue::new(),
            keys: vec![None; ids],
            start: Instant::now(),
            now: 0,
            _context: context,
        }
    }

    fn insert(&mut self, id: u32, tick: u64) {
        let key = self.queue.insert_at(id, self.at(tick));
        self.keys[id as usize] = Some(key);
    }

    fn cancel(&mut self, id: u32) {
        let key = *self.key(id);
        self.queue.remove(&key);
    }

    fn reset(&mut self, id: u32, tick: u64) {
        let (key, at) = (*self.key(id), self.at(tick));
        self.queue.reset_at(&key, at);
    }

    fn advance(&mut self, now: u64, budget: usize, fire: &mut impl FnMut(u32)) {
        if now > self.now {
            RUNTIME.block_on(tokio::time::advance(Duration::from_millis(now - self.now)));
            self.now = now;
        }
        let (mut context, mut left) = (Context::from_waker(Waker::noop()), budget);
        while left > 0
            && let Poll::Ready(Some(expired)) = self.queue.poll_expired(&mut context)
        {
            fire(expired.into_inner());
            left -= 1;
        }
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        let at = self.queue.deadline(&self.queue.peek()?);
        Some((at - self.start).as_millis() as u64)
    }
}
