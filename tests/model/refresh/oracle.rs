//! The policy, stated naively: entries, loads and demands in plain lists, searched from end to end.
//!
//! The price is the planner's own, and so are the rates at which plans are made, once they are
//! found to be what was seen.

use core::time::Duration;

use punctual::key::Key;
use punctual::refresh::{Config, Demand, Learned, Rates, Terms, Urgency};
use punctual::time::Time;

use super::rates::Seen;

/// What is worth this share of the price is worth it nearly.
pub(crate) const SHARE: f64 = 0.9;

/// So much more often must be asked for what is to be planned anew.
const RISEN: f64 = 1.1;

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) terms: Option<Terms>,
    pub(crate) seen: Seen,
    /// What the planner has learned of it, as of the present.
    pub(crate) rates: Learned,
    pub(crate) was_stored: bool,
    pub(crate) stale_since: Option<Time>,
    pub(crate) load: Option<Key>,
    pub(crate) is_touched: bool,
    pub(crate) idle: u32,
    /// Not refreshed before.
    pub(crate) retry_at: Time,
    /// Not loaded before, whoever wants it.
    pub(crate) barred_until: Time,
    planned_rate: f64,
    pub(crate) plan: Plan,
}

/// When something is to be done about an entry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    /// When a refresh becomes worth the price, or nearly.
    pub(crate) refresh: Option<Time>,
    /// It is worth so much, which is the price, or nearly.
    pub(crate) worth: Option<f64>,
    pub(crate) rescue: Option<Time>,
    pub(crate) look: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) key: Key,
    pub(crate) id: Option<u32>,
    pub(crate) urgency: Urgency,
    pub(crate) is_refresh: bool,
    pub(crate) until: Time,
    pub(crate) age: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) id: u32,
    pub(crate) deadline: Option<Time>,
    /// By when it is put in order, and in the order of what came first.
    pub(crate) rank: (Time, u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    pub(crate) config: Config,
    pub(crate) now: Time,
    pub(crate) price: f64,
    highest_price: f64,
    pub(crate) entries: Vec<Option<Entry>>,
    pub(crate) loads: Vec<Load>,
    pub(crate) demands: Vec<Wanted>,
    pub(crate) demanded: u64,
    /// Loads whose urgency is to be told.
    pub(crate) raises: Vec<Key>,
}

impl Entry {
    fn new(now: Time) -> Self {
        let seen = Seen::nothing(now);
        Self {
            terms: None,
            rates: seen.learned(now, Duration::from_secs(1)),
            seen,
            was_stored: false,
            stale_since: None,
            load: None,
            is_touched: false,
            idle: 0,
            retry_at: Time::ZERO,
            barred_until: Time::ZERO,
            planned_rate: 0.0,
            plan: Plan::default(),
        }
    }

    pub(crate) fn cost(&self) -> f64 {
        let cost = self.terms.map_or(1.0, |terms| terms.cost);
        if cost.is_finite() && cost > 0.0 { cost.clamp(1e-9, 1e9) } else { 1.0 }
    }

    fn market(&self) -> Rates {
        Rates { hits: self.rates.hit_rate, changes: self.rates.change_rate, cost: self.cost() }
    }

    /// When a refresh is worth a price and may start, if that is before the value goes.
    fn crossing(&self, terms: &Terms, price: f64, earliest: Time) -> Option<Time> {
        let age = match self.stale_since {
            None => self.market().crossing(price),
            Some(_) => (self.market().most() > price).then_some(0.0),
        };
        let at = age.map(|age| terms.stored + Duration::from_secs_f64(age.min(1e9)));
        at.map(|at| at.max(earliest)).filter(|&at| at < terms.hard)
    }

    pub(crate) fn worth(&self, now: Time, terms: &Terms) -> f64 {
        let age = now.saturating_since(terms.stored).as_secs_f64();
        let is_stale = self.stale_since.is_some();
        if is_stale { self.market().most() } else { self.market().value(age) }
    }

    /// From when on it may be loaded without a demand.
    pub(crate) fn earliest(&self, terms: &Terms) -> Time {
        self.stale_since.unwrap_or(terms.not_before).max(self.retry_at)
    }
}

/// Before its hard expiry, a value needs its load's time and a margin, and time for its token.
fn latest_start(terms: &Terms, config: &Config) -> Time {
    let life = terms.hard.saturating_since(terms.stored);
    let token = config.loads_per_second.map_or(0.0, |rate| f64::from(config.burst) / rate);
    let token = Duration::from_secs_f64(token.min(1e9)).min(life / 16);
    terms.hard - terms.lead - (terms.lead / 4).max(life / 64) - token
}

impl Oracle {
    pub(crate) fn new(config: Config, now: Time) -> Self {
        let entries = vec![None; config.bound as usize];
        Self {
            config,
            now,
            price: 0.0,
            highest_price: 0.0,
            entries,
            loads: Vec::new(),
            demands: Vec::new(),
            demanded: 0,
            raises: Vec::new(),
        }
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Entry> {
        self.entries.get(id as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)?.as_mut()
    }

    /// The entry of an id that is below the bound.
    pub(crate) fn get_or_new(&mut self, id: u32) -> Option<&mut Entry> {
        let now = self.now;
        Some(self.entries.get_mut(id as usize)?.get_or_insert_with(|| Entry::new(now)))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..).zip(&self.entries).filter_map(|(id, entry)| Some((id, entry.as_ref()?)))
    }

    fn knows(&self, id: u32) -> bool {
        self.get(id).is_some()
    }

    pub(crate) fn is_demanded(&self, id: u32) -> bool {
        self.demands.iter().any(|wanted| wanted.id == id)
    }

    pub(crate) fn load(&self, key: Key) -> Option<&Load> {
        self.loads.iter().find(|load| load.key == key)
    }

    /// The price has moved; if it has fallen by much, every plan is made anew.
    pub(crate) fn set_price(&mut self, price: f64) {
        self.price = price;
        if price < SHARE * self.highest_price {
            self.highest_price = price;
            (0..self.config.bound).for_each(|id| self.plan(id));
        }
        self.highest_price = self.highest_price.max(price);
    }

    /// Plans an entry anew.
    pub(crate) fn plan(&mut self, id: u32) {
        let (now, price, is_demanded) = (self.now, self.price, self.is_demanded(id));
        let config = self.config;
        self.highest_price = self.highest_price.max(if self.knows(id) { price } else { 0.0 });
        let Some(entry) = self.get_mut(id) else { return };
        entry.planned_rate = entry.rates.hit_rate;
        entry.plan = Plan::default();
        let Some(terms) = entry.terms else { return };
        let is_mortal = terms.hard < Time::MAX;
        entry.plan.look = is_mortal.then_some(terms.hard);
        let latest = if is_mortal { latest_start(&terms, &config) } else { Time::MAX };
        if let Some(load) = entry.load {
            if is_mortal && now < latest {
                entry.plan.look = Some(latest);
            } else if is_mortal && now < terms.hard {
                self.hasten(load, terms.hard);
            }
            return;
        }
        if is_demanded || entry.idle >= config.idle_refreshes || (is_mortal && terms.hard <= now) {
            return;
        }
        let earliest = entry.earliest(&terms);
        let urgent_at = latest.max(earliest);
        let life = terms.hard.saturating_since(terms.stored).as_secs_f64();
        if is_mortal && now < urgent_at && urgent_at < terms.hard {
            entry.plan.look = Some(urgent_at);
        } else if is_mortal && urgent_at <= now {
            let keeping = entry.market().keeping(life, config.wait_weight);
            if keeping >= price {
                entry.plan.rescue = Some(terms.hard);
                return;
            }
        }
        let nearly = entry.crossing(&terms, SHARE * price, earliest);
        let quite = entry.crossing(&terms, price, earliest);
        entry.plan.refresh = match nearly {
            Some(at) if at <= now => {
                entry.plan.worth = Some(entry.worth(now, &terms));
                quite.filter(|&at| at > now)
            }
            later => later,
        };
    }

    /// A refresh in flight is to be done by the hard expiry.
    fn hasten(&mut self, key: Key, hard: Time) {
        let Some(load) = self.loads.iter_mut().find(|load| load.key == key) else { return };
        if load.urgency == Urgency::Refresh {
            load.urgency = Urgency::Expiring { hard };
            self.tell(key);
        }
    }

    /// Somebody waits for a load in flight.
    pub(crate) fn await_load(&mut self, key: Key, deadline: Option<Time>) {
        let Some(load) = self.loads.iter_mut().find(|load| load.key == key) else { return };
        let Some(deadline) = deadline else { return };
        if until(load.urgency).is_none_or(|before| deadline < before) {
            load.urgency = Urgency::Demanded { deadline: Some(deadline) };
            self.tell(key);
        }
    }

    fn tell(&mut self, key: Key) {
        if !self.raises.contains(&key) {
            self.raises.push(key);
        }
    }

    /// It was asked for; the rates are of now.
    pub(crate) fn touch(&mut self, id: u32, rates: Learned) {
        let (most, price) = (self.config.idle_refreshes, self.price);
        let Some(entry) = self.get_mut(id) else { return };
        entry.rates = rates;
        entry.is_touched = true;
        let was_idle = core::mem::take(&mut entry.idle) >= most;
        let is_stored = entry.terms.is_some() && entry.load.is_none();
        let is_scarce = price > 0.0 || entry.plan.worth.is_some();
        if is_stored && (was_idle || is_scarce && rates.hit_rate > RISEN * entry.planned_rate) {
            self.plan(id);
        }
    }

    /// Somebody wants an id.
    pub(crate) fn demand(&mut self, id: u32, deadline: Option<Time>) -> Demand {
        let most = self.now + self.config.load_timeout;
        let by = deadline.unwrap_or(most).min(most);
        if let Some(before) = self.demands.iter_mut().find(|wanted| wanted.id == id) {
            before.rank.0 = before.rank.0.min(by);
            before.deadline = before.deadline.into_iter().chain(deadline).min();
            return Demand::Queued;
        }
        if let Some(load) = self.get(id).and_then(|entry| entry.load) {
            self.await_load(load, deadline);
            return Demand::Joined(load);
        }
        let barred_until = self.get(id).map_or(Time::ZERO, |entry| entry.barred_until);
        if self.now < barred_until {
            return Demand::BackedOff(barred_until);
        }
        let is_full = self.demands.len() >= self.config.demand_bound as usize;
        if is_full || self.get_or_new(id).is_none() {
            return Demand::Full;
        }
        self.demands.push(Wanted { id, deadline, rank: (by, self.demanded) });
        self.demanded += 1;
        Demand::Queued
    }

    /// Forgets all but the loads in flight.
    pub(crate) fn forget(&mut self) {
        self.entries.fill(None);
        self.highest_price = 0.0;
    }

    /// A load's end; which id it was for.
    pub(crate) fn release(&mut self, key: Key) -> Option<Load> {
        let at = self.loads.iter().position(|load| load.key == key)?;
        self.raises.retain(|&raised| raised != key);
        Some(self.loads.remove(at))
    }

    pub(crate) fn abandon(&mut self, id: u32) {
        let Some(key) = self.get_mut(id).and_then(|entry| entry.load.take()) else { return };
        let load = self.loads.iter_mut().find(|load| load.key == key);
        load.expect("what is current is in flight").id = None;
        self.raises.retain(|&raised| raised != key);
    }
}

/// By when a load is to be done.
pub(crate) const fn until(urgency: Urgency) -> Option<Time> {
    match urgency {
        Urgency::Demanded { deadline } => deadline,
        Urgency::Expiring { hard } => Some(hard),
        Urgency::Refresh => None,
    }
}
