//! A lane for timers that all have the same duration: first in, first out.

use core::mem;
use core::time::Duration;

use super::id_wheel::Advanced;
use crate::key::{Key, KeyedStore};
use crate::time::{Time, saturating_nanos};

/// Names no slot: a store has none with this number.
pub(super) const NONE: u32 = u32::MAX;

/// Timers that all have the same duration, in the order in which they are due.
///
/// Most services have a handful of constant time-outs: idle connections, requests, leases. Whoever
/// starts last is due last, so a list is all that it takes: nothing is sorted, nothing is rounded
/// to a resolution, and the next deadline is at hand. Deadlines are exact to the nanosecond, and
/// timers of one deadline come in the order in which they were inserted or restarted.
///
/// Every operation costs O(1), except where it says otherwise; memory is allocated only by growth,
/// and kept until it is given back. A timer takes 24 bytes beside its payload, rounded up to eight.
/// A key finds its own timer or nothing.
///
/// There is no clock inside. A `now` before that of an earlier call counts as that one, so that
/// the list stays in order. At [`Time::MAX`] every timer is due.
///
/// ```
/// use core::time::Duration;
/// use punctual::time::Time;
/// use punctual::wheel::Timeouts;
///
/// let ms = Duration::from_millis;
/// let start = Time::ZERO;
/// let mut idle = Timeouts::new(ms(30));
/// let ada = idle.insert(start, "ada");
/// let bob = idle.insert(start + ms(5), "bob");
/// let cyd = idle.insert(start + ms(9), "cyd");
///
/// // A request keeps a session for a full duration more; a logout ends it.
/// assert_eq!(idle.restart(ada, start + ms(20)), Some(start + ms(30)));
/// assert_eq!(idle.cancel(cyd), Some("cyd"));
///
/// assert_eq!(idle.next_wakeup(), Some(start + ms(35)));
/// assert_eq!(idle.pop_due(start + ms(34)), None);
/// assert_eq!(idle.pop_due(start + ms(35)), Some((bob, "bob")));
/// assert_eq!(idle.deadline(ada), Some(start + ms(50)));
/// ```
///
/// Invariants: the links lead through all entries, forwards and backwards; deadlines never fall on
/// the way, and none is later than `now` and the duration.
#[derive(Clone)]
pub struct Timeouts<T> {
    pub(super) entries: KeyedStore<Entry<T>>,
    /// The entry that is due first.
    pub(super) first: u32,
    /// The entry that is due last.
    pub(super) last: u32,
    /// The latest time that any call gave.
    pub(super) now: Time,
    duration_ns: u64,
}

/// A timer between its neighbours.
#[derive(Clone)]
pub(super) struct Entry<T> {
    pub(super) deadline: Time,
    pub(super) before: u32,
    pub(super) after: u32,
    pub(super) payload: T,
}

impl<T> Timeouts<T> {
    /// An empty lane whose timers are due when `duration` has passed; allocates nothing.
    ///
    /// A duration of more than 64 bits of nanoseconds (584 years) counts as that many.
    #[must_use]
    pub fn new(duration: Duration) -> Self {
        Self {
            entries: KeyedStore::new(),
            first: NONE,
            last: NONE,
            now: Time::ZERO,
            duration_ns: saturating_nanos(duration),
        }
    }

    /// The time from a timer's insertion, or its restart, to its deadline.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        Duration::from_nanos(self.duration_ns)
    }

    /// How many timers the lane holds, those that are due but not popped included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the lane holds no timer.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the key's timer is in the lane. O(1).
    #[must_use]
    #[inline]
    pub fn contains(&self, key: Key) -> bool {
        self.entries.contains(key)
    }

    /// When the key's timer is due, if it is in the lane. O(1).
    #[must_use]
    #[inline]
    pub fn deadline(&self, key: Key) -> Option<Time> {
        self.entries.get(key).map(|entry| entry.deadline)
    }

    /// What the key's timer carries, if it is in the lane. O(1).
    #[must_use]
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.entries.get(key).map(|entry| &entry.payload)
    }

    /// What the key's timer carries, if it is in the lane. O(1).
    #[must_use]
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.entries.get_mut(key).map(|entry| &mut entry.payload)
    }

    /// Inserts a timer that is due when the lane's duration has passed after `now`, at
    /// [`Time::MAX`] at the latest. O(1); allocates only by growth.
    ///
    /// # Panics
    ///
    /// If the lane holds [`KeyedStore::MAX_LEN`] timers.
    #[inline]
    pub fn insert(&mut self, now: Time, payload: T) -> Key {
        let deadline = self.deadline_from(now);
        let entry = Entry { deadline, before: self.last, after: NONE, payload };
        let key = self.entries.insert(entry);
        self.link_last(key.slot());
        key
    }

    /// Starts the key's timer anew, also if it is due already: it is due when the lane's duration
    /// has passed after `now`. Returns its old deadline; `None` if the timer is gone. O(1).
    #[inline]
    pub fn restart(&mut self, key: Key, now: Time) -> Option<Time> {
        let deadline = self.deadline_from(now);
        let entry = self.entries.get_mut(key)?;
        let old = mem::replace(&mut entry.deadline, deadline);
        if key.slot() != self.last {
            let before = mem::replace(&mut entry.before, self.last);
            let after = mem::replace(&mut entry.after, NONE);
            self.unlink(before, after);
            self.link_last(key.slot());
        }
        Some(old)
    }

    /// Takes the key's timer out and returns its payload, also if it is due already. O(1).
    #[inline]
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.remove(key)?;
        self.unlink(entry.before, entry.after);
        Some(entry.payload)
    }

    /// The timer that is due next, or is due already, with its deadline. O(1).
    #[must_use]
    #[inline]
    pub fn peek(&self) -> Option<(Key, Time, &T)> {
        let (key, entry) = self.entries.at_slot(self.first)?;
        Some((key, entry.deadline, &entry.payload))
    }

    /// Takes out the next timer that is due at `now`, in the order of deadlines. O(1).
    ///
    /// The lane is free to be used between two calls. Only a lane whose duration is zero, or one at
    /// [`Time::MAX`], has timers that are due as soon as they are inserted or restarted: a loop
    /// that does this there must end by a count of its own.
    #[inline]
    pub fn pop_due(&mut self, now: Time) -> Option<(Key, T)> {
        self.now = self.now.max(now);
        if self.has_due() { self.pop_first() } else { None }
    }

    /// Gives the timers that are due at `now`, in the order of [`Timeouts::pop_due`], but at most
    /// `budget` of them. O(timers given).
    ///
    /// A call that hasn't caught up is resumed by the next one, which may come for a later `now`;
    /// between the two the lane is free to be used. A panic of `sink` loses no timer but the one
    /// that it was given.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::time::Time;
    /// use punctual::wheel::Timeouts;
    ///
    /// let second = Duration::from_secs(1);
    /// let mut lane = Timeouts::new(second);
    /// for request in 0..300 {
    ///     lane.insert(Time::ZERO, request);
    /// }
    /// let first = lane.advance(Time::ZERO + second, 256, |_key, _request| {});
    /// assert_eq!((first.fired, first.caught_up), (256, false));
    /// let second = lane.advance(Time::ZERO + second, 256, |_key, _request| {});
    /// assert_eq!((second.fired, second.caught_up), (44, true));
    /// ```
    pub fn advance(&mut self, now: Time, budget: usize, mut sink: impl FnMut(Key, T)) -> Advanced {
        self.now = self.now.max(now);
        let mut fired = 0;
        while fired < budget && self.has_due() {
            let Some((key, payload)) = self.pop_first() else { break };
            fired += 1;
            sink(key, payload);
        }
        Advanced { fired, caught_up: !self.has_due() }
    }

    /// The deadline of the next timer, which is the earliest `now` at which [`Timeouts::pop_due`]
    /// gives one; it may have passed. `None` if the lane is empty. O(1), and exact.
    #[must_use]
    #[inline]
    pub fn next_wakeup(&self) -> Option<Time> {
        self.entries.at_slot(self.first).map(|(_, entry)| entry.deadline)
    }

    /// The deadline of a timer that starts now.
    #[inline]
    fn deadline_from(&mut self, now: Time) -> Time {
        self.now = self.now.max(now);
        Time::from_nanos(self.now.as_nanos().saturating_add(self.duration_ns))
    }

    #[inline]
    fn has_due(&self) -> bool {
        self.next_wakeup().is_some_and(|deadline| deadline <= self.now)
    }

    #[inline]
    pub(super) fn pop_first(&mut self) -> Option<(Key, T)> {
        let (key, entry) = self.entries.remove_slot(self.first)?;
        self.unlink(NONE, entry.after);
        Some((key, entry.payload))
    }

    /// Joins the neighbours of an entry that leaves its place.
    #[inline]
    fn unlink(&mut self, before: u32, after: u32) {
        match self.entries.at_slot_mut(before) {
            Some((_, entry)) => entry.after = after,
            None => self.first = after,
        }
        match self.entries.at_slot_mut(after) {
            Some((_, entry)) => entry.before = before,
            None => self.last = before,
        }
    }

    /// Makes an entry that names the last one as the one before it the last one.
    #[inline]
    pub(super) fn link_last(&mut self, slot: u32) {
        match self.entries.at_slot_mut(self.last) {
            Some((_, entry)) => entry.after = slot,
            None => self.first = slot,
        }
        self.last = slot;
    }
}
