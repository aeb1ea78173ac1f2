//! The planner's state, and what it is told.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::changes::ChangeRate;
use super::config::{Config, ConfigError};
use super::entry::{Entry, Outlook};
use super::hits::HitRate;
use super::order::Order;
use super::price::Market;
use super::sweep::Sweep;
use super::terms::{IdError, Learned, Terms, Urgency};
use crate::heap::IdHeap;
use crate::key::{Key, KeyedStore};
use crate::time::Time;

/// A hit rate that has risen by less brings no refresh forward.
const RISEN: f64 = 1.1;

/// Where a demand stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The deadline, or a time-out after the demand if that is earlier: nobody is overtaken for
    /// longer.
    pub(super) by: Time,
    pub(super) number: u64,
    /// Of those who wait.
    pub(super) deadline: Option<Time>,
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
#[derive(Clone, Debug)]
pub struct Planner {
    pub(super) config: Config,
    /// The latest time that it was told.
    pub(super) now: Time,
    pub(super) entries: Vec<Option<Entry>>,
    pub(super) len: usize,
    /// When a refresh becomes worth its price.
    pub(super) crossings: Order,
    /// Entries whose refresh is worth its price, or nearly; the one that is worth most first.
    pub(super) due: Order<Reverse<u64>>,
    /// Entries at their latest start, by their hard expiry.
    pub(super) expiring: Order,
    /// When entries are to be looked at: at their latest start, and when their values go.
    pub(super) timers: Order,
    pub(super) demands: IdHeap<Rank, 4>,
    pub(super) demanded: u64,
    pub(super) loads: KeyedStore<Load>,
    pub(super) refreshes: u32,
    /// Time-outs of loads by their slots.
    pub(super) leases: Order,
    /// Loads whose urgency is to be told, each once.
    pub(super) raises: VecDeque<Key>,
    pub(super) market: Market,
    pub(super) sweep: Sweep,
}

impl Planner {
    /// A planner that knows of nothing. Allocates as ids come.
    ///
    /// # Errors
    ///
    /// If the configuration is none.
    pub fn new(config: Config, start: Time) -> Result<Self, ConfigError> {
        config.validate()?;
        let ids = || Order::with_bound(config.bound);
        Ok(Self {
            config,
            now: start,
            entries: Vec::new(),
            len: 0,
            crossings: ids(),
            due: Order::with_bound(config.bound),
            expiring: ids(),
            timers: ids(),
            demands: IdHeap::with_arity_and_bound(config.bound),
            demanded: 0,
            loads: KeyedStore::new(),
            refreshes: 0,
            leases: Order::with_bound(u32::MAX),
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

    /// The price that a refresh must be worth, in true answers for each load; zero where nothing
    /// is scarce.
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
        let entry = self.entry_or_unknown(id)?;
        let soft_ttl = terms.soft.saturating_since(terms.stored);
        if core::mem::take(&mut entry.is_new) && !entry.is_touched {
            entry.hits = HitRate::unknown(now, soft_ttl);
        }
        if !entry.changes.is_observed() {
            entry.changes = ChangeRate::unknown(terms.change_rate);
        }
        entry.terms = Some(Terms { stored: terms.stored.min(now), ..terms });
        entry.stale_since = None;
        (entry.retry_at, entry.barred_until) = (Time::ZERO, Time::ZERO);
        self.arm(id);
        Ok(())
    }

    /// Another hard expiry for what is stored, of a value whose refresh failed, say. O(log n).
    pub fn set_hard(&mut self, now: Time, id: u32, hard: Time) {
        self.at(now);
        if let Some(terms) = self.entry_mut(id).and_then(|entry| entry.terms.as_mut()) {
            terms.hard = hard;
            self.arm(id);
        }
    }

    /// An entry was asked for, so many times since the last call. An id of which nothing is known
    /// is left alone. Some arithmetic; O(log n) if its hit rate has risen by a tenth since its plan
    /// was made.
    pub fn touch(&mut self, now: Time, id: u32, hits: u32) {
        let now = self.at(now);
        let Config { memory, idle_refreshes, .. } = self.config;
        let (price, is_due) = (self.price(), self.due.at(id).is_some());
        let Some(entry) = self.entry_mut(id).filter(|_| hits > 0) else { return };
        entry.hits.touch(now, hits, memory);
        entry.is_touched = true;
        let was_idle = core::mem::take(&mut entry.idle) >= idle_refreshes;
        let is_stored = entry.terms.is_some() && entry.load.is_none();
        // Where nothing is scarce, hits change no times.
        let is_scarce = price > 0.0 || is_due;
        if is_stored
            && (was_idle || is_scarce && entry.hits.rate(now, memory) > RISEN * entry.planned_rate)
        {
            self.arm(id);
        }
    }

    /// What is stored is known to be no longer true: it is refreshed as soon as that is worth its
    /// price. A load in flight is as good as another one: [abandon](Self::abandon) it before, if
    /// it may have read what is old. O(log n).
    pub fn expire(&mut self, now: Time, id: u32) {
        let now = self.at(now);
        if let Some(entry) = self.entry_mut(id) {
            let since = entry.terms.map(|_| entry.stale_since.unwrap_or(now));
            entry.stale_since = since;
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

    /// A load in flight that counts for nobody counts for the id, if that has none.
    #[cfg(feature = "cache")]
    pub(crate) fn adopt(&mut self, now: Time, id: u32, key: Key) {
        self.at(now);
        if self.is_loading(id) || self.demands.contains(id) {
            return;
        }
        let Some(load) = self.loads.get_mut(key).filter(|load| load.id.is_none()) else { return };
        let Some(Some(entry)) = self.entries.get_mut(id as usize) else { return };
        load.id = Some(id);
        entry.load = Some(key);
        self.arm(id);
    }

    /// No load of the id before `until`, unless a value comes from elsewhere. A demand that is
    /// queued is not kept waiting by it. O(log n); allocates by growth.
    pub fn back_off(&mut self, now: Time, id: u32, until: Time) {
        self.at(now);
        if let Ok(entry) = self.entry_or_unknown(id) {
            (entry.retry_at, entry.barred_until) = (until, until);
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
    fn unwind(&mut self, id: u32) {
        self.crossings.set(id, None);
        self.due.set(id, None);
        self.expiring.set(id, None);
        self.timers.set(id, None);
    }

    /// Forgets all ids. Loads in flight keep their places until they are finished. O(n).
    pub fn clear(&mut self, now: Time) {
        self.at(now);
        self.entries.clear();
        self.len = 0;
        self.crossings.clear();
        self.due.clear();
        self.expiring.clear();
        self.demands.clear();
        self.timers.clear();
        self.sweep = Sweep::default();
        self.loads.iter_mut().for_each(|(_, load)| load.id = None);
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

    pub(super) fn entry_or_unknown(&mut self, id: u32) -> Result<&mut Entry, IdError> {
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

    /// By what plans are made.
    fn outlook(&self) -> Outlook {
        let Config { memory, wait_weight, idle_refreshes, .. } = self.config;
        let (price, reserve) = (self.market.price(), self.config.reserve());
        Outlook { now: self.now, price, wait_weight, idle_refreshes, memory, reserve }
    }

    /// Makes an entry's plan anew, after anything about it has changed.
    pub(super) fn arm(&mut self, id: u32) {
        let outlook = self.outlook();
        let is_demanded = self.demands.contains(id);
        let Some(entry) = self.entry_mut(id) else { return };
        let rates = entry.rates(outlook.now, outlook.memory);
        let plan = entry.plan(&outlook, rates, is_demanded);
        entry.planned_rate = rates.hits;
        let load = entry.load;
        self.sweep.note(outlook.price);
        self.crossings.set(id, plan.crossing);
        // The bits of numbers from zero on are in the order of the numbers.
        self.due.set(id, plan.due.map(|worth| Reverse(worth.to_bits())));
        self.expiring.set(id, plan.expiring);
        self.timers.set(id, plan.timer);
        if let Some((load, hard)) = load.zip(plan.raise) {
            self.raise_for_expiry(load, hard);
        }
    }
}
