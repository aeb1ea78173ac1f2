//! The layer: a handle to the gate that all of its services share.

use core::fmt;
use core::time::Duration;

use tower_layer::Layer;

use super::builder::Builder;
use super::error::BuildError;
use super::extract::AllAlike;
use super::gate::Gate;
use super::reply::Fail;
use super::service::DeadlineService;
use crate::scheduler::{Class, ClassStats, Load, Stats};
use crate::sync::Arc;
use crate::time::Time;
use crate::timer::Timer;

/// What to do with a request that is being served when its deadline passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overrun {
    /// Drop the service's future, and say no. Work that the future has handed to others goes on.
    #[default]
    GiveUp,
    /// Let it go on; it is counted as late.
    GoOn,
}

/// What the services of a layer have in common.
pub(super) struct Shared<X, A> {
    pub(super) gate: Arc<Gate>,
    pub(super) extract: X,
    pub(super) reply: A,
    pub(super) budget: Duration,
    pub(super) longest: Duration,
    pub(super) overrun: Overrun,
}

/// Serves requests in the order of their deadlines, so many at a time, and says no to those that
/// can't be served in time.
///
/// Its clones, and all services that they make, share one queue and one limit: a router may put the
/// layer on each of its routes. See the [module](super) for what it does.
pub struct DeadlineLayer<X = AllAlike, A = Fail> {
    pub(super) shared: Arc<Shared<X, A>>,
}

impl DeadlineLayer {
    /// So many requests at a time, and `budget` for each. For everything else see
    /// [`DeadlineLayer::builder`].
    ///
    /// # Errors
    ///
    /// If `concurrency` is zero, or the system gives no thread for the timer.
    pub fn new(concurrency: u32, budget: Duration) -> Result<Self, BuildError> {
        Self::builder().concurrency(concurrency).budget(budget).build()
    }

    /// A layer's settings.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl<X, A> DeadlineLayer<X, A> {
    /// What became of the requests so far. O(classes), behind the lock.
    ///
    /// Requests that were given up at their deadline count as failed, and as late.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.gate.stats()
    }

    /// What became of a class's requests so far, and how they fared; `None` for a class that is
    /// not configured. Copies two histograms.
    #[must_use]
    pub fn class_stats(&self, class: Class) -> Option<ClassStats> {
        self.shared.gate.class_stats(class)
    }

    /// How much there is to do: what runs and is queued. O(1), and O(log n) for each request whose
    /// latest start has passed.
    #[must_use]
    pub fn load(&self) -> Load {
        self.shared.gate.load()
    }

    /// What a request of a class is expected to take that declares nothing; `None` for a class
    /// that is not configured. O(1).
    #[must_use]
    pub fn expected_cost(&self, class: Class) -> Option<Duration> {
        self.shared.gate.expected_cost(class)
    }

    /// The time that a class keeps free before its deadlines; `None` for a class that is not
    /// configured. O(1).
    #[must_use]
    pub fn margin(&self, class: Class) -> Option<Duration> {
        self.shared.gate.margin(class)
    }

    /// How many requests may be served at once now. O(1).
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.shared.gate.limit()
    }

    /// The timer, whose clock deadlines go by.
    #[must_use]
    pub fn timer(&self) -> &Timer {
        self.shared.gate.timer()
    }

    /// Takes no request any more, and says no to those in the queue that can't be served by `by`.
    /// See [`Scheduler::shutdown`](crate::scheduler::Scheduler::shutdown).
    pub fn shutdown(&self, by: Time) {
        self.shared.gate.shutdown(by);
    }
}

impl<S, X, A> Layer<S> for DeadlineLayer<X, A> {
    type Service = DeadlineService<S, X, A>;

    fn layer(&self, inner: S) -> Self::Service {
        DeadlineService::new(inner, Arc::clone(&self.shared))
    }
}

impl<X, A> Clone for DeadlineLayer<X, A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<X, A> fmt::Debug for DeadlineLayer<X, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DeadlineLayer")
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}
