//! Refreshes beside the requests that a cache serves: requests don't notice them, and what is
//! asked for most is fresh as long as there is slack.

use std::time::Duration;

use punctual::scheduler::{Class, ClassConfig, Config};
use punctual::simulation::{
    Arrivals, Beside, Costs, Dispatch, Entries, LoadModel, Policy, RefreshReport,
    RefreshSimulation, RefreshWhat, Spread, Stream, Ttls, What,
};

/// Bids of 200 µs on average that are due after 10 ms and look up three entries each, so many
/// times as the workers could do; and 100,000 entries whose values are fresh for half a minute to
/// two and may be served four times as long. A load takes 50 or 100 µs of a worker and 5 ms more.
pub(crate) fn simulation(workers: u32, load: f64, dispatch: Dispatch) -> RefreshSimulation {
    let (us, seconds) = (Duration::from_micros, Duration::from_secs);
    let bids = Stream {
        costs: Costs::Exponential { mean: us(200) },
        ..Stream::new(Arrivals::Poisson { rate: load * 5_000.0 * f64::from(workers) })
    };
    let classes = vec![ClassConfig::foreground(); 2];
    RefreshSimulation {
        seed: 1,
        duration: seconds(3),
        warm_up: seconds(1),
        entries: Entries {
            count: 100_000,
            accesses: Spread::Zipf { total: 1.0, exponent: 0.99 },
            is_asked_alone: false,
            changes: Spread::Fixed(1.0 / 60.0),
            soft_ttl: Ttls::Uniform { least: seconds(30), most: seconds(120) },
            ages: Some(0.9),
            ..Entries::default()
        },
        loads: LoadModel {
            cost: Costs::Bimodal { short: us(50), long: us(100), long_share: 0.5 },
            ..LoadModel::default()
        },
        beside: Some(Beside {
            config: Config { workers, classes, ..Config::default() },
            streams: vec![bids],
            lookups: 3,
            class: Class::new(1),
            dispatch,
        }),
        ..RefreshSimulation::default()
    }
}

/// A cache that has not been refreshed for long: nearly all values are stale, and some are about
/// to go.
pub(crate) fn backlog(workers: u32, load: f64, dispatch: Dispatch) -> RefreshSimulation {
    let mut simulation = simulation(workers, load, dispatch);
    (simulation.entries.ages, simulation.entries.jitter) = (Some(4.0), 0.0);
    simulation
}

pub(crate) fn run(what: &str, simulation: &RefreshSimulation) -> RefreshReport {
    let report = simulation.run().expect("it can be simulated");
    let bids = &report.streams[0];
    assert_eq!(bids.outcomes(), bids.offered, "each bid has an outcome");
    eprintln!(
        "{what}: {:.4} of {} bids on time; {} loads, {} turned away; {:.4} of the answers fresh, \
         {:.4} of the hot ones, {:.4} served",
        bids.on_time_share(),
        bids.offered,
        report.loads.started(),
        report.loads.dropped,
        report.answers.fresh_share(),
        report.hot.fresh_share(),
        report.answers.served_share(),
    );
    report
}

/// What the same bids do without any load.
fn alone(simulation: &RefreshSimulation) -> f64 {
    let mut simulation = simulation.clone();
    simulation.policy = Policy::Never;
    run("alone", &simulation).streams[0].on_time_share()
}

#[test]
fn bids_dont_notice_refreshes() {
    for workers in [1, 2] {
        for load in [0.5, 1.0, 2.0, 5.0] {
            let simulation = backlog(workers, load, Dispatch::Urgency);
            let alone = alone(&simulation);
            let report = run(&format!("{workers} workers, {load}x"), &simulation);
            let beside = report.streams[0].on_time_share();
            assert!((beside - alone).abs() <= 0.005, "{load}x: {alone} became {beside}");
            assert_eq!(report.streams[0].late, 0);
            assert!(report.overstay <= Duration::from_millis(1), "{:?}", report.overstay);
        }
    }
}

/// Loads whose value is about to go are foreground jobs, due when it goes. They are worth nothing,
/// so that in overload they are the first to be turned away, and bids keep all that they had.
#[test]
fn what_is_about_to_go_pushes_nobody_out() {
    for load in [1.0, 2.0] {
        let mut simulation = backlog(1, load, Dispatch::Urgency);
        // Places for more than wait for slack, and a budget that leaves some to what expires.
        simulation.plan.loads_per_second = Some(1_000.0);
        (simulation.plan.concurrent, simulation.plan.concurrent_refreshes) = (16_384, 8_192);
        let alone = alone(&simulation);
        let report = run(&format!("{load}x, much is about to go"), &simulation);
        let beside = report.streams[0].on_time_share();
        assert!(report.loads.expiring + report.loads.raised > 20, "{:?}", report.loads);
        assert!((beside - alone).abs() <= 0.005, "{load}x: {alone} became {beside}");
    }
}

#[test]
fn with_slack_every_value_is_refreshed_in_time() {
    for workers in [1, 2] {
        let simulation = simulation(workers, 0.5, Dispatch::Urgency);
        let report = run(&format!("{workers} workers, 0.5x"), &simulation);
        assert!(report.answers.fresh_share() >= 0.999);
        let (values, hot) = (report.values, report.hot_values);
        assert!(values.in_time > 1_000 && values.in_time_share() >= 0.999, "{values:?}");
        assert!(hot.in_time > 10 && hot.late + hot.expired == 0, "{hot:?}");
    }
}

/// The backlog needs more than the slack can give in this time: it goes to what is asked for most,
/// whether a limit or the lack of places makes loads scarce.
#[test]
fn what_is_asked_for_most_comes_first() {
    for (load, limit) in [(0.9, None), (0.5, None), (0.5, Some(1_000.0))] {
        let mut simulation = backlog(1, load, Dispatch::Urgency);
        simulation.plan.loads_per_second = limit;
        let seconds = Duration::from_secs;
        (simulation.warm_up, simulation.duration) = (seconds(4), seconds(6));
        let report = run(&format!("{load}x, limit {limit:?}"), &simulation);
        assert!(report.hot.fresh_share() >= 0.97, "{}", report.hot.fresh_share());
        assert!(report.answers.fresh_share() <= 0.95);
    }
    // In the long run, where a hundredth of a worker is left.
    let mut simulation = simulation(1, 1.0, Dispatch::Urgency);
    simulation.duration = Duration::from_secs(6);
    let report = run("1x", &simulation);
    let (values, hot) = (report.values, report.hot_values);
    assert!(hot.in_time >= 40 && hot.in_time_share() >= 0.9, "{hot:?}");
    assert!(values.in_time_share() < 0.9, "{values:?}");
}

/// Refreshes in threads of their own, which share the cores with the workers; as jobs like any
/// other; and as jobs that are due when their value turns stale.
#[test]
fn refreshes_that_dont_yield_cost_bids() {
    let budget = Dispatch::Budget(Duration::from_millis(10));
    for load in [1.0, 2.0] {
        let alone = alone(&simulation(1, load, Dispatch::Urgency));
        for dispatch in [Dispatch::Threads, budget] {
            let report = run(&format!("{load}x, {dispatch:?}"), &simulation(1, load, dispatch));
            let beside = report.streams[0].on_time_share();
            assert!(beside < alone - 0.02, "{load}x {dispatch:?}: {alone} became {beside}");
        }
    }
}

#[test]
fn refreshes_start_only_in_slack() {
    let mut waiting = 0_u64;
    let mut started = 0_u64;
    let report = backlog(1, 0.9, Dispatch::Urgency).observe(|event, _| {
        let RefreshWhat::Job(job) = event.what else { return };
        match job.what {
            What::Submitted { ticket, .. } if ticket.deadline.is_some() => waiting += 1,
            What::Started { ticket, deadline: None, .. } => {
                assert_eq!(ticket.stream, RefreshWhat::LOADS);
                assert_eq!(waiting, 0, "a refresh started although somebody waited");
                started += 1;
            }
            What::Started { ticket, .. } | What::Shed { ticket, .. } => {
                // One that was raised was not counted.
                waiting -= u64::from(ticket.deadline.is_some());
            }
            _ => {}
        }
    });
    let report = report.expect("it can be simulated");
    assert!(started > 1_000 && report.streams[0].on_time > 10_000, "{started}");
}
