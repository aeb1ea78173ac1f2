//! The heaps against the standard library. `PUNCTUAL_BENCH_LARGE=1` adds a million elements.

mod workload {
    pub(crate) mod frame;
    pub(crate) mod heap;
    pub(crate) mod random;
    pub(crate) mod thread_cpu;
}

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use punctual::heap::IdHeap;

use workload::frame::{self, Group, measure, timed};
use workload::heap::lazy::Lazy;
use workload::heap::ours::{Indexed, Stamped};
use workload::heap::standard::{Bare, Ordered, Pairs};
use workload::heap::{Addressable, Between, Hold, Queue, fill_and_drain};
use workload::thread_cpu::ThreadCpu;

/// Cycles after which all contenders of a group must have popped the same.
const CHECKED_CYCLES: usize = 5_000;

fn sizes() -> Vec<usize> {
    frame::sizes([1_000, 100_000], 1_000_000)
}

fn fill_drain(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("heap/fill_drain");
    for size in sizes() {
        let expected = fill_and_drain::<Pairs>(size);
        fill_drain_one::<IdHeap<u64>>(&mut group, size, expected);
        fill_drain_one::<IdHeap<u64, 4>>(&mut group, size, expected);
        fill_drain_one::<Indexed<2>>(&mut group, size, expected);
        fill_drain_one::<Indexed<4>>(&mut group, size, expected);
        fill_drain_one::<Bare>(&mut group, size, expected);
        fill_drain_one::<Pairs>(&mut group, size, expected);
        fill_drain_one::<Ordered>(&mut group, size, expected);
    }
    group.finish();
}

fn fill_drain_one<Q: Queue>(group: &mut Group<'_>, size: usize, expected: u64) {
    measure(group, Q::NAME, size, |times| {
        let once = || assert_eq!(fill_and_drain::<Q>(black_box(size)), expected);
        timed(|| (0..times).for_each(|_| once())).0
    });
}

fn hold(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("heap/hold");
    for size in sizes() {
        let expected = Hold::<Pairs>::new(size).run(CHECKED_CYCLES);
        hold_plain::<Bare>(&mut group, size, expected);
        hold_plain::<Pairs>(&mut group, size, expected);
        hold_plain::<Stamped>(&mut group, size, expected);
        hold_all(&mut group, size, Between::Hold);
    }
    group.finish();
}

fn relax(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("heap/hold_and_decrease_key");
    for size in sizes() {
        hold_all(&mut group, size, Between::Relax(1));
    }
    group.finish();
}

fn replace(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("heap/hold_and_remove_push");
    for size in sizes() {
        hold_all(&mut group, size, Between::Replace);
    }
    group.finish();
}

fn hold_plain<Q: Queue>(group: &mut Group<'_>, size: usize, expected: u64) {
    let mut held = Hold::<Q>::new(size);
    assert_eq!(held.run(CHECKED_CYCLES), expected, "{} pops in another order", Q::NAME);
    measure(group, Q::NAME, size, |cycles| timed(|| held.run(cycles)).0);
}

fn hold_all(group: &mut Group<'_>, size: usize, between: Between) {
    let expected = Hold::<Ordered>::new(size).run_with(between, CHECKED_CYCLES);
    hold_one::<IdHeap<u64>>(group, size, between, expected);
    hold_one::<IdHeap<u64, 4>>(group, size, between, expected);
    hold_one::<Indexed<2>>(group, size, between, expected);
    hold_one::<Indexed<4>>(group, size, between, expected);
    hold_one::<Lazy<Pairs>>(group, size, between, expected);
    hold_one::<Ordered>(group, size, between, expected);
}

fn hold_one<Q: Addressable>(group: &mut Group<'_>, size: usize, between: Between, expected: u64) {
    let mut held = Hold::<Q>::new(size);
    let checksum = held.run_with(between, CHECKED_CYCLES);
    assert_eq!(checksum, expected, "{} pops in another order", Q::NAME);
    measure(group, Q::NAME, size, |cycles| timed(|| held.run_with(between, cycles)).0);
}

criterion_group! {
    name = benches;
    config = frame::config(20, Duration::from_millis(500), Duration::from_millis(2_000));
    targets = fill_drain, hold, relax, replace
}
criterion_main!(benches);
