//! A load in virtual time, over the real scheduler: what a configuration does, before production
//! does it.
//!
//! A [`Simulation`] is a [`Config`], the [`Stream`]s of jobs that arrive, and the
//! [`Disturbance`]s of the machine. [`Simulation::run`] plays it event by event: the workers take
//! the time that a job truly costs, the scheduler knows only what it is told. Nothing waits, and
//! nothing reads a clock: minutes of a loaded machine take seconds.
//!
//! ```
//! use core::time::Duration;
//! use punctual::scheduler::{Admission, Config};
//! use punctual::simulation::{Arrivals, Costs, Simulation, Stream};
//!
//! // Jobs of 200 µs that are due after 10 ms; twice as many as the one worker can do.
//! let overload = Stream {
//!     costs: Costs::Fixed(Duration::from_micros(200)),
//!     budget: Some(Duration::from_millis(10)),
//!     ..Stream::new(Arrivals::Poisson { rate: 10_000.0 })
//! };
//! let report = Simulation {
//!     seed: 42,
//!     duration: Duration::from_secs(1),
//!     config: Config { admission: Admission::Feasible, ..Config::default() },
//!     streams: vec![overload],
//!     ..Simulation::default()
//! }
//! .run()?;
//! assert!((0.45..0.55).contains(&report.total.on_time_share()));
//! assert_eq!(report.total.outcomes(), report.total.offered);
//! # Ok::<(), punctual::simulation::SimulationError>(())
//! ```
//!
//! # The shell that is imitated
//!
//! After each arrival, each end of a run, each cancellation, each change of a deadline and each
//! wake-up, the shell polls until the scheduler says
//! [`Next::Wait`](crate::scheduler::Next::Wait), and sleeps until then: at once, or after
//! [`Simulation::poll_delay`]. A disturbance of a clock or a worker is nothing that it notices.
//! Handing a job over and answering 'no' take no time. A job that failed has used its worker all
//! the same.
//!
//! The scheduler has the time from a clock that may be wrong. Whether a job is late is judged in
//! the simulated world's time: who waits for an answer doesn't ask that clock.
//!
//! With several [`groups`](Simulation::groups), each has a scheduler and a part of the workers. A
//! job goes to the shorter of two random groups, or to the one of its identity, and a worker that
//! is free takes the job that is due first anywhere: see
//! [`stripes`](crate::scheduler::stripes). [`Report::rank_error`] tells how far that is from the
//! order of one queue.
//!
//! # Determinism
//!
//! The same simulation gives the same events, in the same order, on every machine; the hash in
//! its report says whether two runs were the same. Each stream and each disturbance has random
//! numbers of its own, so that another admission policy, or one stream more, leaves what is
//! offered by the others as it was.
//!
//! # Refreshes
//!
//! A [`RefreshSimulation`] does the same for a cache: its entries, what their loads take, the
//! budget of the backend, over the real planner, alone or beside the jobs that it serves. Other
//! policies stand beside it, and the best that could be done.
//!
//! # Watching it
//!
//! [`Simulation::observe`] shows every [`Event`] to a closure, with the scheduler as it is then.
//!
//! ```
//! use core::time::Duration;
//! use punctual::simulation::{Arrivals, Simulation, Stream, What};
//!
//! let batch = Arrivals::Batch { at: Duration::from_millis(1), count: 60 };
//! let simulation = Simulation { streams: vec![Stream::new(batch)], ..Simulation::default() };
//! let mut started = Vec::new();
//! let (report, schedulers) = simulation.observe(|event, scheduler| {
//!     scheduler.assert_invariants();
//!     if let What::Started { ticket, .. } = event.what {
//!         started.push(ticket.number);
//!     }
//! })?;
//! assert!(started.is_sorted(), "equal deadlines keep the order of their submission");
//! assert_eq!(schedulers[0].stats().running, 0);
//! assert_eq!(report.total.late, 0);
//! # Ok::<(), punctual::simulation::SimulationError>(())
//! ```

mod agenda;
mod arrivals;
mod clock;
mod costs;
mod disturbance;
mod engine;
mod event;
mod group;
mod queued;
mod random;
mod refreshes;
mod report;
mod source;
mod stream;
mod striped;
mod trace;
mod trouble;
mod windows;
mod workers;

pub use arrivals::Arrivals;
pub use costs::{Costs, Estimates};
pub use disturbance::Disturbance;
pub use event::{Event, Ticket, What};
pub use refreshes::{
    Answered, Answers, Beside, Dispatch, Entries, LoadCounts, LoadModel, Policy, Punctuality,
    RefreshEvent, RefreshReport, RefreshSimulation, RefreshWhat, Spread, Ttls,
};
pub use report::{Report, Share, Tally};
pub use stream::{Stream, Tenants};
pub use striped::RankError;
pub use trace::{Trace, TraceError, TraceRow};
pub use windows::{WindowReport, Windows};

use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::refresh;
use crate::scheduler::{Config, ConfigError, Scheduler};
use engine::Engine;

/// The scheduler that is simulated: it carries tickets, and coalesces by numbers.
pub type SimulatedScheduler = Scheduler<Ticket, u64>;

/// A load, a configuration, and what goes wrong meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// What all random numbers are made of.
    pub seed: u64,
    /// How long jobs arrive; one second by default. What is queued then is still done.
    pub duration: Duration,
    /// After so many events, or disturbances, no job arrives any more; 100 million by default.
    /// What is queued then is still done, in at most sixteen events for each job.
    pub max_events: u64,
    /// The time from what happens to the poll that looks for work; none by default.
    pub poll_delay: Duration,
    /// The scheduler's configuration.
    pub config: Config,
    /// How many schedulers stand side by side, each with its part of the workers; 1 by default. See
    /// [`stripes`](crate::scheduler::stripes).
    pub groups: u32,
    /// How old the heads of other groups are that a worker sees, as if it had to wait so long
    /// between its look and the scheduler; zero by default. Each group publishes its head whenever
    /// the shell polls.
    pub head_age: Duration,
    /// The jobs.
    pub streams: Vec<Stream>,
    /// What goes wrong; nothing by default.
    pub disturbances: Vec<Disturbance>,
    /// Where in each period arrivals are counted apart; nowhere by default.
    pub windows: Vec<Windows>,
    /// A shutdown: when it comes, and how long it may take.
    pub shutdown: Option<(Duration, Duration)>,
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            seed: 0,
            duration: Duration::from_secs(1),
            max_events: 100_000_000,
            poll_delay: Duration::ZERO,
            config: Config::default(),
            groups: 1,
            head_age: Duration::ZERO,
            streams: Vec::new(),
            disturbances: Vec::new(),
            windows: Vec::new(),
            shutdown: None,
        }
    }
}

/// Why something can't be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimulationError {
    /// The configuration makes no scheduler.
    Config(ConfigError),
    /// A stream has a rate, a share or a factor that is none, a time of zero where one is
    /// needed, or recorded costs without a recording.
    Stream {
        /// Its place among the streams.
        place: usize,
        /// The field.
        field: &'static str,
    },
    /// A disturbance has no time between two, a share that is none, or a least time above its
    /// longest.
    Disturbance {
        /// Its place among the disturbances.
        place: usize,
    },
    /// The windows are empty, or longer than their period.
    Windows,
    /// There are no groups, or more than workers.
    Groups,
    /// The configuration of refreshes makes no planner.
    Plan(refresh::ConfigError),
    /// A simulation of refreshes has a rate, a share or a factor that is none, a time of zero
    /// where one is needed, a class that is not a foreground one, or no budget where its policy
    /// needs one.
    Refreshes {
        /// The field.
        field: &'static str,
    },
}

impl fmt::Display for SimulationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(formatter),
            Self::Stream { place, field } => {
                write!(formatter, "stream {place} can't be simulated: look at its {field}")
            }
            Self::Disturbance { place } => {
                write!(formatter, "disturbance {place} can't be simulated")
            }
            Self::Windows => formatter.write_str("a window must be a part of its period"),
            Self::Plan(error) => error.fmt(formatter),
            Self::Refreshes { field } => {
                write!(formatter, "these refreshes can't be simulated: look at their {field}")
            }
            Self::Groups => formatter.write_str("each group needs a worker, and there must be one"),
        }
    }
}

impl Error for SimulationError {}

impl From<ConfigError> for SimulationError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<refresh::ConfigError> for SimulationError {
    fn from(error: refresh::ConfigError) -> Self {
        Self::Plan(error)
    }
}

impl Simulation {
    /// Plays it to its end.
    ///
    /// # Errors
    ///
    /// If it can't be simulated; nothing has been played then.
    pub fn run(&self) -> Result<Report, SimulationError> {
        self.observe(|_, _| ()).map(|(report, _)| report)
    }

    /// Plays it to its end, and shows every event to the observer, with the scheduler in which it
    /// happened. Returns each group's scheduler too, as it was left.
    ///
    /// # Errors
    ///
    /// If it can't be simulated; nothing has been played then.
    pub fn observe(
        &self,
        observer: impl FnMut(&Event, &SimulatedScheduler),
    ) -> Result<(Report, Vec<SimulatedScheduler>), SimulationError> {
        self.validate()?;
        Ok(Engine::new(self, observer)?.play())
    }

    fn validate(&self) -> Result<(), SimulationError> {
        for (place, stream) in self.streams.iter().enumerate() {
            if let Some(field) = stream.flaw() {
                return Err(SimulationError::Stream { place, field });
            }
        }
        if let Some(place) = self.disturbances.iter().position(|it| !it.is_valid()) {
            return Err(SimulationError::Disturbance { place });
        }
        if !self.windows.iter().all(Windows::is_valid) {
            return Err(SimulationError::Windows);
        }
        if self.groups == 0 || self.groups > self.config.workers.max(1) {
            return Err(SimulationError::Groups);
        }
        Ok(())
    }
}
