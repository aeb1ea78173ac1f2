//! Hierarchical timer wheels: exact, never early, for any `u64` deadline.
//!
//! - [`IdWheel`] holds deadlines of dense `u32` ids that the caller owns, in ticks of any length.
//! - [`TimerWheel`] holds deadlines and payloads, in [`Time`](crate::time::Time) at a resolution,
//!   and names each timer by a [`Key`](crate::key::Key) that never reaches another one.
//! - [`Timeouts`] holds timers that all have the same duration, in a list: exact in nanoseconds.
//! - [`Periodic`] says when a timer that comes again and again is due next, without drift.
//!
//! A wheel has no clock and no tick of its own: [`TimerWheel::pop_due`] takes `now` and gives the
//! timers that are due one by one, in the order of their deadlines up to the resolution, and
//! [`TimerWheel::advance`] does so with a budget. After a jump of the clock, of hours or of years,
//! the next timer is found without visiting the empty ticks between. Between two calls the wheel is
//! free to be changed: a timer that is due but not popped yet can still be cancelled or reset.
//!
//! # How it works
//!
//! Eleven levels of slots cover all 64 bits of a tick, so no deadline is a special case. A timer
//! starts in the slot of a level that fits its distance, and sinks towards the lowest level as its
//! tick comes nearer: with every tick a share of the slot that begins next, so that no tick has to
//! move many. What lies in a slot is only a *hint* of a timer. A record for each id says what is
//! true, and is asked when the tick has come: to cancel a timer, or to put it off, is one store.
//!
//! | file | idea |
//! | --- | --- |
//! | `levels` | which slot a tick belongs to: arithmetic alone |
//! | `records` | what is true of each id |
//! | `chunks`, `hints` | queues of hints, by slot |
//! | `cascade` | how the wheel moves on |
//! | `wakeup` | when it has to be asked next |
//! | `sweep` | how hints that mean nothing are found |
//!
//! # Source
//!
//! G. Varghese and T. Lauck, Hashed and hierarchical timing wheels, 1987 (scheme 7).

mod cascade;
mod chunks;
mod hints;
mod id_bulk;
mod id_wheel;
mod levels;
mod periodic;
mod records;
#[cfg(feature = "serde")]
mod serde;
mod sweep;
mod timeouts;
mod timeouts_bulk;
#[cfg(feature = "serde")]
mod timeouts_serde;
mod timer_bulk;
mod timer_wheel;
mod wakeup;

pub use id_bulk::IdDrain;
pub use id_wheel::{Advanced, IdWheel};
pub use periodic::{Missed, Periodic};
#[cfg(feature = "serde")]
pub use serde::{IdSnapshot, IdWheelSeed, TimerSnapshot, TimerWheelSeed};
pub use timeouts::Timeouts;
pub use timeouts_bulk::{TimeoutsDrain, TimeoutsIter};
#[cfg(feature = "serde")]
pub use timeouts_serde::{TimeoutsSeed, TimeoutsSnapshot};
pub use timer_bulk::TimerDrain;
pub use timer_wheel::TimerWheel;

use core::error::Error;
use core::fmt;

/// Why a timer was not inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InsertError {
    /// The id has a timer already, which is unchanged.
    Present,
    /// The id is not below the wheel's bound.
    OutOfBound,
}

impl fmt::Display for InsertError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Present => "the id has a timer already",
            Self::OutOfBound => "the id is not below the wheel's bound",
        })
    }
}

impl Error for InsertError {}
