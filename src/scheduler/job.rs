//! What goes into a scheduler.

use core::time::Duration;

use super::budget::Budget;
use super::class::Class;
use crate::time::{Time, saturating_nanos};

/// The identity of jobs that have none: it has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoIdentity {}

/// When a job must be done, as its submitter said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Never,
    At(Time),
    Within(Duration),
}

/// A payload and what the scheduler needs to know of it.
///
/// Without a deadline a job is background work, whatever its class: it runs in slack, in the
/// order of submission, and is never shed but by a shutdown. In a lasting overload it never runs,
/// unless its class is a background one with a starvation guard.
///
/// `I` is the type of identities by which jobs are coalesced; schedulers that are made with
/// [`Scheduler::new`](super::Scheduler::new) do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job<T, I = NoIdentity> {
    /// What the job is about; the scheduler only carries it.
    pub payload: T,
    pub(super) due: Due,
    /// The time before which the job doesn't start.
    pub release: Option<Time>,
    /// The job's class.
    pub class: Class,
    /// The worker time that is declared for it.
    pub cost: Option<Duration>,
    /// The time to completion that occupies no worker.
    pub lead_ns: u64,
    /// What it is worth beside others.
    pub value: u32,
    /// On whose behalf it is done.
    pub tenant: Option<u64>,
    /// What work it is.
    pub identity: Option<I>,
}

impl<T, I> Job<T, I> {
    /// A job of class 0 and value 1, without deadline or release, whose cost the class has
    /// learned. Foreground work needs a deadline or a budget.
    #[must_use]
    pub const fn new(payload: T) -> Self {
        Self {
            payload,
            due: Due::Never,
            release: None,
            class: Class::new(0),
            cost: None,
            lead_ns: 0,
            value: 1,
            tenant: None,
            identity: None,
        }
    }

    /// The payload, and the same job without it. A shell that wraps payloads takes them out so,
    /// and puts its own in [with `carrying`](Job::carrying).
    #[must_use]
    pub fn split(self) -> (T, Job<(), I>) {
        let Self { payload, due, release, class, cost, lead_ns, value, tenant, identity } = self;
        (payload, Job { payload: (), due, release, class, cost, lead_ns, value, tenant, identity })
    }

    /// The same job about something else.
    #[must_use]
    pub fn carrying<U>(self, payload: U) -> Job<U, I> {
        let Self { payload: _, due, release, class, cost, lead_ns, value, tenant, identity } = self;
        Job { payload, due, release, class, cost, lead_ns, value, tenant, identity }
    }

    /// When the job must be done, if it is submitted at `now`; `None` without a deadline.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::Job;
    /// use punctual::time::Time;
    ///
    /// let (now, ms) = (Time::ZERO, Duration::from_millis);
    /// let job = Job::<_>::new("refresh").release(now + ms(100)).budget(ms(20));
    /// assert_eq!(job.due(now), Some(now + ms(120)));
    /// ```
    #[must_use]
    pub fn due(&self, now: Time) -> Option<Time> {
        match self.due {
            Due::Never => None,
            Due::At(deadline) => Some(deadline),
            Due::Within(budget) => Some(self.eligible(now) + budget),
        }
    }

    /// The time from which the job may run, if it is submitted at `now`.
    pub(super) fn eligible(&self, now: Time) -> Time {
        self.release.map_or(now, |release| release.max(now))
    }

    /// Sets when the job must be done.
    #[must_use]
    pub fn deadline(self, deadline: Time) -> Self {
        Self { due: Due::At(deadline), ..self }
    }

    /// Sets the time that the job has, counted from its submission, or from its release if that
    /// comes later: no job is born expired. It must be longer than cost, lead and margin together.
    #[must_use]
    pub fn budget(self, budget: Duration) -> Self {
        Self { due: Due::Within(budget), ..self }
    }

    /// Sets the deadline to the end of somebody's budget.
    #[must_use]
    pub fn within(self, budget: Budget) -> Self {
        Self { due: budget.deadline().map_or(Due::Never, Due::At), ..self }
    }

    /// Sets the time before which the job doesn't start.
    #[must_use]
    pub fn release(self, release: Time) -> Self {
        Self { release: Some(release), ..self }
    }

    /// Sets the class.
    #[must_use]
    pub fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// Declares the worker time that the job needs; without that, or with zero, it is what the
    /// class has learned at the moment of submission. Where the runs of a class take longer than
    /// was declared for them, what is declared for others of the class is corrected: see the
    /// [module](super#costs).
    #[must_use]
    pub fn cost(self, cost: Duration) -> Self {
        Self { cost: Some(cost), ..self }
    }

    /// Sets the time to completion that occupies no worker, such as a wait for I/O; zero by
    /// default.
    #[must_use]
    pub fn lead(self, lead: Duration) -> Self {
        Self { lead_ns: saturating_nanos(lead), ..self }
    }

    /// Sets what the job is worth beside others, when not all can be done; 1 by default. A job
    /// that is worth nothing is the first to be evicted. It decides nothing else: jobs run in the
    /// order of their deadlines.
    #[must_use]
    pub fn value(self, value: u32) -> Self {
        Self { value, ..self }
    }

    /// Sets on whose behalf the job is done. In overload, a tenant that has queued more than its
    /// fair share of the class loses first.
    #[must_use]
    pub fn tenant(self, tenant: u64) -> Self {
        Self { tenant: Some(tenant), ..self }
    }

    /// Sets what work this is: a job joins a queued one of an equal identity.
    #[must_use]
    pub fn identity(self, identity: I) -> Self {
        Self { identity: Some(identity), ..self }
    }
}
