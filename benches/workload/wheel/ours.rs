//! punctual's wheels as contenders, in ticks of a millisecond.

use std::time::Duration;

use punctual::key::Key;
use punctual::time::Time;
use punctual::wheel::{IdWheel, TimerWheel};

use super::Timers;

const TICK_NS: u64 = 1_000_000;

impl Timers for IdWheel {
    const NAME: &'static str = "IdWheel";

    fn new(ids: usize) -> Self {
        Self::with_bound(0, ids as u32)
    }

    fn insert(&mut self, id: u32, tick: u64) {
        self.insert(id, tick).expect("the id is free and below the bound");
    }

    fn cancel(&mut self, id: u32) {
        self.cancel(id).expect("the id has a timer");
    }

    fn reset(&mut self, id: u32, tick: u64) {
        self.reset(id, tick).expect("the id has a timer");
    }

    fn advance(&mut self, now: u64, budget: usize, fire: &mut impl FnMut(u32)) {
        let _ = self.advance(now, budget, |id, _| fire(id));
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        self.next_wakeup()
    }
}

/// The wheel with the table of keys that its caller would keep.
pub(crate) struct Keyed {
    wheel: TimerWheel<u32>,
    keys: Vec<Option<Key>>,
}

impl Keyed {
    fn key(&self, id: u32) -> Key {
        self.keys[id as usize].expect("the id was inserted")
    }
}

impl Timers for Keyed {
    const NAME: &'static str = "TimerWheel";

    fn new(ids: usize) -> Self {
        let wheel = TimerWheel::new(Duration::from_nanos(TICK_NS), Time::ZERO);
        Self { wheel, keys: vec![None; ids] }
    }

    fn insert(&mut self, id: u32, tick: u64) {
        self.keys[id as usize] = Some(self.wheel.insert(time(tick), id));
    }

    fn cancel(&mut self, id: u32) {
        self.wheel.cancel(self.key(id)).expect("the id has a timer");
    }

    fn reset(&mut self, id: u32, tick: u64) {
        self.wheel.reset(self.key(id), time(tick)).expect("the id has a timer");
    }

    fn advance(&mut self, now: u64, budget: usize, fire: &mut impl FnMut(u32)) {
        let _ = self.wheel.advance(time(now), budget, |_, id| fire(id));
    }

    fn next_wakeup(&mut self) -> Option<u64> {
        self.wheel.next_wakeup().map(|at| at.as_nanos() / TICK_NS)
    }
}

const fn time(tick: u64) -> Time {
    Time::from_nanos(tick * TICK_NS)
}
