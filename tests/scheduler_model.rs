//! The scheduler against its model.

mod model;

use model::scheduler::{Due, Op, SchedulerModel};
use punctual::scheduler::Outcome;
use quickcheck::quickcheck;

quickcheck! {
    fn one_worker(words: Vec<u32>) -> () {
        model::run(SchedulerModel::new(1, 0), &words);
    }

    fn one_worker_with_a_margin(words: Vec<u32>) -> () {
        model::run(SchedulerModel::new(1, 2), &words);
    }

    fn three_workers(words: Vec<u32>) -> () {
        model::run(SchedulerModel::new(3, 1), &words);
    }
}

#[test]
fn every_short_sequence() {
    let submit = |due, cost, release| Op::Submit { class: 0, due, cost, release, lead: 0 };
    let alphabet = [
        submit(Due::Within(4), Some(1), None),
        submit(Due::Within(4), Some(2), Some(2)),
        submit(Due::At(3), None, None),
        submit(Due::Never, Some(2), None),
        Op::Poll { after: 0 },
        Op::Poll { after: 2 },
        Op::Complete { pick: 0, after: 1, outcome: Outcome::Done },
        Op::Cancel { pick: 1 },
        Op::Reschedule { pick: 0, by: 6 },
    ];
    model::exhaust(|| SchedulerModel::new(1, 0), &alphabet, 6);
}
