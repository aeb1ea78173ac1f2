//! How a job that waits gives its worker back, and goes on.

use core::time::Duration;

use super::Scheduler;
use super::record::Place;
use crate::key::Key;
use crate::time::{Time, saturating_nanos};

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Interrupts a running job, which gives its worker back without being done: it waits for
    /// something that needs none. O(log workers). Returns the time of this run; `None` if the
    /// key's job is not running.
    ///
    /// From now on the job is *started*: nobody sheds, refuses or evicts it any more, whatever
    /// becomes of its deadline, and it is in no snapshot. Another job of its identity waits until
    /// it is done. It can be [resumed](Self::resume), [rescheduled](Self::reschedule) and
    /// [cancelled](Self::cancel). How many are suspended is for the shell to bound.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, Next, Outcome, Scheduler};
    /// use punctual::time::Time;
    ///
    /// let (now, ms) = (Time::ZERO, Duration::from_millis);
    /// let mut scheduler = Scheduler::new(Config::default())?;
    /// scheduler.submit(now, Job::new("first half").budget(ms(50)).cost(ms(4)))?;
    /// let Next::Run(running) = scheduler.poll(now) else { unreachable!() };
    /// assert_eq!(scheduler.suspend(now + ms(3), running.key), Some(ms(3)));
    /// assert_eq!(scheduler.poll(now + ms(3)), Next::Wait(None)); // the worker is free
    ///
    /// scheduler.resume(now + ms(20), running.key, "second half").expect("it is suspended");
    /// let Next::Run(resumed) = scheduler.poll(now + ms(20)) else { unreachable!() };
    /// assert_eq!((resumed.payload, resumed.cost), ("second half", ms(1)));
    /// let took = scheduler.complete(now + ms(22), resumed.key, Outcome::Done);
    /// assert_eq!(took, Some(ms(3 + 2)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn suspend(&mut self, now: Time, key: Key) -> Option<Duration> {
        let now = self.move_to(now);
        let record = self.queue.get(key)?;
        let Place::Running(started) = record.place else {
            return None;
        };
        let (run, class) = (now.saturating_since(started), record.class.number());
        self.queue.suspend(key, saturating_nanos(run), now);
        let counts = &mut self.classes[class].stats.counts;
        counts.running -= 1;
        counts.suspended += 1;
        counts.busy = counts.busy.saturating_add(run);
        Some(run)
    }

    /// Queues a suspended job again, with what it goes on with. O(log n), and O(log n) for each
    /// job whose release or latest start has passed since the last call. Poll after it, as after
    /// [`submit`](Self::submit).
    ///
    /// It goes on in its order, also after a shutdown. Its demand is what is left of its cost. It
    /// counts as queued, though no bound keeps it out; and where its class has a reservation, it
    /// goes on under it if it ran under it.
    ///
    /// # Errors
    ///
    /// The payload comes back if the key's job is not suspended.
    pub fn resume(&mut self, now: Time, key: Key, payload: T) -> Result<(), T> {
        let now = self.settle_at(now);
        let suspended = self.queue.records.get_mut(key);
        let Some(record) = suspended.filter(|record| record.place == Place::Suspended) else {
            return Err(payload);
        };
        (record.payload, record.eligible) = (Some(payload), now);
        let class = record.class.number();
        self.queue.place(key.slot(), now, None);
        self.queued += 1;
        let counts = &mut self.classes[class].stats.counts;
        counts.suspended -= 1;
        counts.queued += 1;
        Ok(())
    }
}
