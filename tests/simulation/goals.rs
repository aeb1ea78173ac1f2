//! How well overload is borne, in numbers: one worker, jobs of 200 µs on average that are due
//! after 10 ms, and more of them than can be done.

use std::time::Duration;

use punctual::scheduler::{Admission, Class, ClassConfig, Config, Margin, Quantile, Reservation};
use punctual::simulation::{Arrivals, Costs, Estimates, Report, Simulation, Stream, Tenants, What};

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

/// How many of the offered jobs fit into the capacity, the shortest first, whenever they come:
/// nobody can do more.
fn fluid_bound(simulation: &Simulation) -> (Report, u64) {
    let mut costs = Vec::new();
    let (report, _) = simulation
        .observe(|event, _| {
            if let What::Submitted { ticket, .. } | What::Refused { ticket, .. } = event.what {
                costs.push(ticket.cost);
            }
        })
        .expect("it can be simulated");
    costs.sort_unstable();
    let mut left = report.capacity;
    let fitting = costs.iter().take_while(|&&cost| {
        let rest = left.checked_sub(cost);
        left = rest.unwrap_or_default();
        rest.is_some()
    });
    let bound = fitting.count() as u64;
    (report, bound)
}

#[test]
fn equal_jobs_leave_no_capacity_unused_and_are_never_late() {
    for (load, least) in [(2.0, 0.98), (5.0, 0.97), (10.0, 0.95)] {
        for admission in [Admission::Evict, Admission::Feasible] {
            let stream = Stream { costs: Costs::Fixed(MEAN), ..Stream::new(poisson(load)) };
            let report = run(&simulation(admission, vec![stream]));
            eprintln!("fixed {load}x {admission:?}: goodput {:.4}", report.goodput());
            assert_eq!(report.total.late, 0);
            assert!(report.goodput() >= least, "{load}x {admission:?}: {}", report.goodput());
        }
    }
}

/// Most jobs in time, compared with the bound and with a queue that only sheds what is too late.
fn expect_nine_tenths_of_the_bound(costs: Costs) {
    for load in [2.0, 5.0, 10.0] {
        let stream = Stream { costs, ..Stream::new(poisson(load)) };
        let blind = Stream { estimates: Estimates::Learned, ..stream.clone() };
        let (report, bound) = fluid_bound(&simulation(Admission::Evict, vec![stream]));
        let blind = run(&simulation(Admission::All, vec![blind]));
        let share = report.total.on_time as f64 / bound as f64;
        let factor = report.total.on_time as f64 / blind.total.on_time as f64;
        eprintln!("{costs:?} {load}x: {share:.3} of the bound, {factor:.2} times cost-blind EDF");
        assert_eq!(report.total.late, 0);
        assert!(share >= 0.9, "{load}x: {share}");
        assert!(factor > 1.0, "{load}x: {factor}");
    }
}

#[test]
fn exponential_jobs_are_done_in_nearly_the_largest_number() {
    expect_nine_tenths_of_the_bound(EXPONENTIAL);
}

#[test]
fn bimodal_jobs_are_done_in_nearly_the_largest_number() {
    expect_nine_tenths_of_the_bound(BIMODAL);
}

#[test]
fn a_reserved_class_doesnt_notice_a_spike_of_the_others() {
    let ms = Duration::from_millis;
    let critical = Stream { costs: EXPONENTIAL, ..Stream::new(poisson(0.1)) };
    let (base, spike) = (0.5 * FULL_RATE, 12.0 * FULL_RATE);
    let others = Stream {
        class: Class::new(1),
        costs: EXPONENTIAL,
        ..Stream::new(Arrivals::Spike { base, spike, length: ms(500), period: ms(1_000) })
    };
    for admission in [Admission::Evict, Admission::All] {
        let mut simulation = simulation(admission, vec![critical.clone(), others.clone()]);
        let reservation = Reservation { runtime: ms(3), period: ms(10) };
        let reserved = ClassConfig::foreground().reservation(reservation);
        for (critical, is_reserved) in
            [(ClassConfig::foreground(), false), (reserved.clone(), true)]
        {
            simulation.config.classes = vec![critical, ClassConfig::foreground()];
            let share = run(&simulation).classes[0].on_time_share();
            eprintln!("{admission:?}, reserved {is_reserved}: {share:.5} of the critical class");
            assert_eq!(share >= 0.999, is_reserved, "{admission:?}: {share}");
        }
    }
}

#[test]
fn a_learned_margin_keeps_noisy_estimates_from_being_late() {
    let late_share = |admission, load, sigma, margin| {
        let estimates = Estimates::LogNormal { sigma };
        let stream = Stream { costs: EXPONENTIAL, estimates, ..Stream::new(poisson(load)) };
        let mut simulation = simulation(admission, vec![stream]);
        simulation.config.margin = margin;
        let total = run(&simulation).total;
        total.late as f64 / (total.late + total.on_time) as f64
    };
    let (least, most) = (Duration::ZERO, Duration::from_millis(5));
    for (admission, load, sigma) in [
        (Admission::Evict, 2.0, 1.0),
        (Admission::Evict, 5.0, 1.0),
        (Admission::Feasible, 2.0, 0.3),
    ] {
        let margin = Margin::Learned { quantile: Quantile::P999, least, most };
        let learned = late_share(admission, load, sigma, margin);
        let fixed = late_share(admission, load, sigma, Margin::Fixed(Duration::ZERO));
        eprintln!(
            "late, {admission:?} {load}x: {fixed:.5} without a margin, {learned:.5} with one"
        );
        assert!(learned <= 0.001, "{learned}");
        assert!(fixed > 0.001, "{fixed}");
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
