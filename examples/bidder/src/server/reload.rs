//! Campaigns are read again by TTL: in slack while there is some, by force when there is none.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use punctual::scheduler::Job;
use punctual::time::Clock;

use super::metrics::ShedReason;
use super::store::{Reloaded, Version};
use super::worker::{BACKGROUND, Work, Worker};

/// A reload waits for slack for so many TTLs, and no longer.
const WAITED_TTLS: u32 = 3;

/// A TTL of zero would keep a core busy with reloads, and no reload is so urgent.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// The reloads of the campaign file, one after another.
pub(crate) struct Reloads {
    ttl: Duration,
    /// The version that was taken last. One that was refused is read and reported again at each
    /// TTL, so that its counter grows as long as the file is broken.
    version: Cell<Version>,
    /// Whether the file is being read: a disk may take longer than a TTL.
    reading: Cell<bool>,
}

impl Reloads {
    pub(crate) fn new(ttl: Duration, version: Version) -> Rc<Self> {
        let (version, reading) = (Cell::new(version), Cell::new(false));
        Rc::new(Self { ttl: ttl.max(SHORTEST_WAIT), version, reading })
    }

    /// How long a reload waits for slack before it goes to the front.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.ttl.saturating_mul(WAITED_TTLS)
    }

    /// Queues the next reload, a TTL from now, in the place that the last one has left.
    ///
    /// Only a closed scheduler refuses it, and then there is no next one.
    pub(crate) fn schedule(&self, worker: &Worker) {
        let release = worker.shared.clock.now() + self.ttl;
        let job = Job::new(Work::Reload).class(BACKGROUND).release(release);
        if let Err(reason) = worker.submit(job) {
            debug_assert_eq!(reason, ShedReason::Shutdown, "there is a place for it");
            tracing::info!(reason = reason.name(), "campaigns are not reloaded any more");
        }
    }

    /// Reads the file on a thread for blocking work, and swaps the campaigns there.
    pub(crate) fn start(self: &Rc<Self>, worker: &Rc<Worker>) {
        if self.reading.replace(true) {
            return;
        }
        let (reloads, worker) = (self.clone(), worker.clone());
        tokio::task::spawn_local(async move {
            let (shared, last) = (worker.shared.clone(), reloads.version.get());
            let read = tokio::task::spawn_blocking(move || shared.store.reload(last)).await;
            let metrics = &worker.shared.metrics;
            match read {
                Ok(Ok(Reloaded::Unchanged)) => {}
                Ok(Ok(Reloaded::Swapped { campaigns, version })) => {
                    reloads.version.set(version);
                    metrics.reloads.inc();
                    metrics.campaigns.set(i64::try_from(campaigns).unwrap_or(i64::MAX));
                    tracing::info!(campaigns, "campaigns reloaded");
                }
                Ok(Err(error)) => {
                    metrics.failed_reloads.inc();
                    tracing::warn!(%error, "the campaigns stay as they are");
                }
                Err(error) => {
                    metrics.failed_reloads.inc();
                    tracing::error!(%error, "reading campaigns panicked");
                }
            }
            reloads.reading.set(false);
        });
    }
}
