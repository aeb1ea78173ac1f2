//! What a run takes from the workers and from reservations, and gives back.

use core::time::Duration;

use super::queue::{Fate, Queue};
use super::reason::Verdict;
use super::record::{Place, Record};
use crate::key::Key;
use crate::time::Time;

/// Who starts a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Starter {
    /// A worker: it is the job's turn.
    Turn,
    /// A worker: a reservation has the right of way.
    Reservation,
    /// None of the workers.
    Guest,
}

impl<T, I> Queue<T, I> {
    /// Marks a queued job as running and hands out its payload, and in shadow mode what would have
    /// become of it.
    pub(super) fn start(
        &mut self,
        slot: u32,
        starter: Starter,
        now: Time,
    ) -> Option<(Key, T, Option<Verdict>)> {
        let record = self.at(slot)?;
        let (is_protected, fate) = (record.is_protected, self.fate(record));
        self.displace(slot);
        let (key, record) = self.records.at_slot_mut(slot)?;
        record.place = Place::Running(now);
        record.is_charged = is_protected || starter == Starter::Reservation;
        record.is_guest = starter == Starter::Guest;
        let (class, left_ns) = (record.class.number(), record.left_ns());
        let (is_charged, payload) = (record.is_charged, record.payload.take());
        if starter != Starter::Guest {
            self.workers.start(slot, now + Duration::from_nanos(left_ns));
        }
        if let Some(reserved) = &mut self.lanes[class].reserved {
            reserved.bucket.start(now, left_ns, is_charged);
        }
        self.set_guard(class, now);
        let verdict = match fate {
            Some(Fate::Shadowed(verdict)) => Some(verdict),
            _ => None,
        };
        Some((key, payload?, verdict))
    }

    /// Takes a running job out, whose run took so long.
    pub(super) fn finish(&mut self, key: Key, took_ns: u64, now: Time) -> Option<Record<T, I>> {
        self.end_run(key, took_ns, now);
        self.records.remove(key)
    }

    /// Interrupts a job's run, which took so long. From now on nothing but its end makes it go.
    pub(super) fn suspend(&mut self, key: Key, took_ns: u64, now: Time) {
        self.end_run(key, took_ns, now);
        let Some(record) = self.records.get_mut(key) else { return };
        record.place = Place::Suspended;
        record.spent_ns = record.spent_ns.saturating_add(took_ns);
        (record.is_started, record.is_forced, record.is_guest) = (true, false, false);
        record.set_times(record.times(), None);
    }

    /// Gives back what a run had.
    fn end_run(&mut self, key: Key, took_ns: u64, now: Time) {
        let Some(record) = self.records.get(key) else { return };
        let (is_guest, is_charged) = (record.is_guest, record.is_charged);
        let (class, left_ns) = (record.class.number(), record.left_ns());
        if !is_guest {
            self.workers.finish(key.slot());
        }
        if let Some(reserved) = &mut self.lanes[class].reserved
            && is_charged
        {
            reserved.bucket.settle(now, left_ns, took_ns);
        }
    }

    /// Lets so many jobs run at once, and gives each worker its share of what is queued.
    /// O(n log n).
    pub(super) fn set_workers(&mut self, workers: u32) {
        self.workers.set_count(workers);
        for slot in 0..self.records.slots() {
            self.share_anew(slot);
        }
    }

    /// Books a job's share of each worker anew, without any other change.
    fn share_anew(&mut self, slot: u32) {
        let Some((_, record)) = self.records.at_slot(slot) else { return };
        let job = record.entry(slot, self.workers.share_ns(record.left_ns()));
        let lane = &mut self.lanes[record.class.number()];
        if record.place == Place::Unreleased && !record.is_background() {
            self.upcoming.remove(job.order);
            self.upcoming.insert(job);
        }
        if record.place == Place::Ready
            && let Some(demand) = self.ready.demand_mut()
        {
            demand.remove(job.order);
            demand.insert(job);
            if let Some(tenant) = record.tenant {
                lane.tenants.remove(tenant, job.order, record.left_ns());
                lane.tenants.add(tenant, job, record.left_ns());
            }
        }
    }
}
