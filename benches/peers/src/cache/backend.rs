//! What is behind the caches: it takes a while, and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use punctual::time::{Clock, MonotonicClock, Time};

/// How long a load takes.
pub(crate) const LATENCY: Duration = Duration::from_millis(20);

/// A value, and when it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) key: u32,
    pub(crate) made: Time,
}

/// Clones are the same.
#[derive(Clone)]
pub(crate) struct Backend(Arc<Inner>);

struct Inner {
    clock: MonotonicClock,
    loads: AtomicU64,
    /// By key, whether it was loaded once.
    known: Box<[AtomicBool]>,
}

impl Backend {
    pub(crate) fn new(clock: MonotonicClock, keys: u32) -> Self {
        let known = (0..keys).map(|_| AtomicBool::new(false)).collect();
        Self(Arc::new(Inner { clock, loads: AtomicU64::new(0), known }))
    }

    pub(crate) fn now(&self) -> Time {
        self.0.clock.now()
    }

    pub(crate) fn clock(&self) -> MonotonicClock {
        self.0.clock
    }

    pub(crate) async fn load(&self, key: u32) -> Value {
        self.0.loads.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(LATENCY).await;
        self.0.known[key as usize].store(true, Ordering::Relaxed);
        Value { key, made: self.now() }
    }

    /// How many loads were begun.
    pub(crate) fn loads(&self) -> u64 {
        self.0.loads.load(Ordering::Relaxed)
    }

    pub(crate) fn is_known(&self, key: u32) -> bool {
        self.0.known[key as usize].load(Ordering::Relaxed)
    }
}
