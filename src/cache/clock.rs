//! The time on the hit path: an atomic that whoever drives the cache moves.

use crate::sync::{CachePadded, Ordering, SharedU64};
use crate::time::Time;
use crate::timer::Timer;

/// What the clock shows while nobody moves it: everything looks expired then, so that whoever
/// looks takes the slow path, where the true time is asked for.
const PARKED: u64 = u64::MAX;

/// A clock that is cheap to read, and a true one behind it.
///
/// Moving it takes a thread that wakes up every millisecond. A cache that nobody uses needs none:
/// its driver parks the clock, and the first one who reads it then lets it go on.
pub(super) struct CacheClock {
    front: CachePadded<Front>,
    /// None if the caller drives the cache: then what it was told last is the true time.
    timer: Option<Timer>,
}

/// What every hit reads.
struct Front {
    now_ns: SharedU64,
    /// How often the cache was cleared.
    revision: SharedU64,
}

impl CacheClock {
    pub(super) fn new(timer: Option<Timer>, start: Time) -> Self {
        let now_ns = SharedU64::new(if timer.is_some() { PARKED } else { start.as_nanos() });
        let front = Front { now_ns, revision: SharedU64::new(0) };
        Self { front: CachePadded::new(front), timer }
    }

    /// The time of the last tick, in nanoseconds; the end of time if the clock is parked.
    pub(super) fn coarse_ns(&self) -> u64 {
        self.front.now_ns.load(Ordering::Relaxed)
    }

    /// How often the cache was cleared, as far as entries remember that.
    pub(super) fn revision(&self) -> u32 {
        self.front.revision.load(Ordering::Acquire) as u32
    }

    pub(super) fn revise(&self) {
        self.front.revision.fetch_add(1, Ordering::AcqRel);
    }

    /// The true time.
    pub(super) fn now(&self) -> Time {
        match &self.timer {
            Some(timer) => timer.now(),
            None => Time::from_nanos(self.coarse_ns()),
        }
    }

    pub(super) const fn timer(&self) -> Option<&Timer> {
        self.timer.as_ref()
    }

    /// Moves the clock, unless it is parked. It never goes back.
    pub(super) fn tick(&self, now: Time) {
        self.front.now_ns.fetch_max(now.as_nanos().min(PARKED - 1), Ordering::Relaxed);
    }

    pub(super) fn park(&self) {
        self.front.now_ns.store(PARKED, Ordering::Relaxed);
    }

    pub(super) fn is_parked(&self) -> bool {
        self.coarse_ns() == PARKED
    }

    /// Lets a parked clock go on; says whether this call did that.
    pub(super) fn unpark(&self, now: Time) -> bool {
        let (now_ns, order) = (now.as_nanos().min(PARKED - 1), Ordering::Relaxed);
        self.is_parked() && self.front.now_ns.compare_exchange(PARKED, now_ns, order, order).is_ok()
    }
}
