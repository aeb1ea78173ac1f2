//! Campaigns are read again by TTL: in slack while there is some, by force when there is none.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use punctual::scheduler::Job;
use punctual::time::Clock;

use super::store::{Reloaded, Version};
use super::worker::{BACKGROUND, Work, Worker};

/// A reload waits for slack for so many TTLs, and no longer.
const WAITED_TTLS: u32 = 3;

/// A guard of zero would be none; and no reload is so urgent.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// The reloads of the campaign file, one after another.
pub(crate) struct Reloads {
    ttl: Duration,
    /// The version that was taken last. One that was refused is read and reported again at each
    /// TTL, so that its counter grows as long as the file is broken.
    version: Cell<Version>,
}

impl Reloads {
    pub(crate) fn new(ttl: Duration, version: Version) -> Rc<Self> {
        Rc::new(Self { ttl, version: Cell::new(version) })
    }

    /// How long a reload waits for slack before it goes to the front.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.ttl.saturating_mul(WAITED_TTLS).max(SHORTEST_WAIT)
    }

    /// Queues the next reload.
    pub(crate) fn schedule(self: &Rc<Self>, worker: &Rc<Worker>) {
        let release = worker.shared.clock.now() + self.ttl;
        let job = Job::new(Work::Reload).class(BACKGROUND).release(release);
        if worker.submit(job).is_err() {
            // The queue is full or closed: the next TTL comes without its help.
            let (reloads, worker) = (self.clone(), worker.clone());
            tokio::task::spawn_local(async move {
                tokio::time::sleep(reloads.ttl).await;
                reloads.start(&worker);
            });
        }
    }

    /// Reads the file on a thread for blocking work, swaps the campaigns there, and queues the
    /// next reload when that is over.
    pub(crate) fn start(self: &Rc<Self>, worker: &Rc<Worker>) {
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
            reloads.schedule(&worker);
        });
    }
}
