//! The workloads of the scheduler: what the machine costs, in virtual time.

use std::fmt::Write as _;

use crate::contenders;
use crate::flood::{self, Flood};
use crate::frame::{Case, Contender, Measured, Summary, Turn, Unit, cpu_ns, timed};
use crate::memory::{TURNS, held};
use crate::options::Scale;
use crate::storm::{Storm, sheds};
use crate::workload::random::{Random, mix};
use crate::workload::scheduler::ours::{All, Evict, Machine, Policy};
use crate::workload::scheduler::{Keyed, Steady, cancel, drawn, entered, reschedule};

/// A workload at a size, for any queue of jobs to do.
pub(crate) struct Queues {
    work: Work,
    size: usize,
    cycles: usize,
}

#[derive(Clone, Copy)]
enum Work {
    /// Submit a job, and run the first to its end.
    Steady,
    /// Cancel half of all jobs in random order.
    Cancel,
    /// Tighten and loosen random jobs.
    Reschedule,
    /// Tell of each job that it is late, since nobody looked for too long.
    Storm,
    /// Ten times as much comes as can be done.
    Flood,
    /// How many are queued meanwhile: what an offered job costs depends on it.
    FloodQueue,
    Bytes,
}

const WORKS: [(&str, Work); 6] = [
    (STEADY, Work::Steady),
    ("10x: a job offered", Work::Flood),
    ("10x: jobs queued", Work::FloodQueue),
    ("cancel", Work::Cancel),
    ("reschedule", Work::Reschedule),
    ("late storm: a shed", Work::Storm),
];

const STEADY: &str = "submit, poll, complete";

/// What the steady state is meant to cost at a thousand jobs: name, target and goal in ns.
const TARGETS: [(&str, f64, f64); 2] =
    [(<All as Policy>::NAME, 150.0, 100.0), (<Evict as Policy>::NAME, 300.0, 200.0)];

const TARGET_SIZE: usize = 1_000;

const MOST_WARM_UP: usize = 100_000;

pub(crate) fn measure(scale: Scale) -> Vec<Measured> {
    let mut measured = Vec::new();
    for (name, work) in WORKS {
        for &size in scale.sizes {
            measured.push(measure_one(name, work, size, scale));
        }
    }
    measured
}

pub(crate) fn weigh(scale: Scale) -> Vec<Measured> {
    let weighed = |&size: &usize| measure_one("bytes a job", Work::Bytes, size, scale);
    scale.sizes.iter().map(weighed).collect()
}

fn measure_one(name: &str, work: Work, size: usize, scale: Scale) -> Measured {
    let (unit, repeats) = match work {
        Work::Bytes => (Unit::Bytes, TURNS),
        // Virtual time: all turns are the same.
        Work::FloodQueue => (Unit::Jobs, 1),
        _ => (Unit::Nanoseconds, scale.repeats(size)),
    };
    let queues = Queues { work, size, cycles: scale.cycles };
    let summary = Summary::Median;
    let mut case = Case { workload: name.to_owned(), size, unit, summary, contenders: Vec::new() };
    contenders::schedulers(&queues, &mut case);
    case.measure(repeats)
}

/// The steady state beside its targets, in lines of text, and whether one of them is missed.
pub(crate) fn targets(cases: &[Measured]) -> (String, bool) {
    let (mut text, mut is_missed) = (String::new(), false);
    let steady = cases.iter().find(|case| case.workload == STEADY && case.size == TARGET_SIZE);
    for (name, target, goal) in TARGETS {
        let cost = steady.and_then(|case| case.costs.iter().find(|cost| cost.name == name));
        let median = cost.expect("every scale has the targets' size").median;
        let verdict = match median {
            _ if median <= goal => "the goal is met",
            _ if median <= target => "the target is met",
            _ => "the target is missed",
        };
        is_missed |= median > target;
        let _ = writeln!(
            text,
            "{name} at {TARGET_SIZE} jobs: {median:.1} ns; target {target} ns, goal {goal} ns: \
             {verdict}"
        );
    }
    (text, is_missed)
}

impl Queues {
    pub(crate) fn ours<P: Policy + 'static>(&self, case: &mut Case) {
        let turn: Box<dyn FnMut() -> Turn> = match self.work {
            // Its costs vary and are declared: there is nothing to learn.
            Work::Flood | Work::FloodQueue if P::LEARNS => return,
            Work::Flood => Box::new(flood::turns::<P>(self.size, self.cycles)),
            Work::FloodQueue => {
                let (size, jobs) = (self.size, self.cycles);
                Box::new(move || Flood::<P>::new(size).mean_queue(jobs))
            }
            Work::Cancel | Work::Reschedule => self.keyed::<Machine<P>>(),
            _ => self.plain::<Machine<P>>(),
        };
        case.contenders.push(Contender { name: P::NAME, ours: true, turn });
    }

    /// A structure that finds its jobs again, and turns nobody away.
    pub(crate) fn keyed_peer<J: Keyed + Storm + 'static>(&self, ours: bool, case: &mut Case) {
        let turn = match self.work {
            Work::Flood | Work::FloodQueue => return,
            Work::Cancel | Work::Reschedule => self.keyed::<J>(),
            _ => self.plain::<J>(),
        };
        case.contenders.push(Contender { name: J::NAME, ours, turn });
    }

    pub(crate) fn plain_peer<J: Storm + 'static>(&self, case: &mut Case) {
        if matches!(self.work, Work::Steady | Work::Storm | Work::Bytes) {
            let turn = self.plain::<J>();
            case.contenders.push(Contender { name: J::NAME, ours: false, turn });
        }
    }

    /// Cycles that aren't timed: the others' turns have emptied the caches, and a queue has to
    /// reach its steady state.
    fn warm_up(&self) -> usize {
        (self.cycles / 4).max(self.size.min(MOST_WARM_UP))
    }

    fn plain<J: Storm + 'static>(&self) -> Box<dyn FnMut() -> Turn> {
        let (size, cycles, warm_up) = (self.size, self.cycles, self.warm_up());
        match self.work {
            Work::Steady => {
                let mut steady = Steady::<J>::new(size);
                Box::new(move || {
                    steady.run(warm_up);
                    timed(cycles, || steady.run(cycles))
                })
            }
            Work::Storm => Box::new(move || often(size, size, cycles, sheds::<J>)),
            _ => Box::new(move || held(size, || Steady::<J>::new(size))),
        }
    }

    fn keyed<J: Keyed + 'static>(&self) -> Box<dyn FnMut() -> Turn> {
        let (size, cycles, warm_up) = (self.size, self.cycles, self.warm_up());
        if let Work::Cancel = self.work {
            return Box::new(move || often(size, size / 2, cycles, cancels::<J>));
        }
        let mut random = Random::new(size as u64);
        let mut jobs = entered::<J>(size, &mut random);
        Box::new(move || {
            reschedule(&mut jobs, size, warm_up, &mut random);
            timed(cycles, || reschedule(&mut jobs, size, cycles, &mut random))
        })
    }
}

/// Cancels half of the jobs: the CPU time of that, and a checksum.
fn cancels<J: Keyed>(size: usize, random: &mut Random) -> (u64, u64) {
    let mut jobs = entered::<J>(size, random);
    let ids = drawn(size, size / 2, random);
    cpu_ns(|| cancel(&mut jobs, &ids))
}

/// Does something to a new structure of `size` jobs, to `count` of them, again and again until
/// there were `cycles`.
fn often(
    size: usize,
    count: usize,
    cycles: usize,
    work: fn(usize, &mut Random) -> (u64, u64),
) -> Turn {
    let rounds = (cycles / count).max(1);
    let mut random = Random::new(size as u64);
    let (mut sum_ns, mut checksum) = (0, 0);
    for _ in 0..rounds {
        let (taken_ns, seen) = work(size, &mut random);
        sum_ns += taken_ns;
        checksum = mix(checksum ^ seen);
    }
    Turn { cost: sum_ns as f64 / (rounds * count) as f64, checksum }
}
