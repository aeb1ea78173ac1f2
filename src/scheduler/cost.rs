//! What a job of a class costs, and by how much estimates are wrong.

use core::time::Duration;

use super::class::{ClassConfig, CostModel};
use super::config::Margin;
use super::histogram::{Histogram, Quantile};
use crate::time::saturating_nanos;

/// An exponentially weighted mean.
#[derive(Clone, Debug, Default)]
struct Mean {
    mean_ns: u64,
    is_started: bool,
}

impl Mean {
    /// The first value counts whole, unless something else was said before.
    fn learn(&mut self, value_ns: u64, weight: u64) {
        self.start_at(value_ns);
        // The step rounds away from zero, so that a mean arrives where it is pulled to.
        let step_ns = self.mean_ns.abs_diff(value_ns).div_ceil(weight);
        match value_ns > self.mean_ns {
            true => self.mean_ns += step_ns,
            false => self.mean_ns -= step_ns,
        }
    }

    fn start_at(&mut self, value_ns: u64) {
        if !self.is_started {
            *self = Self { mean_ns: value_ns, is_started: true };
        }
    }
}

/// A quantile of the recent values, from a histogram that fades. It is read anew after each of
/// the first values, and then now and then, since reading it walks the histogram.
#[derive(Clone, Debug)]
struct RecentQuantile {
    values: Histogram,
    quantile: Quantile,
    learned: u64,
}

/// After so many values the histogram's counts are halved: what weighs are the last thousands.
const FADE_AFTER: u64 = 1_024;

/// The first values, after each of which the quantile is read; then after every so many.
const READ_EVERY: u64 = 16;

impl RecentQuantile {
    const fn new(quantile: Quantile) -> Self {
        Self { values: Histogram::new(), quantile, learned: 0 }
    }

    /// The quantile, if it has been read anew.
    fn learn(&mut self, value: Duration) -> Option<u64> {
        self.values.record(value);
        self.learned += 1;
        if self.learned.is_multiple_of(FADE_AFTER) {
            self.values.fade();
        }
        let is_due = self.learned <= READ_EVERY || self.learned.is_multiple_of(READ_EVERY);
        let quantile = if is_due { self.values.quantile(self.quantile) } else { None };
        quantile.map(saturating_nanos)
    }
}

/// In a mean a new value is one part in this many: it follows a change within some dozens of
/// jobs, and one outlier moves it by a sixteenth.
const WEIGHT: u64 = 16;

/// What jobs of a class cost that declare nothing.
#[derive(Clone, Debug)]
pub(super) struct LearnedCost {
    initial_ns: u64,
    cost_ns: u64,
    model: Model,
}

#[derive(Clone, Debug)]
enum Model {
    Mean(Mean),
    Quantile(RecentQuantile),
}

impl LearnedCost {
    pub(super) fn new(class: &ClassConfig) -> Self {
        let initial_ns = saturating_nanos(class.initial_cost);
        let model = match class.cost_model {
            CostModel::Mean => Model::Mean(Mean::default()),
            CostModel::Quantile(quantile) => Model::Quantile(RecentQuantile::new(quantile)),
        };
        Self { initial_ns, cost_ns: initial_ns, model }
    }

    pub(super) const fn initial(&self) -> Duration {
        Duration::from_nanos(self.initial_ns)
    }

    pub(super) const fn cost(&self) -> Duration {
        Duration::from_nanos(self.cost_ns)
    }

    /// Whether a run has told anything.
    pub(super) const fn is_learned(&self) -> bool {
        match &self.model {
            Model::Mean(mean) => mean.is_started,
            Model::Quantile(recent) => recent.learned > 0,
        }
    }

    pub(super) fn learn(&mut self, took: Duration) {
        match &mut self.model {
            Model::Mean(mean) => {
                mean.learn(saturating_nanos(took), WEIGHT);
                self.cost_ns = mean.mean_ns;
            }
            Model::Quantile(recent) => self.cost_ns = recent.learn(took).unwrap_or(self.cost_ns),
        }
    }

    /// Begins anew.
    pub(super) fn forget(&mut self) {
        self.cost_ns = self.initial_ns;
        match &mut self.model {
            Model::Mean(mean) => *mean = Mean::default(),
            Model::Quantile(recent) => *recent = RecentQuantile::new(recent.quantile),
        }
    }
}

/// The ratio of what jobs took to what was declared for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Correction {
    declared: Mean,
    took: Mean,
}

/// Slower than a learned cost: a ratio of two noisy means must not swing.
const CORRECTION_WEIGHT: u64 = 64;

/// A run counts for at most so many times what was booked for it: a machine that stood still says
/// little about the declaration, but a declaration that is wrong by far is found out in some
/// dozens of runs.
const MOST_RATIO: u64 = 16;

impl Correction {
    pub(super) fn learn(&mut self, declared: Duration, booked: Duration, took: Duration) {
        let declared_ns = saturating_nanos(declared);
        let most_ns = saturating_nanos(booked).saturating_mul(MOST_RATIO);
        // Until the first run is done, what is declared is believed.
        self.took.start_at(declared_ns);
        self.declared.learn(declared_ns, CORRECTION_WEIGHT);
        self.took.learn(saturating_nanos(took).min(most_ns), CORRECTION_WEIGHT);
    }

    /// What a job is expected to need that declares so much: never less.
    pub(super) fn corrected(&self, declared: Duration) -> Duration {
        let (took_ns, mean_ns) = (self.took.mean_ns, self.declared.mean_ns);
        if took_ns <= mean_ns || mean_ns == 0 {
            return declared;
        }
        let corrected_ns =
            u128::from(saturating_nanos(declared)) * u128::from(took_ns) / u128::from(mean_ns);
        Duration::from_nanos(u64::try_from(corrected_ns).unwrap_or(u64::MAX))
    }
}

/// The time that a class keeps free before its deadlines.
#[derive(Clone, Debug)]
pub(super) struct ClassMargin {
    margin_ns: u64,
    least_ns: u64,
    most_ns: u64,
    overruns: Option<RecentQuantile>,
}

impl ClassMargin {
    pub(super) fn new(margin: Margin) -> Self {
        let (least, most, overruns) = match margin {
            Margin::Fixed(margin) => (margin, margin, None),
            Margin::Learned { quantile, least, most } => {
                (least, most, Some(RecentQuantile::new(quantile)))
            }
        };
        let [least_ns, most_ns] = [least, most].map(saturating_nanos);
        Self { margin_ns: least_ns, least_ns, most_ns, overruns }
    }

    pub(super) const fn margin(&self) -> Duration {
        Duration::from_nanos(self.margin_ns)
    }

    pub(super) const fn least(&self) -> Duration {
        Duration::from_nanos(self.least_ns)
    }

    pub(super) fn learn(&mut self, overrun: Duration) {
        if let Some(margin_ns) = self.overruns.as_mut().and_then(|it| it.learn(overrun)) {
            self.margin_ns = margin_ns.clamp(self.least_ns, self.most_ns);
        }
    }

    /// Begins anew.
    pub(super) fn forget(&mut self) {
        self.margin_ns = self.least_ns;
        if let Some(overruns) = &mut self.overruns {
            *overruns = RecentQuantile::new(overruns.quantile);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn a_mean_starts_at_the_first_cost_and_follows_a_change() {
        let class = ClassConfig::foreground().initial_cost(Duration::from_secs(9));
        let mut cost = LearnedCost::new(&class);
        assert_eq!(cost.cost(), Duration::from_secs(9));
        cost.learn(us(100));
        assert_eq!(cost.cost(), us(100));
        cost.learn(us(260));
        assert_eq!(cost.cost(), us(110));
        (0..300).for_each(|_| cost.learn(us(20)));
        assert_eq!(cost.cost(), us(20));
    }

    #[test]
    fn extreme_costs_neither_overflow_nor_stick() {
        let mut cost = LearnedCost::new(&ClassConfig::foreground().initial_cost(Duration::MAX));
        cost.learn(Duration::MAX);
        cost.learn(Duration::ZERO);
        cost.learn(Duration::MAX);
        assert!(cost.cost() > Duration::from_secs(1 << 33));
    }

    #[test]
    fn a_quantile_follows_the_recent_runs() {
        let model = CostModel::Quantile(Quantile::P90);
        let mut cost = LearnedCost::new(&ClassConfig::foreground().cost_model(model));
        (1..=1_000).for_each(|at| cost.learn(us(at % 100)));
        assert!((us(88)..us(95)).contains(&cost.cost()), "{:?}", cost.cost());
        (0..6_000).for_each(|_| cost.learn(us(500)));
        assert!((us(500)..us(532)).contains(&cost.cost()), "{:?}", cost.cost());
    }

    #[test]
    fn a_correction_only_ever_adds() {
        let mut correction = Correction::default();
        assert_eq!(correction.corrected(us(100)), us(100));
        (0..500).for_each(|_| correction.learn(us(100), us(100), us(40)));
        assert_eq!(correction.corrected(us(100)), us(100));
        (0..500).for_each(|_| correction.learn(us(100), us(100), us(300)));
        let corrected = correction.corrected(us(100));
        assert!((us(295)..=us(300)).contains(&corrected), "{corrected:?}");
    }

    #[test]
    fn one_run_moves_a_correction_little() {
        let mut correction = Correction::default();
        correction.learn(us(100), us(100), us(900_000));
        assert!(correction.corrected(us(100)) < us(125));
    }

    #[test]
    fn a_margin_covers_the_overruns_within_its_limits() {
        let least = us(10);
        let learned = Margin::Learned { quantile: Quantile::P99, least, most: us(1_000) };
        let mut margin = ClassMargin::new(learned);
        assert_eq!(margin.margin(), least);
        (0..500).for_each(|at| margin.learn(us(at % 50)));
        assert!((us(48)..us(54)).contains(&margin.margin()), "{:?}", margin.margin());
        (0..500).for_each(|_| margin.learn(us(90_000)));
        assert_eq!(margin.margin(), us(1_000));
        margin.forget();
        assert_eq!(margin.margin(), least);
    }
}
