//! A random configuration, load and trouble for each seed.

use std::time::Duration;

use punctual::scheduler::{
    Admission, Class, ClassConfig, Config, CostModel, Margin, Quantile, Reservation,
};
use punctual::simulation::{
    Arrivals, Costs, Disturbance, Estimates, Simulation, Stream, Tenants, Trace, TraceRow,
};

use super::random::Random;

/// How much is known of a simulation, and with that, how much can be expected.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// What is accepted must be done in time: one worker, true costs, no reservation, no
    /// background work, nothing that goes wrong.
    Plain,
    /// True costs and nothing that goes wrong; the order of starts is that of deadlines.
    Known,
    /// The same, with one class that has a reservation, and nobody who is turned away.
    Reserved,
    Wild,
}

pub(crate) fn simulation(seed: u64) -> Simulation {
    let random = &mut Random(seed);
    let kinds = [Kind::Plain, Kind::Known, Kind::Reserved, Kind::Wild, Kind::Wild, Kind::Wild];
    let kind = random.pick(&kinds);
    let config = config(random, kind);
    let load = random.pick(&[0.3, 0.9, 1.2, 2.0, 5.0, 12.0]);
    let count = random.within(1, 5);
    let streams = (0..count).map(|_| {
        let share = load * f64::from(config.workers) / count as f64;
        stream(random, share, config.classes.len() as u64, kind)
    });
    let streams = streams.collect();
    let is_calm = kind != Kind::Wild || random.one_in(4);
    let is_shut_down = random.one_in(10);
    Simulation {
        seed,
        duration: random.us(5_000, 150_000),
        max_events: 20_000,
        poll_delay: match is_calm || random.one_in(2) {
            true => Duration::ZERO,
            false => random.us(1, 300),
        },
        config,
        streams,
        disturbances: if is_calm { Vec::new() } else { disturbances(random) },
        shutdown: is_shut_down.then(|| (random.us(1_000, 30_000), random.us(0, 20_000))),
        ..Simulation::default()
    }
}

fn config(random: &mut Random, kind: Kind) -> Config {
    let is_plain = kind == Kind::Plain;
    let workers = if is_plain { 1 } else { random.within(1, 4) as u32 };
    let count = random.within(if kind == Kind::Reserved { 2 } else { 1 }, 4);
    let mut classes: Vec<_> = (0..count).map(|_| class(random, workers, kind)).collect();
    if kind == Kind::Reserved {
        let period = random.us(2_000, 10_000);
        let runtime = period.mul_f64(random.real(0.1, 0.9)) * workers;
        let reserved = ClassConfig { background: false, ..classes[0].clone() };
        classes[0] = reserved.reservation(Reservation { runtime, period });
    }
    Config {
        workers,
        queue_bound: if random.one_in(4) { random.within(1, 100) as u32 } else { 1 << 16 },
        admission: match kind {
            Kind::Plain => random.pick(&[Admission::Feasible, Admission::Evict]),
            Kind::Reserved => Admission::All,
            _ => random.pick(&[Admission::All, Admission::Feasible, Admission::Evict]),
        },
        shadow: kind == Kind::Wild && random.one_in(6),
        margin: match kind != Kind::Wild || random.one_in(2) {
            true => Margin::Fixed(random.us(0, 500)),
            false => {
                let least = random.us(0, 100);
                let most = least + random.us(0, 2_000);
                let quantile = random.pick(&[Quantile::P50, Quantile::P90, Quantile::P999]);
                Margin::Learned { quantile, least, most }
            }
        },
        max_sheds_between_runs: random.within(0, 32) as u32,
        classes,
    }
}

fn class(random: &mut Random, workers: u32, kind: Kind) -> ClassConfig {
    let models =
        [CostModel::Mean, CostModel::Quantile(Quantile::P50), CostModel::Quantile(Quantile::P99)];
    let is_wild = kind == Kind::Wild;
    let is_background = kind != Kind::Plain && random.one_in(4);
    let kind = if is_background { ClassConfig::background() } else { ClassConfig::foreground() };
    let period = random.us(1_000, 20_000);
    ClassConfig {
        cost_model: random.pick(&models),
        initial_cost: random.us(0, 500),
        weight: random.within(1, 10) as u32,
        reservation: (is_wild && !is_background && random.one_in(3)).then(|| Reservation {
            // Four classes don't book more than all workers have.
            runtime: period.mul_f64(random.real(0.01, 0.25)) * workers,
            period,
        }),
        queue_bound: random.one_in(5).then(|| random.within(1, 50) as u32),
        starvation_guard: (is_wild && is_background && random.one_in(2))
            .then(|| random.us(500, 20_000)),
        ..kind
    }
}

/// A stream that makes so much work for one worker.
fn stream(random: &mut Random, load: f64, classes: u64, kind: Kind) -> Stream {
    let is_plain = kind == Kind::Plain;
    let mean = random.us(20, 1_500);
    let costs = match random.within(0, 3) {
        0 => Costs::Fixed(mean),
        1 => Costs::Exponential { mean },
        2 => Costs::Bimodal { short: mean / 2, long: mean * 5, long_share: 0.1 },
        _ => Costs::Pareto { least: mean / 2, shape: random.real(0.8, 3.0), most: mean * 50 },
    };
    let arrivals = arrivals(random, load, mean);
    let is_traced = matches!(arrivals, Arrivals::Trace(_));
    // A class that isn't configured, now and then.
    let last_class = classes - u64::from(!random.one_in(20));
    Stream {
        class: Class::new(random.within(0, last_class) as u16),
        costs: if is_traced && random.one_in(2) { Costs::Traced } else { costs },
        estimates: if kind == Kind::Wild { estimates(random) } else { Estimates::Exact },
        // One that has no time at all expires at once.
        budget: match random.within(0, 39) {
            0..=4 if !is_plain => None,
            39 => Some(Duration::ZERO),
            _ => Some(random.us(100, 20_000)),
        },
        value: random.pick(&[0, 1, 1, 1, 5, 100]),
        tenants: match random.within(0, 3) {
            0 => Tenants::Uniform { first: random.within(0, 3), count: random.within(1, 20) },
            1 => Tenants::Weighted { first: 0, weights: vec![8.0, 1.0, 0.0, 2.0] },
            _ => Tenants::None,
        },
        lead: if is_plain || random.one_in(2) { Duration::ZERO } else { random.us(0, 2_000) },
        release_delay: match is_plain || random.one_in(2) {
            true => Duration::ZERO,
            false => random.us(0, 5_000),
        },
        identities: random.one_in(4).then(|| random.within(1, 30)),
        failures: if random.one_in(4) { random.real(0.0, 1.0) } else { 0.0 },
        ..Stream::new(arrivals)
    }
}

fn arrivals(random: &mut Random, load: f64, mean: Duration) -> Arrivals {
    let rate = load / mean.as_secs_f64();
    let every = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
    match random.within(0, 5) {
        0 => Arrivals::OnOff { rate: rate * 3.0, on: random.us(100, 5_000), off: every * 20 },
        1 => {
            let (length, period) = (random.us(500, 5_000), random.us(5_000, 20_000));
            Arrivals::Spike { base: rate / 2.0, spike: rate * 5.0, length, period }
        }
        2 => Arrivals::Even { every },
        3 => Arrivals::Batch { at: random.us(0, 5_000), count: random.within(1, 300) as u32 },
        4 => {
            let row = |random: &mut Random| TraceRow {
                at: random.us(0, 30_000),
                cost: random.us(0, 2_000),
                budget: random.one_in(2).then(|| random.us(0, 10_000)),
                value: random.one_in(2).then(|| random.within(0, 9) as u32),
                tenant: random.one_in(2).then(|| random.within(0, 9)),
                ..TraceRow::default()
            };
            let mut rows: Vec<_> = (0..200).map(|_| row(random)).collect();
            rows.sort_by_key(|row| row.at);
            Arrivals::Trace(Trace::new(rows).expect("the rows are sorted"))
        }
        _ => Arrivals::Poisson { rate },
    }
}

fn estimates(random: &mut Random) -> Estimates {
    match random.within(0, 4) {
        0 => Estimates::Exact,
        1 => Estimates::LogNormal { sigma: random.real(0.0, 1.5) },
        2 => Estimates::Uniform { least: random.real(0.0, 1.0), most: random.real(1.0, 3.0) },
        3 => Estimates::Factor(random.pick(&[0.0, 0.2, 0.9, 3.0])),
        _ => Estimates::Learned,
    }
}

fn disturbances(random: &mut Random) -> Vec<Disturbance> {
    let all = |random: &mut Random| {
        let (every, length) = (random.us(200, 20_000), random.us(1, 5_000));
        let least = random.us(1, 5_000);
        match random.within(0, 5) {
            0 => Disturbance::WorkerStall { every, length },
            1 => Disturbance::ClockStall { every, length },
            2 => Disturbance::ClockJump { every, length },
            3 => Disturbance::StaleReading { every, age: length },
            4 => Disturbance::CancelStorm { every, share: random.real(0.0, 1.0) },
            _ => Disturbance::Reschedule { every: every / 20, least, most: least + length },
        }
    };
    (0..random.within(0, 4)).map(|_| all(random)).collect()
}
