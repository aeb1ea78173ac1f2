//! What the cache holds, and what is true meanwhile.

use alloc::vec::Vec;
use core::time::Duration;

use super::optimum::Rates;
use super::{Entries, RefreshSimulation};
use crate::refresh::Terms;
use crate::simulation::random::{Random, scaled};
use crate::time::Time;

/// So many changes are drawn one by one when an entry is looked at; what changed more often than
/// that meanwhile has changed, and when it does so next is drawn anew.
const MOST_CHANGES: u32 = 1 << 10;

/// The truth about an entry: a number that grows at random moments. They are drawn from a
/// generator of the entry's own, so that no policy has an influence on them.
#[derive(Debug)]
struct Truth {
    random: Random,
    version: u64,
    next_change: Time,
}

/// A value in the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) version: u64,
    /// When it was read from the backend.
    pub(super) stored: Time,
    pub(super) soft: Time,
    pub(super) hard: Time,
    /// When it came into the cache.
    pub(super) since: Time,
}

impl Held {
    /// For how long its hard expiry has passed while it was in the cache.
    pub(super) fn overstay(&self, now: Time) -> Duration {
        now.saturating_since(self.hard.max(self.since))
    }
}

/// Somebody waits for a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) asked: Time,
    pub(super) until: Time,
}

#[derive(Debug)]
pub(super) struct Entry {
    truth: Truth,
    soft_ttl_ns: u64,
    pub(super) rates: Rates,
    pub(super) is_hot: bool,
    pub(super) held: Option<Held>,
    /// How many loads for it are in flight.
    pub(super) loading: u32,
    pub(super) waiters: Vec<Waiter>,
}

impl Entry {
    /// The version that is true at this moment.
    pub(super) fn version(&mut self, now: Time) -> u64 {
        let (truth, changes) = (&mut self.truth, self.rates.changes);
        for _ in 0..MOST_CHANGES {
            if truth.next_change > now {
                return truth.version;
            }
            truth.version += 1;
            truth.next_change = later(truth.next_change, changes, &mut truth.random);
        }
        truth.next_change = later(now, changes, &mut truth.random);
        truth.version
    }

    /// What is held, unless it may not be answered any more.
    pub(super) fn servable(&self, now: Time) -> Option<Held> {
        self.held.filter(|held| now < held.hard)
    }
}

fn later(at: Time, rate: f64, random: &mut Random) -> Time {
    if rate <= 0.0 {
        return Time::MAX;
    }
    let pause_ns = (random.exponential() / rate * 1e9) as u64;
    Time::from_nanos(at.as_nanos().saturating_add(pause_ns.max(1)))
}

/// All entries.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    /// When the simulation starts: late enough for the oldest value.
    pub(super) start: Time,
    hard_factor: f64,
    jitter: f64,
    refresh_after: f64,
    random: Random,
}

impl Contents {
    /// What is drawn depends on nothing but the seed and the description.
    pub(super) fn new(simulation: &RefreshSimulation, usage: u64) -> Self {
        let Entries { soft_ttl, hard_factor, jitter, refresh_after, .. } = simulation.entries;
        let start = simulation.start();
        let rates = simulation.rates();
        let is_hot = hottest(&rates, simulation.entries.hot_share);
        let mut random = Random::new(simulation.seed, usage);
        let entries = rates.into_iter().zip(is_hot).map(|(rates, is_hot)| {
            let mut own = Random::new(random.below(u64::MAX), usage);
            let next_change = later(start, rates.changes, &mut own);
            Entry {
                truth: Truth { random: own, version: 0, next_change },
                soft_ttl_ns: soft_ttl.draw_ns(&mut random),
                rates,
                is_hot,
                held: None,
                loading: 0,
                waiters: Vec::new(),
            }
        });
        let entries = entries.collect();
        Self { entries, start, hard_factor, jitter, refresh_after, random }
    }

    /// Gives each entry a value of a random age, at most this multiple of its soft TTL. Those that
    /// would be past their hard expiry start without.
    pub(super) fn warm(&mut self, most_age: f64) {
        for id in 0..self.entries.len() as u32 {
            let entry = &self.entries[id as usize];
            let age_ns = scaled(entry.soft_ttl_ns, most_age * self.random.unit());
            // It was true when it was read, and the numbering starts only now.
            let changes = entry.rates.changes * age_ns as f64 / 1e9;
            let version = if self.random.exponential() < changes { u64::MAX } else { 0 };
            let stored = self.start.as_nanos().saturating_sub(age_ns);
            let held = self.held(id, version, Time::from_nanos(stored), self.start);
            if held.hard > self.start {
                self.entries[id as usize].held = Some(held);
            }
        }
    }

    /// A value that was read at one moment and came at another.
    pub(super) fn held(&mut self, id: u32, version: u64, stored: Time, since: Time) -> Held {
        let ttl_ns = self.entries[id as usize].soft_ttl_ns;
        let soft_ns = scaled(ttl_ns, 1.0 - self.jitter * self.random.unit()).max(1);
        let later = |ns: u64| Time::from_nanos(stored.as_nanos().saturating_add(ns));
        let hard = match self.hard_factor.is_finite() {
            true => later(scaled(soft_ns, self.hard_factor)),
            false => Time::MAX,
        };
        Held { version, stored, soft: later(soft_ns), hard, since }
    }

    /// What a planner is told of a value; loads are believed to take so long.
    pub(super) fn terms(&self, id: u32, held: Held, lead_ns: u64) -> Terms {
        let entry = &self.entries[id as usize];
        let fresh_ns = held.soft.as_nanos() - held.stored.as_nanos();
        let after_ns = scaled(fresh_ns, self.refresh_after).saturating_sub(lead_ns);
        Terms {
            stored: held.stored,
            not_before: Time::from_nanos(held.stored.as_nanos().saturating_add(after_ns)),
            soft: held.soft,
            hard: held.hard,
            lead: Duration::from_nanos(lead_ns),
            cost: entry.rates.cost,
            // What a cache expects that knows nothing but its TTL.
            change_rate: 1e9 / entry.soft_ttl_ns as f64,
        }
    }
}

/// Which entries are among this share of those that are asked for most often.
fn hottest(rates: &[Rates], share: f64) -> Vec<bool> {
    let mut ids: Vec<usize> = (0..rates.len()).collect();
    ids.sort_by(|&a, &b| rates[b].accesses.total_cmp(&rates[a].accesses));
    let mut is_hot: Vec<bool> = rates.iter().map(|_| false).collect();
    let count = (share * rates.len() as f64) as usize;
    ids.iter().take(count).for_each(|&id| is_hot[id] = true);
    is_hot
}
