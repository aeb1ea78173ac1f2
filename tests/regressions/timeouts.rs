//! What went wrong in other timers, where a lane of constant durations and times without drift
//! could go wrong too.

use core::time::Duration;
use std::rc::Rc;

use punctual::time::Time;
use punctual::wheel::{Missed, Periodic, Timeouts};

const MS: Duration = Duration::from_millis(1);

fn at(ms: u32) -> Time {
    Time::ZERO + MS * ms
}

/// DelayQueue: the key of a timer that was gone removed the next one in its slot.
#[test]
fn a_stale_key_reaches_nothing() {
    let mut lane = Timeouts::new(MS);
    let fired = lane.insert(at(0), "fired");
    assert_eq!(lane.pop_due(at(1)), Some((fired, "fired")));
    let cancelled = lane.insert(at(1), "cancelled");
    assert_eq!(lane.cancel(cancelled), Some("cancelled"));
    let cleared = lane.insert(at(1), "cleared");
    lane.clear();
    let live = lane.insert(at(1), "live");
    for stale in [fired, cancelled, cleared] {
        assert_eq!(stale.slot(), live.slot(), "the slot is used again");
        assert!(!lane.contains(stale) && lane.deadline(stale).is_none());
        assert!(lane.get(stale).is_none() && lane.get_mut(stale).is_none());
        assert_eq!((lane.restart(stale, at(9)), lane.cancel(stale)), (None, None));
    }
    assert_eq!(lane.pop_due(at(2)), Some((live, "live")));
}

/// tokio#849, #868, #2473, #3270: the removal or reset of a timer that had expired, but was not
/// collected yet, panicked or took another's place.
#[test]
fn an_expired_timer_can_be_cancelled_and_restarted_until_it_is_collected() {
    let mut lane = Timeouts::new(MS * 10);
    let keys = [0, 1, 1, 1].map(|ms| lane.insert(at(ms), ms));
    assert_eq!(lane.pop_due(at(12)), Some((keys[0], 0)));
    assert_eq!(lane.cancel(keys[2]), Some(1));
    assert_eq!(lane.cancel(keys[2]), None);
    assert_eq!(lane.restart(keys[1], at(12)), Some(at(11)));
    assert_eq!(lane.restart(keys[0], at(12)), None, "it is collected");
    lane.assert_invariants();
    assert_eq!(lane.pop_due(at(12)), Some((keys[3], 1)));
    assert_eq!(lane.pop_due(at(21)), None);
    assert_eq!(lane.next_wakeup(), Some(at(22)));
    assert_eq!(lane.pop_due(at(22)), Some((keys[1], 1)));
    assert!(lane.is_empty() && lane.next_wakeup().is_none());
}

/// msquic#3206, seastar#3013: the remembered next expiry outlived its timer.
#[test]
fn the_next_wakeup_forgets_a_timer_that_is_gone() {
    let mut lane = Timeouts::new(MS * 10);
    let keys = [0, 1, 2, 3].map(|ms| lane.insert(at(ms), ms));
    assert_eq!(lane.next_wakeup(), Some(at(10)));
    assert_eq!(lane.cancel(keys[0]), Some(0));
    assert_eq!(lane.next_wakeup(), Some(at(11)));
    assert_eq!(lane.restart(keys[1], at(4)), Some(at(11)));
    assert_eq!(lane.next_wakeup(), Some(at(12)));
    lane.retain(|key, _, _| key != keys[2]);
    assert_eq!(lane.next_wakeup(), Some(at(13)));
    assert_eq!(lane.drain().next(), Some((keys[3], 3)));
    assert_eq!(lane.next_wakeup(), None);
}

/// A clock that steps back must not make a lane fire again, early or never, nor put a timer before
/// those that are due earlier.
#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut lane = Timeouts::new(MS * 10);
    let first = lane.insert(at(100), "first");
    let second = lane.insert(at(20), "second");
    assert_eq!(lane.deadline(second), Some(at(110)), "the lane stands at 100");
    assert_eq!(lane.restart(first, at(50)), Some(at(110)));
    lane.assert_invariants();
    assert_eq!(lane.pop_due(at(109)), None);
    assert_eq!(lane.pop_due(at(110)), Some((second, "second")));
    assert_eq!(lane.pop_due(at(10)), Some((first, "first")), "the lane stands at 110");
    assert_eq!(lane.pop_due(at(10)), None);
}

/// tokio#2789: the shutdown moved the clock to the largest tick, and the wheel overflowed.
#[test]
fn the_end_of_time_ends_every_timer() {
    let late = Time::from_nanos(u64::MAX - 1);
    for duration in [Duration::ZERO, MS, Duration::from_nanos(u64::MAX), Duration::MAX] {
        let mut lane = Timeouts::new(duration);
        let early = lane.insert(Time::ZERO, "early");
        let last = lane.insert(late, "last");
        lane.assert_invariants();
        assert_eq!(lane.pop_due(Time::MAX), Some((early, "early")));
        assert_eq!(lane.pop_due(Time::MAX), Some((last, "last")));
        let behind = lane.insert(Time::MAX, "behind the end");
        assert_eq!(lane.next_wakeup(), Some(Time::MAX));
        assert_eq!(lane.pop_due(Time::ZERO), Some((behind, "behind the end")));
    }
}

/// netty#14959, #5647, #2561, tokio#8252: counters drifted and cancelled timers stayed in memory
/// until they were due.
#[test]
fn nothing_is_kept_of_a_timer_that_is_gone() {
    let payload = Rc::new(());
    let mut lane = Timeouts::new(MS);
    for round in 0..1_000 {
        let keys = [(); 3].map(|()| lane.insert(at(round), payload.clone()));
        assert!(keys.iter().all(|key| key.slot() < 3), "slots are used again");
        assert_eq!((lane.len(), Rc::strong_count(&payload)), (3, 4));
        assert!(lane.cancel(keys[1]).is_some());
        assert_eq!((lane.len(), Rc::strong_count(&payload)), (2, 3));
        assert_eq!(lane.pop_due(at(round + 1)).map(|(key, _)| key), Some(keys[0]));
        lane.retain(|_, _, _| false);
        assert_eq!((lane.len(), Rc::strong_count(&payload)), (0, 1));
    }
    lane.insert(at(5_000), payload.clone());
    drop(lane);
    assert_eq!(Rc::strong_count(&payload), 1);
}

/// glommio#44 asks for a drain with a bound: a burst of timers that are due at once would hold the
/// loop up for as long as it takes.
#[test]
fn a_budget_bounds_a_burst_and_loses_nothing() {
    for budget in [1, 7, 999, 1_000, 1_001, usize::MAX] {
        let mut lane = Timeouts::new(MS);
        for number in 0..1_000 {
            lane.insert(at(0), number);
        }
        let (mut fired, mut calls) = (Vec::new(), 0);
        loop {
            let before = fired.len();
            let advanced = lane.advance(at(1), budget, |_, number| fired.push(number));
            assert_eq!(advanced.fired, fired.len() - before);
            assert!(advanced.fired <= budget);
            calls += 1;
            if advanced.caught_up {
                break;
            }
        }
        assert_eq!(calls, 1_000_usize.div_ceil(budget));
        assert!(fired.into_iter().eq(0..1_000));
    }
}

/// A timer that was re-armed with the time of its handling drifted by how late that was.
#[test]
fn a_timer_that_comes_late_stays_on_its_grid() {
    let (first, every) = (12_345_u64, 1_000);
    for missed in [Missed::CatchUp, Missed::Skip] {
        let mut times =
            Periodic::new(Time::from_nanos(first), Duration::from_nanos(every)).with_missed(missed);
        for round in 0..5_000 {
            let late = round * round % 990;
            let due = times.due();
            assert_eq!(due.as_nanos(), first + round * every);
            assert_eq!(
                times.renew(due + Duration::from_nanos(late)),
                due + Duration::from_micros(1)
            );
        }
    }
}

/// camunda#767: after a pause, one call caught up with one tick only.
#[test]
fn a_pause_of_the_clock_is_caught_up_with_or_skipped() {
    let (first, every) = (at(50), MS * 50);
    let pause_ends = at(1_020);
    let mut times = Periodic::new(first, every).with_missed(Missed::CatchUp);
    let mut given = vec![times.due()];
    while times.renew(pause_ends) <= pause_ends {
        given.push(times.due());
    }
    assert!(given.into_iter().eq((1..=20).map(|period| at(50 * period))));
    assert_eq!(times.due(), at(1_050));
    assert_eq!(Periodic::new(first, every).renew(pause_ends), at(1_050));
    let shift = Periodic::new(first, every).with_missed(Missed::Shift).renew(pause_ends);
    assert_eq!(shift, at(1_070));
}

/// tokio#5536, tikv#12043: a time that was too far away panicked. No pause and no period may be too
/// long.
#[test]
fn periods_never_pass_the_end_of_time() {
    let extremes = [0, 1, 2, 1 << 32, u64::MAX / 2, u64::MAX - 1, u64::MAX];
    for (first, every) in extremes.into_iter().flat_map(|it| extremes.map(|other| (it, other))) {
        for (now, missed) in extremes.into_iter().flat_map(|now| {
            [Missed::CatchUp, Missed::Skip, Missed::Shift].map(|missed| (now, missed))
        }) {
            let mut times = Periodic::new(Time::from_nanos(first), Duration::from_nanos(every));
            times = times.with_missed(missed);
            let next = times.renew(Time::from_nanos(now)).as_nanos();
            assert!(next >= first.saturating_add(every.max(1)), "{first} {every} {now} {missed:?}");
            let is_after = missed == Missed::CatchUp || next > now;
            assert!(is_after || next == u64::MAX, "{first} {every} {now} {missed:?}");
            let is_on_grid = (next - first).is_multiple_of(every.max(1)) || next == u64::MAX;
            assert!(is_on_grid || missed == Missed::Shift, "{first} {every} {now} {missed:?}");
        }
    }
    let forever = Duration::MAX;
    assert_eq!(Periodic::new(Time::ZERO, forever).renew(Time::ZERO), Time::MAX);
}
