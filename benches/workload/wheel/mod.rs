//! What a timer structure is asked to do, the same for every contender.
//!
//! A plan is drawn before the clock runs. Which timers fire, and when, gives a checksum that does
//! not depend on the order within a tick.

pub(crate) mod operation;
pub(crate) mod ours;
pub(crate) mod plan;
pub(crate) mod prepared;
pub(crate) mod standard;

use operation::Operation;

/// Timers by dense id, in ticks, starting at tick 0.
pub(crate) trait Timers {
    const NAME: &'static str;

    /// Operations that ask for what the structure doesn't know.
    const LEFT_OUT: &'static [Operation] = &[];

    /// Operations for which [`Timers::next_wakeup`] looks at every timer of a slot, again and
    /// again. They do less of it, because a run would take minutes.
    const SCANNED: &'static [Operation] = &[];

    /// An empty structure for ids below `ids`.
    fn new(ids: usize) -> Self;

    /// Inserts a timer that is not due yet.
    fn insert(&mut self, id: u32, tick: u64);

    /// Cancels an id that has a timer.
    fn cancel(&mut self, id: u32);

    /// Moves the timer of an id that has one.
    fn reset(&mut self, id: u32, tick: u64);

    /// Hands at most `budget` of the timers that are due at `now` to `fire`. The others come in
    /// the calls that follow.
    fn advance(&mut self, now: u64, budget: usize, fire: &mut impl FnMut(u32));

    /// The tick of the next timer. One before it will do, unless the operation is left out: who
    /// wakes up then finds nothing and asks again.
    fn next_wakeup(&mut self) -> Option<u64>;
}
