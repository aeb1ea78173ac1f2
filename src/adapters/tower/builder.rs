//! A layer's settings.

use core::fmt;
use core::time::Duration;
use std::thread::available_parallelism;

use super::error::{BuildError, Rejection};
use super::extract::AllAlike;
use super::gate::Gate;
use super::layer::{DeadlineLayer, Overrun, Shared};
use super::limit::Adaptive;
use super::reply::{Answer, Fail};
use crate::scheduler::{Admission, ClassConfig, Config, Margin, Quantile, Scheduler};
use crate::sync::Arc;
use crate::time::{Clock, MonotonicClock};
use crate::timer::Timer;

/// How many requests are served at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concurrency {
    /// Always so many.
    Fixed(u32),
    /// As many as the service can serve without slowing them down: see [`limit`](super::limit).
    Adaptive(Adaptive),
}

impl From<u32> for Concurrency {
    fn from(limit: u32) -> Self {
        Self::Fixed(limit)
    }
}

impl From<Adaptive> for Concurrency {
    fn from(adaptive: Adaptive) -> Self {
        Self::Adaptive(adaptive)
    }
}

/// The settings of a [`DeadlineLayer`].
///
/// ```
/// use std::time::Duration;
/// use punctual::adapters::tower::DeadlineLayer;
/// use punctual::adapters::tower::limit::Adaptive;
///
/// let layer = DeadlineLayer::builder()
///     .concurrency(Adaptive::between(4, 200))
///     .budget(Duration::from_millis(250))
///     .queue_bound(10_000)
///     .build()?;
/// assert_eq!(layer.limit(), 4);
/// # Ok::<(), punctual::adapters::tower::BuildError>(())
/// ```
#[must_use]
pub struct Builder<X = AllAlike, A = Fail> {
    config: Config,
    adaptive: Option<Adaptive>,
    budget: Duration,
    /// `None` for what follows from the budget.
    margin: Option<Margin>,
    longest: Option<Duration>,
    overrun: Overrun,
    source: Source,
    extract: X,
    reply: A,
}

/// Where the time comes from.
enum Source {
    Clock(Arc<dyn Clock + Send + Sync>),
    Timer(Timer),
}

impl Default for Builder {
    fn default() -> Self {
        let workers = available_parallelism().map_or(1, |cores| cores.get());
        let config =
            Config { workers: u32::try_from(workers).unwrap_or(u32::MAX), ..Config::default() };
        Self {
            config,
            adaptive: None,
            budget: Duration::from_secs(1),
            margin: None,
            longest: None,
            overrun: Overrun::GiveUp,
            source: Source::Clock(Arc::new(MonotonicClock::new())),
            extract: AllAlike,
            reply: Fail,
        }
    }
}

impl<X, A> Builder<X, A> {
    /// How many requests are served at once, the wait for the service's readiness included; the
    /// number of cores by default, which is for services that compute. Requests that wait for
    /// others leave room for more: that number is yours to know, or an [`Adaptive`] limit's to
    /// find.
    pub fn concurrency(mut self, concurrency: impl Into<Concurrency>) -> Self {
        (self.config.workers, self.adaptive) = match concurrency.into() {
            Concurrency::Fixed(limit) => (limit, None),
            Concurrency::Adaptive(adaptive) => (adaptive.least(), Some(adaptive)),
        };
        self
    }

    /// The time that a request has that doesn't say it itself, from the call of the service on; one
    /// second by default.
    pub fn budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// The most time that a request has, whatever it says; the [`budget`](Self::budget) of those
    /// that say nothing by default, and `Duration::MAX` for no bound.
    ///
    /// A client that may name any time may hold a place that long, by a body that it sends slowly
    /// to a handler that reads it. Allow more than the budget to clients that you know.
    pub fn longest_budget(self, longest: Duration) -> Self {
        Self { longest: Some(longest), ..self }
    }

    /// How many requests may wait at once; 65,536 by default. One more is refused, or displaces
    /// one that is worth less for what it costs.
    pub fn queue_bound(mut self, bound: u32) -> Self {
        self.config.queue_bound = bound;
        self
    }

    /// Who is turned away when not all can be served in time; [`Admission::Evict`] by default.
    pub fn admission(mut self, admission: Admission) -> Self {
        self.config.admission = admission;
        self
    }

    /// The time between the expected end of a request and its deadline, for the answer's way back;
    /// learned by default (99 of 100), from 1 ms to a tenth of the [`budget`](Self::budget), so
    /// that it never takes the time that requests need.
    pub fn margin(self, margin: Margin) -> Self {
        Self { margin: Some(margin), ..self }
    }

    /// The classes of requests; one foreground class by default, whose cost is learned.
    pub fn classes(mut self, classes: Vec<ClassConfig>) -> Self {
        self.config.classes = classes;
        self
    }

    /// Everything that a scheduler is told, its workers included, which are the concurrency, and
    /// its margin.
    pub fn config(self, config: Config) -> Self {
        Self { margin: Some(config.margin), config, adaptive: None, ..self }
    }

    /// What becomes of a request whose deadline passes while it is served; [`Overrun::GiveUp`] by
    /// default.
    pub fn overrun(self, overrun: Overrun) -> Self {
        Self { overrun, ..self }
    }

    /// The clock that deadlines go by; a [`MonotonicClock`] by default. The layer starts a timer of
    /// its own for it.
    pub fn clock(self, clock: impl Clock + Send + Sync + 'static) -> Self {
        Self { source: Source::Clock(Arc::new(clock)), ..self }
    }

    /// The timer that wakes the layer, with its clock, instead of one of its own: layers can share
    /// it with others.
    pub fn timer(self, timer: Timer) -> Self {
        Self { source: Source::Timer(timer), ..self }
    }

    /// What a request needs: see [`extract`](super::extract).
    pub fn extract<Y>(self, extract: Y) -> Builder<Y, A> {
        let Self { config, adaptive, budget, margin, longest, overrun, source, reply, .. } = self;
        Builder { config, adaptive, budget, margin, longest, overrun, source, extract, reply }
    }

    /// Rejected requests are answered with what `answer` makes, and the services' errors stay as
    /// they are. axum needs that, whose services don't fail:
    /// `answer(Rejection::to_http::<Body>)`.
    pub fn answer<F: Fn(&Rejection) -> R, R>(self, answer: F) -> Builder<X, Answer<F>> {
        let reply = Answer(answer);
        let Self { config, adaptive, budget, margin, longest, overrun, source, extract, .. } = self;
        Builder { config, adaptive, budget, margin, longest, overrun, source, extract, reply }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// If the settings make no scheduler, or the system gives no thread for the timer.
    pub fn build(self) -> Result<DeadlineLayer<X, A>, BuildError> {
        let Self { adaptive, budget, margin, longest, overrun, source, extract, reply, .. } = self;
        let margin = margin.unwrap_or_else(|| default_margin(budget));
        let config = Config { margin, ..self.config };
        if let Some(adaptive) = adaptive {
            // Whatever the limit becomes, the scheduler takes it.
            let widest = Config { workers: adaptive.most(), ..config.clone() };
            Scheduler::<()>::new(widest)?;
        }
        let timer = match source {
            Source::Clock(clock) => Timer::new(clock).map_err(BuildError::Timer)?,
            Source::Timer(timer) => timer,
        };
        let gate = Gate::new(config, adaptive, timer)?;
        let longest = longest.unwrap_or(budget);
        let shared = Shared { gate, extract, reply, budget, longest, overrun };
        Ok(DeadlineLayer { shared: Arc::new(shared) })
    }
}

/// What requests overrun their cost by, but never so much that the budget is no use to them.
fn default_margin(budget: Duration) -> Margin {
    let most = budget / 10;
    let least = Duration::from_millis(1).min(most);
    Margin::Learned { quantile: Quantile::P99, least, most }
}

impl<X, A> fmt::Debug for Builder<X, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Builder")
            .field("config", &self.config)
            .field("adaptive", &self.adaptive)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
