//! How many of the questions a cache answers that has room for a part of the keys.

use super::hits::KEYS;
use super::keys::Trace;
use super::stores::{Driven, Fibre, Moka, Quick, Store};
use crate::pool::contest::{Bench, Contest, Entrant};

const TRACES: [Trace; 6] = [
    Trace::Zipf(0.8),
    Trace::Zipf(0.99),
    Trace::Zipf(1.1),
    Trace::Loop(1.1),
    Trace::Loop(2.0),
    Trace::Scans,
];

pub(crate) const COLUMNS: &[&str] =
    &["Zipf 0.8", "Zipf 0.99", "Zipf 1.1", "loop of 1.1x", "loop of 2x", "Zipf 0.99, scans"];

/// A capacity of so many hundredths of the keys.
pub(crate) fn contest<const PERCENT: usize>(title: &'static str) -> Contest {
    let entrants = vec![
        entrant::<PERCENT, Driven>(),
        entrant::<PERCENT, Quick<u64>>(),
        entrant::<PERCENT, Moka<u64>>(),
        entrant::<PERCENT, Fibre<u64>>(),
    ];
    Contest { title, unit: "% of the questions", columns: COLUMNS, entrants }
}

fn entrant<const PERCENT: usize, S: Store<u64>>() -> Entrant {
    Entrant { name: S::NAME, is_ours: S::IS_OURS, turn: turn::<PERCENT, S> }
}

fn turn<const PERCENT: usize, S: Store<u64>>(bench: &Bench) -> Vec<f64> {
    let capacity = KEYS as usize * PERCENT / 100;
    let length = if bench.quick { 100_000 } else { 1_000_000 };
    let hits = |trace: Trace| {
        let store = S::of_capacity(capacity);
        let keys = trace.keys(length, capacity, KEYS);
        let hits = keys.iter().filter(|&&key| match store.get(key) {
            Some(value) => {
                assert_eq!(value, u64::from(key) + 1, "{} mixes things up", S::NAME);
                true
            }
            None => {
                store.fill(key);
                false
            }
        });
        100.0 * hits.count() as f64 / length as f64
    };
    TRACES.map(hits).into()
}
