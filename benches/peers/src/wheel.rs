//! The workloads of the wheels.

use std::rc::Rc;

use crate::contenders;
use crate::frame::{Case, Contender, Measured, Summary, Turn, Unit, timed};
use crate::memory::{TURNS, held};
use crate::options::Scale;
use crate::steps::Steps;
use crate::workload::wheel::Timers;
use crate::workload::wheel::operation::{Operation, Prepared, fire, insert};
use crate::workload::wheel::plan::{Delay, Plan};

/// A workload, for any structure to do.
#[derive(Clone)]
pub(crate) enum Wheels {
    Operation(Rc<Prepared>),
    /// The longest tick of all, in wall time: what a thread is held up by.
    WorstTick(Rc<Plan>),
    Bytes(Rc<Plan>),
}

pub(crate) fn measure(scale: Scale) -> Vec<Measured> {
    let mut measured = Vec::new();
    for delay in [Delay::Uniform, Delay::Exponential] {
        for operation in Operation::ALL {
            for &size in scale.sizes {
                let wheels = Wheels::Operation(Rc::new(Prepared::new(operation, size, delay)));
                measured.push(measure_one(operation.name(), &wheels, size, delay, scale));
            }
        }
        for &size in scale.sizes {
            let wheels = Wheels::WorstTick(Rc::new(Plan::new(size, delay, 0)));
            measured.push(measure_one("worst tick", &wheels, size, delay, scale));
        }
    }
    measured
}

pub(crate) fn weigh(scale: Scale) -> Vec<Measured> {
    let scale = Scale { repeats: TURNS, ..scale };
    let weighed = scale.sizes.iter().map(|&size| {
        let wheels = Wheels::Bytes(Rc::new(Plan::new(size, Delay::Uniform, 0)));
        measure_one("bytes a timer", &wheels, size, Delay::Uniform, scale)
    });
    weighed.collect()
}

fn measure_one(name: &str, wheels: &Wheels, size: usize, delay: Delay, scale: Scale) -> Measured {
    let (unit, summary) = match wheels {
        Wheels::Operation(_) => (Unit::Nanoseconds, Summary::Median),
        Wheels::WorstTick(_) => (Unit::Nanoseconds, Summary::Last),
        Wheels::Bytes(_) => (Unit::Bytes, Summary::Median),
    };
    let workload = format!("{name}, {}", delay.name());
    let mut case = Case { workload, size, unit, summary, contenders: Vec::new() };
    contenders::wheels(wheels, &mut case);
    case.measure(scale.repeats)
}

impl Wheels {
    pub(crate) fn ours<T: Timers + 'static>(&self, case: &mut Case) {
        case.contenders.push(Contender { name: T::NAME, ours: true, turn: self.turn::<T>() });
    }

    pub(crate) fn peer<T: Timers + 'static>(&self, case: &mut Case) {
        case.contenders.push(Contender { name: T::NAME, ours: false, turn: self.turn::<T>() });
    }

    fn turn<T: Timers + 'static>(&self) -> Box<dyn FnMut() -> Turn> {
        match self.clone() {
            Self::Operation(prepared) => Box::new(move || {
                let mut timers = prepared.start::<T>();
                let turn = timed(prepared.count, || prepared.run(&mut timers));
                let left = prepared.finish(&mut timers);
                Turn { checksum: turn.checksum ^ left.rotate_left(1), ..turn }
            }),
            Self::WorstTick(plan) => {
                let mut ticks = Steps::default();
                Box::new(move || worst_tick::<T>(&plan, &mut ticks))
            }
            Self::Bytes(plan) => Box::new(move || {
                held(plan.timers.len(), || {
                    let mut timers = T::new(plan.timers.len());
                    insert(&mut timers, &plan);
                    timers
                })
            }),
        }
    }
}

/// Visits every tick up to the last deadline; the cost is that of the slowest.
fn worst_tick<T: Timers>(plan: &Plan, ticks: &mut Steps) -> Turn {
    let mut timers = T::new(plan.timers.len());
    insert(&mut timers, plan);
    let last_tick = plan.timers.iter().map(|&(_, tick)| tick).max().unwrap_or(0);
    let mut checksum = 0_u64;
    for now in 1..=last_tick {
        let fired = ticks.time(now as usize - 1, || fire(&mut timers, now));
        checksum = checksum.wrapping_add(fired);
    }
    Turn { cost: ticks.worst_ns(), checksum }
}
