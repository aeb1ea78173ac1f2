//! What went wrong in other timer wheels.

use core::time::Duration;
use std::rc::Rc;

use punctual::time::Time;
use punctual::wheel::{IdWheel, InsertError, TimerWheel};

const MS: Duration = Duration::from_millis(1);

/// Powers of two at which wheels broke: every boundary of a level of 64 slots, and other sizes
/// of levels and of clocks.
fn boundaries() -> impl Iterator<Item = u64> {
    let bits = (1..=10).map(|level| 6 * level).chain([8, 14, 26, 30, 32, 35, 40, 63]);
    bits.map(|bit| 1 << bit).chain([u64::MAX])
}

/// Takes out everything that is due, as (id, tick); timers of one tick, which come in any order,
/// by id.
fn popped(wheel: &mut IdWheel, now: u64) -> Vec<(u32, u64)> {
    let mut popped: Vec<_> = std::iter::from_fn(|| wheel.pop_due(now)).collect();
    popped.chunk_by_mut(|one, other| one.1 == other.1).for_each(<[_]>::sort_unstable);
    popped
}

/// tokio#8334, netty#1959: with one far timer pending, short timers hung when the clock passed a
/// power of two (after twelve days).
#[test]
fn short_timers_fire_beside_a_far_one_at_every_boundary() {
    for boundary in boundaries() {
        let start = boundary - 40;
        let mut wheel = IdWheel::new(start);
        wheel.insert(0, u64::MAX).expect("the id is new");
        let mut now = start;
        while now < boundary.saturating_add(100).min(u64::MAX - 5) {
            wheel.insert(1, now + 5).expect("the last short timer fired");
            assert_eq!(wheel.next_wakeup(), Some(now + 5));
            assert_eq!(popped(&mut wheel, now + 4), []);
            assert_eq!(popped(&mut wheel, now + 5), [(1, now + 5)]);
            wheel.assert_invariants();
            now += 5;
        }
        assert_eq!((wheel.len(), wheel.deadline(0)), (1, Some(u64::MAX)));
    }
}

/// dpvs#29, rpc-perf#180, theine-go#64, agrona#73, tokio-timer#14, wahern/timeout#20: a timer at
/// the boundary of a level came a turn too early or too late.
#[test]
fn timers_are_exact_on_both_sides_of_every_boundary() {
    for boundary in boundaries() {
        for start in (0..4).map(|before| boundary - before) {
            for tick in (0..4).map(|after| boundary.saturating_add(after)).filter(|&it| it > start)
            {
                let mut wheel = IdWheel::new(start);
                wheel.insert(0, tick).expect("the id is new");
                wheel.insert(1, tick - 1).expect("the id is new");
                assert_eq!(popped(&mut wheel, tick - 1), [(1, tick - 1)]);
                assert_eq!(wheel.next_wakeup(), Some(tick));
                assert_eq!(popped(&mut wheel, tick), [(0, tick)]);
            }
        }
    }
}

/// tokio#5536, tikv#12043: a deadline beyond 2^36 ticks panicked; others clamp or wrap there.
#[test]
fn the_horizon_is_all_of_time() {
    let mut wheel = IdWheel::new(3);
    let ticks: Vec<u64> = (30..64).map(|bit| (1 << bit) + 5).chain([u64::MAX]).collect();
    for (id, &tick) in (0..).zip(&ticks) {
        wheel.insert(id, tick).expect("the id is new");
    }
    for (id, &tick) in (0..).zip(&ticks) {
        assert_eq!(wheel.next_wakeup(), Some(tick));
        assert_eq!(wheel.pop_due(tick - 1), None);
        assert_eq!(wheel.pop_due(tick), Some((id, tick)));
    }

    let mut wheel = TimerWheel::new(MS, Time::from_nanos(1));
    wheel.insert(Time::MAX, "the end");
    assert_eq!(wheel.next_wakeup(), Some(Time::MAX));
    assert_eq!(wheel.pop_due(Time::from_nanos(u64::MAX - 1)), None);
    assert_eq!(wheel.pop_due(Time::MAX).map(|(_, payload)| payload), Some("the end"));
}

/// glommio#44: a fine timer that was inserted later hid an earlier one on a coarser level.
#[test]
fn a_fine_timer_hides_no_coarse_one() {
    let mut wheel = IdWheel::new(0);
    wheel.insert(0, 130).expect("the id is new");
    assert_eq!(popped(&mut wheel, 100), []);
    wheel.insert(1, 135).expect("the id is new");
    assert_eq!(wheel.next_wakeup(), Some(130));
    wheel.insert(2, 127).expect("the id is new");
    assert_eq!(wheel.next_wakeup(), Some(127));
    assert_eq!(popped(&mut wheel, 135), [(2, 127), (0, 130), (1, 135)]);
}

/// tokio#8402: of 4005 pairs of timers, `peek` named the later one in 351.
#[test]
fn the_next_wakeup_of_every_pair_is_the_earlier_one() {
    let ticks: Vec<u64> = (0..90_u64).map(|step| 1 + step * 3 + step * step * step / 30).collect();
    for &late in &ticks {
        for &early in ticks.iter().filter(|&&tick| tick <= late) {
            for (first, second, asks) in [
                (early, late, false),
                (late, early, false),
                (early, late, true),
                (late, early, true),
            ] {
                let mut wheel = IdWheel::new(0);
                wheel.insert(0, first).expect("the id is new");
                assert!(!asks || wheel.next_wakeup() == Some(first));
                wheel.insert(1, second).expect("the id is new");
                assert_eq!(wheel.next_wakeup(), Some(early));
                assert_eq!(wheel.pop_due(early).map(|(_, tick)| tick), Some(early));
                assert_eq!(wheel.next_wakeup(), Some(late));
            }
        }
    }
}

/// msquic#3206, seastar#3013: the remembered next expiry outlived its timer.
#[test]
fn the_next_wakeup_forgets_a_timer_that_is_gone() {
    let mut wheel = IdWheel::new(0);
    for (id, tick) in [(0, 5_000), (1, 5_001), (2, 5_001), (3, 9_000)] {
        wheel.insert(id, tick).expect("the id is new");
    }
    assert_eq!(wheel.next_wakeup(), Some(5_000));
    assert_eq!(wheel.cancel(0), Some(5_000));
    assert_eq!(wheel.next_wakeup(), Some(5_001));
    assert_eq!(wheel.cancel(1), Some(5_001));
    assert_eq!(wheel.next_wakeup(), Some(5_001));
    assert_eq!(wheel.reset(2, 20_000), Some(5_001));
    assert_eq!(wheel.next_wakeup(), Some(9_000));
    assert_eq!(wheel.cancel(3), Some(9_000));
    assert_eq!(wheel.next_wakeup(), Some(20_000));
    assert_eq!(wheel.cancel(2), Some(20_000));
    assert_eq!(wheel.next_wakeup(), None);
}

/// tokio#849, #868, #2473, #3270: the removal or reset of a timer that had expired, but was not
/// collected yet, panicked or took another's place.
#[test]
fn an_expired_timer_can_be_cancelled_and_reset_until_it_is_collected() {
    let mut wheel = TimerWheel::new(MS, Time::ZERO);
    let at = |count: u32| Time::ZERO + MS * count;
    let keys = [9, 10, 10, 10, 10].map(|ms| wheel.insert(at(ms), ms));
    assert_eq!(wheel.pop_due(at(12)), Some((keys[0], 9)));
    assert_eq!(wheel.cancel(keys[2]), Some(10));
    assert_eq!(wheel.cancel(keys[2]), None);
    assert_eq!(wheel.reset(keys[1], at(30)), Some(at(10)));
    assert_eq!(wheel.reset(keys[0], at(30)), None, "it is collected");
    assert_eq!(wheel.reset(keys[4], at(11)), Some(at(10)));
    wheel.assert_invariants();
    assert_eq!(wheel.pop_due(at(12)), Some((keys[3], 10)));
    assert_eq!(wheel.pop_due(at(12)), Some((keys[4], 10)));
    assert_eq!(wheel.pop_due(at(29)), None);
    assert_eq!(wheel.pop_due(at(30)), Some((keys[1], 10)));
    assert!(wheel.is_empty() && wheel.next_wakeup().is_none());
}

/// tokio#8274: a timer that was reset into the past lost its wake-up.
#[test]
fn a_timer_that_is_reset_into_the_past_is_due_at_once() {
    let mut wheel = TimerWheel::new(MS, Time::ZERO);
    let at = |count: u32| Time::ZERO + MS * count;
    assert_eq!(wheel.pop_due(at(100)), None);
    let key = wheel.insert(at(500), "reset");
    assert_eq!(wheel.next_wakeup(), Some(at(500)));
    assert_eq!(wheel.reset(key, at(50)), Some(at(500)));
    assert_eq!(wheel.next_wakeup(), Some(at(100)));
    assert_eq!(wheel.pop_due(at(100)), Some((key, "reset")));
}

/// tokio#4161, #6751, #8320: a sleeper missed a timer that became the earliest after it had asked
/// when to wake.
#[test]
fn whoever_sleeps_until_the_next_wakeup_misses_nothing() {
    let mut wheel = IdWheel::new(0);
    let (mut now, mut step) = (0, 0_u64);
    let mut fired = 0;
    while step < 3_000 || !wheel.is_empty() {
        let asked = wheel.next_wakeup();
        if step < 3_000 {
            let id = (step % 50) as u32;
            let tick = now + 1 + step.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (7 << (step % 23));
            match wheel.insert(id, tick) {
                Ok(()) => {
                    let expected = asked.map_or(tick, |asked| asked.min(tick));
                    assert_eq!(wheel.next_wakeup(), Some(expected));
                }
                Err(present) => assert_eq!(present, InsertError::Present),
            }
        }
        step += 1;
        if step % 3 == 0 || step >= 3_000 {
            now = wheel.next_wakeup().expect("something is pending");
            let due = popped(&mut wheel, now);
            assert!(!due.is_empty() && due.iter().all(|&(_, tick)| tick == now));
            fired += due.len();
        }
    }
    assert!(fired > 500);
}

/// camunda#767: after a pause, one call caught up with one tick only.
#[test]
fn one_jump_equals_many_steps() {
    let fill = |start: u64| {
        let mut wheel = IdWheel::new(start);
        for id in 0..2_000 {
            let distance = u64::from(id * id % 10_007) << (id % 5);
            wheel.insert(id, start.saturating_add(distance)).expect("the id is new");
        }
        wheel
    };
    for start in [0, (1 << 12) - 9, (1 << 36) - 5_000, u64::MAX - 90_000] {
        let end = start.saturating_add(200_000);
        let jumped = popped(&mut fill(start), end);
        assert_eq!(jumped.len(), 2_000);
        assert!(jumped.is_sorted_by_key(|&(_, tick)| tick));
        for stride in [1, 63, 64, 1_000] {
            let (mut wheel, mut stepped, mut now) = (fill(start), Vec::new(), start);
            while now < end {
                now = now.saturating_add(stride).min(end);
                let due = popped(&mut wheel, now);
                assert!(due.iter().all(|&(_, tick)| tick <= now && now - tick <= stride));
                stepped.extend(due);
            }
            assert_eq!(stepped, jumped, "from {start} by {stride}");
        }
        for budget in [1, 50, 3_000] {
            let (mut wheel, mut given) = (fill(start), Vec::new());
            while !wheel.advance(end, budget, |id, tick| given.push((id, tick))).caught_up {}
            given.chunk_by_mut(|one, other| one.1 == other.1).for_each(<[_]>::sort_unstable);
            assert_eq!(given, jumped, "from {start} with {budget} a call");
        }
    }
}

/// moka#524, #548, #566, #570: nodes that were linked by raw pointers were used after they were
/// freed. Whichever neighbour leaves a list first, the others stay linked.
#[test]
fn neighbours_leave_a_slot_in_any_order() {
    let orders = (0..4_u32.pow(4)).map(|code| [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6]);
    for order in orders {
        let mut wheel = IdWheel::new(0);
        for id in 0..4 {
            wheel.insert(id, 70).expect("the id is new");
        }
        let mut left: Vec<u32> = (0..4).collect();
        for id in order {
            let expected = left.contains(&id).then_some(70);
            assert_eq!(wheel.cancel(id), expected);
            left.retain(|&other| other != id);
            wheel.assert_invariants();
        }
        wheel.insert(9, 70).expect("the id is new");
        left.push(9);
        let fired: Vec<u32> = popped(&mut wheel, 70).iter().map(|&(id, _)| id).collect();
        assert_eq!(fired, left);
    }
}

/// netty#14959, #5647, #2561, tokio#8252: counters drifted and cancelled timers stayed in memory
/// until they were due.
#[test]
fn nothing_is_kept_of_a_timer_that_is_gone() {
    let payload = Rc::new(());
    let mut wheel = TimerWheel::new(MS, Time::ZERO);
    for round in 0..1_000_u32 {
        let now = Time::ZERO + MS * round;
        let cancelled = wheel.insert(now + Duration::from_secs(1 << 30), payload.clone());
        let fired = wheel.insert(now + MS, payload.clone());
        assert!(cancelled.slot() < 2 && fired.slot() < 2, "slots are used again");
        assert_eq!((wheel.len(), Rc::strong_count(&payload)), (2, 3));
        assert!(wheel.cancel(cancelled).is_some());
        assert_eq!((wheel.len(), Rc::strong_count(&payload)), (1, 2));
        assert_eq!(wheel.pop_due(now + MS).map(|(key, _)| key), Some(fired));
        assert_eq!((wheel.len(), Rc::strong_count(&payload)), (0, 1));
        assert_eq!(wheel.next_wakeup(), None);
    }
    wheel.insert(Time::MAX, payload.clone());
    drop(wheel);
    assert_eq!(Rc::strong_count(&payload), 1);
}

/// tokio#2789: the shutdown moved the clock to the largest tick, and the wheel overflowed.
#[test]
fn the_last_tick_ends_every_timer() {
    let mut wheel = IdWheel::new(u64::MAX - 3);
    for (id, tick) in [(0, u64::MAX), (1, u64::MAX - 1), (2, 0), (3, u64::MAX)] {
        wheel.insert(id, tick).expect("the id is new");
    }
    let expected = [(2, 0), (1, u64::MAX - 1), (0, u64::MAX), (3, u64::MAX)];
    assert_eq!(popped(&mut wheel, u64::MAX), expected);
    wheel.insert(5, u64::MAX).expect("the id is new");
    assert_eq!(wheel.next_wakeup(), Some(u64::MAX));
    assert_eq!(popped(&mut wheel, u64::MAX), [(5, u64::MAX)]);

    for resolution in [Duration::ZERO, Duration::from_nanos(7), MS, Duration::MAX] {
        let mut wheel = TimerWheel::new(resolution, Time::from_nanos(9));
        let early = wheel.insert(Time::from_nanos(100), "early");
        let last = wheel.insert(Time::MAX, "last");
        assert_eq!(wheel.pop_due(Time::MAX), Some((early, "early")));
        assert_eq!(wheel.pop_due(Time::MAX), Some((last, "last")));
        wheel.insert(Time::MAX, "behind the end");
        assert!(wheel.pop_due(Time::MAX).is_some(), "the end of time has come");
    }
}

/// DelayQueue: the key of a timer that was gone removed the next one in its slot.
#[test]
fn a_stale_key_reaches_nothing() {
    let mut wheel = TimerWheel::new(MS, Time::ZERO);
    let fired = wheel.insert(Time::ZERO, "fired");
    assert_eq!(wheel.pop_due(Time::ZERO), Some((fired, "fired")));
    let cancelled = wheel.insert(Time::ZERO + MS, "cancelled");
    assert_eq!(wheel.cancel(cancelled), Some("cancelled"));
    let live = wheel.insert(Time::ZERO + MS, "live");
    for stale in [fired, cancelled] {
        assert_eq!(stale.slot(), live.slot(), "the slot is used again");
        assert!(!wheel.contains(stale) && wheel.deadline(stale).is_none());
        assert_eq!((wheel.reset(stale, Time::ZERO), wheel.cancel(stale)), (None, None));
    }
    assert_eq!(wheel.pop_due(Time::ZERO + MS), Some((live, "live")));
}

/// A timer that is inserted between two pops of one catch-up must be neither skipped nor come
/// before earlier ones: the wheel stands at the tick of the last pop, not at the caller's.
#[test]
fn timers_that_are_inserted_between_pops_keep_the_order() {
    let mut wheel = IdWheel::new(0);
    for (id, tick) in [(0, 10), (1, 20), (2, 4_100)] {
        wheel.insert(id, tick).expect("the id is new");
    }
    assert_eq!(wheel.pop_due(5_000), Some((0, 10)));
    for (id, tick) in [(3, 15), (4, 20), (5, 3), (6, 4_099), (7, 6_000)] {
        wheel.insert(id, tick).expect("the id is new");
    }
    let expected = [(5, 3), (3, 15), (1, 20), (4, 20), (6, 4_099), (2, 4_100)];
    assert_eq!(popped(&mut wheel, 5_000), expected);
    assert_eq!((wheel.len(), wheel.next_wakeup()), (1, Some(6_000)));
}

/// tokio#990, #5021: rounding to the wheel's tick fired early, or a whole tick late for a
/// deadline on the tick.
#[test]
fn deadlines_are_rounded_up_and_no_further() {
    let start = Time::from_nanos(123);
    for offset_ns in [0_u64, 1, 999_999, 1_000_000, 1_000_001, 64_000_000, 64_000_001] {
        let mut wheel = TimerWheel::new(MS, start);
        let deadline = start + Duration::from_nanos(offset_ns);
        let key = wheel.insert(deadline, ());
        let fires_at = start + MS * offset_ns.div_ceil(1_000_000) as u32;
        assert_eq!(wheel.deadline(key), Some(fires_at));
        assert_eq!(wheel.next_wakeup(), Some(fires_at));
        if fires_at > start {
            assert_eq!(wheel.pop_due(fires_at - Duration::from_nanos(1)), None);
        }
        assert_eq!(wheel.pop_due(fires_at), Some((key, ())));
    }
}

/// A clock that steps back must not make a wheel fire again, or never.
#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut wheel = IdWheel::new(100);
    wheel.insert(0, 150).expect("the id is new");
    assert_eq!(wheel.pop_due(140), None);
    assert_eq!(wheel.pop_due(10), None);
    wheel.insert(1, 120).expect("the id is new");
    assert_eq!(wheel.pop_due(10), Some((1, 120)), "the wheel stands at 140");
    assert_eq!(wheel.pop_due(10), None);
    assert_eq!(wheel.pop_due(150), Some((0, 150)));
}
