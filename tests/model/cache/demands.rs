//! Who wants a load, and which ones start.

use punctual::cache::{Order, Removal};
use punctual::refresh::Urgency;

use super::oracle::{
    BackOff, Expected, Fault, Flight, Landing, Leave, Load, NEVER, Oracle, Queued, Span, Stored,
    Waiting, nanos,
};

/// Ends of waits are rounded up to this.
const RESOLUTION_NS: u64 = 100_000;

impl Oracle {
    /// Somebody wants a load of the key: the flight that brings it.
    pub(super) fn demand(&mut self, key: u8, deadline: Option<u64>) -> Result<usize, Expected> {
        let (now, new) = (self.now, self.queued(key, deadline));
        let entry = *self.entry(key);
        if let Some(flight) = entry.flight {
            if let Some(queued) = self.queue.iter_mut().find(|queued| queued.key == key) {
                queued.by = queued.by.min(new.by);
                queued.deadline = queued.deadline.into_iter().chain(deadline).min();
            }
            return Ok(flight);
        }
        if let Some(BackOff { until, .. }) = entry.back_off.filter(|it| now < it.until.0) {
            return Err(Expected::BackedOff(entry.fault, until));
        }
        if self.queue.len() >= self.settings.plan.demand_bound as usize {
            self.forget_if_idle(key);
            return Err(Expected::Full);
        }
        self.demanded += 1;
        self.queue.push(new);
        let flight = self.new_flight();
        self.entry(key).flight = Some(flight);
        Ok(flight)
    }

    /// Whether only the cache knows if the key may be loaded.
    pub(super) fn is_unsure(&self, key: u8) -> bool {
        let entry = &self.entries[usize::from(key)];
        entry.flight.is_none()
            && entry.back_off.is_some_and(|BackOff { until, is_certain }| {
                self.now < until.1 && (self.now >= until.0 || !is_certain)
            })
    }

    fn new_flight(&mut self) -> usize {
        self.flights.push(Flight::default());
        self.flights.len() - 1
    }

    /// Somebody waits for a flight; `None` if there is no time left for that.
    pub(super) fn wait(&mut self, flight: usize, deadline: Option<u64>) -> Option<usize> {
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            self.counts.elapsed += 1;
            return None;
        }
        self.counts.waits += 1;
        self.waiters.push(Waiting { flight, deadline, end: None, is_here: true });
        Some(self.waiters.len() - 1)
    }

    /// What one who waits must have been told by now.
    pub(super) fn expected(&self, waiter: usize) -> Option<Expected> {
        let Waiting { flight, end, .. } = self.waiters[waiter];
        end.or(self.flights[flight].outcome)
    }

    /// Those of a flight who wait still.
    pub(super) fn waiters_of(&self, flight: usize) -> Vec<usize> {
        let is_waiting = |&number: &usize| {
            self.waiters[number].flight == flight
                && self.waiters[number].is_here
                && self.expected(number).is_none()
        };
        (0..self.waiters.len()).filter(is_waiting).collect()
    }

    pub(super) fn land_flight(&mut self, flight: usize, outcome: Expected) {
        self.flights[flight].outcome.get_or_insert(outcome);
    }

    /// Those who have asked are taken note of.
    pub(super) fn note_hits(&mut self) {
        for entry in &mut self.entries {
            // What has left meanwhile is not noted.
            let is_hit = core::mem::take(&mut entry.is_hit);
            entry.is_wanted |= is_hit && entry.stored != Stored::Nothing;
        }
    }

    /// The clock moves, and what is due happens.
    pub(super) fn advance(&mut self, to: u64) {
        self.now = self.now.max(to);
        self.note_hits();
        let start = self.settings.start_ns;
        let has_begun = |tick: u64| tick <= (self.now - start) / RESOLUTION_NS;
        let is_due = |deadline: u64| has_begun((deadline - start).div_ceil(RESOLUTION_NS));
        for number in 0..self.waiters.len() {
            let Waiting { deadline, is_here, .. } = self.waiters[number];
            if is_here && self.expected(number).is_none() && deadline.is_some_and(is_due) {
                self.waiters[number].end = Some(Expected::Elapsed);
                self.counts.elapsed += 1;
            }
        }
        self.pump();
    }

    /// Whatever is due now, and is not up to the cache.
    pub(super) fn pump(&mut self) {
        for load in 0..self.loads.len() {
            for place in 0..self.loads[load].landings.len() {
                let Landing { occupies, until, .. } = self.loads[load].landings[place];
                if occupies && until <= self.now {
                    self.overdue(load, place);
                }
            }
        }
        for key in 0..super::KEYS as u8 {
            self.expire_if_due(key);
        }
        while !self.settings.is_small() && self.occupied() < self.settings.plan.concurrent {
            let first = self.queue.iter().min_by_key(|it| (it.by, it.number));
            let Some(&first) = first else { return };
            let landing = self.start_demand(first.key);
            self.starts.push_back(landing);
        }
    }

    fn overdue(&mut self, load: usize, place: usize) {
        self.counts.overdue += 1;
        self.loads[load].is_called_off = true;
        let landing = &mut self.loads[load].landings[place];
        landing.occupies = false;
        let landing = *landing;
        if self.is_of_flight(&landing) {
            let entry = self.entry(landing.key);
            (entry.flight, entry.is_loading) = (None, false);
            // One that nobody has begun with says nothing of the backend.
            if self.loads[load].began.is_some() {
                self.failed(landing.key, Fault::Overdue);
            }
        }
        self.land_flight(landing.flight, Expected::Failed(Fault::Overdue));
        self.forget_if_idle(landing.key);
    }

    fn expire_if_due(&mut self, key: u8) {
        let now = self.now;
        let entry = self.entry(key);
        if entry.stored == Stored::Nothing || entry.hard.1 > now || entry.hard.1 == NEVER {
            return;
        }
        if self.is_extended(key) {
            return;
        }
        let entry = self.entry(key);
        // What is asked for, or has failed, is remembered.
        let is_remembered = entry.is_wanted || entry.fault.is_some();
        let rest = if is_remembered { Stored::Gone } else { Stored::Nothing };
        entry.hard = Span::at(NEVER);
        let stored = core::mem::replace(&mut entry.stored, rest);
        self.counts.expired += u64::from(stored != Stored::Gone);
        if let Stored::Value(value) = stored {
            self.leaves.push(Leave { key, value, why: Removal::Expired });
        }
        self.forget_if_idle(key);
    }

    /// A value whose load hangs at its hard expiry is served as if that had failed already.
    fn is_extended(&mut self, key: u8) -> bool {
        let (now, longer) = (self.now, nanos(self.settings.stale_if_error));
        let entry = *self.entry(key);
        let Span(first, last) = entry.own_hard;
        let hard = [first, last].map(|hard| self.rounded(hard.saturating_add(longer)));
        let is_value = matches!(entry.stored, Stored::Value(_));
        if !is_value || !entry.is_loading || hard[1] <= now {
            return false;
        }
        let entry = self.entry(key);
        (entry.hard, entry.due) = (Span(hard[0], hard[1]), Span(now, NEVER));
        entry.pause = Span::at(0);
        true
    }

    /// How many places are taken.
    pub(super) fn occupied(&self) -> u32 {
        let landings = self.loads.iter().flat_map(|load| &load.landings).chain(&self.starts);
        landings.filter(|landing| landing.occupies).count() as u32
    }

    fn start_demand(&mut self, key: u8) -> Landing {
        let at = self.queue.iter().position(|it| it.key == key).expect("it is wanted");
        let queued = self.queue.remove(at);
        self.counts.demanded += 1;
        self.refill();
        let debt = -f64::from(self.settings.plan.burst);
        self.tokens = (self.tokens - 1.0).max(debt);
        self.start(key, queued.deadline, true)
    }

    fn start(&mut self, key: u8, asked: Option<u64>, is_demanded: bool) -> Landing {
        let sequence = self.next_sequence();
        let until = self.now.saturating_add(nanos(self.settings.plan.load_timeout));
        let flight = match self.entry(key).flight {
            Some(flight) => flight,
            None => self.new_flight(),
        };
        let entry = self.entry(key);
        (entry.flight, entry.is_loading) = (Some(flight), true);
        Landing {
            key,
            sequence,
            life: entry.life,
            flight,
            is_demanded,
            asked,
            until,
            occupies: true,
            is_let_go: false,
            version: 0,
        }
    }

    fn refill(&mut self) {
        let Some(rate) = self.settings.plan.loads_per_second else { return };
        let seconds = (self.now - self.refilled_at) as f64 / 1e9;
        self.tokens = (self.tokens + seconds * rate).min(f64::from(self.settings.plan.burst));
        self.refilled_at = self.now;
    }

    /// A load came to the dispatcher.
    pub(super) fn submitted(&mut self, number: usize, order: Order) {
        assert_eq!(number, self.loads.len(), "loads come in order");
        assert!(order.keys >= 1 && order.keys <= self.settings.bulk, "{order:?}");
        let announced = order.deadline.map(punctual::time::Time::as_nanos);
        let mut load =
            Load { order, landings: Vec::new(), began: None, is_called_off: false, announced };
        let is_demanded = matches!(order.urgency, Urgency::Demanded { .. });
        if is_demanded && self.settings.bulk == 1 && !self.settings.is_small() {
            let landing = self.starts.pop_front().expect("nobody wants what is loaded");
            assert_eq!(announced, landing.asked, "the deadline of who waits for {}", landing.key);
            load.landings.push(landing);
        }
        self.loads.push(load);
    }

    /// A loader was called, which tells the keys of a load.
    pub(super) fn called(&mut self, number: usize, keys: &[(u8, u32)]) {
        let Load { order, landings, began, .. } = &mut self.loads[number];
        let (order, is_known) = (*order, !landings.is_empty());
        assert!(began.replace(self.now).is_none(), "a load is called once");
        if is_known {
            let expected: Vec<_> = landings.iter().map(|landing| landing.key).collect();
            let called: Vec<_> = keys.iter().map(|(key, _)| *key).collect();
            assert_eq!(called, expected, "the keys of load {number}");
        }
        assert_eq!(keys.len(), order.keys);
        for (place, &(key, version)) in keys.iter().enumerate() {
            if !is_known {
                let landing = self.find_out(key, order);
                self.loads[number].landings.push(landing);
            }
            self.loads[number].landings[place].version = version;
        }
        let Load { landings, .. } = &self.loads[number];
        assert!(landings.iter().all(|it| it.until == order.until.as_nanos()), "{order:?}");
        if !is_known {
            let asked = landings.iter().filter_map(|landing| landing.asked).min();
            assert_eq!(asked, self.loads[number].announced, "{order:?}");
        }
    }

    /// What a load is for whose key nobody could know.
    fn find_out(&mut self, key: u8, order: Order) -> Landing {
        // Where several keys of a load come home, those of the first ones are submitted before.
        if let Some(at) = self.starts.iter().position(|start| start.key == key) {
            return self.starts.remove(at).expect("it is there");
        }
        if self.queue.iter().any(|queued| queued.key == key) {
            assert!(self.settings.is_small(), "a load overtook others");
            assert!(self.occupied() < self.settings.plan.concurrent, "too many loads");
            return self.start_demand(key);
        }
        self.start_refresh(key, order)
    }

    fn start_refresh(&mut self, key: u8, order: Order) -> Landing {
        let plan = self.settings.plan;
        let entry = *self.entry(key);
        assert_ne!(entry.stored, Stored::Nothing, "there is nothing to refresh for {key}");
        assert_eq!(entry.flight, None, "{key} is loaded already");
        assert!(self.occupied() < plan.concurrent, "too many loads");
        // In a load of several keys only the most urgent one is known.
        let urgency = match order.keys {
            1 => order.urgency,
            _ => Urgency::Expiring { hard: order.until },
        };
        assert!(self.refreshing() < plan.places(urgency), "too many refreshes");
        if let Some(BackOff { until, .. }) = entry.back_off.filter(|it| it.is_certain) {
            assert!(self.now >= until.0, "{key} is left alone");
        }
        assert!(self.now >= entry.pause.0, "a refresh of {key} was dropped");
        let is_known_stale = entry.is_expired || entry.stored == Stored::Gone;
        let hard = match order.urgency {
            Urgency::Expiring { hard } => Some(hard.as_nanos()),
            _ => None,
        };
        if let Some(hard) = hard.filter(|_| order.keys == 1) {
            assert!(entry.hard.has(hard) || entry.stored == Stored::Gone, "{hard} for {entry:?}");
        }
        let is_early = self.now < entry.due.0 && !is_known_stale && !entry.is_new;
        assert!(!is_early || hard.is_some(), "{key} needs no refresh yet: {entry:?}");
        // Hits that were before a refresh may be counted after it, and after the next one.
        assert!(entry.idle <= plan.idle_refreshes + 2, "nobody asks for {key}");
        self.refill();
        if plan.loads_per_second.is_some() {
            assert!(self.tokens >= 1.0 - 1e-6, "{} is not enough for a refresh", self.tokens);
            self.tokens -= 1.0;
        }
        self.entry(key).idle += 1;
        match hard {
            Some(_) => self.counts.expiring += 1,
            None => self.counts.refreshes += 1,
        }
        self.start(key, hard, false)
    }

    pub(super) fn refreshing(&self) -> u32 {
        let landings = self.loads.iter().flat_map(|load| &load.landings);
        landings.filter(|landing| landing.occupies && !landing.is_demanded).count() as u32
    }

    /// Entries were forgotten: what is wanted of them still is wanted from now on.
    pub(super) fn want_again(&mut self, is_forgotten: impl Fn(u8) -> bool) {
        let (forgotten, rest) =
            core::mem::take(&mut self.queue).into_iter().partition(|it| is_forgotten(it.key));
        self.queue = rest;
        let forgotten: Vec<Queued> = forgotten;
        for queued in forgotten {
            let flight = self.entry(queued.key).flight.expect("it is wanted");
            let waiters = self.waiters_of(flight).into_iter();
            let deadline = waiters.map(|it| self.waiters[it].deadline.unwrap_or(NEVER)).min();
            self.queue_again(queued.key, deadline);
        }
    }

    fn queued(&self, key: u8, deadline: Option<u64>) -> Queued {
        let most = self.now.saturating_add(nanos(self.settings.plan.load_timeout));
        let by = deadline.map_or(most, |deadline| deadline.min(most));
        Queued { key, by, number: self.demanded, deadline }
    }

    pub(super) fn queue_again(&mut self, key: u8, deadline: Option<u64>) {
        let queued = self.queued(key, deadline);
        self.queue.push(queued);
        self.demanded += 1;
    }

    /// How long a key is left alone after so many failures or drops.
    pub(super) fn pause(&self, times: [u32; 2]) -> Span {
        let (first, most) = (self.settings.first_back_off, self.settings.most_back_off);
        let [least, longest] =
            times.map(|times| nanos(first.saturating_mul(1 << (times - 1).min(20)).min(most)));
        // A few nanoseconds are lost where it is multiplied.
        let earliest = self.now.saturating_add(least / 2).saturating_sub(100);
        Span(earliest, self.now.saturating_add(longest))
    }

    /// The key is left alone after a failure.
    pub(super) fn failed(&mut self, key: u8, fault: Fault) {
        let longer = nanos(self.settings.stale_if_error);
        let entry = &mut self.entries[usize::from(key)];
        entry.failures = entry.failures.map(|failures| failures + 1);
        let failures = entry.failures;
        let back_off = BackOff { until: self.pause(failures), is_certain: true };
        let entry = &mut self.entries[usize::from(key)];
        (entry.back_off, entry.pause) = (Some(back_off), Span::at(0));
        entry.fault = Some(fault);
        match entry.stored {
            Stored::Nothing => {
                entry.stored = Stored::Gone;
                entry.hard = Span::at(NEVER);
            }
            Stored::Value(_) if longer > 0 => {
                let Span(first, last) = entry.own_hard;
                let [first, last] = [first, last].map(|hard| hard.saturating_add(longer));
                entry.hard = Span(first, last);
            }
            _ => {}
        }
        let Span(first, last) = self.entry(key).hard;
        self.entry(key).hard = Span(self.rounded(first), self.rounded(last));
    }
}
