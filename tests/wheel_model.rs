//! The wheels against their models.

mod model;

use model::id_wheel::{self, Distance, IdWheelModel};
use model::timer_wheel::{self, TimerWheelModel};
use punctual::time::Time;
use quickcheck::quickcheck;

/// Just before and after every boundary of a level, around other powers of two that broke
/// wheels, and at the end of time.
fn starts() -> impl Iterator<Item = u64> {
    let powers = (1..=10).map(|level| 6 * level).chain([30, 32]);
    let around = powers.flat_map(|bit| [(1_u64 << bit) - 3, (1 << bit) - 1, 1 << bit]);
    [0, 1, u64::MAX - 70, u64::MAX - 1, u64::MAX].into_iter().chain(around)
}

quickcheck! {
    fn id_wheel(start: u64, words: Vec<u32>) -> () {
        model::run(IdWheelModel::starting_at(start), &words);
    }

    fn id_wheel_at_boundaries(words: Vec<u32>) -> () {
        for start in starts() {
            model::run(IdWheelModel::starting_at(start), &words);
        }
    }

    fn timer_wheel(start: u64, resolution: u32, words: Vec<u32>) -> () {
        let resolution = u64::from(resolution).max(1);
        model::run(TimerWheelModel::new(resolution, Time::from_nanos(start)), &words);
        model::run(TimerWheelModel::new(7, Time::from_nanos(start)), &words);
        model::run(TimerWheelModel::new(1_000_000, Time::ZERO), &words);
    }
}

#[test]
fn every_short_sequence_on_the_id_wheel() {
    use id_wheel::Op;
    let alphabet = [
        Op::Insert { id: 0, distance: Distance::Ahead(1) },
        Op::Insert { id: 1, distance: Distance::Ahead(65) },
        Op::Insert { id: 2, distance: Distance::End },
        Op::Reset { id: 1, distance: Distance::Ahead(2) },
        Op::Reset { id: 0, distance: Distance::Past(9) },
        Op::Cancel { id: 0 },
        Op::PopDue { distance: Distance::Ahead(1), most: 1 },
        Op::PopDue { distance: Distance::Ahead(64), most: 9 },
        Op::NextWakeup,
    ];
    for start in [0, 62, 4_095, u64::MAX - 65] {
        model::exhaust(|| IdWheelModel::starting_at(start), &alphabet, 5);
    }
}

#[test]
fn every_short_sequence_on_the_timer_wheel() {
    use timer_wheel::Op;
    let alphabet = [
        Op::Insert { distance: Distance::Ahead(20) },
        Op::Insert { distance: Distance::Ahead(640) },
        Op::Reset { pick: 1, distance: Distance::Ahead(31) },
        Op::Cancel { pick: 0 },
        Op::PopDue { distance: Distance::Ahead(9), most: 1 },
        Op::PopDue { distance: Distance::Ahead(640), most: 9 },
        Op::PopDue { distance: Distance::End, most: 1 },
    ];
    for start in [0, 3, u64::MAX - 700] {
        model::exhaust(|| TimerWheelModel::new(10, Time::from_nanos(start)), &alphabet, 5);
    }
}
