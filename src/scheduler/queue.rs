//! One store of jobs, and the orders in which they leave it.
//!
//! Heaps, indexes and wheel hold only slots of the store. A queued job is in the orders that its
//! [`Place`] says; whatever waits for a moment is in the wheel as well.

use alloc::vec::Vec;
use core::time::Duration;

use super::config::{Admission, Config};
use super::demand::{Demand, Lookout, Order};
use super::lane::Lane;
use super::ready::{ARITY, Ready};
use super::reason::{ShedReason, Verdict};
use super::record::{Place, Record, Times};
use super::runs::Starter;
use super::stats::Load;
use super::workers::Workers;
use crate::heap::{IdHeap, IndexedHeap};
use crate::key::{Key, KeyedStore};
use crate::time::Time;
use crate::wheel::IdWheel;

/// Jobs in their order, with their slots and what was decided about them.
type Decided<R> = IndexedHeap<Order, (u32, R), ARITY>;

/// What was decided about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Shed(ShedReason),
    /// Shadow mode runs it all the same.
    Shadowed(Verdict),
}

/// Where a job was before it was moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) times: Times,
    pub(super) is_protected: bool,
    pub(super) fate: Option<Fate>,
}

/// All jobs that have no outcome yet.
#[derive(Debug)]
pub(super) struct Queue<T, I> {
    pub(super) admission: Admission,
    pub(super) is_shadow: bool,
    /// When a shutdown wants everything to be done.
    closing: Option<Time>,
    pub(super) records: KeyedStore<Record<T, I>>,
    pub(super) workers: Workers,
    pub(super) ready: Ready,
    pub(super) background: IdHeap<Order, ARITY>,
    pub(super) doomed: Decided<ShedReason>,
    pub(super) condemned: Decided<Verdict>,
    /// The unreleased foreground jobs: the slack that background work may use.
    pub(super) upcoming: Demand,
    /// In nanoseconds: the release of an unreleased job, the latest start of others; not of those
    /// in a demand index, which knows them.
    pub(super) wheel: IdWheel,
    /// By class.
    pub(super) lanes: Vec<Lane>,
    /// The classes that have a reservation.
    reserved: Vec<u32>,
    /// By class: when its starvation guard acts.
    pub(super) guards: IdHeap<Time, ARITY>,
    /// Memory for looking out.
    pub(super) lookout: Lookout,
    /// Jobs whose release has come, between two loops over them.
    released: Vec<(Time, u64, u32)>,
}

impl<T, I> Queue<T, I> {
    pub(super) fn new(config: &Config) -> Self {
        let lanes: Vec<_> = config.classes.iter().map(Lane::new).collect();
        let reserved = (0..).zip(&lanes).filter(|(_, lane)| lane.reserved.is_some());
        Self {
            admission: config.admission,
            is_shadow: config.shadow,
            closing: None,
            records: KeyedStore::new(),
            workers: Workers::new(config.workers),
            ready: match config.admission {
                Admission::All => Ready::Heap(IdHeap::with_arity()),
                Admission::Feasible | Admission::Evict => Ready::Index(Demand::new()),
            },
            background: IdHeap::with_arity(),
            doomed: IndexedHeap::with_arity(),
            condemned: IndexedHeap::with_arity(),
            upcoming: Demand::new(),
            wheel: IdWheel::new(0),
            reserved: reserved.map(|(class, _)| class).collect(),
            lanes,
            guards: IdHeap::with_arity(),
            lookout: Lookout::default(),
            released: Vec::new(),
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&Record<T, I>> {
        self.records.get(key)
    }

    /// The record of a slot that one of the orders holds.
    pub(super) fn at(&self, slot: u32) -> Option<&Record<T, I>> {
        Some(self.records.at_slot(slot)?.1)
    }

    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut Record<T, I>> {
        Some(self.records.at_slot_mut(slot)?.1)
    }

    /// Takes a job out, wherever it stands. O(log n).
    pub(super) fn remove(&mut self, key: Key) -> Option<Record<T, I>> {
        self.records.get(key)?;
        self.displace(key.slot());
        self.records.remove(key)
    }

    /// Moves every job whose moment has come to where it belongs at `now`: first those whose
    /// latest start has passed, then those whose release has come, in its order, then those that
    /// a starvation guard takes to the front.
    ///
    /// O(log n) for each of them, which are at most all that are queued; a job comes here at most
    /// three times unless it is rescheduled.
    pub(super) fn settle(&mut self, now: Time) {
        while let Some(past) = self.ready.demand_mut().and_then(|it| it.first_past(now.as_nanos()))
        {
            self.expire(past.child);
        }
        while let Some((slot, _)) = self.wheel.pop_due(now.as_nanos()) {
            let Some(record) = self.at(slot) else { continue };
            match record.is_past_latest_start(now) {
                true => self.expire(slot),
                false => {
                    let released = (record.eligible, record.sequence, slot);
                    self.released.push(released);
                }
            }
        }
        if !self.released.is_empty() {
            self.release(now);
        }
        // Each class once: at the end of time a guard that acts again would act at once.
        for _ in 0..self.guards.len() {
            let Some((class, _)) = self.guards.pop_if(|_, guard_at| guard_at <= now) else { break };
            self.force(class as usize, now);
        }
    }

    fn release(&mut self, now: Time) {
        let mut released = core::mem::take(&mut self.released);
        released.sort_unstable();
        for (_, _, slot) in released.drain(..) {
            self.admit_released(slot, now);
        }
        self.released = released;
    }

    /// Places a job whose release has come, if the admission lets it.
    pub(super) fn admit_released(&mut self, slot: u32, now: Time) {
        self.displace(slot);
        self.place(slot, now, None);
        if self.admission == Admission::Feasible
            && let Err(forecast) = self.is_bearable(slot, now)
        {
            self.doom(slot, ShedReason::Evicted(forecast));
        }
    }

    /// The oldest waiting job of a class goes to the front of all that are ready.
    fn force(&mut self, class: usize, now: Time) {
        let Some(slot) = self.lanes[class].waiting.oldest() else {
            return;
        };
        self.displace(slot);
        if let Some(record) = self.at_mut(slot) {
            record.is_forced = true;
        }
        self.place(slot, now, None);
        self.set_guard(class, now);
    }

    /// Lets a class's guard count from `now`, if a job of it waits.
    pub(super) fn set_guard(&mut self, class: usize, now: Time) {
        let lane = &self.lanes[class];
        let Some(guard) = lane.guard else { return };
        self.guards.remove(class as u32);
        if lane.waiting.oldest().is_some() {
            expect_free(&self.guards.push(class as u32, now + guard));
        }
    }

    /// Dooms a job that has come too late.
    pub(super) fn expire(&mut self, slot: u32) {
        if let Some(reason) = self.at(slot).and_then(Record::late_reason) {
            self.doom(slot, reason);
        }
    }

    /// Lets a job be shed, or in shadow mode only marks it.
    pub(super) fn doom(&mut self, slot: u32, reason: ShedReason) {
        let reason = self.closing.map_or(reason, |_| ShedReason::Shutdown);
        self.sentence(
            slot,
            match self.is_shadow {
                true => Fate::Shadowed(Verdict::Shed(reason)),
                false => Fate::Shed(reason),
            },
        );
    }

    /// Marks a job as one that is not run, or that only shadow mode runs.
    pub(super) fn sentence(&mut self, slot: u32, fate: Fate) {
        self.displace(slot);
        let Some((_, record)) = self.records.at_slot_mut(slot) else { return };
        record.is_forced = false;
        let order = record.order();
        record.place = match fate {
            Fate::Shed(reason) => Place::Doomed(self.doomed.push(order, (slot, reason))),
            Fate::Shadowed(verdict) => {
                // What would have waited for slack must not take the foreground's time now.
                let order =
                    if record.is_background() { order.with_priority(Time::MAX) } else { order };
                Place::Condemned(self.condemned.push(order, (slot, verdict)))
            }
        };
    }

    /// What was decided about a job, if it is doomed or condemned.
    pub(super) fn fate(&self, record: &Record<T, I>) -> Option<Fate> {
        match record.place {
            Place::Doomed(key) => self.doomed.get(key).map(|&(_, reason)| Fate::Shed(reason)),
            Place::Condemned(key) => {
                self.condemned.get(key).map(|&(_, verdict)| Fate::Shadowed(verdict))
            }
            _ => None,
        }
    }

    /// The doomed job that comes first.
    pub(super) fn first_doomed(&self) -> Option<u32> {
        self.doomed.peek().map(|(_, _, &(slot, _))| slot)
    }

    /// Takes out the doomed job that comes first.
    pub(super) fn pop_doomed(&mut self) -> Option<(Key, Record<T, I>, ShedReason)> {
        let (_, (slot, reason)) = self.doomed.pop()?;
        let (key, record) = self.records.remove_slot(slot)?;
        Some((key, record, reason))
    }

    /// The job that a worker starts now, if one is free. Settle first.
    pub(super) fn first_to_start(&mut self, now: Time) -> Option<(u32, Starter)> {
        if !self.reserved.is_empty()
            && let Some(slot) = self.first_reserved(now)
        {
            return Some((slot, Starter::Reservation));
        }
        let condemned = self.condemned.peek().map(|(_, order, &(slot, _))| (slot, order));
        let first = self.ready.first().into_iter().chain(condemned);
        match first.min_by_key(|&(_, order)| order) {
            Some((slot, _)) => Some((slot, Starter::Turn)),
            None => Some((self.first_background_in_slack(now)?, Starter::Turn)),
        }
    }

    /// The first job of a class with something in its bucket, if it is not certain that everybody
    /// is on time anyway.
    fn first_reserved(&mut self, now: Time) -> Option<u32> {
        if self.ready.is_indexed() && self.is_in_time(now) {
            return None;
        }
        let mut first: Option<(Order, u32)> = None;
        for &class in &self.reserved {
            let Some(reserved) = &mut self.lanes[class as usize].reserved else { continue };
            if let Some((slot, order)) = reserved.ready.peek()
                && reserved.bucket.has_credit(now)
            {
                first = first.into_iter().chain([(order, slot)]).min();
            }
        }
        first.map(|(_, slot)| slot)
    }

    /// The first background job, if all upcoming jobs could follow it.
    fn first_background_in_slack(&mut self, now: Time) -> Option<u32> {
        let (slot, _) = self.background.peek()?;
        let cost_ns = self.at(slot)?.left_ns();
        let end = self.workers.begin_after(now, cost_ns).as_nanos();
        let latest_ns = self.upcoming.latest_ns();
        (latest_ns == u64::MAX || end < latest_ns).then_some(slot)
    }

    /// When something changes by itself next. The cost is that of `IdWheel::next_wakeup`.
    pub(super) fn next_wakeup(&mut self, now: Time) -> Option<Time> {
        let wheel = self.wheel.next_wakeup().map(Time::from_nanos);
        let guard = self.guards.peek().map(|(_, guard_at)| guard_at);
        let mut moments = [wheel, guard, None, None];
        if let Some(demand) = self.ready.demand_mut() {
            moments[2] = Some(Time::from_nanos(demand.soonest_ns()));
            // Then somebody has to be evicted, unless a worker becomes free before.
            let evicts = self.admission == Admission::Evict && !self.is_shadow;
            let latest = evicts.then(|| Time::from_nanos(demand.latest_ns()));
            moments[3] = latest.filter(|&latest| latest > now);
        }
        // Nobody lives to see the end of time.
        moments.into_iter().flatten().min().filter(|&at| at < Time::MAX)
    }

    /// How things stand.
    pub(super) fn load(&mut self, now: Time) -> Load {
        let running_ns = u64::try_from(self.workers.remaining_ns(now)).unwrap_or(u64::MAX);
        let is_in_time = self.is_in_time(now);
        let lookout = self.look_out(now);
        let begin_ns = lookout.begin_ns;
        self.lookout = lookout;
        let demand = self.ready.demand_mut();
        let work = demand.map(|demand| (demand.total().work_ns, demand.latest_ns()));
        let slack = work.filter(|_| is_in_time).map(|(_, latest_ns)| match latest_ns {
            u64::MAX => Duration::MAX,
            _ => Duration::from_nanos(latest_ns.saturating_sub(begin_ns)),
        });
        let (begin, queued_ns) = (Time::from_nanos(begin_ns), work.map_or(0, |work| work.0));
        Load {
            running: Duration::from_nanos(running_ns),
            queued: Duration::from_nanos(queued_ns).saturating_mul(self.workers.count()),
            begin,
            slack,
        }
    }

    /// When a shutdown wants everything to be done.
    pub(super) const fn closing(&self) -> Option<Time> {
        self.closing
    }

    /// Sets a displaced job's times.
    pub(super) fn set_times(&mut self, slot: u32, times: Times) {
        let closing = self.closing;
        if let Some(record) = self.at_mut(slot) {
            record.set_times(times, closing);
        }
    }

    /// Where a job is.
    pub(super) fn position(&self, record: &Record<T, I>) -> Position {
        let (times, is_protected) = (record.times(), record.is_protected);
        Position { times, is_protected, fate: self.fate(record) }
    }

    /// Puts a job back where it was.
    pub(super) fn put_back(&mut self, slot: u32, before: Position, now: Time) {
        self.displace(slot);
        self.set_times(slot, before.times);
        match before.fate {
            Some(fate) => self.sentence(slot, fate),
            None => self.place(slot, now, Some(before.is_protected)),
        }
    }

    /// Lets everything that is queued be done by `by`, or be shed.
    ///
    /// The jobs come with their sequence, and whether they are held back for one of their
    /// identity.
    pub(super) fn shut_down(&mut self, mut queued: Vec<(u64, u32, bool)>, by: Time, now: Time) {
        queued.sort_unstable();
        let closing = self.closing.map_or(by, |closing| closing.min(by));
        self.closing = Some(closing);
        self.is_shadow = false;
        queued.iter().for_each(|&(_, slot, _)| self.displace(slot));
        self.lanes.iter_mut().for_each(|lane| lane.guard = None);
        for (_, slot, is_held) in queued {
            let Some(record) = self.at_mut(slot) else { continue };
            record.is_forced = false;
            let times = record.times();
            let is_possible = record.is_possible(times, Some(closing), now).is_ok();
            self.set_times(slot, times);
            match (is_possible, is_held) {
                (true, false) => self.place(slot, now, None),
                (true, true) => self.hold(slot, now),
                (false, _) => self.doom(slot, ShedReason::Shutdown),
            }
        }
    }
}

/// A displaced job is in no order, so there is always room for it.
pub(super) fn expect_free<E: core::fmt::Debug>(pushed: &Result<(), E>) {
    debug_assert!(pushed.is_ok(), "a displaced job is in no order: {pushed:?}");
}
