//! Bids: what a worker does for as long as a trial takes.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use core_affinity::CoreId;
use punctual::pool::Handle;
use punctual::scheduler::Job;
use punctual::time::{Clock, MonotonicClock, Time};

use super::sides::{ENTRIES, Found, Side};
use crate::cache::keys::Zipf;
use crate::overload::Trial;
use crate::overload::answers::{Answer, Answers};
use crate::overload::arrivals::{Arrivals, Lag, generate};
use crate::overload::job::{Cost, Jobs, Mix};
use crate::workload::random::Random;

/// So many entries a bid reads.
const READS: usize = 8;

/// Keys that are drawn before the trial.
const DRAWN: usize = 1 << 16;

/// How long the worker may take for what is queued when the last deadline is over.
const REST: Duration = Duration::from_millis(20);

/// A trial's bids. Clones are the same.
pub(super) struct Shift<S>(Arc<Inner<S>>);

struct Inner<S> {
    side: S,
    trial: Trial,
    clock: MonotonicClock,
    jobs: Jobs,
    arrivals: Arrivals,
    keys: Vec<u32>,
    answers: Vec<OnceLock<Answer>>,
    stale: AtomicU64,
    missing: AtomicU64,
    past_hard: AtomicU64,
    reads: AtomicU64,
}

/// What bids found in the cache.
pub(super) struct Seen {
    pub(super) reads: u64,
    pub(super) stale: u64,
    pub(super) missing: u64,
    pub(super) past_hard: u64,
}

/// One bid. If it is dropped before it ran, it was shed.
struct Bid<S> {
    id: u32,
    shift: Arc<Inner<S>>,
    has_run: bool,
}

impl<S: Side> Shift<S> {
    pub(super) fn new(side: S, clock: MonotonicClock, jobs: &Jobs, arrivals: Arrivals) -> Self {
        let (zipf, mut random) = (Zipf::new(ENTRIES, 0.99), Random::new(5));
        Self(Arc::new(Inner {
            side,
            trial: Trial::new(clock, jobs.clone(), Mix::Equal, arrivals.clone()),
            clock,
            jobs: jobs.clone(),
            keys: (0..DRAWN).map(|_| zipf.draw(&mut random)).collect(),
            answers: arrivals.ids().map(|_| OnceLock::new()).collect(),
            arrivals,
            stale: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            past_hard: AtomicU64::new(0),
            reads: AtomicU64::new(0),
        }))
    }

    pub(super) fn side(&self) -> &S {
        &self.0.side
    }

    /// Submits the bids when they are due, from another core, until all have had their time. Says
    /// how late they were submitted, and how many refreshes ended while bids were counted.
    pub(super) fn serve(
        &self,
        pool: &Handle,
        generator: CoreId,
        counted: &Range<Time>,
    ) -> (u64, Lag) {
        let inner = &self.0;
        let send = |id| {
            let mut bid = Bid { id, shift: inner.clone(), has_run: false };
            let job = Job::new(move |_| bid.run()).deadline(inner.arrivals.deadline(id));
            // A refused bid is dropped, and says so.
            if let Ok(ticket) = pool.submit(job) {
                ticket.detach();
            }
        };
        let wait_until = |time: Time| std::thread::sleep(time.saturating_since(inner.clock.now()));
        let watch = || {
            wait_until(counted.start);
            let before = inner.side.refreshes();
            wait_until(counted.end);
            let refreshes = inner.side.refreshes() - before;
            wait_until(inner.arrivals.last_deadline() + REST);
            refreshes
        };
        generate(&inner.trial, generator, send, watch)
    }

    pub(super) fn seen(&self) -> Seen {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let inner = &self.0;
        Seen {
            reads: count(&inner.reads),
            stale: count(&inner.stale),
            missing: count(&inner.missing),
            past_hard: count(&inner.past_hard),
        }
    }

    /// What became of the bids, once the pool is closed.
    pub(super) fn end(self) -> Answers {
        let mut answers = Answers::new(self.0.answers.len());
        for (id, answer) in (0..).zip(&self.0.answers) {
            if let Some(&answer) = answer.get() {
                answers.give(id, answer);
            }
        }
        answers.leave_rest();
        answers
    }
}

impl<S: Side> Inner<S> {
    fn read(&self, id: u32) {
        let (now, first) = (self.clock.now(), id as usize * READS);
        for at in first..first + READS {
            match self.side.read(self.keys[at % DRAWN], now) {
                Found::Fresh => {}
                Found::Stale => count(&self.stale),
                Found::Missing => count(&self.missing),
                Found::PastHard => count(&self.past_hard),
            }
        }
        self.reads.fetch_add(READS as u64, Ordering::Relaxed);
    }

    fn give(&self, id: u32, answer: Answer) {
        let given = self.answers[id as usize].set(answer);
        assert!(given.is_ok(), "bid {id} has two outcomes");
    }
}

fn count(of: &AtomicU64) {
    of.fetch_add(1, Ordering::Relaxed);
}

impl<S: Side> Bid<S> {
    fn run(&mut self) {
        let started = self.shift.clock.now();
        self.shift.read(self.id);
        self.shift.jobs.run(Cost::Usual);
        self.has_run = true;
        self.shift.give(self.id, Answer::Done { started, ended: self.shift.clock.now() });
    }
}

impl<S> Drop for Bid<S> {
    fn drop(&mut self) {
        if !self.has_run {
            let now = self.shift.clock.now();
            // The pool gives each job one outcome.
            let _ = self.shift.answers[self.id as usize].set(Answer::Shed(now));
        }
    }
}
