//! The cache against its model; the first byte chooses the configuration.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::cache::CacheModel;

#[path = "../../tests/model/mod.rs"]
mod model;

/// A longer input says nothing new, and a model's checks cost O(operations) each.
const MOST_BYTES: usize = 4 << 10;

fuzz_target!(|bytes: &[u8]| {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let Some((&choice, operations)) = bytes.split_first() else {
        return;
    };
    model::run_bytes(CacheModel::numbered(u32::from(choice)), operations);
});
