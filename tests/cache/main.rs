//! The cache beside its model: what went wrong in others, threads, pools, runtimes, and what
//! depends on what.
#![cfg(all(feature = "cache", feature = "pool"))]
#![expect(clippy::disallowed_methods, reason = "whoever uses a cache has threads of its own")]

mod dependencies;
mod determinism;
mod drops;
mod peers;
mod pool;
mod snapshots;
mod support;
mod threads;
mod timers;
mod tokio_runtime;
mod waits;
