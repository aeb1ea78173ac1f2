//! What a class knows, naively: every run time it has learned, in the order of learning.

use punctual::scheduler::{ClassConfig, ClassStats, CostModel, Margin, Quantile, Reservation};

use super::nanos;

/// A mean that moves by a part of the distance, rounded away from zero.
#[derive(Clone, Copy, Default)]
pub(super) struct Mean {
    pub(super) ns: u64,
    is_learned: bool,
}

impl Mean {
    const fn starting_at(ns: u64) -> Self {
        Self { ns, is_learned: true }
    }

    fn learn(&mut self, ns: u64, weight: u64) {
        self.ns = if self.is_learned { pulled(self.ns, ns, weight) } else { ns };
        self.is_learned = true;
    }
}

/// One part in so many of the way from `from` to `to`.
fn pulled(from: u64, to: u64, weight: u64) -> u64 {
    match to > from {
        true => from + (to - from).div_ceil(weight),
        false => from - (from - to).div_ceil(weight),
    }
}

/// The values so far, each at the upper end of its bucket, and how often.
#[derive(Clone, Default)]
struct Samples {
    /// Sorted by value: the bucket's upper end, and a count that is halved now and then.
    counts: Vec<(u64, u64)>,
    largest: u64,
    learned: u64,
}

impl Samples {
    /// Whether the quantile is to be looked at again.
    fn learn(&mut self, ns: u64) -> bool {
        // Sixteen buckets for each power of two.
        let width = 1 << ns.checked_ilog2().unwrap_or(0).saturating_sub(4);
        let end = ns | (width - 1);
        match self.counts.binary_search_by_key(&end, |&(end, _)| end) {
            Ok(at) => self.counts[at].1 += 1,
            Err(at) => self.counts.insert(at, (end, 1)),
        }
        self.largest = self.largest.max(ns);
        self.learned += 1;
        if self.learned.is_multiple_of(1_024) {
            self.counts.iter_mut().for_each(|(_, count)| *count /= 2);
        }
        self.learned <= 16 || self.learned.is_multiple_of(16)
    }

    fn quantile(&self, quantile: Quantile) -> Option<u64> {
        let total: u64 = self.counts.iter().map(|&(_, count)| count).sum();
        let shares = (0..=10_000).find(|&share| Quantile::new(share) == Some(quantile))?;
        let rank = (total * u64::from(shares)).div_ceil(10_000).max(1);
        let mut seen = 0;
        let found = self.counts.iter().find(|&&(_, count)| {
            seen += count;
            seen >= rank
        });
        found.map(|&(end, _)| end.min(self.largest))
    }
}

/// The bucket of tokens of a reservation.
#[derive(Clone, Copy)]
pub(super) struct Credit {
    runtime: i128,
    period: i128,
    pub(super) ns: i128,
    rest: i128,
    at: u64,
}

impl Credit {
    fn new(reservation: Reservation) -> Self {
        let runtime = reservation.runtime.as_nanos() as i128;
        let period = reservation.period.as_nanos() as i128;
        Self { runtime, period, ns: runtime, rest: 0, at: 0 }
    }

    pub(super) fn refill(&mut self, now: u64) {
        self.rest += i128::from(now - self.at) * self.runtime;
        self.at = now;
        self.ns += self.rest / self.period;
        self.rest %= self.period;
        if self.ns >= self.runtime {
            (self.ns, self.rest) = (self.runtime, 0);
        }
    }

    /// What there will be at a later time if nothing is spent, however full the bucket is.
    pub(super) fn until(&self, later: u64) -> i128 {
        self.ns + i128::from(later - self.at) * self.runtime / self.period
    }

    pub(super) fn charge(&mut self, cost: u64) {
        self.ns -= i128::from(cost);
    }

    /// Spends what is there, but makes no debts.
    pub(super) fn charge_at_most(&mut self, cost: u64) {
        self.ns = (self.ns - i128::from(cost)).max(self.ns.min(0));
    }

    pub(super) fn settle_up(&mut self, cost: u64, took: u64) {
        self.ns = (self.ns + i128::from(cost) - i128::from(took)).min(self.runtime);
    }
}

/// One class: its configuration, what it has learned, and its statistics.
#[derive(Clone)]
pub(super) struct ClassState {
    pub(super) config: ClassConfig,
    margin: Margin,
    initial: u64,
    mean: Mean,
    costs: Samples,
    cached_cost: u64,
    /// What was declared, and how long that took.
    declared: Option<(Mean, Mean)>,
    overruns: Samples,
    cached_margin: u64,
    /// Jobs turned away since the last one ran.
    pub(super) turned_away: u32,
    pub(super) credit: Option<Credit>,
    pub(super) guard_at: Option<u64>,
    pub(super) stats: ClassStats,
}

impl ClassState {
    pub(super) fn new(config: &ClassConfig, margin: Margin) -> Self {
        let initial = nanos(config.initial_cost);
        Self {
            margin,
            initial,
            mean: Mean::default(),
            costs: Samples::default(),
            cached_cost: initial,
            declared: None,
            overruns: Samples::default(),
            cached_margin: least(margin),
            turned_away: 0,
            credit: config.reservation.map(Credit::new),
            guard_at: None,
            stats: ClassStats::default(),
            config: config.clone(),
        }
    }

    /// The cost of a job that declares none.
    pub(super) fn expected_cost(&self) -> u64 {
        self.cached_cost
    }

    /// What a job of this declared cost is booked for.
    pub(super) fn corrected(&self, declared: u64) -> u64 {
        let Some((mean, took)) = self.declared.filter(|(mean, took)| took.ns > mean.ns) else {
            return declared;
        };
        let corrected = u128::from(declared) * u128::from(took.ns) / u128::from(mean.ns);
        u64::try_from(corrected).unwrap_or(u64::MAX)
    }

    pub(super) fn margin(&self) -> u64 {
        self.cached_margin
    }

    /// What a job is booked for, and its margin.
    ///
    /// A probe is for finding out whether what was learned is wrong.
    pub(super) fn numbers(&self, declared: Option<u64>) -> (u64, u64) {
        if self.is_in_doubt() {
            return (declared.unwrap_or(self.initial), least(self.margin));
        }
        let cost = declared.map_or(self.expected_cost(), |cost| self.corrected(cost));
        (cost, self.margin())
    }

    /// Whether a job would be booked without anything that was declared or learned.
    pub(super) fn is_guessing(&self, declared: Option<u64>) -> bool {
        let knows = self.mean.is_learned || self.costs.learned > 0;
        self.is_in_doubt() || declared.is_none() && !knows
    }

    /// Whether so many jobs were turned away, and none ran, that the next one is a probe.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.turned_away > 256
    }

    pub(super) fn forget(&mut self) {
        let new = Self::new(&self.config, self.margin);
        (self.mean, self.costs, self.cached_cost) = (new.mean, new.costs, new.cached_cost);
        (self.declared, self.overruns) = (new.declared, new.overruns);
        self.cached_margin = new.cached_margin;
    }

    /// A run that was done. What nobody foresaw is no error of an estimate.
    pub(super) fn learn(&mut self, declared: Option<u64>, booked: u64, took: u64, is_guess: bool) {
        match self.config.cost_model {
            CostModel::Quantile(quantile) => {
                if self.costs.learn(took) {
                    self.cached_cost = self.costs.quantile(quantile).unwrap_or(self.cached_cost);
                }
            }
            _ => {
                self.mean.learn(took, 16);
                self.cached_cost = self.mean.ns;
            }
        }
        if let Some(ns) = declared {
            let start = Mean::starting_at(ns);
            let (declared, took_of_declared) = self.declared.get_or_insert((start, start));
            declared.learn(ns, 64);
            took_of_declared.learn(took.min(booked.saturating_mul(16)), 64);
        }
        if let Margin::Learned { quantile, least, most } = self.margin
            && !is_guess
            && self.overruns.learn(took.saturating_sub(booked))
            && let Some(overrun) = self.overruns.quantile(quantile)
        {
            self.cached_margin = overrun.clamp(nanos(least), nanos(most));
        }
    }

    /// A job is turned away for its cost, which says something if none could run to show it.
    pub(super) fn turn_away(&mut self, running: i64) {
        if running == 0 {
            self.turned_away += 1;
        }
    }
}

fn least(margin: Margin) -> u64 {
    match margin {
        Margin::Fixed(margin) => nanos(margin),
        Margin::Learned { least, .. } => nanos(least),
        _ => unreachable!("there are two kinds of margins"),
    }
}
