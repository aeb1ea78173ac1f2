//! Several schedulers side by side: how far the order is from that of one, and what that costs.

use std::collections::VecDeque;
use std::time::Duration;

use punctual::scheduler::Admission;
use punctual::simulation::{
    Arrivals, Costs, Estimates, Event, Report, Simulation, SimulationError, Stream, What,
};

use super::configurations;
use super::goals::{poisson, simulation};
use super::random::Random;

const SEEDS: u64 = 150;

/// A random simulation of several groups, without what a group puts before its earliest job: a
/// reservation, or a starvation guard's choice.
fn several_groups(seed: u64) -> Simulation {
    let random = &mut Random(seed ^ 0x5_7419);
    let mut simulation = configurations::simulation(seed);
    simulation.config.workers = random.within(2, 8) as u32;
    simulation.groups = random.within(2, u64::from(simulation.config.workers)) as u32;
    for class in &mut simulation.config.classes {
        (class.reservation, class.starvation_guard) = (None, None);
    }
    simulation.poll_delay = Duration::ZERO;
    simulation
}

fn check_outcomes(report: &Report) {
    assert_eq!((report.total.outcomes(), report.pending), (report.total.offered, 0));
}

#[test]
fn with_heads_as_they_are_nobody_is_passed_over() {
    let mut starts = 0;
    for seed in 0..SEEDS {
        let simulation = several_groups(seed);
        let ended = simulation.observe(|event, scheduler| {
            if event.at.as_nanos() % 8 == 0 {
                scheduler.assert_invariants();
            }
            if let What::Started { rank_error, .. } = event.what {
                assert_eq!(rank_error, 0, "seed {seed}: {event:?}");
            }
        });
        let (report, schedulers) = ended.expect("it can be simulated");
        check_outcomes(&report);
        assert_eq!(schedulers.len(), simulation.groups as usize);
        starts += report.rank_error.starts;
        assert_eq!(report, simulation.run().expect("it was valid before"), "the same seed");
    }
    assert!(starts > 10_000, "{starts}");
}

/// The jobs that have become ready lately, by their group.
struct Arrived {
    age: Duration,
    ready: VecDeque<(u64, usize)>,
}

impl Arrived {
    fn see(&mut self, event: &Event) {
        let at_ns = match event.what {
            What::Submitted { ticket, .. } => ticket.eligible.as_nanos(),
            // Another of its identity may have waited for it.
            What::Completed { ticket, .. } if ticket.identity.is_some() => event.at.as_nanos(),
            What::Joined { .. } => event.at.as_nanos(),
            _ => return,
        };
        self.ready.push_back((at_ns, event.group));
    }

    /// How many have come elsewhere than this one since a head was seen that was published
    /// before.
    fn elsewhere(&mut self, event: &Event) -> u64 {
        let now_ns = event.at.as_nanos();
        let seen_ns = now_ns.saturating_sub(self.age.as_nanos() as u64);
        self.ready.retain(|&(at_ns, _)| at_ns >= seen_ns);
        let others = self.ready.iter().filter(|&&(_, group)| group != event.group);
        others.filter(|&&(at_ns, _)| at_ns <= now_ns).count() as u64
    }
}

#[test]
fn with_old_heads_only_who_came_meanwhile_is_passed_over() {
    let (mut total, mut most, mut starts) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut simulation = several_groups(seed);
        simulation.disturbances.clear();
        let age = Duration::from_micros(Random(seed).within(1, 1_000));
        simulation.head_age = age;
        let mut arrived = Arrived { age, ready: VecDeque::new() };
        let ended = simulation.observe(|event, _| {
            arrived.see(event);
            if let What::Started { rank_error, .. } = event.what {
                let bound = arrived.elsewhere(event);
                assert!(rank_error <= bound, "seed {seed}: more than {bound} at {event:?}");
            }
        });
        let report = ended.expect("it can be simulated").0;
        check_outcomes(&report);
        total += report.rank_error.total;
        starts += report.rank_error.starts;
        most = most.max(report.rank_error.most);
    }
    eprintln!("rank error: {total} in {starts} starts, at most {most}");
    assert!(most > 1, "otherwise no head was ever old");
}

/// `Feasible` is the exception: what a group of fewer workers can promise is another set of jobs.
/// It takes more of the long ones, so that more work is done in time, and fewer jobs.
#[test]
fn groups_do_nearly_as_much_in_time_as_one_queue() {
    const WORKERS: u32 = 8;
    let stream = |load: f64| Stream {
        costs: Costs::Exponential { mean: Duration::from_micros(200) },
        estimates: Estimates::LogNormal { sigma: 0.3 },
        ..Stream::new(poisson(load * f64::from(WORKERS)))
    };
    for (admission, most_lost) in
        [(Admission::All, 0.005), (Admission::Evict, 0.005), (Admission::Feasible, 0.1)]
    {
        for load in [0.9, 1.5, 4.0] {
            let mut simulation = simulation(admission, vec![stream(load)]);
            (simulation.duration, simulation.config.workers) =
                (Duration::from_millis(500), WORKERS);
            simulation.head_age = Duration::from_micros(20);
            let [strict, four, eight] = [1, 4, 8].map(|groups| {
                simulation.groups = groups;
                let report = simulation.run().expect("it can be simulated");
                check_outcomes(&report);
                let (on_time, rank) = (report.total.on_time_share(), report.rank_error);
                eprintln!(
                    "{admission:?} {load}x, {groups} groups: {on_time:.4} in time, goodput {:.4}, \
                     rank error {:.3}, at most {}",
                    report.goodput(),
                    rank.mean(),
                    rank.most,
                );
                (on_time, report.goodput())
            });
            for groups in [four, eight] {
                assert!(groups.0 >= strict.0 - most_lost, "{admission:?} {load}x: {groups:?}");
                assert!(groups.1 >= strict.1 - 0.01, "{admission:?} {load}x: {groups:?}");
            }
        }
    }
}

#[test]
fn every_group_needs_a_worker() {
    let streams = vec![Stream::new(Arrivals::Even { every: Duration::from_millis(1) })];
    for groups in [0, 2] {
        let simulation = Simulation { groups, streams: streams.clone(), ..Simulation::default() };
        assert_eq!(simulation.run(), Err(SimulationError::Groups));
    }
}
