//! Changes of the storage, and what they push out.

use core::hash::Hash;

use super::answer::Removal;
use super::core::Discarded;
use super::loaded::{Content, Loaded};
use super::policy::Lifetime;
use super::stored::{Epoch, Kind, SLOTS, Stored};
use super::visit::Visit;
use crate::key::Key;
use crate::time::Time;

impl<K, V> Visit<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Stores what was loaded, or put; says whether there was something to store.
    ///
    /// It was made at `made`: a value is as old as the beginning of its load.
    pub(super) fn store(&mut self, key: Key, loaded: Loaded<V>, made: Time) -> bool {
        let chance = self.core.chance();
        let kind = self.core.records.get(key).and_then(|record| record.stored);
        let is_absent = kind == Some(Kind::Absent);
        let loaded = if is_absent { loaded.or_absent() } else { loaded };
        let lifetime = self.shared.policy.lifetime(&loaded, chance);
        self.store_for(key, loaded, lifetime, made)
    }

    /// Stores what lives for so long.
    pub(super) fn store_for(
        &mut self,
        key: Key,
        loaded: Loaded<V>,
        lifetime: Lifetime,
        made: Time,
    ) -> bool {
        let (now, slot) = (self.now, key.slot());
        let lead = self.shared.total_latency(self.core.latency.high());
        let mut terms = self.shared.policy.terms(lifetime, (made, now), lead, loaded.cost);
        // What entries keep of a time is what counts.
        let epoch = self.shared.clock.epoch();
        (terms.soft, terms.hard) = (epoch.rounded(terms.soft), epoch.rounded(terms.hard));
        let shift = self.shift(slot, lifetime.soft);
        let Some(record) = self.core.records.get_mut(key) else { return false };
        let is_same = matches!(loaded.content, Content::Unchanged);
        let content = match loaded.content {
            Content::Value(value) => Some(value),
            Content::Absent => None,
            Content::Unchanged => match record.stored {
                Some(Kind::Value) => self.shared.store.values.peek(&record.key).map(|it| it.value),
                Some(Kind::Absent) => None,
                Some(Kind::Gone) | None => return false,
            },
        };
        (record.made, record.cost) = (made, loaded.cost);
        (record.soft, record.hard, record.natural_hard) = (terms.soft, terms.hard, terms.hard);
        (record.shift, record.samples) = (shift, 0);
        (record.failures, record.drops) = (0, 0);
        let error = record.error.take();
        self.effects.discarded.extend(error.map(Discarded::Error));
        if slot >= SLOTS {
            // More entries than a tag can tell: this one has no place.
            return true;
        }
        // Beyond the bound of ids nothing is refreshed; it is an entry all the same.
        let _ = self.core.planner.insert(now, slot, terms);
        if let Some(load) = self.core.records.get(key).and_then(|record| record.load) {
            // The planner has let go of it when its entry was evicted.
            self.core.planner.adopt(now, slot, load);
        }
        self.shared.hits.welcome(slot);
        let guard = self.shared.policy.guard(lifetime.hard);
        let why = (!is_same).then_some(Removal::Replaced);
        match content {
            Some(value) => {
                let stored = Stored::new(value, slot).live(epoch, (terms.soft, terms.hard), guard);
                self.write(key, stored.sampled(shift), why);
            }
            None => {
                let mark = Stored::new((), slot).live(epoch, (terms.soft, terms.hard), guard);
                self.mark(key, mark.sampled(shift), why);
            }
        }
        true
    }

    /// Writes a value, and sees to what that pushes out.
    fn write(&mut self, key: Key, stored: Stored<V>, why: Option<Removal>) {
        let Some(record) = self.core.records.get(key) else { return };
        let owned = record.key.clone();
        let before = self.core.set_stored(key, Some(Kind::Value));
        let has_mark = matches!(before, Some(Kind::Absent | Kind::Gone));
        let marked = has_mark.then(|| owned.clone());
        self.overwrite(key, owned, stored, (before == Some(Kind::Value), why));
        // The value is there before the mark goes.
        marked.into_iter().for_each(|owned| drop(self.shared.store.marks.remove(&owned)));
    }

    /// Marks a key that has no value. The mark is there before the value goes.
    fn mark(&mut self, key: Key, mark: Stored<()>, why: Option<Removal>) {
        let Some(record) = self.core.records.get(key) else { return };
        let owned = record.key.clone();
        let before = self.core.set_stored(key, Some(mark.kind()));
        let mut evicted = Vec::new();
        let marks = &self.shared.store.marks;
        marks.insert_with_lifecycle(owned.clone(), mark, &mut evicted);
        for (owned, mark) in evicted {
            // The storage hands the mark out that this one replaces, too.
            if mark.slot() != key.slot() || !marks.contains_key(&owned) {
                self.evicted(mark.slot(), None);
            }
        }
        if before == Some(Kind::Value)
            && let Some((owned, stored)) = self.shared.store.values.remove(&owned)
        {
            let why = why.unwrap_or(Removal::Replaced);
            self.effects.removed.push((owned, stored.value, why));
        }
    }

    /// What is overwritten is told as removed, with the reason, unless it is the same value.
    fn overwrite(
        &mut self,
        key: Key,
        owned: K,
        stored: Stored<V>,
        (was_there, why): (bool, Option<Removal>),
    ) {
        let (values, mut evicted) = (&self.shared.store.values, Vec::new());
        let rejected = if was_there {
            // A refresh says nothing about how much an entry is wanted.
            values.replace_with_lifecycle(owned, stored, true, &mut evicted).err()
        } else {
            values.insert_with_lifecycle(owned, stored, &mut evicted);
            None
        };
        // The storage hands the predecessor out with what is evicted. What is too heavy comes back
        // itself, after that.
        let mut own = Vec::new();
        for (owned, stored) in evicted.into_iter().chain(rejected) {
            match stored.slot() == key.slot() {
                true => own.push((owned, stored)),
                false => self.evicted(stored.slot(), Some((owned, stored.value))),
            }
        }
        let Some((last, _)) = own.last() else { return };
        if !values.contains_key(last)
            && let Some((owned, stored)) = own.pop()
        {
            self.evicted(stored.slot(), Some((owned, stored.value)));
        }
        for (owned, stored) in own {
            match why {
                Some(why) => self.effects.removed.push((owned, stored.value, why)),
                None => self.effects.replaced.push(stored.value),
            }
        }
    }

    /// An entry was pushed out of the storage.
    fn evicted(&mut self, slot: u32, value: Option<(K, V)>) {
        let now = self.now;
        let Some((key, _)) = self.core.records.at(slot) else { return };
        let before = self.core.set_stored(key, None);
        self.core.stats.evicted += u64::from(matches!(before, Some(Kind::Value | Kind::Absent)));
        self.core.planner.remove(now, slot);
        if let Some((owned, value)) = value {
            self.effects.removed.push((owned, value, Removal::Evicted));
        }
        // A demand was forgotten with the rest; a load that has begun goes on.
        let record = self.core.records.get(key).filter(|record| record.load.is_none());
        if let Some(flight) = record.and_then(|record| record.flight.clone()) {
            self.want(key, flight);
        }
        self.forget_if_idle(key);
    }

    /// Takes what is stored for a key out.
    pub(super) fn take_out(&mut self, key: Key, why: Removal) {
        let before = self.core.set_stored(key, None);
        let Some(record) = self.core.records.get(key) else { return };
        match before {
            Some(Kind::Value) => {
                let removed = self.shared.store.values.remove(&record.key);
                let removed = removed.map(|(owned, stored)| (owned, stored.value, why));
                self.effects.removed.extend(removed);
            }
            Some(Kind::Absent | Kind::Gone) => {
                self.shared.store.marks.remove(&record.key);
            }
            None => {}
        }
    }

    /// Leaves nothing stored for a key but that it is known.
    pub(super) fn bury(&mut self, key: Key, why: Removal) {
        if key.slot() < SLOTS {
            self.mark(key, Stored::gone(key.slot()), Some(why));
        }
    }

    /// Changes what hits see of an entry, without a trace in the storage's order.
    pub(super) fn rewrite(&mut self, key: Key, change: &impl Change) {
        let Some(record) = self.core.records.get(key) else { return };
        let (owned, kind) = (record.key.clone(), record.stored);
        match kind {
            Some(Kind::Value) => {
                let Some(stored) = self.shared.store.values.peek(&owned) else { return };
                self.overwrite(key, owned, change.of(stored), (true, None));
            }
            Some(Kind::Absent | Kind::Gone) => {
                let Some(mark) = self.shared.store.marks.peek(&owned) else { return };
                let unwritten = self.shared.store.marks.replace(owned, change.of(mark), true);
                debug_assert!(unwritten.is_ok(), "it was there");
            }
            None => {}
        }
    }
}

/// A change of an entry that leaves its value alone.
pub(super) trait Change {
    fn of<V>(&self, stored: Stored<V>) -> Stored<V>;
}

/// Hits are sampled so from now on.
pub(super) struct Sample(pub(super) u32);

/// Stale from now on.
pub(super) struct Expire;

/// Served until then.
pub(super) struct Until(pub(super) Epoch, pub(super) Time);

impl Change for Sample {
    fn of<V>(&self, stored: Stored<V>) -> Stored<V> {
        stored.sampled(self.0)
    }
}

impl Change for Expire {
    fn of<V>(&self, stored: Stored<V>) -> Stored<V> {
        stored.expired()
    }
}

impl Change for Until {
    fn of<V>(&self, stored: Stored<V>) -> Stored<V> {
        stored.ending(self.0, self.1)
    }
}
