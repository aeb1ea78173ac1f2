//! What a cache has done so far.

use core::cell::Cell;
use core::time::Duration;

use crate::scheduler::Histogram;
use crate::sync::{AtomicUsize, CachePadded, Ordering, SharedU64, thread_local};

/// What a cache has done since it was made.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Fresh answers. Those of hot entries are counted by samples, so this is an estimate, within
    /// about a percent after some thousands.
    pub fresh: u64,
    /// Stale answers.
    pub stale: u64,
    /// Questions for which nothing was there.
    pub missing: u64,
    /// What loads were asked for, and what became of them.
    pub loads: LoadStats,
    /// Entries at the moment, with those that are known to be absent.
    pub entries: u64,
    /// Their weight.
    pub weight: u64,
    /// Loads that run at the moment, or wait for their dispatcher.
    pub in_flight: u32,
    /// The price at which a refresh is worth its load, in fresh answers for each load; zero
    /// without a limit of loads a second.
    pub price: f64,
    /// How long loads take, as a high quantile of the recent ones.
    pub latency: Duration,
}

/// What became of loads.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LoadStats {
    /// Loads that were handed to the dispatcher because somebody asked.
    pub demanded: u64,
    /// Loads of entries whose hard expiry was near.
    pub expiring: u64,
    /// Refreshes that were worth their price.
    pub refreshes: u64,
    /// Loads that brought something, superseded ones included.
    pub loaded: u64,
    /// Of these, what was not stored, since something newer was.
    pub superseded: u64,
    /// Loads that failed or panicked.
    pub failed: u64,
    /// Loads that took longer than they may.
    pub overdue: u64,
    /// Loads that their dispatcher refused, shed or dropped.
    pub dropped: u64,
    /// Waits that could not be answered at once.
    pub waits: u64,
    /// Waits whose budget was spent first.
    pub elapsed: u64,
    /// Entries that left for want of room.
    pub evicted: u64,
    /// Entries that left at their hard expiry.
    pub expired: u64,
    /// By how much a refresh came after its entry had turned stale; zero if it came before.
    pub lag: Histogram,
    /// How long loads took, from their first poll to their end.
    pub took: Histogram,
    /// How long it took from a demand for a missing value to its load's end.
    pub miss_time: Histogram,
}

impl LoadStats {
    /// How many loads were handed to the dispatcher.
    #[must_use]
    pub const fn started(&self) -> u64 {
        self.demanded + self.expiring + self.refreshes
    }
}

/// Threads are spread over so many places, so that they rarely share a line.
const STRIPES: usize = 16;

/// Counts that every question changes.
#[derive(Default)]
pub(super) struct Counters([CachePadded<Counts>; STRIPES]);

#[derive(Default)]
struct Counts {
    fresh: SharedU64,
    stale: SharedU64,
    missing: SharedU64,
}

impl Counters {
    pub(super) fn add_fresh(&self, count: u64) {
        self.own().fresh.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn add_stale(&self) {
        self.own().stale.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_missing(&self) {
        self.own().missing.fetch_add(1, Ordering::Relaxed);
    }

    /// Fresh, stale and missing.
    pub(super) fn sums(&self) -> [u64; 3] {
        let sum = |of: fn(&Counts) -> &SharedU64| {
            self.0.iter().map(|counts| of(counts).load(Ordering::Relaxed)).sum()
        };
        [sum(|it| &it.fresh), sum(|it| &it.stale), sum(|it| &it.missing)]
    }

    fn own(&self) -> &Counts {
        &self.0[stripe()]
    }
}

/// The thread's stripe.
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        own.get()
    })
}
