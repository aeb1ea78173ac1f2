//! Hits on their way to the planner, and how many of an entry's are counted.

use core::hash::Hash;
use core::time::Duration;

use super::hits::MOST_SHIFT;
use super::storage::Sample;
use super::visit::Visit;
use crate::key::Key;
use crate::refresh::Learned;

/// So many hits are counted for each value, about; of the others only some.
const HITS_A_VALUE: f64 = 16.0;

/// After so many hits of an entry, its rate is known well enough to count fewer.
const FIRST_SAMPLES: u64 = 4;

impl<K, V> Visit<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Which share of an entry's hits is to be counted: all in a cache that its caller drives, so
    /// that the same calls have the same effects.
    pub(super) fn shift(&self, slot: u32, soft: Duration) -> u32 {
        if self.shared.clock.timer().is_none() {
            return 0;
        }
        let learned = self.core.planner.learned(self.now, slot);
        let hits = learned.map_or(0.0, |it: Learned| it.hit_rate) * soft.as_secs_f64();
        let excess = (hits / HITS_A_VALUE).clamp(1.0, f64::from(1_u32 << MOST_SHIFT));
        (excess as u32).ilog2()
    }

    /// Tells the planner of hits.
    pub(super) fn take_hits(&mut self, most: usize) {
        for _ in 0..most {
            let Some((slot, hits)) = self.shared.hits.take() else { return };
            let now = self.now;
            let Some((key, record)) = self.core.records.at_mut(slot) else { continue };
            // What was counted of a slot's last entry is nobody's.
            if record.stored.is_none() || hits == 0 {
                continue;
            }
            record.is_wanted = true;
            record.samples += hits >> record.shift;
            let enough = if record.shift == 0 { FIRST_SAMPLES } else { HITS_A_VALUE as u64 };
            let (has_enough, left) = (record.samples >= enough, record.soft.saturating_since(now));
            self.core.planner.touch(now, slot, u32::try_from(hits).unwrap_or(u32::MAX));
            if has_enough {
                self.sample_less(key, left);
            }
        }
    }

    /// Enough of an entry's hits were counted: of those in the time that is left, fewer are.
    fn sample_less(&mut self, key: Key, left: Duration) {
        let wanted = self.shift(key.slot(), left);
        let is_driven = self.shared.clock.timer().is_none();
        let Some(record) = self.core.records.get_mut(key) else { return };
        // Whatever the rate says, those that come are too many.
        let are_many = record.samples > 4 * HITS_A_VALUE as u64;
        let wanted = if are_many { wanted.max(record.shift + 1) } else { wanted };
        let shift = if is_driven { 0 } else { wanted.min(MOST_SHIFT) };
        if shift > record.shift || are_many {
            record.samples = 0;
        }
        if shift > record.shift {
            record.shift = shift;
            self.rewrite(key, &Sample(shift));
        }
    }
}
