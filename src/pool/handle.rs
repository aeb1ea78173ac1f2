//! How jobs come into a pool.

use super::at_work::own_group;
use super::body::{Async, Body, Call};
use super::home::{Home, Seat};
use super::lease::Lease;
use super::scope::{self, Scope};
use super::shared::Shared;
use super::task::{Spot, Task, TaskRef};
use super::ticket::{Claim, Ticket};
use crate::scheduler::{Budget, Class, ClassStats, Job, RefuseReason, Refused, Stats};
use crate::sync::{Arc, Ordering};
use crate::time::Time;
use crate::timer::Timer;

/// A way into a pool, for whoever submits jobs: threads, futures, and the pool's own jobs. Its
/// clones share the pool; it doesn't keep the pool open.
#[derive(Clone)]
pub struct Handle {
    pub(super) shared: Arc<Shared>,
}

impl Handle {
    /// Submits a closure, which gets its [`Budget`]: what it submits
    /// [within](Job::within) a [child](Budget::child) of that has no more time than it has itself.
    ///
    /// A budget counts from this call. It waits for nobody: if the job's queue is busy, whoever is
    /// busy with it takes the job in. An allocation, a reading of the clock, and what
    /// [`Scheduler::submit`](crate::scheduler::Scheduler::submit) costs. It can be called from
    /// everywhere: from jobs, from destructors, and while the pool ends.
    ///
    /// # Errors
    ///
    /// The job comes back if the pool is [closed](Self::drain), if its class is not configured, or
    /// if too many jobs have come while its queue was busy. Whatever is decided later, such as
    /// [`RefuseReason::Infeasible`], comes with the ticket.
    pub fn submit<F, R>(&self, job: Job<F>) -> Result<Ticket<R>, Refused<F>>
    where
        F: FnOnce(Budget) -> R + Send + 'static,
        R: Send + 'static,
    {
        let (call, job) = job.split();
        match self.enqueue(&job, (), Call(call)) {
            Ok(task) => Ok(Ticket(Claim::new(&self.shared, task))),
            Err((Call(call), reason)) => Err(Refused { job: job.carrying(call), reason }),
        }
    }

    /// Submits a closure that makes a future, such as an `async move |budget| { .. }`. Every poll
    /// of it is ordered by the job's deadline; it is refused or shed only before the first. While
    /// it waits it takes no worker, and its class learns from the worker time of all its polls.
    ///
    /// What it waits for may be anything that wakes it; [`timer`](Self::timer) gives it sleeps and
    /// time-outs. Otherwise as [`submit`](Self::submit), with an allocation more.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit), and if as many futures as the pool
    /// [may have](super::Builder::futures_bound) have not ended.
    pub fn spawn<F, Fut>(&self, job: Job<F>) -> Result<Ticket<Fut::Output>, Refused<F>>
    where
        F: FnOnce(Budget) -> Fut + Send + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        let (make, job) = job.split();
        let Some(seat) = Seat::take(&self.shared) else {
            return Err(Refused { job: job.carrying(make), reason: RefuseReason::QueueFull });
        };
        match self.enqueue(&job, Home(self.shared.clone()), Async { make, seat }) {
            Ok(task) => Ok(Ticket(Claim::new(&self.shared, task))),
            Err((Async { make, .. }, reason)) => Err(Refused { job: job.carrying(make), reason }),
        }
    }

    /// Runs `run` and returns when all jobs that it submitted to its [`Scope`] have ended, so that
    /// they may borrow what is alive here. On a worker of the pool, that worker runs what is queued
    /// of them.
    ///
    /// ```
    /// use punctual::pool::Pool;
    /// use punctual::scheduler::Job;
    ///
    /// let pool = Pool::builder().workers(2).build()?;
    /// let mut counts = [0; 4];
    /// pool.scope(|scope| {
    ///     for (at, count) in counts.iter_mut().enumerate() {
    ///         let submitted = scope.submit(Job::new(move |_| *count += at));
    ///         submitted.expect("there is room").detach();
    ///     }
    /// });
    /// assert_eq!(counts, [0, 1, 2, 3]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If `run` does; a job's panic is its outcome.
    pub fn scope<'env, F, T>(&'env self, run: F) -> T
    where
        F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
    {
        scope::scope(self, run)
    }

    /// The time by the pool's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.shared.now()
    }

    /// The pool's timer, whose sleeps and time-outs any future may use.
    #[must_use]
    pub fn timer(&self) -> &Timer {
        &self.shared.timer
    }

    /// What has become of all jobs. A job counts as running until its worker has come back for the
    /// next one, a little after its ticket has the outcome. Jobs that [`submit`](Self::submit)
    /// gave back are in no count.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// How the jobs of a class fare; `None` if it is not configured.
    #[must_use]
    pub fn class_stats(&self, class: Class) -> Option<ClassStats> {
        self.shared.class_stats(class)
    }

    /// Whether this is one of the pool's workers.
    #[cfg(feature = "cache")]
    pub(crate) fn is_worker(&self) -> bool {
        own_group(&self.shared).is_some()
    }

    /// Whether the pool takes no jobs any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed.load(Ordering::SeqCst)
    }

    /// Closes the pool, lets be done what can be done by `by`, sheds the rest with
    /// [`ShedReason::Shutdown`](crate::scheduler::ShedReason::Shutdown) (at once, what can't be
    /// done by then), and waits for the end. Futures that still wait for something at `by` are
    /// cancelled. A closure that runs is not interrupted, so this can take longer.
    ///
    /// Called by a job of the pool, or by a waker or destructor on the timer's thread, it doesn't
    /// wait. Returns what has become of all jobs.
    pub fn drain(&self, by: Time) -> Stats {
        self.shared.close(by);
        if own_group(&self.shared).is_none() && !self.timer().is_current() {
            self.shared.workers.wait();
        }
        self.shared.stats()
    }

    /// Closes the pool and sheds all that is queued. Returns how many jobs that were. Futures that
    /// wait for something are cancelled, what runs ends by itself, and nobody is waited for.
    pub fn shutdown_now(&self) -> u64 {
        self.shared.close(Time::ZERO)
    }

    /// Makes a task of a job and brings it to its queue.
    fn enqueue<B: Body + 'static>(
        &self,
        job: &Job<()>,
        home: B::Home,
        body: B,
    ) -> Result<Arc<Task<B>>, (B, RefuseReason)> {
        let (spot, now) = match self.spot(job, None) {
            Ok(spot) => spot,
            Err(reason) => return Err((body, reason)),
        };
        let task = Task::new(spot, home, body);
        match self.offer(task.clone(), now) {
            Err(reason) => task.take_body().map_or(Ok(task), |body| Err((body, reason))),
            Ok(()) => Ok(task),
        }
    }

    /// Where a job is to be queued, and the time.
    pub(super) fn spot(
        &self,
        job: &Job<()>,
        lease: Option<Arc<Lease>>,
    ) -> Result<(Spot, Time), RefuseReason> {
        if self.is_closed() {
            return Err(RefuseReason::Closed);
        }
        if job.class.number() >= self.shared.classes {
            return Err(RefuseReason::UnknownClass);
        }
        let (group, now) = (self.shared.place(own_group(&self.shared)), self.now());
        Ok((Spot::new(group, job, now, lease), now))
    }

    /// Brings a job to its queue.
    pub(super) fn offer(&self, task: TaskRef, now: Time) -> Result<(), RefuseReason> {
        self.shared.submit(task, now).map_err(|_| RefuseReason::QueueFull)
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Handle").field("is_closed", &self.is_closed()).finish()
    }
}
