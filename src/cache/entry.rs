//! Several calls about one key.

use core::fmt;
use core::hash::Hash;

use super::answer::{Answer, Ttl};
use super::handle::{Found, RefreshCache};
use super::loaded::Loaded;
use super::wait::Wait;
use crate::scheduler::Budget;

/// The place of a key in a cache. It locks nothing: others may use the key between two calls.
///
/// ```
/// use punctual::cache::{Answer, RefreshCache, cached_fn};
/// use punctual::time::Time;
///
/// let cache: RefreshCache<String, u32> =
///     cached_fn(|_: &String, _budget| Err::<u32, _>("the backend is down"))
///         .build_driven(drop, Time::ZERO)?;
/// let visits = cache.entry("visits".to_owned());
/// assert_eq!(visits.or_put(0), Answer::Fresh(0));
/// visits.put(7);
/// assert_eq!(visits.or_put(0), Answer::Fresh(7));
/// # Ok::<(), punctual::cache::BuildError>(())
/// ```
pub struct Entry<'a, K, V> {
    cache: &'a RefreshCache<K, V>,
    key: K,
}

impl<'a, K, V> Entry<'a, K, V> {
    pub(super) const fn new(cache: &'a RefreshCache<K, V>, key: K) -> Self {
        Self { cache, key }
    }
}

impl<K, V> Entry<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &K {
        &self.key
    }

    /// As [`RefreshCache::get`].
    pub fn get(&self) -> Answer<V> {
        self.cache.get(&self.key)
    }

    /// As [`RefreshCache::get_or_wait`].
    pub fn or_wait(&self, budget: Budget) -> Wait<V> {
        self.cache.get_or_wait(&self.key, budget)
    }

    /// As [`RefreshCache::get_fresh`].
    pub fn fresh_or_wait(&self, budget: Budget) -> Wait<V> {
        self.cache.get_fresh(&self.key, budget)
    }

    /// What is there, stale or known to be absent included; the value if nothing is known, which
    /// is stored then. No load is asked for.
    pub fn or_put(&self, value: V) -> Answer<V> {
        self.or_put_with(|| value)
    }

    /// What is there, or a value that is made if nothing is known, outside of all locks: if two
    /// make one at the same time, the first one that is stored is what both get.
    pub fn or_put_with(&self, make: impl FnOnce() -> V) -> Answer<V> {
        match self.cache.find(&self.key) {
            Found::Fresh(answer) | Found::Stale(answer) => answer,
            Found::Missing(_) => self.cache.put_if_missing(&self.key, make()),
        }
    }

    /// As [`RefreshCache::put`].
    pub fn put(&self, value: impl Into<Loaded<V>>) {
        self.cache.put(self.key.clone(), value);
    }

    /// As [`RefreshCache::refresh`].
    pub fn refresh(&self, budget: Budget) -> Wait<V> {
        self.cache.refresh(&self.key, budget)
    }

    /// As [`RefreshCache::invalidate`].
    pub fn invalidate(&self) -> bool {
        self.cache.invalidate(&self.key)
    }

    /// As [`RefreshCache::expire`].
    pub fn expire(&self) -> bool {
        self.cache.expire(&self.key)
    }

    /// As [`RefreshCache::ttl`].
    #[must_use]
    pub fn ttl(&self) -> Option<Ttl> {
        self.cache.ttl(&self.key)
    }
}

impl<K: fmt::Debug, V> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Entry").field("key", &self.key).finish_non_exhaustive()
    }
}
