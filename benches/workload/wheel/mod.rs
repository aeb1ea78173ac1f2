//! What a timer structure is asked to do, the same for every contender.
//!
//! A plan is drawn before the clock runs. Which timers fire, and when, gives a checksum that does
//! not depend on the order within a tick.

pub(crate) mod operation;
pub(crate) mod ours;
pub(crate) mod plan;
pub(crate) mod standard;

/// Timers by dense id, in ticks, starting at tick 0.
pub(crate) trait Timers {
    const NAME: &'static str;

    /// An empty structure for ids below `ids`.
    fn new(ids: usize) -> Self;

    fn insert(&mut self, id: u32, tick: u64);

    /// Cancels an id that has a timer.
    fn cancel(&mut self, id: u32);

    /// Moves the timer of an id that has one.
    fn reset(&mut self, id: u32, tick: u64);

    /// Hands every timer that is due at `now` to `fire`.
    fn advance(&mut self, now: u64, fire: &mut impl FnMut(u32));

    /// The tick of the next timer.
    fn next_wakeup(&mut self) -> Option<u64>;
}
