//! The wheel with payloads against its model; the first bytes are its start and resolution.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::timer_wheel::TimerWheelModel;
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
    let Some((resolution, operations)) = rest.split_first_chunk() else {
        return;
    };
    let start = Time::from_nanos(u64::from_le_bytes(*start));
    let resolution_ns = u64::from(u32::from_le_bytes(*resolution)).max(1);
    model::run_bytes(TimerWheelModel::new(resolution_ns, start), operations);
});
