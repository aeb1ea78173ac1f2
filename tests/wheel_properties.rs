//! What a wheel promises of any sequence of calls, property by property.

use std::collections::BTreeMap;

use core::time::Duration;
use punctual::time::Time;
use punctual::wheel::{Advanced, IdWheel, TimerWheel};
use quickcheck::quickcheck;

type Fired = Vec<(u32, u64)>;

const BUDGETS: [usize; 5] = [1, 2, 19, 300, usize::MAX];

/// A distance at any level, of a number of any size.
fn distance(number: u64) -> u64 {
    (number >> 6 & 0xFFFF) << (number % 48)
}

/// A wheel, and a map of the timers that it holds, all of which come after `start`.
fn filled(start: u64, numbers: &[u64]) -> (IdWheel, BTreeMap<u32, u64>) {
    let (mut wheel, mut held) = (IdWheel::new(start), BTreeMap::new());
    for (id, &number) in (0..).zip(numbers) {
        let tick = start.saturating_add(1 + distance(number));
        wheel.insert(id, tick).expect("the id is new");
        held.insert(id, tick);
    }
    (wheel, held)
}

/// Many timers of all levels.
fn many(start: u64) -> (IdWheel, BTreeMap<u32, u64>) {
    let numbers = (0..2_000_u64).map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    filled(start, &numbers.collect::<Vec<_>>())
}

fn starts() -> impl Iterator<Item = u64> {
    let bits = (1..=10).map(|level| 6 * level).chain([30, 32]);
    bits.map(|bit| (1 << bit) - 3).chain([0, u64::MAX - 70, u64::MAX - (1 << 40)])
}

/// Takes out all that is due with so many timers a call, and how many calls it took.
fn advanced(wheel: &mut IdWheel, now: u64, budget: usize) -> (Fired, usize) {
    let (mut fired, mut calls) = (Vec::new(), 0);
    loop {
        let before = fired.len();
        let advanced = wheel.advance(now, budget, |id, tick| fired.push((id, tick)));
        calls += 1;
        assert_eq!(advanced.fired, fired.len() - before);
        assert!(advanced.fired <= budget);
        if advanced.caught_up {
            return (fired, calls);
        }
    }
}

/// Timers of one tick come in any order: here by id.
fn in_order(mut fired: Fired) -> Fired {
    assert!(fired.is_sorted_by_key(|&(_, tick)| tick), "in the order of their ticks");
    fired.chunk_by_mut(|one, other| one.1 == other.1).for_each(<[_]>::sort_unstable);
    fired
}

fn due(held: &BTreeMap<u32, u64>, now: u64) -> Fired {
    let mut due: Fired =
        held.iter().map(|(&id, &tick)| (id, tick)).filter(|&(_, tick)| tick <= now).collect();
    due.sort_unstable_by_key(|&(id, tick)| (tick, id));
    due
}

quickcheck! {
    fn one_jump_equals_many_steps(start: u64, numbers: Vec<u64>, steps: Vec<u64>) -> () {
        let start = start.min(u64::MAX - 1);
        let end = steps.iter().fold(start, |now, &step| now.saturating_add(distance(step)));
        for budget in BUDGETS {
            let (mut wheel, held) = filled(start, &numbers);
            let (mut stepped, mut now) = (Vec::new(), start);
            for &step in &steps {
                now = now.saturating_add(distance(step));
                stepped.extend(advanced(&mut wheel, now, budget).0);
            }
            let (mut wheel, _) = filled(start, &numbers);
            let (jumped, _) = advanced(&mut wheel, end, budget);
            wheel.assert_invariants();
            assert_eq!(in_order(stepped), in_order(jumped.clone()));
            assert_eq!(in_order(jumped), due(&held, end));
        }
    }

    fn the_next_wakeup_is_the_smallest_tick(start: u64, numbers: Vec<u64>, gone: Vec<u8>) -> () {
        let start = start.min(u64::MAX - 1);
        let (mut wheel, mut held) = filled(start, &numbers);
        let smallest = |held: &BTreeMap<u32, u64>| held.values().min().copied();
        assert_eq!(wheel.next_wakeup(), smallest(&held));
        for (number, id) in (0..).zip(gone) {
            let id = if number % 3 == 0 {
                // The earliest of all, which was remembered.
                held.iter().min_by_key(|entry| entry.1).map_or(0, |(&id, _)| id)
            } else {
                u32::from(id)
            };
            if let Some(tick) = held.get_mut(&id).filter(|_| number % 2 == 0) {
                *tick = tick.saturating_add(distance(u64::from(id) << (number % 30)));
                wheel.reset(id, *tick);
            } else {
                assert_eq!(wheel.cancel(id), held.remove(&id));
            }
            assert_eq!(wheel.next_wakeup(), smallest(&held));
        }
    }

    fn whoever_sleeps_until_the_next_wakeup_misses_nothing(start: u64, numbers: Vec<u64>) -> () {
        let start = start.min(u64::MAX - 1);
        let (mut wheel, mut held) = filled(start, &numbers);
        let mut now = start;
        while let Some(wakeup) = wheel.next_wakeup() {
            assert!(now < wakeup);
            assert_eq!(wheel.pop_due(wakeup - 1), None, "no wake-up comes too late");
            let (fired, _) = advanced(&mut wheel, wakeup, 3);
            assert!(!fired.is_empty(), "no wake-up is in vain");
            assert_eq!(in_order(fired.clone()), due(&held, wakeup));
            fired.iter().for_each(|(id, _)| _ = held.remove(id));
            now = wakeup;
        }
        assert!(held.is_empty());
    }
}

/// Two wheels come to the same times and have the same changes of timers that aren't due; one of
/// them in the middle of its small budgets.
#[test]
fn interleaved_budgets_equal_one_big_advance() {
    for (start, budget) in starts().zip(BUDGETS.into_iter().cycle()) {
        let ((mut small, _), (mut big, mut held)) = (many(start), many(start));
        let (mut now, mut number) = (start, 0_u64);
        for step in 0..60 {
            now = now.saturating_add(1 << (step % 48));
            let (mut fired, mut changes) = (Vec::new(), Vec::new());
            while !small.advance(now, budget, |id, tick| fired.push((id, tick))).caught_up {
                number += 1;
                let id = (number.wrapping_mul(0x9E37_79B9) >> 8) as u32 % 2_500;
                let tick = now.saturating_add(1 + distance((number << 7) | (number % 64)));
                if tick > now && held.get(&id).is_none_or(|&tick| tick > now) {
                    changes.push((id, (number % 3 > 0).then_some(tick)));
                    change(&mut small, id, changes[changes.len() - 1].1);
                }
            }
            assert_eq!(in_order(fired.clone()), due(&held, now));
            for (id, tick) in changes {
                change(&mut big, id, tick);
                held.remove(&id);
                held.extend(tick.map(|tick| (id, tick)));
            }
            let (fired_at_once, _) = advanced(&mut big, now, usize::MAX);
            assert_eq!(in_order(fired), in_order(fired_at_once));
            held.retain(|_, tick| *tick > now);
            assert!(small.iter().eq(big.iter()) && small.iter().eq(held.clone()));
        }
        small.assert_invariants();
    }
}

fn change(wheel: &mut IdWheel, id: u32, tick: Option<u64>) {
    match tick {
        None => _ = wheel.cancel(id),
        Some(tick) if wheel.contains(id) => _ = wheel.reset(id, tick),
        Some(tick) => wheel.insert(id, tick).expect("the id has no timer"),
    }
}

/// What is due and not collected can be cancelled, reset to any time, and comes where it belongs.
#[test]
fn what_is_due_can_be_cancelled_and_reset_between_two_calls() {
    for start in starts() {
        let (mut wheel, mut held) = many(start);
        let end = start.saturating_add(1 << 62);
        let mut fired = Vec::new();
        let mut number = 0_u64;
        while !wheel.advance(end, 7, |id, tick| fired.push((id, tick))).caught_up {
            fired.drain(..).for_each(|(id, tick)| assert_eq!(held.remove(&id), Some(tick)));
            number += 1;
            let Some((&id, &tick)) = held.range((number * 77 % 2_000) as u32..).next() else {
                continue;
            };
            if number.is_multiple_of(2) {
                assert_eq!(wheel.cancel(id), held.remove(&id));
                assert_eq!((wheel.cancel(id), wheel.reset(id, end)), (None, None));
            } else {
                let later = tick.saturating_add(distance((number << 7) | (number % 50)));
                assert_eq!(wheel.reset(id, later), held.insert(id, later));
            }
        }
        fired.drain(..).for_each(|(id, tick)| assert_eq!(held.remove(&id), Some(tick)));
        assert!(held.values().all(|&tick| tick > end) && wheel.iter().eq(held));
    }
}

/// The work of a call is bounded, however far the clock has jumped: the first timer fires when
/// all of its slot has sunk, at most `16 * budget + 64` timers a call.
#[test]
fn a_call_is_bounded_after_a_jump_of_years() {
    const TIMERS: u32 = 100_000;
    for (level, budget) in [(2, 1), (4, 1), (6, 1), (9, 1), (3, 100), (7, 0)] {
        let slot = 1_u64 << (6 * level);
        let mut wheel = IdWheel::new(17);
        for id in 0..TIMERS {
            wheel.insert(id, 5 * slot + u64::from(id) % 3_000).expect("the id is new");
        }
        let moves = 16 * budget + 64;
        let mut idle_calls = 0;
        while let Advanced { fired: 0, caught_up } = wheel.advance(u64::MAX, budget, |_, _| {}) {
            assert!(!caught_up);
            idle_calls += 1;
            if idle_calls % 100 == 0 {
                wheel.assert_invariants();
            }
            if budget == 0 && idle_calls > 12 * TIMERS as usize / moves {
                break;
            }
        }
        assert!(idle_calls >= TIMERS as usize / moves, "{idle_calls} calls before the first fires");
        let (fired, calls) = advanced(&mut wheel, u64::MAX, budget.max(1));
        assert!(in_order(fired).len() as u32 + budget as u32 >= TIMERS);
        // Every timer is given, and was moved through the levels at most.
        let most = TIMERS as usize / budget.max(1) + 12 * TIMERS as usize / moves;
        assert!(idle_calls + calls <= most + 3_000, "{idle_calls} and {calls} calls");
    }
}

/// Timers that come tick by tick have sunk by then: no tick needs more than a small budget.
#[test]
fn a_wheel_that_ticks_always_catches_up() {
    for (stride, start) in [(1, 0), (1, (1 << 18) - 99), (7, 1 << 30), (3, u64::MAX - (1 << 16))] {
        let mut wheel = IdWheel::new(start);
        // About one timer in two ticks, and those of a few slots that are far ahead at once.
        for id in 0..8_000 {
            wheel.insert(id, start + 600 + u64::from(id) * 2).expect("the id is new");
        }
        for now in (start..start + 17_000).step_by(stride) {
            let advanced = wheel.advance(now, 4, |_, tick| assert!(now - tick < stride as u64));
            assert!(advanced.caught_up, "from {start} at {now}");
        }
        assert!(wheel.is_empty());
    }
}

/// What timers have left behind counts as what they are: at one tick, in one slot, or in many.
#[test]
fn a_call_is_bounded_among_cancelled_timers() {
    type TickOf = fn(u64) -> u64;
    let cases: [(u64, TickOf); 4] = [
        (90, |_| 9_999),
        (90, |id| (3 << 36) + id),
        (90, |id| (2 + id / 70) << 42),
        (50, |id| 300 + id / 40 * 64),
    ];
    for (least_calls, tick_of) in cases {
        let mut wheel = IdWheel::new(0);
        for id in 0..10_000 {
            wheel.insert(id, tick_of(id.into())).expect("the id is new");
        }
        let last = u64::MAX - 7;
        wheel.insert(10_000, last).expect("the id is new");
        (0..10_000).for_each(|id| _ = wheel.cancel(id));
        let (fired, calls) = advanced(&mut wheel, u64::MAX, 1);
        assert_eq!(fired, [(10_000, last)]);
        // Less than an eighth is found by the cancellations themselves.
        assert!(calls as u64 >= least_calls, "{calls} calls");
        assert!(calls < 2_000, "{calls} calls");
    }
}

/// Timers that are cancelled when they are due, and not collected yet, are gone past bit by bit.
#[test]
fn a_call_is_bounded_among_timers_that_were_cancelled_late() {
    let mut wheel = IdWheel::new(0);
    for id in 0..10_000 {
        wheel.insert(id, 1_000 + u64::from(id / 9_999)).expect("the id is new");
    }
    while wheel.advance(1_000, 1, |_, _| {}).fired == 0 {}
    (0..9_999).for_each(|id| _ = wheel.cancel(id));
    let (fired, calls) = advanced(&mut wheel, 2_000, 1);
    assert_eq!(fired, [(9_999, 1_001)]);
    assert!((90..200).contains(&calls), "{calls} calls");
}

/// A call that hasn't caught up goes on from where it was, also when the clock has gone on.
#[test]
fn a_call_is_resumed_at_a_later_time() {
    for start in starts() {
        let ((mut wheel, held), mut now, mut fired) = (many(start), start, Vec::new());
        let mut calls = 0_u32;
        while !wheel.is_empty() {
            calls += 1;
            now = now.saturating_add(1 << (calls % 60));
            let advanced = wheel.advance(now, 3, |id, tick| fired.push((id, tick)));
            assert!(fired.iter().all(|&(_, tick)| tick <= now));
            let is_missed = |tick: u64| tick <= now && advanced.caught_up;
            assert!(!calls.is_multiple_of(64) || !wheel.iter().any(|(_, tick)| is_missed(tick)));
        }
        assert_eq!(in_order(fired), due(&held, u64::MAX));
    }
}

/// Without any budget nothing fires, and calls come to an end all the same.
#[test]
fn no_budget_fires_nothing_and_prepares_much() {
    let (mut wheel, held) = many(0);
    for _ in 0..1_000 {
        let advanced = wheel.advance(u64::MAX, 0, |_, _| unreachable!("nothing may fire"));
        assert_eq!(advanced, Advanced { fired: 0, caught_up: false });
    }
    assert!(wheel.iter().eq(held.clone()));
    assert_eq!(in_order(advanced(&mut wheel, u64::MAX, 64).0), due(&held, u64::MAX));
    let advanced = wheel.advance(u64::MAX, 0, |_, _| unreachable!("nothing is left"));
    assert_eq!(advanced, Advanced { fired: 0, caught_up: true });
}

/// The payloads come with their own timers, whatever the resolution.
#[test]
fn a_timer_wheel_advances_as_its_ids_do() {
    let ms = Duration::from_millis;
    for resolution in [Duration::ZERO, Duration::from_nanos(7), ms(1), ms(1_000)] {
        let start = Time::from_nanos(99);
        let mut wheel = TimerWheel::new(resolution, start);
        let mut held = BTreeMap::new();
        for number in 0..2_000_u64 {
            let delay = Duration::from_nanos(distance(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
            held.insert(wheel.insert_after(start, delay, delay), start + delay);
        }
        let (mut now, mut last) = (start, start);
        while !wheel.is_empty() {
            now += ms(17) + now.saturating_since(start) / 8;
            let mut fired = Vec::new();
            let advanced = wheel.advance(now, 9, |key, delay| fired.push((key, delay)));
            assert_eq!(advanced.fired, fired.len());
            for (key, delay) in fired {
                let deadline = held.remove(&key).expect("it was held");
                assert_eq!(deadline, start + delay);
                assert!(deadline <= now && last <= deadline + resolution);
                last = deadline;
            }
            let is_late = held.values().any(|&deadline| deadline + resolution <= now);
            assert!(!(is_late && advanced.caught_up));
        }
        assert!(held.is_empty());
    }
}

/// Of a burst that is due, nearly all is cancelled: what that leaves behind is dropped within the
/// bound of a call, also of one that may give nothing.
#[test]
fn a_call_is_bounded_after_a_burst_was_cancelled() {
    const TIMERS: u32 = 20_000;
    for budget in [0, 1, 3] {
        let mut wheel = IdWheel::new(0);
        for id in 0..TIMERS {
            wheel.insert(id, 1_000).expect("the id is new");
        }
        assert_eq!(wheel.pop_due(1_000), Some((0, 1_000)));
        for id in 1..TIMERS - 1 {
            wheel.cancel(id);
        }
        let (mut calls, mut fired) = (0, 0);
        while fired == 0 && calls < TIMERS {
            let advanced = wheel.advance(1_000, budget, |id, _| {
                assert_eq!(id, TIMERS - 1);
                fired += 1;
            });
            calls += 1;
            if budget == 0 && wheel.clone().advance(1_000, 1, |_, _| {}).fired == 1 {
                break;
            }
            assert!(advanced.caught_up || fired == 0);
        }
        // Some are found by the cancellations already.
        let moves = 16 * budget as u32 + 64;
        assert!(calls > TIMERS / 2 / moves && calls <= TIMERS / moves + 1, "{calls} calls");
    }
}
