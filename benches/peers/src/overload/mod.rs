//! One worker and more work than it can do, in real time.
//!
//! An *open loop*: arrivals are drawn before the run and don't wait for answers, and every time is
//! counted from the scheduled arrival, not from the moment of its submission. The generator has a
//! core of its own. In a *round* all contenders do the same jobs at the same times after their
//! start, one contender after another.

pub(crate) mod answers;
pub(crate) mod arrivals;
pub(crate) mod job;
mod overhead;
mod shells;
mod table;
mod tasks;

use std::time::Duration;

use core_affinity::CoreId;
use punctual::time::{Clock, MonotonicClock, Time};

use crate::frame::shuffled;
use crate::machine;
use crate::options::Options;
use answers::{Answers, Conditions, Figures, MOST_DRIFT};
use arrivals::{Arrivals, Lag, Plan, beside_spinning};
use job::{Jobs, Mix};

/// From the scheduled arrival to the deadline.
const BUDGET: Duration = Duration::from_millis(10);

/// What comes, in units of what the worker can do.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Load {
    mix: Mix,
    factor: f64,
}

/// Which jobs are given up matters where their costs differ, and only where some have to be.
const LOADS: [Load; 7] = [
    Load { mix: Mix::Equal, factor: 0.5 },
    Load { mix: Mix::Equal, factor: 1.0 },
    Load { mix: Mix::Equal, factor: 2.0 },
    Load { mix: Mix::Equal, factor: 5.0 },
    Load { mix: Mix::Equal, factor: 10.0 },
    Load { mix: Mix::Mixed, factor: 2.0 },
    Load { mix: Mix::Mixed, factor: 5.0 },
];

impl Load {
    fn name(self) -> String {
        match self.mix {
            Mix::Equal => format!("{}x", self.factor),
            Mix::Mixed => format!("mixed, {}x", self.factor),
        }
    }
}

/// The share of a trial that is not counted: until queues are what they will be.
const WARM_UP: f64 = 0.1;

/// Time for both threads to be ready before the first arrival.
const LEAD_IN: Duration = Duration::from_millis(10);

/// After so many measurements a round begins, however much the speed changes.
const STEADY_TRIES: u32 = 10;

/// Who takes the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// punctual's scheduler that evicts, with a margin that it learns.
    EvictLearned,
    /// ... with a margin that never changes.
    EvictFixed,
    /// ... that refuses instead, with a learned margin.
    Feasible,
    /// ... that takes everybody, with a learned margin.
    All,
    /// A binary heap of deadlines, which gives up nothing.
    Edf,
    /// tokio: each request a task that waits for its turn, under a time-out.
    Fifo,
    /// tower's `LoadShed`, `ConcurrencyLimit` and `Timeout` in front of the same tasks.
    Tower(usize),
}

/// 50 jobs are as many as fit into the budget; 10 leave it four fifths.
const CONTENDERS: [Contender; 8] = [
    Contender::EvictLearned,
    Contender::EvictFixed,
    Contender::Feasible,
    Contender::All,
    Contender::Edf,
    Contender::Fifo,
    Contender::Tower(50),
    Contender::Tower(10),
];

impl Contender {
    pub(crate) fn name(self) -> String {
        match self {
            Self::EvictLearned => "Scheduler Evict, learned margin".to_owned(),
            Self::EvictFixed => "Scheduler Evict, margin 0.5 ms".to_owned(),
            Self::Feasible => "Scheduler Feasible".to_owned(),
            Self::All => "Scheduler All".to_owned(),
            Self::Edf => "EDF, sheds nothing".to_owned(),
            Self::Fifo => "tokio FIFO, timeout".to_owned(),
            Self::Tower(limit) => format!("tower, limit {limit}"),
        }
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::EvictLearned | Self::EvictFixed | Self::Feasible | Self::All)
    }
}

/// What one contender is given.
#[derive(Clone)]
pub(crate) struct Trial {
    clock: MonotonicClock,
    jobs: Jobs,
    mix: Mix,
    arrivals: Arrivals,
}

/// How a contender fared under a load, in each of the repeats.
struct Row {
    contender: Contender,
    load: Load,
    repeats: Vec<Figures>,
}

/// Runs all contenders and returns the table and its JSON.
pub(crate) fn measure(options: &Options) -> Result<(String, String), String> {
    // Within nine minutes, or one and a half.
    let (repeats, length) = match options.quick {
        true => (3, Duration::from_millis(300)),
        false => (5, Duration::from_millis(1_700)),
    };
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let [generator, worker, ..] = cores[..] else {
        return Err("the generator and the worker need a core each".to_owned());
    };
    if !core_affinity::set_for_current(worker) {
        return Err("the worker can't be pinned".to_owned());
    }
    let clock = MonotonicClock::new();
    let bench = Bench { clock, jobs: Jobs::calibrated(&clock), generator, length };
    let overheads = overhead::text(&bench);
    let mut rows = LOADS.map(|load| CONTENDERS.map(|contender| Row::new(contender, load)));
    for repeat in 0..repeats {
        for (number, rows) in rows.iter_mut().enumerate() {
            let load = LOADS[number];
            eprintln!("{}, repeat {} of {repeats}", load.name(), repeat + 1);
            bench.round(repeat, (repeat * LOADS.len() + number) as u64, load, rows);
        }
    }
    let rows = rows.into_iter().flatten().collect::<Vec<_>>();
    let header = machine::header("two pinned cores");
    Ok((table::markdown(&header, &rows) + "\n" + &overheads, table::json(&header, &rows)))
}

impl Row {
    const fn new(contender: Contender, load: Load) -> Self {
        Self { contender, load, repeats: Vec::new() }
    }
}

/// What all trials have in common.
struct Bench {
    clock: MonotonicClock,
    jobs: Jobs,
    generator: CoreId,
    length: Duration,
}

impl Bench {
    /// One trial for each contender, with the same arrivals.
    fn round(&self, repeat: usize, seed: u64, load: Load, rows: &mut [Row]) {
        let drawn = self.steady_speed();
        let rate = load.factor * drawn / load.mix.mean().as_secs_f64();
        let plan = Plan::poisson(seed, load.mix, self.length, rate);
        let mut before = drawn;
        for index in shuffled(rows.len(), repeat) {
            let row = &mut rows[index];
            let trial = self.trial(load.mix, &plan);
            let start = trial.arrivals.start();
            let counted = start + self.length.mul_f64(WARM_UP)..start + self.length;
            let (answers, lag) = row.contender.serve(&trial, self.generator);
            let after = self.speed();
            let conditions = Conditions { drawn, before, after, lag };
            if conditions.are_disturbed() {
                let (name, drift) = (row.contender.name(), 100.0 * conditions.drift());
                let lag_ms = lag.p99_ms;
                eprintln!("{name} is left out: {lag_ms:.2} ms late, {drift:.1} % of drift");
            }
            row.repeats.push(Figures::new(&trial.arrivals, &answers, &counted, conditions));
            before = after;
        }
    }

    /// A speed that was the same twice in a row, if that happens soon: a load that is drawn for
    /// a disturbed worker spoils the whole round.
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

    /// The worker's speed while the generator is as busy as it is in a trial: the two may share
    /// a core's units, or its power.
    fn speed(&self) -> f64 {
        beside_spinning(&self.clock, self.generator, || self.jobs.speed(&self.clock))
    }

    /// A trial that is about to start.
    fn trial(&self, mix: Mix, plan: &Plan) -> Trial {
        let arrivals = plan.from(self.clock.now() + LEAD_IN);
        Trial::new(self.clock, self.jobs.clone(), mix, arrivals)
    }
}

impl Contender {
    fn serve(self, trial: &Trial, generator: CoreId) -> (Answers, Lag) {
        match self {
            Self::Edf => shells::earliest_first(trial, generator),
            Self::Fifo => tasks::fifo(trial, generator),
            Self::Tower(limit) => tasks::tower(trial, generator, limit),
            ours => shells::scheduler(trial, generator, ours),
        }
    }
}

impl Trial {
    pub(crate) const fn new(
        clock: MonotonicClock,
        jobs: Jobs,
        mix: Mix,
        arrivals: Arrivals,
    ) -> Self {
        Self { clock, jobs, mix, arrivals }
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    /// Does a job.
    fn run(&self, id: u32) {
        self.jobs.run(self.arrivals.cost(id));
    }

    /// An empty book for the answers.
    fn answers(&self) -> Answers {
        Answers::new(self.arrivals.len())
    }
}
