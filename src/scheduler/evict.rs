//! Who is turned away when not all can be done in time.

use core::time::Duration;

use super::demand::{Demand, Entry, Lookout, Spot};
use super::queue::Queue;
use super::reason::{Forecast, ShedReason};
use super::record::{Record, is_protected};
use crate::time::Time;

impl<T, I> Queue<T, I> {
    /// Whether the index's bound says that everybody is in time: then nobody has to look closer.
    /// Amortised O(1).
    fn is_surely_in_time(&mut self, now: Time) -> bool {
        let begin_ns = self.workers.begin_after(now, 0).as_nanos();
        let bound = self.ready.demand().map_or(u64::MAX, |demand| demand.total().latest_ns);
        bound == u64::MAX || bound > begin_ns
    }

    /// Looks out over what runs. Give it back when it isn't needed any more: its memory is used
    /// again.
    pub(super) fn look_out(&mut self, now: Time) -> Lookout {
        let mut lookout = core::mem::take(&mut self.lookout);
        let last = self.ready.demand().and_then(Demand::last).map(|job| job.order.priority());
        self.workers.look_out(now, last, &mut lookout);
        lookout
    }

    /// Whether all that is ready will be in time. Amortised O(workers + log n).
    pub(super) fn is_in_time(&mut self, now: Time) -> bool {
        if self.is_surely_in_time(now) {
            return true;
        }
        let lookout = self.look_out(now);
        let late = self.ready.demand_mut().and_then(|demand| demand.first_late(&lookout, None));
        self.lookout = lookout;
        late.is_none()
    }

    /// Whether a job, if it is ready, and those behind it are in time; those before it are not its
    /// fault. Amortised O(workers + log n).
    ///
    /// # Errors
    ///
    /// What will happen if they aren't.
    pub(super) fn is_bearable(&mut self, slot: u32, now: Time) -> Result<(), Forecast> {
        let order = match self.at(slot) {
            Some(record) if record.is_contested() => record.order(),
            _ => return Ok(()),
        };
        if self.is_surely_in_time(now) {
            return Ok(());
        }
        let lookout = self.look_out(now);
        let demand = self.ready.demand_mut();
        let late = demand.and_then(|demand| demand.first_late(&lookout, Some(order)));
        let forecast = late.map(|late| self.forecast(slot, &late, &lookout));
        self.lookout = lookout;
        forecast.map_or(Ok(()), Err)
    }

    /// Evicts jobs until all that are left are in time. Amortised O(workers + log n) for each, and
    /// O(1) for none while the index's bound says so.
    pub(super) fn evict(&mut self, now: Time) {
        while !self.is_surely_in_time(now) {
            let lookout = self.look_out(now);
            let victim = self.next_victim(&lookout);
            self.lookout = lookout;
            let Some((slot, reason)) = victim else { break };
            self.doom(slot, reason);
        }
    }

    /// Who has to go next; `None` if everybody is in time, or nobody can be evicted.
    fn next_victim(&mut self, lookout: &Lookout) -> Option<(u32, ShedReason)> {
        let demand = self.ready.demand_mut()?;
        let late = demand.first_late(lookout, None)?;
        if lookout.is_hopeless(&late.job) {
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
    /// that one's worst job. Whether there was one. O(log n).
    pub(super) fn displace_for_tenant(&mut self, class: usize, tenant: u64, cost_ns: u64) -> bool {
        let cost_of = |job: &Entry| self.at(job.child).map_or(0, |record| record.left_ns());
        let tenants = &self.lanes[class].tenants;
        let worst = tenants.worst_in_favour_of(tenant, cost_ns, cost_of);
        self.displace_worst(worst)
    }

    /// Makes room in a full queue for a job that costs less for its value than another, or is
    /// protected as the other isn't. Whether there was one. O(log n).
    pub(super) fn displace_for_better(&mut self, record: &Record<T, I>, now: Time) -> bool {
        let mut own = record.entry(0, 0);
        if let Some(reserved) = &mut self.lanes[record.class.number()].reserved {
            let latest_start = record.latest_start().unwrap_or(Time::MAX);
            if reserved.bucket.would_protect(now, latest_start, record.left_ns()) {
                own.worst = record.badness;
            }
        }
        let end = self.ready.demand().and_then(Demand::last).map(|job| job.order);
        let worst = end.and_then(|end| self.ready.demand()?.worst_until(end));
        self.displace_worst(worst.filter(|worst| worst.worst > own.worst))
    }

    fn displace_worst(&mut self, worst: Option<Entry>) -> bool {
        if let Some(job) = worst {
            self.doom(job.child, ShedReason::Displaced);
        }
        worst.is_some()
    }

    fn forecast(&self, slot: u32, late: &Spot, lookout: &Lookout) -> Forecast {
        let record = self.at(slot);
        let spot = record.and_then(|record| self.ready.demand()?.find(record.order()));
        let (work_ns, ahead) = spot.map_or((0, 0), |spot| (spot.work_ns, spot.ahead));
        let violated = self.at(late.job.child).and_then(|record| record.deadline);
        let start = Time::from_nanos(lookout.start_ns(work_ns, ahead));
        let until_done = record.map_or(Duration::ZERO, Record::until_done);
        Forecast {
            latest_start: record.and_then(Record::latest_start).unwrap_or(Time::MAX),
            start,
            finish: start + until_done,
            ahead,
            violated: violated.unwrap_or(Time::MAX),
        }
    }
}
