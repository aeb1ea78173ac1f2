//! `IdWheel` against a map from id to tick.

use std::collections::BTreeMap;

use punctual::wheel::{IdWheel, InsertError};

use super::{Model, Word};

/// Ids from here on are refused.
const BOUND: u32 = 20;

pub(crate) struct IdWheelModel {
    wheel: IdWheel,
    oracle: BTreeMap<u32, Timer>,
    /// The latest tick that the wheel has been at.
    now: u64,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    tick: u64,
    /// A tick that had passed at the insertion stands behind what was due then.
    due: u64,
}

/// A distance from the present tick.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Distance {
    Past(u64),
    Ahead(u64),
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Insert {
        id: u32,
        distance: Distance,
    },
    Cancel {
        id: u32,
    },
    Reset {
        id: u32,
        distance: Distance,
    },
    /// Moves the clock and takes out at most so many timers.
    PopDue {
        distance: Distance,
        most: u32,
    },
    NextWakeup,
}

impl IdWheelModel {
    pub(crate) fn starting_at(start: u64) -> Self {
        Self { wheel: IdWheel::with_bound(start, BOUND), oracle: BTreeMap::new(), now: start }
    }

    fn tick(&self, distance: Distance) -> u64 {
        match distance {
            Distance::Past(ticks) => self.now.saturating_sub(ticks),
            Distance::Ahead(ticks) => self.now.saturating_add(ticks),
            Distance::End => u64::MAX,
        }
    }

    fn timer(&self, tick: u64) -> Timer {
        Timer { tick, due: tick.max(self.now) }
    }

    fn pop_due(&mut self, now: u64) -> bool {
        let earliest = self.oracle.values().map(|timer| timer.due).min();
        match self.wheel.pop_due(now) {
            Some((id, tick)) => {
                let timer = self.oracle.remove(&id).expect("a popped timer was in the wheel");
                assert_eq!(timer.tick, tick);
                assert_eq!(Some(timer.due), earliest, "the earliest comes first");
                assert!(timer.due <= now.max(self.now), "a timer fired early");
                self.now = self.now.max(timer.due);
                true
            }
            None => {
                self.now = self.now.max(now);
                assert!(earliest.is_none_or(|due| due > self.now), "a timer was missed");
                false
            }
        }
    }

    /// What `next_wakeup` must say.
    fn wakeup(&self) -> Option<u64> {
        self.oracle.values().map(|timer| timer.due.max(self.now)).min()
    }
}

impl Distance {
    pub(crate) fn decode(word: &mut Word) -> Self {
        let value = u64::from(word.below(70));
        match word.below(16) {
            0 => Self::Past(value),
            1 => Self::End,
            2 | 3 => Self::Ahead(value << 40),
            4 => Self::Ahead(u64::MAX >> value.min(63)),
            5..8 => Self::Ahead(value << 6),
            8 | 9 => Self::Ahead(value << 12),
            _ => Self::Ahead(value),
        }
    }
}

impl Model for IdWheelModel {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(16);
        let id = word.below(BOUND + 1);
        let distance = Distance::decode(&mut word);
        match kind {
            0..6 => Op::Insert { id, distance },
            6 | 7 => Op::Cancel { id },
            8..11 => Op::Reset { id, distance },
            11..15 => Op::PopDue { distance, most: id },
            _ => Op::NextWakeup,
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert { id, distance } => {
                let tick = self.tick(distance);
                let expected = match self.oracle.contains_key(&id) {
                    _ if id >= BOUND => Err(InsertError::OutOfBound),
                    true => Err(InsertError::Present),
                    false => Ok(()),
                };
                assert_eq!(self.wheel.insert(id, tick), expected);
                if expected.is_ok() {
                    self.oracle.insert(id, self.timer(tick));
                }
            }
            Op::Cancel { id } => {
                let expected = self.oracle.remove(&id).map(|timer| timer.tick);
                assert_eq!(self.wheel.cancel(id), expected);
            }
            Op::Reset { id, distance } => {
                let timer = self.timer(self.tick(distance));
                let old = self.oracle.get_mut(&id).map(|old| std::mem::replace(old, timer));
                assert_eq!(self.wheel.reset(id, timer.tick), old.map(|old| old.tick));
            }
            Op::PopDue { distance, most } => {
                let now = self.tick(distance);
                for _ in 0..most {
                    if !self.pop_due(now) {
                        break;
                    }
                }
            }
            Op::NextWakeup => assert_eq!(self.wheel.next_wakeup(), self.wakeup()),
        }
    }

    fn check(&self) {
        self.wheel.assert_invariants();
        assert_eq!(self.wheel.clone().next_wakeup(), self.wakeup());
        assert_eq!(self.wheel.len(), self.oracle.len());
        assert_eq!(self.wheel.is_empty(), self.oracle.is_empty());
        for id in 0..BOUND + 1 {
            assert_eq!(self.wheel.contains(id), self.oracle.contains_key(&id));
            assert_eq!(self.wheel.deadline(id), self.oracle.get(&id).map(|timer| timer.tick));
        }
    }
}
