//! A job on its way from its submitter to its outcome.
//!
//! The queue holds it without its types, as a [`Runnable`]; a ticket holds the same allocation as
//! an [`Outlet`]. What both need is behind one small lock, which is never held while anybody's
//! code runs, and inside which no other lock is taken.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Wake, Waker};

use super::body::{Body, Step, Waking};
use super::lease::Lease;
use super::outcome::Outcome;
use super::waiter::Waiter;
use crate::contain::contain;
use crate::key::Key;
use crate::scheduler::{Budget, Job, Verdict};
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};
use crate::time::Time;

/// A job as its queue knows it.
pub(super) type TaskRef = Arc<dyn Runnable>;

/// What workers do with a job.
pub(super) trait Runnable: Send + Sync {
    /// Where it is queued.
    fn spot(&self) -> &Spot;

    /// Runs the job, or the next part of it. Whatever panics in it is its outcome.
    fn run(self: Arc<Self>, budget: Budget) -> Ran;

    /// The worker has given the job's place back: it waits from now on, unless it was woken or
    /// cancelled meanwhile. Nobody's code runs in it.
    fn suspend(&self) -> Suspended;

    /// The job is not run.
    fn shed(&self, verdict: Verdict);

    /// The job has left the queue without having been run to its end.
    fn cancel(&self);

    /// Whether nothing will be done with it any more.
    fn has_ended(&self) -> bool;
}

/// How a run ended.
pub(super) enum Ran {
    Done,
    Failed,
    /// It waits for something, and here it is.
    Pending(TaskRef),
}

/// What became of a job that had to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspended {
    Waiting,
    /// What it waits for has come already.
    Woken,
    /// Nobody wants it any more.
    Unwanted,
}

/// What a queue is told of a job, and where it is.
pub(super) struct Spot {
    /// Of the pool's groups.
    pub(super) group: usize,
    /// The job's key in its group's scheduler, or zero. Written and read under that group's lock.
    key: AtomicU64,
    /// What its submitter said. Its deadline is a point in time: a budget counts from the
    /// submission, whenever the queue takes the job in.
    job: Job<()>,
    /// What it borrows from.
    scope: Option<Arc<Lease>>,
}

impl Spot {
    /// A job that is submitted at `now`.
    pub(super) fn new(group: usize, job: &Job<()>, now: Time, scope: Option<Arc<Lease>>) -> Self {
        let job = match job.due(now) {
            Some(deadline) => job.clone().deadline(deadline),
            None => job.clone(),
        };
        Self { group, key: AtomicU64::new(0), job, scope }
    }

    /// The job for its scheduler.
    pub(super) fn job(&self) -> Job<()> {
        self.job.clone()
    }

    /// When the job must be done, as it was submitted.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.job.due(Time::ZERO)
    }

    pub(super) const fn release(&self) -> Option<Time> {
        self.job.release
    }

    pub(super) fn key(&self) -> Option<Key> {
        Key::from_bits(self.key.load(Ordering::Relaxed))
    }

    pub(super) fn set_key(&self, key: Key) {
        self.key.store(key.to_bits(), Ordering::Relaxed);
    }
}

pub(super) struct Task<B: Body> {
    spot: Spot,
    home: B::Home,
    slot: Mutex<Slot<B>>,
}

struct Slot<B: Body> {
    stage: Stage<B>,
    /// Who waits for the outcome.
    waiter: Option<Waiter>,
    /// Nobody holds a ticket any more: what comes out is dropped.
    is_abandoned: bool,
    /// Somebody woke the job while it ran.
    is_woken: bool,
    /// Somebody cancelled the job while it ran.
    is_unwanted: bool,
}

/// How far a job has come.
enum Stage<B: Body> {
    Queued(B),
    /// A worker has it.
    Running,
    /// It was run, and has to wait; its worker still holds its place in the scheduler.
    Paused(B::Rest),
    /// It waits to be woken.
    Suspended(B::Rest),
    /// It is queued again.
    Resumed(B::Rest),
    Ended(End<B>),
    /// The outcome was taken, or nobody wants it.
    Gone,
}

/// An outcome that nobody has taken yet: a job that comes back isn't wrapped before.
enum End<B: Body> {
    Done(B::Output),
    Failed(Box<dyn Any + Send>),
    Shed(B, Verdict),
    Cancelled,
}

impl<B: Body> End<B> {
    fn into_outcome(self) -> Outcome<B::Output, B::Work> {
        match self {
            Self::Done(output) => Outcome::Done(output),
            Self::Failed(payload) => Outcome::Failed(payload),
            Self::Shed(body, verdict) => Outcome::Shed(body.give_back(), verdict),
            Self::Cancelled => Outcome::Cancelled,
        }
    }
}

impl<B: Body> Task<B> {
    pub(super) fn new(spot: Spot, home: B::Home, body: B) -> Arc<Self> {
        let slot = Slot {
            stage: Stage::Queued(body),
            waiter: None,
            is_abandoned: false,
            is_woken: false,
            is_unwanted: false,
        };
        Arc::new(Self { spot, home, slot: Mutex::new(slot) })
    }

    /// The job of a task that no queue has taken.
    pub(super) fn take_body(&self) -> Option<B> {
        match mem::replace(&mut self.slot.lock().stage, Stage::Gone) {
            Stage::Queued(body) => Some(body),
            _ => None,
        }
    }

    /// The end of a job: once for each that a queue has taken.
    fn end(&self, end: End<B>) {
        // Dropped last: then nothing that the job borrows is touched any more.
        let _leave = self.spot.scope.as_deref().map(Lease::leave_later);
        let mut slot = self.slot.lock();
        let waiter = slot.waiter.take();
        let unwanted = if slot.is_abandoned {
            slot.stage = Stage::Gone;
            Some(end)
        } else {
            slot.stage = Stage::Ended(end);
            None
        };
        drop(slot);
        // The submitter's code: it runs outside the lock, and its panic changes no outcome.
        contain(|| drop(unwanted));
        if let Some(waiter) = waiter {
            contain(|| waiter.wake());
        }
    }

    fn begin(&self) -> Stage<B> {
        let mut slot = self.slot.lock();
        slot.is_woken = false;
        mem::replace(&mut slot.stage, Stage::Running)
    }
}

impl<B: Body> Runnable for Task<B> {
    fn spot(&self) -> &Spot {
        &self.spot
    }

    fn run(self: Arc<Self>, budget: Budget) -> Ran {
        let stage = self.begin();
        let step = catch_unwind(AssertUnwindSafe(|| match stage {
            Stage::Queued(body) => Some(body.start(budget, &self)),
            Stage::Resumed(rest) => Some(B::resume(rest, &self)),
            _ => None,
        }));
        match step {
            Ok(Some(Step::Done(output))) => {
                self.end(End::Done(output));
                Ran::Done
            }
            Ok(Some(Step::Pending(rest, queued))) => {
                self.slot.lock().stage = Stage::Paused(rest);
                Ran::Pending(queued)
            }
            Err(payload) => {
                self.end(End::Failed(payload));
                Ran::Failed
            }
            Ok(None) => {
                debug_assert!(false, "only queued jobs are run");
                Ran::Failed
            }
        }
    }

    fn suspend(&self) -> Suspended {
        let mut slot = self.slot.lock();
        if slot.is_unwanted {
            return Suspended::Unwanted;
        }
        let is_woken = mem::take(&mut slot.is_woken);
        slot.stage = match mem::replace(&mut slot.stage, Stage::Gone) {
            Stage::Paused(rest) if is_woken => Stage::Resumed(rest),
            Stage::Paused(rest) => Stage::Suspended(rest),
            other => other,
        };
        // A worker that waits for it may have to run something else first.
        if let Some(helper) = slot.waiter.as_ref().and_then(Waiter::helper) {
            helper.unpark();
        }
        if is_woken { Suspended::Woken } else { Suspended::Waiting }
    }

    fn shed(&self, verdict: Verdict) {
        let mut slot = self.slot.lock();
        match mem::replace(&mut slot.stage, Stage::Running) {
            Stage::Queued(body) => {
                drop(slot);
                self.end(End::Shed(body, verdict));
            }
            other => slot.stage = other,
        }
    }

    fn cancel(&self) {
        let mut slot = self.slot.lock();
        match mem::replace(&mut slot.stage, Stage::Running) {
            it
            @ (Stage::Queued(_) | Stage::Paused(_) | Stage::Suspended(_) | Stage::Resumed(_)) => {
                drop(slot);
                // The submitter's destructors may panic; the outcome is the same.
                contain(|| drop(it));
                self.end(End::Cancelled);
            }
            other => slot.stage = other,
        }
    }

    fn has_ended(&self) -> bool {
        matches!(self.slot.lock().stage, Stage::Ended(_) | Stage::Gone)
    }
}

impl<B: Waking> Wake for Task<B> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut slot = self.slot.lock();
        let helper = match mem::replace(&mut slot.stage, Stage::Gone) {
            Stage::Suspended(rest) => {
                slot.stage = Stage::Resumed(rest);
                slot.waiter.as_ref().and_then(Waiter::helper)
            }
            other => {
                slot.is_woken = true;
                slot.stage = other;
                return;
            }
        };
        drop(slot);
        self.home.resume(self.clone());
        if let Some(helper) = helper {
            helper.unpark();
        }
    }
}

/// What a ticket does with a job.
pub(super) trait Outlet<R, W>: Send + Sync {
    fn spot(&self) -> &Spot;

    /// The outcome, if there is one; otherwise `waiter` is told of it.
    fn take(&self, waiter: Option<Waiter>) -> Option<Outcome<R, W>>;

    /// As [`take`](Self::take), for a future: its waker is cloned only if it is a new one.
    fn poll(&self, context: &Context<'_>) -> Poll<Outcome<R, W>>;

    /// Nobody will take the outcome. Whether the job is of use to nobody then: it has not ended.
    fn abandon(&self) -> bool;

    /// Whether nobody runs the job, and it has not ended.
    fn is_idle(&self) -> bool;

    /// The job is being run: it is to end where it waits next, if it ever does.
    fn discourage(&self);
}

impl<B: Body> Outlet<B::Output, B::Work> for Task<B> {
    fn spot(&self) -> &Spot {
        &self.spot
    }

    fn take(&self, waiter: Option<Waiter>) -> Option<Outcome<B::Output, B::Work>> {
        let mut slot = self.slot.lock();
        if !matches!(slot.stage, Stage::Ended(_)) {
            let before = waiter.and_then(|waiter| slot.waiter.replace(waiter));
            drop(slot);
            drop(before);
            return None;
        }
        let stage = mem::replace(&mut slot.stage, Stage::Gone);
        drop(slot);
        match stage {
            Stage::Ended(end) => Some(end.into_outcome()),
            _ => None,
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Outcome<B::Output, B::Work>> {
        let waits = matches!(&self.slot.lock().waiter, Some(it) if it.will_wake(context.waker()));
        // Cloned outside the lock: it is the caller's code.
        let waiter = (!waits).then(|| Waiter::Future(context.waker().clone()));
        self.take(waiter).map_or(Poll::Pending, Poll::Ready)
    }

    fn abandon(&self) -> bool {
        let mut slot = self.slot.lock();
        slot.is_abandoned = true;
        let waiter = slot.waiter.take();
        let stage = match slot.stage {
            Stage::Ended(_) | Stage::Gone => mem::replace(&mut slot.stage, Stage::Gone),
            _ => {
                drop(slot);
                drop(waiter);
                return true;
            }
        };
        drop(slot);
        drop((stage, waiter));
        false
    }

    fn is_idle(&self) -> bool {
        let stage = &self.slot.lock().stage;
        matches!(stage, Stage::Queued(_) | Stage::Suspended(_) | Stage::Resumed(_))
    }

    fn discourage(&self) {
        self.slot.lock().is_unwanted = true;
    }
}

/// A waker that resumes the task.
pub(super) fn waker<B: Waking>(task: &Arc<Task<B>>) -> Waker {
    Waker::from(task.clone())
}
