//! Clients that do at random whatever a pool allows, from a seed, on pool after pool: what becomes
//! of all work adds up, and memory does not grow.
//!
//! `SOAK_SECONDS` makes it last that long instead of a fixed number of pools, `SOAK_SEED` begins
//! with another one. A seed draws what clients do, and not how their threads take turns.

mod client;
mod ledger;
#[path = "../../benches/workload/random.rs"]
mod random;
mod work;

use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use client::{Client, Seen};
use ledger::{Ledger, Stage};
use punctual::pool::{Handle, Ordering, Pool};
use punctual::scheduler::{Admission, ClassConfig, Config, Margin, Quantile, Stats};
use punctual::time::{Clock, MonotonicClock};
use random::Random;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use work::Site;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CLIENTS: u64 = 2;

/// Pools of a run that has no time to fill.
const POOLS: u64 = 100;

/// Bursts of a pool that lives long; one in as many pools does.
const LONG_LIFE: u32 = 20;

/// Pools after which whatever lives as long as the process has been allocated.
const WARM_UP: u64 = 8;

/// What may come beyond that: the locks' own table of waiting threads grows with their number.
const MOST_GROWTH_BYTES: isize = 64 << 10;

/// How often the memory is looked at before a growth counts, with a millisecond in between.
const TRIES: u32 = 5_000;

fn outcomes_add_up_and_memory_does_not_grow() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, seconds) = (number("SOAK_SEED").unwrap_or(1), number("SOAK_SECONDS"));
    let clock = MonotonicClock::new();
    let start = clock.now();
    let is_over = |pools| match seconds {
        Some(seconds) => clock.now().saturating_since(start) >= Duration::from_secs(seconds),
        None => pools == POOLS,
    };
    let (mut pools, mut most, mut total) = (0, 0, Stats::default());
    while !is_over(pools) {
        let seed = first + pools;
        let _seed = Seed(seed);
        total += live_and_die(seed);
        if pools < WARM_UP {
            most = live_bytes().max(most);
        }
        expect_no_growth(most);
        pools += 1;
    }
    eprintln!("{pools} pools: {total:?}");
    // Everything that can become of a job has become of some.
    let Stats { done, failed, cancelled, shed, refused, .. } = total;
    let counts = [done, failed, cancelled, shed.total(), refused.total()];
    assert!(counts.iter().all(|&count| count > 0), "{total:?}");
}

fn main() {
    outcomes_add_up_and_memory_does_not_grow();
    eprintln!("test outcomes_add_up_and_memory_does_not_grow ... ok");
}

/// What is allocated and not freed.
fn live_bytes() -> isize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// No more is allocated than before. The timer's thread of a pool that has ended, and threads that
/// tell who has lost, may still be about to free something: what stays is a leak.
fn expect_no_growth(before: isize) {
    let growth = || live_bytes() - before;
    for _ in 0..TRIES {
        if growth() <= MOST_GROWTH_BYTES {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("{} bytes more than before", growth());
}

/// One pool from its start to its end, with clients around it.
fn live_and_die(seed: u64) -> Stats {
    let mut random = Random::new(seed);
    let pool = build(&mut random);
    let (ledger, handle) = (Arc::<Ledger>::default(), Handle::clone(&pool));
    let bursts = if random.below(LONG_LIFE) == 0 { LONG_LIFE } else { 1 + random.below(4) };
    let gate = Arc::new(Barrier::new(CLIENTS as usize + 1));
    let start = |number| {
        let site = Site { pool: handle.clone(), ledger: Arc::clone(&ledger) };
        let (client, gate) = (Client::new(site, seed ^ (number + 1) << 32), Arc::clone(&gate));
        spawn(seed, move || client.live(bursts, &gate))
    };
    let clients: Vec<_> = (0..CLIENTS).map(start).collect();
    watch_memory(&handle, bursts, &gate);

    // The last burst meets the pool's end, or comes before it.
    let join = |client: JoinHandle<Client>| client.join().expect("a client ends well");
    let clients: Vec<_> = if random.below(2) == 0 {
        end(pool, &mut random);
        clients.into_iter().map(join).collect()
    } else {
        let clients = clients.into_iter().map(join).collect();
        end(pool, &mut random);
        clients
    };
    let mut seen = Seen::default();
    clients.into_iter().for_each(|client| seen += client.finish());
    compare(&handle.stats(), &seen, &ledger);
    handle.stats()
}

/// Looks at the memory between two bursts of a pool that lives long: what it holds when it has
/// nothing to do doesn't grow.
fn watch_memory(pool: &Handle, bursts: u32, gate: &Barrier) {
    let mut most = 0;
    for burst in 1..bursts {
        gate.wait();
        while !is_empty(&pool.stats()) {
            thread::yield_now();
        }
        if burst <= LONG_LIFE / 2 {
            most = live_bytes().max(most);
        }
        expect_no_growth(most);
        gate.wait();
    }
    gate.wait();
}

fn is_empty(stats: &Stats) -> bool {
    (stats.queued, stats.running, stats.suspended) == (0, 0, 0)
}

/// What clients saw, what became of the work, and what the pool counted.
fn compare(stats: &Stats, seen: &Seen, ledger: &Ledger) {
    // The timer's thread may still tell somebody of a job that was shed.
    while ledger.made() > ledger.all_dropped() {
        thread::yield_now();
    }
    let dropped = |stage| ledger.dropped(stage);
    let not_run = dropped(Stage::Fresh) + dropped(Stage::Begun);
    let (finished, panicked) = (dropped(Stage::Finished), dropped(Stage::Panicked));
    assert_eq!(ledger.made(), not_run + finished + panicked, "all work has gone");
    assert!(is_empty(stats), "{stats:?}");
    let outcomes = stats.refused.total()
        + stats.joined
        + stats.done
        + stats.failed
        + stats.cancelled
        + stats.shed.total();
    assert_eq!(stats.submitted, outcomes, "{stats:?}");
    assert_eq!(stats.done, finished - seen.run_here, "{stats:?} {seen:?}");
    assert_eq!(stats.failed, panicked, "{stats:?} {seen:?}");
    let seen_all = seen.done + seen.failed + seen.shed + seen.cancelled + seen.unseen;
    assert_eq!(seen.taken, seen_all, "{seen:?}");
}

/// Ends a pool in one of the ways that there are.
fn end(pool: Pool, random: &mut Random) {
    let us = Duration::from_micros(random.below(3_000).into());
    match random.below(4) {
        0 => {
            let stats = pool.drain(pool.now() + us);
            assert!(is_empty(&stats), "{stats:?}");
        }
        1 => _ = pool.shutdown_now(),
        2 => {
            pool.shutdown_now();
            pool.drain(pool.now());
        }
        _ => {}
    }
    drop(pool);
}

/// A pool whose every setting is drawn.
fn build(random: &mut Random) -> Pool {
    let us = Duration::from_micros;
    let admission = match random.below(3) {
        0 => Admission::All,
        1 => Admission::Feasible,
        _ => Admission::Evict,
    };
    let margin = match random.below(2) {
        0 => Margin::Fixed(us(u64::from(random.below(100)))),
        _ => Margin::Learned { quantile: Quantile::P99, least: us(0), most: us(500) },
    };
    let workers = 1 + random.below(3);
    let foreground = ClassConfig::foreground();
    let background = ClassConfig::background().starvation_guard(us(500));
    let config = Config {
        workers,
        queue_bound: 1 << (3 + random.below(6)),
        admission,
        shadow: random.below(8) == 0,
        margin,
        max_sheds_between_runs: 1 + random.below(32),
        classes: vec![foreground.clone(), foreground.weight(3), background],
    };
    let builder = match random.below(3) {
        0 => Pool::builder().ordering(Ordering::Striped { groups: workers.min(2) }),
        _ => Pool::builder(),
    };
    let builder = builder.config(config).inbox_bound(1 << (2 + random.below(6)));
    builder.futures_bound(64).build().expect("the system has threads")
}

/// Says which one it was that failed.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("SOAK_SEED={}", self.0);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "clients are threads")]
fn spawn<T: Send + 'static>(
    seed: u64,
    client: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let named = move || {
        let _seed = Seed(seed);
        client()
    };
    // The others would wait at the gate for ever for one that has failed.
    thread::spawn(|| catch_unwind(AssertUnwindSafe(named)).unwrap_or_else(|_| exit(101)))
}
