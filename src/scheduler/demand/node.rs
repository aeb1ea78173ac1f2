//! A node of the demand index: some jobs or some subtrees, in order, and their summary.

use super::Order;

/// How many entries a node holds: measured through the whole scheduler, widths from 8 to 24 are
/// equally fast.
pub(super) const WIDTH: usize = 16;

/// A job, or all jobs of a subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheduler) struct Entry {
    /// The order of the job, or of the first one.
    pub(in crate::scheduler) order: Order,
    /// Worker time, as a share of all workers, in nanoseconds; of all jobs together.
    pub(in crate::scheduler) work_ns: u64,
    /// When the first job has to begin at the latest so that each starts before its latest start:
    /// the least of latest start - work before it, or something earlier. For a job alone that is
    /// its latest start, and the largest number if it has none.
    pub(in crate::scheduler) latest_ns: u64,
    /// The earliest latest start of all jobs, or something earlier.
    pub(in crate::scheduler) soonest_ns: u64,
    /// How much is to be gained by an eviction: the largest of all jobs.
    pub(in crate::scheduler) worst: u64,
    /// How many jobs there are.
    pub(in crate::scheduler) count: u32,
    /// The job's slot, or the subtree's node.
    pub(in crate::scheduler) child: u32,
}

/// Up to [`WIDTH`] entries in order.
#[derive(Clone, Debug)]
pub(super) struct Node {
    entries: [Entry; WIDTH],
    len: usize,
}

/// What an empty subtree says.
const NOTHING: Entry = Entry {
    order: Order::new(crate::time::Time::MAX, u64::MAX),
    work_ns: 0,
    latest_ns: u64::MAX,
    soonest_ns: u64::MAX,
    worst: 0,
    count: 0,
    child: u32::MAX,
};

impl Entry {
    /// A time less the work that comes before it; who has no latest start still has none.
    pub(super) fn earlier(latest_ns: u64, work_ns: u64) -> u64 {
        if latest_ns == u64::MAX { latest_ns } else { latest_ns.saturating_sub(work_ns) }
    }

    /// A job has come into the subtree, with so much of the subtree's work before it. Those
    /// behind it begin later; as if that were all, the bound falls. O(1).
    pub(super) fn gain(&mut self, job: &Self, before_ns: u64) {
        let own_ns = Self::earlier(job.latest_ns, before_ns);
        self.latest_ns = Self::earlier(self.latest_ns, job.work_ns).min(own_ns);
        self.soonest_ns = self.soonest_ns.min(job.soonest_ns);
        self.order = self.order.min(job.order);
        self.work_ns = self.work_ns.saturating_add(job.work_ns);
        self.worst = self.worst.max(job.worst);
        self.count += 1;
    }

    /// A job has left the subtree, whose node is given. If it was the first one, all begin
    /// earlier; otherwise the bound stays. O(1) unless the worst job has gone.
    pub(super) fn lose(&mut self, job: &Self, was_first: bool, node: &Node) {
        self.count -= 1;
        // A bound of zero may stand for less than that.
        if was_first && !matches!(self.latest_ns, 0 | u64::MAX) {
            self.latest_ns = self.latest_ns.saturating_add(job.work_ns).min(u64::MAX - 1);
        }
        match self.work_ns {
            u64::MAX => *self = node.summary(self.child),
            _ => self.work_ns -= job.work_ns,
        }
        if let Some(first) = node.entries().first() {
            self.order = first.order;
        }
        // Often others are as bad as the one that left.
        if job.worst == self.worst && node.entries().iter().all(|it| it.worst < job.worst) {
            self.worst = node.entries().iter().map(|entry| entry.worst).max().unwrap_or(0);
        }
    }
}

impl Node {
    pub(super) const fn new() -> Self {
        Self { entries: [NOTHING; WIDTH], len: 0 }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries[..self.len]
    }

    pub(super) fn entry_mut(&mut self, at: usize) -> &mut Entry {
        &mut self.entries[at]
    }

    /// How many entries begin before `order`.
    pub(super) fn before(&self, order: Order) -> usize {
        self.entries().partition_point(|entry| entry.order < order)
    }

    /// The subtree in which a job of this order is, or would be.
    pub(super) fn covering(&self, order: Order) -> usize {
        // Jobs leave at the front more often than anywhere else.
        if self.len > 1 && order < self.entries[1].order {
            return 0;
        }
        self.entries().partition_point(|entry| entry.order <= order).saturating_sub(1)
    }

    /// The work of the entries before `at`.
    pub(super) fn work_before(&self, at: usize) -> u64 {
        self.entries[..at].iter().fold(0, |work_ns, it| it.work_ns.saturating_add(work_ns))
    }

    /// Puts an entry in; a full node gives those behind it to a new node on its right.
    ///
    /// A node that is full when something comes behind its last entry stays full: deadlines come
    /// in rising order more often than not.
    pub(super) fn insert(&mut self, at: usize, entry: Entry) -> Option<Self> {
        if self.len < WIDTH {
            self.entries.copy_within(at..self.len, at + 1);
            self.entries[at] = entry;
            self.len += 1;
            return None;
        }
        let mut right = Self::new();
        let kept = if at == WIDTH { WIDTH } else { WIDTH / 2 };
        right.take_from(self, kept);
        match at > kept || kept == WIDTH {
            true => right.insert(at - kept, entry),
            false => self.insert(at, entry),
        };
        Some(right)
    }

    /// Moves all entries from `from` on to the end of this node, which has room for them.
    pub(super) fn take_from(&mut self, other: &mut Self, from: usize) {
        let moved = other.len - from;
        self.entries[self.len..self.len + moved].copy_from_slice(&other.entries[from..other.len]);
        self.len += moved;
        other.len = from;
    }

    pub(super) fn remove(&mut self, at: usize) -> Entry {
        let removed = self.entries[at];
        self.entries.copy_within(at + 1..self.len, at);
        self.len -= 1;
        removed
    }

    /// What an entry for this whole node says. Sums and differences saturate: what is too large
    /// to be counted is not feasible.
    pub(super) fn summary(&self, child: u32) -> Entry {
        let mut summary = Entry { child, ..NOTHING };
        if let Some(first) = self.entries().first() {
            summary.order = first.order;
        }
        for entry in self.entries() {
            let latest_ns = Entry::earlier(entry.latest_ns, summary.work_ns);
            summary.latest_ns = summary.latest_ns.min(latest_ns);
            summary.soonest_ns = summary.soonest_ns.min(entry.soonest_ns);
            summary.work_ns = summary.work_ns.saturating_add(entry.work_ns);
            summary.worst = summary.worst.max(entry.worst);
            summary.count += entry.count;
        }
        summary
    }
}
