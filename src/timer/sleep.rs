//! A future that ends at a moment.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::Timer;
use super::queue::{IsFirst, Waiting};
use crate::key::Key;
use crate::time::Time;

/// Ends at a moment: see [`Timer::sleep_until`]. Never early; dropping it cancels it.
///
/// It wakes the waker of its latest poll. Polled again after its end it is ready again.
#[must_use = "it doesn't sleep unless it is awaited"]
pub struct Sleep {
    timer: Timer,
    deadline: Time,
    /// Where it waits; stale once it was woken.
    key: Option<Key>,
}

impl Sleep {
    pub(super) const fn new(timer: Timer, deadline: Time) -> Self {
        Self { timer, deadline, key: None }
    }

    /// When it ends.
    #[must_use]
    pub const fn deadline(&self) -> Time {
        self.deadline
    }

    /// The timer that it belongs to.
    #[must_use]
    pub const fn timer(&self) -> &Timer {
        &self.timer
    }

    /// Changes when it ends, and who was to be woken then will be woken at the new time. After it
    /// was woken, poll it again. O(1).
    pub fn reset(&mut self, deadline: Time) {
        self.deadline = deadline;
        if let Some(key) = self.key {
            match self.timer.queue().reset(key, deadline) {
                Some(is_first) => self.tell(is_first),
                None => self.key = None,
            }
        }
    }

    /// Wakes `waker` at the deadline, and nobody else.
    fn wait(&mut self, waker: &Waker) {
        let queue = self.timer.queue();
        if self.key.is_some_and(|key| queue.is_waiting(key, waker)) {
            return;
        }
        // Cloned and dropped outside of the lock: both are somebody else's code.
        let mut waiting = Waiting::Task(waker.clone());
        if let Some(key) = self.key {
            match queue.replace(key, waiting) {
                Ok(before) => return drop(before),
                Err(unused) => waiting = unused,
            }
        }
        let (key, is_first) = queue.insert(self.deadline, waiting);
        self.key = Some(key);
        self.tell(is_first);
    }

    fn tell(&self, is_first: IsFirst) {
        if is_first.0 {
            self.timer.wake();
        }
    }

    fn cancel(&mut self) {
        if let Some(key) = self.key.take() {
            drop(self.timer.queue().cancel(key));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.now() >= self.deadline {
            self.cancel();
            return Poll::Ready(());
        }
        self.wait(context.waker());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
