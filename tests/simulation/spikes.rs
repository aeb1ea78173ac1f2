//! After a spike everything is as it was, one deadline later.

use std::time::Duration;

use punctual::scheduler::Admission;
use punctual::simulation::{Arrivals, Costs, Stream, Windows};

use super::goals::{FULL_RATE, simulation};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Ten times as much as can be done for a tenth of each second, and 0.8 times as much between:
/// the share of the jobs and of the work that came in two windows, the first from one deadline
/// after a spike's end on, and the second only until 30 ms after that end.
fn after_spikes(admission: Admission, seed: u64, spikes: u32) -> [[f64; 2]; 2] {
    let (length, period, deadline) = (ms(100), ms(1_000), ms(10));
    let (base, spike) = (0.8 * FULL_RATE, 10.0 * FULL_RATE);
    let stream = Stream {
        costs: Costs::Exponential { mean: Duration::from_micros(200) },
        budget: Some(deadline),
        ..Stream::new(Arrivals::Spike { base, spike, length, period })
    };
    let mut simulation = simulation(admission, vec![stream]);
    simulation.seed = seed;
    simulation.duration = period * spikes;
    let from = length + deadline;
    let until = [period, length + ms(30)];
    simulation.windows = until.map(|until| Windows { period, from, until }).to_vec();
    let total = simulation.run().expect("it can be simulated");
    assert_eq!(total.total.late, 0);
    let is_kept = admission == Admission::Evict || total.total.shed.total() == 0;
    assert!(is_kept, "what was accepted is shed: {:?}", total.total.shed);
    [0, 1].map(|at| {
        let window = &total.windows[at].total;
        [window.on_time_share(), window.work_share()]
    })
}

#[test]
fn one_deadline_after_a_spike_nobody_notices_it() {
    for (admission, seeds, spikes) in [(Admission::Evict, 5, 200), (Admission::Feasible, 5, 40)] {
        for seed in 1..=seeds {
            let [[jobs, work], [soon_jobs, soon_work]] = after_spikes(admission, seed, spikes);
            eprintln!(
                "after {spikes} spikes, {admission:?}: {jobs:.5} of the jobs, {work:.5} of the \
                 work; until 30 ms later {soon_jobs:.5} of the jobs, {soon_work:.5} of the work"
            );
            assert!(jobs >= 0.99 && work >= 0.99, "{admission:?}: {jobs} {work}");
            assert!(
                soon_jobs >= 0.99 && soon_work >= 0.98,
                "{admission:?}: {soon_jobs} {soon_work}"
            );
        }
    }
}
