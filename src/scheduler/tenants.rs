//! How much of a class's queue each tenant has.

use alloc::collections::{BTreeMap, BTreeSet};
use core::cmp::Reverse;

use super::demand::{Demand, Entry, Order};
use super::record::is_protected;

/// The queued work of a class's tenants.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    queued: BTreeMap<u64, Queued>,
    /// Tenants with the most work first; among equals the lowest number.
    ranking: BTreeSet<(Reverse<u128>, u64)>,
    total_ns: u128,
}

/// What one tenant has queued; there is always something.
#[derive(Debug)]
struct Queued {
    work_ns: u128,
    jobs: Demand,
}

/// So many tenants are asked for a job that could be evicted before the class's worst job goes,
/// whoever's it is.
const ASKED: usize = 8;

impl Tenants {
    /// A tenant queues a job. O(log n).
    pub(super) fn add(&mut self, tenant: u64, job: Entry, cost_ns: u64) {
        let empty = || Queued { work_ns: 0, jobs: Demand::new() };
        let queued = self.queued.entry(tenant).or_insert_with(empty);
        queued.jobs.insert(job);
        let before_ns = queued.work_ns;
        queued.work_ns += u128::from(cost_ns);
        self.ranking.remove(&(Reverse(before_ns), tenant));
        self.ranking.insert((Reverse(queued.work_ns), tenant));
        self.total_ns += u128::from(cost_ns);
    }

    /// A tenant's job leaves the queue. O(log n).
    pub(super) fn remove(&mut self, tenant: u64, order: Order, cost_ns: u64) {
        let Some(queued) = self.queued.get_mut(&tenant) else {
            return;
        };
        if queued.jobs.remove(order).is_none() {
            return;
        }
        self.ranking.remove(&(Reverse(queued.work_ns), tenant));
        queued.work_ns -= u128::from(cost_ns);
        self.total_ns -= u128::from(cost_ns);
        if queued.jobs.is_empty() {
            self.queued.remove(&tenant);
        } else {
            self.ranking.insert((Reverse(queued.work_ns), tenant));
        }
    }

    /// Whether so much work is more than the mean of so many tenants.
    fn is_over_share(&self, work_ns: u128, tenants: usize) -> bool {
        work_ns * tenants as u128 > self.total_ns
    }

    /// The worst job up to `until` of the tenant that is furthest over its share and has one there
    /// for which `suits` holds. O(log n).
    pub(super) fn worst_over_share(
        &self,
        until: Order,
        suits: impl Fn(&Entry) -> bool,
    ) -> Option<Entry> {
        let ranked = self.ranking.iter().take(ASKED);
        let tenants = self.queued.len();
        let over_share =
            ranked.take_while(|(Reverse(work_ns), _)| self.is_over_share(*work_ns, tenants));
        let worst = |tenant| self.queued.get(tenant)?.jobs.worst_until(until);
        over_share.filter_map(|(_, tenant)| worst(tenant)).find(|job| suits(job))
    }

    /// The worst job of the tenant with the most work, if that is over its share, the job is not
    /// protected, and the tenant has, without
    /// it, still as much as `tenant` has with another job of this cost. `cost_of` knows the jobs'
    /// costs. O(log n).
    pub(super) fn worst_in_favour_of(
        &self,
        tenant: u64,
        cost_ns: u64,
        cost_of: impl Fn(&Entry) -> u64,
    ) -> Option<Entry> {
        let &(Reverse(most_ns), most) = self.ranking.first()?;
        // The tenant of the job in hand is one of those who share, also if it has nothing yet.
        let tenants = self.queued.len() + usize::from(!self.queued.contains_key(&tenant));
        if most == tenant || !self.is_over_share(most_ns, tenants) {
            return None;
        }
        let end = Order::new(crate::time::Time::MAX, u64::MAX);
        let worst = self.queued.get(&most)?.jobs.worst_until(end)?;
        let own_ns = self.queued.get(&tenant).map_or(0, |queued| queued.work_ns);
        let left_ns = most_ns - u128::from(cost_of(&worst));
        let may_go = worst.worst > 0 && !is_protected(&worst);
        (may_go && own_ns + u128::from(cost_ns) <= left_ns).then_some(worst)
    }

    /// The work of all tenants' jobs. O(n).
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub(super) fn assert_invariants(&self) -> usize {
        let (mut jobs, mut total_ns) = (0, 0);
        for (tenant, queued) in &self.queued {
            assert!(!queued.jobs.is_empty(), "a tenant without jobs is forgotten");
            assert!(self.ranking.contains(&(Reverse(queued.work_ns), *tenant)));
            jobs += queued.jobs.checked_jobs().len();
            total_ns += queued.work_ns;
        }
        assert_eq!((self.ranking.len(), self.total_ns), (self.queued.len(), total_ns));
        jobs
    }
}
