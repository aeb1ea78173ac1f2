//! The scheduler against the standard library. `PUNCTUAL_BENCH_LARGE=1` adds 100,000 jobs.

mod workload {
    pub(crate) mod frame;
    pub(crate) mod random;
    pub(crate) mod scheduler;
    pub(crate) mod thread_cpu;
}

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

use workload::frame::{self, Group, measure, timed};
use workload::random::Random;
use workload::scheduler::ours::{All, AllLearned, Evict, EvictLearned, Feasible, Heap, Machine};
use workload::scheduler::standard::{Ordered, Plain};
use workload::scheduler::{Jobs, Keyed, Steady, cancel, drawn, entered, reschedule};
use workload::thread_cpu::ThreadCpu;

/// Operations after which all contenders of a group must have seen the same.
const CHECKED: usize = 5_000;

fn sizes() -> Vec<usize> {
    frame::sizes([100, 1_000], 100_000)
}

fn run(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("scheduler/submit_run_complete");
    for size in sizes() {
        let expected = Steady::<Plain>::new(size).run(CHECKED);
        run_one::<Machine<All>>(&mut group, size, expected);
        run_one::<Machine<AllLearned>>(&mut group, size, expected);
        run_one::<Machine<Feasible>>(&mut group, size, expected);
        run_one::<Machine<Evict>>(&mut group, size, expected);
        run_one::<Machine<EvictLearned>>(&mut group, size, expected);
        run_one::<Heap>(&mut group, size, expected);
        run_one::<Plain>(&mut group, size, expected);
    }
    group.finish();
}

fn run_one<J: Jobs>(group: &mut Group<'_>, size: usize, expected: u64) {
    let mut steady = Steady::<J>::new(size);
    assert_eq!(steady.run(CHECKED), expected, "{} runs in another order", J::NAME);
    measure(group, J::NAME, size, |cycles| timed(|| steady.run(cycles)).0);
}

fn change(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = criterion.benchmark_group("scheduler/reschedule");
    for size in sizes() {
        let expected = changed::<Ordered>(size);
        change_one::<Machine<All>>(&mut group, size, expected);
        change_one::<Machine<Feasible>>(&mut group, size, expected);
        change_one::<Machine<Evict>>(&mut group, size, expected);
        change_one::<Heap>(&mut group, size, expected);
        change_one::<Ordered>(&mut group, size, expected);
    }
    group.finish();
}

/// What rescheduling sees, and what cancelling finds after it.
fn changed<J: Keyed>(size: usize) -> (u64, u64) {
    let mut random = Random::new(size as u64);
    let mut jobs = entered::<J>(size, &mut random);
    let seen = reschedule(&mut jobs, size, CHECKED, &mut random);
    (seen, cancel(&mut jobs, &drawn(size, size / 2, &mut random)))
}

fn change_one<J: Keyed>(group: &mut Group<'_>, size: usize, expected: (u64, u64)) {
    assert_eq!(changed::<J>(size), expected, "{} sees other deadlines", J::NAME);
    let mut random = Random::new(size as u64);
    let mut jobs = entered::<J>(size, &mut random);
    measure(group, J::NAME, size, |times| {
        timed(|| reschedule(&mut jobs, size, times, &mut random)).0
    });
}

criterion_group! {
    name = benches;
    config = frame::config(20, Duration::from_millis(500), Duration::from_millis(2_000));
    targets = run, change
}
criterion_main!(benches);
