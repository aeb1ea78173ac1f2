//! Caches that go while loads run and others wait.

use core::future::pending;
use core::pin::Pin;
use core::task::Context;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use punctual::cache::{Answer, LoadError, Removal, WaitError, cached, cached_fn};
use punctual::refresh::Config;
use punctual::scheduler::Budget;
use punctual::time::Time;

use crate::support::{Bench, Cache, Counter, End, LONG, Shelf, ms, told};

#[test]
fn who_waits_hears_that_the_cache_is_gone() {
    let bench = Bench::with(|builder| builder.plan(Config { concurrent: 2, ..Config::default() }));
    let begun = bench.ask(1);
    let superseded = bench.ask(2);
    bench.cache.invalidate(&2);
    let queued = bench.ask(3);
    let with_a_budget = bench.cache.get_or_wait(&1, bench.within(50));
    let (counter, waker) = Counter::new();
    let all = [begun, superseded, queued, with_a_budget].map(|mut wait| {
        assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
        wait
    });
    let Bench { cache, shelf, .. } = bench;
    let other = cache.clone();
    drop(cache);
    assert_eq!(counter.count(), 0, "there is another handle");
    drop(other);
    assert_eq!(counter.count(), 4);
    for wait in all {
        let Err(WaitError::Closed) = told(wait) else { panic!("the cache is gone") };
    }
    assert_eq!(shelf.len(), 2);
    shelf.run();
    assert_eq!(shelf.len(), 0, "nobody needs the loads any more");
}

#[test]
fn a_thread_that_waits_hears_that_the_cache_is_gone() {
    let bench = Bench::new();
    let waits: Vec<_> = (0..4).map(|_| bench.ask(1)).collect();
    thread::scope(|scope| {
        let threads: Vec<_> =
            waits.into_iter().map(|wait| scope.spawn(move || wait.wait())).collect();
        drop(bench);
        for thread in threads {
            let Ok(Err(WaitError::Closed)) = thread.join() else { panic!("the cache is gone") };
        }
    });
}

/// What a loader holds is dropped with its load, and may be the cache's last handle.
#[test]
fn a_load_may_hold_the_last_handle() {
    let (shelf, known) = (Shelf::default(), Arc::new(Mutex::new(None::<Cache>)));
    let handle = known.clone();
    let cache: Cache = cached(move |_, _| {
        let cache = handle.lock().expect("nobody panics with it").take();
        async move {
            let _cache = cache;
            pending::<()>().await;
            Ok::<_, io::Error>(0)
        }
    })
    .build_driven(shelf.clone(), Time::ZERO)
    .expect("it is valid");
    *known.lock().expect("nobody panics with it") = Some(cache.clone());
    let wait = cache.get_or_wait(&1, Budget::UNLIMITED);
    drop(cache);
    shelf.clear();
    assert!(matches!(told(wait), Err(WaitError::Failed(LoadError::Dropped) | WaitError::Closed)));
}

#[test]
fn waits_may_be_dropped_after_their_cache_and_their_loads() {
    let bench = Bench::new();
    let (one, many) = (
        bench.cache.get_or_wait(&1, bench.within(20)),
        bench.cache.get_many_or_wait(&[1, 2], bench.within(20)),
    );
    let Bench { cache, shelf, .. } = bench;
    drop(cache);
    shelf.clear();
    drop((one, many));
}

/// Each value leaves once, or is there at the end; what is never stored is not told.
#[test]
fn values_leave_once() {
    let left: Arc<Mutex<Vec<(u32, u32, Removal)>>> = Arc::default();
    let log = left.clone();
    let bench = Bench::with(|builder| {
        builder.capacity(2).listener(move |&key, &value, why| {
            log.lock().expect("nobody panics with it").push((key, value, why));
        })
    });
    bench.cache.put(1, 10);
    bench.cache.put(1, 11);
    bench.cache.put(2, 20);
    bench.cache.put(3, 30);
    bench.cache.invalidate(&3);
    bench.cache.put(4, 40);
    bench.shelf.refuse(true);
    bench.advance(400);
    bench.cache.put(5, 50);
    bench.cache.clear();
    let mut left = left.lock().expect("nobody panics with it").clone();
    let evicted: Vec<_> = left.extract_if(.., |it| it.2 == Removal::Evicted).collect();
    assert_eq!(evicted.len(), 1, "{evicted:?}");
    left.retain(|it| it.2 != Removal::Expired);
    let rest =
        [(1, 10, Removal::Replaced), (3, 30, Removal::Invalidated), (5, 50, Removal::Cleared)];
    assert_eq!(left, rest);
}

/// Somebody else's destructors run outside the locks.
#[test]
fn a_value_may_use_the_cache_when_it_is_dropped() {
    struct Curious(Option<punctual::cache::RefreshCache<u32, Arc<Self>>>);
    impl Drop for Curious {
        fn drop(&mut self) {
            if let Some(cache) = self.0.take() {
                assert!(cache.len() < 100);
                let _ = cache.get(&99);
            }
        }
    }
    let cache = cached_fn(|_: &u32, _| Ok::<_, io::Error>(Arc::new(Curious(None))))
        .capacity(2)
        .hard_ttl(ms(10))
        .build_driven(Shelf::default(), Time::ZERO)
        .expect("it is valid");
    for key in 0..20 {
        cache.put(key, Arc::new(Curious(Some(cache.clone()))));
        cache.put(key, Arc::new(Curious(Some(cache.clone()))));
        cache.invalidate(&(key / 2));
        let _ = cache.advance(Time::ZERO + ms(u64::from(key) * 3));
    }
    cache.clear();
    let _ = cache.advance(Time::ZERO + LONG);
}

/// A listener or a waker that panics harms nobody else.
#[test]
fn panics_of_others_are_contained() {
    let bench = Bench::with(|builder| {
        builder.listener(|_, _, _| std::panic::resume_unwind(Box::new("the listener")))
    });
    bench.cache.put(1, 10);
    bench.cache.put(1, 11);
    bench.cache.put(2, 20);
    bench.cache.clear();
    let wait = bench.ask(1);
    bench.end(0, End::Panics);
    let Err(WaitError::Failed(LoadError::Panicked(message))) = told(wait) else { panic!("no") };
    assert_eq!(&*message, "the backend is on fire");
    bench.cache.put(1, 12);
    assert_eq!(bench.cache.get(&1), Answer::Fresh(12));
}
