//! What the calls of a cache do under its lock.

use core::hash::Hash;

use equivalent::Equivalent;

use super::answer::{Answer, Removal};
use super::core::Discarded;
use super::loaded::Loaded;
use super::storage::Expire;
use super::stored::Kind;
use super::visit::Visit;
use super::wait::Wait;
use crate::key::Key;
use crate::scheduler::Budget;
use crate::time::Time;

/// What an answer must be that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Any,
    Fresh,
    /// Whatever there is, it is loaded anew.
    Load,
}

impl<K, V> Visit<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Waits for a load of the key, unless what is needed has come meanwhile.
    pub(super) fn get_or_wait<Q>(&mut self, key: &Q, budget: Budget, need: Need) -> Wait<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match (need, self.shared.peek_at(key, self.now)) {
            (Need::Load, _) | (_, Answer::Missing) => {}
            (Need::Fresh, answer @ Answer::Fresh(_)) | (Need::Any, answer) => {
                return Wait::ready(Ok(answer));
            }
            (Need::Fresh, answer) => self.discard(Some(Discarded::Outcome(Ok(answer)))),
        }
        let deadline = budget.deadline().unwrap_or(Time::MAX);
        let record = self.find_or_add(key);
        match self.demand(record, Some(deadline)) {
            Ok(flight) => self.wait(flight, budget),
            Err(error) => Wait::ready(Err(error)),
        }
    }

    /// Asks for a load that nobody waits for, and counts the question; what there is, if something
    /// has come meanwhile.
    pub(super) fn ask<Q>(&mut self, key: &Q) -> Answer<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let answer = self.shared.peek_at(key, self.now);
        if answer.is_missing() {
            let (record, now) = (self.find_or_add(key), self.now);
            // Whether it is loaded soon is all the same to the answer.
            if self.demand(record, None).is_ok() {
                self.core.planner.touch(now, record.slot(), 1);
            }
        }
        answer
    }

    /// A load of the key without a deadline, for what depends on it.
    pub(super) fn freshen<Q>(&mut self, key: &Q) -> Option<Wait<V>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let record = self.find_or_add(key);
        let flight = self.demand(record, None).ok()?;
        Some(self.wait(flight, Budget::UNLIMITED))
    }

    pub(super) fn put(&mut self, key: &K, loaded: Loaded<V>) {
        let (record, now) = (self.find_or_add(key), self.now);
        let flight = self.supersede(record).or_else(|| self.withdraw(record));
        let answer = if flight.is_some() { loaded.answer() } else { None };
        self.store(record, loaded, now);
        if let Some(flight) = flight {
            let answer = answer.unwrap_or_else(|| self.shared.peek_at(key, now));
            self.tell(&flight, Ok(answer));
        }
        self.forget_if_idle(record);
    }

    fn find<Q>(&self, key: &Q) -> Option<Key>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.core.records.find(key)
    }

    /// Whether there is something that is served, or would be known.
    fn is_entry(&self, key: Key) -> bool {
        let kind = self.core.records.get(key).and_then(|record| record.stored);
        let hard = self.core.records.get(key).map_or(Time::ZERO, |record| record.hard);
        matches!(kind, Some(Kind::Value | Kind::Absent)) && self.now < hard
    }

    pub(super) fn invalidate<Q>(&mut self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let Some(record) = self.find(key) else { return false };
        let (was_there, now) = (self.is_entry(record), self.now);
        self.supersede(record);
        let is_wanted = self.core.records.get(record).is_some_and(|it| it.is_wanted);
        if was_there && is_wanted {
            // What is known of it stays, so that it is loaded again if it is in demand.
            self.bury(record, Removal::Invalidated);
            self.core.planner.expire(now, record.slot());
        } else {
            self.take_out(record, Removal::Invalidated);
        }
        self.forget_if_idle(record);
        was_there
    }

    pub(super) fn expire<Q>(&mut self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let Some(record) = self.find(key) else { return false };
        let was_there = self.is_entry(record);
        let sequence = self.core.next_sequence();
        if let Some(record) = self.core.records.get_mut(record) {
            record.expired = sequence;
        }
        // What it brings is newer than what is there, and stale.
        self.let_go(record);
        if was_there {
            self.turn_stale(record);
        }
        self.forget_if_idle(record);
        was_there
    }

    /// What is stored for the key is known to be old.
    pub(super) fn turn_stale(&mut self, key: Key) {
        let now = self.now;
        self.rewrite(key, &Expire);
        if let Some(record) = self.core.records.get_mut(key) {
            record.soft = record.soft.min(now);
        }
        self.core.planner.expire(now, key.slot());
    }

    pub(super) fn clear(&mut self) {
        // Loads go on for those who wait for them, and find no record to write to. Those that have
        // not begun are wanted still.
        let wanted = self.core.records.iter().filter(|(_, record)| record.load.is_none());
        let wanted: Vec<_> = wanted
            .filter_map(|(_, record)| Some((record.key.clone(), record.flight.clone()?)))
            .collect();
        self.shared.clock.begin_clearing();
        let now = self.now;
        for (key, stored) in self.shared.store.values.drain() {
            self.effects.removed.push((key, stored.value, Removal::Cleared));
        }
        self.shared.store.marks.drain().for_each(|_| ());
        self.core.planner.clear(now);
        let errors = self.core.records.take_errors();
        self.effects.discarded.extend(errors.into_iter().map(Discarded::Error));
        self.core.records.clear();
        self.core.entries = 0;
        self.shared.clock.end_clearing();
        for (key, flight) in wanted {
            let record = self.find_or_add(&key);
            self.want(record, flight);
        }
    }
}
