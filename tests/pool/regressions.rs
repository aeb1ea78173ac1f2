//! Bugs that other pools and executors had: each test's first line tells its story.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Weak};
use std::task::Waker;

use punctual::pool::{Outcome, Pool};
use punctual::scheduler::{Admission, Budget, Job, RefuseReason};
use punctual::time::Time;

use super::support::{Gate, LONG, Log, Still, ms, pool};

/// A task that a job had just spawned went into a slot that no other worker could steal from, and
/// waited there until its worker was free, 20 times as long as others (tokio#4941).
#[test]
fn what_a_job_submits_is_for_all_workers() {
    let pool = pool(2);
    let handle = pool.clone();
    let job = Job::new(move |_: Budget| {
        let (ran, has_run) = channel();
        let next = Job::new(move |_: Budget| ran.send(()).expect("somebody waits"));
        handle.submit(next.budget(LONG)).expect("there is room").detach();
        // This worker is busy until the other one has run it.
        has_run.recv().is_ok()
    });
    let ticket = pool.submit(job.budget(LONG)).expect("there is room");
    assert_eq!(ticket.wait().done(), Some(true));
}

/// A submission failed, and its task ran all the same (folly#1428).
#[test]
fn what_is_refused_does_not_run() {
    let builder = Pool::builder().workers(1).admission(Admission::All).queue_bound(1);
    let Still { pool, .. } = &Still::new(builder);
    let (gate, runs) = (Gate::close(pool), Arc::new(AtomicU32::new(0)));
    let count = || {
        let runs = runs.clone();
        Job::new(move |_: Budget| runs.fetch_add(1, Ordering::Relaxed)).budget(LONG)
    };
    pool.submit(count()).expect("there is room").detach();
    let full = pool.submit(count()).expect("the ticket tells").wait();
    assert!(matches!(full, Outcome::Shed(..)), "{full:?}");
    pool.shutdown_now();
    assert!(pool.submit(count()).is_err_and(|it| it.reason == RefuseReason::Closed));
    gate.open();
    pool.drain(Time::MAX);
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

/// Counters of running tasks leaked with panics and dropped tasks, until the pool held itself for
/// busy (tikv#14633).
#[test]
fn no_end_of_a_job_takes_a_worker_with_it() {
    let pool = pool(2);
    for round in 0..300_u32 {
        let job = Job::new(move |_: Budget| assert!(round % 3 > 0, "now and then")).budget(LONG);
        let ticket = pool.submit(job).expect("there is room");
        if round % 2 == 0 { drop(ticket) } else { ticket.detach() }
    }
    let ticket = pool.submit(Job::new(|_: Budget| 7).budget(LONG)).expect("there is room");
    assert_eq!(ticket.wait().done(), Some(7));
    let stats = pool.drain(pool.now() + LONG);
    assert_eq!((stats.queued, stats.running, stats.suspended), (0, 0, 0));
    assert_eq!(stats.submitted, stats.done + stats.failed + stats.cancelled + stats.shed.total());
}

/// Cancelled tasks stayed in the queue, with all that they held, until they were due (the default
/// of the JDK's `ScheduledThreadPoolExecutor`).
#[test]
fn a_cancelled_job_is_gone_long_before_its_release() {
    let Still { pool, .. } = &Still::one_worker();
    let held = Arc::new("kept alive");
    let (weak, job) = (Arc::downgrade(&held), Job::new(move |_: Budget| drop(held)));
    let ticket = pool.submit(job.release(Time::ZERO + LONG).budget(ms(5))).expect("room");
    assert!(ticket.cancel());
    assert_eq!((pool.stats().queued, Weak::strong_count(&weak)), (0, 0));
}

/// The wake-up of a worker was lost between its last look and its sleep, and the task waited for
/// the next one (folly, and every executor without a fence there).
#[test]
fn no_submission_is_slept_over() {
    let pool = pool(1);
    for at in 0..20_000_u32 {
        let ticket = pool.submit(Job::new(move |_: Budget| at).budget(LONG)).expect("room");
        // Whoever waits here for ever was slept over.
        assert_eq!(ticket.wait().done(), Some(at));
    }
}

/// A waker that was called twice, or after its future's end, queued the future twice (a story of
/// many first executors).
#[test]
fn wakers_may_be_called_at_any_time_and_often() {
    let Still { pool, .. } = &Still::one_worker();
    let (wakers, handed_out) = channel::<Waker>();
    let polls = Arc::new(AtomicU32::new(0));
    let counted = polls.clone();
    let job = Job::new(async move |_: Budget| {
        std::future::poll_fn(move |context| {
            wakers.send(context.waker().clone()).expect("somebody takes it");
            match counted.fetch_add(1, Ordering::Relaxed) {
                0 => std::task::Poll::Pending,
                _ => std::task::Poll::Ready(()),
            }
        })
        .await;
    });
    let ticket = pool.spawn(job.budget(LONG)).expect("there is room");
    let waker = handed_out.recv().expect("it begins");
    for _ in 0..3 {
        waker.wake_by_ref();
    }
    assert!(matches!(ticket.wait(), Outcome::Done(())));
    waker.wake_by_ref();
    let stats = pool.drain(Time::MAX);
    assert_eq!((stats.done, polls.load(Ordering::Relaxed)), (1, 2));
}

/// Stopping a pool ran all of its backlog first, and nobody could tell how much there was
/// (rayon#544).
#[test]
fn a_pool_stops_without_its_backlog_and_counts_it() {
    let Still { pool, .. } = &Still::one_worker();
    let (gate, log) = (Gate::close(pool), Log::default());
    let tickets: Vec<_> =
        (0..10).map(|_| pool.submit(log.job("ran").budget(LONG)).expect("room")).collect();
    assert_eq!(pool.shutdown_now(), 10);
    gate.open();
    assert!(tickets.into_iter().all(|ticket| matches!(ticket.wait(), Outcome::Shed(..))));
    assert_eq!(log.read(), [""; 0]);
}
