//! The cache against its model: one property a configuration, and every short sequence.
#![cfg(feature = "cache")]

mod model;

use model::cache::{Brings, CacheModel, Op, Ttls, settings};
use quickcheck::{Gen, QuickCheck};

/// Many words: loads have to start, end and be superseded.
fn check(property: fn(Vec<u32>) -> bool) {
    QuickCheck::new().rng(Gen::new(300)).quickcheck(property);
}

macro_rules! model_holds {
    ($($name:ident $number:literal)*) => {
        $(
            #[test]
            fn $name() {
                fn property(words: Vec<u32>) -> bool {
                    model::run(CacheModel::numbered($number), &words);
                    true
                }
                check(property);
            }
        )*

        #[test]
        fn every_configuration_has_its_property() {
            assert_eq!([$($number),*].len() as u32, model::cache::CONFIGS);
        }
    };
}

model_holds! {
    loads_without_a_limit 0
    stale_values_if_loads_fail 1
    few_loads_at_once 2
    little_room 3
    heavy_values 4
    several_keys_a_load 5
    few_loads_a_second 6
    jitter_and_idleness 7
    little_room_and_one_load_at_once 8
    short_lives 9
    no_hard_expiry 10
    the_end_of_time 11
}

const VALUE: Brings = Brings::Value(Ttls { soft: None, hard: None });

/// Every sequence of four of fourteen operations about one key.
fn exhaust(number: u32) {
    let alphabet = [
        Op::Get { key: 0 },
        Op::GetOrWait { key: 0, patience: Some(6) },
        Op::GetFresh { key: 0, patience: None },
        Op::Put { key: 0, brings: VALUE },
        Op::Invalidate { key: 0 },
        Op::Expire { key: 0 },
        Op::Clear,
        Op::Advance { by: 7 },
        Op::Advance { by: 20 },
        Op::End { pick: 0, brings: VALUE },
        Op::End { pick: 1, brings: VALUE },
        Op::End { pick: 0, brings: Brings::Error },
        Op::DropLoad { pick: 0 },
        Op::PollWait { pick: 0 },
    ];
    model::exhaust(|| CacheModel::new(&settings(number)), &alphabet, 4);
}

#[test]
fn every_short_sequence() {
    exhaust(0);
}

#[test]
fn every_short_sequence_with_stale_values_if_loads_fail() {
    exhaust(1);
}
