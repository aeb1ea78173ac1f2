//! What is behind the cache's lock.

use core::hash::Hash;
use core::time::Duration;
use std::collections::VecDeque;
use std::task::Waker;

use super::answer::Removal;
use super::error::LoadError;
use super::flight::{Flight, Outcome};
use super::latency::Latency;
use super::load::{Body, Load};
use super::loaded::Loaded;
use super::records::Records;
use super::stats::LoadStats;
use super::stored::Kind;
use crate::key::Key;
use crate::refresh::Planner;
use crate::sync::Arc;
use crate::time::Time;
use crate::wheel::TimerWheel;

/// Deadlines of waits are met by so much later, at most.
const RESOLUTION: Duration = Duration::from_micros(100);

/// The state of a cache beside its storage. Nobody's code runs under its lock but that which
/// hashes, compares, clones and weighs.
pub(super) struct Core<K, V> {
    pub(super) planner: Planner,
    pub(super) records: Records<K, V>,
    /// Who waits until when, by the number within a flight.
    pub(super) waits: TimerWheel<(Arc<Flight<V>>, usize)>,
    /// The loads in flight, by their slots.
    pub(super) running: Vec<Option<Running<V>>>,
    /// Counts loads, writes and invalidations.
    pub(super) sequence: u64,
    /// How many records hold a value, or the knowledge that there is none.
    pub(super) entries: usize,
    pub(super) random: u64,
    pub(super) latency: Latency,
    pub(super) stats: LoadStats,
    /// What dispatchers are to be told, in this order.
    pub(super) outbox: VecDeque<Command<V>>,
    /// Somebody tells them already.
    pub(super) is_dispatching: bool,
}

/// A load in flight, whether it counts still or not.
pub(super) struct Running<V> {
    pub(super) load: Key,
    /// Of the record.
    pub(super) record: Key,
    pub(super) flight: Arc<Flight<V>>,
    pub(super) body: Arc<Body>,
}

/// Something for a dispatcher.
pub(super) enum Command<V> {
    Submit(Load, Vec<Arc<Flight<V>>>),
    Raise(Arc<Flight<V>>, Time),
    Cancel(Arc<Flight<V>>),
}

/// What is to be done once the lock is free.
pub(super) struct Effects<K, V> {
    pub(super) wakers: Vec<Waker>,
    pub(super) removed: Vec<(K, V, Removal)>,
    /// Copies of values that are there still.
    pub(super) replaced: Vec<V>,
    /// What nobody needs, and only its owner knows how to drop.
    pub(super) discarded: Vec<Discarded<V>>,
}

/// Something of the user's that nobody needs.
pub(super) enum Discarded<V> {
    Outcome(Outcome<V>),
    Loaded(Loaded<V>),
    Error(LoadError),
}

impl<K, V> Effects<K, V> {
    pub(super) const fn new() -> Self {
        Self {
            wakers: Vec::new(),
            removed: Vec::new(),
            replaced: Vec::new(),
            discarded: Vec::new(),
        }
    }
}

impl<K: Eq + Hash, V> Core<K, V> {
    pub(super) fn new(planner: Planner, start: Time, seed: u64) -> Self {
        Self {
            planner,
            records: Records::new(),
            waits: TimerWheel::new(RESOLUTION, start),
            running: Vec::new(),
            sequence: 0,
            entries: 0,
            random: seed,
            latency: Latency::default(),
            stats: LoadStats::default(),
            outbox: VecDeque::new(),
            is_dispatching: false,
        }
    }

    /// The storage holds something else for a record: what it held before.
    pub(super) fn set_stored(&mut self, key: Key, kind: Option<Kind>) -> Option<Kind> {
        let is_entry = |kind| matches!(kind, Some(Kind::Value | Kind::Absent));
        let record = self.records.get_mut(key)?;
        let before = core::mem::replace(&mut record.stored, kind);
        self.entries += usize::from(is_entry(kind));
        self.entries -= usize::from(is_entry(before));
        before
    }

    /// Whether a flight is the one of the record.
    pub(super) fn is_flight_of(&self, key: Key, flight: &Arc<Flight<V>>) -> bool {
        let own = self.records.get(key).and_then(|record| record.flight.as_ref());
        own.is_some_and(|own| Arc::ptr_eq(own, flight))
    }

    /// The next point in the order of loads, writes and invalidations.
    pub(super) const fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// A number from 0.0 to 1.0 (G. Steele and others, SplitMix64).
    pub(super) fn chance(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A load has begun its way.
    pub(super) fn set_running(&mut self, running: Running<V>) {
        let place = running.load.slot() as usize;
        if self.running.len() <= place {
            self.running.resize_with(place + 1, || None);
        }
        self.running[place] = Some(running);
    }

    pub(super) fn take_running(&mut self, load: Key) -> Option<Running<V>> {
        let place = self.running.get_mut(load.slot() as usize)?;
        place.take_if(|running| running.load == load)
    }
}
