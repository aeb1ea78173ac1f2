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

/// Crossing times are kept for a price that is lower by so much: as long as the price falls by
/// less, none is too late.
pub(super) const SLACK: f64 = 0.9;

/// Costs are between these.
const COSTS: (f64, f64) = (1e-9, 1e9);

/// An id that the planner was told of.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Of the value that is stored, if one is.
    pub(super) terms: Option<Terms>,
    pub(super) hits: HitRate,
    /// There was never a value.
    pub(super) is_new: bool,
    pub(super) changes: ChangeRate,
    /// Since when the value is known to be no longer true.
    pub(super) stale_since: Option<Time>,
    /// The load in flight that counts.
    pub(super) load: Option<Key>,
    /// Somebody asked for it since the last refresh started.
    pub(super) is_touched: bool,
    /// How many refreshes started in a row for which nobody had asked.
    pub(super) idle: u32,
    /// Not refreshed before.
    pub(super) retry_at: Time,
    /// Not loaded before, whoever wants it.
    pub(super) barred_until: Time,
    /// The hit rate by which its plan was made.
    pub(super) planned_rate: f64,
}

/// By what plans are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    pub(super) now: Time,
    pub(super) price: f64,
    pub(super) wait_weight: f64,
    pub(super) idle_refreshes: u32,
    pub(super) memory: Duration,
    pub(super) reserve: Duration,
}

/// What is to be done about an entry, and when: every order of the planner follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// A refresh is worth its price from then on, or is to be looked at.
    pub(super) crossing: Option<Time>,
    /// A refresh is worth its price now, or nearly: so much.
    pub(super) due: Option<f64>,
    /// It must be loaded now, for its value goes at this time and is worth keeping.
    pub(super) expiring: Option<Time>,
    /// It is to be looked at again: at its latest start, or when its value goes.
    pub(super) timer: Option<Time>,
    /// Its load in flight is to be done by then.
    pub(super) raise: Option<Time>,
}

impl Entry {
    /// An id of which nothing is known.
    pub(super) fn unknown(now: Time) -> Self {
        Self {
            terms: None,
            hits: HitRate::unknown(now, Duration::from_secs(60)),
            is_new: true,
            changes: ChangeRate::unknown(1.0),
            stale_since: None,
            load: None,
            is_touched: false,
            idle: 0,
            retry_at: Time::ZERO,
            barred_until: Time::ZERO,
            planned_rate: 0.0,
        }
    }

    pub(super) fn cost(&self) -> f64 {
        self.terms.map_or(1.0, cost)
    }

    pub(super) fn rates(&self, now: Time, memory: Duration) -> Rates {
        let hits = self.hits.rate(now, memory);
        Rates { hits, changes: self.changes.rate(), cost: self.cost() }
    }

    /// What a refresh would be worth now.
    pub(super) fn worth(&self, now: Time, rates: Rates) -> f64 {
        match self.terms {
            Some(terms) if self.stale_since.is_none() => {
                rates.value(now.saturating_since(terms.stored).as_secs_f64())
            }
            _ => rates.most(),
        }
    }

    /// What it is worth that the value doesn't go.
    pub(super) fn keep_worth(&self, rates: Rates, wait_weight: f64) -> f64 {
        let Some(terms) = self.terms else { return 0.0 };
        let life = terms.hard.saturating_since(terms.stored).as_secs_f64();
        rates.keeping(life, wait_weight)
    }

    /// What is to be done about it, and when, as things stand.
    pub(super) fn plan(&self, outlook: &Outlook, rates: Rates, is_demanded: bool) -> Plan {
        let Some(terms) = &self.terms else { return Plan::default() };
        let now = outlook.now;
        let hard = (terms.hard < Time::MAX).then_some(terms.hard);
        let mut plan = Plan { timer: hard, ..Plan::default() };
        let latest = latest_start(terms, outlook.reserve);
        if self.load.is_some() {
            match hard {
                Some(hard) if latest > now => plan.timer = Some(latest.min(hard)),
                Some(hard) if hard > now => plan.raise = Some(hard),
                _ => {}
            }
            return plan;
        }
        let is_over = hard.is_some_and(|hard| hard <= now);
        if is_over || is_demanded || self.idle >= outlook.idle_refreshes {
            return plan;
        }
        let earliest = self.stale_since.unwrap_or(terms.not_before).max(self.retry_at);
        let urgent_at = latest.max(earliest);
        if let Some(hard) = hard.filter(|&hard| urgent_at < hard) {
            if urgent_at > now {
                plan.timer = Some(urgent_at);
            } else if self.keep_worth(rates, outlook.wait_weight) >= outlook.price {
                return Plan { expiring: Some(hard), ..plan };
            }
        }
        let mut at = |price| {
            let at = self.crossing(terms, rates, price).map(|at| at.max(earliest));
            plan.crossing = at.filter(|&at| at < terms.hard);
            plan.crossing.is_some_and(|at| at <= now)
        };
        if at(SLACK * outlook.price) {
            // It is nearly due, at least: for when tokens would go to waste.
            if at(outlook.price) {
                plan.crossing = None;
            }
            plan.due = Some(self.worth(now, rates));
        }
        plan
    }

    /// When a refresh will be worth a price, whatever else stands against it.
    fn crossing(&self, terms: &Terms, rates: Rates, price: f64) -> Option<Time> {
        if self.stale_since.is_some() {
            return (rates.most() > price).then_some(terms.stored);
        }
        let age = Duration::from_secs_f64(rates.crossing(price)?.min(1e9));
        Some(terms.stored + age)
    }
}

/// When the load must be due that comes before the hard expiry: so long before its latest start as
/// its token may take, but not for more than a small part of the value's life. The end of time
/// without an expiry.
fn latest_start(terms: &Terms, reserve: Duration) -> Time {
    let Terms { hard, stored, lead, .. } = *terms;
    if hard == Time::MAX {
        return hard;
    }
    let life = hard.saturating_since(stored);
    hard - lead - (lead / 4).max(life / MARGIN) - reserve.min(life / 16)
}

/// What is no cost, or too far from one to be counted with, is made one.
fn cost(terms: Terms) -> f64 {
    match terms.cost.is_finite() && terms.cost > 0.0 {
        true => terms.cost.clamp(COSTS.0, COSTS.1),
        false => 1.0,
    }
}
