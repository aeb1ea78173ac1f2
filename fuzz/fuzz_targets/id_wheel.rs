//! The wheel over ids against its model; the first eight bytes are the tick that it starts at.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::id_wheel::IdWheelModel;

#[path = "../../tests/model/mod.rs"]
mod model;

/// A longer input says nothing new, and a model's checks cost O(operations) each.
const MOST_BYTES: usize = 16 << 10;

fuzz_target!(|bytes: &[u8]| {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let Some((start, operations)) = bytes.split_first_chunk() else {
        return;
    };
    model::run_bytes(IdWheelModel::starting_at(u64::from_le_bytes(*start)), operations);
});
