//! What a planner is told before it starts.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use super::terms::Urgency;

/// What loads may cost the backend, and how refreshes are chosen.
///
/// ```
/// use core::time::Duration;
/// use punctual::refresh::Config;
///
/// let plan = Config {
///     loads_per_second: Some(500.0),
///     concurrent: 20,
///     load_timeout: Duration::from_millis(800),
///     ..Config::default()
/// };
/// # let _ = plan;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// How many loads a second may start, each counted by its cost; a positive number. Loads that
    /// somebody wants are never delayed by it, but take from what refreshes may have. `None`, the
    /// default: as many as there is reason for.
    pub loads_per_second: Option<f64>,
    /// How many loads may be saved up and come at once; 16 by default, at least 1.
    pub burst: u32,
    /// How many loads may be in flight, for whatever reason; 64 by default, at least 1.
    pub concurrent: u32,
    /// How many of these may be refreshes that are worth their price; 32 by default, at least 1.
    /// See [`places`](Self::places) for what is kept free for others in any case.
    pub concurrent_refreshes: u32,
    /// A load that takes longer doesn't count any more; 10 s by default.
    pub load_timeout: Duration,
    /// How long hits are remembered, as the time constant of their mean; 10 minutes by default.
    pub memory: Duration,
    /// How many true answers it is worth that nobody has to wait; 1,000 by default.
    pub wait_weight: f64,
    /// An entry that nobody asked for during so many refreshes in a row is left to its hard
    /// expiry; 16 by default.
    pub idle_refreshes: u32,
    /// How many demands may wait to be started; 65,536 by default.
    pub demand_bound: u32,
    /// Ids must be below this; 2²⁴ by default. Memory grows with the largest one.
    pub bound: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            loads_per_second: None,
            burst: 16,
            concurrent: 64,
            concurrent_refreshes: 32,
            load_timeout: Duration::from_secs(10),
            memory: Duration::from_secs(600),
            wait_weight: 1_000.0,
            idle_refreshes: 16,
            demand_bound: 1 << 16,
            bound: 1 << 24,
        }
    }
}

/// Why a configuration makes no planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The rate of loads is not a positive number.
    Rate,
    /// Nothing may be saved up, wanted, refreshed or in flight, or no id is below the bound.
    NoLoads,
    /// Loads have no time, or hits aren't remembered.
    NoTime,
    /// The weight of a wait is negative, or no number.
    Weight,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rate => "the loads a second must be a positive number",
            Self::NoLoads => "one load at least must be allowed",
            Self::NoTime => "loads need a time-out, and hits a memory",
            Self::Weight => "the weight of a wait must be a number from zero on",
        })
    }
}

impl Error for ConfigError {}

impl Config {
    /// How many refreshes may be in flight, for whatever reason, with one more of this urgency.
    ///
    /// A quarter of the places is for demands alone: nobody waits because of a refresh. An eighth
    /// is for demands and for entries that are about to expire, since background loads may hold
    /// their places for long. One place, if there is but one, is for all.
    #[must_use]
    pub fn places(&self, urgency: Urgency) -> u32 {
        let for_demands = self.concurrent.div_ceil(4);
        let for_expiring = self.concurrent.div_ceil(8);
        let most = match urgency {
            Urgency::Demanded { .. } => self.concurrent,
            Urgency::Expiring { .. } => self.concurrent - for_demands,
            Urgency::Refresh => {
                let others = self.concurrent.saturating_sub(for_demands + for_expiring);
                others.min(self.concurrent_refreshes)
            }
        };
        most.max(1)
    }

    /// How long a load may wait for its token behind others that are as urgent: those that come at
    /// once, as many as can be saved up.
    pub(super) fn reserve(&self) -> Duration {
        self.loads_per_second.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64((f64::from(self.burst) / rate).min(1e9))
        })
    }

    /// Checks what the types don't.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let is_rate = |rate: f64| rate.is_finite() && rate > 0.0;
        if !self.loads_per_second.is_none_or(is_rate) {
            return Err(ConfigError::Rate);
        }
        let least = self.burst.min(self.concurrent).min(self.concurrent_refreshes);
        if least == 0 || self.demand_bound == 0 || self.bound == 0 || self.idle_refreshes == 0 {
            return Err(ConfigError::NoLoads);
        }
        if self.load_timeout.is_zero() || self.memory.is_zero() {
            return Err(ConfigError::NoTime);
        }
        if !(self.wait_weight.is_finite() && self.wait_weight >= 0.0) {
            return Err(ConfigError::Weight);
        }
        Ok(())
    }
}
