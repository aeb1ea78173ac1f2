//! Campaigns are read again by TTL: in slack while there is some, by deadline when there is none.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use punctual::key::Key;
use punctual::scheduler::Job;
use punctual::time::Clock;

use super::store::{Reloaded, Version};
use super::worker::{BACKGROUND, OVERDUE, Work, Worker};

/// After so many TTLs a reload waits for slack no longer.
const OVERDUE_TTLS: u32 = 4;

/// How many jobs stand for the next reload.
pub(crate) const QUEUED_RELOADS: u32 = 2;

/// How long an overdue reload may still be queued: it starts before bids that come later.
const OVERDUE_BUDGET: Duration = Duration::from_secs(1);

/// The reloads of the campaign file, one after another.
pub(crate) struct Reloads {
    ttl: Duration,
    /// The version that was taken last. One that was refused is read and reported again at each
    /// TTL, so that its counter grows as long as the file is broken.
    version: Cell<Version>,
    /// The next reload, twice: as background work and as overdue work. The one that starts
    /// first takes the other out.
    queued: Cell<[Option<Key>; QUEUED_RELOADS as usize]>,
}

impl Reloads {
    pub(crate) fn new(ttl: Duration, version: Version) -> Rc<Self> {
        Rc::new(Self { ttl, version: Cell::new(version), queued: Cell::default() })
    }

    /// Queues the next reload.
    pub(crate) fn schedule(self: &Rc<Self>, worker: &Rc<Worker>) {
        let now = worker.shared.clock.now();
        let in_slack = Job::new(Work::Reload).class(BACKGROUND).release(now + self.ttl);
        let overdue = Job::new(Work::Reload)
            .class(OVERDUE)
            .release(now + self.ttl.saturating_mul(OVERDUE_TTLS))
            .budget(OVERDUE_BUDGET);
        let queued = [worker.submit(in_slack).ok(), worker.submit(overdue).ok()];
        self.queued.set(queued);
        if queued.iter().all(Option::is_none) {
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
        for key in self.queued.take().into_iter().flatten() {
            drop(worker.cancel(key));
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
            reloads.schedule(&worker);
        });
    }
}
