//! What the demand index is asked.

use alloc::vec::Vec;

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

/// When jobs start, as far as the running ones say.
#[derive(Clone, Debug, Default)]
pub(in crate::scheduler) struct Lookout {
    /// When the first job begins at the latest, as far as the sum of all work says.
    pub(in crate::scheduler) begin_ns: u64,
    pub(in crate::scheduler) now_ns: u64,
    /// So many workers are free now, or should be.
    pub(in crate::scheduler) idle: u32,
    /// When the others become free, in rising order.
    pub(in crate::scheduler) ends_ns: Vec<u64>,
}

impl Lookout {
    /// When a worker is free for the job with so many before it, if there are more workers than
    /// that: each of those before it keeps at most one of them.
    fn free_for(&self, ahead: u32) -> Option<u64> {
        match ahead.checked_sub(self.idle) {
            None => Some(self.now_ns),
            Some(at) => self.ends_ns.get(at as usize).copied(),
        }
    }

    /// When a job starts at the latest.
    pub(in crate::scheduler) fn start_ns(&self, work_ns: u64, ahead: u32) -> u64 {
        let by_sum = self.begin_ns.saturating_add(work_ns);
        self.free_for(ahead).map_or(by_sum, |free_ns| by_sum.min(free_ns))
    }

    /// Whether a job could not start in time even as the first.
    pub(in crate::scheduler) fn is_hopeless(&self, job: &Entry) -> bool {
        self.start_ns(0, 0) >= job.latest_ns
    }

    /// Whether a job may be late, or one of a subtree: a search goes where it is.
    fn may_be_late(&self, entry: &Entry, work_ns: u64) -> bool {
        let latest_ns = Entry::earlier(entry.latest_ns, work_ns);
        latest_ns < u64::MAX && latest_ns <= self.begin_ns
    }
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
            let begin_ns = self.total.latest_ns;
            let lookout = Lookout { begin_ns, now_ns: begin_ns, ..Lookout::default() };
            if begin_ns == u64::MAX || self.first_late(&lookout, None).is_some() {
                return begin_ns;
            }
        }
    }

    /// The first job that is too late, at or after `from`. O(1) if the bound says that there is
    /// none, otherwise amortised O(workers + log n).
    pub(in crate::scheduler) fn first_late(
        &mut self,
        lookout: &Lookout,
        from: Option<Order>,
    ) -> Option<Spot> {
        if !lookout.may_be_late(&self.total, 0) {
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
        lookout: &Lookout,
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
            let is_late = |ahead| lookout.start_ns(work_ns, ahead) >= entry.latest_ns;
            if at < skipped || !lookout.may_be_late(&entry, work_ns) {
                // Nobody here.
            } else if height == 0 {
                if is_late(ahead) {
                    return Some(Spot { job: entry, work_ns, ahead });
                }
            } else {
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
        if self.total.soonest_ns > now_ns.min(u64::MAX - 1) {
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
            if entry.soonest_ns > now_ns.min(u64::MAX - 1) {
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

    /// The last job. O(log n).
    pub(in crate::scheduler) fn last(&self) -> Option<&Entry> {
        let mut entry = self.nodes.get(self.root as usize)?.entries().last()?;
        for _ in 0..self.height {
            entry = self.node(entry.child).entries().last()?;
        }
        Some(entry)
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
