//! punctual orders work by *when it must be done*.
//!
//! ```text
//! foundation   time      key      sync
//! structures   heap      wheel            no clock, no thread, no_std + alloc
//! policy       scheduler refresh          state machines: every call takes `now`
//! shells       timer    simulation        a thread that wakes; seeds, virtual time
//!              pool                       worker threads around schedulers
//!              cache                      loads, in the order that refresh plans
//!              adapters                   tower, metrics
//! ```
//!
//! A module uses only modules of the lines above its own; `heap` and `wheel` don't know each
//! other. Nothing above the shells reads a clock or starts a thread, except `time::MonotonicClock`,
//! which reads one: the same code runs in production, in a simulation and under a test's virtual
//! time.
//!
//! - [`heap`]: array-backed min-heaps with decrease-key, over the caller's ids or owned payloads.
//! - [`wheel`]: hierarchical timer wheels, exact and never early, for any `u64` deadline; and a
//!   lane for time-outs that all have the same duration.
//! - [`scheduler`]: earliest deadline first; in overload what is worth most for its cost; and a
//!   'no' while the caller can still use it.
//! - `pool` (feature `pool`): worker threads around it, for closures, futures and jobs that borrow.
//! - `refresh` (feature `refresh`): which entry of a cache is loaded next, and when.
//! - `cache` (feature `cache`): a cache that refreshes its entries before anybody waits.
//! - `simulation` (feature `simulation`): what a configuration of the scheduler, or of a cache's
//!   refreshes, does with a load, tried in virtual time.
//! - `timer` (feature `timer`): sleeps and time-outs for futures of any executor.
//! - `adapters` (features `tower` and `metrics`): a layer that serves requests in the order of
//!   their deadlines; what schedulers do, as metrics.
//! - [`time`]: points in time, and the clocks that give them.
//! - [`key`]: handles that never reach another element than the one they were made for.
//!
//! # Example
//!
//! ```
//! use core::time::Duration;
//! use punctual::scheduler::{Config, Job, Next, Outcome, Scheduler};
//! use punctual::time::Time;
//!
//! let ms = Duration::from_millis;
//! let now = Time::ZERO;
//! let mut scheduler = Scheduler::new(Config::default())?;
//! scheduler.submit(now, Job::new("report").deadline(now + ms(80)).cost(ms(2)))?;
//! scheduler.submit(now, Job::new("bid").deadline(now + ms(10)).cost(ms(2)))?;
//!
//! let Next::Run(running) = scheduler.poll(now) else { unreachable!() };
//! assert_eq!(running.payload, "bid");
//! scheduler.complete(now + ms(2), running.key, Outcome::Done);
//!
//! // Nobody came back in time for the report: it is shed while its caller can still say no.
//! let Next::Shed(shed) = scheduler.poll(now + ms(78)) else { unreachable!() };
//! assert_eq!(shed.payload, "report");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Features
//!
//! `std` (default) adds `time::MonotonicClock`. Without it the crate is `no_std` and needs only
//! `alloc`; [`time::CoarseClock`] and [`time::ManualClock`] are there where atomics of 64 bits are.
//!
//! `serde` lets heaps be serialised and deserialised, and gives wheels and lanes a `snapshot` of
//! the time that is left, which `IdWheelSeed`, `TimerWheelSeed` and `TimeoutsSeed` read; that of a
//! scheduler is a sequence of `SavedJob`.
//!
//! `simulation` adds the module `simulation`, and needs `std`.
//!
//! `pool` adds the module `pool`, and `pinning` lets its workers be pinned to cores. `tracing` adds
//! a span for each run and an event for each job that is not run.
//!
//! `refresh` adds the module `refresh`, without std too; `cache` adds the module `cache`, and needs
//! that one and `timer`; with `pool` its loads can run on a pool.
//!
//! `timer` adds the module `timer`, a thread and the locks that it needs; `tower` adds
//! `adapters::tower` and needs it; `metrics` adds `adapters::metrics`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(any(feature = "metrics", feature = "tower"))]
pub mod adapters;
#[cfg(all(feature = "cache", not(any(punctual_loom, punctual_shuttle))))]
pub mod cache;
pub mod heap;
pub mod key;
#[cfg(feature = "pool")]
pub mod pool;
#[cfg(feature = "refresh")]
pub mod refresh;
pub mod scheduler;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod time;
#[cfg(feature = "timer")]
pub mod timer;
pub mod wheel;

#[cfg(any(feature = "cache", feature = "pool"))]
mod block;
#[cfg(any(feature = "cache", feature = "pool"))]
mod contain;
mod prefetch;
mod sync;

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../docs/migrating.md")]
struct MigratingExamples;
