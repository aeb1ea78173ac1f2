//! What a worker does while a job of its own waits for others: it works on, inside that job.

#![allow(clippy::missing_const_for_thread_local, reason = "loom's macro takes no constants")]

use std::cell::Cell;
use std::ptr;

use super::shared::Shared;
use super::task::{Spot, TaskRef};
use super::worker::{finish, run};
use crate::scheduler::Running;
use crate::sync::{Arc, park, thread_local};

/// How deep jobs may stand in each other on a worker's stack. Deeper down, only what is waited for
/// is run.
const MOST_NESTED: u32 = 32;

thread_local! {
    /// What this thread works at.
    static AT_WORK: Cell<Option<Place>> = Cell::new(None);
    /// How many jobs it has begun inside others.
    static NESTED: Cell<u32> = Cell::new(0);
}

#[derive(Clone, Copy)]
struct Place {
    /// The pool, by its address.
    pool: usize,
    group: usize,
    index: usize,
}

/// This thread is a worker from now on.
pub(super) fn begin(shared: &Arc<Shared>, group: usize, index: usize) {
    let pool = ptr::from_ref(&**shared).addr();
    AT_WORK.with(|it| it.set(Some(Place { pool, group, index })));
}

/// The group of this thread, if it is a worker of the pool.
pub(super) fn own_group(shared: &Arc<Shared>) -> Option<usize> {
    Helper::new(shared).map(|helper| helper.group)
}

/// A worker of a pool whose job waits for another of that pool.
pub(super) struct Helper<'a> {
    shared: &'a Shared,
    group: usize,
    index: usize,
}

impl<'a> Helper<'a> {
    /// This thread, if it is a worker of the pool.
    pub(super) fn new(shared: &'a Arc<Shared>) -> Option<Self> {
        let place = AT_WORK.with(Cell::get)?;
        let is_own = place.pool == ptr::from_ref(&**shared).addr();
        is_own.then_some(Self { shared, group: place.group, index: place.index })
    }

    /// Runs a queued job that is waited for. Whether it was there to be run.
    pub(super) fn help_with(&self, job: &Spot) -> bool {
        let now = self.shared.now();
        let mut visit = self.shared.visit(job.group, now);
        let running = job.key().and_then(|key| visit.core.scheduler.claim(now, key));
        visit.end();
        running.is_some_and(|running| self.run(job.group, running))
    }

    /// Runs the job that is due first, since what is waited for may itself wait for it. If there is
    /// none, rests until somebody sends this worker back to work, or unparks it.
    pub(super) fn help_others(&self) {
        if NESTED.with(Cell::get) >= MOST_NESTED {
            return park();
        }
        let (now, idle) = (self.shared.now(), &self.shared.groups[self.group].idle);
        let mut visit = self.shared.visit(self.group, now);
        let first = visit.core.scheduler.first(now);
        let running = first.and_then(|(key, _)| visit.core.scheduler.claim(now, key));
        if running.is_none() {
            idle.lie_down(self.index);
        }
        let news = visit.end_untold();
        if let Some(running) = running {
            news.tell();
            self.run(self.group, running);
            return;
        }
        if news.is_empty() {
            park();
        }
        let was_sent = !idle.get_up(self.index);
        news.tell();
        if was_sent {
            self.pass_on();
        }
    }

    /// Looks after what this worker was sent to, since what it waits for may have ended as well:
    /// then somebody else has to go. It may be another group's.
    fn pass_on(&self) {
        for (at, group) in self.shared.groups.iter().enumerate() {
            if at == self.group || group.head.read().is_some() {
                self.shared.look_after(at);
            }
        }
    }

    fn run(&self, group: usize, running: Running<TaskRef>) -> bool {
        NESTED.with(|nested| nested.set(nested.get() + 1));
        let ended = run(group, running);
        NESTED.with(|nested| nested.set(nested.get() - 1));
        finish(self.shared, ended, self.shared.now());
        true
    }
}
