//! What concerns all timers of a wheel at once, and its memory.

use alloc::collections::TryReserveError;
use core::fmt;

use super::chunks::Queue;
use super::hints::is_part;
use super::id_wheel::IdWheel;
use super::levels::{Occupied, Slot};
use super::sweep::Sweep;
use super::wakeup::Earliest;

impl IdWheel {
    /// All timers as (id, tick), in the order of their ids. O(covered ids).
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.records.iter()
    }

    /// Keeps only the timers that the predicate wants, which is asked in the order of their ids.
    /// O(covered ids).
    pub fn retain(&mut self, mut predicate: impl FnMut(u32, u64) -> bool) {
        for id in 0..self.records.covered() as u32 {
            if let Some(tick) = self.deadline(id)
                && !predicate(id, tick)
            {
                self.cancel(id);
            }
        }
    }

    /// Takes all timers out, in the order of their ids; those that the iterator doesn't reach are
    /// forgotten when it is dropped. The wheel stands where it stood. O(covered ids).
    pub fn drain(&mut self) -> IdDrain<'_> {
        IdDrain { next: 0, wheel: self }
    }

    /// Forgets all timers and keeps the memory. O(covered ids).
    pub fn clear(&mut self) {
        self.records.clear();
        self.forget_hints();
    }

    /// Ids below this one have a place in the table of timers: their insertions don't let it grow.
    #[must_use]
    pub fn covered(&self) -> usize {
        self.records.covered()
    }

    /// Makes room in the table of timers for all ids below `ids` that the wheel takes: 16 bytes
    /// each.
    ///
    /// # Errors
    ///
    /// If there is no memory. The wheel is as before.
    pub fn try_cover(&mut self, ids: u32) -> Result<(), TryReserveError> {
        self.records.try_cover(ids.min(self.bound()))
    }

    /// Makes room for `additional` timers more of ids that are covered, also if as many others are
    /// cancelled meanwhile. Aborts where there is no memory.
    ///
    /// # Panics
    ///
    /// If that many don't fit into the address space.
    pub fn reserve(&mut self, additional: usize) {
        self.hints.reserve(self.hints_for(additional));
    }

    /// Makes room for `additional` timers more of ids that are covered, also if as many others are
    /// cancelled meanwhile.
    ///
    /// # Errors
    ///
    /// If there is no memory. The timers are as before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.hints.try_reserve(self.hints_for(additional))
    }

    /// Makes room in the table of timers for so many ids, without covering them.
    pub(super) fn reserve_ids(&mut self, ids: usize) {
        self.records.reserve(ids);
    }

    /// Makes room in the table of timers for so many ids, without covering them, if there is
    /// memory for it.
    pub(super) fn try_reserve_ids(&mut self, ids: usize) -> Result<(), TryReserveError> {
        self.records.try_reserve(ids)
    }

    fn hints_for(&self, additional: usize) -> usize {
        Self::most_hints(self.len().saturating_add(additional))
    }

    /// Gives back the memory of what was cancelled, and of ids behind the last one that has a
    /// timer. O(covered ids).
    pub fn shrink_to_fit(&mut self) {
        let earliest = self.earliest;
        self.forget_hints();
        self.earliest = earliest;
        self.hints.shrink_to_fit();
        self.records.forget_hints();
        self.records.shrink_to_fit();
        for id in 0..self.records.covered() as u32 {
            if let Some((hint, tick)) = self.records.hint_again(id) {
                self.place(hint, tick);
            }
        }
        self.hints.shrink_to_fit();
    }

    fn forget_hints(&mut self) {
        self.hints.clear();
        self.due = Queue::EMPTY;
        self.occupied = Occupied::NOTHING;
        self.calm_until = 0;
        self.earliest = Earliest::AtLeast(0);
        self.sweep = Sweep::new();
    }

    /// Checks hints, slots and the remembered earliest tick. O(largest id); for tests and fuzzing.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub fn assert_invariants(&self) {
        self.hints.assert_invariants(self.due);
        let (mut counting, mut smallest) = (0, None);
        for place in (0..self.hints.places()).filter(|&place| !is_part(place)) {
            let slot = Slot::at_place(place, self.at);
            let holds = self.hints.len_of(place) > 0;
            assert_eq!(self.occupied.contains(place), holds, "the bit of {slot:?}");
            if !holds {
                continue;
            }
            assert!(slot.start() > self.at, "{slot:?} should be open");
            for (hint, floor) in self.hints.iter_of(place) {
                let bound = self.records.bound_of(hint);
                let tick = slot.tick(hint.low).or(bound).unwrap_or(u64::MAX);
                assert!(floor <= tick && slot.start() <= tick, "{hint:?} of {slot:?}");
                assert!(bound.is_none_or(|bound| tick <= bound), "{hint:?} is met in time");
                counting += usize::from(bound.is_some());
                if let Some(tick) = self.records.tick_of(hint) {
                    smallest = Some(smallest.map_or(tick, |smallest: u64| smallest.min(tick)));
                }
            }
        }
        for (hint, _) in self.hints.iter(self.due) {
            counting += usize::from(self.records.bound_of(hint).is_some());
        }
        assert_eq!(counting, self.records.hinted(), "one hint of each id counts");
        assert_eq!(self.len(), self.iter().count(), "all timers are counted");
        let not_due = self.iter().map(|(_, tick)| tick).filter(|&tick| tick > self.at).min();
        assert!(smallest.is_none_or(|smallest| Some(smallest) >= not_due), "all are found");
        match self.earliest {
            Earliest::At(tick) if tick > self.at => assert_eq!(not_due, Some(tick)),
            Earliest::AtLeast(floor) => assert!(not_due.is_none_or(|tick| tick >= floor)),
            Earliest::At(_) => {}
        }
    }
}

/// Takes all timers out of an [`IdWheel`]: see [`IdWheel::drain`].
pub struct IdDrain<'a> {
    next: u32,
    wheel: &'a mut IdWheel,
}

impl Iterator for IdDrain<'_> {
    type Item = (u32, u64);

    fn next(&mut self) -> Option<Self::Item> {
        while (self.next as usize) < self.wheel.covered() {
            let id = self.next;
            self.next += 1;
            // Hints are not looked for: all of them will be forgotten soon.
            if let Some(tick) = self.wheel.records.cancel(id) {
                self.wheel.earliest.forget(tick);
                return Some((id, tick));
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.wheel.len(), Some(self.wheel.len()))
    }
}

impl ExactSizeIterator for IdDrain<'_> {}

impl core::iter::FusedIterator for IdDrain<'_> {}

impl Drop for IdDrain<'_> {
    fn drop(&mut self) {
        self.wheel.clear();
    }
}

impl fmt::Debug for IdDrain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IdDrain").field("left", &self.wheel.len()).finish()
    }
}

impl fmt::Debug for IdWheel {
    /// A map from id to tick.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

impl Default for IdWheel {
    /// An empty wheel that stands at tick 0 and takes every id below `u32::MAX`.
    fn default() -> Self {
        Self::new(0)
    }
}
