//! What the jobs of one class have in common.

use core::time::Duration;

use super::config::ConfigError;
use super::histogram::Quantile;

/// The number of a class in [`Config::classes`](super::Config::classes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class(u16);

impl Class {
    /// The class with this number, counted from zero.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The class's number.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }
}

impl From<u16> for Class {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl From<Class> for u16 {
    fn from(class: Class) -> Self {
        class.0
    }
}

/// What the jobs of one class have in common.
///
/// ```
/// use core::time::Duration;
/// use punctual::scheduler::{ClassConfig, CostModel, Quantile, Reservation};
///
/// let ms = Duration::from_millis;
/// let bids = ClassConfig::foreground().weight(3).cost_model(CostModel::Mean);
/// let health_checks = ClassConfig::foreground()
///     .reservation(Reservation { runtime: ms(1), period: ms(100) })
///     .queue_bound(50);
/// let refreshes = ClassConfig::background()
///     .cost_model(CostModel::Quantile(Quantile::P99))
///     .starvation_guard(ms(500));
/// # let _ = (bids, health_checks, refreshes);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassConfig {
    /// Whether the class's jobs run only in the slack that the foreground leaves.
    pub background: bool,
    /// How the cost of a job that declares none is learned; [`CostModel::Mean`] by default.
    pub cost_model: CostModel,
    /// That cost until the class has completed a job; zero by default. Too low, and the jobs of a
    /// first burst are all taken, and many are late; too high, and few are.
    pub initial_cost: Duration,
    /// What the value of each job is multiplied by; 1 by default. Not a share of the workers: it
    /// decides who is turned away, among foreground jobs.
    pub weight: u32,
    /// Worker time that the class gets whatever the others want; none by default.
    pub reservation: Option<Reservation>,
    /// How many jobs of the class may be queued at once, within the bound of the whole queue;
    /// unbounded by default.
    pub queue_bound: Option<u32>,
    /// The longest that a background class waits for slack without starting a job: after that
    /// the one that has waited longest goes first, at most one in each such time. `None`, the
    /// default, waits for ever. With *n* that wait, the last waits about *n* times as long. Such a
    /// job is not evicted, not for a reservation either.
    pub starvation_guard: Option<Duration>,
}

/// How the cost of a job that declares none is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CostModel {
    /// An exponentially weighted mean, in which a new run weighs a sixteenth.
    #[default]
    Mean,
    /// A quantile of the recent runs, rounded up by at most a sixteenth: for jobs whose cost
    /// varies much, and which must not be late.
    Quantile(Quantile),
}

/// Worker time that a class gets in every period, whatever others want that have none.
///
/// A *token bucket*: it holds at most `runtime` and gains `runtime` in each `period`. A job that
/// the bucket can serve before its latest start is not evicted for the sake of a job outside a
/// reservation; but running jobs are not interrupted, and neither is one that a starvation guard
/// took to the front. A period of one deadline is short for jobs that come at random: with 1.2
/// times their load, 0.2% of them were lost in simulations, and one in 50,000 with periods of two.
/// Where no index tells that everybody is on time ([`Admission::All`], or estimates that were
/// wrong), a class with something in its bucket goes first. Beyond its reservation the class
/// competes like any other.
///
/// [`Admission::All`]: super::Admission::All
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Worker time in each period.
    pub runtime: Duration,
    /// How long a period is.
    pub period: Duration,
}

impl Default for ClassConfig {
    /// A foreground class.
    fn default() -> Self {
        Self::foreground()
    }
}

impl ClassConfig {
    /// A class whose jobs run in the order of their deadlines.
    #[must_use]
    pub const fn foreground() -> Self {
        Self {
            background: false,
            cost_model: CostModel::Mean,
            initial_cost: Duration::ZERO,
            weight: 1,
            reservation: None,
            queue_bound: None,
            starvation_guard: None,
        }
    }

    /// A class whose jobs run only in slack.
    #[must_use]
    pub const fn background() -> Self {
        Self { background: true, ..Self::foreground() }
    }

    /// The same class with another initial cost.
    #[must_use]
    pub const fn initial_cost(self, cost: Duration) -> Self {
        Self { initial_cost: cost, ..self }
    }

    /// The same class with another way to learn costs.
    #[must_use]
    pub const fn cost_model(self, cost_model: CostModel) -> Self {
        Self { cost_model, ..self }
    }

    /// The same class with another weight.
    #[must_use]
    pub const fn weight(self, weight: u32) -> Self {
        Self { weight, ..self }
    }

    /// The same class with a reservation.
    #[must_use]
    pub const fn reservation(self, reservation: Reservation) -> Self {
        Self { reservation: Some(reservation), ..self }
    }

    /// The same class with a queue bound of its own.
    #[must_use]
    pub const fn queue_bound(self, bound: u32) -> Self {
        Self { queue_bound: Some(bound), ..self }
    }

    /// The same class with a starvation guard.
    #[must_use]
    pub const fn starvation_guard(self, longest: Duration) -> Self {
        Self { starvation_guard: Some(longest), ..self }
    }

    /// What [`Self::validate`] says of a class that books a whole worker.
    pub(super) const WHOLE_WORKER: u128 = 1 << 32;

    /// Checks what the types don't, and tells what the class books.
    pub(super) fn validate(&self) -> Result<u128, ConfigError> {
        if self.weight == 0 {
            return Err(ConfigError::NoWeight);
        }
        if self.queue_bound == Some(0) {
            return Err(ConfigError::NoQueue);
        }
        if self.starvation_guard == Some(Duration::ZERO) {
            return Err(ConfigError::NoSlack);
        }
        let is_wrong_kind = match self.background {
            true => self.reservation.is_some(),
            false => self.starvation_guard.is_some(),
        };
        if is_wrong_kind {
            return Err(ConfigError::WrongKind);
        }
        let Some(Reservation { runtime, period }) = self.reservation else {
            return Ok(0);
        };
        if runtime.is_zero() || period.is_zero() {
            return Err(ConfigError::EmptyReservation);
        }
        let (runtime_ns, period_ns) = (runtime.as_nanos(), period.as_nanos());
        // Durations of more than 2^64 ns are no reservation of anything.
        match runtime_ns.max(period_ns) > u128::from(u64::MAX) {
            true => Err(ConfigError::EmptyReservation),
            false => Ok((runtime_ns * Self::WHOLE_WORKER).div_ceil(period_ns)),
        }
    }
}
