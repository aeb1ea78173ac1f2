//! What happened is taken in, and compared with what had to.

use std::collections::VecDeque;

use punctual::cache::{Removal, Ttl};
use punctual::refresh::Urgency;

use super::CacheModel;
use super::oracle::{Counts, Entry, Leave, NEVER, Span, Stored, nanos};
use super::world::Event;

impl CacheModel {
    /// Takes in what the cache did to others, in its order.
    pub(super) fn settle(&mut self) {
        let mut events = self.world.take_events();
        self.take_evictions(&mut events);
        while let Some(event) = events.pop_front() {
            match event {
                Event::Submitted { load, order } => {
                    let latency = self.cache.stats().latency;
                    let leads = self.lead.min(latency)..=self.lead.max(latency);
                    assert!(leads.contains(&order.lead), "{order:?} with {leads:?}");
                    self.oracle.submitted(load, order);
                }
                Event::Called { load, keys } => self.oracle.called(load, &keys),
                Event::Ends { load, end } => {
                    self.oracle.ends(load, end);
                    self.take_evictions(&mut events);
                }
                Event::Cancelled { load } => {
                    for landing in &self.oracle.loads[load].landings {
                        let is_needed = self.oracle.is_of_flight(landing)
                            || !self.oracle.waiters_of(landing.flight).is_empty();
                        assert!(!is_needed, "{landing:?} is cancelled");
                    }
                }
                Event::Rescheduled { load, deadline } => {
                    let load = &mut self.oracle.loads[load];
                    let deadline = deadline.as_nanos();
                    assert!(load.announced.is_none_or(|before| deadline < before), "{load:?}");
                    load.announced = Some(deadline);
                }
                Event::Advances { to } => self.oracle.advance(to.as_nanos()),
                Event::Left { key, value, why } => self.left(key, value, why),
            }
        }
        let Self { oracle, .. } = self;
        assert!(oracle.leaves.is_empty(), "the listener missed {:?}", oracle.leaves);
        assert!(oracle.starts.is_empty(), "not submitted: {:?}", oracle.starts);
        let has_place = oracle.occupied() < oracle.settings.plan.concurrent;
        assert!(oracle.queue.is_empty() || !has_place, "not submitted: {:?}", oracle.queue);
        self.oracle.peak = self.oracle.weight();
        self.learn_times();
        self.settle_waits();
    }

    /// Listeners are told last, but what was pushed out was gone before anything started.
    fn take_evictions(&mut self, events: &mut VecDeque<Event>) {
        events.retain(|event| match *event {
            Event::Left { key, value, why: Removal::Evicted } => {
                let is_its_time = self.oracle.may_evict(key, value);
                if is_its_time {
                    self.oracle.evict(key, value);
                }
                !is_its_time
            }
            _ => true,
        });
    }

    fn left(&mut self, key: u8, value: u32, why: Removal) {
        let left = Leave { key, value, why };
        let at = self.oracle.leaves.iter().position(|it| *it == left);
        let Some(at) = at else { panic!("{left:?} is not among {:?}", self.oracle.leaves) };
        self.oracle.leaves.remove(at);
    }

    /// Asks for the times of what was written.
    fn learn_times(&mut self) {
        let latency = self.cache.stats().latency;
        let leads = [self.lead.min(latency), self.lead.max(latency)].map(nanos);
        let (now, share) = (self.oracle.now, self.oracle.settings.refresh_after);
        for key in 0..super::KEYS as u8 {
            let entry = *self.oracle.entry(key);
            if !core::mem::take(&mut self.oracle.entry(key).is_new) {
                continue;
            }
            let Some(Ttl { soft, hard }) = self.cache.ttl(&key) else { continue };
            let (soft, hard) = (now.saturating_add(nanos(soft)), now.saturating_add(nanos(hard)));
            assert!(entry.hard.has(hard), "the hard TTL of {key}: {hard} of {entry:?}");
            let is_stale = entry.is_expired || entry.soft.0 <= now;
            assert!(is_stale || entry.soft.has(soft), "the soft TTL of {key}: {soft}, {entry:?}");
            let soft_ttl = soft - now;
            let wanted = now + (soft_ttl as f64 * share) as u64;
            let due = |lead: u64| (wanted.saturating_sub(lead)).max(now + soft_ttl / 4);
            // The TTL was not rounded down when that was decided, but it may have been multiplied.
            let due = Span(due(leads[1]).saturating_sub(100), due(leads[0]).saturating_add(1_200));
            // A TTL that goes beyond the end of time is cut off there, for all but the plan.
            let due = if soft == NEVER { Span(due.0, NEVER) } else { due };
            let known = self.oracle.entry(key);
            (known.soft, known.hard, known.due) = (Span::at(soft), Span::at(hard), due);
            if entry.own_hard == entry.hard {
                known.own_hard = Span::at(hard);
            }
        }
    }

    pub(super) fn begin(&mut self, load: usize) {
        if self.oracle.loads[load].is_called_off {
            return self.drop_load(load);
        }
        self.world.poll(load);
    }

    pub(super) fn check_ttl(&self, key: u8, ttl: Option<Ttl>) {
        let entry = &self.oracle.entries[usize::from(key)];
        let is_there = !self.oracle.peek(key).is_missing();
        let soft = if self.oracle.is_fresh(key) { entry.soft.0 } else { self.oracle.now };
        let left = [soft, entry.hard.0].map(|at| at.saturating_sub(self.oracle.now));
        let found = ttl.map(|ttl| [nanos(ttl.soft), nanos(ttl.hard)]);
        assert_eq!(found, is_there.then_some(left), "the TTL of {key}: {entry:?}");
    }

    /// What may be asked of each key without a trace, and what must be under way.
    pub(super) fn check_entries(&self) {
        for key in 0..super::KEYS as u8 {
            assert_eq!(self.cache.peek(&key), self.oracle.peek(key), "peek({key})");
            self.check_ttl(key, self.cache.ttl(&key));
            let entry = &self.oracle.entries[usize::from(key)];
            assert!(!self.must_refresh(entry), "the refresh of {key} is due: {entry:?}");
        }
        assert!(self.world.is_silent(), "to look leaves a trace");
    }

    /// Whether a refresh is due that nothing stands against.
    fn must_refresh(&self, entry: &Entry) -> bool {
        let plan = self.oracle.settings.plan;
        let now = self.oracle.now;
        let is_stored = matches!(entry.stored, Stored::Value(_) | Stored::Absent);
        let is_due = entry.is_expired || entry.due.1 <= now;
        let is_idle = plan.idle_refreshes < 100 || plan.loads_per_second.is_some();
        let is_backed_off =
            entry.back_off.is_some_and(|back_off| now < back_off.until.1) || now < entry.pause.1;
        let has_place = self.oracle.occupied() < plan.concurrent
            && self.oracle.refreshing() < plan.places(Urgency::Refresh);
        let is_busy = entry.flight.is_some() || is_idle || is_backed_off || !has_place;
        is_stored && is_due && !is_busy
    }

    /// One load for each key, and its dispatcher knows until when.
    pub(super) fn check_loads(&self) {
        for (number, load) in self.oracle.loads.iter().enumerate() {
            if !self.world.is_here(number) {
                continue;
            }
            if load.is_called_off && load.began.is_some() {
                assert!(self.world.was_woken(number), "nobody drops load {number}");
            }
            for landing in &load.landings {
                let is_known = landing.occupies && self.oracle.is_of_flight(landing);
                let asked = self.oracle.first_deadline(landing.flight).filter(|_| is_known);
                let is_told = |asked| load.announced.is_some_and(|told| told <= asked);
                assert!(asked.is_none_or(is_told), "{asked:?} of {load:?}");
            }
        }
        for key in 0..super::KEYS as u8 {
            let landings = self.oracle.loads.iter().flat_map(|load| &load.landings);
            let current =
                landings.filter(|it| it.key == key && it.occupies && self.oracle.is_of_flight(it));
            assert!(current.count() <= 1, "two loads of {key} count");
        }
    }

    /// Everything is counted, and adds up.
    pub(super) fn check_counts(&self) {
        let stats = self.cache.stats();
        let loads = &stats.loads;
        let mut expected = self.oracle.counts;
        let mut found = Counts {
            fresh: stats.fresh,
            stale: stats.stale,
            missing: stats.missing,
            demanded: loads.demanded,
            expiring: loads.expiring,
            refreshes: loads.refreshes,
            loaded: loads.loaded,
            superseded: loads.superseded,
            failed: loads.failed,
            overdue: loads.overdue,
            dropped: loads.dropped,
            waits: loads.waits,
            elapsed: loads.elapsed,
            evicted: loads.evicted,
            expired: loads.expired,
        };
        if self.oracle.settings.bulk > 1 {
            // The urgency of a load of several keys is that of the most urgent one.
            for counts in [&mut found, &mut expected] {
                counts.refreshes += core::mem::take(&mut counts.expiring);
            }
        }
        assert_eq!(found, expected);
        assert_eq!(loads.started(), expected.demanded + expected.expiring + expected.refreshes);
        assert_eq!(stats.in_flight, self.oracle.occupied());
        assert_eq!(stats.entries, self.oracle.len() as u64);
        assert_eq!(stats.weight, self.cache.weight());
    }
}
