//! What comes out of a scheduler.

use core::time::Duration;

use super::budget::Budget;
use super::class::Class;
use super::job::{Job, NoIdentity};
use super::reason::{ShedReason, Verdict};
use crate::key::Key;
use crate::time::Time;

/// What became of an accepted submission.
#[derive(Debug, PartialEq, Eq)]
pub enum Submitted<T, I = NoIdentity> {
    /// The job is queued under this key.
    Queued(Key),
    /// A job of the same identity is queued already, under this key; the job in hand comes back.
    /// One `Run` or `Shed` with this key is the answer to all who share it: keep by the key
    /// whoever waits for it, or add it to the queued payload with
    /// [`Scheduler::get_mut`](super::Scheduler::get_mut).
    Joined(Key, Job<T, I>),
}

impl<T, I> Submitted<T, I> {
    /// The key of the queued job.
    #[must_use]
    pub const fn key(&self) -> Key {
        match self {
            Self::Queued(key) | Self::Joined(key, _) => *key,
        }
    }
}

/// What [`Scheduler::poll`](super::Scheduler::poll) asks its shell to do next.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a job in it is lost when it is dropped"]
pub enum Next<T> {
    /// Run this job, then call [`Scheduler::complete`](super::Scheduler::complete).
    Run(Running<T>),
    /// Answer 'no' for this job at once: there is just time for it.
    Shed(Shed<T>),
    /// Nothing to do before this time, unless a job is submitted, rescheduled, cancelled (whose
    /// slack may let background work start), completed, suspended or resumed, or there are other
    /// workers; `None` if only such a call can bring work.
    Wait(Option<Time>),
}

/// A job that starts now, or goes on, and occupies a worker until it is completed or suspended.
#[derive(Debug, PartialEq, Eq)]
pub struct Running<T> {
    /// The job's key, for [`Scheduler::complete`](super::Scheduler::complete).
    pub key: Key,
    /// What was submitted or resumed.
    pub payload: T,
    /// When the job must be done.
    pub deadline: Option<Time>,
    /// The job's class.
    pub class: Class,
    /// On whose behalf it is done.
    pub tenant: Option<u64>,
    /// How many submissions share it.
    pub shares: u32,
    /// The worker time that it is expected to need: what is left of it, if it was suspended.
    pub cost: Duration,
    /// How long it was queued, counted from its release if that came later than its submission, or
    /// since it was resumed.
    pub waited: Duration,
    /// In [shadow mode](super::Config::shadow): what would have become of the job instead.
    pub verdict: Option<Verdict>,
}

impl<T> Running<T> {
    /// The time that the job has, for its sub-tasks.
    #[must_use]
    pub const fn budget(&self) -> Budget {
        match self.deadline {
            Some(deadline) => Budget::until(deadline),
            None => Budget::UNLIMITED,
        }
    }
}

/// An accepted job that is not run.
#[derive(Debug, PartialEq, Eq)]
pub struct Shed<T> {
    /// The job's key, which is stale from now on.
    pub key: Key,
    /// What was submitted.
    pub payload: T,
    /// When the job must have been done.
    pub deadline: Option<Time>,
    /// The job's class.
    pub class: Class,
    /// On whose behalf it was to be done.
    pub tenant: Option<u64>,
    /// How many submissions share it.
    pub shares: u32,
    /// How long it was queued, counted from its release if that came later than its submission.
    pub waited: Duration,
    /// Why it is not run.
    pub reason: ShedReason,
}

/// How a job ended that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should; the class learns from the time that it took.
    Done,
    /// It failed; the class learns nothing.
    Failed,
    /// It was given up before its end, for the time that it took. It counts as failed, and the
    /// class learns that it costs what it took so far, or what was booked for it if that is more:
    /// a class that became slow is not thought fast because nobody waits for its ends.
    GivenUp,
}

/// What a cancellation did.
#[derive(Debug, PartialEq, Eq)]
pub enum Cancelled<T> {
    /// The job has left the queue.
    Removed(T),
    /// The suspended job is gone, whose payload the caller has.
    Suspended,
    /// Somebody else has joined the job and still wants it.
    LetGo,
}

impl<T> Cancelled<T> {
    /// The payload of a job that has left the queue.
    #[must_use]
    pub fn payload(self) -> Option<T> {
        match self {
            Self::Removed(payload) => Some(payload),
            Self::Suspended | Self::LetGo => None,
        }
    }
}
