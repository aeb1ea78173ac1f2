//! What the planner wants: loads that start, become urgent or are overdue, and what expires.

use core::hash::Hash;
use core::time::Duration;

use super::answer::Removal;
use super::core::{Command, Core, Discarded, Running};
use super::errand::{Errand, Landing};
use super::error::{LoadError, WaitError};
use super::flight::Flight;
use super::load::{Body, Load, Order};
use super::records::Record;
use super::storage::Until;
use super::stored::Kind;
use super::visit::Visit;
use crate::key::Key;
use crate::refresh::{End, Next, Terms, Urgency};
use crate::sync::Arc;
use crate::time::Time;

/// So many things are done by one look at the planner.
const MOST_STEPS: usize = 64;

/// A load that starts.
struct Start<K, V> {
    landing: Landing<K, V>,
    urgency: Urgency,
    until: Time,
}

impl<K, V> Visit<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Does what the planner wants; when it is to be asked again.
    pub(super) fn pump(&mut self) -> Option<Time> {
        let mut starts = Vec::new();
        let mut until = Some(self.now);
        for _ in 0..MOST_STEPS.max(self.shared.loader.most()) {
            match self.core.planner.poll(self.now) {
                Next::Load { id, load, urgency, until } => {
                    starts.extend(self.start(id, load, urgency, until));
                }
                Next::Raise { id, deadline, .. } => self.raise(id, deadline),
                Next::Overdue { load, .. } => self.overdue(load),
                Next::Expired { id } => self.expired(id),
                Next::Wait(next) => {
                    until = next;
                    break;
                }
            }
        }
        self.dispatch(starts);
        let waits = self.core.waits.next_wakeup();
        [until, waits].into_iter().flatten().min()
    }

    fn start(
        &mut self,
        slot: u32,
        load: Key,
        urgency: Urgency,
        until: Time,
    ) -> Option<Start<K, V>> {
        let (now, sequence) = (self.now, self.core.next_sequence());
        let Core { records, stats, .. } = &mut *self.core;
        let (key, record) = records.at_mut(slot)?;
        debug_assert_eq!(record.load, None, "a key has one load");
        record.load = Some(load);
        match urgency {
            Urgency::Demanded { .. } => stats.demanded += 1,
            Urgency::Expiring { .. } => stats.expiring += 1,
            Urgency::Refresh => stats.refreshes += 1,
        }
        let flight = record.flight.get_or_insert_with(|| Arc::new(Flight::new(now))).clone();
        let owned = record.key.clone();
        let landing = Landing { record: key, key: owned, flight, load, sequence, urgency };
        Some(Start { landing, urgency, until })
    }

    /// Makes loads of what starts, of several keys if the loader takes them.
    fn dispatch(&mut self, starts: Vec<Start<K, V>>) {
        let most = self.shared.loader.most();
        let mut starts = starts.into_iter().peekable();
        while starts.peek().is_some() {
            let group: Vec<_> = starts.by_ref().take(most).collect();
            self.submit(group);
        }
    }

    fn submit(&mut self, group: Vec<Start<K, V>>) {
        let lead = self.shared.total_latency(self.core.latency.high());
        let Some(order) = order(&group, lead) else { return };
        let known = group.iter().map(|it| &it.landing);
        let known: Vec<_> = known.map(|it| (it.load, it.record, it.flight.clone())).collect();
        let landings = group.into_iter().map(|it| it.landing).collect();
        let errand = Errand::new(self.shared, landings, &order);
        let body = Body::new(Box::new(errand));
        let mut flights = Vec::new();
        for (load, record, flight) in known {
            flight.set_body(&body, &mut self.effects.wakers);
            flights.push(flight.clone());
            self.core.set_running(Running { load, record, flight, body: body.clone() });
        }
        self.core.outbox.push_back(Command::Submit(Load::new(body, order), flights));
    }

    fn raise(&mut self, slot: u32, deadline: Time) {
        let Some((_, record)) = self.core.records.at(slot) else { return };
        let Some(flight) = record.flight.clone() else { return };
        self.core.outbox.push_back(Command::Raise(flight, deadline));
    }

    /// A load's time is over: who waits hears it, also if it doesn't count any more, and whoever
    /// runs it is to drop it.
    fn overdue(&mut self, load: Key) {
        self.core.stats.overdue += 1;
        let Some(running) = self.core.take_running(load) else { return };
        let Running { record: key, flight, body, .. } = running;
        body.call_off(&mut self.effects.wakers);
        let is_its = self.core.is_flight_of(key, &flight);
        if let Some(record) = self.core.records.get_mut(key).filter(|_| is_its) {
            (record.flight, record.load) = (None, None);
            // One that nobody has begun with says nothing of the backend.
            if body.has_begun() {
                self.failed(key, LoadError::Overdue, None);
            }
        }
        self.tell(&flight, Err(WaitError::Failed(LoadError::Overdue)));
        self.forget_if_idle(key);
    }

    /// A load has failed, and another one is not to be tried at once. With a load, the planner
    /// hears of its end here.
    pub(super) fn failed(&mut self, key: Key, error: LoadError, load: Option<Key>) {
        let (now, chance) = (self.now, self.core.chance());
        let failures = self.core.records.get(key).map_or(1, |it| it.failures.saturating_add(1));
        let retry_at = now + self.shared.policy.back_off(failures, chance);
        let end = End::Failed { retry_at };
        let is_told = load.and_then(|load| self.core.planner.finish(now, load, end)).is_some();
        if !is_told {
            self.core.planner.back_off(now, key.slot(), retry_at);
        }
        let Some(record) = self.core.records.get_mut(key) else { return };
        record.failures = failures;
        let before = record.error.replace(error);
        self.effects.discarded.extend(before.map(Discarded::Error));
        let longest = self.shared.policy.stale_if_error;
        if record.stored.is_none() {
            // What is known of the failure takes a place in the storage: that bounds it.
            self.bury(key, Removal::Replaced);
        } else if record.stored == Some(Kind::Value) && !longest.is_zero() {
            let epoch = self.shared.clock.epoch();
            let hard = epoch.rounded(record.natural_hard + longest);
            record.hard = hard;
            self.core.planner.set_hard(now, key.slot(), hard);
            self.rewrite(key, &Until(epoch, hard));
        }
    }

    /// The hard expiry has come.
    fn expired(&mut self, slot: u32) {
        if self.extended(slot) {
            return;
        }
        let Some((key, record)) = self.core.records.at(slot) else { return };
        let is_entry = matches!(record.stored, Some(Kind::Value | Kind::Absent));
        let is_worth_knowing =
            record.stored.is_some() && (record.is_wanted || record.error.is_some());
        self.core.stats.expired += u64::from(is_entry);
        if is_worth_knowing {
            self.bury(key, Removal::Expired);
        } else {
            self.take_out(key, Removal::Expired);
        }
        self.forget_if_idle(key);
    }
}

impl<K, V> Visit<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A value whose load hangs at its hard expiry is served as if that had failed already, if
    /// values of failed loads are; says whether it is.
    fn extended(&mut self, slot: u32) -> bool {
        let (now, longest) = (self.now, self.shared.policy.stale_if_error);
        let lead = self.shared.total_latency(self.core.latency.high());
        let epoch = self.shared.clock.epoch();
        let Some((key, record)) = self.core.records.at_mut(slot) else { return false };
        let hard = epoch.rounded(record.natural_hard + longest);
        if record.stored != Some(Kind::Value) || record.load.is_none() || hard <= now {
            return false;
        }
        record.hard = hard;
        let Record { made, soft, cost, .. } = *record;
        let change_rate = 1.0 / soft.saturating_since(made).as_secs_f64().max(1e-9);
        let terms = Terms { stored: made, not_before: now, soft, hard, lead, cost, change_rate };
        // The id was below the bound before.
        let _ = self.core.planner.insert(now, slot, terms);
        self.rewrite(key, &Until(epoch, hard));
        true
    }
}

/// What a dispatcher is told of loads that go together.
fn order<K, V>(group: &[Start<K, V>], lead: Duration) -> Option<Order> {
    let first = group.first()?;
    let rank = |urgency: &Urgency| match urgency {
        Urgency::Demanded { .. } => 0,
        Urgency::Expiring { .. } => 1,
        Urgency::Refresh => 2,
    };
    let urgency = group.iter().map(|it| it.urgency).min_by_key(rank)?;
    let deadline = group.iter().filter_map(|it| deadline(it.urgency)).min();
    Some(Order { urgency, deadline, lead, until: first.until, keys: group.len() })
}

/// When a load must be done for the sake of those who wait, or of the hard expiry.
pub(super) const fn deadline(urgency: Urgency) -> Option<Time> {
    match urgency {
        Urgency::Demanded { deadline } => deadline,
        Urgency::Expiring { hard } => Some(hard),
        Urgency::Refresh => None,
    }
}
