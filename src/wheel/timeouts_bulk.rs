//! What concerns all timers of a `Timeouts` at once, and its memory.

use alloc::collections::TryReserveError;
use core::fmt;
use core::iter::FusedIterator;

use super::timeouts::{Entry, NONE, Timeouts};
use crate::key::{Key, KeyedStore};
use crate::time::Time;

impl<T> Timeouts<T> {
    /// All timers with their keys and deadlines, in the order in which they are due; from the last
    /// one on if it is reversed. O(1) each.
    #[must_use]
    pub fn iter(&self) -> TimeoutsIter<'_, T> {
        let Self { entries, first, last, .. } = self;
        TimeoutsIter { entries, first: *first, last: *last, left: entries.len() }
    }

    /// Keeps only the timers that the predicate wants, which is asked in the order of deadlines.
    /// O(n).
    ///
    /// A panic of the predicate, or of a payload's drop, leaves those that weren't asked for in
    /// the lane.
    pub fn retain(&mut self, mut predicate: impl FnMut(Key, Time, &mut T) -> bool) {
        let mut next = self.first;
        while let Some((key, entry)) = self.entries.at_slot_mut(next) {
            next = entry.after;
            if !predicate(key, entry.deadline, &mut entry.payload) {
                drop(self.cancel(key));
            }
        }
    }

    /// Takes all timers out, in the order in which they are due; those that the iterator doesn't
    /// reach are dropped with it. O(most timers ever held).
    pub fn drain(&mut self) -> TimeoutsDrain<'_, T> {
        TimeoutsDrain { timeouts: self }
    }

    /// Drops all timers and keeps the memory. O(most timers ever held). Keys from before find
    /// nothing after.
    pub fn clear(&mut self) {
        // The list is empty already when a payload panics in its drop.
        (self.first, self.last) = (NONE, NONE);
        self.entries.clear();
    }

    /// How many timers fit without another allocation.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Makes room for `additional` timers more. Aborts where there is no memory.
    ///
    /// # Panics
    ///
    /// If that many don't fit into the address space.
    pub fn reserve(&mut self, additional: usize) {
        self.entries.reserve(additional);
    }

    /// Makes room for `additional` timers more.
    ///
    /// # Errors
    ///
    /// If there is no memory. The lane is as before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.entries.try_reserve(additional)
    }

    /// Gives back what isn't needed for the timers up to the one that has the highest slot. O(most
    /// timers ever held).
    pub fn shrink_to_fit(&mut self) {
        self.entries.shrink_to(0);
    }

    /// Checks the links and the order of deadlines. O(n); for tests and fuzzing.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub fn assert_invariants(&self) {
        let (mut before, mut next, mut count) = (NONE, self.first, 0);
        let mut earliest = Time::ZERO;
        while let Some((key, entry)) = self.entries.at_slot(next) {
            assert_eq!(entry.before, before, "the way back from {key:?}");
            assert!(entry.deadline >= earliest, "{key:?} is due before the one in front of it");
            count += 1;
            assert!(count <= self.len(), "the links lead in a circle");
            (before, next, earliest) = (next, entry.after, entry.deadline);
        }
        assert_eq!((next, before), (NONE, self.last), "the way ends at the last one");
        assert_eq!(count, self.len(), "the links lead through all entries");
        assert!(earliest <= self.now + self.duration(), "nothing is due later than a new timer");
    }
}

impl<T: fmt::Debug> fmt::Debug for Timeouts<T> {
    /// A map from key to (deadline, payload), in the order of deadlines.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timers = self.iter().map(|(key, deadline, payload)| (key, (deadline, payload)));
        formatter.debug_map().entries(timers).finish()
    }
}

impl<'a, T> IntoIterator for &'a Timeouts<T> {
    type Item = (Key, Time, &'a T);
    type IntoIter = TimeoutsIter<'a, T>;

    fn into_iter(self) -> TimeoutsIter<'a, T> {
        self.iter()
    }
}

/// The timers of a [`Timeouts`] in the order in which they are due: see [`Timeouts::iter`].
pub struct TimeoutsIter<'a, T> {
    entries: &'a KeyedStore<Entry<T>>,
    first: u32,
    last: u32,
    /// Ends the iteration, from both sides: the links go on behind the other side's end.
    left: usize,
}

impl<'a, T> Iterator for TimeoutsIter<'a, T> {
    type Item = (Key, Time, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (key, entry) = self.entries.at_slot(self.first)?;
        self.first = entry.after;
        Some((key, entry.deadline, &entry.payload))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> DoubleEndedIterator for TimeoutsIter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (key, entry) = self.entries.at_slot(self.last)?;
        self.last = entry.before;
        Some((key, entry.deadline, &entry.payload))
    }
}

impl<T> ExactSizeIterator for TimeoutsIter<'_, T> {}

impl<T> FusedIterator for TimeoutsIter<'_, T> {}

impl<T> Clone for TimeoutsIter<'_, T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<T: fmt::Debug> fmt::Debug for TimeoutsIter<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.clone()).finish()
    }
}

/// Takes all timers out of a [`Timeouts`]: see [`Timeouts::drain`].
///
/// A leaked iterator leaves those in that it hasn't reached.
pub struct TimeoutsDrain<'a, T> {
    timeouts: &'a mut Timeouts<T>,
}

impl<T> Iterator for TimeoutsDrain<'_, T> {
    type Item = (Key, T);

    fn next(&mut self) -> Option<Self::Item> {
        self.timeouts.pop_first()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.timeouts.len(), Some(self.timeouts.len()))
    }
}

impl<T> ExactSizeIterator for TimeoutsDrain<'_, T> {}

impl<T> FusedIterator for TimeoutsDrain<'_, T> {}

impl<T> Drop for TimeoutsDrain<'_, T> {
    fn drop(&mut self) {
        self.timeouts.clear();
    }
}

impl<T> fmt::Debug for TimeoutsDrain<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TimeoutsDrain").field("left", &self.timeouts.len()).finish()
    }
}
