//! The scheduler against its model: one property a configuration, and every short sequence.

mod model;

use model::Model;
use model::scheduler::{Due, Offer, Op, SchedulerModel, units};
use punctual::scheduler::{Admission, ClassConfig, Config, Margin, Outcome, Quantile, Reservation};
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
                    model::run(SchedulerModel::numbered($number), &words);
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
    a_short_queue_of_values_and_reservations 16
    more_workers_than_places 17
    the_end_of_time_with_one_worker 18
    the_end_of_time_with_three_workers 19
    the_end_of_time_that_is_feasible 20
    the_end_of_time_for_all 21
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

/// Every sequence of five of twelve operations, of jobs that wait and guests.
fn exhaust_started(admission: Admission) {
    let reservation = Reservation { runtime: units(2), period: units(5) };
    let classes =
        vec![ClassConfig::foreground(), ClassConfig::foreground().reservation(reservation)];
    let config = Config { admission, classes, queue_bound: 2, ..Config::default() };
    let identified = Offer { identity: Some(1), ..Offer::within(4).cost(2) };
    let never = Offer { due: Due::Never, ..Offer::within(0).cost(2) };
    let alphabet = [
        Op::Submit(Offer { class: 1, ..Offer::within(6).cost(3) }),
        Op::Submit(identified),
        Op::Submit(never),
        Op::Poll { after: 0 },
        Op::Suspend { running: 0, after: 1 },
        Op::Resume { suspended: 0 },
        Op::Complete { running: 0, after: 2, outcome: Outcome::Done },
        Op::Claim { pick: 0 },
        Op::First { after: 1 },
        Op::Reschedule { pick: 0, by: 3 },
        Op::Cancel { pick: 1 },
        Op::SetWorkers { workers: 2 },
    ];
    model::exhaust(|| SchedulerModel::new(&config), &alphabet, 5);
}

/// A class whose first run took too long is closed, and a probe opens it: PATIENCE jobs are turned
/// away by refusals, then by sheds behind a job of another class.
#[test]
fn a_probe_opens_a_class() {
    for admission in [Admission::All, Admission::Feasible, Admission::Evict] {
        for shadow in [false, true] {
            let margin =
                Margin::Learned { quantile: Quantile::P90, least: units(0), most: units(4) };
            let reservation = Reservation { runtime: units(1), period: units(9) };
            let classes = vec![
                ClassConfig::foreground().initial_cost(units(2)),
                ClassConfig::foreground().initial_cost(units(1)).reservation(reservation),
            ];
            let config = Config { admission, shadow, margin, classes, ..Config::default() };
            for (class, cost) in [(0, None), (0, Some(2)), (1, None), (1, Some(1))] {
                let offer = Offer { class, cost, ..Offer::within(9) };
                probe(SchedulerModel::new(&config), offer);
            }
        }
    }
}

fn probe(mut model: SchedulerModel, offer: Offer) {
    let complete = |after| Op::Complete { running: 0, after, outcome: Outcome::Done };
    let mut apply = |op| {
        model.apply(op);
        model.check();
    };
    let patient = Offer { due: Due::Within(99), ..offer };
    for _ in 0..3 {
        [Op::Submit(patient), Op::Poll { after: 0 }, complete(90)].into_iter().for_each(&mut apply);
    }
    for _ in 0..2 {
        let other = Offer { class: 1 - offer.class, ..Offer::within(40).cost(30) };
        [Op::Submit(other), Op::Poll { after: 0 }].into_iter().for_each(&mut apply);
        for number in 0..258 {
            apply(Op::Submit(offer));
            if number % 20 == 0 {
                apply(Op::Poll { after: 1 });
            }
        }
        (0..300).for_each(|_| apply(Op::Poll { after: 0 }));
        [complete(1), Op::Submit(offer), Op::Submit(offer)].into_iter().for_each(&mut apply);
        for after in [0, 1, 12, 1] {
            [Op::Poll { after: 0 }, complete(after)].into_iter().for_each(&mut apply);
        }
    }
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

#[test]
fn every_short_sequence_of_started_jobs_with_eviction() {
    exhaust_started(Admission::Evict);
}

#[test]
fn every_short_sequence_of_started_jobs_that_are_feasible() {
    exhaust_started(Admission::Feasible);
}

#[test]
fn every_short_sequence_of_all_started_jobs() {
    exhaust_started(Admission::All);
}
