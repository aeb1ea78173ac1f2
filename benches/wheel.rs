//! The wheels against the standard library. `PUNCTUAL_BENCH_LARGE=1` adds a million timers.

mod workload {
    pub(crate) mod random;
    pub(crate) mod thread_cpu;
    pub(crate) mod wheel;
}

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::Measurement;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use punctual::wheel::IdWheel;

use workload::thread_cpu::ThreadCpu;
use workload::wheel::Timers;
use workload::wheel::operation::Operation;
use workload::wheel::ours::Keyed;
use workload::wheel::plan::Delay;
use workload::wheel::prepared::Prepared;
use workload::wheel::standard::{Lazy, Ordered};

fn sizes() -> Vec<usize> {
    let mut sizes = vec![1_000, 100_000];
    if std::env::var_os("PUNCTUAL_BENCH_LARGE").is_some() {
        sizes.push(1_000_000);
    }
    sizes
}

fn operations(criterion: &mut Criterion<ThreadCpu>) {
    for delay in Delay::ALL {
        for &operation in Operation::all(delay) {
            let name = format!("wheel/{}/{}", operation.name(), delay.name());
            let mut group = criterion.benchmark_group(name);
            for size in sizes() {
                let prepared = Prepared::new(operation, size, delay);
                let expected = outcome::<Ordered>(&prepared);
                measure::<IdWheel>(&mut group, size, &prepared, expected);
                measure::<Keyed>(&mut group, size, &prepared, expected);
                measure::<Ordered>(&mut group, size, &prepared, expected);
                measure::<Lazy>(&mut group, size, &prepared, expected);
            }
            group.finish();
        }
    }
}

/// What the operation saw and what it left.
fn outcome<T: Timers>(prepared: &Prepared) -> (u64, u64) {
    let mut timers = prepared.start::<T>();
    (prepared.run(&mut timers), prepared.finish(&mut timers))
}

fn measure<T: Timers>(
    group: &mut BenchmarkGroup<'_, ThreadCpu>,
    size: usize,
    prepared: &Prepared,
    expected: (u64, u64),
) {
    assert_eq!(outcome::<T>(prepared), expected, "{} fires something else", T::NAME);
    group.throughput(Throughput::Elements(prepared.count::<T>() as u64));
    group.bench_function(BenchmarkId::new(T::NAME, size), |bencher| {
        bencher.iter_custom(|runs| {
            let mut sum = Duration::ZERO;
            for _ in 0..runs {
                let mut timers = prepared.start::<T>();
                let start = ThreadCpu.start();
                let checksum = black_box(prepared.run(&mut timers));
                sum += ThreadCpu.end(start);
                assert_eq!(checksum, expected.0);
            }
            sum
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_measurement(ThreadCpu)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = operations
}
criterion_main!(benches);
