//! How soon an idle worker starts a job, counted from before its submission.
//!
//! The worker has gone to sleep: the system says so of its thread. The producer's core is awake.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use punctual::time::{Clock, MonotonicClock, Time};

use super::contest::{Bench, Turn};
use super::executor::{Executor, join, spawn};
use crate::quantiles::quantiles;

/// How long a worker sleeps before it is woken.
pub(crate) const REST: Duration = Duration::from_micros(200);

/// What a worker tells: zero until it does.
type Told = Arc<AtomicU64>;

pub(crate) struct WakeUp;

impl Turn for WakeUp {
    fn take<E: Executor>(bench: &Bench) -> Vec<f64> {
        let executor = bench.start_beside(|| E::start(bench.clock));
        let (clock, deadline) = (bench.clock, bench.far());
        let (thread, started) = (Told::default(), Told::default());
        let tell = Arc::clone(&thread);
        executor.execute(deadline, move || tell.store(thread_id(), Ordering::Release));
        latencies(bench, told(&thread), &started, || {
            let started = Arc::clone(&started);
            executor.execute(deadline, move || tell_time(clock, &started));
        })
    }
}

/// The same of a thread that does nothing but park.
pub(crate) fn raw(bench: &Bench) -> Vec<f64> {
    let parked = Arc::new(Parked::default());
    let (clock, same) = (bench.clock, Arc::clone(&parked));
    let worker = bench.start_beside(|| spawn(move || same.run(clock)));
    let figures = latencies(bench, told(&parked.thread), &parked.started, || {
        parked.is_called.store(true, Ordering::Release);
        worker.thread().unpark();
    });
    parked.is_over.store(true, Ordering::Release);
    worker.thread().unpark();
    join(Some(worker));
    figures
}

/// A thread that is parked and says when it wakes up.
#[derive(Default)]
struct Parked {
    thread: Told,
    started: Told,
    is_called: AtomicBool,
    is_over: AtomicBool,
}

impl Parked {
    fn run(&self, clock: MonotonicClock) {
        self.thread.store(thread_id(), Ordering::Release);
        while !self.is_over.load(Ordering::Acquire) {
            std::thread::park();
            if self.is_called.swap(false, Ordering::Acquire) {
                tell_time(clock, &self.started);
            }
        }
    }
}

/// p50 and p99 of the latencies, in microseconds.
fn latencies(bench: &Bench, thread: u64, started: &AtomicU64, wake: impl Fn()) -> Vec<f64> {
    let rounds = if bench.quick { 500 } else { 2_000 };
    let latency_us = |_| {
        wait_until_idle(bench, thread);
        let before = bench.now();
        wake();
        let started = Time::from_nanos(told(started));
        started.saturating_since(before).as_secs_f64() * 1e6
    };
    // The first ones meet cold caches.
    let latencies = (0..rounds + rounds / 10).map(latency_us).skip(rounds / 10);
    quantiles(latencies, [0.5, 0.99]).expect("there are rounds").to_vec()
}

/// Waits until a thread has slept for a while.
fn wait_until_idle(bench: &Bench, thread: u64) {
    let path = format!("/proc/self/task/{thread}/stat");
    // The state stands behind the name, which ends with the last parenthesis.
    let is_asleep = || {
        let stat = fs::read_to_string(&path).expect("the worker lives");
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S'))
    };
    loop {
        while !is_asleep() {
            std::thread::yield_now();
        }
        let rested = bench.now() + REST;
        while bench.now() < rested {
            std::hint::spin_loop();
        }
        if is_asleep() {
            return;
        }
    }
}

fn tell_time(clock: MonotonicClock, started: &AtomicU64) {
    started.store(clock.now().as_nanos(), Ordering::Release);
}

/// Waits for what a worker tells, and forgets it.
fn told(told: &AtomicU64) -> u64 {
    loop {
        match told.swap(0, Ordering::Acquire) {
            0 => std::hint::spin_loop(),
            number => return number,
        }
    }
}

/// The number by which the system knows the calling thread.
fn thread_id() -> u64 {
    let link = fs::read_link("/proc/thread-self").expect("the system is Linux");
    let name = link.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.parse().expect("a thread has a number")
}
