//! How a wheel moves on: timers sink level by level, a share of them with every tick.
//!
//! When a slot of a higher level begins, the next one begins to sink, in proportion to the ticks
//! that go by: so it is empty when its own time comes, and no tick has to move all of it.

use super::chunks::Hint;
use super::id_wheel::IdWheel;
use super::levels::Slot;

/// The memory of so many ids behind the first due one is asked for.
pub(super) const PREFETCHED_AHEAD: usize = 6;

/// Where a wheel has come to on its way to `now`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There are hints for timers that may be due.
    Due,
    /// The wheel stands at `now`, and nothing is due.
    Done,
    /// Too much has to sink before the next timer is known.
    Behind,
}

impl IdWheel {
    /// Appends a hint to where it belongs.
    #[inline]
    pub(super) fn place(&mut self, hint: Hint, tick: u64) {
        let hint = Hint { low: tick as u32, ..hint };
        if tick <= self.at {
            self.hints.push(&mut self.due, hint, tick);
            return;
        }
        let slot = Slot::of(tick, self.at);
        if !self.hints.push_within(slot, hint, tick) {
            self.hints.push_to_another_chunk(slot, hint, tick);
            // The slot may have been empty before.
            self.occupied.set(slot.place());
            self.calm_until = 0;
        }
    }

    /// Takes out the next timer that is due where the wheel stands; hints that mean nothing any
    /// more are dropped on the way, each for one of `moves`.
    #[inline]
    pub(super) fn take_due(&mut self, moves: &mut usize) -> Option<(u32, u64)> {
        while *moves > 0 {
            let hint = self.hints.pop(&mut self.due)?;
            if let Some(ahead) = self.due_ahead(PREFETCHED_AHEAD) {
                self.records.prefetch(ahead);
            }
            match self.records.tick_of(hint) {
                Some(tick) if tick <= self.at => {
                    self.records.forget(hint);
                    return Some((hint.id, tick));
                }
                Some(tick) => self.place(hint, tick),
                None => self.records.forget(hint),
            }
            *moves -= 1;
        }
        None
    }

    /// Moves the wheel towards `now`, until something may be due. At most `moves` timers sink,
    /// and slots are opened; what is left of that number is given back.
    #[inline]
    pub(super) fn step(&mut self, now: u64, moves: &mut usize) -> Step {
        if now > self.calm_until || self.due.len() > 0 {
            return self.step_with_care(now, moves);
        }
        self.at = self.at.max(now);
        Step::Done
    }

    fn step_with_care(&mut self, now: u64, moves: &mut usize) -> Step {
        while self.due.len() == 0 {
            match self.outlook() {
                Some((event, _)) if event <= now => {
                    if !self.reach(event, moves) {
                        return Step::Behind;
                    }
                }
                Some((_, calm_until)) if calm_until < now => {
                    self.go(now, moves);
                    return Step::Done;
                }
                outlook => {
                    self.calm_until = outlook.map_or(u64::MAX, |(_, calm_until)| calm_until);
                    self.at = self.at.max(now);
                    return Step::Done;
                }
            }
        }
        Step::Due
    }

    /// The first tick of the earliest slot that holds something, and a tick up to which none
    /// begins to sink; `None` if there is no such slot.
    #[inline]
    fn outlook(&self) -> Option<(u64, u64)> {
        let levels = self.occupied.levels_from(0);
        let slots = levels.filter_map(|level| self.occupied.first(level, self.at));
        let ticks = slots.map(|slot| (slot.start(), slot.start_before()));
        ticks.reduce(|one, other| (one.0.min(other.0), one.1.min(other.1)))
    }

    /// Moves the wheel to the earliest tick at which a slot begins, and opens what begins there.
    /// `false` if that takes more than `moves`: then only so much of it has been done.
    fn reach(&mut self, event: u64, moves: &mut usize) -> bool {
        let beginning = |level| Some(Slot::holding(event, level)).filter(|it| it.start() == event);
        let coarse = self.occupied.levels_from(1).map_while(beginning);
        let backlog: usize = coarse.clone().map(|slot| self.hints.len_of(slot.place())).sum();
        if backlog >= *moves {
            self.go(event - 1, moves);
            for slot in coarse {
                *moves -= self.sink(slot, *moves);
            }
            return false;
        }
        *moves -= backlog + 1;
        self.go(event, moves);
        let place = Slot::holding(event, 0).place();
        if self.occupied.contains(place) {
            self.occupied.unset(place);
            self.due = self.hints.take(place);
        }
        for slot in coarse {
            self.sink(slot, usize::MAX);
        }
        for ahead in 0..PREFETCHED_AHEAD {
            if let Some(id) = self.due_ahead(ahead) {
                self.records.prefetch(id);
            }
        }
        true
    }

    /// An id that is probably due so many places behind the next one, where that is easily told.
    #[inline]
    pub(super) fn due_ahead(&self, distance: usize) -> Option<u32> {
        self.hints.id_ahead(self.due, distance)
    }

    /// Lets the wheel stand at `to`, before which no slot begins that holds something, and the
    /// next slot of each level sink in proportion to the ticks that have gone by.
    #[inline]
    fn go(&mut self, to: u64, moves: &mut usize) {
        let from = self.at;
        if to <= from {
            return;
        }
        self.at = to;
        for level in self.occupied.levels_from(1) {
            let present = Slot::holding(to, level);
            let Some(next) = present.next().filter(|next| self.occupied.contains(next.place()))
            else {
                continue;
            };
            let begin = present.start().max(from);
            let share = share(self.hints.len_of(next.place()), to - begin, next.start() - begin);
            *moves -= self.sink(next, share.min(*moves));
        }
    }

    /// Moves the first `most` hints of a slot to where they belong now; returns how many it were.
    ///
    /// While one in thirty hints or more means nothing, each is looked up before it moves: that
    /// costs a look at its record, and saves the same look and all moves of those that are dropped.
    pub(super) fn sink(&mut self, slot: Slot, most: usize) -> usize {
        let place = slot.place();
        let sinking = self.hints.len_of(place).min(most);
        let timers = self.records.armed();
        let looks_up = self.hints.len() > timers + timers / 32;
        for _ in 0..sinking {
            let Some(hint) = self.hints.pop_from(place) else { break };
            let tick = match slot.tick(hint.low) {
                Some(tick) if !looks_up => Some(tick),
                _ => {
                    self.prefetch_ahead(place);
                    self.records.tick_of(hint)
                }
            };
            match tick {
                Some(tick) => self.place(hint, tick),
                None => self.records.forget(hint),
            }
        }
        if self.hints.len_of(place) == 0 {
            self.occupied.unset(place);
        }
        sinking
    }

    #[inline]
    fn prefetch_ahead(&self, place: usize) {
        if let Some(ahead) = self.hints.id_ahead_at(place, PREFETCHED_AHEAD) {
            self.records.prefetch(ahead);
        }
    }
}

/// `count * elapsed / total`, rounded up.
#[inline]
fn share(count: usize, elapsed: u64, total: u64) -> usize {
    match (count as u64).checked_mul(elapsed) {
        Some(product) => product.div_ceil(total) as usize,
        None => (count as u128 * u128::from(elapsed)).div_ceil(u128::from(total)) as usize,
    }
}
