//! What is queued, as the time that it has left.
//!
//! A [`Time`] means nothing outside of the process whose clock gave it: what is written is what
//! remains at some `now`, and what is read counts from another one.

use alloc::vec::Vec;
use core::time::Duration;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

use super::Scheduler;
use super::class::Class;
use super::job::{Job, NoIdentity};
use super::record::{Place, Record};
use crate::time::Time;

/// What is queued in a [`Scheduler`], from [`Scheduler::snapshot`]: a sequence of [`SavedJob`], in
/// the order of submission.
#[derive(Debug)]
pub struct Snapshot<'a, T, I> {
    scheduler: &'a Scheduler<T, I>,
    now: Time,
}

/// A job of a [`Snapshot`].
///
/// Times that have passed are zero. Where it is submitted again its deadline may have passed, and
/// others may be queued: it is admitted anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedJob<T, I = NoIdentity> {
    /// What was submitted.
    pub payload: T,
    /// The number of its class.
    pub class: u16,
    /// The time until its deadline, if it has one.
    pub due_ns: Option<u64>,
    /// The time until its release.
    pub release_ns: u64,
    /// The worker time that was declared for it, or that its class had learned.
    pub cost_ns: u64,
    /// The time to completion that occupies no worker.
    pub lead_ns: u64,
    /// What it is worth beside others.
    pub value: u32,
    /// On whose behalf it is done.
    pub tenant: Option<u64>,
    /// What work it is.
    pub identity: Option<I>,
}

impl<T, I> SavedJob<T, I> {
    /// The job as it can be submitted at `now`, with the time left that it had.
    #[must_use]
    pub fn into_job(self, now: Time) -> Job<T, I> {
        let mut job = Job::new(self.payload)
            .class(Class::new(self.class))
            .cost(Duration::from_nanos(self.cost_ns))
            .lead(Duration::from_nanos(self.lead_ns))
            .value(self.value);
        if let Some(due_ns) = self.due_ns {
            job = job.deadline(now + Duration::from_nanos(due_ns));
        }
        if self.release_ns > 0 {
            job = job.release(now + Duration::from_nanos(self.release_ns));
        }
        (job.tenant, job.identity) = (self.tenant, self.identity);
        job
    }
}

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// What is queued, as the time that it has left at `now`, to be serialised. Jobs that run, are
    /// suspended or were resumed are not in it: they have begun. Jobs that are to be shed and that
    /// nobody was told of yet are. O(n log n) to write.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, SavedJob, Scheduler};
    /// use punctual::time::Time;
    ///
    /// let ms = Duration::from_millis;
    /// let (before, after) = (Time::from_nanos(7), Time::from_nanos(900));
    /// let mut scheduler = Scheduler::new(Config::default())?;
    /// scheduler.submit(before, Job::new("report".to_owned()).budget(ms(80)).cost(ms(2)))?;
    /// let text = serde_json::to_string(&scheduler.snapshot(before + ms(30)))?;
    ///
    /// // In another process, whose clock began at another moment:
    /// let mut restored = Scheduler::new(Config::default())?;
    /// for job in serde_json::from_str::<Vec<SavedJob<String>>>(&text)? {
    ///     let submitted = restored.submit(after, job.into_job(after));
    ///     assert!(submitted.is_ok(), "otherwise it says why");
    /// }
    /// assert_eq!(restored.load(after).slack, Some(ms(80 - 30 - 2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn snapshot(&self, now: Time) -> Snapshot<'_, T, I> {
        Snapshot { scheduler: self, now }
    }
}

impl<T: Serialize, I: Serialize> Serialize for Snapshot<'_, T, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let records = self.scheduler.queue.records.iter().map(|(_, record)| record);
        let is_new = |record: &&Record<T, I>| {
            !record.is_started && !matches!(record.place, Place::Running(_))
        };
        let mut queued: Vec<_> = records.filter(is_new).collect();
        queued.sort_unstable_by_key(|record| record.sequence);
        serializer.collect_seq(queued.into_iter().filter_map(|record| saved(record, self.now)))
    }
}

/// A queued job, by reference.
fn saved<T, I>(record: &Record<T, I>, now: Time) -> Option<SavedJob<&T, &I>> {
    let left_ns = |until: Time| until.as_nanos().saturating_sub(now.as_nanos());
    Some(SavedJob {
        payload: record.payload.as_ref()?,
        class: record.class.into(),
        due_ns: record.deadline.map(left_ns),
        release_ns: left_ns(record.eligible),
        cost_ns: if record.is_declared { record.declared_ns } else { record.cost_ns },
        lead_ns: record.lead_ns,
        value: record.value,
        tenant: record.tenant,
        identity: record.identity.as_ref(),
    })
}

impl Serialize for NoIdentity {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl<'de> Deserialize<'de> for NoIdentity {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("jobs of this scheduler have no identity"))
    }
}
