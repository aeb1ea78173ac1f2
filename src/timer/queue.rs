//! Who waits for which time, behind one lock.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use super::alarm::Armed;
use crate::key::Key;
use crate::sync::{Arc, Mutex};
use crate::time::{Clock, Time};
use crate::wheel::TimerWheel;

/// How far apart two ticks of the wheel are: below what a system needs to wake a thread.
pub(super) const RESOLUTION: Duration = Duration::from_micros(10);

/// So many are taken out before the lock is free for others again.
const BATCH: usize = 64;

/// The wheel, the clock that it goes by, and how long its thread means to sleep.
pub(super) struct Queue {
    clock: Box<dyn Clock + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    wheel: TimerWheel<Waiting>,
    /// Until then the thread doesn't look by itself. While it is awake that is [`Time::ZERO`]: it
    /// looks again before it parks.
    asleep_until: Time,
    is_closed: bool,
}

/// Somebody to be woken.
pub(super) enum Waiting {
    Task(Waker),
    Alarm(Arc<Armed>),
}

/// What the thread has to do.
pub(super) enum Turn {
    /// These are due; there may be more.
    Wake,
    /// There may be more that is due.
    Again,
    /// Nothing is due before this time; at `now` the clock was asked.
    Park { now: Time, until: Time },
    /// Nobody waits any more.
    End,
}

/// Whether the thread has to be told of a new time.
#[must_use = "the thread sleeps too long otherwise"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IsFirst(pub(super) bool);

impl Queue {
    pub(super) fn new(clock: Box<dyn Clock + Send + Sync>) -> Self {
        let wheel = TimerWheel::new(RESOLUTION, clock.now());
        let state = State { wheel, asleep_until: Time::ZERO, is_closed: false };
        Self { clock, state: Mutex::new(state) }
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Somebody waits until `deadline`.
    pub(super) fn insert(&self, deadline: Time, waiting: Waiting) -> (Key, IsFirst) {
        let mut state = self.state.lock();
        let key = state.wheel.insert(deadline, waiting);
        (key, state.note(key))
    }

    /// Whether the key's timer waits still and `waker` is whom it wakes.
    pub(super) fn is_waiting(&self, key: Key, waker: &Waker) -> bool {
        let state = self.state.lock();
        matches!(state.wheel.get(key), Some(Waiting::Task(known)) if known.will_wake(waker))
    }

    /// The key's timer wakes somebody else from now on. Returns who isn't needed: the one before,
    /// or the new one if the timer has fired.
    pub(super) fn replace(&self, key: Key, waiting: Waiting) -> Result<Waiting, Waiting> {
        match self.state.lock().wheel.get_mut(key) {
            Some(known) => Ok(core::mem::replace(known, waiting)),
            None => Err(waiting),
        }
    }

    /// Moves the key's timer; `None` if it has fired.
    pub(super) fn reset(&self, key: Key, deadline: Time) -> Option<IsFirst> {
        let mut state = self.state.lock();
        state.wheel.reset(key, deadline)?;
        Some(state.note(key))
    }

    /// The alarm goes off at `at`; `key` is that of its latest time.
    pub(super) fn arm(&self, key: Option<Key>, at: Time, armed: &Arc<Armed>) -> (Key, IsFirst) {
        let mut state = self.state.lock();
        let waiting = key.filter(|&key| state.wheel.reset(key, at).is_some());
        let key =
            waiting.unwrap_or_else(|| state.wheel.insert(at, Waiting::Alarm(Arc::clone(armed))));
        armed.arm(at);
        (key, state.note(key))
    }

    /// Nobody waits under this key any more. What comes back is dropped by the caller, outside of
    /// the lock.
    #[must_use]
    pub(super) fn cancel(&self, key: Key) -> Option<Waiting> {
        self.state.lock().wheel.cancel(key)
    }

    /// No handle is left.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
    }

    /// Takes out what is due, at most a batch.
    pub(super) fn turn(&self, batch: &mut Vec<Waiting>) -> Turn {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.asleep_until = Time::ZERO;
        if state.is_closed {
            return Turn::End;
        }
        let advanced = state.wheel.advance(now, BATCH, |_, waiting| {
            if let Waiting::Alarm(armed) = &waiting {
                armed.disarm();
            }
            batch.push(waiting);
        });
        if !batch.is_empty() {
            return Turn::Wake;
        }
        if !advanced.caught_up {
            return Turn::Again;
        }
        let until = state.wheel.next_wakeup().unwrap_or(Time::MAX);
        state.asleep_until = until;
        Turn::Park { now, until }
    }
}

impl State {
    /// The key's timer is new or has moved.
    fn note(&mut self, key: Key) -> IsFirst {
        let fires_at = self.wheel.deadline(key).unwrap_or(Time::MAX);
        let is_first = fires_at < self.asleep_until;
        if is_first {
            self.asleep_until = fires_at;
        }
        IsFirst(is_first)
    }
}

impl Waiting {
    /// Calls the waker. It is somebody else's code: if it panics, nobody else is concerned.
    pub(super) fn wake(self) {
        let woken = catch_unwind(AssertUnwindSafe(|| match self {
            Self::Task(waker) => waker.wake(),
            Self::Alarm(armed) => armed.wake(),
        }));
        // What was thrown may panic when it is dropped.
        woken.unwrap_or_else(core::mem::forget);
    }
}
