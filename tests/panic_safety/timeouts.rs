//! The caller's code that panics in a lane of constant durations: all timers but the one that it
//! was given are treated as if nothing had happened.

use core::time::Duration;

use punctual::time::Time;
use punctual::wheel::Timeouts;

use super::fuse::{Drops, Payload, burn, trips};

const TIMERS: u32 = 5;

/// When timers are inserted, and when all of them are due.
const START: Time = Time::from_nanos(7);
const DUE: Time = Time::from_nanos(17);

fn lane() -> (Timeouts<Payload>, Drops) {
    let (mut lane, drops) = (Timeouts::new(Duration::from_nanos(10)), Drops::default());
    for _ in 0..TIMERS {
        lane.insert(START, drops.payload());
    }
    (lane, drops)
}

/// Checks that the lane holds the payloads it should, in their order, and no other one lives; then
/// that it goes on.
fn expect(mut lane: Timeouts<Payload>, drops: &Drops, is_held: impl Fn(u32) -> bool) {
    lane.assert_invariants();
    let held = lane.iter().map(|(_, _, payload)| payload.index);
    assert!(held.eq((0..TIMERS).filter(|&index| is_held(index))));
    drops.expect(|index| !is_held(index));
    for index in (0..TIMERS).filter(|&index| is_held(index)) {
        let popped = lane.pop_due(DUE).expect("all are due");
        assert_eq!(popped.1.index, index);
        popped.1.is_fragile.set(false);
        lane.insert(DUE, popped.1);
        lane.assert_invariants();
    }
    assert!(lane.pop_due(DUE).is_none());
    drop(lane);
    drops.expect(|_| true);
}

#[test]
fn a_sink_that_panics_loses_what_it_was_given() {
    for fuse in 0..=TIMERS {
        let (mut lane, drops) = lane();
        let tripped = trips(fuse, || {
            let advanced = lane.advance(DUE, usize::MAX, |_, _payload| burn());
            assert!(advanced.caught_up);
        });
        assert_eq!(tripped, fuse < TIMERS);
        expect(lane, &drops, |index| index > fuse);
    }
}

#[test]
fn a_predicate_that_panics_loses_nothing() {
    for fuse in 0..TIMERS {
        let (mut lane, drops) = lane();
        assert!(trips(fuse, || {
            lane.retain(|_, _, payload| {
                burn();
                payload.index % 2 == 0
            });
        }));
        expect(lane, &drops, |index| index >= fuse || index % 2 == 0);
    }
}

#[test]
fn payloads_that_panic_in_their_drop_lose_no_other_one() {
    for fragile in 0..TIMERS {
        let fragile_lane = || {
            let (lane, drops) = lane();
            let found = lane.iter().find(|(_, _, payload)| payload.index == fragile);
            found.expect("it is held").2.is_fragile.set(true);
            (lane, drops)
        };
        let (mut lane, drops) = fragile_lane();
        assert!(trips(0, || lane.clear()));
        assert!(lane.is_empty() && lane.next_wakeup().is_none());
        expect(lane, &drops, |_| false);

        let (mut lane, drops) = fragile_lane();
        assert!(trips(0, || drop(lane.drain())));
        expect(lane, &drops, |_| false);

        let (mut lane, drops) = fragile_lane();
        assert!(trips(0, || lane.drain().for_each(drop)));
        expect(lane, &drops, |_| false);

        let (mut lane, drops) = fragile_lane();
        assert!(trips(0, || lane.retain(|_, _, payload| payload.index > fragile)));
        expect(lane, &drops, |index| index > fragile);

        let (mut lane, drops) = fragile_lane();
        assert!(trips(0, || _ = lane.advance(DUE, usize::MAX, |_, payload| drop(payload))));
        expect(lane, &drops, |index| index > fragile);

        let (lane, drops) = fragile_lane();
        assert!(trips(0, || drop(lane)));
        drops.expect(|_| true);
    }
}

#[test]
fn a_drain_that_is_leaked_leaves_the_rest_in() {
    let (mut lane, drops) = lane();
    let mut drain = lane.drain();
    assert!(drain.next().is_some_and(|(_, payload)| payload.index == 0));
    std::mem::forget(drain);
    expect(lane, &drops, |index| index > 0);
}

#[test]
fn a_clone_that_panics_changes_nothing() {
    for fuse in 0..TIMERS {
        let (lane, drops) = lane();
        assert!(trips(fuse, || drop(lane.clone())));
        lane.assert_invariants();
        drops.expect(|index| index >= TIMERS);
    }
}
