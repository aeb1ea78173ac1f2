//! Loads on a pool, beside other work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::{future, io};

use punctual::cache::dispatch::OnPool;
use punctual::cache::{Answer, LoadError, WaitError, cached, cached_fn};
use punctual::pool::{Outcome, Pool};
use punctual::refresh::Config;
use punctual::scheduler::{Budget, Job};
use punctual::time::{ManualClock, Time};

use crate::support::{Cache, LONG, ms};

fn pool(workers: u32) -> Pool {
    Pool::builder().workers(workers).build().expect("there are threads")
}

#[test]
fn sixty_four_jobs_and_threads_miss_one_key_and_it_is_loaded_once() {
    let pool = pool(3);
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let cache: Cache = cached_fn(move |&key: &u32, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok::<_, io::Error>(key * 10)
    })
    .build(OnPool::new(&pool))
    .expect("there are threads");
    let tickets: Vec<_> = (0..32)
        .map(|_| {
            let cache = cache.clone();
            let ask = move |_| cache.get_or_wait(&7, Budget::UNLIMITED).wait();
            pool.submit(Job::new(ask)).unwrap_or_else(|_| panic!("it is open"))
        })
        .collect();
    let barrier = Barrier::new(32);
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                barrier.wait();
                let outcome = cache.get_or_wait(&7, Budget::of(cache.now(), LONG)).wait();
                assert_eq!(outcome.expect("it was loaded"), Answer::Fresh(70));
            });
        }
    });
    for ticket in tickets {
        let Outcome::Done(outcome) = ticket.wait() else { panic!("it was done") };
        assert_eq!(outcome.expect("it was loaded"), Answer::Fresh(70));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// The only worker waits for a load that only it can run: it runs it itself.
#[test]
fn a_pool_of_one_worker_that_waits_for_its_own_loads_goes_on() {
    let pool = pool(1);
    let cache: Cache = cached_fn(|&key: &u32, _| Ok::<_, io::Error>(key * 10))
        .build(OnPool::new(&pool))
        .expect("there are threads");
    let tickets: Vec<_> = (0..20)
        .map(|key| {
            let cache = cache.clone();
            let ask = move |_| {
                let outcome = cache.get_or_wait(&(key / 2), Budget::UNLIMITED).wait();
                let many = cache.get_many_or_wait(&[key, 50, 51], Budget::UNLIMITED).wait();
                assert!(many.into_iter().all(|outcome| outcome.is_ok()));
                outcome
            };
            pool.submit(Job::new(ask)).unwrap_or_else(|_| panic!("it is open"))
        })
        .collect();
    for (key, ticket) in (0..).zip(tickets) {
        let Outcome::Done(outcome) = ticket.wait() else { panic!("it was done") };
        assert_eq!(outcome.expect("it was loaded").value(), Some(key / 2 * 10));
    }
}

/// As before, with loaders that load from another cache on the same worker.
#[test]
fn loads_that_wait_for_loads_on_one_worker_go_on() {
    let pool = pool(1);
    let inner: Cache = cached_fn(|&key: &u32, _| Ok::<_, io::Error>(key + 1))
        .build(OnPool::new(&pool))
        .expect("there are threads");
    let outer: Cache = cached_fn(move |key: &u32, budget| {
        let answer = inner.get_or_wait(key, budget).wait()?;
        Ok::<_, WaitError>(answer.value().map(|value| value * 100))
    })
    .build(OnPool::new(&pool))
    .expect("there are threads");
    let outcome = outer.get_or_wait(&1, Budget::UNLIMITED).wait();
    assert_eq!(outcome.expect("it was loaded"), Answer::Fresh(200));
    let ask = move |_| outer.get_or_wait(&2, Budget::UNLIMITED).wait();
    let ticket = pool.submit(Job::new(ask)).unwrap_or_else(|_| panic!("it is open"));
    let Outcome::Done(outcome) = ticket.wait() else { panic!("it was done") };
    assert_eq!(outcome.expect("it was loaded"), Answer::Fresh(300));
}

/// Jobs that wait as futures keep no worker from the loads.
#[test]
fn jobs_await_loads_that_wait_for_something() {
    let pool = pool(1);
    let timer = pool.timer().clone();
    let cache: Cache = cached(move |key: u32, _| {
        let timer = timer.clone();
        async move {
            timer.sleep(ms(2)).await;
            Ok::<_, io::Error>(key * 10)
        }
    })
    .build(OnPool::new(&pool))
    .expect("there are threads");
    let tickets: Vec<_> = (0..20)
        .map(|key| {
            let cache = cache.clone();
            let ask = move |_| async move { cache.get_or_wait(&key, Budget::UNLIMITED).await };
            pool.spawn(Job::new(ask)).unwrap_or_else(|_| panic!("it is open"))
        })
        .collect();
    for (key, ticket) in (0..).zip(tickets) {
        let Outcome::Done(outcome) = ticket.wait() else { panic!("it was done") };
        assert_eq!(outcome.expect("it was loaded").value(), Some(key * 10));
    }
}

/// A job that is cancelled while it awaits a load leaves the load, and others, alone.
#[test]
fn jobs_that_are_cancelled_leave_the_load_to_others() {
    let pool = pool(1);
    let (opened, open) = channel::<()>();
    let (started, start) = channel();
    let open = Mutex::new(open);
    let cache: Cache = cached_fn(move |&key: &u32, _| {
        started.send(()).expect("somebody waits for it");
        let _ = open.lock().expect("nobody panics with it").recv();
        Ok::<_, io::Error>(key * 10)
    })
    .build(OnPool::new(&pool))
    .expect("there are threads");
    let first = cache.get_or_wait(&1, Budget::UNLIMITED);
    start.recv().expect("it begins");
    let (other, asker) = (cache.clone(), cache.clone());
    let ask = move |_| async move { asker.get_or_wait(&1, Budget::UNLIMITED).await };
    let cancelled = pool.spawn(Job::new(ask)).unwrap_or_else(|_| panic!("it is open"));
    cancelled.cancel();
    let kept = other.get_or_wait(&1, Budget::UNLIMITED);
    drop(opened);
    assert_eq!(first.wait().expect("it was loaded"), Answer::Fresh(10));
    assert_eq!(kept.wait().expect("it was loaded"), Answer::Fresh(10));
    assert_eq!(cache.stats().loads.started(), 1);
}

#[test]
fn a_closed_pool_refuses_loads_and_who_waits_is_told() {
    let pool = pool(1);
    let cache: Cache = cached_fn(|&key: &u32, _| Ok::<_, io::Error>(key))
        .build(OnPool::new(&pool))
        .expect("there are threads");
    assert!(cache.get_or_wait(&1, Budget::UNLIMITED).wait().is_ok());
    drop(pool);
    let outcome = cache.get_or_wait(&2, Budget::UNLIMITED).wait();
    assert!(matches!(outcome, Err(WaitError::Failed(LoadError::Dropped))), "{outcome:?}");
    assert!(cache.get(&1).value().is_some(), "what is there is there");
}

/// Whoever waits is told, whether its load runs, waits on the pool, or is suspended.
#[test]
fn a_pool_that_goes_tells_all_who_wait() {
    let pool = pool(1);
    let cache: Cache = cached(|_: u32, _| async {
        future::pending::<()>().await;
        Ok::<_, io::Error>(0)
    })
    .build(OnPool::new(&pool))
    .expect("there are threads");
    let waits: Vec<_> = (0..10).map(|key| cache.get_or_wait(&key, Budget::UNLIMITED)).collect();
    drop(pool);
    for wait in waits {
        let outcome = wait.wait();
        assert!(matches!(outcome, Err(WaitError::Failed(LoadError::Dropped))), "{outcome:?}");
    }
    assert_eq!(cache.stats().in_flight, 0);
}

#[test]
fn a_cache_that_goes_calls_its_loads_off() {
    struct Held(std::sync::mpsc::Sender<()>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.send(()).expect("somebody waits for it");
        }
    }
    let pool = pool(1);
    let (dropped, is_dropped) = channel();
    let (began, begins) = channel();
    let senders = Mutex::new((dropped, began));
    let cache: Cache = cached(move |_: u32, _| {
        let (dropped, began) = senders.lock().expect("nobody panics with it").clone();
        async move {
            let _held = Held(dropped);
            began.send(()).expect("somebody waits for it");
            future::pending::<()>().await;
            Ok::<_, io::Error>(0)
        }
    })
    .build(OnPool::new(&pool))
    .expect("there are threads");
    let waits = [1, 2, 3].map(|key| cache.get_or_wait(&key, Budget::UNLIMITED));
    (0..3).for_each(|_| begins.recv().expect("it begins"));
    drop(cache);
    (0..3).for_each(|_| is_dropped.recv().expect("it is dropped"));
    assert!(waits.into_iter().all(|wait| matches!(wait.wait(), Err(WaitError::Closed))));
}

/// A load that outlives its time-out is dropped, on a pool whose clock the test moves.
#[test]
fn a_load_that_hangs_on_a_pool_is_dropped_at_its_time_out() {
    let clock = Arc::new(ManualClock::new(Time::ZERO));
    let pool = Pool::builder().workers(1).build_on(clock.clone()).expect("there are threads");
    let (began, begins) = channel();
    let began = Mutex::new(began);
    let cache: Cache = cached(move |_: u32, _| {
        began.lock().expect("nobody panics with it").send(()).expect("somebody waits for it");
        future::pending::<Result<u32, io::Error>>()
    })
    .plan(Config { load_timeout: ms(50), ..Config::default() })
    .build(OnPool::new(&pool))
    .expect("there are threads");
    let wait = cache.get_or_wait(&1, Budget::UNLIMITED);
    begins.recv().expect("it begins");
    clock.advance(ms(60));
    pool.timer().wake();
    let outcome = wait.wait();
    assert!(matches!(outcome, Err(WaitError::Failed(LoadError::Overdue))), "{outcome:?}");
    let Err(WaitError::BackedOff { .. }) = cache.get_or_wait(&1, Budget::UNLIMITED).wait() else {
        panic!("it is left alone");
    };
}

/// A worker that runs the load for which it waits has no more time than it said, however long the
/// load takes; the load goes on for others.
#[test]
fn a_worker_that_runs_its_load_keeps_to_its_budget() {
    let clock = Arc::new(ManualClock::new(Time::ZERO));
    let pool = Pool::builder().workers(1).build_on(clock.clone()).expect("there are threads");
    let (began, begins) = channel();
    let began = Mutex::new(began);
    let cache: Cache = cached(move |_: u32, _| {
        began.lock().expect("nobody panics with it").send(()).expect("somebody waits for it");
        future::pending::<Result<u32, io::Error>>()
    })
    .build(OnPool::new(&pool))
    .expect("there are threads");
    let asker = cache.clone();
    let ask = move |_| asker.get_or_wait(&1, Budget::until(Time::ZERO + ms(5))).wait();
    let ticket = pool.submit(Job::new(ask)).unwrap_or_else(|_| panic!("it is open"));
    begins.recv().expect("it begins");
    clock.advance(ms(6));
    pool.timer().wake();
    let Outcome::Done(outcome) = ticket.wait() else { panic!("it was done") };
    assert!(matches!(outcome, Err(WaitError::Elapsed)), "{outcome:?}");
}
