//! Entries that outlive their process.

use core::hash::Hash;
use core::time::Duration;

use super::handle::RefreshCache;
use super::loaded::Loaded;
use super::policy::Lifetime;
use super::stored::Kind;
use super::visit::Visit;
use crate::refresh::Learned;

/// An entry, with the time that it has left: what is stored elsewhere knows no clock of this
/// process. What is known of it goes with it, so that a new process refreshes the right entries
/// from its first second on.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Saved<K, V> {
    /// The key.
    pub key: K,
    /// The value; `None` if it is known that there is none.
    pub value: Option<V>,
    /// How old it is.
    pub age: Duration,
    /// For how long it is fresh; zero if it is stale.
    pub soft: Duration,
    /// For how long it may be served.
    pub hard: Duration,
    /// What a load of it costs the backend beside others.
    pub cost: f64,
    /// How often it is asked for, a second.
    pub hit_rate: f64,
    /// How often it changes, a second.
    pub change_rate: f64,
}

impl<K, V> RefreshCache<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// All entries that may be served now, in no order. O(n), with the cache's lock for each entry
    /// by itself: entries that come and go meanwhile may be in it or not.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Saved<K, V>> {
        let (now, epoch) = (self.now(), self.shared.clock.epoch());
        let values = self.shared.store.values.iter().map(|(key, stored)| {
            let (slot, hard) = (stored.slot(), stored.hard(epoch));
            (key, slot, hard, Some(stored.value))
        });
        let marks = self.shared.store.marks.iter();
        let absent = marks.filter(|(_, mark)| mark.kind() == Kind::Absent);
        let absent = absent.map(|(key, mark)| (key, mark.slot(), mark.hard(epoch), None));
        values
            .chain(absent)
            .filter(|(_, _, hard, _)| *hard > now)
            .filter_map(|(key, slot, hard, value)| {
                let (made, soft, cost, learned) = self.shared.look(|core| {
                    let (_, record) = core.records.at(slot)?;
                    if record.key != key {
                        return None;
                    }
                    let learned = core.planner.learned(now, slot);
                    Some((record.made, record.soft, record.cost, learned))
                })?;
                let learned = learned.unwrap_or(Learned { hit_rate: 0.0, change_rate: 0.0 });
                Some(Saved {
                    key,
                    value,
                    age: now.saturating_since(made),
                    soft: soft.saturating_since(now),
                    hard: hard.saturating_since(now),
                    cost,
                    hit_rate: learned.hit_rate,
                    change_rate: learned.change_rate,
                })
            })
            .collect()
    }

    /// Takes entries in again, but those that have no time left, and those whose keys are known
    /// already: what is there is newer. `away` is how long they were away, by a clock that both
    /// processes share. Returns how many were taken in. As many puts.
    pub fn restore(&self, saved: impl IntoIterator<Item = Saved<K, V>>, away: Duration) -> usize {
        let now = self.now();
        let restored = saved.into_iter().filter_map(|mut saved| {
            saved.hard = saved.hard.checked_sub(away).filter(|hard| !hard.is_zero())?;
            saved.soft = saved.soft.saturating_sub(away);
            saved.age = saved.age.saturating_add(away);
            Some(saved)
        });
        restored.filter(|saved| self.shared.visit(now, |visit| visit.restore(saved))).count()
    }
}

impl<K, V> Visit<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Stores an entry that was saved, if nothing is known of its key.
    fn restore(&mut self, saved: &Saved<K, V>) -> bool {
        if self.core.records.find(&saved.key).is_some() {
            return false;
        }
        let record = self.find_or_add(&saved.key);
        let loaded = Loaded::from(saved.value.clone()).cost(saved.cost);
        let lifetime = Lifetime { soft: saved.soft.min(saved.hard), hard: saved.hard };
        let made = self.now - saved.age;
        self.store_for(record, loaded, lifetime, made);
        let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
        if is_rate(saved.hit_rate) && is_rate(saved.change_rate) {
            let Saved { hit_rate, change_rate, .. } = *saved;
            let learned = Learned { hit_rate, change_rate };
            self.core.planner.teach(self.now, record.slot(), learned);
        }
        let kind = self.core.records.get(record).and_then(|record| record.stored);
        matches!(kind, Some(Kind::Value | Kind::Absent))
    }
}
