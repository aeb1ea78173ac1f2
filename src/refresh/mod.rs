//! Which entry of a cache is loaded next, and when: a state machine, like the
//! [`scheduler`](crate::scheduler).
//!
//! A [`Planner`] is told what is stored ([`insert`](Planner::insert)), what is asked for
//! ([`touch`](Planner::touch), [`demand`](Planner::demand)), and how loads end
//! ([`finish`](Planner::finish)); [`poll`](Planner::poll) tells which load to start. Ids are the
//! caller's, dense, as for an [`IdHeap`](crate::heap::IdHeap). It holds no values and no clock:
//! every call takes `now`, and one that goes back counts as standing still. The same calls give
//! the same plan, on every machine.
//!
//! ```
//! use core::time::Duration;
//! use punctual::refresh::{Config, End, Next, Planner, Terms, Urgency};
//! use punctual::time::Time;
//!
//! let (now, seconds) = (Time::ZERO, Duration::from_secs);
//! let mut planner = Planner::new(Config::default(), now)?;
//! planner.insert(now, 7, Terms::new(now, seconds(60), seconds(300)))?;
//! planner.touch(now + seconds(1), 7, 20);
//! assert!(matches!(planner.poll(now + seconds(1)), Next::Wait(Some(_))));
//!
//! // It turns stale, and nobody has limited the loads.
//! let now = now + seconds(60);
//! let Next::Load { id: 7, load, urgency: Urgency::Refresh, .. } = planner.poll(now) else {
//!     unreachable!()
//! };
//! planner.finish(now, load, End::Changed);
//! planner.insert(now, 7, Terms::new(now, seconds(60), seconds(300)))?;
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # What is refreshed
//!
//! Where nothing is scarce, what is [due](Terms::not_before). Where loads a second are limited, or
//! more is due than finds a [place](Config::concurrent_refreshes) for long, loads are spent where
//! they bring most: a refresh is started when the true answers that it brings, for what it costs,
//! are worth the *price* of a load. The price moves until the refreshes that are worth it are as
//! many as the limit allows, and as find places. How often an entry is asked for is counted, and
//! how often it changes is learned from what its refreshes bring; the formula is that of
//! [`Rates`]. For one price every entry has a time at which it is worth it, so the order is a heap
//! of plain times: an entry that becomes hot, or is known to be stale, moves to the front by a
//! decrease-key. Of those whose time has come, the one that is worth most goes first; and what is
//! worth nine tenths of the price goes before tokens are lost.
//!
//! Entries whose hard expiry is near go first, as long as it is likely enough that somebody will
//! ask for them: to wait for a value is worse than to get a stale one. Entries that nobody asks
//! for are [let go](Config::idle_refreshes).
//!
//! # Bounds
//!
//! In any time span, no more refreshes start than the [burst](Config::burst) and what the limit
//! gives in that time. Loads that somebody wants are bounded by the number
//! [in flight](Config::concurrent) alone. Every load ends: by [`finish`](Planner::finish), or by
//! being [overdue](Next::Overdue).

mod changes;
mod config;
mod demand;
mod entry;
mod hits;
mod invariants;
mod order;
mod planner;
mod poll;
mod price;
mod sweep;
mod terms;
mod value;

pub use config::{Config, ConfigError};
pub use planner::Planner;
pub use terms::{Demand, End, IdError, Learned, Next, Terms, Urgency};
pub use value::Rates;
