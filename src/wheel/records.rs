//! What is true of each id: whether it has a timer, and which of its hints counts.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::chunks::Hint;
use crate::prefetch::prefetch;

/// Whether an id has a timer, and a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has neither.
    Absent,
    /// Its timer is gone, its hint is still somewhere.
    Cancelled,
    /// It has both.
    Armed,
}

/// What a timer needs to be met in time.
pub(super) enum Need {
    /// Its id has a hint that will do.
    Nothing,
    /// This hint has to be placed.
    Place(Hint),
}

/// Invariant: unless the id is absent, there is exactly one hint with this number, and it is for
/// a tick that isn't after `tick`.
#[derive(Clone, Copy, Debug)]
struct Record {
    tick: u64,
    /// Which of the id's hints counts. All others are dropped when they are met.
    hint: u32,
    state: State,
}

const _: () = assert!(size_of::<Record>() == 16);

const ABSENT: Record = Record { tick: 0, hint: 0, state: State::Absent };

/// A table that grows covers no fewer ids, if its bound allows so many.
const FEWEST: usize = 16;

/// A record for every id that is covered.
#[derive(Clone, Debug)]
pub(super) struct Records {
    table: Vec<Record>,
    armed: usize,
}

impl Records {
    pub(super) const fn new() -> Self {
        Self { table: Vec::new(), armed: 0 }
    }

    /// How many ids have a timer.
    #[inline]
    pub(super) const fn armed(&self) -> usize {
        self.armed
    }

    /// Ids below this one have a record.
    #[inline]
    pub(super) const fn covered(&self) -> usize {
        self.table.len()
    }

    /// Makes room for `id`, which is absent at first. The table doubles, but never beyond `bound`,
    /// which is larger than the id.
    #[inline]
    pub(super) fn cover(&mut self, id: u32, bound: u32) {
        if id as usize >= self.table.len() {
            self.grow(id as usize + 1, bound as usize);
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize, bound: usize) {
        let doubled = self.table.len().saturating_mul(2).max(FEWEST).min(bound);
        let covered = doubled.max(self.table.capacity().min(bound)).max(needed);
        self.table.reserve_exact(covered - self.table.len());
        self.table.resize(covered, ABSENT);
    }

    /// Makes room for all ids below `bound`, unless there is no memory for it.
    pub(super) fn try_cover(&mut self, bound: u32) -> Result<(), TryReserveError> {
        let missing = (bound as usize).saturating_sub(self.table.len());
        self.table.try_reserve_exact(missing)?;
        self.table.resize(self.table.len() + missing, ABSENT);
        Ok(())
    }

    /// The tick of an id's timer, if it has one.
    #[inline]
    pub(super) fn tick(&self, id: u32) -> Option<u64> {
        let record = self.table.get(id as usize)?;
        (record.state == State::Armed).then_some(record.tick)
    }

    /// Gives a covered id a timer, unless it has one: then `None`.
    #[inline]
    pub(super) fn arm(&mut self, id: u32, tick: u64, at: u64) -> Option<Need> {
        let record = &mut self.table[id as usize];
        if record.state == State::Armed {
            return None;
        }
        let serves = record.state == State::Cancelled && record.serves(tick, at);
        record.state = State::Armed;
        record.tick = tick;
        self.armed += 1;
        Some(record.need(id, serves))
    }

    /// Moves an id's timer, if it has one, and returns its old tick too.
    #[inline]
    pub(super) fn reset(&mut self, id: u32, tick: u64, at: u64) -> Option<(u64, Need)> {
        let record = self.table.get_mut(id as usize)?;
        if record.state != State::Armed {
            return None;
        }
        let serves = record.serves(tick, at);
        let old = core::mem::replace(&mut record.tick, tick);
        Some((old, record.need(id, serves)))
    }

    /// Takes an id's timer away and leaves its hint where it is.
    #[inline]
    pub(super) fn cancel(&mut self, id: u32) -> Option<u64> {
        let record = self.table.get_mut(id as usize)?;
        if record.state != State::Armed {
            return None;
        }
        record.state = State::Cancelled;
        self.armed -= 1;
        Some(record.tick)
    }

    /// The tick of a hint's timer; `None` if the hint means nothing any more.
    #[inline]
    pub(super) fn tick_of(&self, hint: Hint) -> Option<u64> {
        let record = &self.table[hint.id as usize];
        (record.hint == hint.number && record.state == State::Armed).then_some(record.tick)
    }

    /// Notes that a hint whose timer has fired or is gone was dropped.
    #[inline]
    pub(super) fn forget(&mut self, hint: Hint) {
        let record = &mut self.table[hint.id as usize];
        if record.hint == hint.number {
            self.armed -= usize::from(record.state == State::Armed);
            record.state = State::Absent;
        }
    }

    /// Asks for the memory of an id's record.
    #[inline]
    pub(super) fn prefetch(&self, id: u32) {
        prefetch(&self.table, id as usize, 1);
    }

    /// All timers in the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        (0..)
            .zip(&self.table)
            .filter_map(|(id, record)| (record.state == State::Armed).then_some((id, record.tick)))
    }

    /// Forgets all timers; their hints must be gone. O(covered ids).
    pub(super) fn clear(&mut self) {
        self.table.fill(ABSENT);
        self.armed = 0;
    }

    /// Gives back the memory of ids behind the last one that has a timer or a hint.
    pub(super) fn shrink_to_fit(&mut self) {
        let last = self.table.iter().rposition(|record| record.state != State::Absent);
        self.table.truncate(last.map_or(0, |last| last + 1));
        self.table.shrink_to_fit();
    }

    /// Notes that all hints are gone; timers need new ones: see [`Records::hint_again`].
    pub(super) fn forget_hints(&mut self) {
        for record in self.table.iter_mut().filter(|record| record.state == State::Cancelled) {
            record.state = State::Absent;
        }
    }

    /// A new hint for an id that has a timer, and the timer's tick.
    pub(super) fn hint_again(&mut self, id: u32) -> Option<(Hint, u64)> {
        let tick = self.tick(id)?;
        Some((self.table[id as usize].next_hint(id), tick))
    }

    /// Makes room for so many records, without covering ids; aborts where there is no memory.
    pub(super) fn reserve(&mut self, ids: usize) {
        self.table.reserve(ids.saturating_sub(self.table.len()));
    }

    /// Makes room for so many records, without covering ids, if there is memory for it.
    pub(super) fn try_reserve(&mut self, ids: usize) -> Result<(), TryReserveError> {
        self.table.try_reserve(ids.saturating_sub(self.table.len()))
    }

    /// How many hints count, apart from their ids' states; for checks.
    pub(super) fn hinted(&self) -> usize {
        self.table.iter().filter(|record| record.state != State::Absent).count()
    }

    /// The latest tick that a hint may be for, if it counts; for checks.
    pub(super) fn bound_of(&self, hint: Hint) -> Option<u64> {
        let record = &self.table[hint.id as usize];
        (record.hint == hint.number && record.state != State::Absent).then_some(record.tick)
    }
}

impl Record {
    /// Whether the hint that there is will be met in time for a tick: it is if it is for no later
    /// one, or if it is due already, since what is due is met before anything else.
    #[inline]
    const fn serves(&self, tick: u64, at: u64) -> bool {
        self.tick <= tick || self.tick <= at
    }

    #[inline]
    const fn need(&mut self, id: u32, serves: bool) -> Need {
        if serves { Need::Nothing } else { Need::Place(self.next_hint(id)) }
    }

    #[inline]
    const fn next_hint(&mut self, id: u32) -> Hint {
        self.hint = self.hint.wrapping_add(1);
        Hint { id, number: self.hint, low: self.tick as u32 }
    }
}
