//! How many jobs run at once, while a scheduler is in use.

use super::Scheduler;
use super::config::{Config, ConfigError};
use crate::time::Time;

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Lets so many jobs run at once from now on, as a limit that adapts to what it measures does.
    /// O(n log n), since each worker's share of every job changes.
    ///
    /// With fewer workers than jobs that run, nothing starts until enough of them have ended. What
    /// was accepted under [`Admission::Feasible`](super::Admission::Feasible) stays, and is shed at
    /// its latest start if it can't be met any more; with
    /// [`Admission::Evict`](super::Admission::Evict) the next poll makes feasible what is queued.
    /// What a reservation protects stays protected. Poll after it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, Next, Scheduler};
    /// use punctual::time::Time;
    ///
    /// let (now, ms) = (Time::ZERO, Duration::from_millis);
    /// let mut scheduler = Scheduler::new(Config::default())?;
    /// for name in ["first", "second"] {
    ///     scheduler.submit(now, Job::new(name).budget(ms(50)).cost(ms(4)))?;
    /// }
    /// assert!(matches!(scheduler.poll(now), Next::Run(_)));
    /// assert!(matches!(scheduler.poll(now), Next::Wait(_)));
    /// scheduler.set_workers(now, 2)?;
    /// assert!(matches!(scheduler.poll(now), Next::Run(second) if second.payload == "second"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a configuration with so many workers makes no scheduler: they are none, too many, or
    /// fewer than the reservations need. Then nothing changes.
    pub fn set_workers(&mut self, now: Time, workers: u32) -> Result<(), ConfigError> {
        let now = self.move_to(now);
        let before = core::mem::replace(&mut self.config.workers, workers);
        if let Err(error) = Config::validate(&self.config) {
            self.config.workers = before;
            return Err(error);
        }
        self.queue.settle(now);
        self.queue.set_workers(workers);
        Ok(())
    }
}
