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
            work_ns = work_ns.saturating_add(here.work_before(at));
            ahead += here.entries()[..at].iter().map(|entry| entry.count).sum::<u32>();
            let &job = here.entries().get(at)?;
            if height == 0 {
                return (job.order == order).then_some(Spot { job, work_ns, ahead });
            }
            node = job.child;
        }
        None
    }

    /// When the first job has to begin at the latest so that none is too late; the largest number
    /// if it doesn't matter. Amortised O(log n).
    pub(in crate::scheduler) fn latest_ns(&mut self) -> u64 {
        loop {
            // No job has to begin earlier than the bound says, so who has to by then is it.
            let lookout = Lookout { begin_ns: self.total.latest_ns, free: 0 };
            if lookout.begin_ns == u64::MAX || self.first_late(lookout, None).is_some() {
                return lookout.begin_ns;
            }
        }
    }

    /// The first job that is too late, at or after `from`. O(1) if the bound says that there is
    /// none, otherwise amortised O(free + log n).
    pub(in crate::scheduler) fn first_late(
        &mut self,
        lookout: Lookout,
        from: Option<Order>,
    ) -> Option<Spot> {
        if self.total.latest_ns > lookout.begin_ns {
            return None;
        }
        let late = self.late_below(self.root, self.height, (0, 0), lookout, from);
        if late.is_none() {
            self.total = self.node(self.root).summary(self.root);
        }
        late
    }

    /// The first late job of a subtree, with so much work of so many jobs before it.
    ///
    /// An entry whose bound allows the work before it has no late job. One that has none though
    /// its bound does not allow it gets a better bound.
    fn late_below(
        &mut self,
        node: u32,
        height: u32,
        before: (u64, u32),
        lookout: Lookout,
        from: Option<Order>,
    ) -> Option<Spot> {
        let (mut work_ns, mut ahead) = before;
        let here = self.node(node);
        let skipped = from.map_or(0, |from| match height {
            0 => here.before(from),
            _ => here.covering(from),
        });
        for at in 0..here.entries().len() {
            let entry = self.node(node).entries()[at];
            let may_be_late = Entry::earlier(entry.latest_ns, work_ns) <= lookout.begin_ns;
            if may_be_late && at >= skipped && ahead + entry.count > lookout.free {
                if height == 0 {
                    return Some(Spot { job: entry, work_ns, ahead });
                }
                let before = (work_ns, ahead);
                let found = self.late_below(entry.child, height - 1, before, lookout, from);
                if found.is_some() {
                    return found;
                }
                let summary = self.node(entry.child).summary(entry.child);
                *self.node_mut(node).entry_mut(at) = summary;
            }
            work_ns = work_ns.saturating_add(entry.work_ns);
            ahead += entry.count;
        }
        None
    }

    /// The earliest latest start; the largest number if there is none. Amortised O(log n).
    pub(in crate::scheduler) fn soonest_ns(&mut self) -> u64 {
        loop {
            let soonest_ns = self.total.soonest_ns;
            if soonest_ns == u64::MAX || self.first_past(soonest_ns).is_some() {
                return soonest_ns;
            }
        }
    }

    /// The first job in order whose latest start has come at `now_ns`. O(1) if the bound says that
    /// there is none, otherwise amortised O(log n).
    pub(in crate::scheduler) fn first_past(&mut self, now_ns: u64) -> Option<Entry> {
        if self.total.soonest_ns > now_ns {
            return None;
        }
        let past = self.past_below(self.root, self.height, now_ns);
        if past.is_none() {
            self.total = self.node(self.root).summary(self.root);
        }
        past
    }

    fn past_below(&mut self, node: u32, height: u32, now_ns: u64) -> Option<Entry> {
        for at in 0..self.node(node).entries().len() {
            let entry = self.node(node).entries()[at];
            if entry.soonest_ns > now_ns {
                continue;
            }
            if height == 0 {
                return Some(entry);
            }
            let found = self.past_below(entry.child, height - 1, now_ns);
            if found.is_some() {
                return found;
            }
            *self.node_mut(node).entry_mut(at) = self.node(entry.child).summary(entry.child);
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
            if let Some(entry) = worst
                && best.is_none_or(|(best, _)| entry.worst >= best.worst)
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
