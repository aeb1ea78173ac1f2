//! Points in time as nanoseconds since a clock's origin, and the clocks that give them.
//!
//! [`Time`] never leaves the process: two clocks have two origins. What is stored or sent
//! elsewhere is the time *remaining*, or wall-clock time.
//!
//! ```
//! use core::time::Duration;
//! use punctual::time::{Clock, ManualClock, Time};
//!
//! let clock = ManualClock::new(Time::ZERO);
//! let deadline = clock.now() + Duration::from_millis(80);
//! clock.advance(Duration::from_millis(30));
//! assert_eq!(deadline.saturating_since(clock.now()), Duration::from_millis(50));
//! ```

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

#[cfg(target_has_atomic = "64")]
use crate::sync::{AtomicU64, Ordering};

/// A point in time: nanoseconds since the origin of the clock that gave it.
///
/// 64 bits of nanoseconds last for 584 years. Arithmetic saturates at [`Time::ZERO`] and
/// [`Time::MAX`], so that a hostile duration moves a deadline to the end of time and no further.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Time(u64);

impl Time {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);

    /// The end of time: nothing is later.
    pub const MAX: Self = Self(u64::MAX);

    /// The time so many nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(since_origin_ns: u64) -> Self {
        Self(since_origin_ns)
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`, or zero if `earlier` is the later one.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The time from `earlier` to `self`, or `None` if `earlier` is the later one.
    #[must_use]
    pub const fn checked_since(self, earlier: Self) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(since_ns) => Some(Duration::from_nanos(since_ns)),
            None => None,
        }
    }
}

/// The nanoseconds of a duration; those that don't fit into 64 bits are the largest that do.
pub(crate) fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Time {
    type Output = Self;

    /// The time `duration` later; saturates at [`Time::MAX`].
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(duration)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    /// The time `duration` earlier; saturates at [`Time::ZERO`].
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_nanos(duration)))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Time({:?})", Duration::from_nanos(self.0))
    }
}

/// Gives the present time. It never goes back.
pub trait Clock {
    /// The present time.
    fn now(&self) -> Time;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Time {
        (**self).now()
    }
}

#[cfg(target_has_atomic = "ptr")]
impl<C: Clock + ?Sized> Clock for alloc::sync::Arc<C> {
    fn now(&self) -> Time {
        (**self).now()
    }
}

/// The operating system's monotonic clock; its origin is the moment of its creation.
///
/// A reading costs a call to the system's clock (about 20 ns where it needs no system call).
/// Copies share their origin, so that their times can be compared.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    origin: std::time::Instant,
}

#[cfg(feature = "std")]
impl MonotonicClock {
    /// A clock that stands at [`Time::ZERO`] now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    pub fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }
}

#[cfg(feature = "std")]
impl Default for MonotonicClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "std")]
impl Clock for MonotonicClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    fn now(&self) -> Time {
        Time(saturating_nanos(self.origin.elapsed()))
    }
}

/// A clock that stands still until somebody sets it: a reading is one relaxed atomic load.
///
/// A shell that already knows the time (an event loop, a worker between two jobs) sets it, and
/// hit paths read it for less than a nanosecond. It is as precise as it is often set.
///
/// ```
/// use punctual::time::{Clock, CoarseClock, Time};
///
/// let clock = CoarseClock::new(Time::ZERO);
/// clock.set(Time::from_nanos(5));
/// clock.set(Time::from_nanos(3)); // a straggler: the clock does not go back
/// assert_eq!(clock.now(), Time::from_nanos(5));
/// ```
#[cfg(target_has_atomic = "64")]
#[derive(Debug, Default)]
pub struct CoarseClock {
    now_ns: AtomicU64,
}

#[cfg(target_has_atomic = "64")]
impl CoarseClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub const fn new(start: Time) -> Self {
        Self { now_ns: AtomicU64::new(start.0) }
    }

    /// Moves the clock forward to `now`; an earlier time than the clock's own changes nothing.
    /// Costs an atomic read-modify-write.
    pub fn set(&self, now: Time) {
        self.now_ns.fetch_max(now.0, Ordering::Relaxed);
    }
}

#[cfg(target_has_atomic = "64")]
impl Clock for CoarseClock {
    fn now(&self) -> Time {
        Time(self.now_ns.load(Ordering::Relaxed))
    }
}

/// A clock for tests and simulations: it moves only when it is told to.
#[cfg(target_has_atomic = "64")]
#[derive(Debug, Default)]
pub struct ManualClock {
    now: CoarseClock,
}

#[cfg(target_has_atomic = "64")]
impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub const fn new(start: Time) -> Self {
        Self { now: CoarseClock::new(start) }
    }

    /// Moves the clock forward by `duration`, at most to [`Time::MAX`].
    pub fn advance(&self, duration: Duration) {
        self.now.set(self.now() + duration);
    }

    /// Moves the clock forward to `now`; an earlier time than the clock's own changes nothing.
    pub fn set(&self, now: Time) {
        self.now.set(now);
    }
}

#[cfg(target_has_atomic = "64")]
impl Clock for ManualClock {
    fn now(&self) -> Time {
        self.now.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let second = Duration::from_secs(1);
        assert_eq!(Time::MAX + Duration::from_nanos(1), Time::MAX);
        assert_eq!(Time::ZERO + Duration::MAX, Time::MAX);
        assert_eq!(Time::ZERO - second, Time::ZERO);
        assert_eq!(Time::MAX - Duration::MAX, Time::ZERO);
        assert_eq!((Time::ZERO + second) - second, Time::ZERO);
    }

    #[test]
    fn since_knows_the_order() {
        let (early, late) = (Time::from_nanos(3), Time::from_nanos(8));
        assert_eq!(late.saturating_since(early), Duration::from_nanos(5));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
        assert_eq!(late.checked_since(early), Some(Duration::from_nanos(5)));
        assert_eq!(early.checked_since(late), None);
    }

    #[test]
    fn coarse_and_manual_clocks_never_go_back() {
        let clock = ManualClock::new(Time::from_nanos(10));
        clock.set(Time::from_nanos(4));
        assert_eq!(clock.now(), Time::from_nanos(10));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Time::MAX);
        clock.advance(Duration::from_nanos(1));
        assert_eq!(clock.now(), Time::MAX);
    }

    #[cfg(feature = "std")]
    #[test]
    fn monotonic_copies_share_their_origin() {
        let clock = MonotonicClock::new();
        let copy = clock;
        let before = clock.now();
        assert!(copy.now() >= before);
    }
}
