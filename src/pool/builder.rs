//! How a pool is made.

use std::error::Error;
use std::fmt;
use std::io;

use super::Pool;
use super::group::Group;
use super::handle::Handle;
use super::idle::MOST_WORKERS;
use super::shared::{Ring, Shared, Workforce};
use super::worker::Worker;
use crate::scheduler::{Admission, ClassConfig, Config, ConfigError, Margin, Scheduler, stripes};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Weak, spawn};
use crate::time::{Clock, MonotonicClock};
use crate::timer::{Alarm, Timer};

/// In which order workers take jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ordering {
    /// One queue: the order of the [scheduler](crate::scheduler), exactly. The lock of that queue
    /// is what limits it, at some millions of jobs a second.
    #[default]
    Strict,
    /// A queue for each group of workers, with an inbox and a lock of its own. Before each job a
    /// worker looks at the first deadlines of all groups, and takes the earliest, also from another
    /// group. So it passes over a job that is due earlier only if that came, or came to the front
    /// of its queue, while it looked: see [`stripes`].
    ///
    /// Each group judges by itself whether all can be done in time, and bounds and reservations
    /// are divided among the groups.
    Striped {
        /// How many; at least 1, and at most as many as there are workers.
        groups: u32,
    },
}

/// Makes a [`Pool`].
///
/// ```
/// use core::time::Duration;
/// use punctual::pool::Pool;
/// use punctual::scheduler::{ClassConfig, Margin};
///
/// let pool = Pool::builder()
///     .workers(2)
///     .classes(vec![ClassConfig::foreground(), ClassConfig::background()])
///     .margin(Margin::Fixed(Duration::from_millis(1)))
///     .thread_name("bids")
///     .build()?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    config: Config,
    ordering: Ordering,
    thread_name: String,
    #[cfg(feature = "pinning")]
    cores: Vec<usize>,
    timer: Option<Timer>,
    inbox_bound: usize,
    futures_bound: usize,
}

impl Default for Builder {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = u32::try_from(workers).unwrap_or(MOST_WORKERS).min(MOST_WORKERS);
        Self {
            config: Config { workers, ..Config::default() },
            ordering: Ordering::Strict,
            thread_name: "punctual".to_owned(),
            #[cfg(feature = "pinning")]
            cores: Vec::new(),
            timer: None,
            inbox_bound: 1 << 16,
            futures_bound: 1 << 16,
        }
    }
}

impl Builder {
    /// How many threads run jobs: as many as the system can run at once by default, at most 64 in
    /// a group.
    #[must_use]
    pub fn workers(mut self, workers: u32) -> Self {
        self.config.workers = workers;
        self
    }

    /// The classes: see [`Config::classes`].
    #[must_use]
    pub fn classes(mut self, classes: Vec<ClassConfig>) -> Self {
        self.config.classes = classes;
        self
    }

    /// Who is turned away when not all can be done in time.
    #[must_use]
    pub const fn admission(mut self, admission: Admission) -> Self {
        self.config.admission = admission;
        self
    }

    /// Time kept free before deadlines.
    #[must_use]
    pub const fn margin(mut self, margin: Margin) -> Self {
        self.config.margin = margin;
        self
    }

    /// How many jobs may be queued at once: see [`Config::queue_bound`].
    #[must_use]
    pub const fn queue_bound(mut self, bound: u32) -> Self {
        self.config.queue_bound = bound;
        self
    }

    /// All that a scheduler is told, the number of workers included.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// In which order workers take jobs; [`Ordering::Strict`] by default.
    #[must_use]
    pub const fn ordering(mut self, ordering: Ordering) -> Self {
        self.ordering = ordering;
        self
    }

    /// What the threads are called, each with its number behind it; `punctual` by default.
    #[must_use]
    pub fn thread_name(self, name: impl Into<String>) -> Self {
        Self { thread_name: name.into(), ..self }
    }

    /// The cores to which the workers are pinned, one after the other; if there are fewer cores
    /// than workers, the rest are not pinned. A core that the system doesn't know is left out.
    #[cfg(feature = "pinning")]
    #[must_use]
    pub fn pin(self, cores: impl Into<Vec<usize>>) -> Self {
        Self { cores: cores.into(), ..self }
    }

    /// A timer to be shared with others, and its clock. By default the pool has one of its own.
    #[must_use]
    pub fn timer(self, timer: Timer) -> Self {
        Self { timer: Some(timer), ..self }
    }

    /// How many jobs may come while a queue is busy: that is for some microseconds, unless the
    /// system takes the core from whoever is busy with it. 65,536 by default, at least 1; one more
    /// comes back to its submitter.
    #[must_use]
    pub const fn inbox_bound(mut self, bound: usize) -> Self {
        self.inbox_bound = if bound == 0 { 1 } else { bound };
        self
    }

    /// How many futures may be there that have not ended; 65,536 by default.
    #[must_use]
    pub const fn futures_bound(mut self, bound: usize) -> Self {
        self.futures_bound = bound;
        self
    }

    /// Starts the pool on a clock of its own.
    ///
    /// # Errors
    ///
    /// If the configuration makes no scheduler or no groups, or if the system gives no threads.
    pub fn build(self) -> Result<Pool, BuildError> {
        match self.timer.clone() {
            Some(timer) => self.start(&timer, false),
            None => {
                let timer = Timer::new(MonotonicClock::new()).map_err(BuildError::Thread)?;
                self.start(&timer, !cfg!(any(punctual_loom, punctual_shuttle)))
            }
        }
    }

    /// Starts the pool on the caller's clock: that of a test, say.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_on(self, clock: impl Clock + Send + Sync + 'static) -> Result<Pool, BuildError> {
        let timer = Timer::new(clock).map_err(BuildError::Thread)?;
        self.start(&timer, false)
    }

    fn start(self, timer: &Timer, is_real_time: bool) -> Result<Pool, BuildError> {
        let configs = self.divide()?;
        let sizes: Vec<u32> = configs.iter().map(|config| config.workers).collect();
        let schedulers: Result<Vec<_>, _> = configs.into_iter().map(Scheduler::new).collect();
        let schedulers = schedulers.map_err(BuildError::Config)?;
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| {
            let groups = schedulers.into_iter().zip(&sizes).enumerate();
            let groups = groups.map(|(group, (scheduler, &workers))| {
                let ring = Ring { shared: shared.clone(), group };
                let alarm = Alarm::new(timer, Arc::new(ring).into());
                Group::new(scheduler, workers, self.inbox_bound, alarm)
            });
            Shared {
                groups: groups.collect(),
                timer: timer.clone(),
                is_real_time,
                classes: self.config.classes.len(),
                is_closed: AtomicBool::new(false),
                futures: AtomicUsize::new(0),
                futures_bound: self.futures_bound,
                next_group: AtomicUsize::new(0),
                workers: Workforce::new(),
            }
        });
        let mut pool = Pool { handle: Handle { shared: shared.clone() }, threads: Vec::new() };
        let seats = (0..).zip(&sizes).flat_map(|(at, &size)| (0..size).map(move |it| (at, it)));
        for (number, (group, index)) in seats.enumerate() {
            let worker = Worker::new(shared.clone(), group, index as usize);
            #[cfg(feature = "pinning")]
            let core = self.cores.get(number).copied();
            shared.workers.hire();
            let started = spawn(format!("{}-{number}", self.thread_name), move || {
                #[cfg(feature = "pinning")]
                if let Some(id) = core {
                    core_affinity::set_for_current(core_affinity::CoreId { id });
                }
                worker.work();
            });
            match started {
                Ok(thread) => pool.threads.push(thread),
                Err(error) => {
                    // The drop of the pool ends those that were started.
                    shared.workers.retire();
                    return Err(BuildError::Thread(error));
                }
            }
        }
        Ok(pool)
    }

    /// What each group is told.
    fn divide(&self) -> Result<Vec<Config>, BuildError> {
        let workers = self.config.workers;
        let groups = match self.ordering {
            Ordering::Strict => 1,
            Ordering::Striped { groups } => groups,
        };
        if groups == 0 || groups > workers.max(1) {
            return Err(BuildError::Groups);
        }
        if workers.div_ceil(groups) > MOST_WORKERS {
            return Err(BuildError::TooManyWorkers);
        }
        Ok(stripes::split(&self.config, groups))
    }
}

/// Why no pool was made.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The configuration makes no scheduler.
    Config(ConfigError),
    /// There are no groups, or more than workers.
    Groups,
    /// A group has more than 64 workers: stripe it.
    TooManyWorkers,
    /// The system gives no thread.
    Thread(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(formatter),
            Self::Groups => formatter.write_str("there must be a worker for each group"),
            Self::TooManyWorkers => formatter.write_str("a group has at most 64 workers"),
            Self::Thread(error) => write!(formatter, "no thread was started: {error}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Thread(error) => Some(error),
            Self::Groups | Self::TooManyWorkers => None,
        }
    }
}
