//! Random caches, one a seed.

use std::time::Duration;

use punctual::refresh::Config as Plan;
use punctual::scheduler::{Admission, Class, ClassConfig, Config};
use punctual::simulation::{
    Arrivals, Beside, Costs, Dispatch, Entries, Estimates, LoadModel, Policy, RefreshSimulation,
    Spread, Stream, Ttls,
};

use super::random::Random;

pub(crate) fn simulation(seed: u64) -> RefreshSimulation {
    let mut random = Random(seed ^ 0x5eed);
    let duration = random.us(200_000, 3_000_000);
    let policies = [Policy::Learned, Policy::Learned, Policy::Known, Policy::OnAccess];
    RefreshSimulation {
        seed,
        duration,
        plan: plan(&mut random),
        policy: random.pick(&policies),
        entries: entries(&mut random),
        loads: loads(&mut random),
        wait: random.one_in(2).then(|| random.us(1, 100_000)),
        beside: random.one_in(2).then(|| beside(&mut random)),
        ..RefreshSimulation::default()
    }
}

fn plan(random: &mut Random) -> Plan {
    let concurrent = random.within(1, 20) as u32;
    Plan {
        loads_per_second: (!random.one_in(3)).then(|| random.real(1.0, 500.0)),
        burst: random.within(1, 20) as u32,
        concurrent,
        concurrent_refreshes: random.within(1, u64::from(concurrent) + 2) as u32,
        load_timeout: random.us(5_000, 200_000),
        memory: random.us(100_000, 10_000_000),
        wait_weight: random.real(0.0, 2_000.0),
        idle_refreshes: random.within(1, 16) as u32,
        demand_bound: random.within(1, 50) as u32,
        bound: 1,
    }
}

fn entries(random: &mut Random) -> Entries {
    let total = random.real(10.0, 3_000.0);
    let (least, most) = (random.us(5_000, 500_000), random.us(500_000, 2_000_000));
    let changes =
        [Spread::Fixed(0.0), Spread::Fixed(5.0), Spread::LogUniform { least: 0.01, most: 100.0 }];
    let costs = [Spread::Fixed(1.0), Spread::LogUniform { least: 0.1, most: 30.0 }];
    Entries {
        count: random.within(1, 200) as u32,
        accesses: Spread::Zipf { total, exponent: random.real(0.0, 1.2) },
        is_asked_alone: !random.one_in(8),
        changes: random.pick(&changes),
        costs: random.pick(&costs),
        soft_ttl: random.pick(&[Ttls::Fixed(least), Ttls::Uniform { least, most }]),
        hard_factor: random.pick(&[1.0, 1.5, 4.0, f64::INFINITY]),
        jitter: random.real(0.0, 1.0),
        refresh_after: random.real(0.0, 1.0),
        ages: random.pick(&[None, Some(1.0), Some(4.0)]),
        hot_share: random.real(0.0, 1.0),
    }
}

fn loads(random: &mut Random) -> LoadModel {
    let lead = random.us(0, 50_000);
    let leads = [Costs::Fixed(lead), Costs::Exponential { mean: lead }];
    LoadModel {
        cost: Costs::Exponential { mean: random.us(1, 2_000) },
        estimates: random.pick(&[Estimates::Exact, Estimates::Learned]),
        lead: random.pick(&leads),
        failures: random.pick(&[0.0, 0.1, 1.0]),
        retry_after: random.us(1, 100_000),
        tells_changes: !random.one_in(3),
    }
}

fn beside(random: &mut Random) -> Beside {
    let workers = random.within(1, 4) as u32;
    let admissions = [Admission::Evict, Admission::Feasible, Admission::All];
    let stream = Stream {
        costs: Costs::Exponential { mean: random.us(50, 500) },
        identities: random.one_in(4).then_some(20),
        failures: random.pick(&[0.0, 0.1]),
        ..Stream::new(Arrivals::Poisson { rate: random.real(0.0, 10_000.0) })
    };
    let dispatches = [
        Dispatch::Urgency,
        Dispatch::Urgency,
        Dispatch::Slack,
        Dispatch::Expiries,
        Dispatch::Budget(random.us(1_000, 50_000)),
        Dispatch::Threads,
    ];
    Beside {
        config: Config {
            workers,
            queue_bound: random.within(1, 200) as u32,
            admission: random.pick(&admissions),
            classes: vec![ClassConfig::foreground(); 2],
            ..Config::default()
        },
        streams: vec![stream],
        lookups: random.within(0, 3) as u32,
        class: Class::new(1),
        dispatch: random.pick(&dispatches),
    }
}

/// Longer than what a planner may be late by: a poll that has looked at much pauses.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1);
