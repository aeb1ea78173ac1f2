//! The thread that wakes who is due, and how it ends.

use core::time::Duration;
use std::io;

use super::queue::{Queue, Turn, Waiting};
use crate::sync::{Arc, JoinHandle, current, park, park_timeout, spawn};
use crate::time::Time;

/// The longest that the thread waits, however far away a time is: a clock that is set by hand may
/// have moved meanwhile.
const LONGEST_PARK: Duration = Duration::from_secs(60);

/// The longest pause between two looks at a clock that stands still although a time was due.
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// A running thread and its queue. It ends with its owner.
pub(super) struct TimerThread {
    queue: Arc<Queue>,
    /// Taken by the drop.
    handle: Option<JoinHandle<()>>,
}

impl TimerThread {
    pub(super) fn start(queue: Queue) -> io::Result<Self> {
        let queue = Arc::new(queue);
        let its_own = Arc::clone(&queue);
        let handle = spawn("punctual-timer".to_owned(), move || run(&its_own))?;
        Ok(Self { queue, handle: Some(handle) })
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    #[cfg(feature = "pool")]
    pub(super) fn is_current(&self) -> bool {
        self.handle.as_ref().is_some_and(|handle| handle.thread().id() == current().id())
    }

    pub(super) fn unpark(&self) {
        if let Some(handle) = &self.handle {
            handle.thread().unpark();
        }
    }
}

impl Drop for TimerThread {
    fn drop(&mut self) {
        self.queue.close();
        self.unpark();
        // A waker that held the last handle drops it on the thread itself, which ends after that.
        if let Some(handle) = self.handle.take()
            && handle.thread().id() != current().id()
        {
            let ended = handle.join();
            debug_assert!(ended.is_ok(), "wakers' panics are caught");
        }
    }
}

fn run(queue: &Queue) {
    let mut batch = Vec::new();
    let mut pause = Pause::default();
    loop {
        match queue.turn(&mut batch) {
            Turn::Wake => batch.drain(..).for_each(Waiting::wake),
            Turn::Again => {}
            Turn::Park { until: Time::MAX, .. } => park(),
            Turn::Park { now, until } => park_timeout(pause.before(now, until)),
            Turn::End => return,
        }
    }
}

/// How long to wait by a clock that may not go on by itself.
#[derive(Default)]
struct Pause {
    asked_at: Time,
    shortest: Duration,
}

impl Pause {
    /// The time until `until`. A clock that shows the same time as before is asked less and less
    /// often, so that a time that is near doesn't keep a core busy.
    fn before(&mut self, now: Time, until: Time) -> Duration {
        self.shortest = match now == self.asked_at {
            true => (2 * self.shortest).clamp(super::RESOLUTION, LONGEST_PAUSE),
            false => Duration::ZERO,
        };
        self.asked_at = now;
        until.saturating_since(now).max(self.shortest).min(LONGEST_PARK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_still_is_asked_less_and_less_often() {
        let (at, us) = (Time::from_nanos, Duration::from_micros);
        let mut pause = Pause::default();
        assert_eq!(pause.before(at(1_000), at(21_000)), us(20));
        assert_eq!(pause.before(at(1_000), at(21_000)), us(20));
        let pauses: Vec<_> = (0..12).map(|_| pause.before(at(1_000), at(21_000))).collect();
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
        assert_eq!(pause.before(at(2_000), at(21_000)), us(19));
        assert_eq!(pause.before(at(3_000), Time::MAX), LONGEST_PARK);
    }
}
