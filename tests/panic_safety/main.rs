//! Somebody else's code that panics may cost a heap its order, but never an element, and a wheel
//! not even that.
//!
//! `steps` runs every operation with a panic in its first comparison, then in its second, and so
//! on until it passes, on `ids` and `payloads`; `consumers` does so with what makes a heap or
//! gives it up. `callers` has panics in all other code of the caller: they don't even cost the
//! order. `wheels` and `timeouts` do the same for timers, which compare nothing of the caller's.
//! `identities` has panics in what a scheduler knows jobs of the same work by.
//! `contrary` has an order that contradicts itself.

mod callers;
mod consumers;
mod contrary;
mod drops;
mod fuse;
mod identities;
mod ids;
mod payloads;
mod steps;
mod timeouts;
mod wheels;

use ids::Ids;
use payloads::Payloads;
use steps::panic_everywhere;

#[test]
fn ids_survive_panics_in_comparisons() {
    panic_everywhere::<Ids<2>>();
    panic_everywhere::<Ids<3>>();
    panic_everywhere::<Ids<4>>();
    panic_everywhere::<Ids<8>>();
}

#[test]
fn payloads_survive_panics_in_comparisons() {
    panic_everywhere::<Payloads<2>>();
    panic_everywhere::<Payloads<3>>();
    panic_everywhere::<Payloads<4>>();
    panic_everywhere::<Payloads<8>>();
}
