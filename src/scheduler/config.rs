//! What a scheduler is told before it starts.

use alloc::vec;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::time::Duration;

/// How a scheduler works: its capacity, its bounds and its classes.
///
/// ```
/// use core::time::Duration;
/// use punctual::scheduler::{ClassConfig, Config, Scheduler};
///
/// let scheduler = Scheduler::<()>::new(Config {
///     workers: 4,
///     margin: Duration::from_millis(2),
///     classes: vec![ClassConfig::foreground(), ClassConfig::background()],
///     ..Config::default()
/// })?;
/// # Ok::<(), punctual::scheduler::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many jobs run at once; 1 by default.
    pub workers: u32,
    /// How many jobs may be queued at once; 65,536 by default. One more is refused.
    pub queue_bound: u32,
    /// Time kept free between the expected end of a job and its deadline; zero by default. It
    /// covers what the shell needs to hand the result over, and the error of the estimate.
    pub margin: Duration,
    /// How many sheds may come in a row while a job could start; 32 by default. A long row of
    /// them must not keep the workers waiting.
    pub max_sheds_between_runs: u32,
    /// The classes, which [`Class`](super::Class) numbers in this order; one foreground class by
    /// default.
    pub classes: Vec<ClassConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 1,
            queue_bound: 1 << 16,
            margin: Duration::ZERO,
            max_sheds_between_runs: 32,
            classes: vec![ClassConfig::foreground()],
        }
    }
}

/// What the jobs of one class have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassConfig {
    /// Whether the class's jobs run only in the slack that the foreground leaves.
    pub background: bool,
    /// The cost of a job that declares none, until the class has learned a mean; zero by
    /// default.
    pub initial_cost: Duration,
}

impl ClassConfig {
    /// A class whose jobs run in the order of their deadlines.
    #[must_use]
    pub const fn foreground() -> Self {
        Self { background: false, initial_cost: Duration::ZERO }
    }

    /// A class whose jobs run only in slack.
    #[must_use]
    pub const fn background() -> Self {
        Self { background: true, initial_cost: Duration::ZERO }
    }

    /// The same class with another initial cost.
    #[must_use]
    pub const fn initial_cost(self, cost: Duration) -> Self {
        Self { initial_cost: cost, ..self }
    }
}

/// Why a configuration makes no scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// `workers` is zero: nothing could ever run.
    NoWorkers,
    /// `queue_bound` is zero: nothing could ever be submitted.
    NoQueue,
    /// `queue_bound` and `workers` together exceed 2³¹ jobs.
    TooManyJobs,
    /// `classes` is empty.
    NoClasses,
    /// There are more than 65,536 classes.
    TooManyClasses,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoWorkers => "a scheduler needs at least one worker",
            Self::NoQueue => "the queue's bound must be at least 1",
            Self::TooManyJobs => "workers and the queue's bound exceed 2^31 jobs together",
            Self::NoClasses => "a scheduler needs at least one class",
            Self::TooManyClasses => "a scheduler has at most 65,536 classes",
        })
    }
}

impl Error for ConfigError {}

impl Config {
    /// Checks what the types don't.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.workers == 0 {
            return Err(ConfigError::NoWorkers);
        }
        if self.queue_bound == 0 {
            return Err(ConfigError::NoQueue);
        }
        if u64::from(self.workers) + u64::from(self.queue_bound) > 1 << 31 {
            return Err(ConfigError::TooManyJobs);
        }
        if self.classes.is_empty() {
            return Err(ConfigError::NoClasses);
        }
        if self.classes.len() > 1 << 16 {
            return Err(ConfigError::TooManyClasses);
        }
        Ok(())
    }
}
