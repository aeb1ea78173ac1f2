//! The lane of constant durations against its model; the first bytes are its start and duration.

#![no_main]

use core::time::Duration;

use libfuzzer_sys::fuzz_target;
use model::timeouts::TimeoutsModel;
use punctual::time::Time;

#[path = "../../tests/model/mod.rs"]
mod model;

/// A longer input says nothing new, and a model's checks cost O(operations) each.
const MOST_BYTES: usize = 16 << 10;

fuzz_target!(|bytes: &[u8]| {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let Some((start, rest)) = bytes.split_first_chunk() else {
        return;
    };
    let Some((duration, operations)) = rest.split_first_chunk() else {
        return;
    };
    let start = Time::from_nanos(u64::from_le_bytes(*start));
    let duration = Duration::from_nanos(u64::from(u32::from_le_bytes(*duration)));
    model::run_bytes(TimeoutsModel::new(duration, start), operations);
});
