//! One store of jobs, and the orders in which they leave it.
//!
//! Heaps and wheel hold only slots of the store. A queued job is in at most one of the three
//! heaps `ready`, `background` and `late`, as its [`Place`] says; whatever waits for a moment is
//! in the wheel as well.

use core::time::Duration;

use super::class::Class;
use crate::heap::{Fifo, IdHeap};
use crate::key::{Key, KeyedStore};
use crate::time::Time;
use crate::wheel::IdWheel;

/// Jobs by deadline; equal deadlines by the order of submission.
///
/// A job without a deadline stands behind all that have one. The end of time is used for it here
/// and nowhere else: in a record the deadline is an `Option`.
type Order = Fifo<Time>;

/// The arity of all orders: measured through the whole scheduler, 4 is the fastest of 2, 4 and 8
/// at 1,000 to 100,000 jobs, and at 100 hardly slower than 2.
const ARITY: usize = 4;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Waits for its release, in the wheel; a foreground job is in `upcoming` too.
    Unreleased,
    /// In `ready`, and in the wheel at its latest start.
    Ready,
    /// In `background`, and in the wheel at its latest start if it has one.
    Background,
    /// In `late`: its latest start has passed, and nobody was told yet.
    Late,
    /// Occupies a worker since this time.
    Running(Time),
}

/// A job in the store.
#[derive(Debug)]
pub(super) struct Record<T> {
    /// Taken out when the job starts.
    pub(super) payload: Option<T>,
    pub(super) place: Place,
    pub(super) class: Class,
    pub(super) is_background_class: bool,
    pub(super) deadline: Option<Time>,
    /// The time from which it could have run: of its submission, or of its later release.
    pub(super) eligible: Time,
    /// Frozen when the job is submitted, so that the latest start never moves by itself.
    pub(super) cost: Duration,
    /// From the latest start to the deadline: cost, lead and margin.
    pub(super) reserve: Duration,
    pub(super) sequence: u64,
}

impl<T> Record<T> {
    /// The time before which the job must start; `None` without a deadline.
    pub(super) fn latest_start(&self) -> Option<Time> {
        self.deadline.map(|deadline| deadline - self.reserve)
    }

    fn is_background(&self) -> bool {
        self.is_background_class || self.deadline.is_none()
    }

    fn is_past_latest_start(&self, now: Time) -> bool {
        self.latest_start().is_some_and(|latest_start| latest_start <= now)
    }

    fn order(&self) -> Order {
        Order::new(self.deadline.unwrap_or(Time::MAX), self.sequence)
    }
}

/// All jobs that have no outcome yet.
#[derive(Debug)]
pub(super) struct Queue<T> {
    records: KeyedStore<Record<T>>,
    ready: IdHeap<Order, ARITY>,
    background: IdHeap<Order, ARITY>,
    late: IdHeap<Order, ARITY>,
    /// Latest starts of the unreleased foreground jobs: the slack that background work may use.
    upcoming: IdHeap<Time, ARITY>,
    /// In nanoseconds: the release of an unreleased job, the latest start of others.
    wheel: IdWheel,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self {
            records: KeyedStore::new(),
            ready: IdHeap::with_arity(),
            background: IdHeap::with_arity(),
            late: IdHeap::with_arity(),
            upcoming: IdHeap::with_arity(),
            wheel: IdWheel::new(0),
        }
    }

    /// Jobs in the store, the running ones included.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn get(&self, key: Key) -> Option<&Record<T>> {
        self.records.get(key)
    }

    /// Takes in a job. O(log n).
    pub(super) fn insert(&mut self, record: Record<T>, now: Time) -> Key {
        let key = self.records.insert(record);
        self.place(key.slot(), now);
        key
    }

    /// Takes a job out, wherever it stands. O(log n).
    pub(super) fn remove(&mut self, key: Key) -> Option<Record<T>> {
        self.records.get(key)?;
        self.displace(key.slot());
        self.records.remove(key)
    }

    /// Gives a queued job another deadline. O(log n).
    pub(super) fn reschedule(&mut self, key: Key, deadline: Time, now: Time) -> Option<Time> {
        self.records.get(key)?;
        self.displace(key.slot());
        let old = self.records.get_mut(key)?.deadline.replace(deadline);
        self.place(key.slot(), now);
        old
    }

    /// Moves every job whose moment has come to where it belongs at `now`.
    ///
    /// O(log n) for each of them, which are at most all that are queued; a job comes here at most
    /// twice unless it is rescheduled, for its release and for its latest start.
    pub(super) fn settle(&mut self, now: Time) {
        while let Some((slot, _)) = self.wheel.pop_due(now.as_nanos()) {
            self.displace(slot);
            self.place(slot, now);
        }
    }

    /// The ready job with the earliest deadline, which must start before its latest start: so
    /// settle first.
    pub(super) fn first_ready(&self) -> Option<Key> {
        let (slot, _) = self.ready.peek()?;
        Some(self.records.at_slot(slot)?.0)
    }

    /// The first background job, if it would end before any upcoming job has to start.
    pub(super) fn first_background_in_slack(&self, now: Time) -> Option<Key> {
        let (slot, _) = self.background.peek()?;
        let (key, record) = self.records.at_slot(slot)?;
        let end = now + record.cost;
        let fits = self.upcoming.peek().is_none_or(|(_, latest_start)| end < latest_start);
        fits.then_some(key)
    }

    /// The late job with the earliest deadline.
    pub(super) fn first_late(&self) -> Option<Key> {
        let (slot, _) = self.late.peek()?;
        Some(self.records.at_slot(slot)?.0)
    }

    /// Marks a queued job as running and hands out its payload.
    pub(super) fn start(&mut self, key: Key, now: Time) -> Option<(T, &Record<T>)> {
        self.records.get(key)?;
        self.displace(key.slot());
        let record = self.records.get_mut(key)?;
        record.place = Place::Running(now);
        let payload = record.payload.take()?;
        Some((payload, record))
    }

    /// When `settle` has something to do next. The cost is that of `IdWheel::next_wakeup`.
    pub(super) fn next_wakeup(&mut self) -> Option<Time> {
        self.wheel.next_wakeup().map(Time::from_nanos)
    }

    /// Puts a displaced job where it belongs at `now`.
    fn place(&mut self, slot: u32, now: Time) {
        let Some((_, record)) = self.records.at_slot_mut(slot) else {
            return;
        };
        let (order, latest_start) = (record.order(), record.latest_start());
        let is_background = record.is_background();
        let mut wake_at = latest_start;
        if record.is_past_latest_start(now) {
            record.place = Place::Late;
            expect_free(&self.late.push(slot, order));
            return;
        }
        if record.eligible > now {
            record.place = Place::Unreleased;
            // A deadline that was moved before the release is told of at its latest start.
            wake_at = Some(wake_at.map_or(record.eligible, |at| at.min(record.eligible)));
            if let (false, Some(latest_start)) = (is_background, latest_start) {
                expect_free(&self.upcoming.push(slot, latest_start));
            }
        } else if is_background {
            record.place = Place::Background;
            expect_free(&self.background.push(slot, order));
        } else {
            record.place = Place::Ready;
            expect_free(&self.ready.push(slot, order));
        }
        if let Some(wake_at) = wake_at {
            // Otherwise `settle` would find it due again and again.
            debug_assert!(wake_at > now, "a placed job has nothing to do now");
            expect_free(&self.wheel.insert(slot, wake_at.as_nanos()));
        }
    }

    /// Takes a job out of every order, so that it can be placed anew or leave.
    fn displace(&mut self, slot: u32) {
        let Some((_, record)) = self.records.at_slot(slot) else {
            return;
        };
        let held = match record.place {
            // Background jobs are not in `upcoming`.
            Place::Unreleased => self.upcoming.remove(slot).is_some() || record.is_background(),
            Place::Ready => self.ready.remove(slot).is_some(),
            Place::Background => self.background.remove(slot).is_some(),
            Place::Late => self.late.remove(slot).is_some(),
            Place::Running(_) => true,
        };
        debug_assert!(held, "a job is where its place says");
        self.wheel.cancel(slot);
    }

    /// Panics if a job is not where its place says. O(n).
    pub(super) fn assert_invariants(&self) {
        self.ready.assert_invariants();
        self.background.assert_invariants();
        self.late.assert_invariants();
        self.upcoming.assert_invariants();
        self.wheel.assert_invariants();
        let (mut heaps, mut wheel) = (0, 0);
        for (key, record) in self.records.iter() {
            let slot = key.slot();
            let foreground = !record.is_background();
            let expected = match record.place {
                Place::Unreleased => [false, false, false, foreground, true],
                Place::Ready => [true, false, false, false, true],
                Place::Background => [false, true, false, false, record.deadline.is_some()],
                Place::Late => [false, false, true, false, false],
                Place::Running(_) => [false; 5],
            };
            let found = [
                self.ready.contains(slot),
                self.background.contains(slot),
                self.late.contains(slot),
                self.upcoming.contains(slot),
                self.wheel.contains(slot),
            ];
            assert_eq!(found, expected, "the orders that hold {key:?}, {:?}", record.place);
            assert_eq!(record.payload.is_none(), matches!(record.place, Place::Running(_)));
            heaps += found[..4].iter().filter(|&&held| held).count();
            wheel += usize::from(found[4]);
        }
        let held = self.ready.len() + self.background.len() + self.late.len() + self.upcoming.len();
        assert_eq!((held, self.wheel.len()), (heaps, wheel), "no order holds a job that is gone");
    }
}

/// A displaced job is in no order, so there is always room for it.
fn expect_free<E: core::fmt::Debug>(pushed: &Result<(), E>) {
    debug_assert!(pushed.is_ok(), "a displaced job is in no order: {pushed:?}");
}
