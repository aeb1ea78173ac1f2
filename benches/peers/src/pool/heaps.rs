//! What one writes without a scheduler: a binary heap of deadlines under a lock, a condition
//! variable, and a thread.
//!
//! Who pushes into an empty heap notifies, after letting go of the lock; nobody else has to, with
//! one worker. `std`'s condition variable calls the system for every notification.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::thread::JoinHandle;

use punctual::time::{MonotonicClock, Time};

use super::executor::{Executor, Work, join, spawn};

/// What waits for its turn: the earliest deadline first, and equal ones in their order.
struct Entry {
    deadline: Time,
    sequence: u64,
    work: Work,
}

impl Ord for Entry {
    /// A binary heap's greatest comes first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.deadline, other.sequence).cmp(&(self.deadline, self.sequence))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// What the lock is around.
#[derive(Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Entry>,
    pushed: u64,
    is_closed: bool,
}

impl Queue {
    /// Whether the worker has to hear of it.
    fn push(&mut self, deadline: Time, work: Work) -> bool {
        let was_empty = self.heap.is_empty();
        self.heap.push(Entry { deadline, sequence: self.pushed, work });
        self.pushed += 1;
        was_empty
    }

    fn is_waiting(&self) -> bool {
        self.heap.is_empty() && !self.is_closed
    }
}

/// A lock with its condition variable.
pub(crate) trait Monitor: Default + Send + Sync + 'static {
    const NAME: &'static str;

    /// Does something to the queue, and notifies the worker if it says so.
    fn change(&self, change: impl FnOnce(&mut Queue) -> bool);

    /// Waits for a job; `None` once the queue is closed and empty.
    fn pop(&self) -> Option<Work>;
}

#[derive(Default)]
pub(crate) struct Std {
    queue: std::sync::Mutex<Queue>,
    changed: std::sync::Condvar,
}

impl Monitor for Std {
    const NAME: &'static str = "Mutex<BinaryHeap>, Condvar";

    fn change(&self, change: impl FnOnce(&mut Queue) -> bool) {
        let notifies = change(&mut self.queue.lock().expect("nobody panics with the lock"));
        if notifies {
            self.changed.notify_one();
        }
    }

    fn pop(&self) -> Option<Work> {
        let queue = self.queue.lock().expect("nobody panics with the lock");
        let queue = self.changed.wait_while(queue, |queue| queue.is_waiting());
        queue.expect("nobody panics with the lock").heap.pop().map(|entry| entry.work)
    }
}

#[derive(Default)]
pub(crate) struct ParkingLot {
    queue: parking_lot::Mutex<Queue>,
    changed: parking_lot::Condvar,
}

impl Monitor for ParkingLot {
    const NAME: &'static str = "the same of parking_lot";

    fn change(&self, change: impl FnOnce(&mut Queue) -> bool) {
        let notifies = change(&mut self.queue.lock());
        if notifies {
            self.changed.notify_one();
        }
    }

    fn pop(&self) -> Option<Work> {
        let mut queue = self.queue.lock();
        self.changed.wait_while(&mut queue, |queue| queue.is_waiting());
        queue.heap.pop().map(|entry| entry.work)
    }
}

/// A monitor and the thread that waits for it.
pub(crate) struct Heap<M: Monitor> {
    monitor: Arc<M>,
    worker: Option<JoinHandle<()>>,
}

impl<M: Monitor> Executor for Heap<M> {
    const NAME: &'static str = M::NAME;

    fn start(_: MonotonicClock) -> Self {
        let monitor = Arc::new(M::default());
        let worker = {
            let monitor = Arc::clone(&monitor);
            spawn(move || std::iter::from_fn(|| monitor.pop()).for_each(|work| work()))
        };
        Self { monitor, worker: Some(worker) }
    }

    fn execute(&self, deadline: Time, job: impl FnOnce() + Send + 'static) {
        let work = Box::new(job);
        self.monitor.change(|queue| queue.push(deadline, work));
    }
}

impl<M: Monitor> Drop for Heap<M> {
    fn drop(&mut self) {
        self.monitor.change(|queue| {
            queue.is_closed = true;
            true
        });
        join(self.worker.take());
    }
}
