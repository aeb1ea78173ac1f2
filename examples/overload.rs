//! The same seeded overload under three admission policies: who is answered in time?
//!
//! Interactive jobs are mostly short, worth one, and due after 10 ms; reports cost 2 ms on average,
//! are worth sixty, and are due after 50 ms. For a tenth of each second twelve times as many
//! interactive jobs arrive. `Evict` gives up what costs most for its value, so it keeps more of
//! both; hardly anything that it runs is late.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;
use std::time::Duration;

use punctual::scheduler::{Admission, Class, ClassConfig, Config};
use punctual::simulation::{Arrivals, Costs, Estimates, Report, Simulation, Stream, Windows};

const INTERACTIVE: Class = Class::new(0);
const REPORTS: Class = Class::new(1);

fn main() -> Result<(), Box<dyn Error>> {
    println!("admission  interactive  reports   late   goodput  after the spikes");
    for admission in [Admission::All, Admission::Feasible, Admission::Evict] {
        print(admission, &simulation(admission).run()?);
    }
    Ok(())
}

fn simulation(admission: Admission) -> Simulation {
    let (ms, us) = (Duration::from_millis, Duration::from_micros);
    let (length, period) = (ms(100), ms(1_000));
    let interactive = Stream {
        class: INTERACTIVE,
        budget: Some(ms(10)),
        costs: Costs::Bimodal { short: us(100), long: us(1_000), long_share: 0.1 },
        // Nobody knows exactly what a job is going to cost.
        estimates: Estimates::LogNormal { sigma: 0.1 },
        ..Stream::new(Arrivals::Spike { base: 2_500.0, spike: 30_000.0, length, period })
    };
    let reports = Stream {
        class: REPORTS,
        budget: Some(ms(50)),
        costs: Costs::Exponential { mean: ms(2) },
        value: 60,
        ..Stream::new(Arrivals::Poisson { rate: 100.0 })
    };
    let classes = vec![ClassConfig::foreground(); 2];
    Simulation {
        seed: 7,
        duration: Duration::from_secs(10),
        config: Config { admission, classes, ..Config::default() },
        streams: vec![interactive, reports],
        windows: vec![Windows { period, from: length + ms(10), until: period }],
        ..Simulation::default()
    }
}

fn print(admission: Admission, report: &Report) {
    let share = |class: Class| 100.0 * report.classes[class.number()].on_time_share();
    println!(
        "{:9}  {:9.1} %  {:5.1} %  {:5}  {:6.1} %  {:14.1} %",
        format!("{admission:?}"),
        share(INTERACTIVE),
        share(REPORTS),
        report.total.late,
        100.0 * report.goodput(),
        100.0 * report.windows[0].total.on_time_share(),
    );
    // Every job has an outcome, whoever was turned away.
    assert_eq!((report.total.outcomes(), report.pending), (report.total.offered, 0));
}
