//! What the demand index is asked.

use super::{Demand, Entry, Order};

/// A job and what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheduler) struct Spot {
    pub(in crate::scheduler) job: Entry,
    /// The work of the jobs before it.
    pub(in crate::scheduler) work_ns: u64,
    /// How many they are.
    pub(in crate::scheduler) ahead: u32,
}

/// Jobs that start too late if the first one begins at `begin_ns`.
#[derive(Clone, Copy, Debug)]
pub(in crate::scheduler) struct Lookout {
    pub(in crate::scheduler) begin_ns: u64,
    /// So many jobs in front find a free worker, and are never too late.
    pub(in crate::scheduler) free: u32,
}

impl Demand {
    /// The first job. O(log n).
    pub(in crate::scheduler) fn first(&self) -> Option<&Entry> {
        let mut entry = self.nodes.get(self.root as usize)?.entries().first()?;
        for _ in 0..self.height {
            entry = self.node(entry.child).entries().first()?;
        }
        Some(entry)
    }

    /// A job, and what stands before it. O(log n).
    pub(in crate::scheduler) fn find(&self, order: Order) -> Option<Spot> {
        let (mut work_ns, mut ahead, mut node) = (0_u64, 0, self.root);
        for height in (0..=self.height).rev() {
            let here = self.nodes.get(node as usize)?;
            let at = if height == 0 { here.before(order) } else { here.covering(order) };
            for entry in &here.entries()[..at] {
                work_ns = work_ns.saturating_add(entry.work_ns);
                ahead += entry.count;
            }
            let &job = here.entries().get(at)?;
            if height == 0 {
                return (job.order == order).then_some(Spot { job, work_ns, ahead });
            }
            node = job.child;
        }
        None
    }

    /// The first job that is too late, at or after `from`. O(log n), and O(1) if that is nobody,
    /// though no worker is free.
    pub(in crate::scheduler) fn first_late(
        &self,
        lookout: Lookout,
        from: Option<Order>,
    ) -> Option<Spot> {
        if self.total.latest_ns > lookout.begin_ns {
            return None;
        }
        self.late_below(self.root, self.height, (0, 0), lookout, from)
    }

    /// The first late job of a subtree, with so much work of so many jobs before it.
    ///
    /// An entry whose `latest_ns` allows the work before it has no late job, so at most two paths
    /// are walked in vain: along `from`, and along the last job that finds a free worker.
    fn late_below(
        &self,
        node: u32,
        height: u32,
        before: (u64, u32),
        lookout: Lookout,
        from: Option<Order>,
    ) -> Option<Spot> {
        let (mut work_ns, mut ahead) = before;
        let entries = self.node(node).entries();
        let skipped = from.map_or(0, |from| match height {
            0 => self.node(node).before(from),
            _ => self.node(node).covering(from),
        });
        for (at, &entry) in entries.iter().enumerate() {
            let may_be_late = entry.latest_ns.saturating_sub(work_ns) <= lookout.begin_ns;
            if may_be_late && at >= skipped && ahead + entry.count > lookout.free {
                if height == 0 {
                    return Some(Spot { job: entry, work_ns, ahead });
                }
                let before = (work_ns, ahead);
                let found = self.late_below(entry.child, height - 1, before, lookout, from);
                if found.is_some() {
                    return found;
                }
            }
            work_ns = work_ns.saturating_add(entry.work_ns);
            ahead += entry.count;
        }
        None
    }

    /// The job with the largest `worst` up to `until`, the last among equals. O(log n).
    pub(in crate::scheduler) fn worst_until(&self, until: Order) -> Option<Entry> {
        let (mut best, mut node): (Option<(Entry, u32)>, _) = (None, self.root);
        for height in (0..=self.height).rev() {
            let here = self.nodes.get(node as usize)?;
            // The subtree that `until` ends in may hold jobs on both sides of it.
            let whole = match height {
                0 => here.entries().partition_point(|entry| entry.order <= until),
                _ => here.covering(until),
            };
            let worst = last_worst(&here.entries()[..whole]);
            if let Some(entry) =
                worst.filter(|entry| best.is_none_or(|it| entry.worst >= it.0.worst))
            {
                best = Some((entry, height));
            }
            match here.entries().get(whole) {
                Some(entry) if height > 0 => node = entry.child,
                _ => break,
            }
        }
        let (mut entry, height) = best?;
        for _ in 0..height {
            entry = last_worst(self.node(entry.child).entries())?;
        }
        Some(entry)
    }
}

/// The entry with the largest `worst`, the last among equals.
fn last_worst(entries: &[Entry]) -> Option<Entry> {
    entries.iter().copied().max_by_key(|entry| entry.worst)
}
