//! Cached functions that depend on others.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use punctual::cache::{Answer, CycleError, LoadError, WaitError, cached};
use punctual::scheduler::Budget;
use punctual::time::Time;

use crate::support::{Backend, Bench, Cache, End, Shelf, at, ms, told, waits};

/// A cache that multiplies what another one says.
fn dependent(upstream: &Cache, shelf: &Shelf, count: &Arc<AtomicUsize>) -> Cache {
    let (known, count) = (upstream.clone(), count.clone());
    let cache: Cache = cached(move |key: u32, budget| {
        count.fetch_add(1, Ordering::SeqCst);
        let wait = known.get_or_wait(&(key % 10), budget);
        async move { Ok::<_, WaitError>(wait.await?.value().map(|value| value * 100)) }
    })
    .soft_ttl(ms(100))
    .hard_ttl(ms(400))
    .jitter(0.0)
    .build_driven(shelf.clone(), Time::ZERO)
    .expect("it is valid");
    cache.depends_on(upstream, |&key| (key < 50).then_some(key % 10)).expect("there is no cycle");
    cache
}

#[test]
fn what_is_depended_on_is_loaded_first() {
    let (bench, count, shelf) = (Bench::new(), Arc::default(), Shelf::default());
    let cache = dependent(&bench.cache, &shelf, &count);
    bench.backend.set(2, 5);
    let wait = cache.get_or_wait(&12, Budget::UNLIMITED);
    assert_eq!((bench.backend.calls(), count.load(Ordering::SeqCst)), (1, 0), "first things first");
    bench.end(0, End::Brings);
    shelf.run();
    assert_eq!(told(wait).expect("it was loaded"), Answer::Fresh(500));
    // What is fresh isn't loaded again for another dependent.
    let wait = cache.get_or_wait(&22, Budget::UNLIMITED);
    assert_eq!(told(wait).expect("it was loaded"), Answer::Fresh(500));
    assert_eq!((bench.backend.calls(), count.load(Ordering::SeqCst)), (1, 2));
}

#[test]
fn a_stale_dependency_is_loaded_before_its_dependent() {
    let (bench, count, shelf) = (Bench::new(), Arc::default(), Shelf::default());
    let cache = dependent(&bench.cache, &shelf, &count);
    bench.warm(2, 5);
    let _ = cache.get(&12);
    shelf.run();
    assert_eq!(cache.get(&12), Answer::Fresh(500));
    bench.backend.set(2, 6);
    bench.cache.expire(&2);
    let wait = waits(cache.refresh(&12, Budget::UNLIMITED));
    assert_eq!((bench.backend.calls(), count.load(Ordering::SeqCst)), (2, 1));
    bench.end(1, End::Brings);
    shelf.run();
    assert_eq!(told(wait).expect("it was loaded"), Answer::Fresh(600));
}

#[test]
fn a_dependency_that_fails_is_told_by_its_dependent() {
    let (bench, count, shelf) = (Bench::new(), Arc::default(), Shelf::default());
    let cache = dependent(&bench.cache, &shelf, &count);
    let wait = cache.get_or_wait(&12, Budget::UNLIMITED);
    bench.end(0, End::Fails);
    shelf.run();
    let Err(WaitError::Failed(LoadError::Failed(error))) = told(wait) else { panic!("it failed") };
    assert!(error.to_string().contains("the backend is down"), "{error}");
}

#[test]
fn keys_that_depend_on_nothing_wait_for_nothing() {
    let (bench, count, shelf) = (Bench::new(), Arc::default(), Shelf::default());
    let cache = dependent(&bench.cache, &shelf, &count);
    let _ = cache.get(&50);
    assert_eq!(count.load(Ordering::SeqCst), 1, "its loader was called at once");
}

#[test]
fn latencies_add_up_and_refreshes_begin_in_time_for_both() {
    let upstream = Bench::with(|builder| builder.latency(ms(30)));
    let (backend, shelf) = (Backend::default(), Shelf::default());
    let cache = backend
        .builder()
        .latency(ms(20))
        .build_driven(shelf.clone(), Time::ZERO)
        .expect("it is valid");
    assert_eq!(cache.total_latency(), ms(20));
    cache.depends_on(&upstream.cache, |&key| Some(key)).expect("there is no cycle");
    assert_eq!(cache.total_latency(), ms(50));
    cache.put(1, 10);
    let _ = cache.advance(at(49));
    assert_eq!(shelf.orders().len(), 0);
    let _ = cache.advance(at(50));
    assert_eq!(shelf.orders().len(), 1);
    assert_eq!(shelf.orders()[0].lead, ms(50));
}

#[test]
fn cycles_are_refused() {
    let all: Vec<Cache> = (0..3)
        .map(|_| {
            cached(|key: u32, _| async move { Ok::<_, io::Error>(key) })
                .build_driven(Shelf::default(), Time::ZERO)
                .expect("it is valid")
        })
        .collect();
    assert_eq!(all[0].depends_on(&all[0], |&key| Some(key)), Err(CycleError));
    assert_eq!(all[0].depends_on(&all[1], |&key| Some(key)), Ok(()));
    assert_eq!(all[1].depends_on(&all[2], |&key| Some(key)), Ok(()));
    assert_eq!(all[2].depends_on(&all[0], |&key| Some(key)), Err(CycleError));
    // A refused declaration leaves nothing behind: the loads of the last one wait for nobody.
    assert_eq!(all[2].get(&1), Answer::Missing);
    assert_eq!(all[2].get(&1), Answer::Fresh(1));
}
