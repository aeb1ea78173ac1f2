//! `IdWheel` against a map from id to tick.

use std::collections::BTreeMap;

use punctual::wheel::{IdWheel, InsertError};

use super::distance::{Distance, roundest};
use super::{Model, Word};

/// An insertion or a reset pays for so many moves of a later `advance`: its hint sinks through
/// at most eleven levels, and at each of them a slot is opened for it.
const MOVES_PAID: usize = 24;

pub(crate) struct IdWheelModel {
    wheel: IdWheel,
    oracle: BTreeMap<u32, Timer>,
    /// Where the wheel stands.
    now: u64,
    /// Moves that were paid for, and that no call that came to its bound has used up.
    paid: usize,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    tick: u64,
    /// A tick that had passed at the insertion stands behind what was due then.
    due: u64,
}

/// Ids are taken modulo one more than the wheel's bound.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Insert {
        id: u32,
        distance: Distance,
    },
    /// At any tick from a distance on, and up to a number of ticks later.
    InsertWithin {
        id: u32,
        distance: Distance,
        width: u64,
    },
    Cancel {
        id: u32,
    },
    Reset {
        id: u32,
        distance: Distance,
    },
    /// So many ids from one on, each so many ticks later than the one before.
    InsertMany {
        id: u32,
        count: u32,
        distance: Distance,
        stride: u64,
    },
    ResetMany {
        id: u32,
        count: u32,
        distance: Distance,
        stride: u64,
    },
    CancelMany {
        id: u32,
        count: u32,
    },
    /// Resets a timer to a distance and into the past, so many times.
    Swing {
        id: u32,
        count: u32,
        distance: Distance,
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
        ids: u32,
    },
    Copies,
    Clear,
}

impl IdWheelModel {
    /// With so few ids that they collide.
    pub(crate) fn starting_at(start: u64) -> Self {
        Self::with_bound(start, 20)
    }

    /// With so many ids that slots have several chunks, and sweeps begin.
    pub(crate) fn with_many_ids(start: u64) -> Self {
        Self::with_bound(start, 700)
    }

    fn with_bound(start: u64, bound: u32) -> Self {
        let wheel = IdWheel::with_bound(start, bound);
        assert_eq!(wheel.bound(), bound);
        Self { wheel, oracle: BTreeMap::new(), now: start, paid: 0 }
    }

    /// With a timer at the end of time, until an operation takes it out.
    pub(crate) fn and_a_far_timer(mut self) -> Self {
        self.insert(0, u64::MAX);
        self
    }

    fn id(&self, id: u32) -> u32 {
        id % (self.wheel.bound() + 1)
    }

    fn tick(&self, distance: Distance) -> u64 {
        distance.from(self.now, self.wakeup())
    }

    fn timer(&self, tick: u64) -> Timer {
        Timer { tick, due: tick.max(self.now) }
    }

    /// What `next_wakeup` must say.
    fn wakeup(&self) -> Option<u64> {
        self.oracle.values().map(|timer| timer.due).min()
    }

    fn refusal(&self, id: u32) -> Option<InsertError> {
        match self.oracle.contains_key(&id) {
            _ if id >= self.wheel.bound() => Some(InsertError::OutOfBound),
            true => Some(InsertError::Present),
            false => None,
        }
    }

    fn insert(&mut self, id: u32, tick: u64) {
        let refusal = self.refusal(id);
        assert_eq!(self.wheel.insert(id, tick).err(), refusal);
        if refusal.is_none() {
            self.oracle.insert(id, self.timer(tick));
            self.paid += MOVES_PAID;
        }
    }

    fn insert_within(&mut self, id: u32, earliest: u64, latest: u64) {
        // Of a window that has begun, a tick that is still to come.
        let to_come = self.now.saturating_add(1).min(latest);
        let tick = roundest(earliest.max(to_come), latest);
        let refusal = self.refusal(id);
        assert_eq!(self.wheel.insert_within(id, earliest, latest), refusal.map_or(Ok(tick), Err));
        if refusal.is_none() {
            self.oracle.insert(id, self.timer(tick));
            self.paid += MOVES_PAID;
        }
    }

    fn cancel(&mut self, id: u32) {
        let expected = self.oracle.remove(&id).map(|timer| timer.tick);
        assert_eq!(self.wheel.cancel(id), expected);
    }

    fn reset(&mut self, id: u32, tick: u64) {
        let timer = self.timer(tick);
        let old = self.oracle.get_mut(&id).map(|old| std::mem::replace(old, timer));
        assert_eq!(self.wheel.reset(id, tick), old.map(|old| old.tick));
        self.paid += MOVES_PAID;
    }

    /// Takes a timer that has fired out of the oracle: it must have been the next one.
    fn expect_fired(&mut self, id: u32, tick: u64, now: u64) {
        let earliest = self.wakeup();
        let timer = self.oracle.remove(&id).expect("a timer that fires was in the wheel");
        assert_eq!(timer.tick, tick);
        assert_eq!(Some(timer.due), earliest, "the earliest comes first");
        assert!(timer.due <= now.max(self.now), "a timer fired early");
        self.now = timer.due;
    }

    fn expect_nothing_due(&mut self, now: u64) {
        self.now = self.now.max(now);
        assert!(self.wakeup().is_none_or(|due| due > self.now), "a timer was missed");
    }

    fn pop_due(&mut self, now: u64) -> bool {
        let popped = self.wheel.pop_due(now);
        match popped {
            Some((id, tick)) => self.expect_fired(id, tick, now),
            None => self.expect_nothing_due(now),
        }
        popped.is_some()
    }

    fn peek_due(&mut self, now: u64) {
        match self.wheel.peek_due(now) {
            Some((id, tick)) => {
                let timer = *self.oracle.get(&id).expect("it is in the wheel");
                self.expect_fired(id, tick, now);
                self.oracle.insert(id, timer);
            }
            None => self.expect_nothing_due(now),
        }
    }

    fn advance(&mut self, now: u64, budget: usize) {
        let mut fired = Vec::new();
        let advanced = self.wheel.advance(now, budget, |id, tick| fired.push((id, tick)));
        assert_eq!(advanced.fired, fired.len());
        assert!(fired.len() <= budget, "no more than the budget");
        for (id, tick) in fired {
            self.expect_fired(id, tick, now);
        }
        if advanced.caught_up {
            self.expect_nothing_due(now);
            return;
        }
        let stands_at = self.wheel.now();
        assert!(self.now <= stands_at && stands_at <= now.max(self.now));
        assert!(self.wakeup().is_none_or(|due| due >= stands_at), "no timer is passed by");
        self.now = stands_at;
        if advanced.fired < budget {
            let used_up = 16 * budget + 64;
            self.paid = self.paid.checked_sub(used_up).expect("the work is worth the call's end");
        }
    }

    fn apply_to_all(&mut self, op: Op) {
        match op {
            Op::Retain { divisor } => {
                let wants = |id: u32, tick: u64| !(id ^ tick as u32).is_multiple_of(divisor);
                let mut asked = Vec::new();
                self.wheel.retain(|id, tick| {
                    asked.push((id, tick));
                    wants(id, tick)
                });
                assert!(asked.into_iter().eq(self.ticks()));
                self.oracle.retain(|&id, timer| wants(id, timer.tick));
            }
            Op::Drain { taken } => {
                let mut drain = self.wheel.drain();
                assert_eq!(drain.size_hint(), (self.oracle.len(), Some(self.oracle.len())));
                let drained: Vec<_> = drain.by_ref().take(taken as usize).collect();
                assert_eq!(drain.len(), self.oracle.len() - drained.len());
                drop(drain);
                assert_eq!(drained.len(), self.oracle.len().min(taken as usize));
                let ticks = self.ticks().take(drained.len());
                assert!(ticks.eq(drained.iter().copied()));
                self.oracle.clear();
            }
            Op::Clear => {
                self.wheel.clear();
                self.oracle.clear();
            }
            Op::Memory { ids } => self.manage_memory(ids),
            _ => self.copy(),
        }
    }

    fn manage_memory(&mut self, ids: u32) {
        let covered = self.wheel.covered();
        match ids % 4 {
            0 => self.wheel.reserve(ids as usize),
            1 => assert_eq!(self.wheel.try_reserve(ids as usize), Ok(())),
            2 => {
                assert_eq!(self.wheel.try_cover(ids), Ok(()));
                let wanted = ids.min(self.wheel.bound()) as usize;
                assert_eq!(self.wheel.covered(), covered.max(wanted));
            }
            _ => {
                self.wheel.shrink_to_fit();
                let last = self.oracle.last_key_value().map_or(0, |(&last, _)| last + 1);
                assert_eq!(self.wheel.covered(), last as usize);
            }
        }
        assert!(self.wheel.try_reserve(usize::MAX).is_err());
    }

    /// A copy holds the same timers, and fires them in the same order.
    fn copy(&self) {
        let mut copy = self.wheel.clone();
        copy.assert_invariants();
        let ticks: BTreeMap<u32, u64> = self.ticks().collect();
        assert_eq!(format!("{copy:?}"), format!("{ticks:?}"));
        let mut dues: Vec<u64> = self.oracle.values().map(|timer| timer.due).collect();
        dues.sort_unstable();
        for due in dues {
            let (id, tick) = copy.pop_due(u64::MAX).expect("a timer is left");
            let timer = self.oracle[&id];
            assert_eq!((timer.tick, timer.due), (tick, due));
        }
        assert_eq!(copy.pop_due(u64::MAX), None);
    }

    fn ticks(&self) -> impl Iterator<Item = (u32, u64)> {
        self.oracle.iter().map(|(&id, timer)| (id, timer.tick))
    }
}

impl Model for IdWheelModel {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        // What isn't needed together is made of the same bits.
        let mut other = word.scrambled();
        let (count, step) = (other.below(300), Distance::decode_step(&mut other));
        let stride = [0, 0, 1, 100, 5_000][count as usize % 5];
        let (kind, id) = (word.below(48), word.below(701));
        let distance = Distance::decode(&mut word);
        match kind {
            0..8 => Op::Insert { id, distance },
            8 => Op::InsertWithin { id, distance, width: 1 << (count % 64) },
            9..12 => Op::Cancel { id },
            12..18 => Op::Reset { id, distance },
            18..22 => Op::InsertMany { id, count, distance, stride },
            22..24 => Op::ResetMany { id, count, distance, stride },
            24..26 => Op::CancelMany { id, count },
            26 => Op::Swing { id, count, distance },
            27..32 => Op::PopDue { distance: step, most: id % 20 },
            32 => Op::PopDue { distance: step, most: u32::MAX },
            33 => Op::PeekDue { distance: step },
            34..41 => Op::Advance { distance: step, budget: id % 30 },
            41 => Op::NextWakeup,
            42 => Op::Retain { divisor: 1 + id % 5 },
            43 if id % 3 == 0 => Op::Drain { taken: count },
            43 if id % 3 == 1 => Op::Clear,
            44 => Op::Copies,
            45 | 46 => Op::Memory { ids: id },
            _ => Op::Insert { id, distance: Distance::Next },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert { id, distance } => self.insert(self.id(id), self.tick(distance)),
            Op::InsertWithin { id, distance, width } => {
                let earliest = self.tick(distance);
                self.insert_within(self.id(id), earliest, earliest.saturating_add(width));
                self.insert_within(self.id(id + 1), earliest, earliest.saturating_sub(width));
            }
            Op::Cancel { id } => self.cancel(self.id(id)),
            Op::Reset { id, distance } => self.reset(self.id(id), self.tick(distance)),
            Op::InsertMany { id, count, distance, stride } => {
                let first = self.tick(distance);
                for number in 0..count {
                    let tick = first.saturating_add(stride * u64::from(number));
                    self.insert(self.id(id + number), tick);
                }
            }
            Op::ResetMany { id, count, distance, stride } => {
                let last = self.tick(distance);
                for number in 0..count {
                    let tick = last.saturating_sub(stride * u64::from(number));
                    self.reset(self.id(id + number), tick);
                }
            }
            Op::CancelMany { id, count } => {
                (0..count).for_each(|number| self.cancel(self.id(id + number)));
            }
            Op::Swing { id, count, distance } => {
                let (far, past) = (self.tick(distance), self.now / 2);
                for tick in (0..count).flat_map(|_| [far, past]) {
                    self.reset(self.id(id), tick);
                }
            }
            Op::PopDue { distance, most } => {
                let now = self.tick(distance);
                _ = (0..most).all(|_| self.pop_due(now));
            }
            Op::PeekDue { distance } => self.peek_due(self.tick(distance)),
            Op::Advance { distance, budget } => self.advance(self.tick(distance), budget as usize),
            Op::NextWakeup => assert_eq!(self.wheel.next_wakeup(), self.wakeup()),
            _ => self.apply_to_all(op),
        }
    }

    fn check(&self) {
        self.wheel.assert_invariants();
        assert_eq!(self.wheel.now(), self.now);
        assert_eq!(self.wheel.clone().next_wakeup(), self.wakeup());
        assert_eq!(self.wheel.len(), self.oracle.len());
        assert_eq!(self.wheel.is_empty(), self.oracle.is_empty());
        assert!(self.wheel.iter().eq(self.ticks()));
        for id in (0..=self.wheel.bound()).step_by(self.wheel.bound() as usize / 20) {
            assert_eq!(self.wheel.contains(id), self.oracle.contains_key(&id));
            assert_eq!(self.wheel.deadline(id), self.oracle.get(&id).map(|timer| timer.tick));
        }
    }
}
