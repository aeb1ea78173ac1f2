//! What one writes around quick_cache oneself.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use punctual::time::Time;
use quick_cache::sync::Cache;

use super::backend::{Backend, Value};
use super::keys::share;
use super::readers::{Reader, Terms};
use crate::workload::random::Random;

/// A value with the right to refresh it.
struct Claimable {
    value: Value,
    /// Once somebody has taken it, nobody else refreshes this value.
    is_claimed: AtomicBool,
}

/// The first who finds a stale value has it refreshed in the background; all get it as it is. What
/// is too old even for that is waited for, by all for the same load.
pub(crate) struct Claim {
    cache: Arc<Cache<u32, Arc<Claimable>>>,
    terms: Terms,
    backend: Backend,
}

impl Claimable {
    fn new(value: Value) -> Arc<Self> {
        Arc::new(Self { value, is_claimed: AtomicBool::new(false) })
    }
}

impl Reader for Claim {
    const NAME: &'static str = "quick_cache, a claim, a background load";

    fn new(terms: Terms, backend: Backend) -> Self {
        Self { cache: Arc::new(Cache::new(2 * terms.keys as usize)), terms, backend }
    }

    async fn read(&self, key: u32) -> Value {
        if let Some(found) = self.cache.get(&key) {
            let age = self.backend.now().saturating_since(found.value.made);
            if age < self.terms.ttl {
                return found.value;
            }
            if age < self.terms.ttl + self.terms.grace {
                if !found.is_claimed.swap(true, Ordering::Relaxed) {
                    self.refresh(key);
                }
                return found.value;
            }
            // Only this one: somebody may have brought another meanwhile.
            self.cache.remove_if(&key, |it| Arc::ptr_eq(it, &found));
        }
        let load = async { Ok::<_, Infallible>(Claimable::new(self.backend.load(key).await)) };
        self.cache.get_or_insert_async(&key, load).await.expect("no load fails").value
    }
}

impl Claim {
    fn refresh(&self, key: u32) {
        let (cache, backend) = (self.cache.clone(), self.backend.clone());
        drop(tokio::spawn(async move {
            cache.insert(key, Claimable::new(backend.load(key).await));
        }));
    }
}

/// XFetch (A. Vattani, F. Chierichetti, K. Lowenstein, Optimal probabilistic cache stampede
/// prevention, 2015): who reads loads anew if now - delta * beta * ln(rand) >= expiry, where delta
/// is how long the last load took. `BETA` is 1 in the paper; more is earlier.
pub(crate) struct XFetch<const BETA: u32> {
    cache: Cache<u32, Timed>,
    ttl: Duration,
    backend: Backend,
    /// Counts the numbers that were drawn.
    drawn: AtomicU64,
}

#[derive(Clone, Copy)]
struct Timed {
    value: Value,
    delta: Duration,
    expiry: Time,
}

impl<const BETA: u32> XFetch<BETA> {
    fn is_due(&self, found: &Timed) -> bool {
        let mut random = Random::new(self.drawn.fetch_add(1, Ordering::Relaxed));
        let early = -f64::from(BETA) * share(&mut random).ln();
        self.backend.now() + found.delta.mul_f64(early) >= found.expiry
    }
}

impl<const BETA: u32> Reader for XFetch<BETA> {
    const NAME: &'static str = match BETA {
        1 => "XFetch, beta 1",
        4 => "XFetch, beta 4",
        _ => "XFetch",
    };

    fn new(terms: Terms, backend: Backend) -> Self {
        let cache = Cache::new(2 * terms.keys as usize);
        Self { cache, ttl: terms.ttl, backend, drawn: AtomicU64::new(0) }
    }

    async fn read(&self, key: u32) -> Value {
        if let Some(found) = self.cache.get(&key).filter(|found| !self.is_due(found)) {
            return found.value;
        }
        let start = self.backend.now();
        let value = self.backend.load(key).await;
        let delta = value.made.saturating_since(start);
        self.cache.insert(key, Timed { value, delta, expiry: value.made + self.ttl });
        value
    }
}
