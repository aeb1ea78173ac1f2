//! The wheels against the standard library. `PUNCTUAL_BENCH_LARGE=1` adds a million timers.

mod workload {
    pub(crate) mod frame;
    pub(crate) mod random;
    pub(crate) mod thread_cpu;
    pub(crate) mod wheel;
}

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use punctual::wheel::IdWheel;

use workload::frame::{self, Group, measure, timed};
use workload::thread_cpu::ThreadCpu;
use workload::wheel::Timers;
use workload::wheel::operation::Operation;
use workload::wheel::ours::Keyed;
use workload::wheel::plan::Delay;
use workload::wheel::prepared::Prepared;
use workload::wheel::standard::{Lazy, Ordered};

fn sizes() -> Vec<usize> {
    frame::sizes([1_000, 100_000], 1_000_000)
}

fn operations(criterion: &mut Criterion<ThreadCpu>) {
    for delay in Delay::ALL {
        for &operation in Operation::all(delay) {
            let name = format!("wheel/{}/{}", operation.name(), delay.name());
            let mut group = criterion.benchmark_group(name);
            for size in sizes() {
                let prepared = Prepared::new(operation, size, delay);
                let expected = outcome::<Ordered>(&prepared);
                measure_one::<IdWheel>(&mut group, size, &prepared, expected);
                measure_one::<Keyed>(&mut group, size, &prepared, expected);
                measure_one::<Ordered>(&mut group, size, &prepared, expected);
                measure_one::<Lazy>(&mut group, size, &prepared, expected);
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

fn measure_one<T: Timers>(
    group: &mut Group<'_>,
    size: usize,
    prepared: &Prepared,
    expected: (u64, u64),
) {
    assert_eq!(outcome::<T>(prepared), expected, "{} fires something else", T::NAME);
    group.throughput(Throughput::Elements(prepared.count::<T>() as u64));
    measure(group, T::NAME, size, |runs| {
        let mut sum = Duration::ZERO;
        for _ in 0..runs {
            let mut timers = prepared.start::<T>();
            let (taken, checksum) = timed(|| prepared.run(&mut timers));
            sum += taken;
            assert_eq!(checksum, expected.0);
        }
        sum
    });
}

criterion_group! {
    name = benches;
    config = frame::config(10, Duration::from_millis(200), Duration::from_millis(1_000));
    targets = operations
}
criterion_main!(benches);
