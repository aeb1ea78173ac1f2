//! What the storage holds of an entry, and what it is told about it.

use core::time::Duration;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter, Weighter};

use super::answer::Answer;
use crate::sync::Arc;
use crate::time::Time;

/// The storage. Every change of it is made under the core's lock; hits only read.
pub(super) struct Store<K, V> {
    pub(super) values: Values<K, V>,
    /// Keys without a value of which something is known: apart, so that those with a value carry
    /// no mark.
    pub(super) marks: Marks<K>,
}

pub(super) type Values<K, V> = Cache<K, Stored<V>, Weigh<K, V>, DefaultHashBuilder, Collect>;

pub(super) type Marks<K> = Cache<K, Stored<()>, UnitWeighter, DefaultHashBuilder, Collect>;

/// What there is for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value.
    Value,
    /// The loader has said that there is none.
    Absent,
    /// Nothing, but what is known of the key is worth its place: how often it is asked for, or
    /// that loads of it fail.
    Gone,
}

/// A point in time in 48 bits, in the upper part of a word: units of 1.024 µs, for nine years.
/// What is below them is for somebody else, and doesn't matter in comparisons of a time with a
/// [`Epoch::at`], whose lower part is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word(pub(super) u64);

const UNIT_BITS: u32 = 10;
const LOW_BITS: u32 = 16;
const LOW: u64 = (1 << LOW_BITS) - 1;

impl Word {
    /// The end of time, which never comes.
    pub(super) const END: Self = Self(u64::MAX);

    /// As late, for another reason: nothing that is stored counts.
    pub(super) const CLEARING: Self = Self(u64::MAX - 1);
}

/// From where a cache's words count: the time when it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch(pub(super) Time);

impl Epoch {
    const MOST: u64 = (1 << (u64::BITS - LOW_BITS)) - 2;

    /// The present, for comparisons: above what ends in this unit or before.
    pub(super) fn at(self, now: Time) -> Word {
        Word(self.until(now).0 | LOW)
    }

    /// The end of something, rounded down to a unit.
    fn until(self, end: Time) -> Word {
        let ns = if end == Time::MAX { u64::MAX } else { end.as_nanos() - self.before(end) };
        Word((ns >> UNIT_BITS).min(Self::MOST) << LOW_BITS)
    }

    /// What of a time is before the epoch.
    fn before(self, end: Time) -> u64 {
        self.0.as_nanos().min(end.as_nanos())
    }

    fn time(self, word: Word) -> Time {
        match word.0 >> LOW_BITS {
            Self::MOST => Time::MAX,
            units => self.0 + Duration::from_nanos(units << UNIT_BITS),
        }
    }

    /// A time as entries keep it.
    pub(super) fn rounded(self, time: Time) -> Time {
        self.time(self.until(time))
    }
}

/// An entry, as hits copy it: sixteen bytes beside the value.
#[derive(Clone, Debug)]
pub(super) struct Stored<V> {
    pub(super) value: V,
    /// The end of the fast path, and the upper half of the tag.
    fresh_until: u64,
    /// Not served from then on, and the lower half.
    hard: u64,
}

// The tag: the slot, how hits are sampled, whether it is fresh to its end, and the kind of a mark.
const SHIFT_BITS: u32 = 4;
const TO_THE_END: u32 = 1 << SHIFT_BITS;
const GONE: u32 = 1 << (SHIFT_BITS + 1);
const SLOT_AT: u32 = SHIFT_BITS + 2;

/// As many slots have a place in the tag.
pub(super) const SLOTS: u32 = 1 << (u32::BITS - SLOT_AT);

impl<V> Stored<V> {
    /// An entry that was never there, unless it is made [live](Self::live).
    pub(super) const fn new(value: V, slot: u32) -> Self {
        Self { value, fresh_until: 0, hard: 0 }.tagged(slot << SLOT_AT)
    }

    const fn tag(&self) -> u32 {
        ((self.fresh_until & LOW) << LOW_BITS | self.hard & LOW) as u32
    }

    const fn tagged(mut self, tag: u32) -> Self {
        self.fresh_until = self.fresh_until & !LOW | tag as u64 >> LOW_BITS;
        self.hard = self.hard & !LOW | tag as u64 & LOW;
        self
    }

    /// Fresh before `soft` and served before `hard`.
    ///
    /// The coarse clock may be late. So the fast path ends a little before `hard`, by `guard`, and
    /// the true time is asked from then on.
    pub(super) fn live(
        mut self,
        epoch: Epoch,
        (soft, hard): (Time, Time),
        guard: Duration,
    ) -> Self {
        let (tag, guarded) = (self.tag() & !(TO_THE_END | GONE), hard - guard);
        self.fresh_until = epoch.until(soft.min(guarded)).0;
        self.hard = epoch.until(hard).0;
        let is_to_the_end = soft > guarded && hard < Time::MAX;
        self.tagged(tag | if is_to_the_end { TO_THE_END } else { 0 })
    }

    /// The same entry with another end.
    ///
    /// What was fresh to its old end is stale from there on.
    pub(super) fn ending(mut self, epoch: Epoch, hard: Time) -> Self {
        let tag = self.tag();
        if tag & TO_THE_END != 0 {
            self.fresh_until = self.hard;
        }
        self.hard = epoch.until(hard).0;
        self.tagged(tag & !TO_THE_END)
    }

    /// Is stale from now on.
    pub(super) const fn expired(mut self) -> Self {
        let tag = self.tag() & !TO_THE_END;
        self.fresh_until = 0;
        self.tagged(tag)
    }

    pub(super) const fn sampled(self, shift: u32) -> Self {
        let tag = self.tag() & !(TO_THE_END - 1) | shift;
        self.tagged(tag)
    }

    pub(super) const fn shift(&self) -> u32 {
        self.tag() & (TO_THE_END - 1)
    }

    pub(super) const fn slot(&self) -> u32 {
        self.tag() >> SLOT_AT
    }

    pub(super) fn hard(&self, epoch: Epoch) -> Time {
        epoch.time(Word(self.hard))
    }

    /// Whether nothing else has to be asked.
    pub(super) const fn is_fresh_at(&self, coarse: Word) -> bool {
        self.fresh_until > coarse.0
    }

    /// Whether it is served at the true time.
    pub(super) fn is_served_at(&self, epoch: Epoch, now: Time) -> bool {
        now < self.hard(epoch)
    }

    /// Whether it is fresh at the true time, if it is served.
    pub(super) fn is_fresh_at_true(&self, epoch: Epoch, now: Time) -> bool {
        now < epoch.time(Word(self.fresh_until)) || self.tag() & TO_THE_END != 0
    }
}

impl<V> Stored<V> {
    /// What is served of a value.
    pub(super) fn answer(self, epoch: Epoch, now: Time) -> Answer<V> {
        match self.is_fresh_at_true(epoch, now) {
            true => Answer::Fresh(self.value),
            false => Answer::Stale(self.value),
        }
    }
}

impl Stored<()> {
    /// A mark for a key of which something is known, but no answer.
    pub(super) const fn gone(slot: u32) -> Self {
        let mark = Self::new((), slot);
        let tag = mark.tag() | GONE;
        mark.tagged(tag)
    }

    pub(super) const fn kind(&self) -> Kind {
        if self.tag() & GONE == 0 { Kind::Absent } else { Kind::Gone }
    }
}

/// What tells a value's weight.
pub(super) type Weigher<K, V> = Arc<dyn Fn(&K, &V) -> u64 + Send + Sync>;

/// Weighs values: 1 without a weigher.
pub(super) struct Weigh<K, V>(pub(super) Option<Weigher<K, V>>);

impl<K, V> Clone for Weigh<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Weighter<K, Stored<V>> for Weigh<K, V> {
    fn weight(&self, key: &K, stored: &Stored<V>) -> u64 {
        // What weighs nothing would never be evicted.
        self.0.as_ref().map_or(1, |weigher| weigher(key, &stored.value).max(1))
    }
}

/// Collects what is evicted or overwritten, so that it is dropped and told outside the storage's
/// locks.
#[derive(Clone)]
pub(super) struct Collect;

impl<K, V> Lifecycle<K, V> for Collect {
    type RequestState = Vec<(K, V)>;

    fn on_evict(&self, state: &mut Self::RequestState, key: K, stored: V) {
        state.push((key, stored));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words count from the cache's start, wherever its clock began.
    const EPOCH: Epoch = Epoch(Time::from_nanos(1_700_000_000_000_000_000));

    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    #[test]
    fn an_entry_keeps_all_that_it_is_told() {
        let (now, slot) = (EPOCH.0 + us(77_777), SLOTS - 3);
        let (soft, hard) = (EPOCH.rounded(now + us(5_000)), EPOCH.rounded(now + us(90_000)));
        let stored = Stored::new("v", slot).sampled(11).live(EPOCH, (soft, hard), us(64));
        assert_eq!((stored.slot(), stored.shift(), stored.hard(EPOCH)), (slot, 11, hard));
        assert_eq!(stored.clone().sampled(3).shift(), 3);
        assert_eq!(stored.clone().expired().slot(), slot);
        let (before, later) = (soft - Duration::from_nanos(1), soft + us(2));
        assert!(stored.is_fresh_at(EPOCH.at(before)) && stored.is_fresh_at_true(EPOCH, before));
        assert!(!stored.is_fresh_at(EPOCH.at(soft)) && !stored.is_fresh_at_true(EPOCH, soft));
        assert!(stored.is_served_at(EPOCH, later) && !stored.is_served_at(EPOCH, hard));
        assert!(!stored.is_fresh_at(Word::END));
        let longer = stored.ending(EPOCH, hard + us(10_000));
        assert_eq!((longer.slot(), longer.shift()), (slot, 11));
        assert!(longer.is_served_at(EPOCH, hard + us(9_000)));
    }

    #[test]
    fn what_is_fresh_to_its_end_says_so_where_the_true_time_is_known() {
        let (now, hard) = (EPOCH.0, EPOCH.rounded(EPOCH.0 + us(100_000)));
        let stored = Stored::new(1, 5).live(EPOCH, (hard, hard), us(64));
        let near = hard - us(30);
        assert!(stored.is_fresh_at(EPOCH.at(now)) && !stored.is_fresh_at(EPOCH.at(near)));
        assert!(stored.is_fresh_at_true(EPOCH, near));
        assert!(!stored.clone().expired().is_fresh_at_true(EPOCH, now));
        let longer = stored.ending(EPOCH, hard + us(50_000));
        assert!(longer.is_fresh_at_true(EPOCH, near) && !longer.is_fresh_at_true(EPOCH, hard));
    }

    #[test]
    fn what_has_no_end_has_none() {
        let stored = Stored::new(1, 5).live(EPOCH, (Time::MAX, Time::MAX), us(64));
        assert_eq!(stored.hard(EPOCH), Time::MAX);
        let late = Time::MAX - us(10);
        assert!(stored.is_served_at(EPOCH, late) && stored.is_fresh_at_true(EPOCH, late));
        assert!(!stored.is_fresh_at(Word::END));
    }

    #[test]
    fn marks_have_a_kind() {
        assert_eq!(Stored::gone(9).kind(), Kind::Gone);
        assert_eq!(Stored::gone(9).slot(), 9);
        assert!(!Stored::gone(9).is_served_at(EPOCH, EPOCH.0));
        let absent = Stored::new((), 9).live(EPOCH, (Time::MAX, Time::MAX), us(1));
        assert_eq!(absent.kind(), Kind::Absent);
    }
}
