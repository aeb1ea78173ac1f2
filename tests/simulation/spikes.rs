//! After a spike everything is as it was, one deadline later.

use std::time::Duration;

use punctual::scheduler::Admission;
use punctual::simulation::{Arrivals, Costs, Stream, Windows};

use super::goals::{FULL_RATE, simulation};

#[test]
fn one_deadline_after_a_spike_nobody_notices_it() {
    let ms = Duration::from_millis;
    let (length, period, deadline) = (ms(100), ms(1_000), ms(10));
    let (base, spike) = (0.8 * FULL_RATE, 10.0 * FULL_RATE);
    for (admission, spikes) in [(Admission::Evict, 1_000), (Admission::Feasible, 200)] {
        let stream = Stream {
            costs: Costs::Exponential { mean: Duration::from_micros(200) },
            budget: Some(deadline),
            ..Stream::new(Arrivals::Spike { base, spike, length, period })
        };
        let mut simulation = simulation(admission, vec![stream]);
        simulation.duration = period * spikes;
        simulation.windows = vec![Windows { period, from: length + deadline, until: period }];
        let report = simulation.run().expect("it can be simulated");
        let share = report.windows[0].total.on_time_share();
        eprintln!("after spikes, {admission:?}: {share:.5} of {}", report.windows[0].total.offered);
        assert!(share >= 0.99, "{admission:?}: {share}");
        assert_eq!(report.total.late, 0);
    }
}
