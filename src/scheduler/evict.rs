//! Who is turned away when not all can be done in time.

use core::time::Duration;

use super::demand::{Entry, Lookout, Spot};
use super::queue::Queue;
use super::reason::{Forecast, ShedReason};
use super::record::{Record, is_protected};
use crate::time::Time;

impl<T, I> Queue<T, I> {
    fn lookout(&mut self, now: Time) -> Lookout {
        let begin_ns = self.workers.begin_after(now, 0).as_nanos();
        Lookout { begin_ns, free: self.workers.free_beside_others() }
    }

    /// Whether a job, if it is ready, and those behind it are in time; those before it are not its
    /// fault. O(log n).
    ///
    /// # Errors
    ///
    /// What will happen if they aren't.
    pub(super) fn is_bearable(&mut self, slot: u32, now: Time) -> Result<(), Forecast> {
        let lookout = self.lookout(now);
        let order = match self.at(slot) {
            Some(record) if record.is_contested() => record.order(),
            _ => return Ok(()),
        };
        let demand = self.ready.demand_mut();
        match demand.and_then(|demand| demand.first_late(lookout, Some(order))) {
            Some(late) => Err(self.forecast(slot, &late, lookout)),
            None => Ok(()),
        }
    }

    /// Evicts jobs until all that are left are in time. O(log n) for each, and O(1) for none
    /// while the index's bound says so.
    pub(super) fn evict(&mut self, now: Time) {
        let lookout = self.lookout(now);
        while let Some((slot, reason)) = self.next_victim(lookout) {
            self.doom(slot, reason);
        }
    }

    /// Who has to go next; `None` if everybody is in time, or nobody can be evicted.
    fn next_victim(&mut self, lookout: Lookout) -> Option<(u32, ShedReason)> {
        let demand = self.ready.demand_mut()?;
        let late = demand.first_late(lookout, None)?;
        if late.job.latest_ns <= lookout.begin_ns {
            // Whoever goes in its stead goes in vain.
            let forecast = self.forecast(late.job.child, &late, lookout);
            return Some((late.job.child, ShedReason::Evicted(forecast)));
        }
        let worst = demand.worst_until(late.job.order).filter(|job| job.worst > 0)?;
        let over_share = self.over_share(&late, &worst);
        let victim = over_share.unwrap_or(worst).child;
        let forecast = self.forecast(victim, &late, lookout);
        let reason = match over_share {
            Some(_) => ShedReason::OverShare(forecast),
            None => ShedReason::Evicted(forecast),
        };
        Some((victim, reason))
    }

    /// The job that goes instead of the worst, because its tenant is over its share of the class.
    fn over_share(&self, late: &Spot, worst: &Entry) -> Option<Entry> {
        let class = self.at(worst.child)?.class.number();
        let suits = |job: &Entry| job.worst > 0 && is_protected(job) == is_protected(worst);
        self.lanes[class].tenants.worst_over_share(late.job.order, suits)
    }

    /// Makes room in a full queue for a job of a tenant that has queued less than another: dooms
    /// that one's worst job. Whether there was one.
    pub(super) fn make_room(&mut self, class: usize, tenant: u64, cost_ns: u64, now: Time) -> bool {
        let lookout = self.lookout(now);
        let cost_of = |job: &Entry| self.at(job.child).map_or(0, |record| record.cost_ns);
        let tenants = &self.lanes[class].tenants;
        let Some(job) = tenants.worst_in_favour_of(tenant, cost_ns, cost_of) else {
            return false;
        };
        let Some(spot) = self.ready.demand().and_then(|demand| demand.find(job.order)) else {
            return false;
        };
        let reason = ShedReason::OverShare(self.forecast(job.child, &spot, lookout));
        self.doom(job.child, reason);
        true
    }

    fn forecast(&self, slot: u32, late: &Spot, lookout: Lookout) -> Forecast {
        let record = self.at(slot);
        let spot = record.and_then(|record| self.ready.demand()?.find(record.order()));
        let (work_ns, ahead) = spot.map_or((0, 0), |spot| (spot.work_ns, spot.ahead));
        let latest_start = record.and_then(Record::latest_start);
        let violated = self.at(late.job.child).and_then(|record| record.deadline);
        Forecast {
            latest_start: latest_start.unwrap_or(Time::MAX),
            start: Time::from_nanos(lookout.begin_ns) + Duration::from_nanos(work_ns),
            ahead,
            violated: violated.unwrap_or(Time::MAX),
        }
    }
}
