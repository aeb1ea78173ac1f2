//! A wheel with owned payloads and checked keys, in time at a resolution.

use core::time::Duration;

use super::cascade::PREFETCHED_AHEAD;
use super::id_wheel::{Advanced, IdWheel};
use crate::key::{Key, KeyedStore};
use crate::time::{Time, saturating_nanos};

/// A hierarchical timer wheel that owns what its timers carry.
///
/// Deadlines are rounded up to the resolution, so that no timer fires early. A key finds its own
/// timer or nothing. Memory is that of an [`IdWheel`] and of a [`KeyedStore`].
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
#[derive(Clone)]
pub struct TimerWheel<T> {
    /// Slots of the store are the ids of the wheel.
    pub(super) wheel: IdWheel,
    pub(super) payloads: KeyedStore<T>,
    start: Time,
    resolution_ns: u64,
}

impl<T> TimerWheel<T> {
    /// An empty wheel that stands at `start` and counts in ticks of `resolution`; allocates
    /// nothing.
    ///
    /// A resolution of zero counts as one nanosecond, the finest there is.
    #[must_use]
    pub fn new(resolution: Duration, start: Time) -> Self {
        let resolution_ns = saturating_nanos(resolution).max(1);
        Self { wheel: IdWheel::new(0), payloads: KeyedStore::new(), start, resolution_ns }
    }

    /// How far apart two ticks are.
    #[must_use]
    pub const fn resolution(&self) -> Duration {
        Duration::from_nanos(self.resolution_ns)
    }

    /// When the tick began at which the wheel stands: see [`IdWheel::now`].
    #[must_use]
    pub fn now(&self) -> Time {
        self.time_of(self.wheel.now())
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

    /// What the key's timer carries. O(1).
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.payloads.get(key)
    }

    /// What the key's timer carries. O(1).
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.payloads.get_mut(key)
    }

    /// When the key's timer is due: its deadline rounded up to the resolution. O(1).
    #[must_use]
    pub fn deadline(&self, key: Key) -> Option<Time> {
        self.payloads.get(key)?;
        self.wheel.deadline(key.slot()).map(|tick| self.time_of(tick))
    }

    /// Inserts a timer. O(1); allocates only by growth.
    ///
    /// A deadline that has passed is due at once.
    ///
    /// # Panics
    ///
    /// If the wheel holds [`KeyedStore::MAX_LEN`] timers.
    #[inline]
    pub fn insert(&mut self, deadline: Time, payload: T) -> Key {
        self.insert_at_tick(self.tick_of(deadline), payload)
    }

    /// Inserts a timer that is due when `delay` has passed after `now`. Otherwise as
    /// [`TimerWheel::insert`].
    ///
    /// # Panics
    ///
    /// As [`TimerWheel::insert`].
    #[inline]
    pub fn insert_after(&mut self, now: Time, delay: Duration, payload: T) -> Key {
        self.insert(now + delay, payload)
    }

    /// Inserts a timer that may be due at any time from `earliest` to `latest`: the wheel takes
    /// the tick at which it is likeliest to wake up anyway, as [`IdWheel::insert_within`] does.
    /// Where no tick begins between the two, it is the first one after them.
    ///
    /// # Panics
    ///
    /// As [`TimerWheel::insert`].
    pub fn insert_within(&mut self, earliest: Time, latest: Time, payload: T) -> Key {
        let last_tick = (u64::MAX - self.start.as_nanos()) / self.resolution_ns;
        let latest_tick = self.elapsed_ticks(latest).min(last_tick);
        let tick = self.wheel.choose_within(self.tick_of(earliest), latest_tick);
        self.insert_at_tick(tick, payload)
    }

    #[inline]
    fn insert_at_tick(&mut self, tick: u64, payload: T) -> Key {
        let key = self.payloads.insert(payload);
        let inserted = self.wheel.insert(key.slot(), tick);
        debug_assert_eq!(inserted, Ok(()), "a free slot has no timer");
        key
    }

    /// Takes the key's timer out, also if it is due already. The cost is that of
    /// [`IdWheel::cancel`].
    #[inline]
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let payload = self.payloads.remove(key)?;
        self.wheel.cancel(key.slot());
        Some(payload)
    }

    /// Moves the key's timer to another deadline and returns the old one, also if it is due
    /// already. The cost is that of [`IdWheel::reset`]. `None` if the timer is gone.
    #[inline]
    pub fn reset(&mut self, key: Key, deadline: Time) -> Option<Time> {
        self.payloads.get(key)?;
        let tick = self.tick_of(deadline);
        self.wheel.reset(key.slot(), tick).map(|old| self.time_of(old))
    }

    /// Takes out the next timer that is due at `now`; those of one tick come in any order.
    ///
    /// The cost is that of [`IdWheel::pop_due`]. The wheel is free to be used between two calls; a
    /// loop that inserts timers which are due already must end by a count of its own. At
    /// [`Time::MAX`] every timer is due. A `now` before [`TimerWheel::now`] counts as that.
    #[inline]
    pub fn pop_due(&mut self, now: Time) -> Option<(Key, T)> {
        let was_open = self.wheel.due_ahead(0).is_some();
        let (slot, _) = self.wheel.pop_due(self.elapsed_ticks(now))?;
        prefetch_payloads(&self.wheel, &self.payloads, was_open);
        self.payloads.remove_slot(slot)
    }

    /// The key of the timer that [`TimerWheel::pop_due`] would take out, which stays; its cost is
    /// the same.
    ///
    /// When it is reset to a later deadline, the next one follows: so a timer that comes again and
    /// again keeps its key.
    pub fn peek_due(&mut self, now: Time) -> Option<Key> {
        let (slot, _) = self.wheel.peek_due(self.elapsed_ticks(now))?;
        self.payloads.at_slot(slot).map(|(key, _)| key)
    }

    /// Gives the timers that are due at `now`, in the order of [`TimerWheel::pop_due`], but at most
    /// `budget` of them, and moves at most `16 * budget + 64`: see [`IdWheel::advance`].
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::time::Time;
    /// use punctual::wheel::TimerWheel;
    ///
    /// let now = Time::ZERO + Duration::from_secs(1);
    /// let mut wheel = TimerWheel::new(Duration::from_millis(1), Time::ZERO);
    /// for request in 0..300 {
    ///     wheel.insert(now, request);
    /// }
    /// let mut late = Vec::new();
    /// let mut rounds = 0;
    /// while !wheel.advance(now, 256, |_key, request| late.push(request)).caught_up {
    ///     rounds += 1; // The time to look at other things.
    /// }
    /// assert_eq!((late.len(), rounds), (300, 1));
    /// ```
    pub fn advance(&mut self, now: Time, budget: usize, mut sink: impl FnMut(Key, T)) -> Advanced {
        let now_tick = self.elapsed_ticks(now);
        let payloads = &mut self.payloads;
        let mut open_tick = None;
        self.wheel.advance_with(now_tick, budget, |wheel, slot, tick| {
            let was_open = open_tick.replace(tick) == Some(tick);
            prefetch_payloads(wheel, payloads, was_open);
            if let Some((key, payload)) = payloads.remove_slot(slot) {
                sink(key, payload);
            }
        })
    }

    /// The earliest `now` at which [`TimerWheel::pop_due`] gives a timer; `None` if the wheel is
    /// empty. The cost is that of [`IdWheel::next_wakeup`].
    pub fn next_wakeup(&mut self) -> Option<Time> {
        self.wheel.next_wakeup().map(|tick| self.time_of(tick))
    }

    /// The first tick that begins at or after a time.
    #[inline]
    fn tick_of(&self, time: Time) -> u64 {
        time.as_nanos().saturating_sub(self.start.as_nanos()).div_ceil(self.resolution_ns)
    }

    /// The last tick that begins at or before a time; at the end of time, all of them have.
    #[inline]
    fn elapsed_ticks(&self, time: Time) -> u64 {
        match time {
            Time::MAX => u64::MAX,
            _ => time.as_nanos().saturating_sub(self.start.as_nanos()) / self.resolution_ns,
        }
    }

    /// When a tick begins. One that would begin after the end of time begins there: `pop_due`
    /// gives its timers at [`Time::MAX`].
    #[inline]
    pub(super) fn time_of(&self, tick: u64) -> Time {
        let since_start_ns = tick.saturating_mul(self.resolution_ns);
        Time::from_nanos(self.start.as_nanos().saturating_add(since_start_ns))
    }
}

/// Asks for the payloads of timers that are due next: the first timer of a tick for those of some
/// behind it, any other for that of the one at the end.
#[inline]
fn prefetch_payloads<T>(wheel: &IdWheel, payloads: &KeyedStore<T>, was_open: bool) {
    let first_ahead = if was_open { PREFETCHED_AHEAD } else { 0 };
    for ahead in first_ahead..=PREFETCHED_AHEAD {
        if let Some(ahead) = wheel.due_ahead(ahead) {
            payloads.prefetch(ahead);
        }
    }
}
