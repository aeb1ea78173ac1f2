//! What a class has learned, and how it finds out that it is wrong.

use core::time::Duration;

use super::class::ClassConfig;
use super::config::Margin;
use super::cost::{ClassMargin, Correction, LearnedCost};
use crate::time::saturating_nanos;

/// What a class knows of its jobs' costs.
#[derive(Debug)]
pub(super) struct Learned {
    cost: LearnedCost,
    correction: Correction,
    margin: ClassMargin,
    /// Jobs that were refused or shed because of their cost since the last one ran.
    turned_away: u32,
}

/// What is booked for a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Booking {
    pub(super) cost_ns: u64,
    pub(super) margin_ns: u64,
    /// Whether the job is to show what its class costs.
    pub(super) is_probe: bool,
    /// Whether nothing that was learned or declared is in it.
    pub(super) is_guess: bool,
}

/// How a run went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) declared: Option<Duration>,
    pub(super) booked: Duration,
    pub(super) took: Duration,
    pub(super) is_probe: bool,
    pub(super) is_guess: bool,
}

/// So many jobs of a class may be turned away, while none of it runs, before one is sent to find
/// out whether that is right: more than most overloads turn away between two runs.
const PATIENCE: u32 = 256;

impl Learned {
    pub(super) fn new(class: &ClassConfig, margin: Margin) -> Self {
        Self {
            cost: LearnedCost::new(class),
            correction: Correction::default(),
            margin: ClassMargin::new(margin),
            turned_away: 0,
        }
    }

    pub(super) const fn cost(&self) -> Duration {
        self.cost.cost()
    }

    pub(super) const fn margin(&self) -> Duration {
        self.margin.margin()
    }

    /// What is booked for a job that declares so much, or nothing.
    ///
    /// A probe is booked as if nothing had been learned: one long run (a machine that stood still,
    /// a cold start) would lock its class out for good otherwise, since what is never run is never
    /// measured again.
    pub(super) fn book(&self, declared: Option<Duration>) -> Booking {
        let is_probe = self.turned_away > PATIENCE;
        let is_guess = is_probe || declared.is_none() && !self.cost.is_learned();
        let (cost, margin) = match (declared, is_probe) {
            (Some(declared), false) => (self.correction.corrected(declared), self.margin()),
            (None, false) => (self.cost(), self.margin()),
            (declared, true) => (declared.unwrap_or(self.cost.initial()), self.margin.least()),
        };
        let [cost_ns, margin_ns] = [cost, margin].map(saturating_nanos);
        Booking { cost_ns, margin_ns, is_probe, is_guess }
    }

    /// A job is refused or shed because of its cost, while none of the class runs.
    pub(super) fn turn_away(&mut self) {
        self.turned_away = self.turned_away.saturating_add(1);
    }

    /// A job of the class starts, or one is queued that is a probe: a second probe would say
    /// nothing new.
    pub(super) fn be_patient(&mut self) {
        self.turned_away = 0;
    }

    /// A job of the class is done. What a probe shows counts more than all that came before it.
    ///
    /// By how much a guess was wrong says nothing of the estimates that come after it: as a margin
    /// it would be a second cost on top of the one that the same run has shown.
    pub(super) fn learn(&mut self, run: Run) {
        if run.is_probe {
            self.cost.forget();
            self.correction = Correction::default();
            self.margin.forget();
        }
        self.cost.learn(run.took);
        if !run.is_guess {
            self.margin.learn(run.took.saturating_sub(run.booked));
        }
        if let Some(declared) = run.declared {
            self.correction.learn(declared, run.booked, run.took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::Quantile;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn run(declared: Option<Duration>, took: Duration, booking: Booking) -> Run {
        let booked = Duration::from_nanos(booking.cost_ns);
        let Booking { is_probe, is_guess, .. } = booking;
        Run { declared, booked, took, is_probe, is_guess }
    }

    #[test]
    fn a_probe_is_booked_as_if_nothing_was_learned_and_what_it_shows_stays() {
        let class = ClassConfig::foreground().initial_cost(ms(2));
        let mut learned = Learned::new(&class, Margin::Fixed(Duration::ZERO));
        learned.learn(run(None, ms(3_000), learned.book(None)));
        (0..PATIENCE).for_each(|_| learned.turn_away());
        assert_eq!(learned.book(None).cost_ns, 3_000_000_000);
        learned.turn_away();
        let probe = learned.book(None);
        assert_eq!((probe.is_probe, probe.cost_ns), (true, 2_000_000));
        learned.be_patient();
        assert!(!learned.book(None).is_probe);
        learned.learn(run(None, ms(5), probe));
        assert_eq!(learned.cost(), ms(5));
    }

    #[test]
    fn a_guess_teaches_the_cost_and_no_margin() {
        let margin = Margin::Learned { quantile: Quantile::P99, least: ms(1), most: ms(100) };
        let mut learned = Learned::new(&ClassConfig::foreground(), margin);
        // Both were booked before anything was known.
        let booking = learned.book(None);
        (0..2).for_each(|_| learned.learn(run(None, ms(60), booking)));
        assert_eq!((learned.cost(), learned.margin()), (ms(60), ms(1)));
        (0..=PATIENCE).for_each(|_| learned.turn_away());
        learned.learn(run(None, ms(60), learned.book(None)));
        assert_eq!((learned.cost(), learned.margin()), (ms(60), ms(1)));
        learned.be_patient();
        let booking = learned.book(None);
        learned.learn(run(None, ms(70), booking));
        assert_eq!(learned.margin(), ms(10));
    }

    #[test]
    fn a_declaration_that_is_far_too_low_is_corrected_in_some_dozens_of_runs() {
        let mut learned = Learned::new(&ClassConfig::foreground(), Margin::Fixed(Duration::ZERO));
        let declared = Some(Duration::from_micros(1));
        for _ in 0..600 {
            let booking = learned.book(declared);
            learned.learn(run(declared, ms(20), booking));
        }
        let booked_ns = learned.book(declared).cost_ns;
        assert!((19_900_000..=20_000_000).contains(&booked_ns), "{booked_ns}");
    }
}
