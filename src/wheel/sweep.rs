//! Hints that mean nothing any more are looked for, once they are too many.

use super::chunks::HINTS_OF_CHUNK;
use super::id_wheel::IdWheel;
use super::levels::{LEVELS, STRIDE};

/// So few hints that mean nothing are never worth the search.
const SLACK: usize = 256;

/// The search goes past so many empty places at once.
const PLACES_AT_ONCE: usize = 64;

/// Stands behind all places for what is due.
const DUE: usize = LEVELS * STRIDE;

/// Where the search goes on.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    place: usize,
    /// Hints of the place that haven't been looked at.
    left: usize,
}

impl Sweep {
    pub(super) const fn new() -> Self {
        Self { place: 0, left: 0 }
    }
}

impl IdWheel {
    /// So many hints there are at most, as long as there are no more than so many timers.
    pub(super) const fn most_hints(timers: usize) -> usize {
        timers.saturating_mul(2).saturating_add(2 * SLACK)
    }

    /// Is called for every hint that is left behind.
    ///
    /// The search begins when almost half of all hints mean nothing, and hardly any chunk is free:
    /// before that, they cost no memory that isn't there already. It goes round so fast that, until
    /// it comes back to where it was, only a twentieth of the hints can be added.
    #[inline]
    pub(super) fn sweep(&mut self) {
        let timers = self.records.armed();
        if self.hints.len() > 2 * timers - timers / 8 + SLACK && self.hints.is_crowded() {
            self.sweep_chunk();
        }
    }

    /// Looks at a chunk's worth of hints. Those of timers go to the end of their queue.
    #[inline(never)]
    fn sweep_chunk(&mut self) {
        if self.sweep.left == 0 && !self.find_place() {
            return;
        }
        let place = self.sweep.place;
        // What has sunk or fired since the search came here doesn't have to be looked at.
        let most = self.sweep.left.min(HINTS_OF_CHUNK);
        self.sweep.left -= most;
        let records = &mut self.records;
        let keeps = |hint| {
            let means_something = records.tick_of(hint).is_some();
            if !means_something {
                records.forget(hint);
            }
            means_something
        };
        if place == DUE {
            self.hints.sweep_queue(&mut self.due, most, keeps);
        } else if self.hints.own_len_of(place) > 0 {
            let root = self.hints.sweep(place, most, keeps);
            if self.hints.len_of(root) == 0 {
                self.occupied.unset(root);
            }
        }
    }

    /// Goes to the next place that holds something; `false` if there is none nearby.
    fn find_place(&mut self) -> bool {
        let last = self.hints.places().saturating_sub(1);
        for _ in 0..PLACES_AT_ONCE.min(last + 2) {
            // The later hints come first: the others will soon be met anyway.
            let before = self.sweep.place.checked_sub(1);
            self.sweep.place = before.map_or(DUE, |before| before.min(last));
            self.sweep.left = match self.sweep.place {
                DUE => self.due.len(),
                place => self.hints.own_len_of(place),
            };
            if self.sweep.left > 0 {
                return true;
            }
        }
        false
    }
}
