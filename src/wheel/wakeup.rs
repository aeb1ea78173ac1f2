//! When a wheel has to be asked next.

use super::chunks::{Cursor, Fate, HINTS_OF_CHUNK, Hint};
use super::id_wheel::IdWheel;
use super::levels::Slot;

/// A search counts through so few chunks as quickly as it would look into parts.
const FEW_CHUNKS: usize = 4;

/// So many chunks' hints are sorted out by one search, in a few microseconds, and a part of those
/// that it went past: so that the costs of all searches stay in proportion to the hints.
const CHUNKS_AT_ONCE: usize = 16;
const SHARE_AT_ONCE: usize = 128;

/// What is known of the smallest tick of all timers that aren't due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earliest {
    /// It is this one, or a later one.
    AtLeast(u64),
    /// It is this one, if the wheel hasn't passed it.
    At(u64),
}

impl Earliest {
    /// A timer comes to a tick.
    #[inline]
    pub(super) fn note(&mut self, tick: u64) {
        match *self {
            Self::At(earliest) if tick >= earliest => {}
            Self::AtLeast(floor) if tick > floor => {}
            _ => *self = Self::At(tick),
        }
    }

    /// A timer of a tick has gone.
    #[inline]
    pub(super) fn forget(&mut self, tick: u64) {
        if *self == Self::At(tick) {
            *self = Self::AtLeast(tick);
        }
    }
}

impl IdWheel {
    /// The earliest tick at which [`IdWheel::pop_due`] gives a timer; `None` if there is none.
    ///
    /// Amortised O(1). While the earliest timer stays, it is remembered. After it was cancelled,
    /// reset or popped, the next one is looked for in the first slot that holds any, which is
    /// sorted out for further calls bit by bit. So if all timers are 64 ticks or more ahead, a
    /// single call may take O(timers of the slot / 20). Slots of 2^36 ticks and more are not sorted
    /// out: there every search takes O(timers of the slot). What cancellations have left behind
    /// before the next timer is dropped on the way: after many without a question, one answer has
    /// to do it.
    pub fn next_wakeup(&mut self) -> Option<u64> {
        if self.first_due(&mut { usize::MAX }).is_some() {
            return Some(self.at);
        }
        if self.is_empty() {
            return None;
        }
        let ahead = self.at.saturating_add(1);
        let floor = match self.earliest {
            Earliest::At(tick) if tick > self.at => return Some(tick),
            Earliest::At(_) => ahead,
            Earliest::AtLeast(tick) => tick.max(ahead),
        };
        let tick = self.search(floor, true);
        self.earliest = Earliest::At(tick);
        Some(tick)
    }

    /// The next timer that is due where the wheel stands. Hints before its own are dropped, or
    /// moved to where their timers were reset to, each for one of `moves`.
    #[inline]
    pub(super) fn first_due(&mut self, moves: &mut usize) -> Option<(u32, u64)> {
        if self.due.len() == 0 { None } else { self.look_for_due(moves) }
    }

    fn look_for_due(&mut self, moves: &mut usize) -> Option<(u32, u64)> {
        while *moves > 0 {
            let hint = self.hints.first(self.due)?;
            let tick = self.records.tick_of(hint);
            if let Some(tick) = tick.filter(|&tick| tick <= self.at) {
                return Some((hint.id, tick));
            }
            self.hints.pop(&mut self.due);
            match tick {
                Some(tick) => self.place(hint, tick),
                None => self.records.forget(hint),
            }
            *moves -= 1;
        }
        None
    }

    /// The smallest tick of all timers; none is due, and none comes before `floor`.
    ///
    /// A slot that begins next is not sorted out: it sinks, once in a call, if `may_sink`.
    fn search(&mut self, floor: u64, may_sink: bool) -> u64 {
        // Some timer is there, and none is later than this.
        let mut best = u64::MAX;
        for level in self.occupied.levels_from(0) {
            while let Some(slot) = self.occupied.first(level, self.at)
                && slot.start() < best
                && best > floor
            {
                let begins_next = level > 0 && slot.start_before() <= self.at;
                let chunks = self.hints.len_of(slot.place()) / HINTS_OF_CHUNK;
                if begins_next && may_sink && chunks > FEW_CHUNKS {
                    self.sink(slot, hints_at_once(chunks));
                    return self.search(floor, false);
                }
                self.search_slot(slot, slot.place(), !begins_next, floor, &mut best);
                if self.hints.len_of(slot.place()) > 0 {
                    break;
                }
                self.occupied.unset(slot.place());
            }
        }
        best
    }

    /// Lowers `best` to the smallest tick of the timers with a hint at a slot's place, if that is
    /// smaller.
    ///
    /// A queue of many chunks is sorted out into the slot's parts for the next search, a number of
    /// hints at a time, so that no hint is gone past often: nothing depends on when that is done.
    fn search_slot(&mut self, slot: Slot, place: usize, sorts: bool, floor: u64, best: &mut u64) {
        let floor = floor.max(slot.start());
        while let Some((number, place_of_part)) = self.hints.first_part(place)
            && slot.part(number).start() < *best
            && *best > floor
        {
            self.search_slot(slot.part(number), place_of_part, sorts, floor, best);
            if self.hints.len_of(place_of_part) > 0 {
                break;
            }
        }
        let (mut cursor, mut chunks) = (self.hints.first_chunk(place), 0);
        while let Some(chunk_floor) = self.hints.floor(cursor)
            && *best > floor
        {
            chunks += 1;
            if chunk_floor < *best {
                self.search_chunk(slot, place, &mut cursor, best);
            } else {
                self.hints.advance(&mut cursor);
            }
        }
        if sorts && chunks > FEW_CHUNKS {
            self.hints.sort_out(slot, place, hints_at_once(chunks));
        }
    }

    /// Looks at the cursor's chunk, for [`IdWheel::search_slot`], and goes on to the next one.
    ///
    /// Of hints for ticks before `best`, those that mean nothing any more are dropped, and those
    /// whose timers were reset to a later tick are moved there, so that nobody meets them twice.
    fn search_chunk(&mut self, slot: Slot, place: usize, cursor: &mut Cursor, best: &mut u64) {
        let mut moved = [(Hint::default(), 0); HINTS_OF_CHUNK];
        let mut moving = 0;
        let records = &mut self.records;
        self.hints.sift_chunk(place, cursor, |hint| {
            if let Some(tick) = slot.tick(hint.low).filter(|tick| tick >= best) {
                return Fate::Keep(tick);
            }
            let Some(tick) = records.tick_of(hint) else {
                records.forget(hint);
                return Fate::Drop;
            };
            *best = tick.min(*best);
            if slot.holds(tick) {
                return Fate::Keep(tick);
            }
            moved[moving] = (hint, tick);
            moving += 1;
            Fate::Drop
        });
        for &(hint, tick) in &moved[..moving] {
            self.place(hint, tick);
        }
    }
}

/// So many hints are sorted out by one search that went past so many chunks.
const fn hints_at_once(chunks: usize) -> usize {
    (CHUNKS_AT_ONCE + chunks / SHARE_AT_ONCE) * HINTS_OF_CHUNK
}
