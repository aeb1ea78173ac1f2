//! How well overload is borne, in numbers: one worker, jobs of 200 µs on average that are due
//! after 10 ms, and more of them than can be done.

use std::time::Duration;

use punctual::scheduler::{Admission, Class, ClassConfig, Config, Margin, Quantile, Reservation};
use punctual::simulation::{
    Arrivals, Costs, Estimates, Report, Simulation, Stream, Tally, Tenants, What, Windows,
};

use super::oracles::fluid;

const MEAN: Duration = Duration::from_micros(200);
const EXPONENTIAL: Costs = Costs::Exponential { mean: MEAN };
/// Long jobs cost ten times as much as short ones, and are a tenth of all.
const BIMODAL: Costs = Costs::Bimodal {
    short: Duration::from_nanos(105_263),
    long: Duration::from_nanos(1_052_632),
    long_share: 0.1,
};
/// Jobs in a second that keep the worker just busy.
pub(crate) const FULL_RATE: f64 = 5_000.0;

pub(crate) fn poisson(load: f64) -> Arrivals {
    Arrivals::Poisson { rate: load * FULL_RATE }
}

pub(crate) fn simulation(admission: Admission, streams: Vec<Stream>) -> Simulation {
    let config = Config { admission, ..Config::default() };
    Simulation {
        seed: 1,
        duration: Duration::from_secs(10),
        config,
        streams,
        ..Simulation::default()
    }
}

fn run(simulation: &Simulation) -> Report {
    let report = simulation.run().expect("it can be simulated");
    assert_eq!((report.total.outcomes(), report.pending), (report.total.offered, 0));
    report
}

/// How many of the offered jobs fit into the capacity.
fn fluid_bound(simulation: &Simulation) -> (Report, usize) {
    let mut costs = Vec::new();
    let (report, _) = simulation
        .observe(|event, _| {
            if let What::Submitted { ticket, .. } | What::Refused { ticket, .. } = event.what {
                costs.push(ticket.cost.as_nanos() as u64);
            }
        })
        .expect("it can be simulated");
    let bound = fluid::most_done(costs, report.capacity.as_nanos() as u64);
    (report, bound)
}

#[test]
fn equal_jobs_leave_no_capacity_unused_and_are_never_late() {
    for (load, least) in [(2.0, 0.98), (5.0, 0.97), (10.0, 0.95)] {
        for (admission, workers) in
            [(Admission::Evict, 1), (Admission::Feasible, 1), (Admission::Evict, 4)]
        {
            let arrivals = poisson(load * f64::from(workers));
            let stream = Stream { costs: Costs::Fixed(MEAN), ..Stream::new(arrivals) };
            let mut simulation = simulation(admission, vec![stream]);
            simulation.config.workers = workers;
            for seed in 1..=3 {
                simulation.seed = seed;
                let report = run(&simulation);
                let goodput = report.goodput();
                eprintln!("fixed {load}x {admission:?}, {workers} workers: goodput {goodput:.4}");
                assert_eq!(report.total.late, 0);
                let is_kept = admission == Admission::Evict || report.total.shed.total() == 0;
                assert!(is_kept, "what was accepted is shed: {:?}", report.total.shed);
                assert!(goodput >= least, "{load}x {admission:?}: {goodput}");
            }
        }
    }
}

/// Most jobs in time: compared with the bound; with as many jobs as the capacity is worth to one
/// who can't tell them apart (`theory` is what the bound allows there, at 2, 5 and 10 times the
/// load); and with a queue that only sheds what is too late, with and without a learned margin.
fn expect_nine_tenths_of_the_bound(costs: Costs, theory: [f64; 3]) {
    for (load, theory) in [2.0, 5.0, 10.0].into_iter().zip(theory) {
        let stream = Stream { costs, ..Stream::new(poisson(load)) };
        let blind = Stream { estimates: Estimates::Learned, ..stream.clone() };
        let mut blind = simulation(Admission::All, vec![blind]);
        let (report, bound) = fluid_bound(&simulation(Admission::Evict, vec![stream]));
        let without = run(&blind).total.on_time;
        let (least, most) = (Duration::ZERO, Duration::from_millis(5));
        blind.config.margin = Margin::Learned { quantile: Quantile::P99, least, most };
        let with_margin = run(&blind).total.on_time;
        let on_time = report.total.on_time as f64;
        let share = on_time / bound as f64;
        let factor = on_time / (report.capacity.as_secs_f64() / MEAN.as_secs_f64());
        let measured = on_time / without.max(with_margin) as f64;
        eprintln!(
            "{costs:?} {load}x: {share:.3} of the bound, {factor:.2} times the cost-blind \
             capacity (theory: {theory}), {measured:.2} times cost-blind EDF (in time: {without}, \
             {with_margin} with a margin)"
        );
        assert_eq!(report.total.late, 0);
        assert!(share >= 0.9, "{load}x: {share}");
        assert!(factor >= 0.85 * theory, "{load}x: {factor}");
        assert!(measured >= 0.85 * theory, "{load}x: {measured}");
    }
}

#[test]
fn exponential_jobs_are_done_in_nearly_the_largest_number() {
    expect_nine_tenths_of_the_bound(EXPONENTIAL, [1.63, 2.81, 4.12]);
}

#[test]
fn bimodal_jobs_are_done_in_nearly_the_largest_number() {
    expect_nine_tenths_of_the_bound(BIMODAL, [1.81, 1.9, 1.9]);
}

/// A critical class of a third of what a worker can do, which has reserved a fifth more than that,
/// beside others who are twelve times too many: what became of those that came during the spikes.
fn critical_in_spikes(admission: Admission, is_reserved: bool, estimates: Estimates) -> Tally {
    let ms = Duration::from_millis;
    let critical = Stream { costs: EXPONENTIAL, ..Stream::new(poisson(CRITICAL_LOAD)) };
    let (base, spike) = (0.5 * FULL_RATE, 12.0 * FULL_RATE);
    let (length, period) = (ms(800), ms(1_000));
    let others = Stream {
        class: Class::new(1),
        costs: EXPONENTIAL,
        estimates,
        ..Stream::new(Arrivals::Spike { base, spike, length, period })
    };
    let mut simulation = simulation(admission, vec![critical, others]);
    let reservation = Reservation {
        runtime: RESERVED_PERIOD.mul_f64(1.2 * CRITICAL_LOAD),
        period: RESERVED_PERIOD,
    };
    let foreground = ClassConfig::foreground();
    let critical =
        if is_reserved { foreground.clone().reservation(reservation) } else { foreground.clone() };
    simulation.config.classes = vec![critical, foreground];
    simulation.duration = ms(15_000);
    simulation.windows = vec![Windows { period, from: Duration::ZERO, until: length }];
    let mut sum = Tally::default();
    for seed in if is_reserved { 1..=3 } else { 1..=1 } {
        simulation.seed = seed;
        let tally = &run(&simulation).windows[0].classes[0];
        sum.offered += tally.offered;
        sum.on_time += tally.on_time;
    }
    sum
}

const CRITICAL_LOAD: f64 = 0.3;
/// Two deadlines: the bucket has to hold what random arrivals bring at once. A fifth more than the
/// mean would lose 0.16 % of the class in a period of one deadline, whatever the others did.
const RESERVED_PERIOD: Duration = Duration::from_millis(20);

/// A worker is not taken away from a job that takes longer than it said. With `Evict` all that is
/// queued fits exactly, and a critical job waits for its turn by deadline: where the others' costs
/// are badly known, their overruns take one in a hundred of the critical jobs beyond its latest
/// start. With `All` the reserved class goes first, and doesn't notice that either.
#[test]
fn a_reserved_class_doesnt_notice_a_spike_of_the_others() {
    let noisy = |sigma| Estimates::LogNormal { sigma };
    for (admission, least) in
        [(Admission::Evict, [0.999, 0.999, 0.985]), (Admission::All, [0.999; 3])]
    {
        let unreserved = critical_in_spikes(admission, false, Estimates::Exact);
        eprintln!("{admission:?}, unreserved: {:.5} in spikes", unreserved.on_time_share());
        assert!(unreserved.on_time_share() < 0.9);
        for (others, least) in [Estimates::Exact, noisy(0.3), noisy(1.0)].into_iter().zip(least) {
            let critical = critical_in_spikes(admission, true, others);
            let (share, offered) = (critical.on_time_share(), critical.offered);
            eprintln!("{admission:?}, others {others:?}: {share:.5} of {offered} in spikes");
            assert!(offered >= 50_000, "{offered}");
            assert!(share >= least, "{admission:?} {others:?}: {share}");
        }
    }
}

#[test]
fn a_learned_margin_keeps_noisy_estimates_from_being_late() {
    let with = |admission, load, sigma, margin| {
        let estimates = Estimates::LogNormal { sigma };
        let stream = Stream { costs: EXPONENTIAL, estimates, ..Stream::new(poisson(load)) };
        let mut simulation = simulation(admission, vec![stream]);
        simulation.config.margin = margin;
        let report = run(&simulation);
        let total = &report.total;
        (total.late as f64 / (total.late + total.on_time) as f64, report.goodput())
    };
    let (least, most) = (Duration::ZERO, Duration::from_millis(5));
    for (admission, load, sigma) in [
        (Admission::Evict, 2.0, 1.0),
        (Admission::Evict, 5.0, 1.0),
        (Admission::Feasible, 2.0, 0.3),
    ] {
        let margin = Margin::Learned { quantile: Quantile::P999, least, most };
        let (learned, goodput) = with(admission, load, sigma, margin);
        let (fixed, without) = with(admission, load, sigma, Margin::Fixed(Duration::ZERO));
        eprintln!(
            "late, {admission:?} {load}x: {fixed:.5} without a margin, {learned:.5} with one; \
             goodput {without:.4} without, {goodput:.4} with"
        );
        assert!(learned <= 0.001, "{learned}");
        assert!(fixed > 0.001, "{fixed}");
        assert!(goodput >= without - 0.005, "the margin costs too much: {goodput}, not {without}");
    }
}

#[test]
fn a_class_that_declares_too_little_takes_nothing_from_others() {
    let shares = |admission, factor| {
        let right = Stream { costs: EXPONENTIAL, ..Stream::new(poisson(1.0)) };
        let wrong =
            Stream { class: Class::new(1), estimates: Estimates::Factor(factor), ..right.clone() };
        let mut simulation = simulation(admission, vec![right, wrong]);
        simulation.config.classes = vec![ClassConfig::foreground(); 2];
        let classes = run(&simulation).classes;
        [classes[0].on_time_share(), classes[1].on_time_share()]
    };
    for admission in [Admission::Evict, Admission::Feasible] {
        let [fair, _] = shares(admission, 1.0);
        let [right, wrong] = shares(admission, 0.2);
        eprintln!("{admission:?}: {fair:.3} of the right class, beside a wrong one {right:.3}");
        assert!(right >= fair - 0.01, "{admission:?}: {fair} became {right}");
        assert!(wrong <= right + 0.01, "{admission:?}: it pays to declare too little: {wrong}");
    }
}

#[test]
fn a_tenant_that_floods_doesnt_drown_the_others() {
    let modest = Stream {
        costs: EXPONENTIAL,
        tenants: Tenants::Uniform { first: 1, count: 9 },
        ..Stream::new(poisson(0.5))
    };
    let flood = Stream {
        tenants: Tenants::Uniform { first: 0, count: 1 },
        ..Stream { arrivals: poisson(10.0), ..modest.clone() }
    };
    let report = run(&simulation(Admission::Evict, vec![modest, flood]));
    let share = |tenant: u64| report.tenants[&tenant].on_time_share();
    let least = (1..=9).map(share).fold(1.0, f64::min);
    eprintln!("tenants: {:.3} of the flood, at least {least:.3} of the others", share(0));
    assert!(least >= 0.95, "{least}");
    assert!(report.goodput() >= 0.95, "{}", report.goodput());
}
