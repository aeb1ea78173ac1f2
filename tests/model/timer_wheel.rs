//! `TimerWheel` against a list of everything that was ever inserted.

use core::time::Duration;

use punctual::key::Key;
use punctual::time::Time;
use punctual::wheel::TimerWheel;

use super::id_wheel::Distance;
use super::{Model, Word};

pub(crate) struct TimerWheelModel {
    wheel: TimerWheel<usize>,
    /// Every key that was ever handed out, with its timer while it is in the wheel.
    issued: Vec<(Key, Option<Timer>)>,
    start: Time,
    resolution_ns: u64,
    /// The latest time that the wheel was told, and the latest tick that it has been at.
    now: Time,
    now_tick: u64,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    tick: u64,
    /// A tick that had passed at the insertion stands behind what was due then.
    due: u64,
}

/// `Pick` numbers the keys from the newest to the oldest, stale ones included.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Insert {
        distance: Distance,
    },
    Cancel {
        pick: u32,
    },
    Reset {
        pick: u32,
        distance: Distance,
    },
    /// Moves the clock and takes out at most so many timers.
    PopDue {
        distance: Distance,
        most: u32,
    },
}

impl TimerWheelModel {
    pub(crate) fn new(resolution_ns: u64, start: Time) -> Self {
        Self {
            wheel: TimerWheel::new(Duration::from_nanos(resolution_ns), start),
            issued: Vec::new(),
            start,
            resolution_ns,
            now: start,
            now_tick: 0,
        }
    }

    fn at(&self, distance: Distance) -> Time {
        match distance {
            Distance::Past(by) => self.now - Duration::from_nanos(by),
            Distance::Ahead(by) => self.now + Duration::from_nanos(by),
            Distance::End => Time::MAX,
        }
    }

    fn since_start(&self, time: Time) -> u128 {
        u128::from(time.as_nanos().saturating_sub(self.start.as_nanos()))
    }

    fn timer(&self, deadline: Time) -> Timer {
        let tick = self.since_start(deadline).div_ceil(u128::from(self.resolution_ns)) as u64;
        Timer { tick, due: tick.max(self.now_tick) }
    }

    /// When a tick fires: at its beginning, or at the end of time if that comes first.
    fn fires_at(&self, tick: u64) -> Time {
        let ns =
            u128::from(self.start.as_nanos()) + u128::from(tick) * u128::from(self.resolution_ns);
        Time::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    fn pick(&self, pick: u32) -> Option<usize> {
        self.issued.len().checked_sub(1)?.checked_sub(pick as usize % self.issued.len())
    }

    fn live(&self) -> impl Iterator<Item = Timer> {
        self.issued.iter().filter_map(|(_, timer)| *timer)
    }

    fn pop_due(&mut self, now: Time) -> bool {
        let earliest = self.live().map(|timer| timer.due).min();
        self.now = self.now.max(now);
        match self.wheel.pop_due(now) {
            Some((key, index)) => {
                assert_eq!(self.issued[index].0, key);
                let timer = self.issued[index].1.take().expect("a popped timer was in the wheel");
                assert_eq!(Some(timer.due), earliest, "the earliest comes first");
                assert!(self.fires_at(timer.tick) <= self.now, "a timer fired early");
                self.now_tick = self.now_tick.max(timer.due);
                true
            }
            None => {
                let elapsed = self.since_start(now) / u128::from(self.resolution_ns);
                let tick = if now == Time::MAX { u64::MAX } else { elapsed as u64 };
                self.now_tick = self.now_tick.max(tick);
                assert!(earliest.is_none_or(|due| due > self.now_tick), "a timer was missed");
                false
            }
        }
    }
}

impl Model for TimerWheelModel {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(16);
        let pick = word.below(20);
        let distance = Distance::decode(&mut word);
        match kind {
            0..6 => Op::Insert { distance },
            6 | 7 => Op::Cancel { pick },
            8..11 => Op::Reset { pick, distance },
            _ => Op::PopDue { distance, most: pick },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert { distance } => {
                let deadline = self.at(distance);
                let key = self.wheel.insert(deadline, self.issued.len());
                assert!(self.issued.iter().all(|(old, _)| *old != key), "keys are unique");
                self.issued.push((key, Some(self.timer(deadline))));
            }
            Op::Cancel { pick } => {
                let Some(index) = self.pick(pick) else { return };
                let (key, timer) = &mut self.issued[index];
                assert_eq!(self.wheel.cancel(*key), timer.take().map(|_| index));
            }
            Op::Reset { pick, distance } => {
                let Some(index) = self.pick(pick) else { return };
                let deadline = self.at(distance);
                let (key, old) = self.issued[index];
                let expected = old.map(|old| self.fires_at(old.tick));
                assert_eq!(self.wheel.reset(key, deadline), expected);
                self.issued[index].1 = old.map(|_| self.timer(deadline));
            }
            Op::PopDue { distance, most } => {
                let now = self.at(distance);
                for _ in 0..most {
                    if !self.pop_due(now) {
                        break;
                    }
                }
            }
        }
    }

    fn check(&self) {
        self.wheel.assert_invariants();
        assert_eq!(self.wheel.len(), self.live().count());
        assert_eq!(self.wheel.is_empty(), self.live().next().is_none());
        let wakeup = self.live().map(|timer| timer.due.max(self.now_tick)).min();
        let expected = wakeup.map(|tick| self.fires_at(tick));
        assert_eq!(self.wheel.clone().next_wakeup(), expected);
        for (key, timer) in &self.issued {
            assert_eq!(self.wheel.contains(*key), timer.is_some());
            let fires_at = timer.map(|timer| self.fires_at(timer.tick));
            assert_eq!(self.wheel.deadline(*key), fires_at);
        }
    }
}
