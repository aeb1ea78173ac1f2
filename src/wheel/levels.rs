//! The arithmetic of levels and slots, without any storage.
//!
//! A slot of level `l` covers `64^l` ticks. A *window* of a level is one slot of the level above:
//! 64 slots. Every level has places for two windows, the one that holds the wheel's position and
//! the next one, so that timers can sink into the next window while the present one goes by.

/// Bits of a tick that one level decides.
const BITS: u32 = 6;

/// Levels that together decide all 64 bits of a tick.
pub(super) const LEVELS: usize = 64_u32.div_ceil(BITS) as usize;

/// Slots of a window.
pub(super) const SLOTS: usize = 1 << BITS;

/// Slots that a level has a place for.
pub(super) const PLACES: usize = 2 * SLOTS;

/// Places of a level: those of its slots, and as many as a slot of the level above has parts.
pub(super) const STRIDE: usize = PLACES + SLOTS;

/// So many ticks of one level, by their number since tick zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) level: usize,
    pub(super) number: u64,
}

impl Slot {
    /// The slot of the lowest level that has a place for `tick` while the wheel stands at `at`,
    /// which is earlier.
    #[inline]
    pub(super) fn of(tick: u64, at: u64) -> Self {
        debug_assert!(tick > at);
        // A tick that is 64^f or more ahead is in a later slot of level f, and if that is the next
        // one, in the next window of the level below. Further down it is many windows ahead.
        let far = (tick - at).ilog2() / BITS;
        let shift = far * BITS;
        let is_next = (tick >> shift) - (at >> shift) == 1;
        let level = far.saturating_sub(u32::from(is_next));
        Self { level: level as usize, number: tick >> (level * BITS) }
    }

    /// Of the ticks from `earliest` to `latest`, the one that is a multiple of the highest power
    /// of two; `earliest`, if `latest` isn't after it.
    pub(super) const fn roundest(earliest: u64, latest: u64) -> u64 {
        let Some(before) = earliest.checked_sub(1) else { return 0 };
        if latest <= earliest {
            return earliest;
        }
        // Above the highest bit in which the two differ, all ticks between them are alike.
        let bits = (before ^ latest).ilog2();
        latest >> bits << bits
    }

    /// The slot of a level that holds a tick.
    #[inline]
    pub(super) const fn holding(tick: u64, level: usize) -> Self {
        Self { level, number: tick >> shift(level) }
    }

    /// The slot at a place of a level while the wheel stands at `at`.
    #[inline]
    pub(super) const fn at_place(place: usize, at: u64) -> Self {
        let level = place / STRIDE;
        let window = window(level, at);
        let is_next = ((place % STRIDE) >> BITS) as u64 != window & 1;
        let number = ((window + is_next as u64) << BITS) | (place % SLOTS) as u64;
        Self { level, number }
    }

    /// The slot after this one, if there is one before the end of time.
    #[inline]
    pub(super) const fn next(self) -> Option<Self> {
        let last = u64::MAX >> shift(self.level);
        if self.number == last {
            return None;
        }
        Some(Self { number: self.number + 1, ..self })
    }

    /// The slot of the level below that is its part with this number.
    pub(super) const fn part(self, number: usize) -> Self {
        Self { level: self.level - 1, number: (self.number << BITS) | number as u64 }
    }

    /// The number of its part that holds a tick of its own.
    #[inline]
    pub(super) const fn part_holding(self, tick: u64) -> usize {
        (tick >> shift(self.level - 1)) as usize % SLOTS
    }

    /// Its first tick.
    #[inline]
    pub(super) const fn start(self) -> u64 {
        self.number << shift(self.level)
    }

    /// The first tick of the slot before it, which there is.
    #[inline]
    pub(super) const fn start_before(self) -> u64 {
        (self.number - 1) << shift(self.level)
    }

    /// Whether a tick is one of its own.
    #[inline]
    pub(super) const fn holds(self, tick: u64) -> bool {
        tick >> shift(self.level) == self.number
    }

    /// Where it is kept, among the places of all levels.
    #[inline]
    pub(super) const fn place(self) -> usize {
        self.level * STRIDE + self.number as usize % PLACES
    }

    /// Its tick with these low bits, if so many bits tell it.
    #[inline]
    pub(super) const fn tick(self, low: u32) -> Option<u64> {
        let shift = shift(self.level);
        if shift > u32::BITS {
            return None;
        }
        Some((self.number << shift) | (low as u64 & ((1 << shift) - 1)))
    }
}

const fn shift(level: usize) -> u32 {
    level as u32 * BITS
}

/// The number of the window of a level that holds `at`. The top level has only one.
const fn window(level: usize, at: u64) -> u64 {
    match at.checked_shr(shift(level + 1)) {
        Some(window) => window,
        None => 0,
    }
}

/// A bit for every place of every level.
#[derive(Clone, Debug)]
pub(super) struct Occupied {
    windows: [[u64; 2]; LEVELS],
    /// A bit for every level that has a bit.
    levels: u32,
}

impl Occupied {
    pub(super) const NOTHING: Self = Self { windows: [[0; 2]; LEVELS], levels: 0 };

    #[inline]
    pub(super) fn set(&mut self, place: usize) {
        let (level, window, bit) = parts(place);
        self.windows[level][window] |= bit;
        self.levels |= 1 << level;
    }

    #[inline]
    pub(super) fn unset(&mut self, place: usize) {
        let (level, window, bit) = parts(place);
        self.windows[level][window] &= !bit;
        if self.windows[level] == [0; 2] {
            self.levels &= !(1 << level);
        }
    }

    #[inline]
    pub(super) fn contains(&self, place: usize) -> bool {
        let (level, window, bit) = parts(place);
        self.windows[level][window] & bit != 0
    }

    /// The levels from `lowest` on that hold something, the lowest first.
    #[inline]
    pub(super) const fn levels_from(&self, lowest: usize) -> Levels {
        Levels { bits: self.levels >> lowest << lowest }
    }

    /// The earliest slot of a level that holds something, while the wheel stands at `at`.
    #[inline]
    pub(super) fn first(&self, level: usize, at: u64) -> Option<Slot> {
        let present = window(level, at);
        let windows = self.windows[level];
        // No slot of the present window that has gone by holds anything.
        [present, present + 1].into_iter().find_map(|window| {
            let slots = windows[window as usize % 2];
            let number = (window << BITS) | u64::from(slots.trailing_zeros());
            (slots != 0).then_some(Slot { level, number })
        })
    }
}

/// Levels by a bit each, the lowest first.
#[derive(Clone)]
pub(super) struct Levels {
    bits: u32,
}

impl Iterator for Levels {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let lowest = self.bits.trailing_zeros();
        self.bits &= self.bits.wrapping_sub(1);
        (lowest < u32::BITS).then_some(lowest as usize)
    }
}

/// The level of a place, its window of the two, and its bit there.
#[inline]
const fn parts(place: usize) -> (usize, usize, u64) {
    (place / STRIDE, place % STRIDE / SLOTS, 1 << (place % SLOTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks around every boundary of a level, where off-by-one errors live.
    fn boundary_ticks() -> impl Iterator<Item = u64> {
        (0..64).flat_map(|bit| {
            let power = 1_u64 << bit;
            [power.wrapping_sub(2), power - 1, power, power + 1, !power, !power + 1]
        })
    }

    fn pairs() -> impl Iterator<Item = (u64, u64)> {
        boundary_ticks().flat_map(|at| {
            boundary_ticks().filter(move |&tick| tick > at).map(move |tick| (at, tick))
        })
    }

    #[test]
    fn a_slot_starts_ahead_and_holds_its_tick() {
        for (at, tick) in pairs() {
            let slot = Slot::of(tick, at);
            assert!(slot.level < LEVELS && slot.holds(tick));
            assert!(slot.start() > at, "{tick} seen from {at}");
            assert!(slot.start() <= tick, "{tick} seen from {at}");
        }
    }

    #[test]
    fn a_slot_is_in_one_of_two_windows_of_its_level_and_in_none_below() {
        for (at, tick) in pairs() {
            let slot = Slot::of(tick, at);
            let windows_ahead = |level| window(level, tick) - window(level, at);
            assert!(windows_ahead(slot.level) <= 1, "{tick} seen from {at}");
            assert!((0..slot.level).all(|level| windows_ahead(level) > 1), "{tick} from {at}");
            assert_eq!(Slot::at_place(slot.place(), at), slot);
        }
    }

    #[test]
    fn a_tick_is_told_by_its_slot_and_its_low_bits() {
        for (at, tick) in pairs() {
            let told = Slot::of(tick, at).tick(tick as u32);
            assert!(told.is_none_or(|told| told == tick), "{tick} seen from {at}");
            assert!(told.is_some() || tick - at >= 1 << 35, "{tick} seen from {at}");
        }
    }

    #[test]
    fn the_first_slot_is_the_earliest_of_its_level() {
        for (at, tick) in pairs() {
            let slot = Slot::of(tick, at);
            let mut occupied = Occupied::NOTHING;
            occupied.set(slot.place());
            assert_eq!(occupied.first(slot.level, at), Some(slot));
            assert!(occupied.levels_from(0).eq([slot.level]));
            if let Some(later) = slot.next().filter(|later| {
                later.holds(later.start())
                    && window(later.level, later.start()) <= window(slot.level, at) + 1
            }) {
                occupied.set(later.place());
                assert_eq!(occupied.first(slot.level, at), Some(slot));
            }
            occupied.unset(slot.place());
            assert!(!occupied.contains(slot.place()));
        }
    }

    #[test]
    fn the_roundest_tick_has_the_most_trailing_zeros() {
        for earliest in 0..70_u64 {
            for latest in 0..140 {
                let roundest = Slot::roundest(earliest, latest);
                let window = earliest..=latest.max(earliest);
                assert!(window.contains(&roundest));
                let zeros = window.map(u64::trailing_zeros).max();
                assert_eq!(Some(roundest.trailing_zeros()), zeros, "{earliest} to {latest}");
            }
        }
        assert_eq!(Slot::roundest(u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(Slot::roundest(1, u64::MAX), 1 << 63);
    }

    #[test]
    fn no_slot_comes_after_the_end_of_time() {
        for level in 0..LEVELS {
            assert_eq!(Slot::holding(u64::MAX, level).next(), None);
            let before = Slot::holding(u64::MAX, level).start() - 1;
            assert_eq!(Slot::holding(before, level).next(), Some(Slot::holding(u64::MAX, level)));
        }
    }
}
