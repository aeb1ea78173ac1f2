//! The caller's sinks, predicates and payloads that panic: a wheel loses no timer but the one
//! that it has given away, and goes on.

use core::time::Duration;
use punctual::key::Key;
use punctual::time::Time;
use punctual::wheel::{IdWheel, TimerWheel};

use super::fuse::{Drops, Payload, burn, trips};
use super::steps::{SIZES, is_retained};

const MS: Duration = Duration::from_millis(1);

/// At this time a third of all timers are due.
const NOW: u32 = 70;

/// Ties, and ticks on three levels.
fn tick_of(id: u32) -> u32 {
    id * 37 % 5 * 9 + id % 3 * 4_000
}

fn at(tick: u32) -> Time {
    Time::ZERO + MS * tick
}

fn ids(size: u32) -> IdWheel {
    let mut wheel = IdWheel::new(0);
    (0..size).for_each(|id| wheel.insert(id, tick_of(id).into()).expect("the id is new"));
    wheel
}

/// A wheel of payloads, the drop of one of which panics, if there are so many.
fn payloads(size: u32, fragile: u32) -> (TimerWheel<Payload>, Vec<Key>, Drops) {
    let (mut wheel, drops) = (TimerWheel::new(MS, Time::ZERO), Drops::default());
    let keys = (0..size).map(|id| {
        let payload = drops.payload();
        payload.is_fragile.set(id == fragile);
        wheel.insert(at(tick_of(id)), payload)
    });
    let keys = keys.collect();
    (wheel, keys, drops)
}

/// Checks that of all payloads those that the wheel holds live, and that it is as good as new.
fn expect_whole(mut wheel: TimerWheel<Payload>, keys: &[Key], drops: &Drops) {
    wheel.assert_invariants();
    let held: Vec<u32> = wheel.iter().map(|(_, _, payload)| payload.index).collect();
    assert_eq!(wheel.len(), held.len());
    drops.expect(|index| !held.contains(&index));
    for (index, &key) in (0..).zip(keys) {
        assert_eq!(wheel.contains(key), held.contains(&index));
    }
    wheel.retain(|_, _, payload| {
        payload.is_fragile.set(false);
        true
    });
    for round in 0..2 {
        let key = wheel.insert(at(9_000 + round), drops.payload());
        assert_eq!(wheel.reset(key, at(5_000 + round)), Some(at(9_000 + round)));
    }
    let (mut last, mut fired) = (Time::ZERO, 0);
    while let Some(wakeup) = wheel.next_wakeup() {
        let (_, payload) = wheel.pop_due(wakeup).expect("it is due");
        assert!(last <= wakeup && wheel.len() + fired == held.len() + 1);
        (last, fired) = (wakeup, fired + 1);
        drop(payload);
    }
    drops.expect(|_| true);
}

/// Runs with a panic at every call, on a wheel of each size, until there is none. `run` tells
/// whether there was one.
fn for_every_call(run: impl Fn(u32, u32) -> bool) {
    for size in SIZES {
        let calls = (0..).take_while(|&fuse| run(size, fuse)).count();
        assert!(calls > 0, "nothing is called for a wheel of {size}");
    }
}

#[test]
fn a_wheel_of_ids_goes_on_behind_a_panic() {
    for_every_call(|size, fuse| {
        for budget in [2, usize::MAX] {
            let (mut wheel, mut given) = (ids(size), Vec::new());
            let advance = |wheel: &mut IdWheel, given: &mut Vec<u32>| {
                _ = wheel.advance(NOW.into(), budget, |id, _| {
                    given.push(id);
                    burn();
                });
            };
            trips(fuse, || advance(&mut wheel, &mut given));
            wheel.assert_invariants();
            assert!((0..size).all(|id| wheel.contains(id) != given.contains(&id)));
            wheel.insert(size, 3).expect("the id is new");
            given.extend(std::iter::from_fn(|| wheel.pop_due(9_999)).map(|(id, _)| id));
            given.sort_unstable();
            assert!(given.into_iter().eq(0..=size));
        }
        let (mut wheel, mut asked) = (ids(size), Vec::new());
        let has_tripped = trips(fuse, || {
            wheel.retain(|id, _| {
                burn();
                asked.push(id);
                is_retained(id)
            });
        });
        wheel.assert_invariants();
        let is_held = |id| !asked.contains(&id) || is_retained(id);
        assert!((0..size).all(|id| wheel.contains(id) == is_held(id)));
        has_tripped
    });
}

/// The payload that the sink was given is dropped by the unwinding.
#[test]
fn no_payload_is_lost_behind_a_sink() {
    for_every_call(|size, fuse| {
        let mut has_tripped = false;
        for budget in [2, usize::MAX] {
            let (mut wheel, keys, drops) = payloads(size, u32::MAX);
            let mut given = 0;
            has_tripped = trips(fuse, || {
                _ = wheel.advance(at(NOW), budget, |key, payload| {
                    given += 1;
                    assert_eq!(key, keys[payload.index as usize]);
                    burn();
                });
            });
            assert_eq!(wheel.len() as u32 + given, size);
            expect_whole(wheel, &keys, &drops);
        }
        has_tripped
    });
}

#[test]
fn no_payload_is_lost_behind_a_predicate() {
    for_every_call(|size, fuse| {
        let (mut wheel, keys, drops) = payloads(size, u32::MAX);
        let mut gone = 0;
        let has_tripped = trips(fuse, || {
            wheel.retain(|_, _, payload| {
                burn();
                gone += u32::from(!is_retained(payload.index));
                is_retained(payload.index)
            });
        });
        assert_eq!(wheel.len() as u32 + gone, size);
        expect_whole(wheel, &keys, &drops);
        has_tripped
    });
}

/// Runs an operation with a panic in the drop of each payload: it must have tripped.
fn for_every_drop(
    trips_for: impl Fn(u32) -> bool,
    operation: impl Fn(&mut TimerWheel<Payload>, &[Key]),
) {
    for (size, fragile) in SIZES.into_iter().flat_map(|size| (0..size).map(move |it| (size, it))) {
        let (mut wheel, keys, drops) = payloads(size, fragile);
        let has_tripped = trips(0, || operation(&mut wheel, &keys));
        assert_eq!(has_tripped, trips_for(fragile), "payload {fragile} of {size}");
        expect_whole(wheel, &keys, &drops);
    }
}

#[test]
fn a_wheel_survives_payloads_that_panic_in_their_drop() {
    for_every_drop(|_| true, |wheel, _| wheel.clear());
    for_every_drop(|_| true, |wheel, _| drop(wheel.drain()));
    for_every_drop(|_| true, |wheel, _| wheel.drain().for_each(drop));
    for_every_drop(
        |_| true,
        |wheel, _| {
            let mut drain = wheel.drain();
            drop(drain.next());
            drop(drain);
        },
    );
    for_every_drop(
        |fragile| !is_retained(fragile),
        |wheel, _| wheel.retain(|_, _, payload| is_retained(payload.index)),
    );
    for_every_drop(
        |fragile| tick_of(fragile) <= NOW,
        |wheel, _| _ = wheel.advance(at(NOW), usize::MAX, |_, payload| drop(payload)),
    );
    for_every_drop(
        |fragile| tick_of(fragile) <= NOW,
        |wheel, _| while wheel.pop_due(at(NOW)).is_some() {},
    );
    for_every_drop(|fragile| fragile == 0, |wheel, keys| drop(wheel.cancel(keys[0])));
    for_every_drop(|_| true, |wheel, _| drop(std::mem::replace(wheel, TimerWheel::new(MS, at(0)))));
}

/// An iterator that is leaked takes its own timers along, and leaves the others.
#[test]
fn a_leaked_drain_leaves_the_rest() {
    for (size, taken) in SIZES.into_iter().flat_map(|size| (0..size).map(move |it| (size, it))) {
        let (mut wheel, keys, drops) = payloads(size, u32::MAX);
        let mut drain = wheel.drain();
        assert_eq!(drain.by_ref().take(taken as usize).count(), taken as usize);
        std::mem::forget(drain);
        assert_eq!(wheel.len() as u32, size - taken);
        expect_whole(wheel, &keys, &drops);
    }
}
