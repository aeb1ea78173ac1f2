//! The end.

use alloc::vec::Vec;

use super::Scheduler;
use super::record::{Place, Record};
use crate::time::Time;

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Takes no job any more, and gives every queued one the deadline `by`, if it has none that
    /// is earlier. O(n log n).
    ///
    /// What can't be done by then is shed with
    /// [`ShedReason::Shutdown`](super::ShedReason::Shutdown): at once what could not be done even
    /// now, and the rest as the admission says. So polls go on to tell what to run and what to
    /// shed, until a `Wait(None)` says that nothing is queued; complete what was started before you
    /// leave. With a `by` that has passed, everything that is queued is shed. Jobs that run, are
    /// suspended or were resumed are not touched, and go on. Shadow mode and starvation guards end
    /// here. A second call can only bring the end forward.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::scheduler::{Config, Job, Next, Scheduler, ShedReason};
    /// use punctual::time::Time;
    ///
    /// let (now, ms) = (Time::ZERO, Duration::from_millis);
    /// let mut scheduler = Scheduler::new(Config::default())?;
    /// scheduler.submit(now, Job::new("bid").budget(ms(80)).cost(ms(2)))?;
    /// scheduler.submit(now, Job::new("report").budget(ms(900)).cost(ms(200)))?;
    /// scheduler.shutdown(now, now + ms(100));
    /// let Next::Shed(report) = scheduler.poll(now) else { unreachable!() };
    /// assert_eq!((report.payload, report.reason), ("report", ShedReason::Shutdown));
    /// assert!(matches!(scheduler.poll(now), Next::Run(bid) if bid.payload == "bid"));
    /// assert!(scheduler.submit(now, Job::new("late")).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn shutdown(&mut self, now: Time, by: Time) {
        let now = self.settle_at(now);
        self.is_closed = true;
        let queued: Vec<_> = {
            let records = self.queue.records.iter();
            let is_live = |record: &Record<T, I>| {
                !matches!(record.place, Place::Running(_) | Place::Doomed(_) | Place::Suspended)
            };
            let live = records.filter(|(_, record)| is_live(record));
            live.map(|(key, record)| (record.sequence, key.slot(), self.has_to_wait(record)))
                .collect()
        };
        self.queue.shut_down(queued, by, now);
    }
}
