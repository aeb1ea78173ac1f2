//! The time on the hit path: an atomic that whoever drives the cache moves.

use super::stored::{Epoch, Word};
use crate::sync::{CachePadded, Ordering, SharedU64};
use crate::time::Time;
use crate::timer::Timer;

/// A clock that is cheap to read, and a true one behind it.
///
/// Moving it takes a thread that wakes up every millisecond. A cache that nobody uses needs none:
/// its driver parks the clock, and the first one who reads it then lets it go on. A parked clock
/// shows the end of time: everything looks expired, so that whoever looks takes the slow path,
/// where the true time is asked for.
pub(super) struct CacheClock {
    front: CachePadded<Front>,
    epoch: Epoch,
    /// None if the caller drives the cache: then what it was told last is the true time.
    timer: Option<Timer>,
}

/// What every hit reads, and what stands beside it.
struct Front {
    word: SharedU64,
    /// Only of a cache that its caller drives.
    now_ns: SharedU64,
}

impl CacheClock {
    pub(super) fn new(timer: Option<Timer>, start: Time) -> Self {
        let epoch = Epoch(start);
        let word = if timer.is_some() { Word::END } else { epoch.at(start) };
        let front =
            Front { word: SharedU64::new(word.0), now_ns: SharedU64::new(start.as_nanos()) };
        Self { front: CachePadded::new(front), epoch, timer }
    }

    /// The time of the last tick; the end of time if the clock is parked.
    pub(super) fn coarse(&self) -> Word {
        Word(self.front.word.load(Ordering::Relaxed))
    }

    /// From where the words of its entries count.
    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The true time.
    pub(super) fn now(&self) -> Time {
        match &self.timer {
            Some(timer) => timer.now(),
            None => Time::from_nanos(self.front.now_ns.load(Ordering::Relaxed)),
        }
    }

    pub(super) const fn timer(&self) -> Option<&Timer> {
        self.timer.as_ref()
    }

    /// Moves the clock, but not one that is parked. It never goes back.
    pub(super) fn tick(&self, now: Time) {
        if self.timer.is_none() {
            self.front.now_ns.fetch_max(now.as_nanos(), Ordering::Relaxed);
        }
        // The end of time is the highest word, and stays.
        self.front.word.fetch_max(self.epoch.at(now).0, Ordering::Relaxed);
    }

    /// Lets the clock stand until somebody reads it.
    pub(super) fn park(&self) {
        let (shown, order) = (self.coarse(), Ordering::SeqCst);
        if shown < Word::CLEARING {
            // If it has moved meanwhile, it goes on for one more turn.
            let _ = self.front.word.compare_exchange(shown.0, Word::END.0, order, order);
        }
    }

    pub(super) fn is_parked(&self) -> bool {
        self.coarse() >= Word::CLEARING
    }

    /// Lets a parked clock go on; says whether this call did that.
    pub(super) fn unpark(&self, now: Time) -> bool {
        let (word, order) = (self.epoch.at(now).0, Ordering::Relaxed);
        self.coarse() == Word::END
            && self.front.word.compare_exchange(Word::END.0, word, order, order).is_ok()
    }

    /// What is stored is not there any more, for everybody, until `end_clearing`. Nobody lets the
    /// clock go on meanwhile.
    pub(super) fn begin_clearing(&self) {
        self.front.word.store(Word::CLEARING.0, Ordering::SeqCst);
    }

    /// Only what was stored afterwards is left.
    pub(super) fn end_clearing(&self) {
        let word = if self.timer.is_some() { Word::END } else { self.epoch.at(self.now()) };
        self.front.word.store(word.0, Ordering::SeqCst);
    }

    pub(super) fn is_clearing(&self) -> bool {
        self.front.word.load(Ordering::SeqCst) == Word::CLEARING.0
    }
}
