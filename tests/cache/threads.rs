//! Many threads and one cache, with a dispatcher that is a thread of its own.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use punctual::cache::{Answer, Load, LoadError, Loaded, WaitError, cached, cached_fn};
use punctual::refresh::Config;
use punctual::scheduler::Budget;

use crate::support::{Backend, Cache, LONG, ms};

/// Runs loads one after the other, each by one poll.
fn worker() -> (impl Fn(Load) + Send + Sync + 'static, thread::JoinHandle<()>) {
    let (sender, receiver): (Sender<Load>, Receiver<Load>) = channel();
    let sender = Mutex::new(sender);
    let thread = thread::spawn(move || {
        for load in receiver {
            let polled = pin!(load).poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Ready(()));
        }
    });
    let submit = move |load| {
        // The worker is there as long as the cache is.
        let _ = sender.lock().expect("nobody panics with it").send(load);
    };
    (submit, thread)
}

#[test]
fn sixty_four_threads_miss_one_key_and_it_is_loaded_once() {
    let (submit, worker) = worker();
    let backend = Backend::quick();
    backend.set(7, 70);
    let cache = backend.builder().soft_ttl(LONG).build(submit).expect("there are threads");
    let barrier = Barrier::new(64);
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                barrier.wait();
                let outcome = cache.get_or_wait(&7, Budget::of(cache.now(), LONG)).wait();
                assert_eq!(outcome.expect("it was loaded").value(), Some(70));
            });
        }
    });
    assert_eq!(backend.calls(), 1);
    assert_eq!(cache.stats().loads.started(), 1);
    drop(cache);
    worker.join().expect("it ends with the cache");
}

#[test]
fn sixty_four_threads_that_join_a_failure_are_told() {
    let (submit, worker) = worker();
    let (barrier, calls) = (Barrier::new(64), Arc::new(AtomicUsize::new(0)));
    let count = calls.clone();
    let cache: Cache = cached_fn(move |_: &u32, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Err::<u32, _>(io::Error::other("down"))
    })
    .back_off(LONG, LONG)
    .build(submit)
    .expect("there are threads");
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                barrier.wait();
                let outcome = cache.get_or_wait(&7, Budget::UNLIMITED).wait();
                let Err(WaitError::Failed(error) | WaitError::BackedOff { error, .. }) = outcome
                else {
                    panic!("it failed");
                };
                assert!(matches!(error, LoadError::Failed(_)));
            });
        }
    });
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    drop(cache);
    worker.join().expect("it ends with the cache");
}

/// What was written before an invalidation is not seen after it, whatever loads are under way.
#[test]
fn who_invalidates_doesnt_see_what_was_before() {
    let (submit, worker) = worker();
    let source = Arc::new(AtomicU32::new(0));
    let read = source.clone();
    let cache: Cache = cached_fn(move |_: &u32, _| Ok::<_, io::Error>(read.load(Ordering::SeqCst)))
        .soft_ttl(ms(1))
        .hard_ttl(LONG)
        .build(submit)
        .expect("there are threads");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                while !is_over.load(Ordering::Relaxed) {
                    // One reader never sees time go back: a load that began before an invalidation
                    // stores nothing after it.
                    if let Some(value) = cache.get(&1).value() {
                        assert!(value >= last, "{value} after {last}");
                        last = value;
                    }
                }
            });
        }
        for version in 1..2_000 {
            source.store(version, Ordering::SeqCst);
            match version % 3 {
                0 => drop(cache.invalidate(&1)),
                1 => cache.clear(),
                _ => cache.put(1, version),
            }
            let seen = cache.get(&1).value();
            assert!(seen.is_none_or(|seen| seen == version), "{seen:?} after {version}");
            let outcome = cache.get_or_wait(&1, Budget::UNLIMITED).wait();
            assert_eq!(outcome.expect("it is loaded").value(), Some(version));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(cache);
    worker.join().expect("it ends with the cache");
}

/// Everything at once: nobody is told what another key's, and nobody waits for ever.
#[test]
fn storms_end() {
    let (submit, worker) = worker();
    let cache: Cache = cached_fn(|&key: &u32, _| match key % 5 {
        0 => Err(io::Error::other("down")),
        1 => Ok(None),
        _ => Ok(Some(key * 10)),
    })
    .capacity(16)
    .soft_ttl(ms(1))
    .hard_ttl(ms(3))
    .back_off(ms(1), ms(2))
    .listener(|&key, &value, _| assert_eq!(value % 10, 0, "{key}"))
    .plan(Config { concurrent: 4, concurrent_refreshes: 2, demand_bound: 8, ..Config::default() })
    .build(submit)
    .expect("there are threads");
    thread::scope(|scope| {
        for number in 0..6_u32 {
            let cache = cache.clone();
            scope.spawn(move || {
                for round in 0..3_000_u32 {
                    let key = round.wrapping_mul(2_654_435_761).wrapping_add(number) >> 27;
                    let check = |answer: Answer<u32>| {
                        assert!(answer.value().is_none_or(|value| value == key * 10));
                    };
                    let budget = Budget::of(cache.now(), ms(u64::from(round % 3)));
                    match (round + number) % 11 {
                        0 => cache.put(key, Loaded::new(key * 10)),
                        1 => drop(cache.invalidate(&key)),
                        2 => drop(cache.expire(&key)),
                        3 if round % 100 == 0 => cache.clear(),
                        4 => cache.get_or_wait(&key, budget).wait().map_or((), check),
                        5 => cache.refresh(&key, budget).wait().map_or((), check),
                        6 => drop(cache.get_fresh(&key, budget)),
                        7 => drop(cache.get_many_or_wait(&[key, key + 1], budget).wait()),
                        8 => drop(cache.snapshot()),
                        _ => check(cache.get(&key)),
                    }
                }
            });
        }
    });
    let outcome = cache.get_or_wait(&2, Budget::UNLIMITED).wait();
    assert_eq!(outcome.expect("it is loaded").value(), Some(20));
    assert!(cache.weight() <= 16);
    drop(cache);
    worker.join().expect("it ends with the cache");
}

#[test]
fn caches_go_while_threads_wait_and_loads_run() {
    for round in 0..50 {
        let (began, begins) = channel();
        let loads: Arc<Mutex<Vec<Load>>> = Arc::default();
        let kept = loads.clone();
        let cache: Cache = cached(|key, _| async move {
            std::future::pending::<()>().await;
            Ok::<_, io::Error>(key)
        })
        .build(move |load| kept.lock().expect("nobody panics with it").push(load))
        .expect("there are threads");
        thread::scope(|scope| {
            for key in 0..4 {
                let wait = cache.get_or_wait(&(key / 2), Budget::UNLIMITED);
                let began = began.clone();
                scope.spawn(move || {
                    began.send(()).expect("somebody waits for it");
                    assert!(matches!(wait.wait(), Err(WaitError::Closed)));
                });
            }
            if round % 2 == 0 {
                cache.invalidate(&0);
            }
            (0..4).for_each(|_| begins.recv().expect("it begins"));
            drop(cache);
        });
        let loads = core::mem::take(&mut *loads.lock().expect("nobody panics with it"));
        for load in loads {
            let polled = pin!(load).poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Ready(()), "nobody needs it any more");
        }
    }
}
