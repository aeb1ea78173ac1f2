//! Which promises hold for a simulation, and how often they were put to the test.

use std::ops::AddAssign;

use punctual::scheduler::{Admission, Margin};
use punctual::simulation::{Disturbance, Estimates, Simulation};

/// Which of the promises hold for a simulation: some are made only without trouble.
pub(crate) struct Promises {
    /// Foreground jobs start in the order of (deadline, submission).
    pub(crate) ordered: bool,
    /// Wake-ups come at the time that the scheduler asked for.
    pub(crate) punctual_polls: bool,
    /// What starts is done in time.
    pub(crate) runs_in_time: bool,
    /// What is accepted is done in time.
    pub(crate) accepted_in_time: bool,
    /// What waits could be done in time, nothing is refused that could be as well, and nobody is
    /// evicted but because of somebody who is late.
    pub(crate) feasible: bool,
    /// The scheduler knows the cost of every job, and so does the checker.
    pub(crate) known_costs: bool,
    /// The one class with a reservation gets its share whenever it has work.
    pub(crate) reserved: Option<usize>,
}

impl Promises {
    pub(crate) fn of(simulation: &Simulation) -> Self {
        let Simulation { config, streams, disturbances, poll_delay, .. } = simulation;
        let classes = &config.classes;
        let is_prompt = poll_delay.is_zero();
        let clock_is_right = !disturbances.iter().any(|it| {
            matches!(
                it,
                Disturbance::ClockStall { .. }
                    | Disturbance::ClockJump { .. }
                    | Disturbance::StaleReading { .. }
            )
        });
        let known_costs = clock_is_right
            && !disturbances.iter().any(|it| matches!(it, Disturbance::WorkerStall { .. }))
            && matches!(config.margin, Margin::Fixed(_))
            && streams.iter().all(|stream| stream.estimates == Estimates::Exact);
        let is_calm = is_prompt && known_costs && disturbances.is_empty() && !config.shadow;
        let runs_in_time = is_calm
            && config.workers == 1
            && config.admission != Admission::All
            && classes.iter().all(|class| !class.background && class.reservation.is_none())
            && streams.iter().all(|stream| {
                stream.lead.is_zero() && stream.release_delay.is_zero() && stream.budget.is_some()
            });
        let mut reserved = (0..classes.len()).filter(|&at| classes[at].reservation.is_some());
        let only_reserved = reserved.next().filter(|_| reserved.next().is_none());
        Self {
            ordered: !config.shadow
                && classes.iter().all(|it| it.reservation.is_none())
                && classes.iter().all(|it| it.starvation_guard.is_none()),
            punctual_polls: is_prompt && clock_is_right,
            runs_in_time,
            accepted_in_time: runs_in_time
                && config.admission == Admission::Feasible
                && simulation.shutdown.is_none(),
            feasible: runs_in_time && simulation.shutdown.is_none(),
            known_costs,
            reserved: only_reserved.filter(|_| {
                is_calm && config.admission == Admission::All && simulation.shutdown.is_none()
            }),
        }
    }
}

/// How often each promise was put to the test.
#[derive(Default)]
pub(crate) struct Applied {
    /// Starts in order, and waits with nobody overtaken.
    pub(crate) starts_in_order: u64,
    /// Sheds before the deadline.
    pub(crate) sheds_in_time: u64,
    /// Runs of what starts that had to be in time.
    pub(crate) runs_in_time: u64,
    /// Accepted jobs of which none may be shed.
    pub(crate) accepted_in_time: u64,
    /// Waits with something queued, in which nobody may be late.
    pub(crate) feasible_waits: u64,
    /// Refusals for which somebody must be late.
    pub(crate) needed_refusals: u64,
    /// Evictions for which somebody must be late.
    pub(crate) needed_evictions: u64,
    /// Latest starts that were recomputed from what is known of a job.
    pub(crate) exact_latest_starts: u64,
    /// Those with a margin that was learned.
    pub(crate) learned_margins: u64,
    /// Jobs whose hope was recomputed.
    pub(crate) recomputed_hopes: u64,
    /// Background starts for which everybody upcoming must have had the time.
    pub(crate) slack_checks: u64,
    /// Moments at which a reserved class would have been owed too much, if it had got nothing.
    pub(crate) reserved_moments: u64,
    /// Jobs that were held since one of their identity was running.
    pub(crate) held: u64,
    /// Lateness that was judged by another clock than the scheduler's.
    pub(crate) judged_by_the_world: u64,
}

impl Applied {
    pub(crate) const fn counts(&self) -> [(&'static str, u64); 14] {
        [
            ("starts in order", self.starts_in_order),
            ("sheds before the deadline", self.sheds_in_time),
            ("runs in time", self.runs_in_time),
            ("accepted, so in time", self.accepted_in_time),
            ("feasible waits", self.feasible_waits),
            ("needed refusals", self.needed_refusals),
            ("needed evictions", self.needed_evictions),
            ("exact latest starts", self.exact_latest_starts),
            ("learned margins", self.learned_margins),
            ("recomputed hopes", self.recomputed_hopes),
            ("slack checks", self.slack_checks),
            ("reserved moments", self.reserved_moments),
            ("held jobs", self.held),
            ("judged by the world", self.judged_by_the_world),
        ]
    }
}

impl AddAssign for Applied {
    fn add_assign(&mut self, other: Self) {
        self.starts_in_order += other.starts_in_order;
        self.sheds_in_time += other.sheds_in_time;
        self.runs_in_time += other.runs_in_time;
        self.accepted_in_time += other.accepted_in_time;
        self.feasible_waits += other.feasible_waits;
        self.needed_refusals += other.needed_refusals;
        self.needed_evictions += other.needed_evictions;
        self.exact_latest_starts += other.exact_latest_starts;
        self.learned_margins += other.learned_margins;
        self.recomputed_hopes += other.recomputed_hopes;
        self.slack_checks += other.slack_checks;
        self.reserved_moments += other.reserved_moments;
        self.held += other.held;
        self.judged_by_the_world += other.judged_by_the_world;
    }
}
