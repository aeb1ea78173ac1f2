//! Bugs that other caches had. The first line of each tells its story.

use core::time::Duration;

use punctual::cache::{Answer, LoadError, Loaded, Removal, WaitError, cached_fn};
use punctual::refresh::Config;
use punctual::scheduler::Budget;
use punctual::time::Time;
use std::io;
use std::sync::{Arc, Mutex};

use crate::support::{Backend, Bench, Cache, End, Shelf, at, ms, told, waits};

/// Caffeine#175: where loads took longer than the refresh interval, every result was thrown away
/// for the next refresh that had begun meanwhile, and the first value was served for ever.
#[test]
fn loads_that_are_slower_than_the_ttl_update_the_value() {
    let bench = Bench::with(|builder| builder.hard_ttl(ms(1_000)));
    bench.warm(1, 10);
    let mut now = 0;
    for round in 1..6 {
        bench.backend.set(1, 10 + round);
        while bench.backend.calls() <= round as usize {
            now += 10;
            bench.advance(now);
            assert!(bench.cache.get(&1).value().is_some());
        }
        // It takes three times the soft TTL, and readers ask all the time.
        for _ in 0..30 {
            now += 10;
            bench.advance(now);
            assert_eq!(bench.cache.get(&1).value(), Some(9 + round));
        }
        bench.end(round as usize, End::Brings);
        assert_eq!(bench.cache.get(&1), Answer::Fresh(10 + round));
    }
    assert_eq!(bench.backend.calls(), 6, "one load at a time");
}

/// Caffeine#467: who asked for a refresh again and again, before the one before had ended, never
/// saw a new value, since each one made those before it void.
#[test]
fn refreshes_that_are_asked_for_faster_than_they_load_join() {
    let bench = Bench::new();
    bench.warm(1, 10);
    bench.backend.set(1, 11);
    let asked: Vec<_> = (0..5).map(|_| bench.cache.refresh(&1, Budget::UNLIMITED)).collect();
    assert_eq!(bench.backend.calls(), 2, "one load for all of them");
    bench.end(1, End::Brings);
    for wait in asked {
        assert_eq!(told(wait).expect("it was loaded"), Answer::Fresh(11));
    }
    assert_eq!(bench.cache.get(&1), Answer::Fresh(11));
}

/// Caffeine#714: `refresh` returned the new value, and the cache went on with the old one, when the
/// load was slow.
#[test]
fn what_a_refresh_returns_is_what_is_stored() {
    let bench = Bench::new();
    bench.warm(1, 10);
    bench.backend.set(1, 11);
    let refreshed = bench.cache.refresh(&1, Budget::UNLIMITED);
    assert_eq!(bench.cache.get(&1), Answer::Fresh(10));
    bench.advance(90);
    bench.end(1, End::Brings);
    assert_eq!(told(refreshed).expect("it was loaded"), Answer::Fresh(11));
    assert_eq!(bench.cache.get(&1), Answer::Fresh(11));
    assert_eq!(bench.cache.peek(&1), Answer::Fresh(11));
}

/// Caffeine#1970: a refresh that ended without a value was discarded together with the one that
/// had followed it.
#[test]
fn an_absent_result_of_old_doesnt_discard_its_successor() {
    let bench = Bench::new();
    bench.warm(1, 10);
    let first = bench.cache.refresh(&1, Budget::UNLIMITED);
    assert!(bench.cache.invalidate(&1));
    bench.backend.set(1, 11);
    let second = bench.ask(1);
    let (first_call, second_call) = (1, 2);
    bench.end(first_call, End::Absent);
    assert_eq!(told(first).expect("it was loaded"), Answer::Absent);
    assert_eq!(bench.cache.get(&1), Answer::Missing, "the old result doesn't count");
    let second = waits(second);
    bench.end(second_call, End::Brings);
    assert_eq!(told(second).expect("it was loaded"), Answer::Fresh(11));
    assert_eq!(bench.cache.get(&1), Answer::Fresh(11));
}

/// Caffeine#1970, the other way round: the successor came home first.
#[test]
fn an_absent_result_of_old_doesnt_overwrite_its_successor() {
    let bench = Bench::new();
    bench.warm(1, 10);
    let first = bench.cache.refresh(&1, Budget::UNLIMITED);
    assert!(bench.cache.expire(&1));
    let second = bench.cache.get_fresh(&1, Budget::UNLIMITED);
    bench.end(2, End::Brings);
    assert!(told(second).is_ok());
    bench.end(1, End::Absent);
    assert_eq!(told(first).expect("it was loaded"), Answer::Absent);
    assert_eq!(bench.cache.get(&1), Answer::Fresh(10));
    assert_eq!(bench.cache.stats().loads.superseded, 1);
}

/// Caffeine#373: a value whose refresh hung was served for ever, whatever its expiry was.
#[test]
fn a_hung_refresh_doesnt_keep_a_value_alive() {
    let plan = Config { load_timeout: Duration::from_secs(5), ..Config::default() };
    let bench = Bench::with(|builder| builder.plan(plan));
    bench.warm(1, 10);
    bench.advance(100);
    assert_eq!(bench.backend.calls(), 2, "a refresh hangs");
    bench.advance(399);
    assert_eq!(bench.cache.get(&1), Answer::Stale(10));
    bench.advance(400);
    assert_eq!(bench.cache.get(&1), Answer::Missing);
    // It is waited for, and good for who asks now.
    bench.end(1, End::Brings);
    assert_eq!(bench.cache.get(&1), Answer::Fresh(10));
}

/// FusionCache#218: an eager refresh took the token of the request that had started it; when that
/// was cancelled, the key's lock was never given back.
#[test]
fn a_refresh_doesnt_go_with_who_started_it() {
    let bench = Bench::new();
    bench.warm(1, 10);
    bench.advance(99);
    assert_eq!(bench.backend.calls(), 1);
    // The one who asks is gone, and so is another one, who waited.
    drop(bench.cache.refresh(&1, Budget::UNLIMITED));
    drop(bench.cache.get_fresh(&2, Budget::UNLIMITED));
    bench.backend.set(1, 11);
    assert_eq!(bench.shelf.len(), 2, "both loads go on");
    bench.end(1, End::Brings);
    bench.end(2, End::Brings);
    assert!(bench.cache.get(&1).is_fresh() && bench.cache.get(&2).is_fresh());
    bench.advance(199);
    assert_eq!(bench.backend.calls_of(1), 3, "the next refresh begins");
}

/// FusionCache#218, with the load itself cancelled.
#[test]
fn a_load_that_is_dropped_gives_its_key_back() {
    let bench = Bench::new();
    let wait = bench.ask(1);
    bench.shelf.clear();
    let Err(WaitError::Failed(LoadError::Dropped)) = told(wait) else { panic!("it was dropped") };
    let wait = bench.ask(1);
    assert_eq!(bench.backend.calls(), 2);
    bench.end(1, End::Brings);
    assert!(told(wait).is_ok());
}

/// FusionCache#647: a factory that threw before it returned its task kept the key's lock.
#[test]
fn a_loader_that_panics_at_once_gives_its_key_back() {
    let shelf = Shelf::default();
    let calls = Arc::new(Mutex::new(0));
    let count = calls.clone();
    let cache: Cache = punctual::cache::cached(move |_, _| {
        *count.lock().expect("nobody panics with it") += 1;
        if *count.lock().expect("nobody panics with it") == 1 {
            std::panic::resume_unwind(Box::new("not even a future".to_owned()));
        }
        async { Ok::<_, io::Error>(7) }
    })
    .build_driven(shelf, Time::ZERO)
    .expect("it is valid");
    let Err(WaitError::Failed(LoadError::Panicked(message))) =
        told(cache.get_or_wait(&1, Budget::UNLIMITED))
    else {
        panic!("it panicked");
    };
    assert_eq!(&*message, "not even a future");
    let Err(WaitError::BackedOff { error: LoadError::Panicked(_), until }) =
        told(cache.get_or_wait(&1, Budget::UNLIMITED))
    else {
        panic!("it is left alone for a while");
    };
    let _ = cache.advance(until);
    let outcome = told(cache.get_or_wait(&1, Budget::UNLIMITED));
    assert_eq!(outcome.expect("it was loaded"), Answer::Fresh(7));
}

/// FusionCache#628: an invalidation was lost to a background load that had read before it and was
/// dated after it.
#[test]
fn an_invalidation_wins_over_a_background_load() {
    let bench = Bench::new();
    bench.warm(1, 10);
    bench.advance(100);
    assert_eq!(bench.backend.calls(), 2, "a refresh has read the old value");
    bench.backend.set(1, 11);
    assert!(bench.cache.invalidate(&1));
    bench.end(1, End::Brings);
    assert_eq!(bench.cache.get(&1), Answer::Missing, "what it read is void");
    let last = bench.backend.calls() - 1;
    bench.end(last, End::Brings);
    assert_eq!(bench.cache.get(&1), Answer::Fresh(11));
}

/// FusionCache#628, for `expire`: what a load read before it is no fresher than what is there.
#[test]
fn an_expiry_wins_over_a_background_load() {
    let bench = Bench::new();
    bench.warm(1, 10);
    bench.advance(100);
    bench.backend.set(1, 11);
    assert!(bench.cache.expire(&1));
    assert_eq!(bench.backend.calls(), 3, "what is true now is loaded at once");
    bench.end(1, End::Brings);
    assert_eq!(bench.cache.get(&1), Answer::Stale(10));
    bench.end(2, End::Brings);
    assert_eq!(bench.cache.get(&1), Answer::Fresh(11));
}

/// dialogporten#4252: a hung load held its key's lock, and the replica answered nothing any more
/// while its health checks were green.
#[test]
fn a_hung_load_lets_go_of_its_key() {
    let bench = Bench::with(|builder| {
        builder.plan(Config { load_timeout: ms(50), ..Config::default() }).back_off(ms(10), ms(10))
    });
    let first = bench.ask(1);
    bench.advance(50);
    let Err(WaitError::Failed(LoadError::Overdue)) = told(first) else { panic!("it hangs") };
    bench.advance(60);
    let second = bench.ask(1);
    assert_eq!(bench.backend.calls(), 2, "another load begins beside the hung one");
    bench.end(1, End::Brings);
    assert!(told(second).is_ok());
    assert_eq!(bench.cache.stats().loads.overdue, 1);
}

/// dialogporten#4252, where the entry of the hung load has been evicted meanwhile: the first
/// version of this cache forgot to let go then.
#[test]
fn a_hung_load_lets_go_of_its_key_after_an_eviction() {
    let plan = Config { load_timeout: ms(50), ..Config::default() };
    let bench = Bench::with(|builder| builder.capacity(1).plan(plan).back_off(ms(1), ms(1)));
    bench.warm(1, 10);
    let refreshed = bench.cache.refresh(&1, Budget::UNLIMITED);
    bench.cache.put(2, 20);
    assert_eq!(bench.cache.peek(&1), Answer::Missing, "it was evicted");
    bench.advance(50);
    let Err(WaitError::Failed(LoadError::Overdue)) = told(refreshed) else { panic!("it hangs") };
    bench.advance(60);
    let again = bench.ask(1);
    assert_eq!(bench.backend.calls_of(1), 3);
    let last = bench.backend.calls() - 1;
    bench.end(last, End::Brings);
    assert!(told(again).is_ok());
}

/// janos/singleflight#4: one who cancelled made room for a second call of the function while the
/// first one was running.
#[test]
fn who_stops_waiting_permits_no_second_load() {
    let bench = Bench::new();
    let (first, second) = (bench.ask(1), bench.ask(1));
    drop(first);
    let third = bench.ask(1);
    drop((second, third));
    let fourth = bench.ask(1);
    assert_eq!(bench.backend.calls(), 1);
    bench.end(0, End::Brings);
    assert!(told(fourth).is_ok());
}

/// rueidis#1014: who had joined a call that failed was told nothing, which looked like success.
#[test]
fn who_joins_a_load_that_fails_is_told_its_error() {
    let bench = Bench::new();
    let all: Vec<_> = (0..3).map(|_| bench.ask(1)).collect();
    bench.end(0, End::Fails);
    for wait in all {
        let Err(WaitError::Failed(LoadError::Failed(error))) = told(wait) else {
            panic!("it failed");
        };
        assert_eq!(error.to_string(), "the backend is down");
    }
}

/// talon#162: the mark of a load in flight stayed when that was cancelled before it was ever run.
#[test]
fn a_load_that_is_never_run_leaves_no_mark() {
    let bench = Bench::new();
    bench.shelf.refuse(true);
    for _ in 0..3 {
        let Err(WaitError::Failed(LoadError::Dropped)) = told(bench.ask(1)) else {
            panic!("it was refused");
        };
    }
    assert_eq!(bench.cache.stats().in_flight, 0);
    bench.shelf.refuse(false);
    let wait = bench.ask(1);
    bench.end(0, End::Brings);
    assert!(told(wait).is_ok());
}

/// foyer#1121: when the one who led a fetch was cancelled, those who followed were cancelled too.
#[test]
fn who_led_may_leave_and_the_others_are_served() {
    let bench = Bench::new();
    let leader = bench.cache.get_or_wait(&1, bench.within(5));
    let follower = bench.ask(1);
    bench.advance(10);
    let Err(WaitError::Elapsed) = told(leader) else { panic!("its budget was spent") };
    let follower = waits(follower);
    bench.end(0, End::Brings);
    assert!(told(follower).is_ok());
}

/// foyer#1121, with a dispatcher that gives up at the leader's deadline: the load is tried again
/// for those who have more time.
#[test]
fn a_load_that_is_shed_at_its_first_deadline_is_tried_again_for_the_others() {
    let bench = Bench::new();
    let (leader, follower) = (bench.cache.get_or_wait(&1, bench.within(5)), bench.ask(1));
    bench.shelf.clear();
    let Err(WaitError::Failed(LoadError::Dropped)) = told(leader) else { panic!("it was shed") };
    assert_eq!(bench.backend.calls(), 2);
    let follower = waits(follower);
    bench.end(1, End::Brings);
    assert!(told(follower).is_ok());
}

/// cachey#6: what had expired was written to disk, and was there again after the restart.
#[test]
fn what_has_expired_is_in_no_snapshot_and_comes_back_from_none() {
    let bench = Bench::new();
    bench.warm(1, 10);
    bench.cache.put(2, Loaded::new(20).soft_ttl(ms(10)).hard_ttl(ms(50)));
    bench.cache.put(3, Loaded::new(30).soft_ttl(ms(10)).hard_ttl(ms(1_000)));
    bench.shelf.refuse(true);
    bench.advance(60);
    let mut saved = bench.cache.snapshot();
    saved.sort_by_key(|saved| saved.key);
    assert_eq!(saved.iter().map(|saved| saved.key).collect::<Vec<_>>(), [1, 3]);

    // The restart takes 350 ms: of the first entry nothing is left, and the other one is stale.
    let other = Bench::new();
    other.shelf.refuse(true);
    assert_eq!(other.cache.restore(saved, ms(350)), 1);
    assert_eq!(other.cache.peek(&1), Answer::Missing);
    assert_eq!(other.cache.peek(&3), Answer::Stale(30));
    let left = other.cache.ttl(&3).expect("it is there").hard;
    assert!(left <= ms(590) && left > ms(589), "{left:?}");
}

/// Many caches: a listener, a waker or a loader that uses the cache deadlocks.
#[test]
fn whoever_is_called_may_use_the_cache() {
    let known: Arc<Mutex<Option<Cache>>> = Arc::default();
    let (in_load, in_listener) = (known.clone(), known.clone());
    let get = |known: &Mutex<Option<Cache>>| known.lock().expect("nobody panics with it").clone();
    let shelf = Shelf::default();
    let cache: Cache = cached_fn(move |&key, _| {
        let cache = get(&in_load).expect("it is known");
        cache.put(key + 100, key);
        cache.invalidate(&(key + 200));
        if key % 7 == 0 {
            drop(cache.get_or_wait(&(key + 1), Budget::until(cache.now())));
        }
        Ok::<_, io::Error>(key)
    })
    .capacity(8)
    .plan(Config { concurrent: 1, ..Config::default() })
    .listener(move |&key, _, why| {
        let cache = get(&in_listener).expect("it is known");
        assert!(cache.len() <= 8);
        if why == Removal::Evicted && key < 100 {
            cache.expire(&key);
        }
    })
    .build_driven(shelf, Time::ZERO)
    .expect("it is valid");
    *known.lock().expect("nobody panics with it") = Some(cache.clone());
    for key in 0..50 {
        // Each load asks for the next key, which is loaded when it has ended.
        let _ = cache.get(&(key * 7));
        let _ = cache.advance(at(u64::from(key)));
        cache.clear();
    }
    *known.lock().expect("nobody panics with it") = None;
}

/// fibre and others: a refresh that fails took the old value with it.
#[test]
fn a_refresh_that_fails_leaves_the_value() {
    let bench = Bench::with(|builder| builder.stale_if_error(ms(200)));
    bench.warm(1, 10);
    bench.advance(100);
    bench.end(1, End::Fails);
    bench.advance(399);
    assert_eq!(bench.cache.get(&1), Answer::Stale(10));
    for now in [400, 450, 500, 599] {
        bench.advance(now);
        assert_eq!(bench.cache.get(&1), Answer::Stale(10), "at {now}");
        (0..bench.backend.calls()).for_each(|call| bench.end(call, End::Fails));
    }
    bench.advance(600);
    assert_eq!(bench.cache.get(&1), Answer::Missing);
}

/// A clock may count from 1970, or from any other time.
#[test]
fn a_clock_of_any_origin_makes_values_expire() {
    for start in [0, 1_800_000_000_000_000_000, u64::MAX - 1_000_000_000] {
        let (backend, shelf) = (Backend::default(), Shelf::default());
        let start = Time::from_nanos(start);
        let cache = backend.builder().build_driven(shelf, start).expect("it is valid");
        cache.put(1, 10);
        let _ = cache.advance(start + ms(99));
        assert_eq!(cache.get(&1), Answer::Fresh(10));
        let _ = cache.advance(start + ms(100));
        assert_eq!(cache.get(&1), Answer::Stale(10));
        let _ = cache.advance(start + ms(400));
        assert_eq!(cache.get(&1), Answer::Missing);
    }
}
