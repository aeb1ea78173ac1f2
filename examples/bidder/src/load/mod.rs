//! Measures a bidder from outside: open-loop load, replay of recorded requests, sample requests.
//!
//! The arrows between the files point one way. [`schedule`], [`outcome`], [`tally`], [`lines`] and
//! [`sample`] are pure: they take times and bytes and do no I/O of their own. [`pool`] and
//! [`connection`] carry bytes. [`run`] and [`replay`] put the two halves together, and [`cli`]
//! gives them to the command line. Only [`clock`] reads a clock.

pub(crate) mod cli;
mod clock;
mod connection;
mod distinct;
mod lines;
mod outcome;
mod pace;
mod pool;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod schedule;
pub(crate) mod tally;
pub(crate) mod target;

#[cfg(test)]
mod tests;
