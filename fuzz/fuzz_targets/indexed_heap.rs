//! The heap with payloads against its model; the first byte chooses the arity.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::indexed_heap::IndexedHeapModel;

#[path = "../../tests/model/mod.rs"]
mod model;

/// A longer input says nothing new, and a model's checks cost O(operations) each.
const MOST_BYTES: usize = 16 << 10;

fuzz_target!(|bytes: &[u8]| {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let Some((&arity, operations)) = bytes.split_first() else {
        return;
    };
    match arity % 4 {
        0 => model::run_bytes(IndexedHeapModel::<2>::new(), operations),
        1 => model::run_bytes(IndexedHeapModel::<3>::new(), operations),
        2 => model::run_bytes(IndexedHeapModel::<4>::new(), operations),
        _ => model::run_bytes(IndexedHeapModel::<8>::new(), operations),
    }
});
