//! The tower layer, under a clock that only the tests move.

#![cfg(feature = "tower")]

mod answers;
mod bench;
mod drops;
mod limit;
mod needs;
mod overload;
mod places;
mod queue;
mod regressions;
