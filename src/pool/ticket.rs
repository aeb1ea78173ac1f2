//! What a submitter holds of a job.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::at_work::Helper;
use super::outcome::{Outcome, Work};
use super::shared::Shared;
use super::task::Outlet;
use super::waiter::Waiter;

use crate::block::unpark_waker;
use crate::scheduler::RescheduleError;
use crate::sync::{Arc, current, park};
use crate::time::Time;

/// A job that was submitted, and the way to its outcome.
///
/// # When it is dropped
///
/// The job is cancelled, as by [`cancel`](Self::cancel): a caller that has gone away (a future that
/// timed out, a connection that was closed) frees its place without a line of code, and nobody
/// works for an answer that nobody reads. [`detach`](Self::detach) lets the job go on alone.
///
/// # As a future
///
/// A ticket is a future of its job's outcome, in any executor. Once it has given the outcome it
/// stays pending.
///
/// ```
/// use core::time::Duration;
/// use punctual::pool::{Outcome, Pool};
/// use punctual::scheduler::Job;
///
/// let pool = Pool::builder().workers(2).build()?;
/// let job = Job::new(|_budget| 6 * 7).budget(Duration::from_secs(60));
/// let Ok(ticket) = pool.submit(job) else { unreachable!("it is open, and has room") };
/// assert!(matches!(ticket.wait(), Outcome::Done(42)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "a job whose ticket is dropped is cancelled: `detach` lets it go on alone"]
pub struct Ticket<R>(pub(super) Claim<'static, R, Work<R>>);

impl<R> Ticket<R> {
    /// Waits for the outcome. On a worker of the same pool, a job that is queued is run by this
    /// worker, which has nothing better to do, and so is a future whenever it can go on. While the
    /// job waits for something itself, the worker runs others, up to 32 of them inside each other.
    pub fn wait(self) -> Outcome<R> {
        self.0.wait()
    }

    /// Waits for the outcome until the pool's clock shows `until`.
    ///
    /// # Errors
    ///
    /// The ticket, if there is no outcome by then.
    pub fn wait_until(self, until: Time) -> Result<Outcome<R>, Self> {
        self.0.wait_until(until).map_err(Self)
    }

    /// The outcome, if there is one already. Takes no time.
    ///
    /// # Errors
    ///
    /// The ticket, if there is none.
    pub fn try_take(self) -> Result<Outcome<R>, Self> {
        self.0.try_take().map_err(Self)
    }

    /// Cancels the job if it is queued, or waits for something: its place is free at once, and the
    /// outcome is [`Outcome::Cancelled`]. Returns whether that was so. O(log n) behind its queue's
    /// lock.
    ///
    /// A closure that runs can't be interrupted. A future that is being polled ends where it waits
    /// next.
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// Gives the job another deadline, and returns the old one: see
    /// [`Scheduler::reschedule`](crate::scheduler::Scheduler::reschedule). O(log n) behind its
    /// queue's lock.
    ///
    /// # Errors
    ///
    /// If the job runs or has an outcome, or if its deadline, or with
    /// [`Admission::Feasible`](crate::scheduler::Admission::Feasible) another's, would be missed.
    pub fn reschedule(&self, deadline: Time) -> Result<Option<Time>, RescheduleError> {
        self.0.reschedule(deadline)
    }

    /// Lets the job go on, though nobody waits for it. What it returns is dropped.
    pub fn detach(self) {
        self.0.detach();
    }
}

impl<R> Future for Ticket<R> {
    type Output = Outcome<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<R>> {
        self.0.poll(context)
    }
}

impl<R> std::fmt::Debug for Ticket<R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Ticket(..)")
    }
}

/// The one right to a job's outcome.
pub(super) struct Claim<'a, R, W> {
    shared: Arc<Shared>,
    /// None once the outcome was taken.
    task: Option<Arc<dyn Outlet<R, W> + 'a>>,
}

impl<'a, R, W> Claim<'a, R, W> {
    pub(super) fn new(shared: &Arc<Shared>, task: Arc<dyn Outlet<R, W> + 'a>) -> Self {
        Self { shared: shared.clone(), task: Some(task) }
    }

    pub(super) fn wait(self) -> Outcome<R, W> {
        match self.wait_while(|| true) {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Cancelled,
        }
    }

    pub(super) fn wait_until(self, until: Time) -> Result<Outcome<R, W>, Self> {
        // The pool's own clock counts, which may be one that a test moves.
        let mut sleep = pin!(self.shared.timer.sleep_until(until));
        let waker = unpark_waker();
        let mut context = Context::from_waker(&waker);
        self.wait_while(move || sleep.as_mut().poll(&mut context).is_pending())
    }

    /// Waits for the outcome while there is time, which is asked after each wake-up.
    fn wait_while(mut self, mut has_time: impl FnMut() -> bool) -> Result<Outcome<R, W>, Self> {
        // It stays in its place until there is an outcome: whatever unwinds through here gives the
        // job up.
        let Some(task) = self.task.clone() else { return Err(self) };
        let shared = self.shared.clone();
        let helper = Helper::new(&shared);
        // A worker that waits for a release is woken by it, since all others may wait as well.
        let release = task.spot().release().filter(|_| helper.is_some());
        let mut release = pin!(release.map(|release| shared.timer.sleep_until(release)));
        let waker = release.is_some().then(unpark_waker);
        loop {
            let thread = current();
            let waiter = if helper.is_some() { Waiter::Helper } else { Waiter::Thread };
            if let Some(outcome) = task.take(Some(waiter(thread))) {
                self.task = None;
                return Ok(outcome);
            }
            if !has_time() {
                return Err(self);
            }
            if let (Some(sleep), Some(waker)) = (release.as_mut().as_pin_mut(), &waker)
                && sleep.poll(&mut Context::from_waker(waker)).is_ready()
            {
                release.set(None);
            }
            match &helper {
                None => park(),
                Some(helper) if helper.help_with(task.spot()) => {}
                Some(helper) if task.is_idle() => helper.help_others(),
                // Another worker runs it.
                Some(_) => park(),
            }
        }
    }

    pub(super) fn try_take(mut self) -> Result<Outcome<R, W>, Self> {
        let Some(task) = self.task.take() else { return Err(self) };
        task.take(None).ok_or_else(|| {
            self.task = Some(task);
            self
        })
    }

    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<Outcome<R, W>> {
        let Some(task) = &self.task else { return Poll::Pending };
        let polled = task.poll(context);
        if polled.is_ready() {
            self.task = None;
        }
        polled
    }

    pub(super) fn cancel(&self) -> bool {
        self.task.as_deref().is_some_and(|task| cancel(&self.shared, task))
    }

    pub(super) fn reschedule(&self, deadline: Time) -> Result<Option<Time>, RescheduleError> {
        let Some(task) = &self.task else { return Err(RescheduleError::Stale) };
        let (shared, group) = (&self.shared, task.spot().group);
        let now = shared.now();
        let mut visit = shared.visit(group, now);
        let rescheduled = match task.spot().key() {
            Some(key) => visit.core.scheduler.reschedule(now, key, deadline),
            None => Err(RescheduleError::Stale),
        };
        visit.look_again();
        visit.end();
        rescheduled
    }

    pub(super) fn detach(mut self) {
        if let Some(task) = self.task.take() {
            task.abandon();
        }
    }
}

impl<R, W> Drop for Claim<'_, R, W> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take()
            && task.abandon()
        {
            cancel(&self.shared, &*task);
        }
    }
}

fn cancel<R, W>(shared: &Shared, task: &(dyn Outlet<R, W> + '_)) -> bool {
    // First, so that a job that stops running meanwhile is either in the queue or knows of it.
    task.discourage();
    let (group, now) = (task.spot().group, shared.now());
    let mut visit = shared.visit(group, now);
    let was_there = task.spot().key().is_some_and(|key| visit.cancel(key));
    visit.end();
    was_there
}
