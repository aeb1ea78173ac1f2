//! What can go wrong where a timer leaves hints behind, and its own is found late or twice.

use std::collections::BTreeMap;

use punctual::wheel::{Advanced, IdWheel};

/// Takes out everything that is due, as (id, tick).
fn popped(wheel: &mut IdWheel, now: u64) -> Vec<(u32, u64)> {
    std::iter::from_fn(|| wheel.pop_due(now)).collect()
}

/// Ticks that a timer can be moved between, on the levels that know its tick from its slot, and
/// on those that don't.
fn scales() -> impl Iterator<Item = u64> {
    [0, 6, 12, 24, 30, 36, 42, 54, 58].into_iter().map(|bit| 1 << bit)
}

/// Every order of later, earlier and equal ticks, with a cancellation in between or a reset: the
/// timer fires once, at its last tick.
#[test]
fn a_timer_that_was_moved_about_fires_once_at_its_last_tick() {
    for scale in scales() {
        for code in 0..4_u64.pow(5) {
            let ticks = (0..5).map(|step| scale * (1 + (code >> (2 * step) & 3)));
            let mut wheel = IdWheel::new(0);
            for (step, tick) in (0..).zip(ticks.clone()) {
                if step > 0 && (code >> step) & 1 > 0 {
                    assert!(wheel.cancel(7).is_some());
                }
                if wheel.reset(7, tick).is_none() {
                    wheel.insert(7, tick).expect("it was cancelled");
                }
                if code % 3 == 0 {
                    assert_eq!(wheel.next_wakeup(), Some(tick));
                }
            }
            wheel.assert_invariants();
            let last = ticks.clone().next_back().expect("there are five");
            assert_eq!(wheel.pop_due(last - 1), None);
            assert_eq!(popped(&mut wheel, last), [(7, last)]);
            assert_eq!((popped(&mut wheel, u64::MAX), wheel.next_wakeup()), (vec![], None));
        }
    }
}

/// Time goes by between the moves, so that the timer's hints have sunk by then.
#[test]
fn a_timer_that_is_moved_while_its_hints_sink_is_not_forgotten() {
    for scale in scales().filter(|&scale| scale > 1) {
        for code in 0..3_u64.pow(6) {
            let (mut wheel, mut now, mut code) = (IdWheel::new(scale - 1), scale - 1, code);
            let mut tick = now + 2 * scale;
            wheel.insert(7, tick).expect("the id is new");
            for step in 1..=6 {
                now += scale / 4;
                if tick > now {
                    assert_eq!(wheel.pop_due(now), None);
                } else if code % 2 == 0 {
                    assert_eq!(wheel.peek_due(now), Some((7, tick)));
                }
                tick = match code % 3 {
                    0 => now + scale * step,
                    1 => now + 1,
                    _ => now - 1,
                };
                code /= 3;
                assert!(wheel.reset(7, tick).is_some());
                wheel.assert_invariants();
            }
            assert!(tick <= now || wheel.next_wakeup() == Some(tick));
            assert_eq!(popped(&mut wheel, tick.max(now)), [(7, tick)]);
            assert_eq!(popped(&mut wheel, u64::MAX), []);
        }
    }
}

/// A slot of descending ticks, of which every chunk is looked at, and hints that mean nothing are
/// dropped in the middle of it: the others stay linked.
#[test]
fn the_next_wakeup_is_found_among_hints_that_mean_nothing() {
    for (level, kept_of) in [(6, 3), (12, 7), (13, 21), (30, 2), (36, 5), (44, 45)] {
        let base = (5 << level) + 3;
        let mut wheel = IdWheel::new(base - (1 << level) - (1 << (level - 1)));
        let mut held = BTreeMap::new();
        for round in 0..4 {
            for id in (0..600_u32).filter(|id| id % 4 == round) {
                let tick = base + u64::from(600 - id) % (1 << level);
                wheel.insert(id, tick).expect("the id is new");
                held.insert(id, tick);
            }
            for id in (0..600).filter(|id| id % kept_of > 0 && id % 4 == round) {
                assert_eq!(wheel.cancel(id), held.remove(&id));
            }
            assert_eq!(wheel.next_wakeup(), held.values().min().copied());
            wheel.assert_invariants();
            // The earliest go one by one.
            for _ in 0..20 {
                let next = held.iter().min_by_key(|entry| entry.1).map(|(&id, &tick)| (id, tick));
                let Some((id, tick)) = next else { break };
                if id % 2 == 0 {
                    assert_eq!(wheel.cancel(id), held.remove(&id));
                } else {
                    let later = tick + (1 << level);
                    assert_eq!(wheel.reset(id, later), held.insert(id, later));
                }
                assert_eq!(wheel.next_wakeup(), held.values().min().copied());
            }
            wheel.assert_invariants();
        }
        let mut expected: Vec<u64> = held.values().copied().collect();
        expected.sort_unstable();
        let fired = popped(&mut wheel, u64::MAX);
        assert!(fired.iter().map(|&(_, tick)| tick).eq(expected));
        assert!(fired.iter().all(|(id, tick)| held.get(id) == Some(tick)));
    }
}

/// The search for the next wake-up drops all hints of a long queue: the slot has no parts then,
/// and what comes into it later is found.
#[test]
fn a_slot_that_a_search_has_emptied_is_as_good_as_new() {
    for slot in [64_u64, 70, 4_096, 5 << 12, 9 << 18, 3 << 30, 5 << 36] {
        let mut wheel = IdWheel::new(0);
        wheel.insert(1_000, u64::MAX).expect("the id is new");
        for round in 0..3 {
            for id in 0..500 {
                wheel.insert(id, slot + u64::from(id % 60)).expect("it is gone");
            }
            if round == 1 {
                assert_eq!(wheel.next_wakeup(), Some(slot));
            }
            (0..500).for_each(|id| _ = wheel.cancel(id));
            assert_eq!(wheel.next_wakeup(), Some(u64::MAX));
            wheel.assert_invariants();
        }
        wheel.insert(7, slot + 3).expect("it is gone");
        assert_eq!(wheel.next_wakeup(), Some(slot + 3));
        assert_eq!(popped(&mut wheel, u64::MAX), [(7, slot + 3), (1_000, u64::MAX)]);
    }
}

/// glommio#44, and every wheel in a burst: all timers of one tick came in one call. Among them
/// are many that were cancelled, and hints of one timer that was reset again and again.
#[test]
fn a_burst_is_given_in_bounded_pieces() {
    for tick in [1, 64, 5_000, 1 << 36, u64::MAX] {
        let mut wheel = IdWheel::new(0);
        for id in 0..10_000 {
            wheel.insert(id, tick).expect("the id is new");
        }
        for id in (0..10_000).filter(|id| id % 10 > 0) {
            assert_eq!(wheel.cancel(id), Some(tick));
        }
        for earlier in (0..1_000).filter(|&earlier| earlier < tick) {
            wheel.reset(0, tick - earlier);
            wheel.reset(0, tick);
        }
        wheel.assert_invariants();
        let (mut fired, mut calls) = (Vec::new(), 0);
        while !wheel.advance(tick, 100, |id, _| fired.push(id)).caught_up {
            calls += 1;
            assert!(fired.len() <= 100 * calls);
            wheel.assert_invariants();
        }
        assert!((9..50).contains(&calls), "{calls} calls");
        fired.sort_unstable();
        assert!(fired.into_iter().eq((0..10_000).step_by(10)));
    }
}

/// The search for hints that mean nothing takes hints from where they are, those of timers that
/// are due included: all timers keep their ticks, and their order.
#[test]
fn a_search_for_old_hints_loses_no_timer() {
    let (mut wheel, mut held) = (IdWheel::new(9), BTreeMap::new());
    let mut now = 9;
    for number in 0..200_000_u64 {
        let scrambled = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let id = (scrambled % 1_500) as u32;
        // In turn a few levels, a single far slot, and the past.
        let tick = match number / 5_000 % 4 {
            0 => now + scrambled % (1 << 20),
            1 => (1 << 45) + scrambled % (1 << 36),
            2 => now - scrambled % 5,
            _ => now + (1 << (scrambled % 60)),
        };
        match wheel.reset(id, tick) {
            Some(old) => {
                assert_eq!(held.insert(id, (tick, tick.max(now))).map(|it| it.0), Some(old));
            }
            None => {
                wheel.insert(id, tick).expect("the id has no timer");
                held.insert(id, (tick, tick.max(now)));
            }
        }
        if number % 8 > 0 {
            let other = (scrambled >> 20) as u32 % 1_500;
            assert_eq!(wheel.cancel(other), held.remove(&other).map(|(tick, _)| tick));
        }
        if number % 5_000 == 4_999 {
            wheel.assert_invariants();
            now += 300;
            while let Some((id, tick)) = wheel.pop_due(now) {
                let due = held.values().map(|&(_, due)| due).min();
                let (expected, at) = held.remove(&id).expect("it was held");
                assert_eq!((tick, Some(at)), (expected, due));
            }
            assert!(held.values().all(|&(_, due)| due > now));
            assert_eq!(wheel.next_wakeup(), held.values().map(|&(_, due)| due).min());
        }
    }
    assert!(wheel.iter().eq(held.iter().map(|(&id, &(tick, _))| (id, tick))));
}

/// A jump comes to a slot that is larger than the bound of a call: the part that has sunk is not
/// asked for twice, and what is inserted there meanwhile comes in order.
#[test]
fn a_slot_that_is_half_sunk_takes_new_timers() {
    for level in [1, 2, 5, 6, 8] {
        let slot = 1_u64 << (6 * level);
        let mut wheel = IdWheel::new(0);
        for id in 0..1_000 {
            wheel.insert(id, 70 * slot + u64::from(id) % slot).expect("the id is new");
        }
        let (mut fired, mut id) = (Vec::new(), 1_000);
        let now = 72 * slot;
        loop {
            let Advanced { caught_up, .. } =
                wheel.advance(now, 1, |id, tick| fired.push((tick, id)));
            if caught_up {
                break;
            }
            if fired.is_empty() && id < 1_040 {
                // The slot of the others begins at the first of these ticks.
                for tick in [70 * slot, 70 * slot + slot / 2, 70 * slot - 1, 71 * slot, now + 1] {
                    wheel.insert(id, tick).expect("the id is new");
                    id += 1;
                }
                wheel.assert_invariants();
                let earliest = wheel.iter().map(|(_, tick)| tick).min();
                assert!(wheel.clone().next_wakeup() >= earliest);
            }
        }
        assert!(id > 1_000, "some were inserted");
        assert!(fired.iter().all(|&(tick, _)| tick <= now));
        let late = (id - 1_000) as usize / 5;
        assert_eq!((fired.len(), wheel.len()), (1_000 + 4 * late, late));
        // Those that came a tick before the slot are due at once, wherever the wheel stands.
        fired.retain(|&(tick, _)| tick != 70 * slot - 1);
        assert!(fired.is_sorted_by_key(|&(tick, _)| tick));
    }
}

/// A table that doubles from far below the bound must end there, and take its last id.
#[test]
fn the_largest_ids_of_a_bound_are_taken() {
    for bound in [1, 2, 3, 1_000, 65_537] {
        let mut wheel = IdWheel::with_bound(0, bound);
        for id in [0, bound / 2, bound - 1] {
            _ = wheel.insert(id, 5);
        }
        assert_eq!(wheel.deadline(bound - 1), Some(5));
        assert!(wheel.insert(bound, 5).is_err() && wheel.insert(u32::MAX, 5).is_err());
        assert_eq!((wheel.covered(), wheel.cancel(u32::MAX)), (bound as usize, None));
        assert_eq!((wheel.reset(bound, 7), wheel.deadline(u32::MAX)), (None, None));
        let expected = if bound < 3 { bound as usize } else { 3 };
        assert_eq!(popped(&mut wheel, 5).len(), expected);
    }
    assert!(IdWheel::with_bound(0, 0).insert(0, 5).is_err());
}
