//! What always holds, for tests and fuzzing.

use alloc::vec::Vec;

use super::Scheduler;
use super::demand::{Demand, Entry};
use super::queue::Queue;
use super::ready::Ready;
use super::record::{Place, Record};
use super::stats::Stats;

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Checks that every job stands in one place and that no outcome is missing. O(n); for tests
    /// and fuzzing.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    pub fn assert_invariants(&self) {
        self.queue.assert_invariants();
        let stats = self.stats();
        let Stats { submitted, refused, joined, done, failed, cancelled, shed, .. } = stats;
        let (queued, running, suspended) = (stats.queued, stats.running, stats.suspended);
        let pending = u64::from(queued) + u64::from(running) + u64::from(suspended);
        assert_eq!(self.queue.records.len() as u64, pending, "every pending job is in the store");
        let outcomes = refused.total() + joined + done + failed + cancelled + shed.total();
        assert_eq!(submitted, outcomes + pending, "every submit has one outcome");
        let count = |is_one: fn(&Record<T, I>) -> bool| {
            self.queue.records.iter().filter(|(_, record)| is_one(record)).count()
        };
        let is_running = |record: &Record<T, I>| matches!(record.place, Place::Running(_));
        let is_suspended = |record: &Record<T, I>| record.place == Place::Suspended;
        let counted = [running, suspended].map(|count| count as usize);
        assert_eq!(counted, [count(is_running), count(is_suspended)]);
        let is_resumed = |record: &Record<T, I>| record.is_started && record.payload.is_some();
        let bound = self.config.queue_bound as usize + self.queue.doomed.len();
        assert!(queued as usize <= bound + count(is_resumed), "no more are taken than fit");
        let guests = count(|record| record.is_guest);
        assert_eq!(running as usize - guests, self.queue.workers.running() as usize);
        assert_eq!(queued, self.queued);
        for (identity, &slot) in &self.identities {
            let is_there = self.queue.at(slot).is_some_and(|record| {
                !matches!(record.place, Place::Running(_))
                    && !record.is_started
                    && record.identity.as_ref() == Some(identity)
            });
            assert!(is_there, "an identity leads to a queued job of its own");
        }
    }
}

impl<T, I> Queue<T, I> {
    /// Panics if a job is not where its place says. O(n).
    fn assert_invariants(&self) {
        self.background.assert_invariants();
        self.doomed.assert_invariants();
        self.condemned.assert_invariants();
        self.wheel.assert_invariants();
        let mut counts = [0; 6];
        for (key, record) in self.records.iter() {
            let found = self.found(key.slot());
            let is_late_possible = record.latest_start().is_some();
            let expected = match record.place {
                Place::Nowhere => panic!("{key:?} is on its way"),
                Place::Unreleased => [false, false, false, false, !record.is_background(), true],
                Place::Ready => {
                    [true, false, false, false, false, is_late_possible && !self.ready.is_indexed()]
                }
                Place::Held => [false, false, false, false, false, is_late_possible],
                Place::Background => [false, true, false, false, false, is_late_possible],
                Place::Doomed(_) => [false, false, true, false, false, false],
                Place::Condemned(_) => [false, false, false, true, false, false],
                Place::Running(_) | Place::Suspended => [false; 6],
            };
            assert_eq!(found, expected, "the orders that hold {key:?}, {:?}", record.place);
            let is_away = matches!(record.place, Place::Running(_) | Place::Suspended);
            assert_eq!(record.payload.is_none(), is_away);
            assert!(!record.is_guest || matches!(record.place, Place::Running(_)));
            if record.is_started {
                let stays = matches!(record.place, Place::Ready | Place::Background) || is_away;
                assert!(stays && !is_late_possible, "nobody sheds {key:?}, {:?}", record.place);
            }
            counts.iter_mut().zip(found).for_each(|(count, found)| *count += usize::from(found));
        }
        let lens = [
            self.ready_jobs().len(),
            self.background.len(),
            self.doomed.len(),
            self.condemned.len(),
            self.checked(&self.upcoming).len(),
            self.wheel.len(),
        ];
        assert_eq!(lens, counts, "no order holds a job that is gone");
        self.assert_lanes();
    }

    /// Which orders hold a slot: ready, background, doomed, condemned, upcoming, the wheel.
    fn found(&self, slot: u32) -> [bool; 6] {
        let order = self.at(slot).map(Record::order);
        let is_ready = match &self.ready {
            Ready::Heap(heap) => heap.contains(slot),
            Ready::Index(demand) => {
                order.and_then(|order| demand.find(order)).is_some_and(|it| it.job.child == slot)
            }
        };
        let (doomed, condemned) = match self.at(slot).map(|record| record.place) {
            Some(Place::Doomed(key)) => (self.doomed.get(key).map(|decided| decided.0), None),
            Some(Place::Condemned(key)) => (None, self.condemned.get(key).map(|decided| decided.0)),
            _ => (None, None),
        };
        let upcoming = order.and_then(|order| self.upcoming.find(order));
        [
            is_ready,
            self.background.contains(slot),
            doomed == Some(slot),
            condemned == Some(slot),
            upcoming.is_some_and(|it| it.job.child == slot),
            self.wheel.contains(slot),
        ]
    }

    fn ready_jobs(&self) -> Vec<u32> {
        match &self.ready {
            Ready::Heap(heap) => {
                heap.assert_invariants();
                heap.iter().map(|(slot, _)| slot).collect()
            }
            Ready::Index(demand) => self.checked(demand).iter().map(|job| job.child).collect(),
        }
    }

    /// The jobs of an index. Each is there as its record says, with its share of each worker.
    fn checked(&self, demand: &Demand) -> Vec<Entry> {
        let share = |record: &Record<T, I>| self.workers.share_ns(record.left_ns());
        let jobs = demand.checked_jobs();
        for job in &jobs {
            let expected = self.at(job.child).map(|it| it.entry(job.child, share(it)));
            assert_eq!(Some(*job), expected, "the index knows what the record says");
        }
        jobs
    }

    fn assert_lanes(&self) {
        for (number, lane) in self.lanes.iter().enumerate() {
            let of_class = |it: &&Record<T, I>| it.class.number() == number;
            let records = || self.records.iter().map(|(_, record)| record).filter(of_class);
            let ready = || records().filter(|record| record.place == Place::Ready);
            if let Some(reserved) = &lane.reserved {
                assert_eq!(reserved.ready.len(), ready().count());
                let protected = ready().filter(|record| record.is_protected);
                let cost_ns = protected.map(|record| u128::from(record.left_ns())).sum();
                reserved.bucket.assert_protects(cost_ns);
            }
            let is_counted =
                |record: &&Record<T, I>| record.tenant.is_some() && self.ready.demand().is_some();
            assert_eq!(lane.tenants.assert_invariants(), ready().filter(is_counted).count());
            let (mut waiting, mut at) = (0, lane.waiting.oldest());
            while let Some(record) = at.and_then(|slot| self.at(slot)) {
                assert_eq!(record.place, Place::Background);
                (waiting, at) = (waiting + 1, Some(record.newer));
            }
            let background = records().filter(|record| record.place == Place::Background).count();
            assert_eq!(waiting, if lane.guard.is_some() { background } else { 0 });
            assert_eq!(self.guards.contains(number as u32), waiting > 0);
        }
    }
}
