//! The planner's state, and what it is told.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::changes::ChangeRate;
use super::config::{Config, ConfigError};
use super::entry::Entry;
use super::hits::HitRate;
use super::price::Market;
use super::terms::{Demand, End, IdError, Learned, Terms, Urgency};
use crate::heap::IdHeap;
use crate::key::{Key, KeyedStore};
use crate::time::Time;
use crate::wheel::IdWheel;

/// Crossing times are kept for a price that is lower by so much: as long as the price falls by
/// less, none is too late.
pub(super) const SLACK: f64 = 0.9;

/// Where a demand stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    pub(super) deadline: Time,
    number: u64,
    /// Whether somebody has this deadline.
    pub(super) is_waited_for: bool,
}

/// A load in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// The entry that it is for, unless that has let go of it.
    pub(super) id: Option<u32>,
    pub(super) urgency: Urgency,
    /// It has become more urgent, which nobody was told yet.
    pub(super) is_raised: bool,
    /// Whether it takes one of the places of refreshes.
    pub(super) is_refresh: bool,
    /// The age of the value that it replaces, in seconds.
    pub(super) age: Option<f64>,
}

/// Decides which entries of a cache are loaded, and when. See the [module](super).
#[derive(Debug)]
pub struct Planner {
    pub(super) config: Config,
    /// The latest time that it was told.
    pub(super) now: Time,
    pub(super) entries: Vec<Option<Entry>>,
    pub(super) len: usize,
    /// When a refresh becomes worth its price.
    pub(super) crossings: IdHeap<Time, 4>,
    /// Entries at their latest start, by their hard expiry.
    pub(super) expiring: IdHeap<Time, 4>,
    pub(super) demands: IdHeap<Order, 4>,
    demanded: u64,
    /// When the last loads must start that come before a hard expiry.
    pub(super) latest_starts: IdWheel,
    pub(super) hard_expiries: IdWheel,
    pub(super) loads: KeyedStore<Load>,
    pub(super) refreshes: u32,
    /// Time-outs of loads by their slots.
    pub(super) leases: IdWheel,
    /// Loads whose urgency is to be told, each once.
    pub(super) raises: VecDeque<Key>,
    pub(super) market: Market,
    pub(super) sweep: Sweep,
}

/// Makes crossing times earlier after the price fell, a few at a time.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// The next id, while it goes on.
    pub(super) at: Option<usize>,
    /// The highest price for which a time may be stored, and the highest since the sweep began.
    pub(super) highest: f64,
    pub(super) highest_since: f64,
}

impl Planner {
    /// A planner that knows of nothing. Allocates as ids come.
    ///
    /// # Errors
    ///
    /// If the configuration is none.
    pub fn new(config: Config, start: Time) -> Result<Self, ConfigError> {
        config.validate()?;
        let ticks = start.as_nanos();
        Ok(Self {
            config,
            now: start,
            entries: Vec::new(),
            len: 0,
            crossings: IdHeap::with_arity_and_bound(config.bound),
            expiring: IdHeap::with_arity_and_bound(config.bound),
            demands: IdHeap::with_arity_and_bound(config.bound),
            demanded: 0,
            latest_starts: IdWheel::with_bound(ticks, config.bound),
            hard_expiries: IdWheel::with_bound(ticks, config.bound),
            loads: KeyedStore::new(),
            refreshes: 0,
            leases: IdWheel::new(ticks),
            raises: VecDeque::new(),
            market: Market::new(config.loads_per_second, config.burst, start),
            sweep: Sweep::default(),
        })
    }

    /// What it was made with.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The price that a refresh must be worth, in true answers for each load; zero without a limit.
    #[must_use]
    pub const fn price(&self) -> f64 {
        self.market.price()
    }

    /// How many loads are in flight.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        // At most `concurrent` of them.
        self.loads.len() as u32
    }

    /// How many ids it knows of.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it knows of none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a load of the id is in flight that counts. O(1).
    #[must_use]
    pub fn is_loading(&self, id: u32) -> bool {
        self.entry(id).is_some_and(|entry| entry.load.is_some())
    }

    /// What is known of an id's rates, as of `now`; `None` if it is unknown. O(1).
    #[must_use]
    pub fn learned(&self, now: Time, id: u32) -> Option<Learned> {
        let entry = self.entry(id)?;
        let hit_rate = entry.hits.rate(now.max(self.now), self.config.memory);
        Some(Learned { hit_rate, change_rate: entry.changes.rate() })
    }

    /// Takes rates for well known, which were learned elsewhere. O(log n).
    pub fn teach(&mut self, now: Time, id: u32, learned: Learned) {
        let now = self.at(now);
        let memory = self.config.memory;
        let Some(entry) = self.entry_mut(id) else { return };
        let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
        if is_rate(learned.hit_rate) && is_rate(learned.change_rate) {
            entry.hits = HitRate::known(now, learned.hit_rate, memory);
            entry.changes = ChangeRate::known(learned.change_rate);
            self.arm(id);
        }
    }

    /// A value is there, from a load or from elsewhere. What is known of the id's rates stays, and
    /// so do a load in flight and a demand. O(log n); allocates by growth.
    ///
    /// # Errors
    ///
    /// If the id is not below [`Config::bound`].
    pub fn insert(&mut self, now: Time, id: u32, terms: Terms) -> Result<(), IdError> {
        let now = self.at(now);
        let reserve = self.config.reserve();
        let entry = self.entry_or_unknown(id)?;
        let soft_ttl = terms.soft.saturating_since(terms.stored);
        if core::mem::take(&mut entry.is_new) && !entry.is_touched {
            entry.hits = HitRate::unknown(now, soft_ttl);
        }
        if !entry.changes.is_observed() {
            entry.changes = ChangeRate::unknown(terms.change_rate);
        }
        entry.terms = Some(terms);
        (entry.is_stale, entry.retry_at) = (false, Time::ZERO);
        let latest_start = entry.latest_start(reserve);
        self.expiring.remove(id);
        self.wind(id, terms.hard, latest_start);
        self.arm(id);
        Ok(())
    }

    /// Another hard expiry for what is stored, of a value whose refresh failed, say. O(1).
    pub fn set_hard(&mut self, now: Time, id: u32, hard: Time) {
        self.at(now);
        let reserve = self.config.reserve();
        let Some(entry) = self.entry_mut(id) else { return };
        let Some(terms) = &mut entry.terms else { return };
        terms.hard = hard;
        let latest_start = entry.latest_start(reserve);
        self.expiring.remove(id);
        self.wind(id, hard, latest_start);
        self.arm(id);
    }

    /// Sets the timers of what is stored.
    fn wind(&mut self, id: u32, hard: Time, latest_start: Time) {
        for (wheel, at) in
            [(&mut self.latest_starts, latest_start), (&mut self.hard_expiries, hard)]
        {
            wheel.cancel(id);
            if at < Time::MAX {
                // The id is below the bound, and nothing is in its place.
                let inserted = wheel.insert(id, at.as_nanos());
                debug_assert!(inserted.is_ok(), "{inserted:?}");
            }
        }
    }

    /// An entry was asked for, so many times since the last call. An id of which nothing is known
    /// is left alone. O(log n).
    pub fn touch(&mut self, now: Time, id: u32, hits: u32) {
        let now = self.at(now);
        let (memory, reserve) = (self.config.memory, self.config.reserve());
        let Some(entry) = self.entry_mut(id).filter(|_| hits > 0) else { return };
        entry.hits.touch(now, hits, memory);
        entry.is_touched = true;
        entry.idle = 0;
        if entry.load.is_none()
            && let Some(terms) = entry.terms.filter(|_| entry.latest_start(reserve) <= now)
        {
            self.expire_soon(id, terms.hard);
        }
        // What is due as early as it may be can't become due earlier.
        let at = self.crossings.priority(id);
        let is_first = at.is_some_and(|at| at <= now || self.price() <= 0.0);
        if !is_first {
            self.arm_earlier(id);
        }
    }

    /// What is stored is known to be no longer true: it is refreshed as soon as that is worth its
    /// price. A load in flight doesn't count for it any more. O(log n).
    pub fn expire(&mut self, now: Time, id: u32) {
        self.abandon_load(now, id);
        if let Some(entry) = self.entry_mut(id) {
            entry.is_stale = entry.terms.is_some();
        }
        self.arm(id);
    }

    /// The load that is in flight or wanted for the id doesn't count any more: something newer is
    /// there. One in flight keeps its place until it is finished. O(log n).
    pub fn abandon(&mut self, now: Time, id: u32) {
        self.demands.remove(id);
        self.abandon_load(now, id);
        self.arm(id);
        self.forget_if_unknown(id);
    }

    fn abandon_load(&mut self, now: Time, id: u32) {
        self.at(now);
        let Some(load) = self.entry_mut(id).and_then(|entry| entry.load.take()) else { return };
        if let Some(load) = self.loads.get_mut(load) {
            load.id = None;
        }
    }

    /// No load of the id before `until`, unless a value comes from elsewhere. O(log n); allocates
    /// by growth.
    pub fn back_off(&mut self, now: Time, id: u32, until: Time) {
        self.at(now);
        if let Ok(entry) = self.entry_or_unknown(id) {
            entry.retry_at = until;
            self.arm(id);
        }
    }

    /// Forgets an id: its rates, and that it is wanted. A load in flight keeps its place until it
    /// is finished. O(log n).
    pub fn remove(&mut self, now: Time, id: u32) {
        self.demands.remove(id);
        self.abandon_load(now, id);
        self.unwind(id);
        if let Some(entry) = self.entries.get_mut(id as usize)
            && entry.take().is_some()
        {
            self.len -= 1;
        }
    }

    /// Takes an id out of all orders of what is stored.
    pub(super) fn unwind(&mut self, id: u32) {
        self.crossings.remove(id);
        self.expiring.remove(id);
        self.latest_starts.cancel(id);
        self.hard_expiries.cancel(id);
    }

    /// Forgets all ids. Loads in flight keep their places until they are finished. O(n).
    pub fn clear(&mut self, now: Time) {
        self.at(now);
        self.entries.clear();
        self.len = 0;
        self.crossings.clear();
        self.expiring.clear();
        self.demands.clear();
        self.latest_starts.clear();
        self.hard_expiries.clear();
        self.sweep = Sweep::default();
        self.loads.iter_mut().for_each(|(_, load)| load.id = None);
    }

    /// Somebody wants a load of the id: nothing is stored, or nothing that is fresh enough. With a
    /// deadline, somebody waits until then; demands are started in the order of their deadlines,
    /// and those without one as if it were a [time-out](Config::load_timeout) ahead. O(log n);
    /// allocates by growth.
    pub fn demand(&mut self, now: Time, id: u32, deadline: Option<Time>) -> Demand {
        let now = self.at(now);
        let order = Order {
            deadline: deadline.unwrap_or(now + self.config.load_timeout),
            number: self.demanded,
            is_waited_for: deadline.is_some(),
        };
        if let Some(before) = self.demands.priority(id) {
            // Who waits decides.
            let is_first = (!order.is_waited_for, order) < (!before.is_waited_for, before);
            if is_first {
                self.demands.change_key(id, order);
                self.demanded += 1;
            }
            return Demand::Queued;
        }
        if let Some(entry) = self.entry(id) {
            if let Some(load) = entry.load {
                self.raise(load, deadline);
                return Demand::Joined(load);
            }
            if now < entry.retry_at {
                return Demand::BackedOff(entry.retry_at);
            }
        }
        if self.demands.len() >= self.config.demand_bound as usize
            || self.entry_or_unknown(id).is_err()
        {
            return Demand::Full;
        }
        let pushed = self.demands.push(id, order);
        debug_assert!(pushed.is_ok(), "{pushed:?}");
        self.demanded += 1;
        self.crossings.remove(id);
        Demand::Queued
    }

    /// A load in flight has a deadline, if that is earlier than it had.
    pub(super) fn raise(&mut self, key: Key, deadline: Option<Time>) {
        let (Some(deadline), Some(load)) = (deadline, self.loads.get_mut(key)) else { return };
        let before = match load.urgency {
            Urgency::Demanded { deadline } => deadline,
            Urgency::Expiring { hard } => Some(hard),
            Urgency::Refresh => None,
        };
        if before.is_none_or(|before| deadline < before) {
            load.urgency = Urgency::Demanded { deadline: Some(deadline) };
            if !core::mem::replace(&mut load.is_raised, true) {
                self.raises.push_back(key);
            }
        }
    }

    /// A load has ended: its place is free. Returns the id that it counted for; `None` if that has
    /// let go of it, or if the load was overdue. After a success, [`insert`](Self::insert) is to
    /// follow. O(log n).
    pub fn finish(&mut self, now: Time, load: Key, end: End) -> Option<u32> {
        self.at(now);
        let ended = self.release(load)?;
        let id = ended.id?;
        let entry = self.entry_mut(id)?;
        entry.load = None;
        match (end, ended.age) {
            (End::Changed, Some(age)) => entry.changes.observe(age, true),
            (End::Unchanged, Some(age)) => entry.changes.observe(age, false),
            (End::Failed { retry_at } | End::Dropped { retry_at }, _) => entry.retry_at = retry_at,
            (End::Changed | End::Unchanged | End::Loaded, _) => {}
        }
        self.arm(id);
        Some(id)
    }

    /// Frees a load's place.
    pub(super) fn release(&mut self, key: Key) -> Option<Load> {
        let load = self.loads.remove(key)?;
        self.leases.cancel(key.slot());
        self.refreshes -= u32::from(load.is_refresh);
        Some(load)
    }

    /// Time doesn't go back.
    pub(super) fn at(&mut self, now: Time) -> Time {
        self.now = self.now.max(now);
        self.now
    }

    pub(super) fn entry(&self, id: u32) -> Option<&Entry> {
        self.entries.get(id as usize)?.as_ref()
    }

    pub(super) fn entry_mut(&mut self, id: u32) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)?.as_mut()
    }

    fn entry_or_unknown(&mut self, id: u32) -> Result<&mut Entry, IdError> {
        if id >= self.config.bound {
            return Err(IdError);
        }
        let at = id as usize;
        if self.entries.len() <= at {
            self.entries.resize_with(at + 1, || None);
        }
        let (now, place) = (self.now, &mut self.entries[at]);
        self.len += usize::from(place.is_none());
        Ok(place.get_or_insert_with(|| Entry::unknown(now)))
    }

    /// An id that was only wanted, and isn't any more.
    fn forget_if_unknown(&mut self, id: u32) {
        let now = self.now;
        let is_unknown = self.entry(id).is_some_and(|entry| {
            entry.terms.is_none() && entry.load.is_none() && entry.retry_at <= now
        });
        if is_unknown && !self.demands.contains(id) {
            self.remove(now, id);
        }
    }

    /// How long hits are remembered.
    pub(super) const fn memory(&self) -> Duration {
        self.config.memory
    }
}
