//! Caches that a timer's thread drives, on a clock that the test moves.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use punctual::cache::{Answer, Builder, Load, WaitError, cached_fn};
use punctual::scheduler::Budget;
use punctual::time::{ManualClock, Time};
use punctual::timer::Timer;

use crate::support::{Cache, ms};

/// A cache with a clock that the test moves, and its loads.
struct Bench {
    clock: Arc<ManualClock>,
    timer: Timer,
    cache: Cache,
    loads: Receiver<Load>,
}

impl Bench {
    fn new(set: impl FnOnce(Builder<u32, u32>) -> Builder<u32, u32>) -> Self {
        let clock = Arc::new(ManualClock::new(Time::from_nanos(1_234_567)));
        let timer = Timer::new(clock.clone()).expect("there are threads");
        let (sender, loads) = channel();
        let sender = Mutex::new(sender);
        let builder = cached_fn(|&key: &u32, _| Ok::<_, io::Error>(key * 10))
            .soft_ttl(ms(100))
            .hard_ttl(ms(400))
            .jitter(0.0)
            .timer(timer.clone());
        let cache = set(builder)
            .build(move |load| {
                // Nobody looks at the last ones.
                let _ = sender.lock().expect("nobody panics with it").send(load);
            })
            .expect("there are threads");
        Self { clock, timer, cache, loads }
    }

    fn advance(&self, count: u64) {
        self.clock.advance(ms(count));
        self.timer.wake();
    }

    /// Runs the next load; waits for it.
    fn run(&self) {
        let load = self.loads.recv().expect("the cache is there");
        let polled = std::pin::pin!(load)
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert!(polled.is_ready());
    }
}

#[test]
fn refreshes_come_by_themselves() {
    let bench = Bench::new(|builder| builder);
    bench.cache.put(1, 7);
    assert_eq!(bench.cache.get(&1), Answer::Fresh(7));
    for _ in 0..5 {
        bench.advance(100);
        bench.run();
        assert_eq!(bench.cache.get(&1), Answer::Fresh(10));
    }
}

#[test]
fn waits_end_by_themselves() {
    let bench = Bench::new(|builder| builder);
    let wait = bench.cache.get_or_wait(&1, Budget::of(bench.cache.now(), ms(20)));
    bench.advance(21);
    let outcome = wait.wait();
    assert!(matches!(outcome, Err(WaitError::Elapsed)), "{outcome:?}");
}

/// The clock of the hit path may be late, and sleeps while nobody uses the cache; neither lets
/// anybody see what has expired.
#[test]
fn nothing_is_served_past_its_hard_expiry() {
    let bench = Bench::new(|builder| builder);
    for round in 0..20 {
        bench.cache.put(1, 7);
        assert_eq!(bench.cache.get(&1), Answer::Fresh(7));
        bench.advance(100);
        // With the refresh, the hit path's clock has moved.
        let _load = bench.loads.recv().expect("the cache is there");
        // The timer's thread isn't told of the rest, so that it may sleep through it.
        bench.clock.advance(ms(299));
        assert_eq!(bench.cache.get(&1), Answer::Stale(7), "round {round}");
        bench.clock.advance(ms(1));
        assert_eq!(bench.cache.get(&1), Answer::Missing, "round {round}");
        assert_eq!(bench.cache.peek(&1), Answer::Missing, "round {round}");
    }
}

/// A soft expiry may be seen late, but not after the clock was moved.
#[test]
fn what_turns_stale_is_seen_to() {
    let bench = Bench::new(|builder| builder);
    for _ in 0..20 {
        bench.cache.put(1, 7);
        assert_eq!(bench.cache.get(&1), Answer::Fresh(7));
        bench.advance(100);
        // The refresh was submitted after the clock was moved.
        let _load = bench.loads.recv().expect("the cache is there");
        assert_eq!(bench.cache.get(&1), Answer::Stale(7));
        bench.cache.clear();
        assert_eq!(bench.cache.peek(&1), Answer::Missing);
    }
}

#[test]
fn a_cache_may_go_before_its_timer_and_after_it() {
    let bench = Bench::new(|builder| builder);
    let other = Bench::new(|builder| builder);
    let wait = bench.cache.get_or_wait(&1, Budget::of(bench.cache.now(), ms(20)));
    let Bench { clock, timer, cache, loads } = bench;
    drop(cache);
    assert!(matches!(wait.wait(), Err(WaitError::Closed)));
    clock.advance(ms(1_000));
    timer.wake();
    drop((timer, loads));
    let Bench { timer, cache, .. } = other;
    drop(timer);
    cache.put(1, 7);
    assert_eq!(cache.get(&1), Answer::Fresh(7), "the cache holds its timer");
}
