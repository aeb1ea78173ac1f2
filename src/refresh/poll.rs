//! What is to be done next.

use core::time::Duration;

use super::config::Config;
use super::entry::SLACK;
use super::planner::{Load, Planner};
use super::terms::{Next, Urgency};
use crate::key::Key;
use crate::time::Time;

/// A poll looks at so many things that need nothing done, at most.
const MOST_STEPS: usize = 64;

/// So many plans are made anew by one poll after the price fell.
const SWEPT_A_POLL: usize = 128;

/// The pause before a poll goes on that has looked at enough.
const PAUSE: Duration = Duration::from_micros(100);

/// Why no refresh starts.
enum Held {
    /// None is due.
    Idle,
    /// There is no place; the end of a load brings the next poll.
    Place,
    /// There is no token before this time.
    Token(Time),
    /// Too many were not due any more; there may be others.
    Busy,
}

impl Planner {
    /// What to do next: do it, and ask again until it says to wait. O(log n), and a bounded number
    /// of such looks.
    ///
    /// In this order: loads that are overdue and values that expire, loads in flight that become
    /// more urgent, demands, entries that would expire, refreshes that are worth their price.
    pub fn poll(&mut self, now: Time) -> Next {
        let now = self.at(now);
        let taken = f64::from(self.refreshes) / f64::from(self.config.places(Urgency::Refresh));
        self.market.look(now, taken, self.len);
        self.sweep_some();
        let first = self.lapsed(now).or_else(|| self.expired(now)).or_else(|| self.next_raise());
        if let Some(next) = first.or_else(|| self.start_demand(now)) {
            return next;
        }
        match self.start_refresh(now) {
            Ok(next) => next,
            Err(held) => Next::Wait(self.next_look(now, &held)),
        }
    }

    /// Goes on with what a fall of the price made necessary.
    fn sweep_some(&mut self) {
        self.sweep.see(self.market.price(), SLACK);
        for _ in 0..SWEPT_A_POLL {
            // Ids are below the bound, which is one of `u32`.
            let Some(id) = self.sweep.step(self.entries.len() as u32) else { return };
            self.arm(id);
        }
    }

    /// A load whose time is over.
    fn lapsed(&mut self, now: Time) -> Option<Next> {
        let (_, slot) = self.leases.due(now)?;
        let (load, _) = self.loads.at_slot(slot)?;
        self.overdue(load)
    }

    /// Looks at entries whose latest start has come, up to one whose value goes.
    fn expired(&mut self, now: Time) -> Option<Next> {
        for _ in 0..MOST_STEPS {
            let (_, id) = self.timers.due(now)?;
            let entry = self.entry_mut(id)?;
            let is_over = entry.terms.is_none_or(|terms| terms.hard <= now);
            if is_over {
                (entry.terms, entry.stale_since) = (None, None);
            }
            self.arm(id);
            if is_over {
                return Some(Next::Expired { id });
            }
        }
        None
    }

    fn has_place(&self, urgency: Urgency) -> bool {
        let is_full = self.in_flight() >= self.config.concurrent;
        !is_full && self.refreshes < self.config.places(urgency)
    }

    fn overdue(&mut self, load: Key) -> Option<Next> {
        let id = self.release(load)?.id;
        if let Some(entry) = id.and_then(|id| self.entry_mut(id)) {
            entry.load = None;
        }
        id.into_iter().for_each(|id| self.arm(id));
        Some(Next::Overdue { id, load })
    }

    /// The latest start has come, and the load is in flight.
    pub(super) fn raise_for_expiry(&mut self, key: Key, hard: Time) {
        let Some(load) = self.loads.get_mut(key) else { return };
        if load.urgency == Urgency::Refresh {
            load.urgency = Urgency::Expiring { hard };
            if !core::mem::replace(&mut load.is_raised, true) {
                self.raises.push_back(key);
            }
        }
    }

    fn next_raise(&mut self) -> Option<Next> {
        while let Some(key) = self.raises.pop_front() {
            let Some(load) = self.loads.get_mut(key) else { continue };
            load.is_raised = false;
            if let (Some(id), Some(deadline)) = (load.id, deadline(load.urgency)) {
                return Some(Next::Raise { id, load: key, deadline });
            }
        }
        None
    }

    fn start_demand(&mut self, now: Time) -> Option<Next> {
        if self.in_flight() >= self.config.concurrent {
            return None;
        }
        let (id, rank) = self.demands.pop()?;
        let cost = self.entry(id)?.cost();
        self.market.borrow(now, cost);
        Some(self.start(now, id, Urgency::Demanded { deadline: rank.deadline }))
    }

    /// Those whose refresh may have become worth the price are due, or looked at later.
    fn collect_due(&mut self, now: Time) {
        for _ in 0..MOST_STEPS {
            let Some((_, id)) = self.crossings.due(now) else { return };
            self.arm(id);
        }
    }

    /// Starts the first refresh: of what would expire, or what is worth most.
    ///
    /// The price may have risen, or the entry be asked for less often: plans are made anew.
    fn start_refresh(&mut self, now: Time) -> Result<Next, Held> {
        self.collect_due(now);
        for _ in 0..MOST_STEPS {
            let expiring = self.expiring.first();
            let due = self.due.first().map(|(_, id)| id);
            let id = expiring.map(|(_, id)| id).or(due).ok_or(Held::Idle)?;
            self.arm(id);
            let urgency = match expiring {
                Some((hard, _)) if self.expiring.at(id).is_some() => Urgency::Expiring { hard },
                None if self.due.at(id).is_some() => Urgency::Refresh,
                _ => continue,
            };
            self.judge(now, id, urgency)?;
            self.pay(now, id, urgency)?;
            return Ok(self.start(now, id, urgency));
        }
        Err(Held::Busy)
    }

    /// What isn't quite worth the price waits until it is, or until there are more tokens. The
    /// others are worth less.
    fn judge(&mut self, now: Time, id: u32, urgency: Urgency) -> Result<(), Held> {
        let Some(entry) = self.entry(id) else { return Err(Held::Busy) };
        if urgency != Urgency::Refresh || self.crossings.at(id).is_none() {
            return Ok(());
        }
        let worth = entry.worth(now, entry.rates(now, self.config.memory));
        match self.market.yields_at(now, worth) {
            Some(at) if at <= now => Ok(()),
            Some(at) => Err(Held::Token(at)),
            None => Err(Held::Idle),
        }
    }

    /// Takes a place and a refresh's tokens.
    fn pay(&mut self, now: Time, id: u32, urgency: Urgency) -> Result<(), Held> {
        let Config { memory, wait_weight, .. } = self.config;
        let Some(entry) = self.entry(id) else { return Err(Held::Busy) };
        let rates = entry.rates(now, memory);
        let (cost, worth) = (rates.cost, entry.worth(now, rates));
        let kept = entry.keep_worth(rates, wait_weight);
        let lead = entry.terms.map(|terms| terms.lead).unwrap_or_default();
        let (is_expiring, presses) = match urgency {
            // What has time to wait for its turn says nothing of the price.
            Urgency::Expiring { hard } => {
                (true, self.market.ready_at(cost).max(now) + lead >= hard)
            }
            // Nor does what isn't quite worth it.
            _ => (false, self.crossings.at(id).is_none()),
        };
        self.market.bid(if is_expiring { worth.max(kept) } else { worth });
        if !self.has_place(urgency) {
            self.market.crowd(worth, presses);
            return Err(Held::Place);
        }
        if !self.market.has(now, cost, worth, presses) {
            return Err(Held::Token(self.market.ready_at(cost)));
        }
        self.market.spend(cost, (!is_expiring).then_some(worth));
        Ok(())
    }

    fn start(&mut self, now: Time, id: u32, urgency: Urgency) -> Next {
        let is_refresh = !matches!(urgency, Urgency::Demanded { .. });
        let mut age = None;
        if let Some(entry) = self.entry_mut(id) {
            age = entry.terms.map(|terms| now.saturating_since(terms.stored).as_secs_f64());
            if is_refresh {
                entry.idle = if entry.is_touched { 0 } else { entry.idle + 1 };
                entry.is_touched = false;
            }
        }
        let load = Load { id: Some(id), urgency, is_raised: false, is_refresh, age };
        let load = self.loads.insert(load);
        self.refreshes += u32::from(is_refresh);
        let until = now + self.config.load_timeout;
        self.leases.set(load.slot(), Some(until));
        if let Some(entry) = self.entry_mut(id) {
            entry.load = Some(load);
        }
        self.arm(id);
        Next::Load { id, load, urgency, until }
    }

    /// When there may be something to do again: after `now`.
    fn next_look(&self, now: Time, held: &Held) -> Option<Time> {
        let soon = now + PAUSE;
        let timers = [self.leases.first(), self.timers.first(), self.crossings.first()];
        let token = match held {
            Held::Token(at) => Some(*at),
            _ => None,
        };
        let is_busy = self.sweep.is_under_way() || matches!(held, Held::Busy);
        let market = self.market.next_look().filter(|_| self.len > 0);
        let others = [token, market, is_busy.then_some(soon)];
        let timers = timers.into_iter().flatten().map(|(at, _)| at);
        let next = timers.chain(others.into_iter().flatten()).min()?;
        // What is due already was too much for one poll.
        let next = if next > now { next } else { soon };
        (next > now).then_some(next)
    }
}

/// When a load must be done, if it must.
const fn deadline(urgency: Urgency) -> Option<Time> {
    match urgency {
        Urgency::Demanded { deadline } => deadline,
        Urgency::Expiring { hard } => Some(hard),
        Urgency::Refresh => None,
    }
}
