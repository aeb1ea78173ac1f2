//! A cache's configuration, tried in virtual time: how much freshness a backend's budget brings,
//! and what refreshes do to the requests that they share their workers with.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;
use std::time::Duration;

use punctual::refresh::Config as Plan;
use punctual::scheduler::{Class, ClassConfig, Config};
use punctual::simulation::{
    Arrivals, Beside, Costs, Dispatch, Entries, Policy, RefreshSimulation, Spread, Stream, Ttls,
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("400 entries: answers that are current, by the loads that each may cost a second");
    println!("loads  optimum  planner  round robin  popularity x P(stale)");
    for budget in [0.02, 0.05, 0.1, 0.2] {
        let policies = [Policy::Learned, Policy::RoundRobin, Policy::Popularity];
        let [planner, round_robin, popularity] = policies.map(|policy| alone(budget, policy));
        let optimum = 100.0 * planner.optimum()?;
        let share = |simulation: RefreshSimulation| {
            simulation.run().map(|report| 100.0 * report.answers.current_share())
        };
        let (planner, round_robin) = (share(planner)?, share(round_robin)?);
        let popularity = share(popularity)?;
        print!("{budget:5}  {optimum:5.1} %  {planner:5.1} %  {round_robin:9.1} %");
        println!("  {popularity:19.1} %");
    }
    println!("\n100,000 entries, most of them stale at first, and bids on the same worker");
    println!("bids  refreshes                      bids on time  fresh  of the hot 1 %");
    for load in [0.5, 0.9, 1.0, 2.0] {
        let threads = (Policy::Learned, Dispatch::Threads);
        let ours = (Policy::Learned, Dispatch::Urgency);
        for (what, (policy, dispatch)) in [
            ("none", (Policy::Never, Dispatch::Urgency)),
            ("in threads of their own", threads),
            ("in slack, by the scheduler", ours),
        ] {
            let report = beside(load, policy, dispatch).run()?;
            let bids = 100.0 * report.streams[0].on_time_share();
            let fresh = 100.0 * report.answers.fresh_share();
            let hot = 100.0 * report.hot.fresh_share();
            println!("{load:3}x  {what:29}  {bids:10.2} %  {fresh:3.0} %  {hot:12.0} %");
        }
    }
    Ok(())
}

fn alone(budget: f64, policy: Policy) -> RefreshSimulation {
    RefreshSimulation {
        seed: 1,
        duration: Duration::from_secs(2_000),
        warm_up: Duration::from_secs(700),
        plan: Plan { loads_per_second: Some(budget * 400.0), ..Plan::default() },
        policy,
        entries: Entries {
            count: 400,
            accesses: Spread::Zipf { total: 400.0, exponent: 0.99 },
            changes: Spread::LogUniform { least: 1e-3, most: 1.0 },
            hard_factor: f64::INFINITY,
            refresh_after: 0.0,
            ..Entries::default()
        },
        ..RefreshSimulation::default()
    }
}

fn beside(load: f64, policy: Policy, dispatch: Dispatch) -> RefreshSimulation {
    let (us, seconds) = (Duration::from_micros, Duration::from_secs);
    let arrivals = Arrivals::Poisson { rate: load * 5_000.0 };
    let costs = Costs::Exponential { mean: us(200) };
    let classes = vec![ClassConfig::foreground(); 2];
    RefreshSimulation {
        duration: seconds(12),
        warm_up: seconds(4),
        policy,
        entries: Entries {
            count: 100_000,
            is_asked_alone: false,
            soft_ttl: Ttls::Uniform { least: seconds(30), most: seconds(120) },
            ages: Some(3.5),
            ..Entries::default()
        },
        beside: Some(Beside {
            config: Config { classes, ..Config::default() },
            streams: vec![Stream { costs, ..Stream::new(arrivals) }],
            lookups: 3,
            class: Class::new(1),
            dispatch,
        }),
        ..RefreshSimulation::default()
    }
}
