//! The wheel over ids against its model; the first eight bytes are the tick that it starts at, and
//! the next one chooses how many ids there are.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::id_wheel::IdWheelModel;

#[path = "../../tests/model/mod.rs"]
mod model;

/// A longer input says nothing new, and a model's checks cost O(operations) each.
const MOST_BYTES: usize = 16 << 10;

fuzz_target!(|bytes: &[u8]| {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let Some((start, rest)) = bytes.split_first_chunk() else {
        return;
    };
    let Some((&choice, operations)) = rest.split_first() else {
        return;
    };
    let start = u64::from_le_bytes(*start);
    match choice % 4 {
        0 => model::run_bytes(IdWheelModel::starting_at(start), operations),
        1 => model::run_bytes(IdWheelModel::starting_at(start).and_a_far_timer(), operations),
        2 => model::run_bytes(IdWheelModel::with_many_ids(start), operations),
        _ => model::run_bytes(IdWheelModel::with_many_ids(start).and_a_far_timer(), operations),
    }
});
