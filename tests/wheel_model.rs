//! The wheels against their models.

mod model;

use model::distance::Distance;
use model::id_wheel::{self, IdWheelModel};
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
        model::run(IdWheelModel::with_many_ids(start), &words);
    }

    fn id_wheel_at_boundaries(words: Vec<u32>) -> () {
        for start in starts() {
            model::run(IdWheelModel::starting_at(start), &words);
        }
    }

    fn id_wheel_beside_a_far_timer(words: Vec<u32>) -> () {
        for start in starts().step_by(2) {
            model::run(IdWheelModel::starting_at(start).and_a_far_timer(), &words);
        }
    }

    fn id_wheel_of_many_ids_at_boundaries(words: Vec<u32>) -> () {
        for start in starts().step_by(3) {
            model::run(IdWheelModel::with_many_ids(start).and_a_far_timer(), &words);
        }
    }

    fn timer_wheel(start: u64, resolution: u32, words: Vec<u32>) -> () {
        let resolution = u64::from(resolution).max(1);
        model::run(TimerWheelModel::new(resolution, Time::from_nanos(start)), &words);
        model::run(TimerWheelModel::new(7, Time::from_nanos(start)), &words);
        model::run(TimerWheelModel::new(1_000_000, Time::ZERO), &words);
    }

    fn timer_wheel_at_boundaries(words: Vec<u32>) -> () {
        for start in starts().step_by(4) {
            model::run(TimerWheelModel::new(0, Time::from_nanos(start)), &words);
        }
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
fn every_short_sequence_of_all_verbs_on_the_id_wheel() {
    use id_wheel::Op;
    let alphabet = [
        Op::Insert { id: 0, distance: Distance::Ahead(70) },
        Op::InsertWithin { id: 1, distance: Distance::Ahead(60), width: 9 },
        Op::InsertMany { id: 3, count: 5, distance: Distance::Ahead(64), stride: 63 },
        Op::Reset { id: 0, distance: Distance::Ahead(4_096) },
        Op::ResetMany { id: 0, count: 8, distance: Distance::Ahead(4_200), stride: 90 },
        Op::CancelMany { id: 2, count: 4 },
        Op::Swing { id: 0, count: 2, distance: Distance::Ahead(1 << 36) },
        Op::PeekDue { distance: Distance::Next },
        Op::Advance { distance: Distance::Ahead(66), budget: 0 },
        Op::Advance { distance: Distance::Ahead(5_000), budget: 2 },
        Op::Retain { divisor: 2 },
        Op::Drain { taken: 2 },
        Op::Memory { ids: 3 },
        Op::Copies,
    ];
    for start in [(1 << 12) - 1, (1 << 36) - 65, u64::MAX - 4_200] {
        model::exhaust(|| IdWheelModel::starting_at(start), &alphabet, 4);
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

#[test]
fn every_short_sequence_of_all_verbs_on_the_timer_wheel() {
    use timer_wheel::Op;
    let alphabet = [
        Op::InsertAfter { distance: Distance::Ahead(20) },
        Op::InsertWithin { distance: Distance::Ahead(900), width: 90 },
        Op::InsertMany { count: 3, distance: Distance::Ahead(640), stride: 9 },
        Op::CancelMany { pick: 1, count: 2 },
        Op::Change { pick: 1 },
        Op::PeekDue { distance: Distance::Next },
        Op::Advance { distance: Distance::Ahead(660), budget: 1 },
        Op::Retain { divisor: 2 },
        Op::Drain { taken: 1 },
        Op::Memory { timers: 2 },
        Op::Copies,
        Op::Clear,
    ];
    for start in [0, u64::MAX - 700] {
        model::exhaust(|| TimerWheelModel::new(10, Time::from_nanos(start)), &alphabet, 4);
    }
}
