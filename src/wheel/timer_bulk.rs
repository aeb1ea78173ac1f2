//! What concerns all timers of a `TimerWheel` at once, and its memory.

use alloc::collections::TryReserveError;
use core::fmt;

use super::id_bulk::IdDrain;
use super::timer_wheel::TimerWheel;
use crate::key::{Key, KeyedStore};
use crate::time::Time;

impl<T> TimerWheel<T> {
    /// All timers with their keys and the times at which they are due, in no particular order.
    /// O(most timers ever held).
    pub fn iter(&self) -> impl Iterator<Item = (Key, Time, &T)> {
        self.payloads.iter().filter_map(|(key, payload)| {
            let tick = self.wheel.deadline(key.slot())?;
            Some((key, self.time_of(tick), payload))
        })
    }

    /// Keeps only the timers that the predicate wants. O(most timers ever held).
    pub fn retain(&mut self, mut predicate: impl FnMut(Key, Time, &mut T) -> bool) {
        for slot in 0..self.wheel.covered() as u32 {
            let Some(deadline) = self.wheel.deadline(slot).map(|tick| self.time_of(tick)) else {
                continue;
            };
            if let Some((key, payload)) = self.payloads.at_slot_mut(slot)
                && !predicate(key, deadline, payload)
            {
                drop(self.cancel(key));
            }
        }
    }

    /// Takes all timers out, in no particular order; those that the iterator doesn't reach are
    /// dropped with it. The wheel stands where it stood. O(most timers ever held).
    pub fn drain(&mut self) -> TimerDrain<'_, T> {
        let Self { wheel, payloads, .. } = self;
        TimerDrain { payloads, ids: wheel.drain() }
    }

    /// Drops all timers and keeps the memory. O(most timers ever held).
    pub fn clear(&mut self) {
        self.wheel.clear();
        self.payloads.clear();
    }

    /// Makes room for `additional` timers more, also if as many others are cancelled meanwhile.
    /// Aborts where there is no memory.
    ///
    /// # Panics
    ///
    /// If that many don't fit into the address space.
    pub fn reserve(&mut self, additional: usize) {
        self.payloads.reserve(additional);
        self.wheel.reserve_ids(self.payloads.capacity());
        self.wheel.reserve(additional);
    }

    /// Makes room for `additional` timers more, also if as many others are cancelled meanwhile.
    ///
    /// # Errors
    ///
    /// If there is no memory. The timers are as before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.payloads.try_reserve(additional)?;
        self.wheel.try_reserve_ids(self.payloads.capacity())?;
        self.wheel.try_reserve(additional)
    }

    /// Gives back the memory of what was cancelled, and of what isn't needed for the timers up to
    /// the one that was given the highest slot. O(most timers ever held).
    pub fn shrink_to_fit(&mut self) {
        self.wheel.shrink_to_fit();
        self.payloads.shrink_to(0);
    }

    /// Checks the wheel and its payloads. O(n); for tests and fuzzing.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub fn assert_invariants(&self) {
        self.wheel.assert_invariants();
        assert_eq!(self.wheel.len(), self.payloads.len(), "every timer has its payload");
        for (key, _) in self.payloads.iter() {
            assert!(self.wheel.contains(key.slot()), "every payload has its timer");
        }
    }
}

/// Takes all timers out of a [`TimerWheel`]: see [`TimerWheel::drain`].
pub struct TimerDrain<'a, T> {
    payloads: &'a mut KeyedStore<T>,
    ids: IdDrain<'a>,
}

impl<T> Iterator for TimerDrain<'_, T> {
    type Item = (Key, T);

    fn next(&mut self) -> Option<Self::Item> {
        let (slot, _) = self.ids.next()?;
        self.payloads.remove_slot(slot)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ids.size_hint()
    }
}

impl<T> ExactSizeIterator for TimerDrain<'_, T> {}

impl<T> core::iter::FusedIterator for TimerDrain<'_, T> {}

impl<T> Drop for TimerDrain<'_, T> {
    fn drop(&mut self) {
        // The wheel forgets the rest with its own iterator, also if a payload's drop panics.
        self.payloads.clear();
    }
}

impl<T> fmt::Debug for TimerDrain<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TimerDrain").field("left", &self.payloads.len()).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for TimerWheel<T> {
    /// A map from key to (deadline, payload).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timers = self.iter().map(|(key, deadline, payload)| (key, (deadline, payload)));
        formatter.debug_map().entries(timers).finish()
    }
}
