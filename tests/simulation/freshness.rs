//! How much of the best possible freshness a budget brings, by policy.

use std::time::Duration;

use punctual::refresh::Config;
use punctual::simulation::{Costs, Entries, LoadModel, Policy, RefreshSimulation, Spread, Ttls};

const ENTRIES: u32 = 400;

/// 400 entries that are always served, and loads that take no time: what the optimum is computed
/// for. `budget` is loads a second for each entry.
fn simulation(budget: f64, policy: Policy, seed: u64) -> RefreshSimulation {
    let seconds = Duration::from_secs;
    RefreshSimulation {
        seed,
        duration: seconds(2_000),
        warm_up: seconds(700),
        plan: Config { loads_per_second: Some(budget * f64::from(ENTRIES)), ..Config::default() },
        policy,
        entries: Entries {
            count: ENTRIES,
            accesses: Spread::Zipf { total: 200.0, exponent: 0.99 },
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

/// The share of the optimum that a policy reaches, on average over some seeds.
fn share_of_optimum(budget: f64, policy: Policy, seeds: u64) -> f64 {
    let shares = (1..=seeds).map(|seed| {
        let simulation = simulation(budget, policy, seed);
        let report = simulation.run().expect("it can be simulated");
        let optimum = simulation.optimum().expect("it can be computed");
        let seconds = (simulation.duration - simulation.warm_up).as_secs_f64();
        let spent = report.cost / (seconds * budget * f64::from(ENTRIES));
        let current = report.answers.current_share();
        eprintln!(
            "budget {budget} a key, {policy:?}, seed {seed}: {current:.4} of the answers are \
             current, {:.3} of the optimum, with {spent:.3} of the budget",
            current / optimum,
        );
        assert!(spent <= 1.0 + 0.001, "{spent}");
        current / optimum
    });
    shares.sum::<f64>() / seeds as f64
}

#[test]
fn a_budget_brings_nearly_the_most_freshness_that_it_can() {
    for budget in [0.05, 0.2] {
        let known = share_of_optimum(budget, Policy::Known, 2);
        let learned = share_of_optimum(budget, Policy::Learned, 2);
        assert!(known >= 0.98, "{budget}: {known}");
        assert!(learned >= 0.95, "{budget}: {learned}");
    }
}

/// Popularity times the probability of staleness sounds right, and is no better than taking turns:
/// it spends most on what changes again at once.
#[test]
fn what_others_do_with_a_budget_is_worth_much_less() {
    for policy in [Policy::Popularity, Policy::RoundRobin] {
        let share = share_of_optimum(0.05, policy, 1);
        assert!((0.5..0.9).contains(&share), "{policy:?}: {share}");
    }
}
