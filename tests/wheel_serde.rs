//! Wheels that are written as the time left, and read at another `now`.

#![cfg(feature = "serde")]

use core::time::Duration;

use punctual::time::Time;
use punctual::wheel::{IdWheel, IdWheelSeed, Timeouts, TimeoutsSeed, TimerWheel, TimerWheelSeed};
use serde::de::DeserializeSeed;

fn read_ids(text: &str, now: u64, bound: u32) -> Option<IdWheel> {
    IdWheelSeed::new(now, bound).deserialize(&mut serde_json::Deserializer::from_str(text)).ok()
}

fn read_timers(text: &str, resolution: Duration, now: Time) -> Option<TimerWheel<u64>> {
    let seed = TimerWheelSeed::new(resolution, now);
    seed.deserialize(&mut serde_json::Deserializer::from_str(text)).ok()
}

#[test]
fn timers_keep_the_time_that_they_have_left() {
    for (start, elapsed, restart) in [(0, 0, 0), (5, 70, 1), (1 << 40, 4_000, 9), (7, 9_000, 62)] {
        let mut wheel = IdWheel::new(start);
        for id in 0..300 {
            wheel.insert(id * 3, start + u64::from(id * 37 % 8_000)).expect("the id is new");
        }
        let now = start + elapsed;
        let text = serde_json::to_string(&wheel.snapshot(now)).expect("it can be written");
        let mut same = read_ids(&text, restart, 900).expect("all ids are below the bound");
        same.assert_invariants();
        assert_eq!((same.len(), same.bound()), (300, 900));
        for (id, tick) in wheel.iter() {
            assert_eq!(same.deadline(id), Some(restart + tick.saturating_sub(now)));
        }
        let wakeup = wheel.next_wakeup().expect("there are timers");
        assert_eq!(same.next_wakeup(), Some(restart + wakeup.saturating_sub(now)));
    }
}

/// A restored timer has no less time than it had, and at most a tick of the new wheel more.
#[test]
fn no_timer_is_earlier_for_a_round_trip() {
    let ns = Duration::from_nanos;
    for (resolution, other) in [(1, 1), (1_000, 1_000), (7, 1_000), (1_000_000, 64), (0, 0)] {
        let (start, restart) = (Time::from_nanos(13), Time::from_nanos(1 << 33));
        let mut wheel = TimerWheel::new(ns(resolution), start);
        for number in 0..300_u64 {
            wheel.insert_after(start, ns(number * number * 1_000), number);
        }
        let now = start + ns(4_000_001);
        let text = serde_json::to_string(&wheel.snapshot(now)).expect("it can be written");
        let mut same = read_timers(&text, ns(other), restart).expect("it was written");
        same.assert_invariants();
        let mut left: Vec<(u64, Duration)> =
            same.iter().map(|(_, at, &number)| (number, at.saturating_since(restart))).collect();
        left.sort_unstable();
        assert_eq!(left.len(), 300);
        for (_, deadline, &number) in wheel.iter() {
            let (before, after) = (deadline.saturating_since(now), left[number as usize].1);
            assert!(before <= after && after < before + ns(other.max(1)));
        }
        let due = std::iter::from_fn(|| same.pop_due(restart)).count();
        assert_eq!(due, wheel.iter().filter(|&(_, deadline, _)| deadline <= now).count());
    }
}

#[test]
fn more_timers_than_expected_are_refused() {
    for (text, is_taken) in [("[]", true), ("[[5,1],[0,2]]", true), ("[[5,1],[0,2],[7,3]]", false)]
    {
        let seed = TimerWheelSeed::<u64>::new(Duration::from_nanos(1), Time::ZERO).with_most(2);
        let read = seed.deserialize(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(read.is_ok(), is_taken, "{text}");
    }
}

fn read_timeouts(text: &str, duration: Duration, now: Time, most: usize) -> Option<Timeouts<u64>> {
    let seed = TimeoutsSeed::new(duration, now).with_most(most);
    seed.deserialize(&mut serde_json::Deserializer::from_str(text)).ok()
}

#[test]
fn a_lane_keeps_the_time_that_its_timers_have_left() {
    let ms = Duration::from_millis;
    let (start, restart) = (Time::ZERO + ms(700), Time::from_nanos(3));
    let mut lane = Timeouts::new(ms(50));
    for number in 0..40 {
        lane.insert(start + ms(number / 2), number);
    }
    let now = start + ms(55);
    let text = serde_json::to_string(&lane.snapshot(now)).expect("it can be written");
    let mut same = read_timeouts(&text, ms(50), restart, 40).expect("it was written");
    same.assert_invariants();
    let left = |lane: &Timeouts<u64>, now: Time| {
        let timers = lane.iter().map(|(_, at, &number)| (at.saturating_since(now), number));
        timers.collect::<Vec<_>>()
    };
    assert_eq!(left(&same, restart), left(&lane, now));
    // A time before that of the last insertion counts as that one, as everywhere.
    let early = serde_json::to_string(&lane.snapshot(start)).expect("it can be written");
    assert!(read_timeouts(&early, ms(50), restart, 40).is_some());
    // What is inserted next is the last one, and what was due is due.
    same.insert(restart, 99);
    assert_eq!(std::iter::from_fn(|| same.pop_due(restart)).count(), 12);
    assert_eq!(same.iter().next_back().map(|(_, _, &number)| number), Some(99));
}

#[test]
fn what_no_lane_has_written_is_refused() {
    let (duration, now) = (Duration::from_nanos(9), Time::ZERO);
    for text in ["[[0,1],[9,2]]", "[[4,1],[4,2]]", "[]"] {
        assert!(read_timeouts(text, duration, now, 2).is_some(), "{text}");
    }
    for text in ["[[5,1],[4,2]]", "[[10,1]]", "[[1,1],[2,2],[3,3]]", "[[-1,1]]", "null", "[[0]]"] {
        assert!(read_timeouts(text, duration, now, 2).is_none(), "{text}");
    }
}

#[test]
fn what_is_no_wheel_is_refused() {
    let shapes =
        ["", "null", "7", "{}", "[0,1]", "[[]]", "[[0]]", "[[0,1,2]]", "[[0,-1]]", "[[0,1]"];
    for text in shapes {
        assert!(read_ids(text, 0, 9).is_none(), "{text}");
        assert!(read_timers(text, Duration::ZERO, Time::ZERO).is_none(), "{text}");
    }
    for text in ["[[9,1]]", "[[4294967295,1]]", "[[3,1],[3,2]]", "[[3,1],[4,1],[3,1]]"] {
        assert!(read_ids(text, 0, 9).is_none(), "{text}");
    }
    assert!(read_ids("[]", 0, 0).is_some_and(|wheel| wheel.is_empty()));
    // The end of time is the latest that there is.
    let text = format!("[[0,{}]]", u64::MAX);
    let mut wheel = read_ids(&text, 77, 9).expect("it is below the bound");
    assert_eq!(wheel.next_wakeup(), Some(u64::MAX));
    let mut wheel = read_timers(&text, Duration::MAX, Time::MAX).expect("payloads are numbers");
    assert_eq!(wheel.pop_due(Time::MAX).map(|(_, payload)| payload), Some(u64::MAX));
}
