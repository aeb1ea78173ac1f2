//! The same calls give the same loads, at the same times.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use punctual::cache::{Load, Order, cached_fn};
use punctual::refresh::{Config, Urgency};
use punctual::scheduler::Budget;
use punctual::time::Time;

use crate::support::{Cache, ms};

/// The orders of loads, and the keys with which the loader was called.
type Log = Vec<Result<Order, u32>>;

/// What became of a run: its loads, and the statistics at the end.
type Trace = (Log, String);

/// Hot and cold keys, a small budget, jitter, evictions, failures, a clock with gaps.
fn run(seed: u64, plan: Config) -> Trace {
    let log: Arc<Mutex<Log>> = Arc::default();
    let (orders, calls) = (log.clone(), log.clone());
    let cache: Cache = cached_fn(move |&key: &u32, _| {
        calls.lock().expect("nobody panics with it").push(Err(key));
        if key % 7 == 3 { Err("down") } else { Ok(key) }
    })
    .capacity(50)
    .soft_ttl(ms(50))
    .hard_ttl(ms(300))
    .jitter(0.3)
    .seed(seed)
    .back_off(ms(5), ms(80))
    .stale_if_error(ms(50))
    .detect_changes()
    .plan(plan)
    .build_driven(
        move |load: Load| {
            orders.lock().expect("nobody panics with it").push(Ok(load.order()));
            let waker = std::task::Waker::noop();
            let _ = std::pin::pin!(load).poll(&mut std::task::Context::from_waker(waker));
        },
        Time::ZERO,
    )
    .expect("it is valid");
    let (mut state, mut now) = (12_345_u64, Time::ZERO);
    for round in 0..30_000_u32 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let draw = (state >> 33) as u32;
        // Half of all questions are about two keys.
        let key = if draw.is_multiple_of(2) { draw >> 1 & 1 } else { draw >> 8 & 63 };
        match draw >> 20 & 63 {
            0 => drop(cache.invalidate(&key)),
            1 => drop(cache.expire(&key)),
            2 => cache.put(key, round),
            3 => drop(cache.get_or_wait(&key, Budget::of(now, ms(5)))),
            4 if round % 50 == 0 => cache.clear(),
            _ => drop(cache.get(&key)),
        }
        if round % 8 == 0 {
            now += Duration::from_micros(u64::from(draw >> 12 & 8_191));
            let _ = cache.advance(now);
        }
    }
    let stats = cache.stats();
    drop(cache);
    let log = log.lock().expect("nobody panics with it").clone();
    (log, format!("{stats:?}"))
}

#[test]
fn the_same_calls_give_the_same_loads() {
    let scarce =
        Config { loads_per_second: Some(400.0), burst: 4, concurrent: 8, ..Config::default() };
    for plan in [scarce, Config::default()] {
        let (first, stats) = run(1, plan);
        assert!(first.len() > 1_000, "{}", first.len());
        assert!(first.iter().flatten().any(|order| order.urgency == Urgency::Refresh));
        // Threads of their own start with other states than this one has by now.
        for (second, others) in [run(1, plan), elsewhere(plan)] {
            assert_eq!(first.len(), second.len());
            let differ = first.iter().zip(&second).position(|(one, other)| one != other);
            assert_eq!(differ, None, "the first difference");
            assert_eq!(stats, others);
        }
        assert!(run(2, plan).0 != first, "the seed matters");
    }
}

fn elsewhere(plan: Config) -> Trace {
    std::thread::spawn(move || run(1, plan)).join().expect("nobody panics")
}
