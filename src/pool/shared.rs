//! What all handles of a pool, its workers and its jobs share.

use core::time::Duration;
use std::task::Wake;

use super::group::Group;
use super::task::TaskRef;
use super::visit::{News, Visit};
use crate::scheduler::{Class, ClassStats, Stats, stripes};
use crate::sync::{
    Arc, AtomicBool, AtomicUsize, Mutex, Ordering, Thread, Weak, current, fence, park,
};
use crate::time::Time;
use crate::timer::Timer;

/// How often a visitor looks whether others have left something meanwhile.
const ROUNDS: u32 = 2;

/// A worker that was there so short a time ago has short jobs, and is back soon: to take the lock
/// from it would cost both more than that.
const HURRY: Duration = Duration::from_micros(5);

/// When the timer's thread looks after what was left by others in all these rounds, if nobody has
/// meanwhile. Whoever leaves something more, or ends a job, comes before.
const LATER: Duration = Duration::from_micros(500);

pub(super) struct Shared {
    pub(super) groups: Vec<Group>,
    pub(super) timer: Timer,
    /// Whether time passes by itself.
    pub(super) is_real_time: bool,
    pub(super) classes: usize,
    pub(super) is_closed: AtomicBool,
    /// Futures that have not ended.
    pub(super) futures: AtomicUsize,
    pub(super) futures_bound: usize,
    /// Where the next job goes that comes from outside.
    pub(super) next_group: AtomicUsize,
    pub(super) workers: Workforce,
}

/// Counts the workers that have not ended, for those who wait for the end.
pub(super) struct Workforce {
    alive: AtomicUsize,
    waiting: Mutex<Vec<Thread>>,
}

impl Workforce {
    pub(super) fn new() -> Self {
        Self { alive: AtomicUsize::new(0), waiting: Mutex::new(Vec::new()) }
    }

    /// A worker is about to be started.
    pub(super) fn hire(&self) {
        self.alive.fetch_add(1, Ordering::Relaxed);
    }

    /// A worker ends.
    pub(super) fn retire(&self) {
        if self.alive.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.waiting.lock().drain(..).for_each(|thread| thread.unpark());
        }
    }

    /// Waits until all workers have ended.
    pub(super) fn wait(&self) {
        // Enlisted before the count is read: whoever retires last sees it, or is seen.
        self.waiting.lock().push(current());
        while self.alive.load(Ordering::SeqCst) > 0 {
            park();
        }
    }
}

impl Shared {
    pub(super) fn now(&self) -> Time {
        self.timer.now()
    }

    /// The group in which a new job is queued: that of the worker that submits it, or the shorter
    /// of two that come one after the other.
    pub(super) fn place(&self, own: Option<usize>) -> usize {
        match own {
            _ if !self.is_striped() => 0,
            Some(own) => own,
            None => {
                let next = self.next_group.fetch_add(1, Ordering::Relaxed);
                let two = [next, next.wrapping_add(1)].map(|it| it % self.groups.len());
                stripes::place(two, two.map(|it| self.groups[it].length.load(Ordering::Relaxed)))
            }
        }
    }

    pub(super) fn is_striped(&self) -> bool {
        self.groups.len() > 1
    }

    /// Brings a job to a group. It is not waited for the group's lock: whoever holds it takes the
    /// job in.
    ///
    /// # Errors
    ///
    /// The job, if the lock is held and the inbox is full.
    pub(super) fn submit(&self, task: TaskRef, now: Time) -> Result<(), TaskRef> {
        let (group, due) = (task.spot().group, task.spot().deadline());
        let at = &self.groups[group];
        at.leave(task)?;
        // Between leaving the job and looking for who rests: who lies down looks after that. The
        // worker takes the job in, unless it may find something more urgent in another group.
        fence(Ordering::SeqCst);
        if !self.is_striped() && at.idle.wake_one() {
            return Ok(());
        }
        let is_short = self.is_real_time && at.was_visited_since(now - HURRY);
        let has_time = due.is_none_or(|due| due > now + 2 * LATER);
        if is_short && has_time && !self.is_anybody_resting(at) {
            at.alarm.set(now + LATER);
        } else {
            self.attend(group, now);
        }
        Ok(())
    }

    /// Visits a group, when its lock is free.
    pub(super) fn visit(&self, group: usize, now: Time) -> Visit<'_> {
        let mut visit = Visit::new(self, group, self.groups[group].lock(), now);
        visit.drain();
        visit
    }

    /// Takes in what others have left, unless somebody else is about to. Call it after something
    /// was left.
    pub(super) fn attend(&self, at: usize, now: Time) {
        self.attend_untold(at, now).tell();
    }

    /// As [`attend`](Self::attend), and leaves the telling to the caller. A visit does it after it
    /// has given the lock back.
    pub(super) fn attend_untold(&self, at: usize, now: Time) -> News {
        let (group, mut news) = (&self.groups[at], News::default());
        for _ in 0..ROUNDS {
            // Between leaving something and trying the lock, and between giving the lock back and
            // looking here: of two who do this at the same time, one sees what the other did.
            fence(Ordering::SeqCst);
            if group.is_attended() {
                return news;
            }
            let Some(core) = group.core.try_lock() else { return news };
            let mut visit = Visit::new(self, at, core, now);
            visit.drain();
            news.extend(visit.leave());
        }
        // A clock that is moved by hand may stand still.
        group.alarm.set(if self.is_real_time { now + LATER } else { now });
        news
    }

    /// Whether a worker rests that could take a job of the group.
    pub(super) fn is_anybody_resting(&self, group: &Group) -> bool {
        group.idle.is_anybody_resting()
            || self.is_striped() && self.groups.iter().any(|it| it.idle.is_anybody_resting())
    }

    /// Sends a worker to work: one of the group's, or else another's.
    pub(super) fn wake_one(&self, group: &Group) -> bool {
        group.idle.wake_one()
            || self.is_striped() && self.groups.iter().any(|it| it.idle.wake_one())
    }

    /// Takes no job any more, and lets what is there be done by `by`. Returns how many can't be.
    pub(super) fn close(&self, by: Time) -> u64 {
        self.is_closed.store(true, Ordering::SeqCst);
        let (now, mut shed) = (self.now(), 0);
        for at in 0..self.groups.len() {
            let mut visit = self.visit(at, now);
            visit.core.scheduler.shutdown(now, by);
            visit.core.closing = visit.core.closing.into_iter().chain([by]).min();
            visit.close_out();
            shed += visit.shed(usize::MAX) as u64;
            visit.look_again();
            let news = visit.end_untold();
            // Those who have nothing to do any more end.
            self.groups[at].idle.wake_all();
            self.groups[at].alarm.set(by.max(now));
            news.tell();
        }
        shed
    }

    /// Looks after a group: because of the time, or for somebody who was sent to and can't.
    pub(super) fn look_after(&self, at: usize) {
        let now = self.now();
        let mut visit = self.visit(at, now);
        visit.close_out();
        visit.look_again();
        visit.end();
    }

    pub(super) fn stats(&self) -> Stats {
        let now = self.now();
        let mut sum = Stats::default();
        for at in 0..self.groups.len() {
            let visit = self.visit(at, now);
            sum += visit.core.scheduler.stats();
            visit.end();
        }
        sum
    }

    pub(super) fn class_stats(&self, class: Class) -> Option<ClassStats> {
        let now = self.now();
        let mut sum: Option<ClassStats> = None;
        for at in 0..self.groups.len() {
            let visit = self.visit(at, now);
            if let Some(stats) = visit.core.scheduler.class_stats(class) {
                match &mut sum {
                    None => sum = Some(stats.clone()),
                    Some(sum) => sum.merge(stats),
                }
            }
            visit.end();
        }
        sum
    }
}

/// Lets the timer look at a group.
pub(super) struct Ring {
    pub(super) shared: Weak<Shared>,
    pub(super) group: usize,
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.look_after(self.group);
        }
    }
}
