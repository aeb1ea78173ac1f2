//! What a planner knows of an id.

use core::time::Duration;

use super::changes::ChangeRate;
use super::hits::HitRate;
use super::terms::Terms;
use super::value::Rates;
use crate::key::Key;
use crate::time::Time;

/// A load must start by this part of its value's life before the latest moment.
const MARGIN: u32 = 64;

/// An id that the planner was told of.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Of the value that is stored, if one is.
    pub(super) terms: Option<Terms>,
    pub(super) hits: HitRate,
    /// There was never a value.
    pub(super) is_new: bool,
    pub(super) changes: ChangeRate,
    /// The value is known to be no longer true.
    pub(super) is_stale: bool,
    /// The load in flight that counts.
    pub(super) load: Option<Key>,
    /// Somebody asked for it since the last refresh started.
    pub(super) is_touched: bool,
    /// How many refreshes started in a row for which nobody had asked.
    pub(super) idle: u32,
    /// Not loaded before.
    pub(super) retry_at: Time,
}

impl Entry {
    /// An id of which nothing is known.
    pub(super) fn unknown(now: Time) -> Self {
        Self {
            terms: None,
            hits: HitRate::unknown(now, Duration::from_secs(60)),
            is_new: true,
            changes: ChangeRate::unknown(1.0),
            is_stale: false,
            load: None,
            is_touched: false,
            idle: 0,
            retry_at: Time::ZERO,
        }
    }

    pub(super) fn rates(&self, now: Time, memory: Duration) -> Rates {
        let cost = self.terms.map_or(1.0, cost);
        Rates { hits: self.hits.rate(now, memory), changes: self.changes.rate(), cost }
    }

    /// What a refresh would be worth now.
    pub(super) fn worth(&self, now: Time, memory: Duration) -> f64 {
        let rates = self.rates(now, memory);
        match self.terms {
            Some(terms) if !self.is_stale => {
                rates.value(now.saturating_since(terms.stored).as_secs_f64())
            }
            _ => rates.most(),
        }
    }

    /// When a refresh will be worth the price, whatever else stands against it.
    pub(super) fn crossing(&self, now: Time, memory: Duration, price: f64) -> Option<Time> {
        let terms = self.terms?;
        let rates = self.rates(now, memory);
        let crossing = if self.is_stale {
            (rates.most() > price).then_some(now)?
        } else {
            let age = Duration::from_secs_f64(rates.crossing(price)?.min(1e9));
            (terms.stored + age).max(terms.not_before)
        };
        Some(crossing.max(self.retry_at))
    }

    /// What it is worth that the value doesn't go: true answers, and a wait that nobody has, if
    /// somebody will ask. A load that will be wanted anyway costs nothing more.
    pub(super) fn keep_worth(&self, now: Time, memory: Duration, wait_weight: f64) -> f64 {
        let Some(terms) = self.terms else { return 0.0 };
        let rates = self.rates(now, memory);
        let life = terms.hard.saturating_since(terms.stored).as_secs_f64();
        let waits = libm::expm1((rates.hits * life).min(50.0)) * wait_weight;
        (rates.hits / rates.changes + waits) / rates.cost
    }

    /// When the load must be due that comes before the hard expiry: so long before its latest
    /// start as its token may take, but not for more than a small part of the value's life. The
    /// end of time without an expiry.
    pub(super) fn latest_start(&self, reserve: Duration) -> Time {
        match self.terms {
            Some(Terms { hard, stored, lead, .. }) if hard < Time::MAX => {
                let life = hard.saturating_since(stored);
                hard - lead - (lead / 4).max(life / MARGIN) - reserve.min(life / 16)
            }
            _ => Time::MAX,
        }
    }
}

pub(super) fn cost(terms: Terms) -> f64 {
    match terms.cost.is_finite() && terms.cost > 0.0 {
        true => terms.cost,
        false => 1.0,
    }
}
