//! What is to be done next.

use core::time::Duration;

use super::entry::cost;
use super::planner::{Load, Planner, SLACK};
use super::terms::{Next, Urgency};
use crate::key::Key;
use crate::time::Time;

/// A poll looks at so many things that need nothing done, at most.
const MOST_STEPS: usize = 64;

/// So many crossing times are made anew by one poll after the price fell.
const SWEPT_A_POLL: usize = 256;

/// The pause before a poll goes on that has looked at enough.
const PAUSE: Duration = Duration::from_micros(100);

/// What a look at the refreshes that are due came to.
enum Look {
    Found(Next),
    /// There may be more.
    Again,
    /// Nothing before this time.
    Wait(Option<Time>),
}

impl Planner {
    /// What to do next: do it, and ask again. Bounded work; O(log n) amortised.
    ///
    /// In this order: loads that are overdue and values that expire, loads in flight that become
    /// more urgent, demands, entries that would expire, refreshes that are worth their price.
    pub fn poll(&mut self, now: Time) -> Next {
        let now = self.at(now);
        self.look_at_market(now);
        let is_swept = self.sweep_some();
        for _ in 0..MOST_STEPS {
            if let Some(next) = self.timers(now) {
                return next;
            }
            if let Some(next) = self.next_raise().or_else(|| self.start_demand(now)) {
                return next;
            }
            let look = match self.look_at_expiring(now) {
                // Those that would expire go first, also where they wait for a token.
                Look::Wait(None) if self.expiring.is_empty() => self.look_at_crossings(now),
                look => look,
            };
            let until = match look {
                Look::Found(next) => return next,
                Look::Again => continue,
                Look::Wait(until) => self.next_timer(until),
            };
            return Next::Wait(if is_swept { until } else { earlier(until, Some(now + PAUSE)) });
        }
        Next::Wait(Some(now + PAUSE))
    }

    fn look_at_market(&mut self, now: Time) {
        self.market.look(now);
        let price = self.market.price();
        self.sweep.highest_since = self.sweep.highest_since.max(price);
        self.sweep.highest = self.sweep.highest.max(price);
        if self.sweep.at.is_none() && price < SLACK * self.sweep.highest {
            self.sweep.at = Some(0);
            self.sweep.highest_since = price;
        }
    }

    /// Goes on with a sweep; says whether none is under way.
    fn sweep_some(&mut self) -> bool {
        let Some(at) = self.sweep.at else { return true };
        let end = self.entries.len().min(at + SWEPT_A_POLL);
        for id in at..end {
            // Ids are below the bound, which is one of `u32`.
            self.arm_earlier(id as u32);
        }
        if end < self.entries.len() {
            self.sweep.at = Some(end);
            return false;
        }
        self.sweep.at = None;
        self.sweep.highest = self.sweep.highest_since;
        true
    }

    /// Timers that are due.
    fn timers(&mut self, now: Time) -> Option<Next> {
        let ticks = now.as_nanos();
        if let Some((slot, _)) = self.leases.pop_due(ticks)
            && let Some((load, _)) = self.loads.at_slot(slot)
        {
            return self.overdue(load);
        }
        if let Some((id, _)) = self.hard_expiries.pop_due(ticks) {
            self.unwind(id);
            if let Some(entry) = self.entry_mut(id) {
                (entry.terms, entry.is_stale) = (None, false);
            }
            return Some(Next::Expired { id });
        }
        for _ in 0..MOST_STEPS {
            let (id, _) = self.latest_starts.pop_due(ticks)?;
            let hard = self.entry(id).and_then(|entry| entry.terms).map(|terms| terms.hard);
            self.expire_soon(id, hard?);
        }
        None
    }

    fn overdue(&mut self, load: Key) -> Option<Next> {
        let id = self.release(load)?.id;
        if let Some(entry) = id.and_then(|id| self.entry_mut(id)) {
            entry.load = None;
        }
        id.into_iter().for_each(|id| self.arm(id));
        Some(Next::Overdue { id, load })
    }

    /// The latest start has come.
    pub(super) fn expire_soon(&mut self, id: u32, hard: Time) {
        let Some(entry) = self.entry(id) else { return };
        match entry.load {
            Some(load) => self.raise_for_expiry(load, hard),
            None if entry.idle < self.config.idle_refreshes => {
                // Nothing else is in the id's place: it was taken out when the value came.
                let _ = self.expiring.decrease_or_push(id, hard);
            }
            None => {}
        }
    }

    fn raise_for_expiry(&mut self, key: Key, hard: Time) {
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
        let (id, order) = self.demands.pop()?;
        let cost = self.entry(id)?.terms.map_or(1.0, cost);
        self.market.borrow(now, cost);
        let deadline = order.is_waited_for.then_some(order.deadline);
        Some(self.start(now, id, Urgency::Demanded { deadline }))
    }

    /// Entries that would expire, if they are worth it.
    fn look_at_expiring(&mut self, now: Time) -> Look {
        let Some((id, hard)) = self.expiring.peek() else { return Look::Wait(None) };
        let Some(entry) = self.entry(id) else {
            self.expiring.remove(id);
            return Look::Again;
        };
        let (memory, weight) = (self.memory(), self.config.wait_weight);
        let worth = entry.keep_worth(now, memory, weight);
        let is_over = hard <= now || entry.load.is_some() || worth < self.market.price();
        if is_over || self.demands.contains(id) {
            self.expiring.remove(id);
            return Look::Again;
        }
        let (retry_at, cost) = (entry.retry_at, entry.terms.map_or(1.0, cost));
        if now < retry_at {
            // The others are not kept waiting for one that has failed.
            self.expiring.remove(id);
            if retry_at < hard {
                let _ = self.latest_starts.insert(id, retry_at.as_nanos());
            }
            return Look::Again;
        }
        self.start_refresh(now, id, cost, (worth, Urgency::Expiring { hard }))
    }

    /// Refreshes that are worth their price.
    fn look_at_crossings(&mut self, now: Time) -> Look {
        let Some((id, at)) = self.crossings.peek() else { return Look::Wait(None) };
        if at > now {
            return Look::Wait(Some(at));
        }
        let (memory, price) = (self.memory(), self.market.price());
        let Some(entry) = self.entry(id) else {
            self.crossings.remove(id);
            return Look::Again;
        };
        let worth = entry.worth(now, memory);
        if worth < price {
            // It was asked for less often since, or the price has risen.
            self.arm_later(id);
            return Look::Again;
        }
        let cost = entry.terms.map_or(1.0, cost);
        self.start_refresh(now, id, cost, (worth, Urgency::Refresh))
    }

    /// Starts a refresh if it has a token and a place.
    fn start_refresh(
        &mut self,
        now: Time,
        id: u32,
        cost: f64,
        (worth, urgency): (f64, Urgency),
    ) -> Look {
        let Self { config, refreshes, .. } = self;
        if self.loads.len() >= config.concurrent as usize
            || *refreshes >= config.concurrent_refreshes
        {
            // The end of a load brings the next poll.
            return Look::Wait(None);
        }
        if !self.market.has(now, cost, worth) {
            return Look::Wait(Some(self.market.ready_at(cost)));
        }
        self.market.spend(cost, worth);
        Look::Found(self.start(now, id, urgency))
    }

    fn start(&mut self, now: Time, id: u32, urgency: Urgency) -> Next {
        self.crossings.remove(id);
        self.expiring.remove(id);
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
        // The slot's last load has taken its time-out with it.
        let leased = self.leases.insert(load.slot(), until.as_nanos());
        debug_assert!(leased.is_ok(), "{leased:?}");
        if let Some(entry) = self.entry_mut(id) {
            entry.load = Some(load);
        }
        Next::Load { id, load, urgency, until }
    }

    fn next_timer(&mut self, refresh: Option<Time>) -> Option<Time> {
        let wheels = [&mut self.leases, &mut self.latest_starts, &mut self.hard_expiries];
        let timers = wheels.into_iter().filter_map(|wheel| wheel.next_wakeup());
        let timer = timers.min().map(Time::from_nanos);
        let look = self.market.next_look().filter(|_| self.len > 0);
        [timer, refresh, look].into_iter().fold(None, earlier)
    }

    /// When the id is to be looked at, if the price stays: `None` if a refresh isn't worth it, or
    /// something else is under way.
    fn crossing(&self, id: u32) -> Option<Time> {
        let entry = self.entry(id)?;
        let is_busy = entry.load.is_some() || self.demands.contains(id);
        if is_busy || entry.idle >= self.config.idle_refreshes {
            return None;
        }
        entry.crossing(self.now, self.memory(), SLACK * self.market.price())
    }

    /// Enters an id's crossing time anew.
    pub(super) fn arm(&mut self, id: u32) {
        self.crossings.remove(id);
        self.arm_earlier(id);
    }

    /// Enters an id's crossing time, if it is earlier than what stands there.
    pub(super) fn arm_earlier(&mut self, id: u32) {
        if let Some(at) = self.crossing(id) {
            // The id is below the bound.
            let _ = self.crossings.decrease_or_push(id, at);
        }
    }

    /// Enters the crossing time of an id that was looked at too early.
    fn arm_later(&mut self, id: u32) {
        self.crossings.remove(id);
        let (memory, price) = (self.memory(), self.market.price());
        let later = self.entry(id).and_then(|entry| entry.crossing(self.now, memory, price));
        if let Some(at) = later {
            // Rounding must not bring it back at once.
            let at = at.max(self.now + PAUSE);
            let _ = self.crossings.decrease_or_push(id, at);
        }
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

fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
