//! Jobs that do next to nothing: how many a second pass through.
//!
//! At most [`WINDOW`] are in flight, so that every queue is as long as the others' and memory stays
//! flat: a producer that is that far ahead of its jobs looks at their count until half of them are
//! done. A job adds to a checksum and to its producer's count.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use punctual::time::Time;

use super::contest::{Bench, Turn};
use super::executor::Executor;
use crate::workload::random::{Random, mix};

/// How many jobs are in flight at most, those of all producers together.
pub(crate) const WINDOW: u64 = 1_024;

const MOST_PRODUCERS: usize = 2;

/// From the start of a turn to the first deadline, and from there to the last: nothing is late.
const FAR: Duration = Duration::from_secs(600);
const SPREAD_US: u32 = 1_000_000;

/// What the jobs tell of themselves. A count has a cache line of its own.
#[derive(Default)]
struct Tally {
    done: [CachePadded<AtomicU64>; MOST_PRODUCERS],
    checksum: CachePadded<AtomicU64>,
}

/// One producer's part of a turn, and how far it is.
struct Part<'a, E> {
    executor: &'a E,
    tally: &'static Tally,
    number: usize,
    window: u64,
    submitted: u64,
    /// So many are done at least.
    done: u64,
    random: Random,
    first_deadline: Time,
}

/// One producer on a core of its own, with the worker on another.
pub(crate) struct OneProducer;

/// Two producers that share a core, with the worker on another.
pub(crate) struct TwoProducers;

/// Two producers and a worker, all of which run where the system lets them.
pub(crate) struct TwoFreeProducers;

impl Turn for OneProducer {
    fn take<E: Executor>(bench: &Bench) -> Vec<f64> {
        let executor = bench.start_beside(|| E::start(bench.clock));
        vec![thousands_a_second(bench, &executor, 1)]
    }
}

impl Turn for TwoProducers {
    fn take<E: Executor>(bench: &Bench) -> Vec<f64> {
        let executor = bench.start_beside(|| E::start(bench.clock));
        vec![thousands_a_second(bench, &executor, 2)]
    }
}

impl Turn for TwoFreeProducers {
    fn take<E: Executor>(bench: &Bench) -> Vec<f64> {
        vec![thousands_a_second(bench, &E::start(bench.clock), 2)]
    }
}

/// Thousands of jobs a second, after a tenth as many that aren't counted.
fn thousands_a_second<E: Executor>(bench: &Bench, executor: &E, producers: usize) -> f64 {
    let jobs = if bench.quick { 100_000 } else { 400_000 } / producers as u64;
    let warm_up = jobs / 10;
    // A reference would be counted for each job.
    let tally: &'static Tally = Box::leak(Box::default());
    let barrier = Barrier::new(producers);
    let first_deadline = bench.now() + FAR;
    let produce = |number: usize| {
        let window = WINDOW / producers as u64;
        let random = Random::new(number as u64);
        let (submitted, done) = (0, 0);
        let mut part =
            Part { executor, tally, number, window, submitted, done, random, first_deadline };
        part.run(warm_up);
        barrier.wait();
        let start = bench.now();
        part.run(jobs);
        (start, bench.now())
    };
    #[expect(clippy::disallowed_methods, reason = "producers are threads")]
    let spans: Vec<(Time, Time)> = std::thread::scope(|scope| {
        let start = |number| scope.spawn(move || produce(number));
        let producers: Vec<_> = (0..producers).map(start).collect();
        producers.into_iter().map(|it| it.join().expect("a producer ends well")).collect()
    });
    let all = (jobs + warm_up) * producers as u64;
    let expected = (0..producers as u64)
        .flat_map(|number| (0..jobs + warm_up).map(move |job| fingerprint(number, job)))
        .fold(0, u64::wrapping_add);
    let done: u64 = tally.done.iter().map(|count| count.load(Ordering::Acquire)).sum();
    let checksum = tally.checksum.load(Ordering::Relaxed);
    assert_eq!((done, checksum), (all, expected), "{} lost a job", E::NAME);
    let start = spans.iter().map(|span| span.0).min().expect("there are producers");
    let end = spans.iter().map(|span| span.1).max().expect("there are producers");
    (jobs * producers as u64) as f64 / end.saturating_since(start).as_secs_f64() / 1e3
}

const fn fingerprint(producer: u64, job: u64) -> u64 {
    mix(producer << 32 | job)
}

impl<E: Executor> Part<'_, E> {
    /// Submits so many jobs, and waits until all that were submitted are done.
    fn run(&mut self, jobs: u64) {
        for _ in 0..jobs {
            if self.submitted - self.done == self.window {
                self.wait_for(self.submitted - self.window / 2);
            }
            self.submit();
        }
        self.wait_for(self.submitted);
    }

    fn submit(&mut self) {
        let (tally, number) = (self.tally, self.number);
        let fingerprint = fingerprint(number as u64, self.submitted);
        let later = Duration::from_micros(self.random.below(SPREAD_US).into());
        self.executor.execute(self.first_deadline + later, move || {
            tally.checksum.fetch_add(fingerprint, Ordering::Relaxed);
            tally.done[number].fetch_add(1, Ordering::Release);
        });
        self.submitted += 1;
    }

    /// Until so many are done. Gives way meanwhile: the worker may have no other core.
    fn wait_for(&mut self, count: u64) {
        while self.done < count {
            self.done = self.tally.done[self.number].load(Ordering::Acquire);
            if self.done < count {
                std::thread::yield_now();
            }
        }
    }
}
