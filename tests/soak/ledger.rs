//! What becomes of every piece of work: each is counted when it is made and when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of pieces of work, by what became of them.
#[derive(Default)]
pub(crate) struct Ledger {
    made: AtomicU64,
    /// By [`Stage`].
    dropped: [AtomicU64; 4],
}

/// How far a piece of work has come.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// Nobody ran it.
    Fresh,
    /// It began, and waits for something.
    Begun,
    Finished,
    Panicked,
}

/// Part of a piece of work. Tells the ledger how far it came, when it is dropped.
pub(crate) struct Witness {
    ledger: Arc<Ledger>,
    pub(crate) stage: Stage,
}

impl Ledger {
    pub(crate) fn witness(self: &Arc<Self>) -> Witness {
        self.made.fetch_add(1, Ordering::Relaxed);
        Witness { ledger: Arc::clone(self), stage: Stage::Fresh }
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub(crate) fn all_dropped(&self) -> u64 {
        self.dropped.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How many were dropped at a stage.
    pub(crate) fn dropped(&self, stage: Stage) -> u64 {
        self.dropped[stage as usize].load(Ordering::Relaxed)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.ledger.dropped[self.stage as usize].fetch_add(1, Ordering::Relaxed);
    }
}
