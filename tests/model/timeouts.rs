//! `Timeouts` against a list of everything that was ever inserted, which is searched.

use core::time::Duration;

use punctual::key::Key;
use punctual::time::Time;
use punctual::wheel::Timeouts;

use super::distance::Distance;
use super::{Model, Word};

pub(crate) struct TimeoutsModel {
    timeouts: Timeouts<Payload>,
    /// Every key that was ever handed out, with its timer while it is in the lane.
    issued: Vec<(Key, Option<Timer>)>,
    /// So many timers were inserted or restarted.
    starts: usize,
    duration: Duration,
    /// The latest time that the lane was told.
    now: Time,
}

/// The number of its key, and what the operations have made of it.
type Payload = (usize, u32);

/// Timers are due in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    deadline: Time,
    start: usize,
    payload: Payload,
}

/// `Pick` numbers the keys from the newest to the oldest, stale ones included.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Insert {
        distance: Distance,
    },
    Restart {
        pick: u32,
        distance: Distance,
    },
    Cancel {
        pick: u32,
    },
    Change {
        pick: u32,
    },
    /// Moves the clock and takes out at most so many timers, one at least.
    PopDue {
        distance: Distance,
        most: u32,
    },
    Advance {
        distance: Distance,
        budget: u32,
    },
    /// Changes all timers, and takes out those of every so many numbers.
    Retain {
        every: u32,
    },
    /// Takes out so many timers one by one, and the rest at once.
    Drain {
        most: u32,
    },
    Memory {
        additional: u32,
    },
    Copies,
    Clear,
}

impl TimeoutsModel {
    pub(crate) fn new(duration: Duration, start: Time) -> Self {
        let mut timeouts = Timeouts::new(duration);
        assert_eq!(timeouts.pop_due(start), None);
        Self { timeouts, issued: Vec::new(), starts: 0, duration, now: start }
    }

    fn at(&self, distance: Distance) -> Time {
        match distance {
            Distance::Past(by) => self.now - Duration::from_nanos(by),
            Distance::Ahead(by) => self.now + Duration::from_nanos(by),
            Distance::Next => self.timeouts.next_wakeup().unwrap_or(self.now),
            Distance::End => Time::MAX,
        }
    }

    /// What the lane is told next.
    fn reach(&mut self, distance: Distance) -> Time {
        let told = self.at(distance);
        self.now = self.now.max(told);
        told
    }

    fn pick(&self, pick: u32) -> Option<usize> {
        self.issued.len().checked_sub(1)?.checked_sub(pick as usize % self.issued.len())
    }

    fn live(&self) -> impl Iterator<Item = Timer> {
        self.issued.iter().filter_map(|(_, timer)| *timer)
    }

    /// The timers in the order in which they are due.
    fn sorted(&self) -> Vec<Timer> {
        let mut sorted: Vec<Timer> = self.live().collect();
        sorted.sort_unstable();
        sorted
    }

    fn start(&mut self, payload: Payload) -> Timer {
        self.starts += 1;
        let ns = u128::from(self.now.as_nanos()) + self.duration.as_nanos();
        let deadline = Time::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX));
        Timer { deadline, start: self.starts, payload }
    }

    fn first(&self) -> Option<Timer> {
        self.live().min()
    }

    /// What the next pop must give, which has left the oracle then.
    fn take_due(&mut self) -> Option<(Key, Payload)> {
        let first = self.first().filter(|timer| timer.deadline <= self.now)?;
        let (key, timer) = &mut self.issued[first.payload.0];
        *timer = None;
        Some((*key, first.payload))
    }

    fn advance(&mut self, now: Time, budget: u32) {
        let mut fired = Vec::new();
        let advanced = self.timeouts.advance(now, budget as usize, |key, it| fired.push((key, it)));
        assert_eq!(advanced.fired, fired.len());
        assert!(fired.len() <= budget as usize);
        for it in fired {
            assert_eq!(Some(it), self.take_due());
        }
        let is_done = self.first().is_none_or(|timer| timer.deadline > self.now);
        assert_eq!(advanced.caught_up, is_done);
        assert!(is_done || advanced.fired == budget as usize, "only the budget holds it up");
    }

    fn retain(&mut self, every: u32) {
        let wants = |(number, _): Payload| number % every.max(1) as usize != 0;
        let mut asked = Vec::new();
        self.timeouts.retain(|key, deadline, payload| {
            asked.push((key, deadline, *payload));
            payload.1 += 1;
            wants(*payload)
        });
        let expected = self.sorted().into_iter().map(|it| self.with_key(it)).collect::<Vec<_>>();
        assert_eq!(asked, expected, "it is asked in the order of deadlines");
        for (_, place) in &mut self.issued {
            *place = place.filter(|timer| wants(timer.payload));
            if let Some(timer) = place {
                timer.payload.1 += 1;
            }
        }
    }

    fn drain(&mut self, most: u32) {
        let expected: Vec<_> = self.sorted().into_iter().map(|it| self.with_key(it)).collect();
        let mut drain = self.timeouts.drain();
        assert_eq!(drain.len(), expected.len());
        assert!(format!("{drain:?}").contains(&expected.len().to_string()));
        let drained: Vec<_> = drain.by_ref().take(most as usize).collect();
        drop(drain);
        let expected = expected.into_iter().map(|(key, _, payload)| (key, payload));
        assert!(drained.iter().copied().eq(expected.take(most as usize)));
        self.issued.iter_mut().for_each(|(_, timer)| *timer = None);
    }

    fn manage_memory(&mut self, additional: u32) {
        let wanted = self.timeouts.len() + additional as usize;
        match additional % 3 {
            0 => self.timeouts.reserve(additional as usize),
            1 => assert_eq!(self.timeouts.try_reserve(additional as usize), Ok(())),
            _ => {
                self.timeouts.shrink_to_fit();
                let slots = self.issued.iter().filter(|(_, timer)| timer.is_some());
                let highest = slots.map(|(key, _)| key.slot() as usize + 1).max();
                assert!(self.timeouts.capacity() <= highest.unwrap_or(0));
                return;
            }
        }
        assert!(self.timeouts.capacity() >= wanted);
        assert!(self.timeouts.try_reserve(usize::MAX).is_err());
    }

    /// A copy holds the same under the same keys, and goes its own way.
    fn copy(&self) {
        let mut copy = self.timeouts.clone();
        assert!(copy.iter().eq(self.timeouts.iter()));
        let held = copy.drain().count();
        assert_eq!((held, copy.len(), copy.next_wakeup()), (self.timeouts.len(), 0, None));
        assert!(self.issued.iter().all(|(key, _)| !copy.contains(*key)));
        copy.assert_invariants();
    }

    fn with_key(&self, timer: Timer) -> (Key, Time, Payload) {
        (self.issued[timer.payload.0].0, timer.deadline, timer.payload)
    }

    /// From the front, from the back, and from both sides in turn.
    fn check_order(&self) {
        let expected: Vec<_> = self.sorted().into_iter().map(|it| self.with_key(it)).collect();
        let held = || self.timeouts.iter().map(|(key, deadline, it)| (key, deadline, *it));
        assert!(held().eq(expected.iter().copied()));
        assert!(held().rev().eq(expected.iter().rev().copied()));
        assert!((&self.timeouts).into_iter().map(|(key, ..)| key).eq(held().map(|(key, ..)| key)));
        let (mut ours, mut theirs) = (held(), expected.iter().copied());
        while theirs.len() > 0 {
            assert_eq!((ours.len(), ours.next()), (theirs.len(), theirs.next()));
            assert_eq!(ours.next_back(), theirs.next_back());
        }
        assert_eq!((ours.next(), ours.next_back()), (None, None));
        assert_eq!(format!("{:?}", self.timeouts).matches("Key").count(), expected.len());
        assert_eq!(format!("{:?}", self.timeouts.iter()).matches("Key").count(), expected.len());
    }
}

impl Model for TimeoutsModel {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(32);
        let pick = word.below(20);
        let distance = Distance::decode(&mut word);
        match kind {
            0..9 => Op::Insert { distance },
            9..14 => Op::Restart { pick, distance },
            14..18 => Op::Cancel { pick },
            18 => Op::Change { pick },
            19..25 => Op::PopDue { distance, most: 1 + pick },
            25..28 => Op::Advance { distance, budget: pick },
            28 => Op::Retain { every: 2 + pick % 5 },
            29 => Op::Memory { additional: pick },
            30 => Op::Copies,
            _ if pick < 8 => Op::Drain { most: pick },
            _ if pick < 10 => Op::Clear,
            _ => Op::Insert { distance },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert { distance } => {
                let (now, number) = (self.reach(distance), self.issued.len());
                let key = self.timeouts.insert(now, (number, 0));
                assert!(self.issued.iter().all(|(old, _)| *old != key), "keys are unique");
                let timer = self.start((number, 0));
                self.issued.push((key, Some(timer)));
            }
            Op::Restart { pick, distance } => {
                let Some(index) = self.pick(pick) else { return };
                let (now, (key, old)) = (self.reach(distance), self.issued[index]);
                assert_eq!(self.timeouts.restart(key, now), old.map(|old| old.deadline));
                self.issued[index].1 = old.map(|old| self.start(old.payload));
            }
            Op::Cancel { pick } => {
                let Some(index) = self.pick(pick) else { return };
                let (key, timer) = &mut self.issued[index];
                let expected = timer.take().map(|timer| timer.payload);
                assert_eq!(self.timeouts.cancel(*key), expected);
            }
            Op::Change { pick } => {
                let Some(index) = self.pick(pick) else { return };
                let (key, timer) = &mut self.issued[index];
                let payload = self.timeouts.get_mut(*key);
                assert_eq!(payload.is_some(), timer.is_some());
                if let (Some(payload), Some(timer)) = (payload, timer) {
                    assert_eq!(*payload, timer.payload);
                    payload.1 += 7;
                    timer.payload.1 += 7;
                }
            }
            Op::PopDue { distance, most } => {
                let now = self.reach(distance);
                for _ in 0..most {
                    let popped = self.timeouts.pop_due(now);
                    assert_eq!(popped, self.take_due());
                    if popped.is_none() {
                        break;
                    }
                }
            }
            Op::Advance { distance, budget } => {
                let now = self.reach(distance);
                self.advance(now, budget);
            }
            Op::Retain { every } => self.retain(every),
            Op::Drain { most } => self.drain(most),
            Op::Memory { additional } => self.manage_memory(additional),
            Op::Copies => self.copy(),
            Op::Clear => {
                self.timeouts.clear();
                self.issued.iter_mut().for_each(|(_, timer)| *timer = None);
            }
        }
    }

    fn check(&self) {
        self.timeouts.assert_invariants();
        assert_eq!(self.timeouts.duration(), self.duration);
        assert_eq!(self.timeouts.len(), self.live().count());
        assert_eq!(self.timeouts.is_empty(), self.live().next().is_none());
        let first = self.first().map(|timer| self.with_key(timer));
        assert_eq!(self.timeouts.peek().map(|(key, at, it)| (key, at, *it)), first);
        assert_eq!(self.timeouts.next_wakeup(), first.map(|(_, deadline, _)| deadline));
        self.check_order();
        for (key, timer) in &self.issued {
            assert_eq!(self.timeouts.contains(*key), timer.is_some());
            assert_eq!(self.timeouts.deadline(*key), timer.map(|timer| timer.deadline));
            assert_eq!(self.timeouts.get(*key).copied(), timer.map(|timer| timer.payload));
        }
    }
}
