//! What the storage holds of an entry, and what it is told about it.

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};

use super::answer::Answer;
use crate::sync::Arc;
use crate::time::Time;

/// The storage. Every change of it is made under the core's lock; hits only read.
pub(super) type Store<K, V> = Cache<K, Stored<V>, Weigh<K, V>, DefaultHashBuilder, Collect>;

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

/// An entry, as hits copy it.
#[derive(Clone, Debug)]
pub(super) struct Stored<V> {
    /// Only of [`Kind::Value`].
    pub(super) value: Option<V>,
    /// The end of the fast path, in nanoseconds.
    pub(super) fresh_until_ns: u64,
    /// Not served from then on, in nanoseconds.
    pub(super) hard_ns: u64,
    pub(super) slot: u32,
    /// The revision, the kind, whether it is fresh to its end, and how hits are sampled.
    tag: u32,
}

const SHIFT_BITS: u32 = 4;
const KIND_AT: u32 = SHIFT_BITS;
const TO_THE_END: u32 = 1 << 6;
const REVISION_AT: u32 = 8;

impl<V> Stored<V> {
    /// An entry that is fresh before `soft` and served before `hard`.
    ///
    /// The coarse clock may be late. So the fast path ends a little before `hard`, by `guard`, and
    /// the true time is asked from then on.
    pub(super) fn new(content: Option<V>, kind: Kind, slot: u32, revision: u32) -> Self {
        debug_assert_eq!(content.is_some(), kind == Kind::Value, "values have a value");
        let tag = revision << REVISION_AT | (kind as u32) << KIND_AT;
        Self { value: content, fresh_until_ns: 0, hard_ns: 0, slot, tag }
    }

    pub(super) fn live(mut self, soft: Time, hard: Time, guard: core::time::Duration) -> Self {
        let guarded = hard - guard;
        self.hard_ns = hard.as_nanos();
        self.fresh_until_ns = soft.min(guarded).as_nanos();
        self.tag &= !TO_THE_END;
        if soft > guarded && hard < Time::MAX {
            self.tag |= TO_THE_END;
        }
        // The end of time is what a parked clock shows.
        self.fresh_until_ns = self.fresh_until_ns.min(u64::MAX - 1);
        self
    }

    pub(super) const fn sampled(mut self, shift: u32) -> Self {
        self.tag = self.tag & !((1 << SHIFT_BITS) - 1) | shift;
        self
    }

    pub(super) const fn shift(&self) -> u32 {
        self.tag & ((1 << SHIFT_BITS) - 1)
    }

    pub(super) const fn kind(&self) -> Kind {
        match self.tag >> KIND_AT & 3 {
            0 => Kind::Value,
            1 => Kind::Absent,
            _ => Kind::Gone,
        }
    }

    pub(super) const fn is_of(&self, revision: u32) -> bool {
        self.tag >> REVISION_AT == revision & (u32::MAX >> REVISION_AT)
    }

    /// Whether nothing else has to be asked.
    pub(super) const fn is_fresh_at(&self, coarse_ns: u64, revision: u32) -> bool {
        coarse_ns < self.fresh_until_ns && self.is_of(revision)
    }

    /// Whether it is served at the true time.
    pub(super) fn is_served_at(&self, now: Time, revision: u32) -> bool {
        now.as_nanos() < self.hard_ns && self.is_of(revision) && self.kind() != Kind::Gone
    }

    /// Whether it is fresh at the true time, if it is served.
    pub(super) const fn is_fresh_at_true(&self, now: Time) -> bool {
        now.as_nanos() < self.fresh_until_ns || self.tag & TO_THE_END != 0
    }

    /// Is stale from now on.
    pub(super) const fn expire(&mut self) {
        self.fresh_until_ns = 0;
        self.tag &= !TO_THE_END;
    }

    pub(super) fn fresh(self) -> Answer<V> {
        self.value.map_or(Answer::Absent, Answer::Fresh)
    }

    pub(super) fn stale(self) -> Answer<V> {
        self.value.map_or(Answer::Absent, Answer::Stale)
    }
}

/// What tells a value's weight.
pub(super) type Weigher<K, V> = Arc<dyn Fn(&K, &V) -> u64 + Send + Sync>;

/// Weighs entries: 1 without a weigher, and what holds no value.
pub(super) struct Weigh<K, V>(pub(super) Option<Weigher<K, V>>);

impl<K, V> Clone for Weigh<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Weighter<K, Stored<V>> for Weigh<K, V> {
    fn weight(&self, key: &K, stored: &Stored<V>) -> u64 {
        match (&self.0, &stored.value) {
            // What weighs nothing would never be evicted.
            (Some(weigher), Some(value)) => weigher(key, value).max(1),
            _ => 1,
        }
    }
}

/// Collects what is evicted, so that it is dropped and told outside the storage's locks.
#[derive(Clone)]
pub(super) struct Collect;

impl<K, V> Lifecycle<K, Stored<V>> for Collect {
    type RequestState = Vec<(K, Stored<V>)>;

    fn on_evict(&self, state: &mut Self::RequestState, key: K, stored: Stored<V>) {
        state.push((key, stored));
    }
}
