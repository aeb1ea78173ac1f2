//! What a scheduler is told before it starts.

use alloc::vec;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::time::Duration;

use super::class::ClassConfig;
use super::histogram::Quantile;

/// How a scheduler works: its capacity, its bounds, its policy and its classes.
///
/// ```
/// use core::time::Duration;
/// use punctual::scheduler::{Admission, ClassConfig, Config, Margin, Scheduler};
///
/// let scheduler = Scheduler::<()>::new(Config {
///     workers: 4,
///     admission: Admission::Feasible,
///     margin: Margin::Fixed(Duration::from_millis(2)),
///     classes: vec![ClassConfig::foreground(), ClassConfig::background()],
///     ..Config::default()
/// })?;
/// # Ok::<(), punctual::scheduler::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many jobs run at once; 1 by default.
    pub workers: u32,
    /// How many jobs may be queued at once; 65,536 by default. One more is refused, or with
    /// [`Admission::Evict`] displaces a worse one; background jobs are never displaced, so give
    /// their classes bounds of their own. As many again may wait until a poll tells that they are
    /// shed: poll between submissions.
    pub queue_bound: u32,
    /// Who is turned away when not all can be done in time; [`Admission::Evict`] by default.
    pub admission: Admission,
    /// Whether the policy only says what it would do; `false` by default.
    ///
    /// In shadow mode a job that would be refused for the sake of others, or shed, runs all the
    /// same, and [`Running::verdict`](super::Running::verdict) and the statistics tell what would
    /// have become of it: a configuration can be tried on live traffic. The jobs that run all the
    /// same take the time of others, so a shadow sees more overload than there would be. A job
    /// that not even an idle scheduler could do in time is refused, as is one for which there is
    /// no room, or a change of a deadline.
    pub shadow: bool,
    /// Time kept free between the expected end of a job and its deadline; none by default.
    pub margin: Margin,
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
            admission: Admission::default(),
            shadow: false,
            margin: Margin::Fixed(Duration::ZERO),
            max_sheds_between_runs: 32,
            classes: vec![ClassConfig::foreground()],
        }
    }
}

/// Who is turned away when not all can be done in time.
///
/// Whatever the admission, a job that could not be met by an idle scheduler is refused, and a
/// queued job is shed at its latest start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// Nobody: jobs queue, and are shed at their latest start. The cheapest to submit to. In
    /// overload every job runs at the last moment or hears its 'no' then, and wrong estimates
    /// make more of them late.
    All,
    /// The job in hand, if with it not all that are released and running would meet their
    /// deadlines. What was accepted stays.
    Feasible,
    /// Whoever costs most for its value among those due by the deadline that would be missed. Every
    /// job that could be done by an idle scheduler and finds room is taken, and the polls shed who
    /// is evicted: the next one, if it is the job in hand. With several workers, a run that takes
    /// longer than expected can make a job late before the time that a `Wait` says: any other
    /// call's poll sees it, and its latest start is the last moment.
    #[default]
    Evict,
}

/// Time kept free between the expected end of a job and its deadline. It covers the error of the
/// estimate, and what the shell needs to hand the result over; a learned margin sees that only if
/// it comes before [`complete`](super::Scheduler::complete): otherwise put it into `least`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Margin {
    /// Always the same.
    Fixed(Duration),
    /// Learned by each class for itself: what its jobs overran their expected cost by. Jobs that
    /// were booked before anything was learned or declared, and probes, teach the cost alone.
    Learned {
        /// The share of the jobs that the margin is long enough for.
        quantile: Quantile,
        /// The margin until the class has completed its first jobs, and never less.
        least: Duration,
        /// Never more: one run on a machine that stood still must not close the class.
        most: Duration,
    },
}

/// Why a configuration makes no scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// `workers` is zero: nothing could ever run.
    NoWorkers,
    /// A queue's bound is zero: nothing could ever be submitted.
    NoQueue,
    /// `workers` and twice the `queue_bound` together exceed 2³¹ jobs.
    TooManyJobs,
    /// `classes` is empty.
    NoClasses,
    /// There are more than 65,536 classes.
    TooManyClasses,
    /// A margin's `least` is more than its `most`.
    EmptyMargin,
    /// A class's weight is zero: its jobs would be worth nothing.
    NoWeight,
    /// A reservation's runtime or period is zero.
    EmptyReservation,
    /// The reservations together are more than the workers can give.
    Overbooked,
    /// A background class has a reservation, or a foreground class a starvation guard.
    WrongKind,
    /// A starvation guard is zero: background work would always go first.
    NoSlack,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoWorkers => "a scheduler needs at least one worker",
            Self::NoQueue => "a queue's bound must be at least 1",
            Self::TooManyJobs => "workers and twice the queue's bound exceed 2^31 jobs together",
            Self::NoClasses => "a scheduler needs at least one class",
            Self::TooManyClasses => "a scheduler has at most 65,536 classes",
            Self::EmptyMargin => "a learned margin's least is more than its most",
            Self::NoWeight => "a class's weight must be at least 1",
            Self::EmptyReservation => "a reservation needs a runtime and a period",
            Self::Overbooked => "the reservations exceed what the workers can give",
            Self::WrongKind => {
                "only foreground classes have reservations, only background ones \
                                starvation guards"
            }
            Self::NoSlack => "a starvation guard of zero leaves no slack to wait for",
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
        // Beside as many jobs as the queue takes, as many can wait to be shed.
        if u64::from(self.workers) + 2 * u64::from(self.queue_bound) > 1 << 31 {
            return Err(ConfigError::TooManyJobs);
        }
        if self.classes.is_empty() {
            return Err(ConfigError::NoClasses);
        }
        if self.classes.len() > 1 << 16 {
            return Err(ConfigError::TooManyClasses);
        }
        if let Margin::Learned { least, most, .. } = self.margin
            && least > most
        {
            return Err(ConfigError::EmptyMargin);
        }
        let mut booked = 0;
        for class in &self.classes {
            booked += class.validate()?;
        }
        if booked > u128::from(self.workers) * ClassConfig::WHOLE_WORKER {
            return Err(ConfigError::Overbooked);
        }
        Ok(())
    }
}
