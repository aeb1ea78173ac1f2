//! Several keys at once.

use core::hash::Hash;

use equivalent::Equivalent;

use super::answer::Answer;
use super::calls::Need;
use super::core::Discarded;
use super::handle::{Found, RefreshCache};
use super::wait::{Wait, WaitMany};
use crate::scheduler::Budget;

impl<K, V> RefreshCache<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What is there for each of the keys, at once, as [`get`](Self::get). What is missing is
    /// asked for together, so that a [bulk](super::Builder::bulk) loader gets it together.
    pub fn get_many<'a, Q>(&self, keys: impl IntoIterator<Item = &'a Q>) -> Vec<Answer<V>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized + 'a,
    {
        let mut missing = Vec::new();
        let mut find = |key: &'a Q| match self.find(key) {
            Found::Fresh(answer) | Found::Stale(answer) => answer,
            Found::Missing(_) => {
                missing.push(key);
                Answer::Missing
            }
        };
        let answers = keys.into_iter().map(&mut find).collect();
        if !missing.is_empty() {
            self.shared.visit(self.now(), |visit| {
                for key in missing {
                    let answer = visit.ask(key);
                    visit.discard(Some(Discarded::Outcome(Ok(answer))));
                }
            });
        }
        answers
    }

    /// What is there for each of the keys, or where nothing is, what loads bring within the
    /// budget, as [`get_or_wait`](Self::get_or_wait). What is missing is asked for together.
    pub fn get_many_or_wait<'a, Q>(
        &self,
        keys: impl IntoIterator<Item = &'a Q>,
        budget: Budget,
    ) -> WaitMany<V>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized + 'a,
    {
        let find = |key: &'a Q| match self.find(key) {
            Found::Fresh(answer) | Found::Stale(answer) => (key, Some(answer)),
            Found::Missing(_) => (key, None),
        };
        let found: Vec<_> = keys.into_iter().map(find).collect();
        if found.iter().all(|(_, answer)| answer.is_some()) {
            let answers = found.into_iter().filter_map(|(_, answer)| answer);
            return WaitMany::new(answers.map(|answer| Wait::ready(Ok(answer))).collect());
        }
        // Not made under the lock: should a key panic there, they are dropped without it.
        let mut waits = Vec::new();
        self.shared.visit(self.now(), |visit| {
            waits.extend(found.into_iter().map(|(key, answer)| match answer {
                Some(answer) => Wait::ready(Ok(answer)),
                None => visit.get_or_wait(key, budget, Need::Any),
            }));
        });
        WaitMany::new(waits)
    }
}
