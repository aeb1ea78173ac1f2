//! Jobs that borrow.

use std::hint::black_box;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use punctual::pool::Outcome;
use punctual::scheduler::{Budget, Job, RefuseReason};
use punctual::time::Time;

use super::support::{Dropped, Gate, LONG, Log, Still, ms, panic_message, pool};

#[test]
fn jobs_borrow_and_return_what_they_borrowed() {
    let pool = pool(2);
    let (words, mut lengths) = (["due", "at", "once"], [0; 3]);
    let longest = pool.scope(|scope| {
        for (word, length) in words.iter().zip(&mut lengths) {
            let job = Job::new(move |_: Budget| *length = word.len()).budget(LONG);
            scope.submit(job).expect("there is room").detach();
        }
        let job = Job::new(|_: Budget| words.iter().max_by_key(|word| word.len())).budget(LONG);
        scope.submit(job).expect("there is room").wait().done().flatten()
    });
    assert_eq!((lengths, longest), ([3, 2, 4], Some(&"once")));
}

#[test]
fn a_scope_waits_although_its_closure_panics() {
    let (pool, runs) = (pool(2), AtomicU32::new(0));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        pool.scope(|scope| {
            for _ in 0..20 {
                let job = Job::new(|_: Budget| runs.fetch_add(1, Ordering::Relaxed)).budget(LONG);
                scope.submit(job).expect("there is room").detach();
            }
            panic!("on the way");
        })
    }));
    assert_eq!(runs.load(Ordering::Relaxed), 20);
    assert!(panicked.is_err());
}

#[test]
fn a_leaked_ticket_does_not_free_the_scope() {
    let (pool, runs) = (pool(1), AtomicU32::new(0));
    pool.scope(|scope| {
        let job = Job::new(|_: Budget| runs.fetch_add(1, Ordering::Relaxed)).budget(LONG);
        mem::forget(scope.submit(job).expect("there is room"));
    });
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[test]
fn what_a_job_borrows_is_let_go_of_whatever_becomes_of_it() {
    let Still { pool, .. } = &Still::one_worker();
    let (gate, log) = (Gate::close(pool), Log::default());
    pool.scope(|scope| {
        let submit = |name| {
            let (log, dropped) = (&log, Dropped(log.clone(), name));
            let job = Job::new(move |_: Budget| {
                log.note("ran");
                dropped
            });
            scope.submit(job.budget(ms(9))).expect("there is room")
        };
        drop(submit("dropped"));
        assert!(submit("cancelled").cancel());
        let shed = submit("shed");
        pool.shutdown_now();
        let job = Job::new(|_: Budget| ());
        assert_eq!(scope.submit(job).err().map(|it| it.reason), Some(RefuseReason::Closed));
        assert!(matches!(shed.wait(), Outcome::Shed((), _)));
    });
    assert_eq!(log.read(), ["dropped", "cancelled", "shed"]);
    gate.open();
}

#[test]
fn a_panic_is_the_outcome_of_a_scoped_job() {
    let pool = pool(1);
    let message = pool.scope(|scope| {
        let job = Job::new(|_: Budget| -> () { panic!("in a scope") }).budget(LONG);
        panic_message(scope.submit(job).expect("there is room").wait())
    });
    assert_eq!(message, "in a scope");
}

/// Throws something that panics when it is dropped.
struct Chain;

impl Drop for Chain {
    fn drop(&mut self) {
        std::panic::panic_any(Fuse);
    }
}

struct Fuse;

impl Drop for Fuse {
    fn drop(&mut self) {
        std::panic::panic_any("once more");
    }
}

#[test]
fn no_destructor_ends_a_scope_before_its_jobs() {
    let pool = pool(2);
    let handle = pool.clone();
    let job = Job::new(move |_: Budget| {
        let (runs, all_are_detached) = (AtomicU32::new(0), AtomicBool::new(false));
        handle.scope(|scope| {
            for _ in 0..20 {
                let job = Job::new(|_: Budget| {
                    // Whoever detaches a job that has ended drops its result.
                    while !all_are_detached.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                    runs.fetch_add(1, Ordering::Relaxed);
                    Chain
                });
                scope.submit(job.budget(LONG)).expect("there is room").detach();
            }
            all_are_detached.store(true, Ordering::Release);
        });
        runs.into_inner()
    });
    let ticket = pool.submit(job.budget(LONG)).expect("there is room");
    assert_eq!(ticket.wait().done(), Some(20));
}

#[test]
fn a_worker_runs_the_jobs_of_its_scope() {
    let Still { pool, .. } = &Still::one_worker();
    let handle = (*pool).clone();
    let job = Job::new(move |_: Budget| {
        let runs = AtomicU32::new(0);
        handle.scope(|scope| {
            for _ in 0..5 {
                let job = Job::new(|_: Budget| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    let nested = Job::new(|_: Budget| runs.fetch_add(10, Ordering::Relaxed));
                    scope.submit(nested.budget(LONG)).expect("there is room").detach();
                });
                scope.submit(job.budget(LONG)).expect("there is room").detach();
            }
        });
        runs.into_inner()
    });
    let ticket = pool.submit(job.budget(LONG)).expect("there is room");
    assert_eq!(ticket.wait().done(), Some(55));
    assert_eq!(pool.drain(Time::MAX).done, 11);
}

#[test]
fn a_scope_sees_what_its_jobs_have_written() {
    let (pool, mut sum, mut waits) = (pool(1), 0, 0);
    for round in 1..=100 {
        pool.scope(|scope| {
            let add = Job::new(|_: Budget| sum += 1).budget(LONG);
            scope.submit(add).expect("there is room").detach();
        });
        // Where a scope ends too early, ThreadSanitizer has to see it: this is a race then.
        while *black_box(&sum) < round {
            waits += 1;
            thread::yield_now();
        }
    }
    assert_eq!((sum, waits), (100, 0));
}
