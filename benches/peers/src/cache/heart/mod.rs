//! Refreshes beside the requests that they serve, in real time on one core.
//!
//! Bids come in an open loop, as in `overload`: 200 µs each with 10 ms for it, and each reads
//! some entries of a cache first. One worker runs them. What refreshes the entries shares its
//! core: jobs of the same scheduler, or threads, as one writes them otherwise. A refresh waits for
//! its data and then needs the core for a while.

mod bids;
mod sides;

use std::time::Duration;

use punctual::pool::Pool;
use punctual::scheduler::{Admission, ClassConfig, Config, Margin, Quantile};
use punctual::time::{Clock, Time};

use crate::frame::shuffled;
use crate::overload::answers::{Conditions, Figures, MOST_DRIFT};
use crate::overload::arrivals::{Arrivals, Plan, beside_spinning};
use crate::overload::job::{Cost, Jobs, Mix};
use crate::pool::contest::{Bench, Measured, Row, on_a_thread, pin};
use bids::Shift;
use sides::{Alone, InOne, Niced, Side, Threads};

/// What comes, in units of what the worker can do.
pub(crate) const LOADS: [(f64, &str); 4] = [
    (0.5, "bids at 0.5x of the core"),
    (1.0, "bids at 1x of the core"),
    (2.0, "bids at 2x of the core"),
    (5.0, "bids at 5x of the core"),
];

pub(crate) const ALONE: &str = Alone::NAME;
pub(crate) const IN_ONE: &str = InOne::NAME;

pub(crate) const ON_TIME: usize = 0;
pub(crate) const PAST_HARD: usize = 5;

const COLUMNS: &[&str] = &[
    "bids on time, %",
    "refreshes/s",
    "stale reads, %",
    "missing reads, %",
    "expired",
    "past hard",
];

const SIDES: usize = 4;

/// The share of a trial that is not counted.
const WARM_UP: f64 = 0.1;

/// Time for both threads to be ready before the first arrival.
const LEAD_IN: Duration = Duration::from_millis(20);

/// So often a round is tried that others disturb.
const TRIES: u32 = 3;

/// After so many measurements a round begins, however much the speed changes.
const STEADY_TRIES: u32 = 10;

/// No interrupt of this length may close the queue for good.
const MOST_MARGIN: Duration = Duration::from_millis(2);

/// What all trials have in common.
struct Heart {
    bench: Bench,
    jobs: Jobs,
    length: Duration,
}

/// A figure for each column, and whether others used the machine meanwhile.
struct Trial {
    figures: Vec<f64>,
    is_disturbed: bool,
}

/// One table for each load, and how many rounds count although others disturbed them.
pub(crate) fn measure(bench: &Bench, repeats: usize) -> (Vec<Measured>, u32) {
    on_a_thread(|| {
        pin(bench.worker);
        let length = Duration::from_millis(if bench.quick { 500 } else { 3_000 });
        let heart = Heart { bench: *bench, jobs: Jobs::calibrated(&bench.clock), length };
        let mut turns: [[Vec<Vec<f64>>; SIDES]; LOADS.len()] = Default::default();
        let mut disturbed = 0;
        for repeat in 0..repeats {
            for (number, (factor, title)) in LOADS.into_iter().enumerate() {
                eprintln!("{title}, repeat {} of {repeats}", repeat + 1);
                let seed = (repeat * LOADS.len() + number) as u64;
                let (round, is_disturbed) = heart.round(factor, repeat, seed);
                disturbed += u32::from(is_disturbed);
                for (turns, figures) in turns[number].iter_mut().zip(round) {
                    turns.push(figures);
                }
            }
        }
        (LOADS.into_iter().zip(turns).map(|((_, title), it)| table(title, it)).collect(), disturbed)
    })
}

fn table(title: &'static str, turns: [Vec<Vec<f64>>; SIDES]) -> Measured {
    let names = [(ALONE, true), (IN_ONE, true), (Threads::NAME, false), (Niced::NAME, false)];
    let row = |((name, is_ours), turns)| Row::new(name, is_ours, turns);
    let rows = names.into_iter().zip(turns).map(row).collect();
    Measured { title, unit: "200 µs each", columns: COLUMNS, rows }
}

impl Heart {
    /// A trial of each side, with the same arrivals; again, if others have disturbed one.
    fn round(&self, factor: f64, repeat: usize, seed: u64) -> ([Vec<f64>; SIDES], bool) {
        let (mut round, mut is_disturbed) = (<[Vec<f64>; SIDES]>::default(), false);
        for _ in 0..if self.bench.quick { 1 } else { TRIES } {
            let drawn = self.steady_speed();
            let rate = factor * drawn / Mix::Equal.mean().as_secs_f64();
            let plan = Plan::poisson(seed, Mix::Equal, self.length, rate);
            is_disturbed = false;
            for index in shuffled(SIDES, repeat) {
                let trial = match index {
                    0 => self.trial::<Alone>(drawn, &plan),
                    1 => self.trial::<InOne>(drawn, &plan),
                    2 => self.trial::<Threads>(drawn, &plan),
                    _ => self.trial::<Niced>(drawn, &plan),
                };
                is_disturbed |= trial.is_disturbed;
                round[index] = trial.figures;
            }
            if !is_disturbed {
                break;
            }
        }
        (round, is_disturbed)
    }

    fn trial<S: Side>(&self, drawn: f64, plan: &Plan) -> Trial {
        let before = self.speed();
        let pool = self.pool();
        let side = S::start(&pool, self.bench.clock, &self.jobs);
        let arrivals = plan.from(self.now() + LEAD_IN);
        let shift = Shift::new(side, self.bench.clock, &self.jobs, arrivals.clone());
        let (counted, expired) = (self.counted(&arrivals), shift.side().expired());
        let (refreshes, lag) = shift.serve(&pool, self.bench.producer, &counted);
        let seconds = counted.end.saturating_since(counted.start).as_secs_f64();
        let expired = shift.side().expired() - expired;
        drop(pool);
        let seen = shift.seen();
        let answers = shift.end();
        let conditions = Conditions { drawn, before, after: self.speed(), lag };
        let figures = Figures::new(&arrivals, &answers, &counted, conditions);
        let percent = |count: u64| 100.0 * count as f64 / seen.reads.max(1) as f64;
        Trial {
            figures: vec![
                100.0 * figures.on_time,
                refreshes as f64 / seconds,
                percent(seen.stale),
                percent(seen.missing),
                expired as f64,
                seen.past_hard as f64,
            ],
            is_disturbed: conditions.are_disturbed(),
        }
    }

    /// A worker on the core of this thread, and the timer's thread beside it.
    fn pool(&self) -> Pool {
        let margin =
            Margin::Learned { quantile: Quantile::P99, least: Duration::ZERO, most: MOST_MARGIN };
        let classes = [Cost::Usual, Cost::Refresh]
            .map(|cost| ClassConfig::foreground().initial_cost(cost.time()));
        let admission = Admission::Evict;
        let config = Config { admission, margin, classes: classes.into(), ..Config::default() };
        let pool = Pool::builder().config(config).workers(1).build_on(self.bench.clock);
        pool.expect("a thread can be started")
    }

    fn counted(&self, arrivals: &Arrivals) -> std::ops::Range<Time> {
        arrivals.start() + self.length.mul_f64(WARM_UP)..arrivals.start() + self.length
    }

    /// A speed that was the same twice in a row, if that happens soon.
    fn steady_speed(&self) -> f64 {
        let mut speed = self.speed();
        for _ in 0..STEADY_TRIES {
            let again = self.speed();
            if (again / speed - 1.0).abs() < MOST_DRIFT / 2.0 {
                return again;
            }
            speed = again;
        }
        speed
    }

    /// The core's speed while the generator is as busy as in a trial.
    fn speed(&self) -> f64 {
        let clock = &self.bench.clock;
        beside_spinning(clock, self.bench.producer, || self.jobs.speed(clock))
    }

    fn now(&self) -> Time {
        self.bench.clock.now()
    }
}
