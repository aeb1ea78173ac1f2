//! What is done while somebody holds a group's lock.
//!
//! Nobody else's code runs under the lock: what tickets have to be told is collected, and told
//! after it.

use super::group::{Core, Group};
use super::shared::Shared;
use super::task::{Ran, Suspended, TaskRef};
use super::trace;
use crate::contain::contain;
use crate::key::Key;
use crate::scheduler::{Cancelled, Next, Outcome, Running, Verdict};
use crate::sync::{MutexGuard, Ordering, current};
use crate::time::Time;

/// The most that one visit sheds without a worker's poll: a visitor has work of its own.
const BATCH: usize = 256;

/// Somebody holds the lock of a group.
pub(super) struct Visit<'a> {
    shared: &'a Shared,
    /// Which group it is.
    at: usize,
    group: &'a Group,
    pub(super) core: MutexGuard<'a, Core>,
    now: Time,
    /// Whether a worker has polled.
    has_polled: bool,
    /// Whether the alarm has to be set for all that is queued.
    looks_again: bool,
    /// When somebody has to look again.
    alarm_at: Option<Time>,
    news: News,
}

impl<'a> Visit<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        at: usize,
        core: MutexGuard<'a, Core>,
        now: Time,
    ) -> Self {
        let group = &shared.groups[at];
        let (has_polled, looks_again, alarm_at) = (false, false, None);
        let news = News::default();
        Self { shared, at, group, core, now, has_polled, looks_again, alarm_at, news }
    }

    /// Takes in what others have left: at least all that was there when the visit began.
    pub(super) fn drain(&mut self) {
        for _ in 0..self.group.woken.len() {
            let Some(task) = self.group.woken.pop() else { break };
            self.resume(task);
        }
        for _ in 0..self.group.inbox().len() {
            let Some(task) = self.group.inbox().pop() else { break };
            self.admit(task);
        }
    }

    /// Queues a job, or turns it away.
    fn admit(&mut self, task: TaskRef) {
        self.core.is_changed = true;
        let job = task.spot().job().carrying(task);
        match self.core.scheduler.submit(self.now, job) {
            Ok(submitted) => {
                let key = submitted.key();
                let Some(task) = self.core.scheduler.get(key) else { return };
                task.spot().set_key(key);
                let release = task.spot().release().filter(|&release| release > self.now);
                let moment = release.or_else(|| self.core.scheduler.latest_start(key));
                self.core.next_moment = self.core.next_moment.into_iter().chain(moment).min();
            }
            Err(refused) => {
                let verdict = Verdict::Refused(refused.reason);
                self.news.turned_away.push((refused.job.payload, verdict));
            }
        }
    }

    /// Queues a job that has waited for something, unless it was cancelled meanwhile.
    fn resume(&mut self, task: TaskRef) {
        let Some(key) = task.spot().key() else { return };
        if self.core.suspended.remove(&key).is_some() {
            let resumed = self.core.scheduler.resume(self.now, key, task);
            debug_assert!(resumed.is_ok(), "what is suspended can be resumed");
            self.core.is_changed = true;
        }
    }

    /// Ends a run.
    pub(super) fn finish(&mut self, key: Key, ran: Ran) {
        // It may have ended earlier than expected: what runs in slack can start.
        self.core.is_changed = true;
        let scheduler = &mut self.core.scheduler;
        match ran {
            Ran::Done => drop(scheduler.complete(self.now, key, Outcome::Done)),
            Ran::Failed => drop(scheduler.complete(self.now, key, Outcome::Failed)),
            Ran::Pending(task) => self.suspend(key, task),
        }
    }

    fn suspend(&mut self, key: Key, task: TaskRef) {
        let is_over = self.core.closing.is_some_and(|by| by <= self.now);
        let state = if is_over { Suspended::Unwanted } else { task.suspend() };
        self.core.scheduler.suspend(self.now, key);
        self.core.suspended.insert(key, task.clone());
        match state {
            Suspended::Waiting => {}
            Suspended::Woken => self.resume(task),
            Suspended::Unwanted => drop(self.cancel(key)),
        }
    }

    /// Takes a job out that isn't running; its ticket hears of it after the visit. Whether it was
    /// there.
    pub(super) fn cancel(&mut self, key: Key) -> bool {
        let task = match self.core.scheduler.cancel(key) {
            Some(Cancelled::Removed(task)) => Some(task),
            Some(Cancelled::Suspended) => self.core.suspended.remove(&key),
            Some(Cancelled::LetGo) | None => None,
        };
        // What it would have taken is slack now.
        self.core.is_changed |= task.is_some();
        let was_there = task.is_some();
        self.news.cancelled.extend(task);
        was_there
    }

    /// What a worker has to do next.
    pub(super) fn next(&mut self) -> Option<Running<TaskRef>> {
        self.has_polled = true;
        loop {
            match self.core.scheduler.poll(self.now) {
                Next::Run(running) => return Some(running),
                Next::Shed(shed) => {
                    self.news.turned_away.push((shed.payload, Verdict::Shed(shed.reason)));
                }
                Next::Wait(until) => {
                    self.set_alarm(until);
                    (self.core.is_changed, self.core.next_moment) = (false, None);
                    return None;
                }
            }
        }
    }

    /// Something else has changed: a deadline, or the alarm has gone off and is to be set anew.
    pub(super) fn look_again(&mut self) {
        self.core.is_changed = true;
        self.looks_again = true;
    }

    /// Ends what has begun and waits, if a shutdown says so.
    pub(super) fn close_out(&mut self) {
        if self.core.closing.is_some_and(|by| by <= self.now) {
            let suspended: Vec<_> = self.core.suspended.keys().copied().collect();
            for key in suspended {
                self.cancel(key);
            }
        }
    }

    fn set_alarm(&mut self, until: Option<Time>) {
        self.alarm_at = self.alarm_at.into_iter().chain(until).min();
    }

    /// Sees to it that somebody starts what can start, and that the others hear their 'no' in time
    /// although all workers are busy.
    fn look_ahead(&mut self) {
        if self.shared.is_striped() {
            self.group.head.publish(self.core.scheduler.first(self.now));
            self.group.length.store(self.core.scheduler.len(), Ordering::Relaxed);
        }
        if !self.core.is_changed {
            return self.leave_sheds_to_alarm();
        }
        let has_woken = self.shared.is_anybody_resting(self.group)
            && self.core.scheduler.first(self.now).is_some()
            && self.shared.wake_one(self.group);
        // Whoever was woken looks ahead itself, since there may be more to start; but where there
        // are several groups it may find something more urgent elsewhere.
        if has_woken && !self.shared.is_striped() && !self.looks_again {
            return;
        }
        if !self.has_polled {
            self.shed(BATCH);
        }
        let next_moment = match self.looks_again {
            true => self.core.scheduler.next_wakeup(self.now),
            false => self.core.next_moment,
        };
        self.set_alarm(next_moment);
        (self.core.is_changed, self.core.next_moment) = (has_woken, None);
        self.leave_sheds_to_alarm();
    }

    /// More may have to be shed than come between two runs, or in one visit.
    fn leave_sheds_to_alarm(&mut self) {
        if self.core.scheduler.has_sheds() {
            self.set_alarm(Some(self.now));
        }
    }

    /// Sheds what has to be, at most so many. Returns how many that were.
    pub(super) fn shed(&mut self, most: usize) -> usize {
        for shed in 0..most {
            let Some(it) = self.core.scheduler.poll_sheds(self.now) else { return shed };
            self.news.turned_away.push((it.payload, Verdict::Shed(it.reason)));
        }
        most
    }

    /// Whether the group has been closed, and nothing is left of it.
    pub(super) fn is_over(&self) -> bool {
        let scheduler = &self.core.scheduler;
        scheduler.is_closed() && {
            let stats = scheduler.stats();
            stats.queued == 0 && stats.running == 0 && stats.suspended == 0
        }
    }

    /// Gives the lock back.
    pub(super) fn leave(mut self) -> News {
        self.look_ahead();
        // The alarm rings for the earliest time alone, and forgets the others.
        self.set_alarm(self.core.closing.filter(|&by| by > self.now));
        if self.is_over() {
            self.group.idle.wake_all();
        }
        let Self { group, core, alarm_at, news, .. } = self;
        drop(core);
        if let Some(at) = alarm_at {
            group.alarm.set(at);
        }
        news
    }

    /// Gives the lock back and takes in what others have left meanwhile, relying on this visit.
    /// What has to be told comes back: it takes as long as submitters' wakers and destructors do.
    pub(super) fn end_untold(self) -> News {
        let (shared, at, now) = (self.shared, self.at, self.now);
        let mut news = self.leave();
        news.extend(shared.attend_untold(at, now));
        news
    }

    /// As [`end_untold`](Self::end_untold), and tells it.
    pub(super) fn end(self) {
        self.end_untold().tell();
    }
}

/// What tickets have to be told, outside of all locks and when nobody relies on this thread.
#[derive(Default)]
#[must_use = "somebody waits for it"]
pub(super) struct News {
    /// Jobs that are not run.
    turned_away: Vec<(TaskRef, Verdict)>,
    /// Jobs that nobody wants any more.
    cancelled: Vec<TaskRef>,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.turned_away.is_empty() && self.cancelled.is_empty()
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.turned_away.extend(more.turned_away);
        self.cancelled.extend(more.cancelled);
    }

    /// Runs what submitters wrote: wakers and destructors. One that panics doesn't keep others from
    /// hearing what became of their jobs.
    pub(super) fn tell(self) {
        if self.is_empty() {
            return;
        }
        for (task, verdict) in self.turned_away {
            contain(|| {
                trace::not_run(&verdict);
                task.shed(verdict);
            });
        }
        for task in self.cancelled {
            contain(|| task.cancel());
        }
        // One of them may have parked this thread, and taken a token that was for its waiting.
        current().unpark();
    }
}
