//! The scheduler against its model: one property a configuration, and every short sequence.

mod model;

use model::scheduler::{Due, Offer, Op, SchedulerModel, config};
use punctual::scheduler::{Admission, ClassConfig, Config, Outcome};
use quickcheck::{Gen, QuickCheck};

/// Many words: it takes some jobs until one has to go.
fn check(property: fn(Vec<u32>) -> bool) {
    QuickCheck::new().rng(Gen::new(300)).quickcheck(property);
}

macro_rules! model_holds {
    ($($name:ident $number:literal)*) => {
        $(
            #[test]
            fn $name() {
                fn property(words: Vec<u32>) -> bool {
                    model::run(SchedulerModel::new(&config($number)), &words);
                    true
                }
                check(property);
            }
        )*

        #[test]
        fn every_configuration_has_its_property() {
            assert_eq!([$($number),*].len() as u32, model::scheduler::CONFIGS);
        }
    };
}

model_holds! {
    eviction 0
    eviction_with_three_workers 1
    feasible_alone 2
    all_with_reservations 3
    eviction_with_reservations_and_tenants 4
    shadow_of_eviction 5
    learned_margins_and_quantiles 6
    guards_beside_eviction 7
    everything_with_two_workers 8
    feasible_with_three_workers 9
    shadow_of_feasible 10
    all_with_guards 11
    shadow_of_everything 12
    everything_that_is_feasible 13
    all_with_a_margin 14
    everything_with_one_worker 15
}

/// Every sequence of five of eleven operations.
fn exhaust(admission: Admission) {
    let classes = vec![ClassConfig::foreground(), ClassConfig::background()];
    let config = Config { admission, classes, queue_bound: 4, ..Config::default() };
    let identified = Offer { identity: Some(1), ..Offer::within(4).cost(2) };
    let released = Offer { release: Some(2), ..Offer::within(3).cost(2) };
    let never = Offer { due: Due::Never, ..Offer::within(0).cost(2) };
    let alphabet = [
        Op::Submit(Offer::within(4).cost(1)),
        Op::Submit(Offer { value: 3, ..Offer::within(6).cost(3) }),
        Op::Submit(identified),
        Op::Submit(released),
        Op::Submit(never),
        Op::Poll { after: 0 },
        Op::Poll { after: 2 },
        Op::Complete { running: 0, after: 1, outcome: Outcome::Done },
        Op::Reschedule { pick: 0, by: 6 },
        Op::Reschedule { pick: 1, by: 3 },
        Op::Cancel { pick: 1 },
    ];
    model::exhaust(|| SchedulerModel::new(&config), &alphabet, 5);
}

#[test]
fn every_short_sequence_with_eviction() {
    exhaust(Admission::Evict);
}

#[test]
fn every_short_sequence_with_feasible_jobs() {
    exhaust(Admission::Feasible);
}

#[test]
fn every_short_sequence_with_all_jobs() {
    exhaust(Admission::All);
}
