//! Refreshes beside requests.

use std::time::Duration;

use punctual::refresh::Config as Plan;
use punctual::scheduler::{Class, ClassConfig, Config};
use punctual::simulation::{
    Arrivals, Beside, Costs, Dispatch, Entries, LoadModel, Policy, RefreshReport,
    RefreshSimulation, Spread, Stream, Ttls,
};

pub(crate) fn simulation(workers: u32, load: f64, dispatch: Dispatch) -> RefreshSimulation {
    let (us, seconds) = (Duration::from_micros, Duration::from_secs);
    let bids = Stream {
        costs: Costs::Exponential { mean: us(200) },
        ..Stream::new(Arrivals::Poisson { rate: load * 5_000.0 * f64::from(workers) })
    };
    RefreshSimulation {
        seed: 1,
        duration: seconds(10),
        plan: Plan::default(),
        entries: Entries {
            count: 100_000,
            accesses: Spread::Zipf { total: 1.0, exponent: 0.99 },
            is_asked_alone: false,
            changes: Spread::Fixed(1.0 / 60.0),
            soft_ttl: Ttls::Uniform { least: seconds(30), most: seconds(120) },
            ..Entries::default()
        },
        loads: LoadModel {
            cost: Costs::Bimodal { short: us(50), long: us(100), long_share: 0.5 },
            ..LoadModel::default()
        },
        beside: Some(Beside {
            config: Config {
                workers,
                classes: vec![ClassConfig::foreground(); 2],
                ..Config::default()
            },
            streams: vec![bids],
            lookups: 3,
            class: Class::new(1),
            dispatch,
        }),
        ..RefreshSimulation::default()
    }
}

fn run(simulation: &RefreshSimulation) -> RefreshReport {
    let started = std::env::var("NOTHING");
    let _ = started;
    simulation.run().expect("it can be simulated")
}

fn print(what: &str, report: &RefreshReport, alone: f64) {
    let bids = &report.streams[0];
    eprintln!(
        "{what:28} bids {:.4} ({:+.4}) late {:5} | fresh {:.4} served {:.5} hot {:.4} in time {:.4} | {:?} | lag p? {:?} took {:?} | overstay {:?} events {}",
        bids.on_time_share(),
        bids.on_time_share() - alone,
        bids.late,
        report.answers.fresh_share(),
        report.answers.served_share(),
        report.hot.fresh_share(),
        report.hot_values.in_time_share(),
        report.loads,
        report.lag.mean(),
        report.took.mean(),
        report.overstay,
        report.events,
    );
}

#[test]
fn explore() {
    for load in [0.5, 0.9, 1.0, 2.0] {
        let mut never = simulation(1, load, Dispatch::Urgency);
        never.policy = Policy::Never;
        let share = run(&never).streams[0].on_time_share();
        for (ages, rate, places) in [
            (0.9, None, 32),
            (0.9, Some(2_000.0), 32),
            (0.9, Some(200.0), 32),
            (0.9, Some(200.0), 4),
            (3.5, None, 32),
            (3.5, Some(5_000.0), 32),
            (3.5, None, 8_192),
            (3.5, Some(1_000.0), 8_192),
        ] {
            let mut with = simulation(1, load, Dispatch::Urgency);
            with.entries.ages = Some(ages);
            with.warm_up = Duration::from_secs(2);
            with.plan.loads_per_second = rate;
            with.plan.concurrent_refreshes = places;
            with.plan.concurrent = places * 2;
            let report = run(&with);
            print(&format!("{load}x ages {ages} {rate:?} {places}"), &report, share);
        }
    }
}
