//! What became of the jobs so far.

/// Counts of jobs by what became of them.
///
/// Every submit has exactly one outcome, at any moment:
/// `submitted = refused + done + failed + cancelled + shed + queued + running`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls of `submit`.
    pub submitted: u64,
    /// Jobs that were not accepted, by reason.
    pub refused: Refusals,
    /// Jobs that ran and were completed with [`Outcome::Done`](super::Outcome::Done).
    pub done: u64,
    /// Jobs that ran and were completed with [`Outcome::Failed`](super::Outcome::Failed).
    pub failed: u64,
    /// Jobs that were cancelled while they were queued.
    pub cancelled: u64,
    /// Jobs that were shed at their latest start.
    pub shed: u64,
    /// Jobs that were completed after their deadline; they are counted as done or failed too.
    pub late: u64,
    /// Jobs that are queued now.
    pub queued: u32,
    /// Jobs that are running now.
    pub running: u32,
}

/// Counts of refused jobs by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusals {
    /// The queue was full.
    pub queue_full: u64,
    /// The deadline had passed.
    pub expired: u64,
    /// The latest start had passed, or would pass before the release.
    pub infeasible: u64,
    /// The class is not one of the configuration's.
    pub unknown_class: u64,
}

impl Refusals {
    /// All refused jobs.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.queue_full + self.expired + self.infeasible + self.unknown_class
    }
}
