//! Jobs that borrow from the stack of the thread that waits for them.
//!
//! A queue holds jobs without their lifetimes. What makes that sound is that nothing a scoped job
//! borrows is touched after it has left its scope's [`Lease`], and that the scope doesn't return
//! before all have: also when its closure panics, when tickets are leaked, and when the pool is
//! closed meanwhile.
#![allow(unsafe_code, reason = "a job's lifetime is erased while its scope waits for it")]

use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::task::Context;

use super::at_work::{Helper, own_group};
use super::body::Scoped;
use super::handle::Handle;
use super::lease::Lease;
use super::outcome::Outcome;
use super::task::{Runnable, Task, TaskRef};
use super::ticket::Claim;
use crate::block::unpark_waker;

use crate::scheduler::{Budget, Job, Refused, RescheduleError};
use crate::sync::{Arc, Mutex, park};
use crate::time::Time;
use crate::timer::Sleep;

/// Where jobs are submitted that borrow: see [`Handle::scope`].
pub struct Scope<'scope, 'env: 'scope> {
    handle: &'env Handle,
    lease: Arc<Lease>,
    /// What the scope's thread can run itself while it waits, if it is a worker of the pool.
    own: Option<Mutex<Vec<TaskRef>>>,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// A job of a scope that was submitted. Dropped, it cancels the job, as a
/// [`Ticket`](super::Ticket) does; a job that isn't run doesn't come back.
#[must_use = "a job whose ticket is dropped is cancelled: `detach` lets it go on alone"]
pub struct ScopedTicket<'scope, R>(Claim<'scope, R, ()>);

impl<R> ScopedTicket<'_, R> {
    /// Waits for the outcome: as [`Ticket::wait`](super::Ticket::wait).
    pub fn wait(self) -> Outcome<R, ()> {
        self.0.wait()
    }

    /// Waits for the outcome until the pool's clock shows `until`.
    ///
    /// # Errors
    ///
    /// The ticket, if there is no outcome by then.
    pub fn wait_until(self, until: Time) -> Result<Outcome<R, ()>, Self> {
        self.0.wait_until(until).map_err(Self)
    }

    /// The outcome, if there is one already.
    ///
    /// # Errors
    ///
    /// The ticket, if there is none.
    pub fn try_take(self) -> Result<Outcome<R, ()>, Self> {
        self.0.try_take().map_err(Self)
    }

    /// Cancels the job if it is queued: as [`Ticket::cancel`](super::Ticket::cancel).
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// Gives the job another deadline: as [`Ticket::reschedule`](super::Ticket::reschedule).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn reschedule(&self, deadline: Time) -> Result<Option<Time>, RescheduleError> {
        self.0.reschedule(deadline)
    }

    /// Lets the job go on; the scope still waits for it.
    pub fn detach(self) {
        self.0.detach();
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Submits a job that may borrow what outlives the scope: otherwise as [`Handle::submit`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn submit<F, R>(&'scope self, job: Job<F>) -> Result<ScopedTicket<'scope, R>, Refused<F>>
    where
        F: FnOnce(Budget) -> R + Send + 'scope,
        R: Send + 'scope,
    {
        let (call, job) = job.split();
        let (spot, now) = match self.handle.spot(&job, Some(self.lease.clone())) {
            Ok(spot) => spot,
            Err(reason) => return Err(Refused { job: job.carrying(call), reason }),
        };
        let task = Task::new(spot, (), Scoped(call));
        // From here on the scope waits for the job.
        self.lease.enter();
        let erased = erase(task.clone());
        // Before anything can unwind: dropped, it gives the job up.
        let ticket = ScopedTicket(Claim::new(&self.handle.shared, task.clone()));
        if let Err(reason) = self.handle.offer(erased.clone(), now)
            && let Some(Scoped(call)) = task.take_body()
        {
            self.lease.leave();
            return Err(Refused { job: job.carrying(call), reason });
        }
        if let Some(own) = &self.own {
            let mut own = own.lock();
            // Each is looked at a few times at most, and those that have ended make room.
            if own.len() >= 64 && own.len().is_power_of_two() {
                own.retain(|task| !task.has_ended());
            }
            own.push(erased);
            drop(own);
            // A scoped job may have submitted it, while the scope's thread waits already.
            self.lease.nudge();
        }
        Ok(ticket)
    }

    /// Waits until all jobs have ended. A worker runs what is queued of them meanwhile.
    fn wait(&self) {
        let shared = &self.handle.shared;
        let (Some(own), Some(helper)) = (&self.own, Helper::new(shared)) else {
            return self.lease.wait();
        };
        let waker = unpark_waker();
        while !self.lease.is_idle() {
            let mut tasks = mem::take(&mut *own.lock());
            let before = tasks.len();
            tasks.retain(|task| !helper.help_with(task.spot()));
            let has_helped = tasks.len() < before;
            let now = shared.now();
            let releases = tasks.iter().filter_map(|task| task.spot().release());
            let next = releases.filter(|&release| release > now).min();
            own.lock().append(&mut tasks);
            if has_helped || self.lease.is_idle() {
                continue;
            }
            let mut sleep = pin!(next.map(|release| shared.timer.sleep_until(release)));
            let has_come =
                |sleep: Pin<&mut Sleep>| sleep.poll(&mut Context::from_waker(&waker)).is_ready();
            if !sleep.as_mut().as_pin_mut().is_some_and(has_come) {
                park();
            }
        }
    }
}

/// A scoped job as a queue holds it.
fn erase<'scope>(task: Arc<dyn Runnable + 'scope>) -> TaskRef {
    // SAFETY: the two types differ in the lifetime of what the job borrows and in nothing else.
    // `submit` has entered the scope's lease for the job, and `Handle::scope` returns, and so ends
    // 'scope, only when the lease is idle, also when it unwinds. The job leaves the lease as the
    // last thing that `Task::end` does. By then its closure was consumed or dropped, or was shed;
    // and its result, or the closure that was shed, is dropped or in the hands of a ticket, which
    // doesn't outlive 'scope: a ticket that is dropped, by unwinding too, drops what it has, or
    // marks the job as abandoned, and then `end` drops it before the job leaves. What remains of
    // the job holds nothing that was borrowed.
    unsafe { mem::transmute::<Arc<dyn Runnable + 'scope>, TaskRef>(task) }
}

struct WaitForAll<'a>(&'a Lease);

impl Drop for WaitForAll<'_> {
    fn drop(&mut self) {
        self.0.wait();
    }
}

pub(super) fn scope<'env, F, T>(handle: &'env Handle, run: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let own = own_group(&handle.shared).map(|_| Mutex::new(Vec::new()));
    let (scope, env) = (PhantomData, PhantomData);
    let scope = Scope { handle, lease: Arc::new(Lease::new()), own, scope, env };
    // Whatever unwinds through here, even out of the waiting itself, waits first.
    let _last = WaitForAll(&scope.lease);
    let result = catch_unwind(AssertUnwindSafe(|| run(&scope)));
    scope.wait();
    result.unwrap_or_else(|payload| resume_unwind(payload))
}
