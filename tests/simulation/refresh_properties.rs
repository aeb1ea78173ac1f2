//! What must hold in every simulation of refreshes.

use std::collections::HashMap;
use std::time::Duration;

use punctual::refresh::{ConfigError as PlanError, Planner, Urgency};
use punctual::scheduler::{Class, Config, ConfigError};
use punctual::simulation::{
    Answered, Beside, Costs, Dispatch, Policy, RefreshEvent, RefreshReport, RefreshSimulation,
    RefreshWhat, SimulationError, Spread, Ttls,
};
use punctual::time::Time;

use super::properties::{Replay, setting};
use super::refresh_worlds::{PATIENCE, simulation};

/// A load that counts.
#[derive(Clone, Copy)]
struct Load {
    number: u64,
    started: Time,
    is_refresh: bool,
}

/// Watches a run, and says what is wrong with it.
struct Checker<'a> {
    simulation: &'a RefreshSimulation,
    /// By entry: single flight.
    loads: HashMap<u32, Load>,
    /// Hard expiries of the values that were stored since the start.
    stored: HashMap<u32, Time>,
    /// What refreshes may still cost at this time.
    tokens: f64,
    at: Time,
    events: u64,
}

impl<'a> Checker<'a> {
    fn new(simulation: &'a RefreshSimulation) -> Self {
        Self {
            simulation,
            loads: HashMap::new(),
            stored: HashMap::new(),
            tokens: f64::from(simulation.plan.burst),
            at: Time::ZERO,
            events: 0,
        }
    }

    fn see(&mut self, event: &RefreshEvent, planner: Option<&Planner>) {
        assert!(event.at >= self.at, "time goes back");
        self.refill(event.at);
        match event.what {
            RefreshWhat::Started { id, load, urgency, cost } => {
                self.start(id, load, (urgency, cost));
            }
            RefreshWhat::Stored { id, load, hard, .. } => {
                self.stored.insert(id, hard);
                self.end((id, load), planner);
            }
            RefreshWhat::Failed { id, load }
            | RefreshWhat::Dropped { id, load }
            | RefreshWhat::Overdue { id, load } => self.end((id, load), planner),
            RefreshWhat::Raised { id, load, .. } => {
                assert_eq!(self.loads[&id].number, load, "what is raised is in flight");
            }
            RefreshWhat::Expired { id } => {
                let hard = self.stored.insert(id, Time::ZERO);
                let known = hard.filter(|&hard| hard > Time::ZERO);
                assert!(known.is_none_or(|hard| event.at >= hard), "{id} expired too early");
            }
            RefreshWhat::Answered { id, answer, .. } => {
                let hard = self.stored.get(&id);
                let is_over = hard.is_some_and(|&hard| event.at >= hard);
                assert!(answer == Answered::Missing || !is_over, "{id} was served too late");
                let is_there = hard.is_some_and(|&hard| event.at < hard);
                assert!(answer != Answered::Missing || !is_there, "{id} was there");
            }
            _ => {}
        }
        self.events += 1;
        if let Some(planner) = planner {
            self.look_into(planner);
        }
    }

    /// The bucket of the refreshes alone: what is demanded takes from it, and never gives.
    fn refill(&mut self, at: Time) {
        let seconds = at.saturating_since(self.at).as_secs_f64();
        let rate = self.simulation.plan.loads_per_second.unwrap_or(f64::INFINITY);
        let gained = if seconds > 0.0 { seconds * rate } else { 0.0 };
        self.tokens = (self.tokens + gained).min(f64::from(self.simulation.plan.burst));
        self.at = at;
    }

    fn start(&mut self, id: u32, number: u64, (urgency, cost): (Urgency, f64)) {
        let is_refresh = !matches!(urgency, Urgency::Demanded { .. });
        let load = Load { number, started: self.at, is_refresh };
        let before = self.loads.insert(id, load);
        assert!(before.is_none(), "two loads of {id} at once");
        if !self.is_planned() {
            return;
        }
        let plan = &self.simulation.plan;
        let refreshes = self.loads.values().filter(|load| load.is_refresh).count();
        assert!(self.loads.len() <= plan.concurrent as usize, "too many loads");
        let most = plan.places(Urgency::Expiring { hard: Time::MAX });
        assert!(!is_refresh || refreshes <= most as usize);
        if is_refresh && plan.loads_per_second.is_some() {
            self.tokens -= cost.min(f64::from(plan.burst));
            assert!(self.tokens >= -1e-3, "beyond the budget: {}", self.tokens);
        }
    }

    fn end(&mut self, (id, number): (u32, u64), planner: Option<&Planner>) {
        if self.loads.get(&id).is_some_and(|load| load.number == number) {
            self.loads.remove(&id);
            assert!(planner.is_none_or(|it| !it.is_loading(id)), "nobody told that it has ended");
        }
    }

    fn look_into(&self, planner: &Planner) {
        let oldest = self.loads.values().map(|load| load.started).min();
        let age = oldest.map(|oldest| self.at.saturating_since(oldest)).unwrap_or_default();
        // Afterwards nobody polls the planner.
        let is_over = self.at >= self.simulation.start() + self.simulation.duration;
        let most = self.simulation.plan.load_timeout + PATIENCE;
        assert!(is_over || age <= most, "a load has taken {age:?}");
        if self.events.is_multiple_of(64) {
            planner.assert_invariants();
        }
    }

    fn is_planned(&self) -> bool {
        matches!(self.simulation.policy, Policy::Learned | Policy::Known)
    }
}

fn outcomes_add_up(simulation: &RefreshSimulation, report: &RefreshReport) {
    let (answers, loads) = (&report.answers, &report.loads);
    assert_eq!(loads.started(), loads.ended(), "every load ends");
    assert_eq!(answers.fresh + answers.stale + answers.missing, answers.asked);
    assert!(answers.current <= answers.fresh + answers.stale);
    assert!(report.overstay <= PATIENCE, "{:?}", report.overstay);
    assert_eq!(
        report.per_second.values().map(|&loads| u64::from(loads)).sum::<u64>(),
        loads.started()
    );
    for stream in report.streams.iter().chain([&report.load_jobs]) {
        assert_eq!(stream.outcomes(), stream.offered);
    }
    let longest = report.waits.buckets().map(|(length, _)| length).max();
    let most = simulation.wait.unwrap_or_default();
    assert!(longest.is_none_or(|longest| longest <= most + most / 8), "{longest:?}, not {most:?}");
}

#[test]
fn refreshes_keep_their_promises_for_all_seeds() {
    let (first, seeds) = (setting("SIMULATION_FIRST", 0), setting("SIMULATION_SEEDS", 300));
    let mut counts = [0; 9];
    for seed in first..first.saturating_add(seeds) {
        let replay = Replay(seed);
        let simulation = simulation(seed);
        let mut checker = Checker::new(&simulation);
        let ended = simulation.observe(|event, planner| checker.see(event, planner));
        let report = ended.expect("a random simulation is a valid one");
        outcomes_add_up(&simulation, &report);
        let (loads, answers) = (&report.loads, &report.answers);
        let [expired, waited] = [report.values.expired, report.waited()];
        let seen = [loads.demanded, loads.expiring, loads.refreshes, loads.raised, loads.failed];
        let more = [loads.dropped, loads.overdue, expired, waited.min(answers.missing)];
        counts.iter_mut().zip(seen.into_iter().chain(more)).for_each(|(sum, it)| *sum += it);
        if seed.is_multiple_of(8) {
            assert_eq!(simulation.run().expect("it was valid before"), report, "another run");
        }
        drop(replay);
    }
    eprintln!("demanded, expiring, refreshes, raised, failed, dropped, overdue, expired, waits:");
    eprintln!("{counts:?}");
    // Checks that are never reached find nothing.
    assert!(seeds < 200 || counts.iter().all(|&count| count >= 100), "{counts:?}");
}

type Spoil = fn(&mut RefreshSimulation);

/// Nothing has been played when something can't be.
#[test]
fn what_cant_be_simulated_is_named() {
    let spoilt: [(&str, Spoil); 14] = [
        ("plan", |it| (it.policy, it.plan.loads_per_second) = (Policy::RoundRobin, None)),
        ("count", |it| it.entries.count = 0),
        ("accesses", |it| it.entries.accesses = Spread::Each(vec![1.0])),
        ("accesses", |it| it.entries.accesses = Spread::Fixed(0.0)),
        ("changes", |it| it.entries.changes = Spread::Fixed(f64::NAN)),
        ("costs", |it| it.entries.costs = Spread::Fixed(0.0)),
        ("soft_ttl", |it| it.entries.soft_ttl = Ttls::Fixed(Duration::ZERO)),
        ("hard_factor", |it| it.entries.hard_factor = 0.5),
        ("jitter", |it| it.entries.jitter = 1.5),
        ("ages", |it| it.entries.ages = Some(f64::INFINITY)),
        ("cost", |it| it.loads.cost = Costs::Traced),
        ("failures", |it| it.loads.failures = -0.1),
        ("retry_after", |it| it.loads.retry_after = Duration::ZERO),
        ("class", |it| it.beside = Some(beside_class(7))),
    ];
    for (field, spoil) in spoilt {
        let mut simulation = RefreshSimulation::default();
        spoil(&mut simulation);
        let error = simulation.run().expect_err(field);
        assert_eq!(error, SimulationError::Refreshes { field });
        assert!(error.to_string().ends_with(field));
    }
    let mut simulation = RefreshSimulation::default();
    simulation.plan.burst = 0;
    assert_eq!(simulation.run(), Err(SimulationError::Plan(PlanError::NoLoads)));
    let mut beside = beside_class(0);
    beside.config.workers = 0;
    let simulation = RefreshSimulation { beside: Some(beside), ..RefreshSimulation::default() };
    assert_eq!(simulation.run(), Err(SimulationError::Config(ConfigError::NoWorkers)));
}

fn beside_class(class: u16) -> Beside {
    Beside {
        config: Config::default(),
        streams: Vec::new(),
        lookups: 0,
        class: Class::new(class),
        dispatch: Dispatch::Urgency,
    }
}

/// A bound on the events ends a run that would take for ever, and is told of.
#[test]
fn a_run_that_is_too_long_is_cut() {
    let simulation = RefreshSimulation {
        duration: Duration::MAX,
        max_events: 10_000,
        ..RefreshSimulation::default()
    };
    let report = simulation.run().expect("it can be simulated");
    assert!(report.is_cut && report.events < 20_000, "{}", report.events);
    assert_eq!(report.loads.started(), report.loads.ended());
}
