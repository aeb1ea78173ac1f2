//! What a scheduler tells of itself and of its jobs.

use core::time::Duration;

use super::Scheduler;
use super::class::Class;
use super::config::Config;
use super::record::Place;
use super::stats::{ClassStats, Load, Refusals, Stats};
use crate::key::Key;
use crate::time::Time;

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// What became of the jobs so far. O(classes).
    #[must_use]
    pub fn stats(&self) -> Stats {
        let refused = Refusals { unknown_class: self.unknown_class, ..Refusals::default() };
        let mut total = Stats { submitted: self.unknown_class, refused, ..Stats::default() };
        for class in &self.classes {
            total += class.stats.counts;
        }
        total
    }

    /// What became of a class's jobs so far, and how they fared; `None` for a class that is not
    /// configured. O(1).
    #[must_use]
    pub fn class_stats(&self, class: Class) -> Option<&ClassStats> {
        self.classes.get(class.number()).map(|class| &class.stats)
    }

    /// The cost of a job that declares none, if it were submitted now; `None` for a class that
    /// is not configured. O(1).
    #[must_use]
    pub fn expected_cost(&self, class: Class) -> Option<Duration> {
        self.classes.get(class.number()).map(|class| class.learned.cost())
    }

    /// The margin of a job that is submitted now; `None` for a class that is not configured.
    /// O(1).
    #[must_use]
    pub fn margin(&self, class: Class) -> Option<Duration> {
        self.classes.get(class.number()).map(|class| class.learned.margin())
    }

    /// How things stand at `now`, and whether all that is queued can be done in time. Amortised
    /// O(workers + log n). It moves the scheduler to `now`, as every call does: it can't be asked
    /// about the future.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, Scheduler};
    /// use punctual::time::Time;
    ///
    /// let (now, ms) = (Time::ZERO, Duration::from_millis);
    /// let mut scheduler = Scheduler::new(Config::default())?;
    /// scheduler.submit(now, Job::new("first").budget(ms(10)).cost(ms(2)))?;
    /// scheduler.submit(now, Job::new("second").budget(ms(12)).cost(ms(3)))?;
    /// let load = scheduler.load(now);
    /// assert_eq!((load.queued, load.slack), (ms(5), Some(ms(7))));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn load(&mut self, now: Time) -> Load {
        let now = self.settle_at(now);
        self.queue.load(now)
    }

    /// The payload of a queued job. O(1). `None` if the job is running or gone.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.queue.get(key)?.payload.as_ref()
    }

    /// The payload of a queued job. O(1). `None` if the job is running or gone.
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.queue.records.get_mut(key)?.payload.as_mut()
    }

    /// When a queued or running job must be done: `Some(None)` if it has no deadline, `None` if it
    /// is gone. O(1).
    #[must_use]
    pub fn deadline(&self, key: Key) -> Option<Option<Time>> {
        self.queue.get(key).map(|record| record.deadline)
    }

    /// The time before which a queued job must start; `None` if it may start whenever it can, or
    /// has started, or if it is decided already that it is shed. O(1).
    #[must_use]
    pub fn latest_start(&self, key: Key) -> Option<Time> {
        let record = self.queue.get(key)?;
        match record.place {
            Place::Running(_) | Place::Doomed(_) | Place::Condemned(_) => None,
            _ => record.latest_start(),
        }
    }

    /// How many jobs are queued, those included that are to be shed and that nobody was told of
    /// yet. O(1).
    #[must_use]
    pub const fn len(&self) -> usize {
        self.queued as usize
    }

    /// Whether nothing is queued. O(1).
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// Whether it is shut down. O(1).
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The configuration that it was made with. O(1).
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
}
