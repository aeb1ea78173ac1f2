//! How a job starts: in its turn, or out of it by a guest.

use core::time::Duration;

use super::Scheduler;
use super::next::Running;
use super::record::Place;
use super::runs::Starter;
use crate::key::Key;
use crate::time::Time;

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// The job that a poll would start now if a worker were free, and the time in whose order it
    /// starts: its deadline; for one that a starvation guard took to the front, since when it has
    /// waited; `None` for work that runs in slack. `None` at all if nothing would start, however
    /// many workers were free. As costly as a poll, and as one it decides who has to go.
    ///
    /// Who has several schedulers compares their first jobs by it, and lets a worker of one
    /// [claim](Self::claim) the job of another.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, Scheduler};
    /// use punctual::time::Time;
    ///
    /// let (now, ms) = (Time::ZERO, Duration::from_millis);
    /// let mut scheduler = Scheduler::new(Config::default())?;
    /// scheduler.submit(now, Job::new("later").budget(ms(90)).cost(ms(1)))?;
    /// let key = scheduler.submit(now, Job::new("sooner").budget(ms(50)).cost(ms(1)))?.key();
    /// assert_eq!(scheduler.first(now), Some((key, Some(now + ms(50)))));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn first(&mut self, now: Time) -> Option<(Key, Option<Time>)> {
        let now = self.decide_at(now);
        let (slot, _) = self.queue.first_to_start(now)?;
        let (key, record) = self.queue.records.at_slot(slot)?;
        Some((key, record.due()))
    }

    /// Starts a queued job at once, out of its order, on behalf of a *guest*: somebody who is none
    /// of this scheduler's workers, such as a worker of another one that has nothing more urgent,
    /// or a job that waits for this one and runs it itself. O(log n), and O(log n) for each job
    /// whose release or latest start has passed since the last call.
    ///
    /// The job takes no worker from others, so the demand of what runs doesn't grow by it; in all
    /// else it is as one that a poll has started, and is [completed](Self::complete) in the same
    /// way. `None` if the job is gone or running, if its release has not come or one of its
    /// identity has not ended, or if it is to be shed.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, Next, Outcome, Scheduler};
    /// use punctual::time::Time;
    ///
    /// let (now, ms) = (Time::ZERO, Duration::from_millis);
    /// let mut scheduler = Scheduler::new(Config::default())?;
    /// scheduler.submit(now, Job::new("whole").budget(ms(50)).cost(ms(1)))?;
    /// let key = scheduler.submit(now, Job::new("part").budget(ms(90)).cost(ms(1)))?.key();
    /// assert!(matches!(scheduler.poll(now), Next::Run(whole) if whole.payload == "whole"));
    /// // The only worker waits for the part, and runs it meanwhile.
    /// let part = scheduler.claim(now, key).expect("it is ready");
    /// assert_eq!(scheduler.stats().running, 2);
    /// scheduler.complete(now + ms(1), part.key, Outcome::Done);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use = "the job in it is lost when it is dropped"]
    pub fn claim(&mut self, now: Time, key: Key) -> Option<Running<T>> {
        let now = self.settle_at(now);
        match self.queue.get(key)?.place {
            Place::Ready | Place::Background | Place::Condemned(_) => {
                self.start(key.slot(), Starter::Guest, now)
            }
            _ => None,
        }
    }

    /// Starts the first job, if a worker is free for it.
    pub(super) fn start_next(&mut self, now: Time) -> Option<Running<T>> {
        if !self.queue.workers.has_free() {
            return None;
        }
        let (slot, starter) = self.queue.first_to_start(now)?;
        let running = self.start(slot, starter, now)?;
        self.sheds_since_run = 0;
        Some(running)
    }

    /// Starts a job that is in one of the orders.
    fn start(&mut self, slot: u32, starter: Starter, now: Time) -> Option<Running<T>> {
        self.forget_identity(slot);
        let record = self.queue.at(slot)?;
        let is_new = !record.is_started;
        if let Some(identity) = record.identity.clone().filter(|_| is_new) {
            *self.running.entry(identity).or_default() += 1;
        }
        let (key, payload, verdict) = self.queue.start(slot, starter, now)?;
        let record = self.queue.get(key)?;
        let (class, is_forced) = (record.class, record.is_forced);
        let running = Running {
            key,
            payload,
            deadline: record.deadline,
            class,
            tenant: record.tenant,
            shares: record.shares,
            cost: Duration::from_nanos(record.left_ns()),
            waited: now.saturating_since(record.eligible),
            verdict,
        };
        self.leave_queue(class);
        let state = &mut self.classes[class.number()];
        state.learned.be_patient();
        if is_new {
            state.stats.queue_delay.record(running.waited);
        }
        state.stats.counts.running += 1;
        state.stats.counts.forced += u64::from(is_forced);
        state.stats.counts.shadowed += u64::from(verdict.is_some());
        Some(running)
    }
}
