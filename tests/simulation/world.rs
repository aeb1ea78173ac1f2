//! The simulated world itself: known answers, and what each disturbance does.

use std::time::Duration;

use punctual::scheduler::{Admission, ClassConfig, Config, ConfigError, Margin};
use punctual::simulation::{
    Arrivals, Costs, Disturbance, Estimates, Report, Simulation, SimulationError, Stream, Tally,
    Trace, What, Windows,
};
use punctual::time::Time;

const MS: Duration = Duration::from_millis(1);
const US: Duration = Duration::from_micros(1);

/// A queue that refuses nobody, with deadlines far away.
fn patient(workers: u32, stream: Stream) -> Simulation {
    Simulation {
        seed: 3,
        duration: 40_000 * MS,
        config: Config { workers, admission: Admission::All, ..Config::default() },
        streams: vec![Stream { budget: Some(1_000_000 * MS), ..stream }],
        ..Simulation::default()
    }
}

fn run(simulation: &Simulation) -> Report {
    simulation.run().expect("it can be simulated")
}

fn mean_delay(simulation: &Simulation) -> f64 {
    let delay = run(simulation).total.queue_delay.mean().expect("jobs ran");
    delay.as_secs_f64() / US.as_secs_f64()
}

#[test]
fn queues_are_as_long_as_queueing_theory_says() {
    let stream = |rate, costs| Stream { costs, ..Stream::new(Arrivals::Poisson { rate }) };
    let fixed = Costs::Fixed(200 * US);
    let exponential = Costs::Exponential { mean: 200 * US };
    // Pollaczek and Khinchin: utilisation * mean cost / 2 (1 - utilisation).
    let md1 = mean_delay(&patient(1, stream(4_000.0, fixed)));
    assert!((md1 - 400.0).abs() < 15.0, "{md1}");
    // Twice as long with exponential costs.
    let mm1 = mean_delay(&patient(1, stream(4_000.0, exponential)));
    assert!((mm1 - 800.0).abs() < 40.0, "{mm1}");
    // Erlang: with two workers, utilisation^2 * mean cost / (1 - utilisation^2).
    let mm2 = mean_delay(&patient(2, stream(8_000.0, exponential)));
    assert!((mm2 - 355.6).abs() < 20.0, "{mm2}");
}

#[test]
fn a_poll_delay_delays_every_start() {
    let stream = Stream::new(Arrivals::Even { every: MS });
    let simulation = Simulation { poll_delay: 30 * US, ..patient(1, stream) };
    assert!((mean_delay(&simulation) - 30.0).abs() < 1e-9);
}

/// One job every 2 ms, of 1 ms each, due after 3 ms, for a second, and something that goes wrong.
fn disturbed(disturbance: Option<Disturbance>) -> Tally {
    let stream = Stream {
        costs: Costs::Fixed(MS),
        budget: Some(3 * MS),
        ..Stream::new(Arrivals::Even { every: 2 * MS })
    };
    let disturbances = disturbance.into_iter().collect();
    let report = run(&Simulation { streams: vec![stream], disturbances, ..Simulation::default() });
    assert_eq!((report.total.offered, report.total.outcomes()), (500, 500));
    report.total
}

#[test]
fn each_disturbance_shows() {
    let every = 50 * MS;
    let calm = disturbed(None);
    assert_eq!((calm.on_time, calm.busy), (500, 500 * MS));
    let stalled = disturbed(Some(Disturbance::WorkerStall { every, length: 5 * MS }));
    assert!(stalled.late > 0 && stalled.shed.total() + stalled.refused.total() > 0);
    assert!(stalled.busy > 500 * MS - 400 * MS);
    let jumped = disturbed(Some(Disturbance::ClockJump { every, length: 5 * MS }));
    assert!(jumped.late > 0, "a job in the middle of whose run the clock jumps is late");
    let stood_still = disturbed(Some(Disturbance::ClockStall { every, length: 5 * MS }));
    assert_ne!(stood_still, calm);
    let stale = disturbed(Some(Disturbance::StaleReading { every, age: 5 * MS }));
    assert_eq!(stale.on_time, 500, "a reading of the past changes nothing");
}

#[test]
fn queued_jobs_are_cancelled_and_rescheduled() {
    let batch = Stream {
        budget: Some(100 * MS),
        ..Stream::new(Arrivals::Batch { at: Duration::ZERO, count: 100 })
    };
    let every = MS;
    let with = |disturbance| {
        let (streams, disturbances) = (vec![batch.clone()], vec![disturbance]);
        let mut moved = 0;
        let simulation = Simulation { streams, disturbances, ..Simulation::default() };
        let ended = simulation
            .observe(|event, _| moved += i32::from(matches!(event.what, What::Rescheduled { .. })));
        (ended.expect("it can be simulated").0.total, moved)
    };
    let (cancelled, _) = with(Disturbance::CancelStorm { every, share: 1.0 });
    assert!(cancelled.cancelled > 50 && cancelled.on_time + cancelled.cancelled == 100);
    let (total, moved) = with(Disturbance::Reschedule { every, least: 50 * MS, most: 90 * MS });
    assert!(moved > 3 && total.on_time > 90, "{moved} moved, {} on time", total.on_time);
}

#[test]
fn a_trace_is_replayed_as_it_was() {
    let recorded = "at_ns,cost_ns,budget_ns,tenant\n\
        0,1000,,4\n\
        500,1000,1800,5\n\
        500,3000,2500,4\n";
    let trace = Trace::read(recorded.as_bytes(), 100).expect("it is a trace");
    let stream =
        Stream { costs: Costs::Traced, failures: 0.0, ..Stream::new(Arrivals::Trace(trace)) };
    let report = run(&Simulation { streams: vec![stream], ..Simulation::default() });
    // The third can't be done in 2,500 ns; the second ends at 2,000, 300 before its deadline.
    assert_eq!((report.total.on_time, report.total.refused.infeasible), (2, 1));
    assert_eq!(report.end, Time::from_nanos(2_000));
    assert_eq!((report.tenants[&4].offered, report.tenants[&4].on_time), (2, 1));
    assert_eq!(report.tenants[&5].on_time_share(), 1.0);
}

#[test]
fn a_shutdown_leaves_nothing_behind() {
    let simulation = Simulation {
        streams: vec![Stream::new(Arrivals::Poisson { rate: 10_000.0 })],
        shutdown: Some((500 * MS, 5 * MS)),
        ..Simulation::default()
    };
    let report = run(&simulation);
    assert!(report.total.refused.closed > 4_000 && report.total.shed.shutdown > 0);
    assert_eq!((report.total.outcomes(), report.pending), (report.total.offered, 0));
}

#[test]
fn what_a_stream_offers_depends_on_nothing_else() {
    let stream = Stream {
        costs: Costs::Exponential { mean: 200 * US },
        estimates: Estimates::LogNormal { sigma: 0.5 },
        ..Stream::new(Arrivals::Poisson { rate: 9_000.0 })
    };
    let offered = |admission, more: &[Stream]| {
        let config = Config { admission, ..Config::default() };
        let streams = [std::slice::from_ref(&stream), more].concat();
        let report = run(&Simulation { config, streams, ..Simulation::default() });
        (report.streams[0].offered, report.streams[0].offered_work)
    };
    let alone = offered(Admission::All, &[]);
    assert_eq!(alone, offered(Admission::Evict, &[]));
    assert_eq!(alone, offered(Admission::All, &[Stream::new(Arrivals::Even { every: MS })]));
}

#[test]
fn bounds_hold() {
    let batch = Arrivals::Batch { at: Duration::ZERO, count: u32::MAX };
    for arrivals in [Arrivals::Poisson { rate: 10_000.0 }, batch] {
        let streams = vec![Stream::new(arrivals)];
        let report = run(&Simulation { max_events: 1_000, streams, ..Simulation::default() });
        assert!((200..=1_000).contains(&report.total.offered), "{}", report.total.offered);
        assert_eq!((report.total.outcomes(), report.pending), (report.total.offered, 0));
    }
}

#[test]
fn what_cant_be_simulated_is_said() {
    let error = |simulation: Simulation| simulation.run().expect_err("it can't be simulated");
    let simulation = Simulation::default;
    let config = Config { workers: 0, ..Config::default() };
    let no_workers = SimulationError::Config(ConfigError::NoWorkers);
    assert_eq!(error(Simulation { config, ..simulation() }), no_workers);
    let flawed = Stream { identities: Some(0), ..Stream::new(Arrivals::Even { every: MS }) };
    let expected = SimulationError::Stream { place: 0, field: "identities" };
    assert_eq!(error(Simulation { streams: vec![flawed], ..simulation() }), expected);
    let disturbances = vec![Disturbance::CancelStorm { every: MS, share: 2.0 }];
    let expected = SimulationError::Disturbance { place: 0 };
    assert_eq!(error(Simulation { disturbances, ..simulation() }), expected);
    let windows = Some(Windows { period: MS, from: MS, until: MS });
    assert_eq!(error(Simulation { windows, ..simulation() }), SimulationError::Windows);
}

/// The same on every machine: whoever changes what is drawn, or what is decided, changes this.
#[test]
fn a_simulation_has_this_hash_everywhere() {
    let stream = Stream {
        costs: Costs::Pareto { least: 50 * US, shape: 1.3, most: 20 * MS },
        estimates: Estimates::LogNormal { sigma: 0.5 },
        ..Stream::new(Arrivals::OnOff { rate: 20_000.0, on: 5 * MS, off: 5 * MS })
    };
    let config = Config {
        workers: 2,
        admission: Admission::All,
        margin: Margin::Fixed(100 * US),
        classes: vec![ClassConfig::foreground()],
        ..Config::default()
    };
    let simulation = Simulation { seed: 9, config, streams: vec![stream], ..Simulation::default() };
    let report = run(&simulation);
    assert_eq!((report.total.offered, report.trace_hash), (10_979, 18_174_019_216_073_975_281));
}
