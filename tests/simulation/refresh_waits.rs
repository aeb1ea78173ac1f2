//! Who has to wait for a value, at equal loads.

use std::time::Duration;

use punctual::simulation::{Entries, Policy, RefreshReport, RefreshSimulation, Spread, Ttls};

const WARM_UP: Duration = Duration::from_secs(500);
const MEASURED: Duration = Duration::from_secs(1_000);

/// 1,000 entries, of which the least popular is asked for every two minutes. Values are fresh for
/// ten seconds, and may be served for a minute: half of the entries are asked for less often.
fn simulation(policy: Policy, loads_per_second: Option<f64>) -> RefreshSimulation {
    let seconds = Duration::from_secs;
    let mut simulation = RefreshSimulation {
        seed: 1,
        duration: WARM_UP + MEASURED,
        warm_up: WARM_UP,
        policy,
        entries: Entries {
            accesses: Spread::Zipf { total: 60.0, exponent: 0.99 },
            changes: Spread::Fixed(1.0 / 60.0),
            soft_ttl: Ttls::Fixed(seconds(10)),
            hard_factor: 6.0,
            ..Entries::default()
        },
        wait: Some(Duration::from_millis(100)),
        ..RefreshSimulation::default()
    };
    simulation.plan.loads_per_second = loads_per_second;
    simulation
}

fn run(policy: Policy, loads_per_second: Option<f64>) -> RefreshReport {
    let report = simulation(policy, loads_per_second).run().expect("it can be simulated");
    let answers = &report.answers;
    eprintln!(
        "{policy:?}: {:.1} loads a second, {} of {} wait; {:.3} fresh, {:.3} current",
        report.loads.started() as f64 / MEASURED.as_secs_f64(),
        report.waited(),
        answers.asked,
        answers.fresh_share(),
        answers.current_share(),
    );
    report
}

/// Who refreshes on access loads a popular entry as often as its value turns stale, and lets an
/// unpopular one go. With as many loads, nobody has to wait.
#[test]
fn with_as_many_loads_as_on_access_hardly_anybody_waits() {
    let on_access = run(Policy::OnAccess, None);
    let loads = on_access.loads.started() as f64 / MEASURED.as_secs_f64();
    let planned = run(Policy::Learned, Some(loads));
    assert_eq!(planned.answers.asked, on_access.answers.asked, "the same load");
    assert!(on_access.waited() > 4_000, "{}", on_access.waited());
    assert!(planned.loads.started() <= on_access.loads.started());
    assert!(planned.waited() * 100 <= on_access.waited(), "{}", planned.waited());
    let (current, before) = (planned.answers.current_share(), on_access.answers.current_share());
    assert!(current >= before, "{current}, not {before}");
}

/// Keys that are asked for more seldom than their values last: who loads on access lets all of
/// them wait. A budget that keeps them alive is worth it to who says so.
#[test]
fn on_access_everybody_waits_for_what_idles_longer_than_its_value_lasts() {
    let waited = |policy| {
        let mut simulation = simulation(policy, Some(20.0));
        // Each once in some ten lives of its value. What was never asked for is let go at first.
        simulation.entries.accesses = Spread::Fixed(1.0 / 600.0);
        simulation.plan.idle_refreshes = 1_000;
        simulation.warm_up = Duration::from_secs(4_000);
        simulation.duration = simulation.warm_up + MEASURED;
        let report = simulation.run().expect("it can be simulated");
        let (waited, asked) = (report.waited(), report.answers.asked);
        eprintln!("{policy:?}, seldom: {waited} of {asked} wait");
        (waited, asked)
    };
    let (on_access, asked) = waited(Policy::OnAccess);
    assert!(on_access as f64 >= 0.88 * asked as f64, "{on_access} of {asked}");
    let (planned, _) = waited(Policy::Learned);
    assert!(planned * 100 <= on_access, "{planned}, not {on_access}");
}
