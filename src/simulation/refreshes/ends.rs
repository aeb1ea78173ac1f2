//! How loads end, and values.

use super::event::{RefreshEvent, RefreshWhat};
use super::world::World;
use crate::key::Key;
use crate::refresh::{End, Planner};
use crate::time::Time;

impl<O: FnMut(&RefreshEvent, Option<&Planner>)> World<'_, O> {
    /// A load has its value, or its failure.
    pub(super) fn loaded(&mut self, load: Key) {
        let Some(load) = self.loads.end(load) else { return };
        let (id, number) = (load.id, load.number);
        let entry = &mut self.contents.entries[id as usize];
        entry.loading -= 1;
        let held = entry.held;
        let read = load.read.filter(|&(_, read)| {
            let is_newer = held.is_none_or(|held| held.stored < read);
            is_newer && !load.fails
        });
        let Some((version, read)) = read else {
            let retry_at = self.now + self.simulation.loads.retry_after;
            self.finish(load.planned, End::Failed { retry_at });
            self.tell(Some(id), RefreshWhat::Failed { id, load: number });
            if load.is_awaited(&self.chooser) {
                self.disappoint(id);
            }
            return;
        };
        let has_changed = held.is_some_and(|held| held.version != version);
        let end = match (held.is_some() && self.simulation.loads.tells_changes, has_changed) {
            (true, true) => End::Changed,
            (true, false) => End::Unchanged,
            (false, _) => End::Loaded,
        };
        self.finish(load.planned, end);
        let hard = self.store(id, version, read);
        if self.is_counted() {
            self.report.took.record(self.now.saturating_since(load.started));
        }
        self.tell(Some(id), RefreshWhat::Stored { id, load: number, has_changed, hard });
    }

    /// Tells the planner how a load ended.
    pub(super) fn finish(&mut self, planned: Option<Key>, end: End) {
        if let (Some(planned), Some(planner)) = (planned, self.chooser.planner_mut()) {
            planner.finish(self.now, planned, end);
            self.is_stirred = true;
        }
    }

    /// Stores what was read, and answers those who wait for it. The value's hard expiry.
    fn store(&mut self, id: u32, version: u64, read: Time) -> Time {
        let new = self.contents.held(id, version, read, self.now);
        let (now, is_counted) = (self.now, self.is_counted());
        let entry = &mut self.contents.entries[id as usize];
        let old = entry.held.replace(new);
        for waiter in entry.waiters.drain(..) {
            match now <= waiter.until {
                true => {
                    self.report.stalls += 1;
                    self.report.waits.record(now.saturating_since(waiter.asked));
                }
                false => self.report.unserved += 1,
            }
        }
        if let Some(old) = old.filter(|_| is_counted) {
            let late = now.checked_since(old.soft).filter(|late| !late.is_zero());
            self.report.replaced(late, entry.is_hot);
        }
        self.insert(id);
        self.teach(id);
        new.hard
    }

    /// The planner says that a value's hard expiry has come.
    pub(super) fn expire(&mut self, id: u32) {
        let held = self.contents.entries[id as usize].held.take();
        if let Some(held) = held {
            let overstay = held.overstay(self.now);
            self.report.overstay = self.report.overstay.max(overstay);
        }
        self.tell(Some(id), RefreshWhat::Expired { id });
    }

    /// Who waits for an entry gets nothing.
    pub(super) fn disappoint(&mut self, id: u32) {
        let waiters = &mut self.contents.entries[id as usize].waiters;
        self.report.unserved += waiters.len() as u64;
        waiters.clear();
    }
}
