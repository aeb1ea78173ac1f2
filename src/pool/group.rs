//! A queue and the workers that it belongs to.

use core::hint::spin_loop;
use core::iter::repeat_n;
use std::collections::BTreeMap;

use super::idle::Idle;
use super::task::TaskRef;
use crate::key::Key;
use crate::scheduler::{Scheduler, stripes};
use crate::sync::{AtomicUsize, CachePadded, Mutex, MutexGuard, Ordering, SegQueue, SharedU64};
use crate::time::Time;
use crate::timer::Alarm;

/// How often the lock is tried before a thread sleeps for it.
const TRIES: usize = if cfg!(any(punctual_loom, punctual_shuttle)) { 0 } else { 100 };

/// A scheduler behind a lock, the ways to it, and its workers.
///
/// Whoever holds the lock does what others left in `inbox` and `woken` meanwhile. Whoever leaves
/// something there tries the lock afterwards; whoever gives the lock back looks there afterwards.
/// So nothing stays there, and nobody waits for the lock to bring something.
pub(super) struct Group {
    pub(super) core: Mutex<Core>,
    /// Jobs that came while somebody else held the lock.
    inbox: SegQueue<TaskRef>,
    inbox_bound: usize,
    /// Jobs that waited for something that has come. Each is here at most once, so there are never
    /// more than the pool has futures.
    pub(super) woken: SegQueue<TaskRef>,
    pub(super) idle: Idle,
    /// The deadline of the job that starts next, for workers of other groups.
    pub(super) head: CachePadded<Head>,
    /// How many jobs are queued, for those who choose a queue.
    pub(super) length: CachePadded<AtomicUsize>,
    /// When a worker was here last.
    visited_ns: CachePadded<SharedU64>,
    /// Rings when somebody has to look at the scheduler although no worker does.
    pub(super) alarm: Alarm,
}

/// What a group's lock guards.
pub(super) struct Core {
    pub(super) scheduler: Scheduler<TaskRef>,
    /// What has begun and waits.
    pub(super) suspended: BTreeMap<Key, TaskRef>,
    /// When a shutdown ends what has begun and still waits.
    pub(super) closing: Option<Time>,
    /// Whether something has changed that a worker, or the alarm, has to know of.
    pub(super) is_changed: bool,
    /// The first moment at which something happens to a job that has changed.
    pub(super) next_moment: Option<Time>,
}

/// A published deadline.
pub(super) struct Head(SharedU64);

impl Head {
    /// Nothing can start.
    const NOTHING: u64 = u64::MAX;

    /// The end of time, as far as anybody can tell.
    const LAST: u64 = u64::MAX - 1;

    pub(super) fn new() -> Self {
        Self(SharedU64::new(Self::NOTHING))
    }

    /// Publishes by when what starts next is due, as [`head`](stripes::head) tells it.
    pub(super) fn publish(&self, first: Option<(Key, Option<Time>)>) {
        let due = stripes::head(first).map_or(Self::NOTHING, |due| due.as_nanos().min(Self::LAST));
        // A store makes the others read it anew.
        if self.0.load(Ordering::Relaxed) != due {
            self.0.store(due, Ordering::SeqCst);
        }
    }

    /// By when what starts next is due.
    pub(super) fn read(&self) -> Option<Time> {
        let head = self.0.load(Ordering::SeqCst);
        (head != Self::NOTHING).then_some(Time::from_nanos(head))
    }
}

impl Group {
    pub(super) fn new(
        scheduler: Scheduler<TaskRef>,
        workers: u32,
        inbox_bound: usize,
        alarm: Alarm,
    ) -> Self {
        Self {
            core: Mutex::new(Core {
                scheduler,
                suspended: BTreeMap::new(),
                closing: None,
                is_changed: false,
                next_moment: None,
            }),
            inbox: SegQueue::new(),
            inbox_bound,
            woken: SegQueue::new(),
            idle: Idle::new(workers),
            head: CachePadded::new(Head::new()),
            length: CachePadded::new(AtomicUsize::new(0)),
            visited_ns: CachePadded::new(SharedU64::new(0)),
            alarm,
        }
    }

    /// Takes the lock. It is held for less than a microsecond: sleeping takes longer.
    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        for () in repeat_n((), TRIES) {
            if let Some(core) = self.core.try_lock() {
                return core;
            }
            spin_loop();
        }
        self.core.lock()
    }

    /// A worker is here.
    pub(super) fn note_visit(&self, now: Time) {
        self.visited_ns.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// Whether a worker was here after that time.
    pub(super) fn was_visited_since(&self, time: Time) -> bool {
        self.visited_ns.load(Ordering::Relaxed) > time.as_nanos()
    }

    /// Leaves a job for whoever holds the lock.
    ///
    /// # Errors
    ///
    /// The job, if too many wait there. Submitters that come at the same moment may each bring one
    /// more.
    pub(super) fn leave(&self, task: TaskRef) -> Result<(), TaskRef> {
        if self.inbox.len() >= self.inbox_bound {
            return Err(task);
        }
        self.inbox.push(task);
        Ok(())
    }

    /// Jobs that somebody has left.
    pub(super) const fn inbox(&self) -> &SegQueue<TaskRef> {
        &self.inbox
    }

    /// Whether nobody has left anything.
    pub(super) fn is_attended(&self) -> bool {
        self.inbox.is_empty() && self.woken.is_empty()
    }
}
