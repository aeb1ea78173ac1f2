//! Random configurations, one a seed.

use std::time::Duration;

use punctual::scheduler::{Job, Next, Stats};
use punctual::simulation::{Report, SimulatedScheduler, Simulation, Ticket};
use punctual::time::Time;

use super::checker::Checker;
use super::configurations::simulation;
use super::promises::Applied;

/// Says which seed it was when a check fails.
pub(crate) struct Replay(pub(crate) u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let command = "cargo test --features simulation --test simulation seeds";
            eprintln!("replay: SIMULATION_FIRST={} SIMULATION_SEEDS=1 {command}", self.0);
        }
    }
}

pub(crate) fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn invariants_hold_for_all_seeds() {
    let first = setting("SIMULATION_FIRST", 0);
    let seeds = setting("SIMULATION_SEEDS", 2_000);
    let (mut all, mut applied) = (Stats::default(), Applied::default());
    for seed in first..first.saturating_add(seeds) {
        let replay = Replay(seed);
        let simulation = simulation(seed);
        let mut checker = Checker::new(&simulation);
        let ended = simulation.observe(|event, scheduler| checker.see(event, scheduler));
        let (report, mut schedulers) = ended.expect("a random simulation is a valid one");
        let scheduler = &mut schedulers[0];
        outcomes_add_up(&report, scheduler);
        applied += checker.applied;
        all += scheduler.stats();
        if simulation.shutdown.is_none() {
            no_capacity_is_lost(&simulation, scheduler);
        }
        if seed.is_multiple_of(16) {
            let again = simulation.run().expect("it was valid before");
            assert_eq!(again, report, "the same seed, another run");
        }
        drop(replay);
    }
    if seeds >= 1_000 {
        everything_happened(&all, &applied);
    }
}

/// Checks that are never reached find nothing.
fn everything_happened(all: &Stats, applied: &Applied) {
    let counts = [
        ("queue full", all.refused.queue_full),
        ("expired", all.refused.expired),
        ("infeasible", all.refused.infeasible),
        ("unknown class", all.refused.unknown_class),
        ("closed", all.refused.closed),
        ("joined", all.joined),
        ("done", all.done),
        ("failed", all.failed),
        ("cancelled", all.cancelled),
        ("latest start", all.shed.latest_start),
        ("evicted", all.shed.evicted),
        ("over share", all.shed.over_share),
        ("shutdown", all.shed.shutdown),
        ("late", all.late),
        ("forced", all.forced),
        ("displaced", all.shed.displaced),
        ("shadowed", all.shadowed),
    ];
    for (what, count) in counts {
        eprintln!("{what}: {count} of {}", all.submitted);
        assert!(count >= 100, "{what}: only {count}");
    }
    for (what, count) in applied.counts() {
        eprintln!("{what}: {count} times");
        assert!(count >= 1_000, "{what}: only {count} times");
    }
}

fn outcomes_add_up(report: &Report, scheduler: &SimulatedScheduler) {
    scheduler.assert_invariants();
    let (stats, total) = (scheduler.stats(), &report.total);
    assert_eq!((stats.queued, stats.running, report.pending), (0, 0, 0));
    assert_eq!(total.outcomes(), total.offered);
    assert_eq!(stats.submitted, total.offered);
    assert_eq!((stats.refused, stats.shed), (total.refused, total.shed));
    assert_eq!((stats.joined, stats.cancelled), (total.joined, total.cancelled));
    assert_eq!((stats.done, stats.failed), (total.on_time + total.late, total.failed));
}

fn no_capacity_is_lost(simulation: &Simulation, scheduler: &mut SimulatedScheduler) {
    let now = Time::from_nanos(1 << 50);
    for worker in 0..simulation.config.workers {
        let job = Job::new(Ticket::default()).budget(Duration::from_secs(1_000));
        // One at a time: the queue may be a short one.
        scheduler.submit(now, job.cost(Duration::from_nanos(1))).expect("it is empty");
        let next = scheduler.poll(now);
        assert!(matches!(next, Next::Run(_)), "worker {worker} is lost: {next:?}");
    }
}
