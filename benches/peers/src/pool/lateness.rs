//! By how much a millisecond is longer than that: from the moment it ends to that at which somebody
//! runs.
//!
//! One waits at a time, on a core that is idle otherwise; the other core is idle too. Waits begin
//! at random: a timer of whole milliseconds must not profit from its own ticks.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use punctual::scheduler::Job;
use punctual::time::{Clock, Time};

use super::contest::{Bench, pin};
use super::executor::{Executor, Tokio};
use super::ours::Evict;
use crate::quantiles::quantiles;
use crate::workload::random::Random;

const WAIT: Duration = Duration::from_millis(1);

/// What a job has after its release.
const BUDGET: Duration = Duration::from_secs(600);

/// A job that isn't started before its release.
pub(crate) fn release(bench: &Bench) -> Vec<f64> {
    let (pool, clock) = (bench.start_beside(|| Evict::start(bench.clock)), bench.clock);
    let (sender, receiver) = mpsc::channel();
    lateness(bench, |due| {
        let sender = sender.clone();
        let tell = move |_| sender.send(clock.now()).expect("somebody waits for it");
        let ticket = pool.handle().submit(Job::new(tell).release(due).budget(BUDGET));
        ticket.expect("nothing else is queued").detach();
        receiver.recv().expect("the job tells")
    })
}

/// An async job that sleeps on the pool's timer.
pub(crate) fn async_sleep(bench: &Bench) -> Vec<f64> {
    let (pool, clock) = (bench.start_beside(|| Evict::start(bench.clock)), bench.clock);
    let (sender, receiver) = mpsc::channel();
    let timer = pool.handle().timer().clone();
    lateness(bench, |due| {
        let (sender, timer) = (sender.clone(), timer.clone());
        let sleep = move |_| async move {
            timer.sleep_until(due).await;
            sender.send(clock.now()).expect("somebody waits for it");
        };
        let ticket = pool.handle().spawn(Job::new(sleep).budget(BUDGET));
        ticket.expect("nothing else is queued").detach();
        receiver.recv().expect("the job tells")
    })
}

/// A thread that blocks on a sleep of our timer, whose own thread is on the same core.
pub(crate) fn blocking_sleep(bench: &Bench) -> Vec<f64> {
    pin(bench.worker);
    let timer = punctual::timer::Timer::new(bench.clock).expect("a thread can be started");
    lateness(bench, |due| {
        block_on(timer.sleep_until(due));
        bench.now()
    })
}

/// A task that sleeps on tokio's timer, whose ticks are milliseconds.
pub(crate) fn tokio_sleep(bench: &Bench) -> Vec<f64> {
    let (runtime, clock) = (bench.start_beside(|| Tokio::start(bench.clock)), bench.clock);
    let (sender, receiver) = mpsc::channel();
    lateness(bench, |due| {
        let sender = sender.clone();
        runtime.0.spawn(async move {
            tokio::time::sleep(due.saturating_since(clock.now())).await;
            sender.send(clock.now()).expect("somebody waits for it");
        });
        receiver.recv().expect("the task tells")
    })
}

/// A task of tokio's that sleeps on our timer.
pub(crate) fn tokio_with_ours(bench: &Bench) -> Vec<f64> {
    let (runtime, clock) = (bench.start_beside(|| Tokio::start(bench.clock)), bench.clock);
    let timer = bench.start_beside(|| punctual::timer::Timer::new(bench.clock));
    let timer = timer.expect("a thread can be started");
    let (sender, receiver) = mpsc::channel();
    lateness(bench, |due| {
        let (sender, sleep) = (sender.clone(), timer.sleep_until(due));
        runtime.0.spawn(async move {
            sleep.await;
            sender.send(clock.now()).expect("somebody waits for it");
        });
        receiver.recv().expect("the task tells")
    })
}

pub(crate) fn thread_sleep(bench: &Bench) -> Vec<f64> {
    pin(bench.worker);
    lateness(bench, |due| {
        std::thread::sleep(due.saturating_since(bench.now()));
        bench.now()
    })
}

pub(crate) fn park_timeout(bench: &Bench) -> Vec<f64> {
    pin(bench.worker);
    lateness(bench, |due| {
        loop {
            let now = bench.now();
            if now >= due {
                return now;
            }
            std::thread::park_timeout(due.saturating_since(now));
        }
    })
}

/// p50 and p99, in microseconds, of what `wait` returns after the time that it is given.
fn lateness(bench: &Bench, wait: impl Fn(Time) -> Time) -> Vec<f64> {
    let rounds = if bench.quick { 100 } else { 500 };
    let mut random = Random::new(rounds);
    let lateness_us = |_| {
        std::thread::sleep(Duration::from_micros(random.below(1_000).into()));
        let due = bench.now() + WAIT;
        let late = wait(due).checked_since(due).expect("nobody is early");
        late.as_secs_f64() * 1e6
    };
    let lateness = (0..rounds).map(lateness_us).collect::<Vec<_>>();
    quantiles(lateness, [0.5, 0.99]).expect("there are rounds").to_vec()
}

/// Unparks a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks this thread until the future is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
