//! One worker and more work than it can do, in real time.
//!
//! An *open loop*: arrivals are drawn before the run and don't wait for answers, and every time is
//! counted from the scheduled arrival, not from the moment of its submission. The generator has a
//! core of its own. All contenders do the same jobs at the same times, in turns, within one run.

mod answers;
mod arrivals;
mod job;
mod shells;
mod table;
mod tasks;

use std::time::Duration;

use punctual::time::{Clock, MonotonicClock, Time};

use crate::machine;
use crate::options::Options;
use answers::{Answers, Figures};
use arrivals::Arrivals;
use job::CpuJob;

/// What a job costs.
const COST: Duration = Duration::from_micros(200);

/// From the scheduled arrival to the deadline.
const BUDGET: Duration = Duration::from_millis(10);

/// Arrivals in units of what the worker can do.
const LOADS: [f64; 5] = [0.5, 1.0, 2.0, 5.0, 10.0];

/// The share of a trial that is not counted: until queues are what they will be.
const WARM_UP: f64 = 0.1;

/// Time for both threads to be ready before the first arrival.
const LEAD_IN: Duration = Duration::from_millis(5);

/// A generator that is later than this with one job in a hundred was held up by other programs.
const QUIET: Duration = Duration::from_millis(1);

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

/// What one contender is given: everything but the way the arrivals come.
#[derive(Clone)]
pub(crate) struct Trial {
    clock: MonotonicClock,
    job: CpuJob,
    arrivals: Arrivals,
}

/// How a contender fared under a load, in each of the repeats.
struct Row {
    contender: Contender,
    load: f64,
    repeats: Vec<Figures>,
}

/// Runs all contenders and returns the table and its JSON.
pub(crate) fn measure(options: &Options) -> Result<(String, String), String> {
    let (repeats, length) = match options.quick {
        true => (3, Duration::from_millis(300)),
        false => (5, Duration::from_secs(2)),
    };
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let [generator, worker, ..] = cores[..] else {
        return Err("the generator and the worker need a core each".to_owned());
    };
    if !core_affinity::set_for_current(worker) {
        return Err("the worker can't be pinned".to_owned());
    }
    let clock = MonotonicClock::new();
    let job = CpuJob::calibrated(&clock, COST);
    let mut rows = LOADS.map(|load| CONTENDERS.map(|contender| Row::new(contender, load)));
    for repeat in 0..repeats {
        for (number, rows) in rows.iter_mut().enumerate() {
            let load = LOADS[number];
            eprintln!("{load}x, repeat {} of {repeats}", repeat + 1);
            for place in 0..CONTENDERS.len() {
                // Nobody profits from following the same neighbour in every repeat.
                let row = &mut rows[(place + repeat) % CONTENDERS.len()];
                let seed = (repeat * LOADS.len() + number) as u64;
                row.repeats.push(trial(
                    row.contender,
                    load,
                    length,
                    seed,
                    (&clock, &job, generator),
                ));
            }
        }
    }
    let rows = rows.into_iter().flatten().collect::<Vec<_>>();
    let header = machine::header("two pinned cores");
    Ok((table::markdown(&header, &rows), table::json(&header, &rows)))
}

impl Row {
    const fn new(contender: Contender, load: f64) -> Self {
        Self { contender, load, repeats: Vec::new() }
    }
}

type Bench<'a> = (&'a MonotonicClock, &'a CpuJob, core_affinity::CoreId);

/// One contender's turn. The capacity is measured anew before each: on a shared machine it drifts.
fn trial(
    contender: Contender,
    load: f64,
    length: Duration,
    seed: u64,
    (clock, job, generator): Bench<'_>,
) -> Figures {
    let capacity = job.capacity(clock);
    let start = clock.now() + LEAD_IN;
    let arrivals = Arrivals::poisson(seed, start, length, load * capacity);
    let counted = start + length.mul_f64(WARM_UP)..start + length;
    let trial = Trial { clock: *clock, job: job.clone(), arrivals };
    let (answers, lag) = match contender {
        Contender::Edf => shells::earliest_first(&trial, generator),
        Contender::Fifo => tasks::fifo(&trial, generator),
        Contender::Tower(limit) => tasks::tower(&trial, generator, limit),
        ours => shells::scheduler(&trial, generator, ours),
    };
    if lag.p99 > QUIET {
        eprintln!("{}: jobs came {:?} late: others use this machine", contender.name(), lag.p99);
    }
    Figures::new(&trial.arrivals, &answers, &counted, capacity, lag)
}

impl Trial {
    fn now(&self) -> Time {
        self.clock.now()
    }

    /// An empty book for the answers.
    fn answers(&self) -> Answers {
        Answers::new(self.arrivals.len())
    }
}
