//! The workloads of the wheels.

use std::rc::Rc;

use crate::contenders;
use crate::frame::{Case, Contender, Measured, Summary, Turn, Unit, cpu_ns};
use crate::memory::{TURNS, held};
use crate::options::Scale;
use crate::pauses::{BURST_TIMERS, burst, worst_call, worst_question, worst_tick};
use crate::steady::{Level, Steady};
use crate::steps::Steps;
use crate::workload::random::mix;
use crate::workload::wheel::Timers;
use crate::workload::wheel::operation::Operation;
use crate::workload::wheel::plan::{Delay, Plan};
use crate::workload::wheel::prepared::{Prepared, insert};

/// A workload, for any structure to do.
#[derive(Clone)]
pub(crate) enum Wheels {
    /// As often in a turn as is said: a single run of a small structure would be over before the
    /// clock ticks.
    Operation(Rc<Prepared>, usize),
    /// The longest tick of all, in wall time: what a thread is held up by.
    WorstTick(Rc<Plan>),
    /// The longest of all calls that take no more than they are allowed to.
    WorstCall(Rc<Plan>),
    /// The longest cancellation of the earliest timer, with the question for the next.
    WorstQuestion(Rc<Prepared>),
    Bytes(Rc<Plan>),
    Steady(Rc<Steady>, Level),
}

pub(crate) fn measure(scale: Scale) -> Vec<Measured> {
    let mut measured = Vec::new();
    for delay in Delay::ALL {
        for &operation in Operation::all(delay) {
            for size in sizes(operation, delay, scale) {
                let prepared = Prepared::new(operation, size, delay);
                let rounds = (scale.cycles / size.max(prepared.count)).max(1);
                let wheels = Wheels::Operation(Rc::new(prepared), rounds);
                let workload = workload(operation.name(), delay);
                measured.push(measure_one(workload, &wheels, size, scale));
            }
        }
        measured.extend(measure_pauses(delay, scale));
    }
    for (name, others) in
        [("burst, worst call", 0), ("burst among others, worst call", BURST_TIMERS)]
    {
        let wheels = Wheels::WorstCall(Rc::new(burst(others)));
        measured.push(measure_one(name.to_owned(), &wheels, BURST_TIMERS, scale));
    }
    measured
}

fn measure_pauses(delay: Delay, scale: Scale) -> Vec<Measured> {
    let mut measured = Vec::new();
    for &size in scale.sizes {
        let prepared = Prepared::new(Operation::CancelFirst, size, delay);
        let wheels = Wheels::WorstQuestion(Rc::new(prepared));
        let workload = workload("worst cancel first, next_wakeup", delay);
        measured.push(measure_one(workload, &wheels, size, scale));
    }
    if delay != Delay::Clustered {
        for size in sizes(Operation::Expire, delay, scale) {
            let wheels = Wheels::WorstTick(Rc::new(Plan::new(size, delay, 0)));
            measured.push(measure_one(workload("worst tick", delay), &wheels, size, scale));
        }
    }
    measured
}

/// What costs most at the largest sizes is measured beyond those too.
fn sizes(operation: Operation, delay: Delay, scale: Scale) -> impl Iterator<Item = usize> {
    let lone = match (operation, delay) {
        (Operation::Insert | Operation::Expire, Delay::Uniform) => scale.lone_sizes,
        _ => &[],
    };
    scale.sizes.iter().chain(lone).copied()
}

fn workload(name: &str, delay: Delay) -> String {
    format!("{name}, {}", delay.name())
}

pub(crate) fn weigh(scale: Scale) -> Vec<Measured> {
    let mut weighed = Vec::new();
    for &size in scale.sizes {
        let wheels = Wheels::Bytes(Rc::new(Plan::new(size, Delay::Uniform, 0)));
        let workload = workload("bytes a timer", Delay::Uniform);
        weighed.push(measure_one(workload, &wheels, size, scale));
    }
    let steady = Rc::new(Steady::new(scale.armed_a_second));
    for (name, level) in [
        ("bytes a live timer, 95% cancelled", Level::Settled),
        ("bytes a live timer, 95% cancelled, peak", Level::Peak),
    ] {
        let wheels = Wheels::Steady(Rc::clone(&steady), level);
        weighed.push(measure_one(name.to_owned(), &wheels, scale.armed_a_second, scale));
    }
    weighed
}

fn measure_one(workload: String, wheels: &Wheels, size: usize, scale: Scale) -> Measured {
    let (unit, summary, repeats) = match wheels {
        Wheels::Operation(..) => (Unit::Nanoseconds, Summary::Median, scale.repeats(size)),
        Wheels::WorstTick(_) | Wheels::WorstCall(_) | Wheels::WorstQuestion(_) => {
            (Unit::Nanoseconds, Summary::Last, scale.repeats(size))
        }
        Wheels::Bytes(_) => (Unit::Bytes, Summary::Median, TURNS),
        Wheels::Steady(..) => (Unit::Bytes, Summary::Last, 1),
    };
    let mut case = Case { workload, size, unit, summary, contenders: Vec::new() };
    if scale.lone_sizes.contains(&size) {
        contenders::our_wheels(wheels, &mut case);
    } else {
        contenders::wheels(wheels, &mut case);
    }
    case.measure(repeats)
}

impl Wheels {
    pub(crate) fn ours<T: Timers + 'static>(&self, case: &mut Case) {
        case.contenders.push(Contender { name: T::NAME, ours: true, turn: self.turn::<T>() });
    }

    /// A peer competes in what it can do.
    pub(crate) fn peer<T: Timers + 'static>(&self, case: &mut Case) {
        let is_able = match self {
            Self::Operation(prepared, _) | Self::WorstQuestion(prepared) => {
                !T::LEFT_OUT.contains(&prepared.operation)
            }
            _ => true,
        };
        if is_able {
            case.contenders.push(Contender { name: T::NAME, ours: false, turn: self.turn::<T>() });
        }
    }

    fn turn<T: Timers + 'static>(&self) -> Box<dyn FnMut() -> Turn> {
        let mut steps = Steps::default();
        match self.clone() {
            Self::Operation(prepared, rounds) => {
                let mut is_checked = false;
                Box::new(move || {
                    let is_first = !std::mem::replace(&mut is_checked, true);
                    run_often::<T>(&prepared, rounds, is_first)
                })
            }
            Self::WorstTick(plan) => Box::new(move || worst_tick::<T>(&plan, &mut steps)),
            Self::WorstCall(plan) => Box::new(move || worst_call::<T>(&plan, &mut steps)),
            Self::WorstQuestion(prepared) => {
                Box::new(move || worst_question::<T>(&prepared, &mut steps))
            }
            Self::Bytes(plan) => Box::new(move || {
                held(plan.timers.len(), || {
                    let mut timers = T::new(plan.timers.len());
                    insert(&mut timers, &plan);
                    timers
                })
            }),
            Self::Steady(steady, level) => Box::new(move || steady.turn::<T>(level)),
        }
    }
}

/// Runs an operation on a new structure each time. What an operation leaves is looked at once,
/// after the first run of a first turn: at a million timers that takes longer than the operation.
fn run_often<T: Timers>(prepared: &Prepared, rounds: usize, is_first: bool) -> Turn {
    let (mut sum_ns, mut checksum) = (0, 0);
    for round in 0..rounds {
        let mut timers = prepared.start::<T>();
        let (taken_ns, seen) = cpu_ns(|| prepared.run(&mut timers));
        sum_ns += taken_ns;
        checksum = mix(checksum ^ seen);
        if is_first && round == 0 {
            checksum = mix(checksum ^ prepared.finish(&mut timers));
        }
    }
    Turn { cost: sum_ns as f64 / (rounds * prepared.count::<T>()) as f64, checksum }
}
