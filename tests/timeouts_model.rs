//! The lane of constant durations, and the times without drift, against their models.

mod model;

use core::time::Duration;

use model::distance::Distance;
use model::periodic::{self, PeriodicModel};
use model::timeouts::{self, TimeoutsModel};
use punctual::time::Time;
use punctual::wheel::Missed;
use quickcheck::quickcheck;

quickcheck! {
    fn timeouts(start: u64, duration: u32, words: Vec<u32>) -> () {
        let duration = Duration::from_nanos(u64::from(duration));
        model::run(TimeoutsModel::new(duration, Time::from_nanos(start)), &words);
        for ns in [0, 1, 40, 4_000] {
            model::run(TimeoutsModel::new(Duration::from_nanos(ns), Time::ZERO), &words);
        }
        let late = Time::from_nanos(u64::MAX - 4_000);
        model::run(TimeoutsModel::new(Duration::from_nanos(900), late), &words);
        model::run(TimeoutsModel::new(Duration::from_nanos(u64::MAX), late), &words);
    }

    fn periodic(first: u64, every: u64, words: Vec<u32>) -> () {
        for missed in [Missed::CatchUp, Missed::Skip, Missed::Shift] {
            for first in [first, 0, u64::MAX - 2_000, u64::MAX] {
                for every in [every, 0, 1, every % 90, u64::MAX] {
                    model::run(PeriodicModel::new(first, every, missed), &words);
                }
            }
        }
    }
}

#[test]
fn every_short_sequence_on_the_timeouts() {
    use timeouts::Op;
    let alphabet = [
        Op::Insert { distance: Distance::Ahead(0) },
        Op::Insert { distance: Distance::Ahead(3) },
        Op::Restart { pick: 0, distance: Distance::Ahead(2) },
        Op::Restart { pick: 1, distance: Distance::Past(9) },
        Op::Cancel { pick: 0 },
        Op::Cancel { pick: 1 },
        Op::PopDue { distance: Distance::Ahead(4), most: 1 },
        Op::Advance { distance: Distance::Ahead(9), budget: 1 },
        Op::Retain { every: 2 },
        Op::Drain { most: 1 },
    ];
    let duration = Duration::from_nanos(10);
    for start in [0, u64::MAX - 15] {
        model::exhaust(|| TimeoutsModel::new(duration, Time::from_nanos(start)), &alphabet, 5);
    }
}

/// Whichever neighbours leave a list of four, or go to its end: seven operations reach all cases.
#[test]
fn every_way_of_neighbours_through_the_timeouts() {
    use timeouts::Op;
    let alphabet = [
        Op::Insert { distance: Distance::Ahead(1) },
        Op::Restart { pick: 1, distance: Distance::Ahead(1) },
        Op::Restart { pick: 2, distance: Distance::Ahead(1) },
        Op::Cancel { pick: 1 },
        Op::PopDue { distance: Distance::Ahead(9), most: 1 },
    ];
    let duration = Duration::from_nanos(10);
    model::exhaust(|| TimeoutsModel::new(duration, Time::ZERO), &alphabet, 7);
}

#[test]
fn every_short_sequence_on_the_periodic() {
    use periodic::Op;
    let alphabet = [
        Op::Renew { distance: Distance::Past(4) },
        Op::Renew { distance: Distance::Ahead(0) },
        Op::Renew { distance: Distance::Ahead(9) },
        Op::Renew { distance: Distance::Ahead(10) },
        Op::Renew { distance: Distance::Ahead(47) },
        Op::Renew { distance: Distance::End },
        Op::Answer { missed: Missed::CatchUp },
        Op::Answer { missed: Missed::Shift },
    ];
    for first in [0, 7, u64::MAX - 60] {
        for every in [0, 1, 10, u64::MAX] {
            let model = || PeriodicModel::new(first, every, Missed::default());
            model::exhaust(model, &alphabet, 4);
        }
    }
}
