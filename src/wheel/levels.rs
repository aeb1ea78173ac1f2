//! The arithmetic of levels and slots, without any storage.

/// Bits of a tick that one level decides.
const BITS: u32 = 6;

/// Slots of a level.
pub(super) const SLOTS: usize = 1 << BITS;

/// Levels that together decide all 64 bits of a tick.
pub(super) const LEVELS: usize = 64_u32.div_ceil(BITS) as usize;

/// Where a tick belongs while the wheel stands at an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) level: usize,
    pub(super) index: usize,
}

impl Slot {
    /// The slot of `tick`, which lies after `now`.
    ///
    /// The level is that of the highest bit in which the two differ. Below it nothing is decided
    /// yet; above it they agree, so the slot lies ahead of `now` in the level's present turn.
    pub(super) fn of(tick: u64, now: u64) -> Self {
        debug_assert!(tick > now);
        let level = (now ^ tick).ilog2() / BITS;
        let index = (tick >> (level * BITS)) as usize % SLOTS;
        Self { level: level as usize, index }
    }

    /// The first tick of the slot in the turn of its level that holds `now`.
    pub(super) fn start(self, now: u64) -> u64 {
        let shift = self.level as u32 * BITS;
        // The top level's turn is all of time: nothing lies above it to be kept.
        let above = now.checked_shr(shift + BITS).unwrap_or(0);
        let turn = above.checked_shl(shift + BITS).unwrap_or(0);
        turn | (self.index as u64) << shift
    }
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

    #[test]
    fn a_slot_starts_after_now_and_not_after_its_tick() {
        for now in boundary_ticks() {
            for tick in boundary_ticks().filter(|&tick| tick > now) {
                let slot = Slot::of(tick, now);
                assert!(slot.level < LEVELS && slot.index < SLOTS);
                assert!(slot.start(now) > now, "{tick} seen from {now}");
                assert!(slot.start(now) <= tick, "{tick} seen from {now}");
            }
        }
    }

    #[test]
    fn a_tick_sinks_to_lower_levels_as_its_slot_comes() {
        for tick in boundary_ticks().filter(|&tick| tick > 0) {
            let (mut now, mut steps) = (0, 0);
            while now < tick {
                let slot = Slot::of(tick, now);
                let start = slot.start(now);
                assert!(start == tick || Slot::of(tick, start).level < slot.level);
                now = start;
                steps += 1;
            }
            assert!(steps <= LEVELS);
        }
    }
}
