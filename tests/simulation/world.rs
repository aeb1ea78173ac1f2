//! The simulated world itself: known answers, and what each disturbance does.

use std::time::Duration;

use punctual::scheduler::{Admission, Class, ClassConfig, Config, ConfigError, Margin, Stats};
use punctual::simulation::{
    Arrivals, Costs, Disturbance, Estimates, Report, Simulation, SimulationError, Stream, Tally,
    Tenants, Trace, TraceRow, What, Windows,
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
    let released = Stream { release_delay: 300 * US, ..stream.clone() };
    // A job that is released later has been looked for by nobody but a wake-up.
    for stream in [stream, released] {
        let simulation = Simulation { poll_delay: 30 * US, ..patient(1, stream) };
        assert!((mean_delay(&simulation) - 30.0).abs() < 1e-9);
    }
}

/// Jobs of 1 ms each, due after 3 ms, for a second, and something that goes wrong: what became of
/// them, and what the scheduler thinks of it.
fn disturbed(every: Duration, disturbance: Option<Disturbance>) -> (Tally, Stats) {
    let stream = Stream {
        costs: Costs::Fixed(MS),
        budget: Some(3 * MS),
        ..Stream::new(Arrivals::Even { every })
    };
    let disturbances = disturbance.into_iter().collect();
    let config = Config { admission: Admission::All, ..Config::default() };
    let streams = vec![stream];
    let simulation = Simulation { config, streams, disturbances, ..Simulation::default() };
    let (report, schedulers) = simulation.observe(|_, _| ()).expect("it can be simulated");
    assert_eq!(report.total.outcomes(), report.total.offered);
    (report.total, schedulers[0].stats())
}

#[test]
fn workers_that_stand_still_are_busy_and_no_good() {
    let (calm, _) = disturbed(2 * MS, None);
    assert_eq!((calm.on_time, calm.busy, calm.on_time_work), (500, 500 * MS, 500 * MS));
    let stall = Disturbance::WorkerStall { every: 50 * MS, length: 5 * MS };
    let (stalled, stats) = disturbed(2 * MS, Some(stall));
    assert!(stalled.late > 0 && stalled.shed.total() + stalled.refused.total() > 0);
    assert_eq!((stats.late, stats.busy), (stalled.late, stalled.busy));
    // A stall that hits a run makes one late, and the worker is busy for all of its length.
    let ran = stalled.on_time + stalled.late;
    assert!(stalled.busy >= MS * ran as u32 + 5 * MS * stalled.late as u32 / 2);
    let short = Disturbance::WorkerStall { every: 50 * MS, length: MS / 2 };
    let (delayed, _) = disturbed(2 * MS, Some(short));
    assert!(delayed.busy > 500 * MS, "{:?}", delayed.busy);
    assert_eq!((delayed.on_time, delayed.on_time_work), (500, 500 * MS));
}

#[test]
fn nobody_is_late_or_punctual_because_a_clock_is_wrong() {
    let (every, length) = (50 * MS, 5 * MS);
    let (jumped, stats) = disturbed(2 * MS, Some(Disturbance::ClockJump { every, length }));
    assert!(stats.late > 0, "the scheduler thinks so, if the clock jumps in the middle of a run");
    assert_eq!((jumped.on_time, jumped.late), (500, 0));
    // Of twice as much as can be done some wait, and time is passing that the clock doesn't show.
    let (_, calm) = disturbed(MS / 2, None);
    let stall = Disturbance::ClockStall { every, length };
    let (stood_still, stats) = disturbed(MS / 2, Some(stall));
    assert_eq!(calm.late, 0);
    assert!(stood_still.late > 10 && stats.late < stood_still.late, "{}", stood_still.late);
}

#[test]
fn every_call_may_have_a_stale_reading() {
    let stale = Disturbance::StaleReading { every: 20 * MS, age: 5 * MS };
    let (total, _) = disturbed(2 * MS, Some(stale));
    assert_eq!(total.on_time, 500, "a reading of the past changes nothing here");
    let arrivals = Arrivals::Poisson { rate: 4_000.0 };
    let streams = vec![Stream { release_delay: 300 * US, ..Stream::new(arrivals) }];
    let disturbances = vec![Disturbance::StaleReading { every: MS, age: MS }];
    let mut counts = [0; 3];
    let simulation = Simulation { streams, disturbances, ..Simulation::default() };
    let ended = simulation.observe(|event, _| {
        let is_stale = usize::from(event.now < event.at);
        match event.what {
            What::Submitted { .. } => counts[0] += is_stale,
            What::Completed { .. } => counts[1] += is_stale,
            What::Started { .. } | What::Waiting { .. } => counts[2] += is_stale,
            _ => {}
        }
    });
    ended.expect("it can be simulated");
    assert!(counts.iter().all(|&count| count >= 20), "{counts:?}");
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
fn a_trace_says_what_a_stream_would() {
    let recorded = "at_ns,cost_ns,budget_ns,class,declared_ns,lead_ns,release_ns,identity\n\
        0,1000,,1,700,300,5000,6\n";
    let trace = Trace::read(recorded.as_bytes(), 100).expect("it is a trace");
    let stream = Stream { costs: Costs::Traced, ..Stream::new(Arrivals::Trace(trace)) };
    let config = Config { classes: vec![ClassConfig::foreground(); 2], ..Config::default() };
    let simulation = Simulation { config, streams: vec![stream], ..Simulation::default() };
    let mut seen = None;
    let ended = simulation.observe(|event, _| {
        if let What::Submitted { ticket, .. } = event.what {
            seen = Some(ticket);
        }
    });
    let (report, ticket) = (ended.expect("it can be simulated").0, seen.expect("it is taken"));
    let ns = Duration::from_nanos;
    assert_eq!((ticket.class, ticket.declared), (Class::new(1), Some(ns(700))));
    assert_eq!((ticket.lead, ticket.identity), (ns(300), Some(6)));
    assert_eq!((ticket.eligible, report.end), (Time::ZERO + ns(5_000), Time::ZERO + ns(6_000)));
    assert_eq!(ticket.due, Some(Time::ZERO + 10 * MS + ns(5_000)));
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
        assert!(report.is_cut);
    }
    let never = Stream::new(Arrivals::OnOff { rate: 0.0, on: US / 1_000, off: US / 1_000 });
    let stalls = Disturbance::WorkerStall { every: US / 1_000, length: MS };
    let report = run(&Simulation {
        duration: Duration::MAX,
        max_events: 10_000,
        config: Config { workers: 1 << 30, ..Config::default() },
        streams: vec![never, Stream::new(Arrivals::Even { every: US })],
        disturbances: vec![stalls],
        ..Simulation::default()
    });
    assert!(report.is_cut && report.total.offered > 0 && report.pending == 0);
}

#[test]
fn windows_are_counted_apart() {
    let one = Stream { costs: Costs::Fixed(MS), ..Stream::new(Arrivals::Even { every: 2 * MS }) };
    let other = Stream { class: Class::new(1), ..one.clone() };
    let config = Config { classes: vec![ClassConfig::foreground(); 2], ..Config::default() };
    let windows = [(0, 10), (20, 100)];
    let window = |(from, until)| Windows { period: 100 * MS, from: from * MS, until: until * MS };
    let report = run(&Simulation {
        config: Config { workers: 2, ..config },
        streams: vec![one, other],
        windows: windows.map(window).to_vec(),
        ..Simulation::default()
    });
    let counts = report.windows.iter().map(|it| (it.total.offered, it.classes[1].on_time));
    assert_eq!(counts.collect::<Vec<_>>(), [(100, 50), (800, 400)]);
    for windows in &report.windows {
        assert_eq!((windows.goodput(), windows.classes[0].work_share()), (0.5, 1.0));
    }
}

#[test]
fn what_never_arrives_is_told() {
    let rows = [0, 5, 1_000, 2_000].map(|ms| TraceRow { at: ms * MS, ..TraceRow::default() });
    let trace = Arrivals::Trace(Trace::new(rows.to_vec()).expect("it is sorted"));
    let batch = Arrivals::Batch { at: 2_000 * MS, count: 7 };
    let streams = [trace, batch, Arrivals::Even { every: MS }].map(Stream::new).to_vec();
    let mut simulation = Simulation { streams, ..Simulation::default() };
    let report = run(&simulation);
    assert_eq!((report.not_offered, report.is_cut, report.streams[0].offered), (9, false, 2));
    simulation.duration = 3_000 * MS;
    assert_eq!(run(&simulation).not_offered, 0);
}

#[test]
fn shares_and_tallies_agree() {
    let stream = Stream {
        tenants: Tenants::Uniform { first: 3, count: 1 },
        identities: Some(20),
        budget: Some(5 * MS),
        ..Stream::new(Arrivals::Poisson { rate: 8_000.0 })
    };
    let disturbances = vec![Disturbance::CancelStorm { every: 10 * MS, share: 0.5 }];
    let report = run(&Simulation { streams: vec![stream], disturbances, ..Simulation::default() });
    let (total, share) = (&report.total, report.tenants[&3]);
    assert!(total.joined > 0 && total.cancelled > 0);
    assert_eq!(share.on_time, total.on_time);
    assert_eq!(share.on_time_share(), total.on_time_share());
    // All cost the same, so the work has the same share.
    assert!((total.work_share() - total.on_time_share()).abs() < 1e-9);
}

#[test]
fn more_tenants_than_are_told_apart_are_counted_together() {
    let stream = Stream {
        tenants: Tenants::Uniform { first: 0, count: u64::MAX },
        ..Stream::new(Arrivals::Batch { at: Duration::ZERO, count: 70_000 })
    };
    let report = run(&Simulation { streams: vec![stream], ..Simulation::default() });
    assert_eq!(report.tenants.len(), Report::MOST_TENANTS);
    assert_eq!(report.other_tenants.offered, 70_000 - Report::MOST_TENANTS as u64);
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
    let windows = vec![Windows { period: MS, from: MS, until: MS }];
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
    assert_eq!((report.total.offered, report.trace_hash), (10_979, 4_543_770_190_013_344_857));
}
