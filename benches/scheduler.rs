//! The scheduler against the standard library. `PUNCTUAL_BENCH_LARGE=1` adds 100,000 jobs.

mod workload {
    pub(crate) mod random;
    pub(crate) mod scheduler;
    pub(crate) mod thread_cpu;
}

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::Measurement;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};

use workload::random::Random;
use workload::scheduler::ours::{All, AllLearned, Evict, EvictLearned, Feasible, Heap, Machine};
use workload::scheduler::standard::{Ordered, Plain};
use workload::scheduler::{Jobs, Keyed, Steady, cancel, drawn, entered, reschedule};
use workload::thread_cpu::ThreadCpu;

type Group<'a> = BenchmarkGroup<'a, ThreadCpu>;

/// Operations after which all contenders of a group must have seen the same.
const CHECKED: usize = 5_000;

fn sizes() -> Vec<usize> {
    let mut sizes = vec![100, 1_000];
    if std::env::var_os("PUNCTUAL_BENCH_LARGE").is_some() {
        sizes.push(100_000);
    }
    sizes
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
    group.bench_function(BenchmarkId::new(J::NAME, size), |bencher| {
        bencher.iter_custom(|cycles| timed(|| steady.run(cycles as usize)));
    });
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
    group.bench_function(BenchmarkId::new(J::NAME, size), |bencher| {
        bencher.iter_custom(|times| {
            timed(|| reschedule(&mut jobs, size, times as usize, &mut random))
        });
    });
}

fn timed(work: impl FnOnce() -> u64) -> Duration {
    let start = ThreadCpu.start();
    black_box(work());
    ThreadCpu.end(start)
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_measurement(ThreadCpu)
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = run, change
}
criterion_main!(benches);
