//! Tasks that read, and count how long that took them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use punctual::time::Time;
use tokio::runtime::{Builder, Runtime};

use super::backend::Backend;
use super::readers::Reader;

/// An answer that takes longer is one that was waited for, or the machine was not ours.
const LONG: Duration = Duration::from_millis(5);

/// As many threads as there are cores here.
const WORKERS: usize = 2;

/// What one task has seen, or several.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) reads: u64,
    /// Answers that were not there at once.
    pub(crate) waits: u64,
    /// Of these, those that took more than 5 ms.
    pub(crate) stalls: u64,
    /// Answers that were there at once, and took more than 5 ms: the thread had lost its core.
    pub(crate) held_up: u64,
    /// Values that were older than their TTL.
    pub(crate) stale: u64,
}

impl Tally {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            reads: self.reads + other.reads,
            waits: self.waits + other.waits,
            stalls: self.stalls + other.stalls,
            held_up: self.held_up + other.held_up,
            stale: self.stale + other.stale,
        }
    }

    /// So many of the reads, in percent.
    pub(crate) fn percent(self, count: u64) -> f64 {
        100.0 * count as f64 / self.reads.max(1) as f64
    }
}

/// Who reads.
pub(crate) struct Asker<R> {
    pub(crate) reader: Arc<R>,
    pub(crate) backend: Backend,
    pub(crate) ttl: Duration,
    /// What is read before isn't counted.
    pub(crate) from: Time,
    pub(crate) until: Time,
}

impl<R> Clone for Asker<R> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone(), backend: self.backend.clone(), ..*self }
    }
}

impl<R: Reader> Asker<R> {
    /// Reads again and again, after the pauses and the keys that it is told.
    pub(crate) async fn ask(self, mut next: impl FnMut() -> (Duration, u32)) -> Tally {
        let mut tally = Tally::default();
        loop {
            let (pause, key) = next();
            tokio::time::sleep(pause).await;
            if self.backend.now() >= self.until {
                return tally;
            }
            self.read(key, &mut tally).await;
        }
    }

    async fn read(&self, key: u32, tally: &mut Tally) {
        // Nobody can have what was never loaded.
        let start = self.backend.now();
        let is_counted = start >= self.from && self.backend.is_known(key);
        let (mut read, mut has_waited) = (pin!(self.reader.read(key)), false);
        let value = poll_fn(|context| {
            let polled = read.as_mut().poll(context);
            has_waited |= polled.is_pending();
            polled
        });
        let value = value.await;
        let end = self.backend.now();
        assert_eq!(value.key, key, "{} mixes keys up", R::NAME);
        if !is_counted {
            return;
        }
        let is_long = end.saturating_since(start) > LONG;
        tally.reads += 1;
        tally.waits += u64::from(has_waited);
        tally.stalls += u64::from(has_waited && is_long);
        tally.held_up += u64::from(!has_waited && is_long);
        tally.stale += u64::from(start.saturating_since(value.made) > self.ttl);
    }
}

pub(crate) fn runtime() -> Runtime {
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_time().build();
    runtime.expect("threads can be started")
}

/// The sum of what the tasks have seen.
pub(crate) async fn sum(tasks: Vec<tokio::task::JoinHandle<Tally>>) -> Tally {
    let mut sum = Tally::default();
    for task in tasks {
        sum = sum.plus(task.await.expect("a reader doesn't panic"));
    }
    sum
}
