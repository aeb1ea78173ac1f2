//! The planner of refreshes against its model: one property a configuration, and every short
//! sequence.
#![cfg(feature = "refresh")]

mod model;

use model::refresh::{Ended, Life, Op, PlannerModel, Value};
use model::{Model, Word};
use punctual::refresh::{Config, Next};
use quickcheck::{Gen, QuickCheck};

/// Many words: it takes some time until values go and loads are overdue.
fn check(property: fn(Vec<u32>) -> bool) {
    QuickCheck::new().rng(Gen::new(300)).quickcheck(property);
}

macro_rules! model_holds {
    ($($name:ident $number:literal)*) => {
        $(
            #[test]
            fn $name() {
                fn property(words: Vec<u32>) -> bool {
                    model::run(PlannerModel::numbered($number), &words);
                    true
                }
                check(property);
            }
        )*

        #[test]
        fn every_configuration_has_its_property() {
            assert_eq!([$($number),*].len() as u32, model::refresh::CONFIGS);
        }
    };
}

model_holds! {
    without_a_budget 0
    with_a_budget 1
    with_a_budget_and_a_burst 2
    with_next_to_nothing 3
    one_load_at_a_time 4
    the_smallest_budget 5
    the_largest_budget 6
    the_end_of_time 7
}

/// The same calls give the same schedule.
#[test]
fn a_trace_has_one_schedule() {
    fn schedule(number: u32, words: &[u32]) -> Vec<Next> {
        let mut model = PlannerModel::numbered(number);
        words.iter().for_each(|&word| model.apply(PlannerModel::decode(Word(word))));
        model.schedule
    }
    #[expect(clippy::needless_pass_by_value, reason = "it is what quickcheck calls")]
    fn property(number: u32, words: Vec<u32>) -> bool {
        schedule(number, &words) == schedule(number, &words)
    }
    QuickCheck::new().rng(Gen::new(300)).quickcheck(property as fn(u32, Vec<u32>) -> bool);
}

#[test]
fn every_short_sequence_of_loads() {
    let config = Config { loads_per_second: Some(1.0), burst: 1, ..model::refresh::config(0) };
    let alphabet = [
        Op::Insert(Value::new(0, 2, 6)),
        Op::Insert(Value { hard: Life::Endless, ..Value::new(1, 1, 0) }),
        Op::Touch { id: 0, hits: 40 },
        Op::Demand { id: 0, within: Some(3) },
        Op::Demand { id: 2, within: None },
        Op::PollAll { after: 0 },
        Op::PollAll { after: 2 },
        Op::PollWhenTold,
        Op::Finish { pick: 0, after: 0, ended: Ended::Changed, soft: 2 },
        Op::Finish { pick: 0, after: 1, ended: Ended::Failed { after: 2 }, soft: 2 },
    ];
    model::exhaust(|| PlannerModel::new(config), &alphabet, 5);
}

#[test]
fn every_short_sequence_of_endings() {
    let config = model::refresh::config(4);
    let alphabet = [
        Op::Insert(Value { lead: 2, ..Value::new(0, 3, 5) }),
        Op::Insert(Value { lead: 30, not_before: 1, ..Value::new(1, 2, 3) }),
        Op::SetHard { id: 0, by: 3 },
        Op::BackOff { id: 0, by: 2 },
        Op::Expire { id: 0 },
        Op::Abandon { id: 0 },
        Op::Remove { id: 0 },
        Op::Demand { id: 0, within: Some(1) },
        Op::Poll { after: 0 },
        Op::PollAll { after: 3 },
        Op::PollAll { after: 6 },
        Op::Finish { pick: 0, after: 0, ended: Ended::Loaded, soft: 1 },
    ];
    model::exhaust(|| PlannerModel::new(config), &alphabet, 5);
}
