//! Hits allocate nothing, fresh ones and stale ones, but that the first one of an entry since the
//! last advance is noted.
//!
//! All is one test without a harness, since the allocator counts what every thread of the process
//! does, and a harness allocates beside its tests.

use core::time::Duration;
use std::alloc::System;
use std::io;

use punctual::cache::{Answer, Load, RefreshCache, cached_fn};
use punctual::scheduler::Budget;
use punctual::time::Time;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const KEYS: u64 = 500;

/// Loads that nobody runs.
fn forget(load: Load) {
    core::mem::forget(load);
}

fn assert_none(what: &str, mut act: impl FnMut()) {
    let region = Region::new(ALLOCATOR);
    (0..20).for_each(|_| act());
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0), "{what}");
}

fn main() {
    let at = |ms| Time::ZERO + Duration::from_millis(ms);
    let cache: RefreshCache<u64, u64> = cached_fn(|&key: &u64, _| Ok::<_, io::Error>(key))
        .capacity(10 * KEYS)
        .soft_ttl(Duration::from_millis(100))
        .jitter(0.0)
        .build_driven(forget, Time::ZERO)
        .expect("it is valid");
    (0..KEYS).for_each(|key| cache.put(key, key));
    cache.put(KEYS, KEYS);
    let spent = Budget::until(Time::ZERO);
    for ms in [1, 50, 100, 150] {
        let _ = cache.advance(at(ms));
        // What is noted of each entry takes a place in a queue.
        (0..KEYS).for_each(|key| assert!(cache.get(&key).value().is_some()));
        assert_none("hits", || {
            for key in 0..KEYS {
                let answer = cache.get(&key);
                let is_expected = match answer {
                    Answer::Fresh(value) => ms < 100 && value == key,
                    Answer::Stale(value) => ms >= 100 && value == key,
                    Answer::Absent | Answer::Missing => false,
                };
                assert!(is_expected, "{answer:?} at {ms} ms");
            }
        });
        assert_none("hits that could wait", || {
            for key in 0..KEYS {
                let outcome = cache.get_or_wait(&key, spent).try_take();
                assert!(matches!(outcome, Ok(Ok(answer)) if answer.value() == Some(key)));
            }
        });
        assert_none("looks", || {
            for key in 0..KEYS {
                assert_eq!(cache.peek(&key).value(), Some(key));
                assert!(cache.ttl(&key).is_some());
                assert_eq!(cache.entry(key).get().value(), Some(key));
            }
        });
    }
}
