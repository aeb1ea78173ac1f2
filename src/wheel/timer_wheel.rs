//! A wheel with owned payloads and checked keys, in time at a resolution.

use core::time::Duration;

use super::cascade::PREFETCHED_AHEAD;
use super::id_wheel::IdWheel;
use crate::key::{Key, KeyedStore};
use crate::time::{Time, saturating_nanos};

/// A hierarchical timer wheel that owns what its timers carry.
///
/// Deadlines are rounded up to the resolution, so that no timer fires early. A key finds its own
/// timer or nothing.
///
/// ```
/// use core::time::Duration;
/// use punctual::time::Time;
/// use punctual::wheel::TimerWheel;
///
/// let ms = Duration::from_millis;
/// let now = Time::ZERO;
/// let mut wheel = TimerWheel::new(ms(1), now);
/// let session = wheel.insert(now + ms(30), "session 7");
/// wheel.insert(now + ms(20), "retry");
/// wheel.reset(session, now + ms(60));
///
/// assert_eq!(wheel.next_wakeup(), Some(now + ms(20)));
/// while let Some((_key, payload)) = wheel.pop_due(now + ms(50)) {
///     assert_eq!(payload, "retry");
/// }
/// assert_eq!(wheel.cancel(session), Some("session 7"));
/// ```
#[derive(Clone, Debug)]
pub struct TimerWheel<T> {
    /// Slots of the store are the ids of the wheel.
    wheel: IdWheel,
    payloads: KeyedStore<T>,
    start: Time,
    resolution_ns: u64,
}

impl<T> TimerWheel<T> {
    /// An empty wheel that stands at `start` and counts in ticks of `resolution`.
    ///
    /// A resolution of zero counts as one nanosecond, the finest there is.
    #[must_use]
    pub fn new(resolution: Duration, start: Time) -> Self {
        let resolution_ns = saturating_nanos(resolution).max(1);
        Self { wheel: IdWheel::new(0), payloads: KeyedStore::new(), start, resolution_ns }
    }

    /// How many timers the wheel holds, those that are due but not popped included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.wheel.len()
    }

    /// Whether the wheel holds no timer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wheel.is_empty()
    }

    /// Whether the key's timer is in the wheel. O(1).
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        self.payloads.contains(key)
    }

    /// When the key's timer is due: its deadline rounded up to the resolution. O(1).
    #[must_use]
    pub fn deadline(&self, key: Key) -> Option<Time> {
        self.payloads.get(key)?;
        self.wheel.deadline(key.slot()).map(|tick| self.time_of(tick))
    }

    /// Inserts a timer. O(1); allocates only by growth.
    ///
    /// A deadline that has passed is due at once, after what is due already.
    ///
    /// # Panics
    ///
    /// If the wheel holds [`KeyedStore::MAX_LEN`] timers.
    pub fn insert(&mut self, deadline: Time, payload: T) -> Key {
        let tick = self.tick_of(deadline);
        let key = self.payloads.insert(payload);
        let inserted = self.wheel.insert(key.slot(), tick);
        debug_assert_eq!(inserted, Ok(()), "a free slot has no timer");
        key
    }

    /// Takes the key's timer out and returns its payload, also if it is due already. O(1).
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let payload = self.payloads.remove(key)?;
        self.wheel.cancel(key.slot());
        Some(payload)
    }

    /// Moves the key's timer to another deadline and returns the old one, also if it is due
    /// already. O(1). `None` if the timer is gone.
    pub fn reset(&mut self, key: Key, deadline: Time) -> Option<Time> {
        self.payloads.get(key)?;
        let tick = self.tick_of(deadline);
        self.wheel.reset(key.slot(), tick).map(|old| self.time_of(old))
    }

    /// Takes out the next timer that is due at `now`.
    ///
    /// Amortised O(1). The wheel is free to be used between two calls; a loop that inserts
    /// timers which are due already must end by a count of its own. At [`Time::MAX`] every timer
    /// is due. A `now` before that of an earlier call counts as that one.
    pub fn pop_due(&mut self, now: Time) -> Option<(Key, T)> {
        let now_tick = match now {
            Time::MAX => u64::MAX,
            _ => now.as_nanos().saturating_sub(self.start.as_nanos()) / self.resolution_ns,
        };
        let was_open = self.wheel.due_ahead(0).is_some();
        let (slot, _) = self.wheel.pop_due(now_tick)?;
        // The first timer of a tick asks for those behind it, any other for the one at the end.
        let first_ahead = if was_open { PREFETCHED_AHEAD } else { 0 };
        for ahead in first_ahead..=PREFETCHED_AHEAD {
            if let Some(ahead) = self.wheel.due_ahead(ahead) {
                self.payloads.prefetch(ahead);
            }
        }
        self.payloads.remove_slot(slot)
    }

    /// The earliest `now` at which [`TimerWheel::pop_due`] gives a timer; `None` if the wheel is
    /// empty. The cost is that of [`IdWheel::next_wakeup`].
    pub fn next_wakeup(&mut self) -> Option<Time> {
        self.wheel.next_wakeup().map(|tick| self.time_of(tick))
    }

    /// The first tick that begins at or after a time.
    fn tick_of(&self, time: Time) -> u64 {
        time.as_nanos().saturating_sub(self.start.as_nanos()).div_ceil(self.resolution_ns)
    }

    /// When a tick begins. One that would begin after the end of time begins there: `pop_due`
    /// gives its timers at [`Time::MAX`].
    fn time_of(&self, tick: u64) -> Time {
        let since_start_ns = tick.saturating_mul(self.resolution_ns);
        Time::from_nanos(self.start.as_nanos().saturating_add(since_start_ns))
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
