//! `TimerWheel` against a list of everything that was ever inserted.

use core::time::Duration;

use punctual::key::Key;
use punctual::time::Time;
use punctual::wheel::TimerWheel;

use super::distance::{Distance, roundest};
use super::{Model, Word};

pub(crate) struct TimerWheelModel {
    wheel: TimerWheel<Payload>,
    /// Every key that was ever handed out, with its timer while it is in the wheel.
    issued: Vec<(Key, Option<Timer>)>,
    start: Time,
    resolution_ns: u64,
    /// The latest time that the wheel was told.
    now: Time,
    /// When the tick at which the wheel stands began.
    stands: Time,
}

/// The timer's place among those that were issued, and how often it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Payload {
    index: usize,
    changes: u32,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    /// The beginning of its tick.
    deadline: Time,
    /// A tick that had passed at the insertion stands behind what was due then.
    due: Time,
    changes: u32,
}

/// `Pick` numbers the keys from the newest to the oldest, stale ones included.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Insert {
        distance: Distance,
    },
    InsertAfter {
        distance: Distance,
    },
    InsertWithin {
        distance: Distance,
        width: u64,
    },
    InsertMany {
        count: u32,
        distance: Distance,
        stride: u64,
    },
    Cancel {
        pick: u32,
    },
    CancelMany {
        pick: u32,
        count: u32,
    },
    Reset {
        pick: u32,
        distance: Distance,
    },
    /// Changes what the timer carries.
    Change {
        pick: u32,
    },
    /// Moves the clock and takes out at most so many timers.
    PopDue {
        distance: Distance,
        most: u32,
    },
    PeekDue {
        distance: Distance,
    },
    Advance {
        distance: Distance,
        budget: u32,
    },
    NextWakeup,
    Retain {
        divisor: u32,
    },
    Drain {
        taken: u32,
    },
    Memory {
        timers: u32,
    },
    Copies,
    Clear,
}

impl TimerWheelModel {
    pub(crate) fn new(resolution_ns: u64, start: Time) -> Self {
        let wheel = TimerWheel::new(Duration::from_nanos(resolution_ns), start);
        let resolution_ns = resolution_ns.max(1);
        Self { wheel, issued: Vec::new(), start, resolution_ns, now: start, stands: start }
    }

    fn at(&self, distance: Distance) -> Time {
        let next = self.next_due().map(Time::as_nanos);
        Time::from_nanos(distance.from(self.now.as_nanos(), next))
    }

    fn since_start(&self, time: Time) -> u64 {
        time.saturating_since(self.start).as_nanos() as u64
    }

    /// The first tick at or after a time.
    fn tick_after(&self, time: Time) -> u64 {
        self.since_start(time).div_ceil(self.resolution_ns)
    }

    /// The last tick at or before a time; at the end of time all of them have begun.
    fn tick_before(&self, time: Time) -> u64 {
        if time == Time::MAX { u64::MAX } else { self.since_start(time) / self.resolution_ns }
    }

    /// Of a window that has begun, a tick that is still to come; none begins behind the end of
    /// time.
    fn tick_within(&self, earliest: Time, latest: Time) -> u64 {
        let last = self.since_start(Time::MAX) / self.resolution_ns;
        let latest = self.tick_before(latest).min(last);
        let to_come = self.tick_before(self.stands).saturating_add(1).min(latest);
        roundest(self.tick_after(earliest).max(to_come), latest)
    }

    /// When a tick begins, or the end of time if that comes first.
    fn time_of(&self, tick: u64) -> Time {
        let ns =
            u128::from(self.start.as_nanos()) + u128::from(tick) * u128::from(self.resolution_ns);
        Time::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    fn timer(&self, tick: u64) -> Timer {
        let deadline = self.time_of(tick);
        Timer { deadline, due: deadline.max(self.stands), changes: 0 }
    }

    fn pick(&self, pick: u32) -> Option<usize> {
        self.issued.len().checked_sub(1)?.checked_sub(pick as usize % self.issued.len())
    }

    fn live(&self) -> impl Iterator<Item = Timer> {
        self.issued.iter().filter_map(|(_, timer)| *timer)
    }

    fn next_due(&self) -> Option<Time> {
        self.live().map(|timer| timer.due).min()
    }

    /// What the next timer carries at first.
    fn payload(&self) -> Payload {
        Payload { index: self.issued.len(), changes: 0 }
    }

    fn issue(&mut self, key: Key, tick: u64) {
        assert!(self.issued.iter().all(|(old, _)| *old != key), "keys are unique");
        self.issued.push((key, Some(self.timer(tick))));
    }

    fn insert(&mut self, deadline: Time) {
        let key = self.wheel.insert(deadline, self.payload());
        self.issue(key, self.tick_after(deadline));
    }

    fn cancel(&mut self, pick: u32) {
        let Some(index) = self.pick(pick) else { return };
        let (key, timer) = &mut self.issued[index];
        let expected = timer.take().map(|timer| Payload { index, changes: timer.changes });
        assert_eq!(self.wheel.cancel(*key), expected);
    }

    fn reset(&mut self, pick: u32, deadline: Time) {
        let Some(index) = self.pick(pick) else { return };
        let timer = self.timer(self.tick_after(deadline));
        let (key, old) = &mut self.issued[index];
        assert_eq!(self.wheel.reset(*key, deadline), old.map(|old| old.deadline));
        *old = old.map(|old| Timer { changes: old.changes, ..timer });
    }

    fn change(&mut self, pick: u32) {
        let Some(index) = self.pick(pick) else { return };
        let (key, timer) = &mut self.issued[index];
        let payload = self.wheel.get_mut(*key);
        assert_eq!(payload.is_some(), timer.is_some());
        if let (Some(payload), Some(timer)) = (payload, timer) {
            payload.changes += 1;
            timer.changes += 1;
        }
    }

    /// Takes a timer that has fired out of the list: it must have been the next one.
    fn expect_fired(&mut self, key: Key, payload: Payload, now: Time) {
        let next = self.next_due();
        let (issued, timer) = &mut self.issued[payload.index];
        assert_eq!(*issued, key);
        let timer = timer.take().expect("a timer that fires was in the wheel");
        assert_eq!(timer.changes, payload.changes);
        assert_eq!(Some(timer.due), next, "the earliest comes first");
        assert!(timer.due <= now.max(self.stands), "a timer fired early");
        self.stands = timer.due;
    }

    fn expect_nothing_due(&mut self, now: Time) {
        self.stands = self.stands.max(self.time_of(self.tick_before(now)));
        assert!(self.next_due().is_none_or(|due| due > self.stands), "a timer was missed");
    }

    fn pop_due(&mut self, now: Time) -> bool {
        self.now = self.now.max(now);
        let popped = self.wheel.pop_due(now);
        match popped {
            Some((key, payload)) => self.expect_fired(key, payload, now),
            None => self.expect_nothing_due(now),
        }
        popped.is_some()
    }

    fn peek_due(&mut self, now: Time) {
        self.now = self.now.max(now);
        let Some(key) = self.wheel.peek_due(now) else { return self.expect_nothing_due(now) };
        let payload = *self.wheel.get(key).expect("it is in the wheel");
        let timer = self.issued[payload.index].1;
        self.expect_fired(key, payload, now);
        self.issued[payload.index].1 = timer;
    }

    fn advance(&mut self, now: Time, budget: usize) {
        self.now = self.now.max(now);
        let mut fired = Vec::new();
        let advanced = self.wheel.advance(now, budget, |key, payload| fired.push((key, payload)));
        assert_eq!(advanced.fired, fired.len());
        assert!(fired.len() <= budget, "no more than the budget");
        for (key, payload) in fired {
            self.expect_fired(key, payload, now);
        }
        if advanced.caught_up {
            return self.expect_nothing_due(now);
        }
        // A timer of the past is due where the wheel stands.
        let mut probe = self.wheel.clone();
        probe.insert(Time::ZERO, self.payload());
        let stands = probe.next_wakeup().expect("there is a timer");
        assert!(self.stands <= stands && stands <= now.max(self.stands));
        assert!(self.next_due().is_none_or(|due| due >= stands), "no timer is passed by");
        self.stands = stands;
    }

    fn apply_to_all(&mut self, op: Op) {
        match op {
            Op::Retain { divisor } => {
                let wants = |key: Key| !key.serial().is_multiple_of(divisor);
                let mut asked = 0;
                self.wheel.retain(|key, deadline, payload| {
                    let timer = self.issued[payload.index].1.as_mut().expect("it is live");
                    assert_eq!((deadline, payload.changes), (timer.deadline, timer.changes));
                    payload.changes += 1;
                    timer.changes += 1;
                    asked += 1;
                    wants(key)
                });
                assert_eq!(asked, self.live().count());
                for (key, timer) in &mut self.issued {
                    timer.take_if(|_| !wants(*key));
                }
            }
            Op::Drain { taken } => {
                let mut drain = self.wheel.drain();
                let len = drain.len();
                let drained: Vec<_> = drain.by_ref().take(taken as usize).collect();
                assert_eq!(drain.size_hint().0, len - drained.len());
                drop(drain);
                assert_eq!((len, drained.len()), (self.live().count(), len.min(taken as usize)));
                for (key, payload) in drained {
                    let (issued, timer) = &mut self.issued[payload.index];
                    assert_eq!((*issued, timer.take().is_some()), (key, true));
                }
                self.forget_all();
            }
            Op::Clear => {
                self.wheel.clear();
                self.forget_all();
            }
            Op::Memory { timers } => {
                match timers % 3 {
                    0 => self.wheel.reserve(timers as usize),
                    1 => assert_eq!(self.wheel.try_reserve(timers as usize), Ok(())),
                    _ => self.wheel.shrink_to_fit(),
                }
                assert!(self.wheel.try_reserve(usize::MAX).is_err());
            }
            _ => self.copy(),
        }
    }

    fn forget_all(&mut self) {
        self.issued.iter_mut().for_each(|(_, timer)| *timer = None);
    }

    /// A copy holds the same timers, and fires them in the same order.
    fn copy(&self) {
        let mut copy = self.wheel.clone();
        copy.assert_invariants();
        assert_eq!(format!("{copy:?}").matches("Key").count(), copy.len());
        let mut dues: Vec<Time> = self.live().map(|timer| timer.due).collect();
        dues.sort_unstable();
        for due in dues {
            let (key, payload) = copy.pop_due(Time::MAX).expect("a timer is left");
            let (issued, timer) = self.issued[payload.index];
            assert_eq!((issued, timer.map(|timer| timer.due)), (key, Some(due)));
        }
        assert!(copy.pop_due(Time::MAX).is_none());
    }
}

impl Model for TimerWheelModel {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let mut other = word.scrambled();
        let (count, step) = (other.below(120), Distance::decode_step(&mut other));
        let stride = [0, 0, 9, 1_000, 1 << 24][count as usize % 5];
        let (kind, pick) = (word.below(32), word.below(70));
        let distance = Distance::decode(&mut word);
        match kind {
            0..7 => Op::Insert { distance },
            7 => Op::InsertAfter { distance },
            8 => Op::InsertWithin { distance, width: 1 << (count % 64) },
            9 => Op::InsertMany { count, distance, stride },
            10..13 => Op::Cancel { pick },
            13 => Op::CancelMany { pick, count },
            14..18 => Op::Reset { pick, distance },
            18 => Op::Change { pick },
            19..22 => Op::PopDue { distance: step, most: pick % 20 },
            22 => Op::PopDue { distance: step, most: u32::MAX },
            23 => Op::PeekDue { distance: step },
            24..27 => Op::Advance { distance: step, budget: pick % 30 },
            27 => Op::NextWakeup,
            28 => Op::Retain { divisor: 1 + count % 5 },
            29 if pick < 10 => Op::Drain { taken: count },
            29 if pick < 20 => Op::Clear,
            29 | 30 => Op::Memory { timers: count },
            _ => Op::Copies,
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert { distance } => self.insert(self.at(distance)),
            Op::InsertAfter { distance } => {
                let deadline = self.at(distance);
                let delay = deadline.saturating_since(self.now);
                let key = self.wheel.insert_after(self.now, delay, self.payload());
                self.issue(key, self.tick_after(deadline.max(self.now)));
            }
            Op::InsertWithin { distance, width } => {
                let earliest = self.at(distance);
                let latest = earliest + Duration::from_nanos(width);
                let key = self.wheel.insert_within(earliest, latest, self.payload());
                self.issue(key, self.tick_within(earliest, latest));
            }
            Op::InsertMany { count, distance, stride } => {
                let first = self.at(distance);
                let later = |number| Duration::from_nanos(stride * u64::from(number));
                (0..count).for_each(|number| self.insert(first + later(number)));
            }
            Op::Cancel { pick } => self.cancel(pick),
            Op::CancelMany { pick, count } => {
                (pick..pick + count).for_each(|pick| self.cancel(pick));
            }
            Op::Reset { pick, distance } => self.reset(pick, self.at(distance)),
            Op::Change { pick } => self.change(pick),
            Op::PopDue { distance, most } => {
                let now = self.at(distance);
                _ = (0..most).all(|_| self.pop_due(now));
            }
            Op::PeekDue { distance } => self.peek_due(self.at(distance)),
            Op::Advance { distance, budget } => self.advance(self.at(distance), budget as usize),
            Op::NextWakeup => assert_eq!(self.wheel.next_wakeup(), self.next_due()),
            _ => self.apply_to_all(op),
        }
    }

    fn check(&self) {
        self.wheel.assert_invariants();
        assert_eq!(self.wheel.resolution(), Duration::from_nanos(self.resolution_ns));
        assert_eq!(self.wheel.now(), self.stands);
        assert_eq!(self.wheel.len(), self.live().count());
        assert_eq!(self.wheel.is_empty(), self.live().next().is_none());
        assert_eq!(self.wheel.clone().next_wakeup(), self.next_due());
        let mut seen = 0;
        for (key, deadline, payload) in self.wheel.iter() {
            let (issued, timer) = self.issued[payload.index];
            let timer = timer.expect("it is live");
            assert_eq!((issued, timer.deadline), (key, deadline));
            assert_eq!(timer.changes, payload.changes);
            seen += 1;
        }
        assert_eq!(seen, self.live().count());
        for (index, (key, timer)) in self.issued.iter().enumerate() {
            assert_eq!(self.wheel.contains(*key), timer.is_some());
            assert_eq!(self.wheel.deadline(*key), timer.map(|timer| timer.deadline));
            assert_eq!(self.wheel.get(*key).map(|it| it.index), timer.map(|_| index));
        }
    }
}
