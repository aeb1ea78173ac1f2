//! How much of the best possible freshness a budget brings, by policy.

use std::time::Duration;

use punctual::refresh::Config;
use punctual::simulation::{
    Costs, Entries, LoadModel, Policy, RefreshReport, RefreshSimulation, Spread, Ttls,
};

const ENTRIES: u32 = 400;

/// 400 entries that are always served, and loads that take no time: what the optimum is computed
/// for.
pub(crate) fn simulation(budget: f64, policy: Policy, seed: u64) -> RefreshSimulation {
    let seconds = Duration::from_secs;
    RefreshSimulation {
        seed,
        duration: seconds(3_000),
        warm_up: seconds(1_000),
        plan: Config {
            loads_per_second: Some(budget * f64::from(ENTRIES)),
            ..Config::default()
        },
        policy,
        entries: Entries {
            count: ENTRIES,
            accesses: Spread::Zipf { total: 400.0, exponent: 0.99 },
            changes: Spread::LogUniform { least: 1e-3, most: 1.0 },
            soft_ttl: Ttls::Fixed(seconds(60)),
            hard_factor: f64::INFINITY,
            refresh_after: 0.0,
            ..Entries::default()
        },
        loads: LoadModel {
            cost: Costs::Fixed(Duration::ZERO),
            lead: Costs::Fixed(Duration::from_micros(1)),
            ..LoadModel::default()
        },
        ..RefreshSimulation::default()
    }
}

fn run(simulation: &RefreshSimulation) -> RefreshReport {
    simulation.run().expect("it can be simulated")
}

#[test]
fn a_budget_brings_nearly_the_most_freshness_that_it_can() {
    let policies = [Policy::Known, Policy::Learned, Policy::Popularity, Policy::RoundRobin];
    for budget in [0.05, 0.2] {
        let mut shares = [0.0; 4];
        for seed in 1..=3 {
            let optimum = simulation(budget, Policy::Known, seed).optimum().expect("it can be computed");
            for (share, policy) in shares.iter_mut().zip(policies) {
                let report = run(&simulation(budget, policy, seed));
                let current = report.answers.current_share();
                eprintln!(
                    "{budget} a key, seed {seed}, {policy:?}: {:.4} of the answers are current, {:.3} of {optimum:.4}; {:.3} of the budget",
                    current,
                    current / optimum,
                    report.cost / (budget * 400.0 * 2_000.0),
                );
                *share += current / optimum / 3.0;
            }
        }
        let [known, learned, popularity, round_robin] = shares;
        eprintln!("{budget}: known {known:.3}, learned {learned:.3}, popularity {popularity:.3}, round robin {round_robin:.3}");
        assert!(known >= 0.98, "{budget}: {known}");
        assert!(learned >= 0.95, "{budget}: {learned}");
    }
}
