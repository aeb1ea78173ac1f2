//! A wheel over dense ids that the caller owns, in ticks of any length.

use super::InsertError;
use super::cascade::Step;
use super::chunks::Queue;
use super::hints::Hints;
use super::levels::{Occupied, Slot};
use super::records::{Need, Records};
use super::sweep::Sweep;
use super::wakeup::Earliest;

/// A hierarchical timer wheel over dense `u32` ids.
///
/// A tick is whatever the caller counts: milliseconds, nanoseconds, frames. Where ids come from
/// outside, [`IdWheel::with_bound`] keeps a hostile one from allocating 64 GiB.
///
/// Memory is 16 bytes for every id below the largest one that was ever inserted; 13 bytes for every
/// timer and for every one that was cancelled and isn't forgotten yet, of which there are hardly
/// ever more than timers; 256 bytes for every slot in use; and 2.3 KiB for every level in use, of
/// which 64^l ticks need l + 1. Tables grow by doubling.
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
///
/// Invariants: every hint outside of `due` is in a slot that begins after `at` and ends after the
/// hint's tick, and has its bit in `occupied`; what is in `due` is for ticks up to `at`.
#[derive(Clone)]
pub struct IdWheel {
    pub(super) records: Records,
    pub(super) hints: Hints,
    pub(super) due: Queue,
    pub(super) occupied: Occupied,
    /// Where the wheel stands: the latest `now`, or the tick of what is due and not collected.
    pub(super) at: u64,
    /// Up to this tick no slot begins that holds something, and none begins to sink.
    pub(super) calm_until: u64,
    pub(super) earliest: Earliest,
    pub(super) sweep: Sweep,
    bound: u32,
}

/// What came of an `advance` of an [`IdWheel`], a [`TimerWheel`](super::TimerWheel) or
/// [`Timeouts`](super::Timeouts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a wheel that hasn't caught up has to be called again"]
pub struct Advanced {
    /// How many timers were given.
    pub fired: usize,
    /// Whether nothing more is due. If not, the budget has ended the call, and more may be due.
    pub caught_up: bool,
}

/// Timers that an advance may move for each one that it may give: more levels than a timer ever
/// sinks through, so that moving never holds a wheel up.
const MOVES_A_TIMER: usize = 16;

/// ... and these, so that a small budget gets through the levels too.
const MOVES_A_CALL: usize = 64;

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
            records: Records::new(),
            hints: Hints::new(),
            due: Queue::EMPTY,
            occupied: Occupied::NOTHING,
            at: start,
            calm_until: 0,
            earliest: Earliest::AtLeast(0),
            sweep: Sweep::new(),
            bound,
        }
    }

    /// How many timers the wheel holds, those that are due but not popped included.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.records.armed()
    }

    /// Whether the wheel holds no timer.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tick at which the wheel stands: the latest one that a call has given, or that of what is
    /// due and was not taken out by then, or how far an advance within its bound has got. What is
    /// inserted for this tick or before is due at once.
    #[must_use]
    #[inline]
    pub const fn now(&self) -> u64 {
        self.at
    }

    /// The ids that the wheel takes are below this one.
    #[must_use]
    pub const fn bound(&self) -> u32 {
        self.bound
    }

    /// Whether `id` has a timer. O(1).
    #[must_use]
    #[inline]
    pub fn contains(&self, id: u32) -> bool {
        self.deadline(id).is_some()
    }

    /// The tick at which the timer of `id` is due, if it has one. O(1).
    #[must_use]
    #[inline]
    pub fn deadline(&self, id: u32) -> Option<u64> {
        self.records.tick(id)
    }

    /// Inserts a timer that is due at `tick`. O(1); allocates only by growth. The first insertion
    /// of an id that is larger than all before fills the table up to it: O(id).
    ///
    /// A tick that has passed is due at once.
    ///
    /// # Errors
    ///
    /// [`InsertError::Present`] if the id has a timer, [`InsertError::OutOfBound`] if the wheel
    /// doesn't take it. The wheel is as before.
    #[inline]
    pub fn insert(&mut self, id: u32, tick: u64) -> Result<(), InsertError> {
        if id >= self.bound {
            return Err(InsertError::OutOfBound);
        }
        self.records.cover(id, self.bound);
        match self.records.arm(id, tick, self.at) {
            None => return Err(InsertError::Present),
            Some(Need::Nothing) => {}
            Some(Need::Place(hint)) => self.place(hint, tick),
        }
        self.note(tick);
        Ok(())
    }

    /// Inserts a timer that may be due at any tick from `earliest` to `latest`, and returns the
    /// tick. Otherwise as [`IdWheel::insert`].
    ///
    /// Of the ticks it takes the one that is a multiple of the highest power of two: the wider the
    /// windows, the more timers meet at one tick, and the fewer wake-ups there are. Of a window
    /// that has begun already it takes a tick that is still to come, if there is one. A `latest`
    /// that is before `earliest` counts as that.
    ///
    /// ```
    /// use punctual::wheel::IdWheel;
    ///
    /// let mut wheel = IdWheel::new(0);
    /// assert_eq!(wheel.insert_within(0, 1_000, 1_100)?, 1_024);
    /// assert_eq!(wheel.insert_within(1, 1_020, 1_060)?, 1_024);
    /// # Ok::<(), punctual::wheel::InsertError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`IdWheel::insert`].
    pub fn insert_within(
        &mut self,
        id: u32,
        earliest: u64,
        latest: u64,
    ) -> Result<u64, InsertError> {
        let tick = self.choose_within(earliest, latest);
        self.insert(id, tick).map(|()| tick)
    }

    pub(super) fn choose_within(&self, earliest: u64, latest: u64) -> u64 {
        let to_come = self.at.saturating_add(1).min(latest);
        Slot::roundest(earliest.max(to_come), latest)
    }

    /// Takes the timer of `id` out and returns its tick, also if it is due already. O(1), with a
    /// search for what cancellations have left behind once that is too much: 20 timers at once.
    #[inline]
    pub fn cancel(&mut self, id: u32) -> Option<u64> {
        let tick = self.records.cancel(id)?;
        self.earliest.forget(tick);
        self.sweep();
        Some(tick)
    }

    /// Moves the timer of `id` to another tick and returns the old one, also if it is due
    /// already. O(1); if the tick isn't earlier than the old one, it is only noted, otherwise the
    /// cost is that of [`IdWheel::cancel`]. `None` if the id has no timer.
    #[inline]
    pub fn reset(&mut self, id: u32, tick: u64) -> Option<u64> {
        let (old, need) = self.records.reset(id, tick, self.at)?;
        self.earliest.forget(old);
        if let Need::Place(hint) = need {
            self.place(hint, tick);
            self.sweep();
        }
        self.note(tick);
        Some(old)
    }

    /// Takes out the next timer that is due at tick `now`, with its tick; those of one tick come
    /// in any order.
    ///
    /// Amortised O(1): a timer sinks through at most 11 levels in its life, a share of them with
    /// every tick that goes by. After a jump of the clock one call may have to move many, and after
    /// many timers were cancelled that were due already, one call drops what they left behind:
    /// [`IdWheel::advance`] bounds both. A `now` before [`IdWheel::now`] counts as that: the wheel
    /// doesn't go back.
    #[inline]
    pub fn pop_due(&mut self, now: u64) -> Option<(u32, u64)> {
        let mut moves = usize::MAX;
        loop {
            if let Some(fired) = self.take_due(&mut moves) {
                return Some(fired);
            }
            if now <= self.at || self.step(now, &mut moves) != Step::Due {
                return None;
            }
        }
    }

    /// The timer that [`IdWheel::pop_due`] would take out, which stays. The cost is the same, and
    /// so is the tick at which the wheel stands afterwards: this is no way to look ahead.
    ///
    /// When it is reset to a later tick, the next one follows. After a change of the wheel another
    /// timer of the same tick may be the next one.
    pub fn peek_due(&mut self, now: u64) -> Option<(u32, u64)> {
        let mut moves = usize::MAX;
        loop {
            if let Some(due) = self.first_due(&mut moves) {
                return Some(due);
            }
            if now <= self.at || self.step(now, &mut moves) != Step::Due {
                return None;
            }
        }
    }

    /// Gives the timers that are due at tick `now`, as (id, tick) in the order of
    /// [`IdWheel::pop_due`], but at most `budget` of them, and moves at most `16 * budget + 64`.
    ///
    /// A call that ends early may have given none; only [`Advanced::caught_up`] tells. A budget of
    /// zero gives none ever. So the cost of a call is bounded, whatever was due at once and however
    /// far the clock has jumped. A call that hasn't caught up is resumed by the next one, which may
    /// come for a later `now`; between the two the wheel is free to be changed. A panic of `sink`
    /// loses no timer but the one that it was given.
    ///
    /// ```
    /// use punctual::wheel::IdWheel;
    ///
    /// let mut wheel = IdWheel::new(0);
    /// for id in 0..300 {
    ///     wheel.insert(id, 1_000)?;
    /// }
    /// let first = wheel.advance(1_000, 256, |_id, _tick| {});
    /// assert_eq!((first.fired, first.caught_up), (256, false));
    /// let second = wheel.advance(1_001, 256, |_id, _tick| {});
    /// assert_eq!((second.fired, second.caught_up), (44, true));
    /// # Ok::<(), punctual::wheel::InsertError>(())
    /// ```
    pub fn advance(&mut self, now: u64, budget: usize, mut sink: impl FnMut(u32, u64)) -> Advanced {
        self.advance_with(now, budget, |_, id, tick| sink(id, tick))
    }

    /// As [`IdWheel::advance`], for a sink that looks at what comes next.
    pub(super) fn advance_with(
        &mut self,
        now: u64,
        budget: usize,
        mut sink: impl FnMut(&Self, u32, u64),
    ) -> Advanced {
        let mut moves = budget.saturating_mul(MOVES_A_TIMER).saturating_add(MOVES_A_CALL);
        let mut fired = 0;
        loop {
            while fired < budget {
                let Some((id, tick)) = self.take_due(&mut moves) else { break };
                fired += 1;
                sink(self, id, tick);
            }
            if self.first_due(&mut moves).is_some() || self.due.len() > 0 {
                return Advanced { fired, caught_up: false };
            }
            match self.step(now, &mut moves) {
                Step::Due => {}
                Step::Done => return Advanced { fired, caught_up: true },
                Step::Behind => return Advanced { fired, caught_up: false },
            }
        }
    }

    /// A timer comes to a tick.
    #[inline]
    fn note(&mut self, tick: u64) {
        if tick > self.at {
            self.earliest.note(tick);
        }
    }
}
