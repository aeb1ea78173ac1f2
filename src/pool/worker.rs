//! A worker's thread.

use super::at_work;
use super::shared::Shared;
use super::task::{Ran, TaskRef};
use super::trace;
use crate::contain::contain;
use crate::key::Key;
use crate::scheduler::{Running, stripes};
use crate::sync::{Arc, Ordering, fence};
use crate::time::Time;

/// A worker: the `index`th of a group.
pub(super) struct Worker {
    shared: Arc<Shared>,
    group: usize,
    index: usize,
}

/// A run that its scheduler has not been told of.
pub(super) struct Ended {
    group: usize,
    key: Key,
    ran: Ran,
}

/// What a worker does next.
enum Turn {
    Run(usize, Running<TaskRef>),
    Rest,
    /// Looks again.
    Again,
    End,
}

impl Worker {
    pub(super) const fn new(shared: Arc<Shared>, group: usize, index: usize) -> Self {
        Self { shared, group, index }
    }

    /// Works until the pool is closed and nothing is left to do.
    pub(super) fn work(self) {
        at_work::begin(&self.shared, self.group, self.index);
        self.shared.groups[self.group].idle.enlist(self.index);
        // Whatever ends this thread: somebody may wait for that.
        let _retire = RetireLater(&self.shared);
        let mut ended = None;
        loop {
            match self.turn(ended.take()) {
                Turn::Run(group, running) => ended = Some(run(group, running)),
                Turn::Rest => self.shared.groups[self.group].idle.rest(self.index),
                Turn::Again => {}
                Turn::End => break,
            }
        }
    }

    /// Ends a run, and looks for the next one.
    fn turn(&self, ended: Option<Ended>) -> Turn {
        let (shared, now) = (&*self.shared, self.shared.now());
        let ended = match ended {
            Some(ended) if ended.group != self.group => {
                finish(shared, ended, now);
                None
            }
            ended => ended,
        };
        if shared.is_striped()
            && let Some(turn) = self.steal(now)
        {
            if let Some(ended) = ended {
                finish(shared, ended, now);
            }
            return turn;
        }
        let group = &shared.groups[self.group];
        let mut visit = shared.visit(self.group, now);
        group.note_visit(now);
        if let Some(ended) = ended {
            visit.finish(ended.key, ended.ran);
        }
        let turn = match visit.next() {
            Some(running) => Turn::Run(self.group, running),
            None if visit.is_over() => Turn::End,
            None => {
                group.idle.lie_down(self.index);
                Turn::Rest
            }
        };
        let news = visit.end_untold();
        if !news.is_empty() && matches!(turn, Turn::Rest) {
            // Nobody may rely on a worker that tells what takes who knows how long. Whoever has
            // sent it back to work meanwhile is seen to in the next turn.
            _ = group.idle.get_up(self.index);
            news.tell();
            return Turn::Again;
        }
        news.tell();
        match turn {
            Turn::Rest if shared.is_striped() => self.look_around(now),
            turn => turn,
        }
    }

    /// Whoever brings work to another group looks for a worker that rests after it has published
    /// what starts next; this one looks there after it has said that it rests.
    fn look_around(&self, now: Time) -> Turn {
        fence(Ordering::SeqCst);
        match self.steal(now) {
            Some(turn) => {
                if !self.shared.groups[self.group].idle.get_up(self.index) {
                    self.shared.look_after(self.group);
                }
                turn
            }
            None => Turn::Rest,
        }
    }

    /// Takes the job that is due first, if it is in another group.
    fn steal(&self, now: Time) -> Option<Turn> {
        let groups = &self.shared.groups;
        let mut heads: Vec<_> = groups.iter().map(|group| group.head.read()).collect();
        // Goes on only as long as others change what starts next while this worker looks.
        loop {
            let from = stripes::choose(self.group, &heads)?;
            if from == self.group {
                return None;
            }
            let mut visit = self.shared.visit(from, now);
            let first = visit.core.scheduler.first(now);
            let is_first = stripes::confirm(&mut heads[from], stripes::head(first));
            let key = first.filter(|_| is_first).map(|(key, _)| key);
            let running = key.and_then(|key| visit.core.scheduler.claim(now, key));
            visit.end();
            if is_first {
                return running.map(|running| Turn::Run(from, running));
            }
        }
    }
}

struct RetireLater<'a>(&'a Shared);

impl Drop for RetireLater<'_> {
    fn drop(&mut self) {
        self.0.workers.retire();
    }
}

/// Runs a job. What panics outside of it, in a waker or a destructor, is no reason to end.
pub(super) fn run(group: usize, running: Running<TaskRef>) -> Ended {
    let key = running.key;
    let ran = contain(move || {
        let _span = trace::run(&running);
        let budget = running.budget();
        running.payload.run(budget)
    });
    Ended { group, key, ran: ran.unwrap_or(Ran::Failed) }
}

pub(super) fn finish(shared: &Shared, ended: Ended, now: Time) {
    let mut visit = shared.visit(ended.group, now);
    visit.finish(ended.key, ended.ran);
    visit.end();
}
