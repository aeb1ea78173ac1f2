//! What the benches of all structures share: their sizes, and how criterion measures them.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::Measurement;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};

use super::thread_cpu::ThreadCpu;

pub(crate) type Group<'a> = BenchmarkGroup<'a, ThreadCpu>;

/// The usual sizes, and a large one on request: it takes minutes.
pub(crate) fn sizes(usual: [usize; 2], large: usize) -> Vec<usize> {
    let mut sizes = usual.to_vec();
    if std::env::var_os("PUNCTUAL_BENCH_LARGE").is_some() {
        sizes.push(large);
    }
    sizes
}

pub(crate) fn config(samples: usize, warm_up: Duration, time: Duration) -> Criterion<ThreadCpu> {
    Criterion::default()
        .with_measurement(ThreadCpu)
        .sample_size(samples)
        .warm_up_time(warm_up)
        .measurement_time(time)
}

/// Measures one contender: `run` does its work so many times and returns what that took.
pub(crate) fn measure(
    group: &mut Group<'_>,
    name: &str,
    size: usize,
    mut run: impl FnMut(usize) -> Duration,
) {
    group.bench_function(BenchmarkId::new(name, size), |bencher| {
        bencher.iter_custom(|times| run(times as usize));
    });
}

/// What a piece of work takes, and what it returns.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (Duration, R) {
    let start = ThreadCpu.start();
    let result = black_box(work());
    (ThreadCpu.end(start), result)
}
