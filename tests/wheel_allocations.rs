//! A wheel allocates by growth alone, and what it keeps is in proportion to its timers.
//!
//! All is one test without a harness, since the allocator counts what every thread of the process
//! does, and a harness allocates beside its tests.

use std::alloc::System;

use core::time::Duration;
use punctual::time::Time;
use punctual::wheel::{IdWheel, InsertError, TimerWheel};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So many timers are in a wheel, or make room for it.
const COUNT: u32 = 2_000;

/// Where hints are few, every slot in use has a chunk of its own; and there are the slots.
const BYTES_OF_SLOTS: usize = 2 * 2_112 * 256;

/// Runs `operation` and checks that it neither takes memory nor gives it back.
fn expect_no_allocation<R>(name: &str, operation: impl FnOnce() -> R) -> R {
    let region = Region::new(ALLOCATOR);
    let result = operation();
    let change = region.change();
    let calls = (change.allocations, change.reallocations, change.deallocations);
    assert_eq!(calls, (0, 0, 0), "{name} allocates, reallocates or deallocates");
    result
}

/// What `make` gives, and how many bytes more are allocated while it lives.
fn live_bytes<R>(make: impl FnOnce() -> R) -> (R, usize) {
    let region = Region::new(ALLOCATOR);
    let made = make();
    let change = region.change();
    (made, change.bytes_allocated - change.bytes_deallocated)
}

/// A scrambled number below `bound`.
fn scrambled(number: u64, bound: u64) -> u64 {
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % bound
}

fn id_wheel() {
    let mut wheel = IdWheel::with_bound(5, COUNT);
    wheel.try_cover(COUNT).expect("there is memory");
    wheel.try_reserve(COUNT as usize).expect("there is memory");
    let spread = |id: u32, round: u64| 6 + (scrambled(u64::from(id) + round, 1 << 20) << (id % 40));
    for round in 0..3 {
        expect_no_allocation("insert", || {
            (0..COUNT).all(|id| wheel.insert(id, spread(id, round)).is_ok())
        });
        expect_no_allocation("reset", || {
            (0..COUNT).filter_map(|id| wheel.reset(id, spread(id, round + 7))).count()
        });
        expect_no_allocation("next_wakeup", || wheel.next_wakeup());
        expect_no_allocation("cancel and insert", || {
            for number in 0..10 * COUNT {
                let id = number % COUNT;
                wheel.cancel(id);
                _ = wheel.insert_within(id, spread(id, u64::from(number)), 1 << 62);
            }
        });
        expect_no_allocation("retain", || wheel.retain(|id, _| id % 3 > 0));
        expect_no_allocation("pop", || {
            wheel.peek_due(1 << 20);
            (0..50).filter_map(|_| wheel.pop_due(1 << 20)).count()
        });
        let advanced = expect_no_allocation("advance", || {
            wheel.advance(1 << (20 + 10 * round), 9_000, |_, _| {})
        });
        assert!(advanced.caught_up);
        expect_no_allocation("reserve", || wheel.reserve(COUNT as usize - wheel.len()));
        expect_no_allocation("drain", || wheel.drain().count());
        expect_no_allocation("clear", || wheel.clear());
    }
    wheel.assert_invariants();
}

fn timer_wheel() {
    let mut wheel = TimerWheel::new(Duration::from_millis(1), Time::ZERO);
    wheel.try_reserve(COUNT as usize).expect("there is memory");
    let mut keys = Vec::with_capacity(COUNT as usize);
    let ms = |count: u64| Duration::from_millis(count);
    let mut now = Time::ZERO;
    for round in 0..5_u64 {
        expect_no_allocation("a round of timers", || {
            for number in 0..u64::from(COUNT) {
                let delay = ms(scrambled(number + round, 1 << 20) << (number % 30));
                keys.push(wheel.insert_after(now, delay, number));
            }
            for (number, &key) in (0..).zip(&keys) {
                wheel.reset(key, now + ms(scrambled(number, 1 << 18)));
                wheel.next_wakeup();
            }
            for &key in keys.iter().step_by(2) {
                wheel.cancel(key);
                wheel.insert_within(now + ms(7), now + ms(70_000), 7);
            }
            for _ in 0..100 {
                now += ms(2);
                while wheel.pop_due(now).is_some() {}
            }
            now += ms(1 << 17);
            while !wheel.advance(now, 10, |_, _| {}).caught_up {}
            wheel.retain(|key, _, _| key.slot() % 2 == 0);
            wheel.drain().for_each(drop);
            keys.clear();
        });
    }
    wheel.assert_invariants();
}

/// A timer that is set to a later tick needs no other hint, nor does one that is due: without any
/// reservation nothing is allocated, however often that is done.
fn old_hints_serve() {
    type Change = fn(&mut IdWheel, u32, u64);
    let changes: [Change; 4] = [
        |wheel, id, round| _ = wheel.reset(id, 1_000 + 90 * round),
        |wheel, id, round| {
            wheel.cancel(id);
            wheel.insert(id, 1_000 + round / 2).expect("it was cancelled");
        },
        |wheel, id, _| {
            wheel.cancel(id);
            wheel.insert(id, 1_000).expect("it was cancelled");
        },
        |wheel, id, round| _ = wheel.reset(id, 5 - round / 4),
    ];
    for (change, now) in changes.into_iter().zip([0, 0, 999, 2_000]) {
        let mut wheel = IdWheel::new(0);
        (0..COUNT).for_each(|id| wheel.insert(id, 1_000).expect("the id is new"));
        wheel.insert(COUNT, now).expect("the id is new");
        assert!(wheel.pop_due(now).is_some());
        expect_no_allocation("a later tick", || {
            for round in 0..20 {
                (0..COUNT).for_each(|id| change(&mut wheel, id, round));
            }
        });
        wheel.assert_invariants();
    }
}

/// Whoever asks for the next wake-up has what was cancelled taken out of the middle of a slot:
/// the chunks there must not stay almost empty.
fn holes_in_a_slot() {
    const TIMERS: u32 = 20_000;
    for level in [29, 41] {
        let mut wheel = IdWheel::new(0);
        wheel.try_cover(TIMERS).expect("there is memory");
        wheel.try_reserve(TIMERS as usize).expect("there is memory");
        let mut tick = (1 << level) + (1 << (level - 1));
        for round in 0..40 {
            expect_no_allocation("holes", || {
                for id in 0..TIMERS {
                    // Each is earlier than all before, so that every chunk is looked at.
                    tick -= u64::from(wheel.insert(id, tick).is_ok());
                }
                for id in (0..TIMERS).filter(|id| id % 20 != round % 20 && id % 40 > round) {
                    wheel.cancel(id);
                }
                wheel.next_wakeup();
            });
            wheel.assert_invariants();
        }
    }
}

/// Two slots of a level take turns as the first one, and are sorted out for the next wake-up in
/// turn: a slot that is put together again must not consist of almost empty chunks.
fn two_slots_in_turn() {
    const TIMERS: u32 = 20_000;
    for shift in [12, 18, 30] {
        let mut wheel = IdWheel::new(0);
        wheel.try_cover(TIMERS + 200).expect("there is memory");
        wheel.try_reserve(TIMERS as usize + 200).expect("there is memory");
        expect_no_allocation("two slots", || {
            for id in 0..TIMERS {
                // A few in every part of the slot, and all others in one of them.
                let part = if id % 200 < 64 { u64::from(id % 200) } else { 3 };
                let tick = (5 << shift) + (part << (shift - 6)) + u64::from(id % 50);
                wheel.insert(id, tick).expect("the id is new");
            }
            for _ in 0..200 {
                for id in TIMERS..TIMERS + 200 {
                    wheel
                        .insert(id, (3 << shift) + u64::from(id - TIMERS))
                        .expect("it was cancelled");
                }
                assert!(wheel.next_wakeup() < Some(4 << shift));
                for id in TIMERS..TIMERS + 200 {
                    wheel.cancel(id);
                }
                assert!(wheel.next_wakeup() > Some(4 << shift));
            }
        });
        wheel.assert_invariants();
    }
}

/// Timers with their times, most of which are cancelled soon, as in a server's time-outs.
fn cancels_of_most() {
    const TIMERS: u32 = 20_000;
    for late in [1 << 9, 1 << 16, 1 << 44] {
        let (_wheel, live) = live_bytes(|| {
            let mut wheel = IdWheel::new(0);
            let mut now = 0;
            for number in 0..50 * u64::from(TIMERS) {
                let id = (number % u64::from(TIMERS)) as u32;
                if wheel.cancel(id).is_none() || number % 20 > 0 {
                    let tick = now + 1 + scrambled(number, late);
                    wheel.insert(id, tick).expect("it was cancelled");
                }
                if number % 100 == 0 {
                    now += 1;
                    while wheel.pop_due(now).is_some() {}
                    wheel.next_wakeup();
                }
            }
            assert!(wheel.len() > TIMERS as usize / 2);
            wheel
        });
        // The pool of hints may hold twice as many as there are timers, and has doubled last.
        let most = TIMERS as usize * (2 * 16 + 2 * 2 * 13) + BYTES_OF_SLOTS;
        assert!(live <= most, "{live} bytes for {TIMERS} timers of up to {late} ticks");
    }
}

/// Every timer is set to an earlier tick again and again, so that no old hint serves: of hints that
/// mean nothing there are about as many as of others. A copy has no memory to spare.
fn hints_of_earlier_ticks() {
    const TIMERS: u32 = 20_000;
    for shift in [20, 44] {
        let mut wheel = IdWheel::with_bound(0, TIMERS);
        for number in 0..40 * u64::from(TIMERS) {
            let (id, round) = ((number % u64::from(TIMERS)) as u32, number / u64::from(TIMERS));
            let tick = ((100 - round) << shift) + scrambled(number, 1 << shift);
            if wheel.reset(id, tick).is_none() {
                wheel.insert(id, tick).expect("the id is new");
            }
        }
        let (_copy, live) = live_bytes(|| wheel.clone());
        let most = TIMERS as usize * (16 + 2 * 13) + BYTES_OF_SLOTS / 8;
        assert!(live <= most, "{live} bytes for {TIMERS} timers");
    }
}

/// All timers are in one far slot. The earliest is cancelled with a question for the next, and
/// others are reset to earlier ticks: what the answers have sorted out is swept too.
fn resets_within_a_slot() {
    const TIMERS: u32 = 2_000;
    for shift in [18, 24] {
        let tick = |number| (5 << shift) + scrambled(number, 1 << shift);
        let (_wheel, live) = live_bytes(|| {
            let mut wheel = IdWheel::new(0);
            for id in 0..TIMERS {
                wheel.insert(id, tick(u64::from(id))).expect("the id is new");
            }
            for number in 0..1_000_000 {
                let id = scrambled(number, TIMERS.into()) as u32;
                let old = wheel.deadline(id).expect("all have timers");
                // Down to the slot's first tick, and then to its last again.
                let earlier = old - (old - (5 << shift)) / 4;
                wheel.reset(id, if earlier < old { earlier } else { (6 << shift) - 1 });
                if number % 20 == 0 {
                    wheel.insert(TIMERS, 5 << shift).expect("it was cancelled");
                    wheel.next_wakeup();
                    wheel.cancel(TIMERS);
                    wheel.next_wakeup();
                }
            }
            wheel.assert_invariants();
            wheel
        });
        let most = TIMERS as usize * (2 * 16 + 2 * 2 * 13) + BYTES_OF_SLOTS;
        assert!(live <= most, "{live} bytes for {TIMERS} timers of a slot");
    }
}

/// One timer is set again and again, and has hints wherever it ever was.
fn one_timer_again_and_again() {
    const TIMES: u64 = 1_000_000;
    type Change = fn(&mut IdWheel, u64);
    let changes: [(&str, Change); 6] = [
        ("insert and cancel at other ticks", |wheel, number| {
            wheel.insert(0, 1 + scrambled(number, 1 << 40)).expect("it was cancelled");
            wheel.cancel(0);
        }),
        ("an earlier tick every time", |wheel, number| {
            _ = wheel.insert(0, u64::MAX);
            wheel.reset(0, (1 << 50) - (number << 20));
        }),
        ("far and near while time passes", |wheel, number| {
            _ = wheel.insert(0, u64::MAX);
            wheel.reset(0, number + (1 << 41));
            wheel.reset(0, number + 1 + scrambled(number, 60));
            wheel.pop_due(number);
        }),
        ("far and into the past", |wheel, number| {
            _ = wheel.insert(0, 1);
            wheel.reset(0, 1 << 40);
            wheel.reset(0, number % 2);
        }),
        ("cancelled when it is due, and set again", |wheel, number| {
            wheel.insert(0, 0).expect("it was cancelled");
            wheel.cancel(0);
            wheel.insert(0, 1 + number).expect("it was cancelled");
            wheel.cancel(0);
        }),
        ("due, asked for and later again", |wheel, number| {
            _ = wheel.insert(0, 0);
            wheel.next_wakeup();
            wheel.reset(0, 1 + scrambled(number, 1 << 30));
            wheel.next_wakeup();
            wheel.reset(0, 0);
        }),
    ];
    for (name, change) in changes {
        let (_wheel, live) = live_bytes(|| {
            let mut wheel = IdWheel::new(0);
            (0..TIMES).for_each(|number| change(&mut wheel, number));
            wheel.assert_invariants();
            wheel
        });
        assert!(live <= BYTES_OF_SLOTS / 2, "{live} bytes for one timer: {name}");
    }
}

/// The chunks of a copy are counted to see how many hints have sunk: of a coarse slot as large a
/// share as the ticks that have gone by are of those until its time, whatever the steps.
fn a_slot_sinks_tick_by_tick() {
    let slot = 1_u64 << 12;
    for (step, timers) in [(1, 4_096), (4, 4_096), (20, 4_096), (1, 1_000), (9, 1_300)] {
        let mut wheel = IdWheel::new(0);
        for id in 0..timers {
            // The first ones to sink all go to different slots, each of which needs a chunk.
            let (at, of) = (u64::from(id) % 64, u64::from(id) / 64);
            wheel.insert(id, 2 * slot + 64 * at + of).expect("the id is new");
        }
        assert_eq!(wheel.pop_due(slot), None);
        let chunks = |wheel: &IdWheel| (live_bytes(|| wheel.clone()).1 / 256) as u64;
        let (before, mut sunk) = (chunks(&wheel), 0);
        for elapsed in (0..60).step_by(step as usize) {
            assert_eq!(wheel.pop_due(slot + elapsed + step), None);
            sunk += ((u64::from(timers) - sunk) * step).div_ceil(slot - elapsed);
            // Every twenty hints that sink leave a chunk.
            let added = sunk.min(64) - sunk / 20;
            assert_eq!(chunks(&wheel) - before, added, "{elapsed} by {step}");
        }
        // What is left when its time comes sinks at once, and nothing is lost.
        assert_eq!(std::iter::from_fn(|| wheel.pop_due(3 * slot)).count(), timers as usize);
    }
}

/// The table of timers doubles, but not past the bound: what a hostile id costs is known.
fn the_largest_ids_of_a_bound() {
    const BOUND: u32 = 1 << 20;
    let (_wheel, live) = live_bytes(|| {
        let mut wheel = IdWheel::with_bound(0, BOUND);
        for id in [BOUND - 3, BOUND - 1] {
            wheel.insert(id, 1).expect("the id is new");
        }
        assert_eq!(wheel.insert(BOUND, 1), Err(InsertError::OutOfBound));
        assert_eq!(wheel.insert(u32::MAX, 1), Err(InsertError::OutOfBound));
        wheel.try_cover(u32::MAX).expect("no id beyond the bound needs a place");
        wheel
    });
    assert!(live <= 16 * BOUND as usize + 4_000, "{live} bytes for a table of {BOUND} ids");
}

fn memory_is_allocated_by_growth_alone() {
    id_wheel();
    timer_wheel();
    old_hints_serve();
    holes_in_a_slot();
    two_slots_in_turn();
    cancels_of_most();
    hints_of_earlier_ticks();
    resets_within_a_slot();
    one_timer_again_and_again();
    a_slot_sinks_tick_by_tick();
    the_largest_ids_of_a_bound();
    let (_, left) = live_bytes(|| {
        id_wheel();
        timer_wheel();
    });
    assert_eq!(left, 0, "a wheel that is gone has given everything back");
}

fn main() {
    memory_is_allocated_by_growth_alone();
    eprintln!("test memory_is_allocated_by_growth_alone ... ok");
}
