//! Refreshes of a cache in virtual time, over the real planner and the real scheduler.

mod beside;
mod contents;
mod dispatch;
mod ends;
mod event;
mod loads;
mod optimum;
mod policy;
mod processors;
mod report;
mod spread;
mod world;

pub use beside::{Beside, Dispatch};
pub use event::{Answered, RefreshEvent, RefreshWhat};
pub use policy::Policy;
pub use report::{Answers, LoadCounts, Punctuality, RefreshReport};
pub use spread::{Spread, Ttls};

use alloc::vec::Vec;
use core::time::Duration;

use super::SimulationError;
use super::costs::{Costs, Estimates, is_share};
use super::random::{Random, scaled};
use crate::refresh::{Config, Planner};
use crate::time::Time;
use optimum::Rates;
use world::World;

/// Refreshes of a cache in virtual time, over the real planner and the real scheduler: what a
/// budget does for a cache, before production does it.
///
/// It describes the entries (how often each is asked for and changes, and how long its value is
/// fresh), what a load takes, the [budget](crate::refresh::Config), and perhaps the jobs
/// [beside](Beside) which the loads run on the same workers. It is played event by event.
///
/// ```
/// use core::time::Duration;
/// use punctual::refresh::Config;
/// use punctual::simulation::{Entries, RefreshSimulation, Spread};
///
/// // 400 entries, most of which are hardly ever asked for; 20 loads a second.
/// let simulation = RefreshSimulation {
///     seed: 42,
///     duration: Duration::from_secs(100),
///     plan: Config { loads_per_second: Some(20.0), ..Config::default() },
///     entries: Entries {
///         count: 400,
///         accesses: Spread::Zipf { total: 1_000.0, exponent: 0.99 },
///         changes: Spread::LogUniform { least: 0.001, most: 0.1 },
///         ..Entries::default()
///     },
///     ..RefreshSimulation::default()
/// };
/// let report = simulation.run()?;
/// assert!(report.answers.served_share() > 0.99);
/// assert!(report.loads.started() as f64 <= 16.0 + 20.0 * 100.0);
/// assert!(report.answers.current_share() < simulation.optimum()? + 0.05);
/// # Ok::<(), punctual::simulation::SimulationError>(())
/// ```
///
/// # What is imitated
///
/// The answer is that of a cache which never waits: the value until its hard expiry, fresh or not.
/// A value is read when its load starts to run, so it is as old as the load took when it is
/// stored. What is missing is demanded; whoever asks on its own account, and not as a job beside,
/// waits for it as long as [`RefreshSimulation::wait`] says. The planner knows of every access at
/// once, and a load's time as a 99th percentile that the cache has learned before.
///
/// With jobs beside, a load is a job: it needs a worker for its [cost](LoadModel::cost), and then
/// its [lead](LoadModel::lead) without one. What the scheduler refuses or sheds goes back to the
/// planner, which tries again after [`LoadModel::retry_after`].
///
/// At the end of its duration nobody asks and nothing is refreshed any more; what is queued is
/// still done.
///
/// # Determinism
///
/// The same simulation gives the same events on every machine. When somebody asks, and for what;
/// when entries change; and when jobs arrive, and what they cost: none of that depends on the
/// policy, so that two of them are compared on the same load. (A job asks when it starts, for
/// entries that are its own.)
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshSimulation {
    /// What all random numbers are made of.
    pub seed: u64,
    /// How long it is played; one minute by default.
    pub duration: Duration,
    /// The first part of that, in which nothing is counted; none by default.
    pub warm_up: Duration,
    /// After so many events nobody asks and no job arrives any more; 100 million by default.
    pub max_events: u64,
    /// The planner's configuration: above all, the backend's budget. Its `bound` is raised to the
    /// number of entries.
    pub plan: Config,
    /// Who decides what is loaded.
    pub policy: Policy,
    /// The entries.
    pub entries: Entries,
    /// What a load takes.
    pub loads: LoadModel,
    /// How long those wait who find nothing, and ask on their own account; `None`, the default:
    /// they don't.
    pub wait: Option<Duration>,
    /// The jobs that share their workers with the loads; without, each load runs at once.
    pub beside: Option<Beside>,
}

/// The entries of a simulated cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries {
    /// How many; 1,000 by default, and at most 16 million.
    pub count: u32,
    /// How often each is asked for, a second. Jobs beside ask for entries in the same proportion,
    /// and not included; if [that is all](Self::is_asked_alone), these are only weights.
    pub accesses: Spread,
    /// Whether anybody asks but for the jobs beside; `true` by default.
    pub is_asked_alone: bool,
    /// How often each changes, a second.
    pub changes: Spread,
    /// What a load of each costs the backend; 1 by default.
    pub costs: Spread,
    /// How long values are fresh; one minute by default.
    pub soft_ttl: Ttls,
    /// The hard TTL as a multiple of the soft one, at least 1; 4 by default. With infinity, values
    /// are served for ever.
    pub hard_factor: f64,
    /// The share of a TTL up to which it is shortened at random; 0.1 by default.
    pub jitter: f64,
    /// The share of the soft TTL before which a value is not refreshed, less the time of a load;
    /// 0.95 by default.
    pub refresh_after: f64,
    /// The oldest that values are at the start, as a multiple of their soft TTL: each has a random
    /// age up to that. 1 by default; `None` for an empty cache.
    pub ages: Option<f64>,
    /// The share of the entries that are reported as hot: those that are asked for most often;
    /// 0.01 by default.
    pub hot_share: f64,
}

impl Default for Entries {
    fn default() -> Self {
        Self {
            count: 1_000,
            accesses: Spread::Zipf { total: 1_000.0, exponent: 0.99 },
            is_asked_alone: true,
            changes: Spread::LogUniform { least: 1e-3, most: 1.0 },
            costs: Spread::Fixed(1.0),
            soft_ttl: Ttls::Fixed(Duration::from_secs(60)),
            hard_factor: 4.0,
            jitter: 0.1,
            refresh_after: 0.95,
            ages: Some(1.0),
            hot_share: 0.01,
        }
    }
}

/// What a load takes.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadModel {
    /// The worker time that it needs; 100 µs by default.
    pub cost: Costs,
    /// What the scheduler is told of that.
    pub estimates: Estimates,
    /// The time that it needs after that, without a worker; 5 ms by default.
    pub lead: Costs,
    /// The share of the loads that fail, from 0.0 to 1.0; none by default.
    pub failures: f64,
    /// How long after a failure, or after it was turned away by the scheduler, an entry is loaded
    /// again at the earliest; 100 ms by default.
    pub retry_after: Duration,
    /// Whether the planner is told if a load brought something new; `true` by default.
    pub tells_changes: bool,
}

impl Default for LoadModel {
    fn default() -> Self {
        Self {
            cost: Costs::Fixed(Duration::from_micros(100)),
            estimates: Estimates::Exact,
            lead: Costs::Fixed(Duration::from_millis(5)),
            failures: 0.0,
            retry_after: Duration::from_millis(100),
            tells_changes: true,
        }
    }
}

impl Default for RefreshSimulation {
    fn default() -> Self {
        Self {
            seed: 0,
            duration: Duration::from_secs(60),
            warm_up: Duration::ZERO,
            max_events: 100_000_000,
            plan: Config::default(),
            policy: Policy::default(),
            entries: Entries::default(),
            loads: LoadModel::default(),
            wait: None,
            beside: None,
        }
    }
}

/// The uses of the random numbers begin here: streams of jobs have those below.
const USAGES: u64 = 1 << 40;

const MOST_ENTRIES: u32 = 1 << 24;

impl RefreshSimulation {
    /// Plays it to its end.
    ///
    /// # Errors
    ///
    /// If it can't be simulated; nothing has been played then.
    pub fn run(&self) -> Result<RefreshReport, SimulationError> {
        self.observe(|_, _| ())
    }

    /// Plays it to its end, and shows every event to the observer, with the planner as it is then.
    ///
    /// # Errors
    ///
    /// If it can't be simulated; nothing has been played then.
    pub fn observe(
        &self,
        observer: impl FnMut(&RefreshEvent, Option<&Planner>),
    ) -> Result<RefreshReport, SimulationError> {
        self.validate()?;
        Ok(World::new(self, observer)?.play())
    }

    /// The largest share of answers that can be current with the plan's loads a second, and with
    /// loads that take no time: that of the best fixed time between two loads of each entry
    /// (Cho and Garcia-Molina, 2003), with the same rates as the simulation of this seed.
    ///
    /// # Errors
    ///
    /// If it can't be simulated.
    pub fn optimum(&self) -> Result<f64, SimulationError> {
        self.validate()?;
        let budget = self.plan.loads_per_second.unwrap_or(f64::INFINITY);
        Ok(optimum::freshness(&self.rates(), budget))
    }

    /// When the simulated clock starts: late enough for the oldest value that there may be then.
    #[must_use]
    pub fn start(&self) -> Time {
        let oldest = self.entries.ages.unwrap_or(0.0);
        Time::from_nanos(scaled(self.entries.soft_ttl.longest_ns(), oldest))
    }

    /// What is true of each entry.
    fn rates(&self) -> Vec<Rates> {
        let Entries { count, accesses, changes, costs, .. } = &self.entries;
        let draw = |spread: &Spread, place| {
            spread.draw(&mut Random::new(self.seed, USAGES + 16 + place), *count)
        };
        let (accesses, changes) = (draw(accesses, 0), draw(changes, 1));
        let costs = draw(costs, 2);
        let rates = accesses.into_iter().zip(changes).zip(costs);
        rates.map(|((accesses, changes), cost)| Rates { accesses, changes, cost }).collect()
    }

    fn validate(&self) -> Result<(), SimulationError> {
        match self.flaw() {
            Some(field) => Err(SimulationError::Refreshes { field }),
            None => self.beside.as_ref().map_or(Ok(()), Self::validate_beside),
        }
    }

    /// What is wrong with it, if something is.
    fn flaw(&self) -> Option<&'static str> {
        let entries = &self.entries;
        let is_asked = |spread: &Spread| match spread {
            Spread::Fixed(number) | Spread::Zipf { total: number, .. } => *number > 0.0,
            Spread::LogUniform { .. } => true,
            Spread::Each(all) => all.iter().sum::<f64>() > 0.0,
        };
        let has_costs = match &entries.costs {
            Spread::Each(all) => all.iter().all(|&cost| cost > 0.0),
            costs => is_asked(costs),
        };
        let has_rate = !matches!(self.policy, Policy::RoundRobin | Policy::Popularity)
            || self.plan.loads_per_second.is_some_and(|rate| rate.is_finite() && rate > 0.0);
        let is_age = |age: f64| age.is_finite() && age >= 0.0;
        let checks = [
            (has_rate, "plan"),
            ((1..=MOST_ENTRIES).contains(&entries.count), "count"),
            (entries.accesses.is_valid(entries.count) && is_asked(&entries.accesses), "accesses"),
            (entries.changes.is_valid(entries.count), "changes"),
            (entries.costs.is_valid(entries.count) && has_costs, "costs"),
            (entries.soft_ttl.is_valid(), "soft_ttl"),
            (entries.hard_factor >= 1.0, "hard_factor"),
            (is_share(entries.jitter), "jitter"),
            (is_share(entries.refresh_after), "refresh_after"),
            (entries.ages.is_none_or(is_age), "ages"),
            (is_share(entries.hot_share), "hot_share"),
            (self.loads.cost.is_valid(false), "cost"),
            (self.loads.lead.is_valid(false), "lead"),
            (self.loads.estimates.is_valid(), "estimates"),
            (is_share(self.loads.failures), "failures"),
            (!self.loads.retry_after.is_zero(), "retry_after"),
        ];
        checks.into_iter().find(|&(is_valid, _)| !is_valid).map(|(_, field)| field)
    }

    fn validate_beside(beside: &Beside) -> Result<(), SimulationError> {
        for (place, stream) in beside.streams.iter().enumerate() {
            if let Some(field) = stream.flaw() {
                return Err(SimulationError::Stream { place, field });
            }
        }
        let class = beside.config.classes.get(beside.class.number());
        match class.is_some_and(|class| !class.background) {
            true => Ok(()),
            false => Err(SimulationError::Refreshes { field: "class" }),
        }
    }
}
