//! A wheel over dense ids that the caller owns, in ticks of any length.

use super::InsertError;
use super::levels::{LEVELS, SLOTS, Slot};
use super::lists::{DUE, List, Lists};

/// A hierarchical timer wheel over dense `u32` ids.
///
/// A tick is whatever the caller counts: milliseconds, nanoseconds, frames. Memory is 24 bytes
/// for every id below the largest one that was ever inserted, and 6 KiB for the wheel itself.
/// Where ids come from outside, [`IdWheel::with_bound`] keeps a hostile one from allocating
/// 96 GiB.
///
/// ```
/// use punctual::wheel::IdWheel;
///
/// let mut wheel = IdWheel::new(0);
/// wheel.insert(7, 1_000)?;
/// wheel.insert(9, u64::MAX)?;
/// assert_eq!(wheel.next_wakeup(), Some(1_000));
/// assert_eq!(wheel.pop_due(999), None);
/// assert_eq!(wheel.pop_due(1_000), Some((7, 1_000)));
/// assert_eq!(wheel.cancel(9), Some(u64::MAX));
/// # Ok::<(), punctual::wheel::InsertError>(())
/// ```
#[derive(Clone, Debug)]
pub struct IdWheel {
    lists: Lists,
    /// A bit for each slot of a level that holds a timer.
    occupied: [u64; LEVELS],
    /// Every timer whose tick is not after this one is in the due list.
    now: u64,
    len: usize,
    bound: u32,
    earliest: Earliest,
}

/// What is known of the smallest tick outside the due list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Earliest {
    Unknown,
    At(u64),
}

impl IdWheel {
    /// An empty wheel that stands at tick `start` and takes every id below `u32::MAX`.
    #[must_use]
    pub const fn new(start: u64) -> Self {
        Self::with_bound(start, u32::MAX)
    }

    /// An empty wheel that stands at tick `start` and takes ids below `bound`.
    #[must_use]
    pub const fn with_bound(start: u64, bound: u32) -> Self {
        Self {
            lists: Lists::new(),
            occupied: [0; LEVELS],
            now: start,
            len: 0,
            bound,
            earliest: Earliest::Unknown,
        }
    }

    /// How many timers the wheel holds, those that are due but not popped included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the wheel holds no timer.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether `id` has a timer. O(1).
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.lists.find(id).is_some()
    }

    /// The tick at which the timer of `id` is due, if it has one. O(1).
    #[must_use]
    pub fn deadline(&self, id: u32) -> Option<u64> {
        self.lists.find(id).map(|(_, tick)| tick)
    }

    /// Inserts a timer that is due at `tick`. O(1); allocates only by growth. The first insertion
    /// of an id that is larger than all before fills the table up to it: O(id).
    ///
    /// A tick that has passed is due at once, after what is due already.
    ///
    /// # Errors
    ///
    /// [`InsertError::Present`] if the id has a timer, [`InsertError::OutOfBound`] if the wheel
    /// doesn't take it. The wheel is as before.
    pub fn insert(&mut self, id: u32, tick: u64) -> Result<(), InsertError> {
        if id >= self.bound {
            return Err(InsertError::OutOfBound);
        }
        if self.contains(id) {
            return Err(InsertError::Present);
        }
        self.lists.cover(id);
        self.link(id, tick);
        self.len += 1;
        Ok(())
    }

    /// Takes the timer of `id` out and returns its tick, also if it is due already. O(1).
    pub fn cancel(&mut self, id: u32) -> Option<u64> {
        let (list, tick) = self.lists.find(id)?;
        self.unlink(id, list, tick);
        self.len -= 1;
        Some(tick)
    }

    /// Moves the timer of `id` to another tick and returns the old one, also if it is due
    /// already. O(1). `None` if the id has no timer.
    pub fn reset(&mut self, id: u32, tick: u64) -> Option<u64> {
        let (list, old) = self.lists.find(id)?;
        self.unlink(id, list, old);
        self.link(id, tick);
        Some(old)
    }

    /// Takes out the next timer that is due at tick `now`, with its tick.
    ///
    /// Amortised O(1): a timer sinks through at most 11 levels in its life. A single call may
    /// move all timers of one slot. A `now` before that of an earlier call counts as that one:
    /// the wheel doesn't go back.
    pub fn pop_due(&mut self, now: u64) -> Option<(u32, u64)> {
        loop {
            if let Some(id) = self.lists.first(DUE) {
                let tick = self.cancel(id)?;
                return Some((id, tick));
            }
            match self.first_slot() {
                Some(slot) if slot.start(self.now) <= now => self.open(slot),
                // Up to the next slot nothing changes its level, so the wheel may go there.
                _ => {
                    self.now = self.now.max(now);
                    return None;
                }
            }
        }
    }

    /// The earliest tick at which [`IdWheel::pop_due`] gives a timer; `None` if there is none.
    ///
    /// O(1) while the answer is remembered or the next timer is less than 64 ticks away;
    /// otherwise, after the earliest timer was cancelled, reset or popped, O(timers in the next
    /// slot).
    pub fn next_wakeup(&mut self) -> Option<u64> {
        if !self.lists.is_empty(DUE) {
            return Some(self.now);
        }
        if let Earliest::At(tick) = self.earliest {
            return Some(tick);
        }
        let slot = self.first_slot()?;
        let tick = match slot.level {
            0 => slot.start(self.now),
            _ => self.lists.smallest_tick(list_of(slot))?,
        };
        self.earliest = Earliest::At(tick);
        Some(tick)
    }

    /// The slot whose timers are due next: all timers of a level come before those above it.
    fn first_slot(&self) -> Option<Slot> {
        let level = self.occupied.iter().position(|&slots| slots != 0)?;
        Some(Slot { level, index: self.occupied[level].trailing_zeros() as usize })
    }

    /// Moves the wheel to the start of its first slot, whose timers sink or become due.
    fn open(&mut self, slot: Slot) {
        self.now = slot.start(self.now);
        self.earliest = Earliest::Unknown;
        let list = list_of(slot);
        let mut rest = self.lists.detach(list);
        while let Some((id, tick, next)) = self.lists.detached(rest) {
            self.link(id, tick);
            rest = next;
        }
        self.occupied[slot.level] &= !(1 << slot.index);
    }

    fn link(&mut self, id: u32, tick: u64) {
        if tick <= self.now {
            self.lists.push(DUE, id, tick);
            return;
        }
        match self.earliest {
            Earliest::At(earliest) if tick < earliest => self.earliest = Earliest::At(tick),
            _ => {}
        }
        let slot = Slot::of(tick, self.now);
        self.lists.push(list_of(slot), id, tick);
        self.occupied[slot.level] |= 1 << slot.index;
    }

    fn unlink(&mut self, id: u32, list: List, tick: u64) {
        self.lists.unlink(id);
        if list == DUE {
            return;
        }
        if self.lists.is_empty(list) {
            self.occupied[list as usize / SLOTS] &= !(1 << (list as usize % SLOTS));
        }
        if self.earliest == Earliest::At(tick) {
            self.earliest = Earliest::Unknown;
        }
    }

    /// Checks links, slots and the remembered earliest tick. O(largest id); for tests and
    /// fuzzing.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub fn assert_invariants(&self) {
        assert_eq!(self.lists.assert_invariants(), self.len, "every timer is in a list");
        let mut smallest = None;
        for list in 0..DUE {
            let slot = Slot { level: list as usize / SLOTS, index: list as usize % SLOTS };
            let bit = self.occupied[slot.level] >> slot.index & 1;
            assert_eq!(bit == 1, !self.lists.is_empty(list), "the bit of {slot:?}");
            for (id, tick) in self.lists.iter(list) {
                assert!(tick > self.now, "timer {id} should be due");
                assert_eq!(Slot::of(tick, self.now), slot, "the slot of timer {id}");
                smallest = Some(smallest.map_or(tick, |smallest: u64| smallest.min(tick)));
            }
        }
        if let Earliest::At(tick) = self.earliest {
            assert_eq!(smallest, Some(tick), "the earliest tick");
        }
    }
}

fn list_of(slot: Slot) -> List {
    (slot.level * SLOTS + slot.index) as List
}
