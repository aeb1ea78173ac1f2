//! The way of a job from one place to another.

use super::queue::{Queue, expect_free};
use super::record::Place;
use crate::time::Time;

impl<T, I> Queue<T, I> {
    /// Puts a displaced job where it belongs at `now`. `protection` is what a job had that comes
    /// back to where it was.
    pub(super) fn place(&mut self, slot: u32, now: Time, protection: Option<bool>) {
        let Some((_, record)) = self.records.at_slot_mut(slot) else { return };
        let latest_start = record.latest_start();
        if latest_start.is_some_and(|latest| latest <= now) {
            return self.expire(slot);
        }
        let mut wake_at = latest_start;
        let is_background = record.is_background() && !record.is_forced;
        if record.eligible > now {
            record.place = Place::Unreleased;
            wake_at = Some(record.eligible);
            if !is_background {
                let share_ns = self.workers.share_ns(record.left_ns());
                self.upcoming.insert(record.entry(slot, share_ns));
            }
        } else if is_background {
            record.place = Place::Background;
            let (order, class) = (record.order(), record.class.number());
            expect_free(&self.background.push(slot, order));
            self.wait_for_slack(slot, class, now);
        } else {
            record.place = Place::Ready;
            wake_at = wake_at.filter(|_| !self.ready.is_indexed());
            self.make_ready(slot, now, protection);
        }
        if let Some(wake_at) = wake_at {
            // Otherwise `settle` would find it due again and again.
            debug_assert!(wake_at > now, "a placed job has nothing to do now");
            expect_free(&self.wheel.insert(slot, wake_at.as_nanos()));
        }
    }

    /// Keeps a displaced job back until the running one of its identity is done.
    pub(super) fn hold(&mut self, slot: u32, now: Time) {
        let Some(record) = self.at_mut(slot) else { return };
        record.place = Place::Held;
        let Some(latest_start) = record.latest_start() else { return };
        match latest_start <= now {
            true => self.expire(slot),
            false => expect_free(&self.wheel.insert(slot, latest_start.as_nanos())),
        }
    }

    fn wait_for_slack(&mut self, slot: u32, class: usize, now: Time) {
        let lane = &mut self.lanes[class];
        if lane.guard.is_none() {
            return;
        }
        let is_first = lane.waiting.oldest().is_none();
        lane.waiting.push(&mut self.records, slot);
        if is_first {
            self.set_guard(class, now);
        }
    }

    fn make_ready(&mut self, slot: u32, now: Time, protection: Option<bool>) {
        let Some((_, record)) = self.records.at_slot_mut(slot) else { return };
        let lane = &mut self.lanes[record.class.number()];
        if let Some(reserved) = &mut lane.reserved {
            let latest_start = record.latest_start().unwrap_or(Time::MAX);
            record.is_protected = match protection {
                // It goes on as it began.
                _ if record.is_started => {
                    reserved.bucket.restore(record.is_charged, record.left_ns())
                }
                Some(is_protected) => reserved.bucket.restore(is_protected, record.left_ns()),
                None if record.is_probe => false,
                None => reserved.bucket.protect(now, latest_start, record.left_ns()),
            };
            expect_free(&reserved.ready.push(slot, record.order()));
        }
        let job = record.entry(slot, self.workers.share_ns(record.left_ns()));
        self.ready.insert(job);
        if let (Some(tenant), Some(_)) = (record.tenant, self.ready.demand()) {
            lane.tenants.add(tenant, job, record.left_ns());
        }
    }

    /// Takes a job out of every order, so that it can be placed anew or leave.
    pub(super) fn displace(&mut self, slot: u32) {
        let Some(record) = self.at(slot) else { return };
        let (place, order, class) = (record.place, record.order(), record.class.number());
        let held = match place {
            Place::Nowhere | Place::Held | Place::Running(_) | Place::Suspended => true,
            Place::Unreleased => record.is_background() || self.upcoming.remove(order).is_some(),
            Place::Ready => self.unready(slot),
            Place::Background => {
                if self.lanes[class].guard.is_some() {
                    self.lanes[class].waiting.remove(&mut self.records, slot);
                    if self.lanes[class].waiting.oldest().is_none() {
                        self.guards.remove(class as u32);
                    }
                }
                self.background.remove(slot).is_some()
            }
            Place::Doomed(key) => self.doomed.remove(key).is_some(),
            Place::Condemned(key) => self.condemned.remove(key).is_some(),
        };
        debug_assert!(held, "a job is where its place says");
        self.wheel.cancel(slot);
        if let Some(record) = self.at_mut(slot) {
            record.place = Place::Nowhere;
        }
    }

    /// Takes a ready job out of what holds it. Whether it was there.
    fn unready(&mut self, slot: u32) -> bool {
        let Some((_, record)) = self.records.at_slot_mut(slot) else { return false };
        let (order, left_ns) = (record.order(), record.left_ns());
        let lane = &mut self.lanes[record.class.number()];
        if let Some(reserved) = &mut lane.reserved {
            reserved.ready.remove(slot);
            if core::mem::take(&mut record.is_protected) {
                reserved.bucket.leave(left_ns);
            }
        }
        if let Some(tenant) = record.tenant {
            lane.tenants.remove(tenant, order, left_ns);
        }
        self.ready.remove(slot, order)
    }
}
