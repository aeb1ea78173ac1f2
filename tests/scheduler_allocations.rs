//! A scheduler in its steady state allocates nothing: whoever schedules within deadlines can't wait
//! for an allocator.
//!
//! All is one test without a harness, since the allocator counts what every thread of the process
//! does, and a harness allocates beside its tests.

use core::time::Duration;
use std::alloc::System;

use punctual::key::Key;
use punctual::scheduler::{
    Admission, Class, ClassConfig, Config, CostModel, Job, Margin, Next, Outcome, Quantile,
    Reservation, Running, Scheduler,
};
use punctual::time::Time;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Rounds until all has grown as far as it does.
const WARM_UP: u64 = 20_000;

/// Rounds in which nothing may be allocated.
const STEADY: u64 = 20_000;

const QUEUE_BOUND: u64 = 200;

const fn us(count: u64) -> Duration {
    Duration::from_micros(count)
}

/// A scheduler with its clock, the shell around it and nothing that allocates.
struct Shell {
    scheduler: Scheduler<u64>,
    now: Time,
    running: Vec<Running<u64>>,
    /// The last keys, to cancel and to move.
    keys: [Option<Key>; 8],
    /// So many submissions a round.
    burst: u64,
}

impl Shell {
    fn new(config: Config, burst: u64) -> Self {
        let running = Vec::with_capacity(config.workers as usize);
        let scheduler = Scheduler::new(config).expect("it is valid");
        Self { scheduler, now: Time::from_nanos(7), running, keys: [None; 8], burst }
    }

    /// Fills every order of jobs to the queue's bound, and empties it again: later growth would
    /// be one that the bound doesn't explain.
    fn fill(&mut self) {
        let job = |number| Job::new(number).budget(us(1_000_000)).cost(us(1));
        for class in [0, 1, 2, 3].map(Class::new) {
            for release in [us(0), us(500)] {
                for number in 0..QUEUE_BOUND {
                    let job = job(number).class(class).release(self.now + release);
                    self.scheduler.submit(self.now, job).expect("there is room");
                }
                self.poll();
                // All are released at once, and all are late at once.
                self.now += us(500);
                self.poll();
                self.now += us(2_000_000);
                while let Some(running) = self.running.pop() {
                    self.scheduler.complete(self.now, running.key, Outcome::Failed);
                }
                self.poll();
                assert_eq!(self.scheduler.stats().queued, 0);
            }
        }
    }

    /// Jobs of every class wait for long, run for long and are late: a histogram grows with the
    /// largest value that it has seen.
    fn delay(&mut self) {
        for class in [0, 1, 2, 3].map(Class::new) {
            for outcome in [Outcome::Failed, Outcome::Done] {
                for number in 0..2 * self.running.capacity() as u64 {
                    let job = Job::new(number).class(class).budget(us(900_000)).cost(us(2));
                    self.scheduler.submit(self.now, job).expect("there is room");
                }
                self.poll();
                // What is done teaches, and must not teach too much.
                let long = if outcome == Outcome::Done { us(500) } else { us(800_000) };
                for took in [long, 2 * long] {
                    self.now += took;
                    while let Some(running) = self.running.pop() {
                        let completed = self.scheduler.complete(self.now, running.key, outcome);
                        assert_eq!(completed, Some(took));
                    }
                    self.poll();
                }
            }
        }
    }

    /// Every way in and every way out.
    fn round(&mut self, number: u64) {
        for number in number * self.burst..(number + 1) * self.burst {
            let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let mut job = Job::new(number)
                .class(Class::new((random % 4) as u16))
                .lead(us(random / 4 % 3))
                .value((random / 16 % 5) as u32);
            if random / 128 % 3 > 0 {
                job = job.cost(us(1 + random / 512 % 40));
            }
            if random / 1_024 % 8 > 0 {
                job = job.budget(us(20 + random / 2_048 % 300));
            }
            if random / 4_096 % 5 == 0 {
                job = job.release(self.now + us(random / 8_192 % 100));
            }
            let submitted = self.scheduler.submit(self.now, job);
            let slot = (number % 8) as usize;
            let old = self.keys[slot].take();
            self.keys[slot] = submitted.ok().map(|submitted| submitted.key());
            match (old, random % 5) {
                (Some(key), 0) => _ = self.scheduler.cancel(key),
                (Some(key), 1) => {
                    let _ = self.scheduler.reschedule(self.now, key, self.now + us(90));
                }
                _ => {}
            }
        }
        self.poll();
        self.now += us(5);
        while let Some(running) = self.running.pop() {
            // Some take longer than expected, and some less.
            self.now += running.cost / 4 * (3 + running.payload as u32 % 3);
            let outcome = if running.payload % 9 == 0 { Outcome::Failed } else { Outcome::Done };
            self.scheduler.complete(self.now, running.key, outcome);
        }
        self.poll();
    }

    fn poll(&mut self) {
        loop {
            match self.scheduler.poll(self.now) {
                Next::Run(running) => self.running.push(running),
                Next::Shed(_) => {}
                Next::Wait(_) => return,
            }
        }
    }
}

fn config(admission: Admission, workers: u32) -> Config {
    let reservation = Reservation { runtime: us(10), period: us(100) };
    let quantile = CostModel::Quantile(Quantile::P90);
    Config {
        admission,
        workers,
        queue_bound: QUEUE_BOUND as u32,
        margin: Margin::Learned { quantile: Quantile::P95, least: us(0), most: us(5) },
        classes: vec![
            ClassConfig::foreground().initial_cost(us(10)),
            ClassConfig::background().initial_cost(us(20)).starvation_guard(us(5_000)),
            ClassConfig::foreground().cost_model(quantile).weight(3),
            ClassConfig::foreground().reservation(reservation),
        ],
        ..Config::default()
    }
}

fn expect_steady(config: Config, burst: u64) {
    let name = format!("{:?} with {} workers", config.admission, config.workers);
    let mut shell = Shell::new(config, burst);
    shell.fill();
    shell.delay();
    (0..WARM_UP).for_each(|number| shell.round(number));
    let region = Region::new(ALLOCATOR);
    (WARM_UP..WARM_UP + STEADY).for_each(|number| shell.round(number));
    let change = region.change();
    let calls = (change.allocations, change.reallocations, change.deallocations);
    let stats = shell.scheduler.stats();
    assert_eq!(calls, (0, 0, 0), "{name}, {burst}: {stats:?}");
    shell.scheduler.assert_invariants();
    assert!(stats.done > STEADY / 8 && stats.cancelled > 0, "{name}, {burst}: {stats:?}");
    let turned_away = stats.shed.total() + stats.refused.infeasible;
    assert!(burst < 8 || turned_away > STEADY, "{name}: it is an overload: {stats:?}");
}

fn a_steady_state_allocates_nothing() {
    for admission in [Admission::All, Admission::Feasible, Admission::Evict] {
        for workers in [1, 4] {
            for burst in [1, 8] {
                expect_steady(config(admission, workers), burst);
            }
        }
    }
}

fn main() {
    a_steady_state_allocates_nothing();
    eprintln!("test a_steady_state_allocates_nothing ... ok");
}
