//! A cache where nobody waits for a refresh.
//!
//! A [`RefreshCache`] answers at once with what it has, and replaces it in the background *before*
//! it is too old, in the order that buys the most freshness for what loads cost. Loads run where
//! the requests run that they serve ([`dispatch`]), as background work that takes their slack.
//!
//! ```
//! use core::time::Duration;
//! use punctual::cache::{Answer, cached};
//! use punctual::scheduler::Budget;
//! use punctual::time::Time;
//! # use std::task::{Context, Waker};
//! # fn run(load: punctual::cache::Load) {
//! #     let _ = Box::pin(load).as_mut().poll(&mut Context::from_waker(Waker::noop()));
//! # }
//!
//! let prices = cached(async |sku: String, _budget| Ok::<_, std::io::Error>(sku.len() as u64))
//!     .capacity(100_000)
//!     .soft_ttl(Duration::from_secs(30))
//!     .hard_ttl(Duration::from_secs(300))
//!     .build_driven(run, Time::ZERO)?; // or `build`, and a pool, or a runtime's `spawn`
//!
//! // Nothing yet, but it is asked for; who can't do without waits for a while.
//! assert_eq!(prices.get("tea"), Answer::Missing);
//! let budget = Budget::of(prices.now(), Duration::from_millis(20));
//! assert_eq!(prices.get_or_wait("coffee", budget).wait()?, Answer::Fresh(6));
//! assert_eq!(prices.get("tea"), Answer::Fresh(3));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Two TTLs
//!
//! Until its *soft TTL* a value is fresh, until its *hard TTL* it is served as stale, and after
//! that it is gone. A refresh is due so early that its value comes when the old one turns stale.
//! Without a limit of loads a second nothing that is asked for is ever stale for long. With one,
//! the [`refresh`](crate::refresh) planner decides what is refreshed, by how often it is asked for
//! and how often it changes; what would be gone otherwise goes first.
//!
//! # One load for all
//!
//! For each key there is at most one load that counts. [`put`](RefreshCache::put),
//! [`expire`](RefreshCache::expire), [`invalidate`](RefreshCache::invalidate) and
//! [`clear`](RefreshCache::clear) win over a load that began before them: it stores nothing. Who
//! had waited for it is told its result all the same; who asks after them waits for another one.
//! Every load has a deadline, a panic is an error, and a load that is dropped frees its claim.
//!
//! # What a hit costs
//!
//! A lookup in quick_cache, an atomic load of the time, and a comparison: no lock of this cache's,
//! no reading of a clock, no allocation. A hit that is counted changes two more atomics, and a
//! stale one reads the clock and some of them. Everything else takes a lock for some microseconds,
//! but for [`clear`](RefreshCache::clear).
//!
//! # What runs where
//!
//! Keys are hashed, compared and cloned, and values cloned and weighed, under the cache's locks.
//! Loaders, listeners, wakers and destructors of values that leave run outside them, and may use
//! the cache; the destructor of a key must not.
//!
//! | file | idea |
//! | --- | --- |
//! | `stored`, `clock`, `hits` | the hit path: entries, the time, what is noted |
//! | `core`, `records` | what is behind the lock |
//! | `visit`, `calls`, `storage`, `popularity`, `pump` | what is done there |
//! | `flight`, `wait` | a load as those see it who wait |
//! | `load`, `errand`, `loader` | a load as those see it who run it; its way home |
//! | `dispatch` | where loads run |
//! | `policy`, `latency`, `dependency` | how long values live and loads take |
//! | `many`, `entry`, `snapshot`, `stats` | what is made of these |

mod answer;
mod builder;
mod calls;
mod clock;
mod core;
mod dependency;
pub mod dispatch;
mod entry;
mod errand;
mod error;
mod flight;
mod handle;
mod hits;
mod latency;
mod load;
mod loaded;
mod loader;
mod many;
mod party;
mod policy;
mod popularity;
mod pump;
mod records;
mod shared;
mod snapshot;
mod stats;
mod storage;
mod stored;
mod visit;
mod wait;

pub use answer::{Answer, Removal, Ttl};
pub use builder::Builder;
pub use entry::Entry;
pub use error::{BuildError, CycleError, LoadError, WaitError};
pub use handle::RefreshCache;
pub use load::{Load, Order};
pub use loaded::Loaded;
pub use snapshot::Saved;
pub use stats::{LoadStats, Stats};
pub use wait::{Wait, WaitMany};

use ::core::error::Error;
use ::core::future::Future;
use ::core::hash::Hash;

use crate::scheduler::Budget;

/// A cached function that waits for something: it gets a key and the time that it has, and makes a
/// future, which occupies no thread while it waits. It may bring a value, an `Option`, or
/// [`Loaded`].
pub fn cached<K, V, F, Fut, L, E>(load: F) -> Builder<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Fn(K, Budget) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<L, E>> + Send + 'static,
    L: Into<Loaded<V>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    Builder::new(loader::Loader::futures(load))
}

/// A cached function that computes, or blocks the thread on which its dispatcher runs it. It can't
/// be interrupted: what it brings after its time is stored if nothing newer is there.
pub fn cached_fn<K, V, F, L, E>(load: F) -> Builder<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Fn(&K, Budget) -> Result<L, E> + Send + Sync + 'static,
    L: Into<Loaded<V>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    Builder::new(loader::Loader::function(load))
}
