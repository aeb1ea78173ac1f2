//! Who waits, who is served, and who hears a 'no': a scheduler behind a lock.
//!
//! Under the lock nobody else's code runs: wakers are cloned before it, and woken and dropped after
//! it. Whatever is called settles what is due, and sets the alarm for what is due next.

use core::task::{Poll, Waker};
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Wake;

use super::error::{Cause, Rejection};
use super::limit::{Adaptive, Limiter, Sample};
use crate::key::{Key, KeyedStore};
use crate::scheduler::{
    Class, ClassStats, Config, ConfigError, Job, Load, Next, Outcome, RefuseReason, Scheduler,
    Stats, Verdict,
};
use crate::sync::{Arc, Mutex, Weak};
use crate::time::Time;
use crate::timer::{Alarm, Timer};

/// So many are woken before the lock is free for others again.
const BATCH: usize = 32;

/// The scheduler of all services that a layer makes.
pub(super) struct Gate {
    timer: Timer,
    alarm: Alarm,
    state: Mutex<State>,
}

struct State {
    /// Its jobs carry the keys of those who wait.
    scheduler: Scheduler<Key>,
    waiting: KeyedStore<Waiting>,
    limiter: Option<Limiter>,
}

/// A request that has no place yet, or hasn't taken it.
struct Waiting {
    /// Its job; `None` only until it is submitted.
    job: Option<Key>,
    waker: Option<Waker>,
    decision: Option<Decision>,
}

#[derive(Clone, Copy)]
enum Decision {
    Start(Start),
    Reject(Rejection),
}

/// A job that runs.
#[derive(Clone, Copy)]
struct Start {
    job: Key,
    deadline: Option<Time>,
    started: Time,
    has_waited: bool,
}

/// How a request gives its place back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was served.
    Served,
    /// The service returned an error, panicked, or nobody wants the answer any more.
    Failed,
    /// It was given up at its deadline: it would have taken longer.
    GivenUp,
}

/// What becomes of a request at first.
pub(super) enum Entered {
    Place(Place),
    Rejected(Rejection),
    Queued(Ticket),
}

/// A request in the queue. Dropping it leaves the queue, or gives the place back that it was given
/// meanwhile.
pub(super) struct Ticket {
    gate: Arc<Gate>,
    /// `None` once it knows what has become of it.
    waiting: Option<Key>,
}

/// The right to be served. Dropping it gives the place back, as failed.
pub(super) struct Place {
    gate: Arc<Gate>,
    /// `None` once it is given back.
    start: Option<Start>,
}

/// Looks at the gate when something is due that nobody else comes for.
struct Look(Weak<Gate>);

impl Wake for Look {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(gate) = self.0.upgrade() {
            gate.settle(|state, now, wakers| ((), state.turn(now, wakers)));
        }
    }
}

impl Gate {
    pub(super) fn new(
        config: Config,
        adaptive: Option<Adaptive>,
        timer: Timer,
    ) -> Result<Arc<Self>, ConfigError> {
        let state = Mutex::new(State {
            scheduler: Scheduler::new(config)?,
            waiting: KeyedStore::new(),
            limiter: adaptive.map(Limiter::new),
        });
        Ok(Arc::new_cyclic(|gate| {
            let look = Arc::new(Look(Weak::clone(gate)));
            Self { alarm: Alarm::new(&timer, look.into()), timer, state }
        }))
    }

    pub(super) fn timer(&self) -> &Timer {
        &self.timer
    }

    pub(super) fn stats(&self) -> Stats {
        self.state.lock().scheduler.stats()
    }

    pub(super) fn class_stats(&self, class: Class) -> Option<ClassStats> {
        self.state.lock().scheduler.class_stats(class).cloned()
    }

    pub(super) fn load(&self) -> Load {
        self.settle(|state, now, wakers| (state.scheduler.load(now), state.turn(now, wakers)))
    }

    pub(super) fn expected_cost(&self, class: Class) -> Option<Duration> {
        self.state.lock().scheduler.expected_cost(class)
    }

    pub(super) fn margin(&self, class: Class) -> Option<Duration> {
        self.state.lock().scheduler.margin(class)
    }

    /// How many may be served at once.
    pub(super) fn limit(&self) -> u32 {
        self.state.lock().scheduler.config().workers
    }

    /// Takes nobody any more.
    pub(super) fn shutdown(&self, by: Time) {
        self.settle(|state, now, wakers| {
            state.scheduler.shutdown(now, by);
            ((), state.turn(now, wakers))
        });
    }

    /// A request comes in.
    pub(super) fn enter(self: &Arc<Self>, job: Job<()>, waker: &Waker) -> Entered {
        // Whoever is decided on at once needs no waker: what is left of it is dropped at the end.
        let mut waker = Some(waker.clone());
        let entered = self.settle(|state, now, wakers| match state.submit(job, now) {
            Ok(waiting) => {
                let turn = state.turn(now, wakers);
                let decision = state.take_decision(waiting);
                if decision.is_none() {
                    state.replace_waker(waiting, &mut waker);
                }
                (decision.ok_or(waiting), turn)
            }
            Err(rejection) => (Ok(Decision::Reject(rejection)), state.turn(now, wakers)),
        });
        match entered {
            Ok(decision) => self.told(decision).map_or_else(Entered::Rejected, Entered::Place),
            Err(waiting) => {
                Entered::Queued(Ticket { gate: Arc::clone(self), waiting: Some(waiting) })
            }
        }
    }

    /// What a request makes of the decision on it.
    fn told(self: &Arc<Self>, decision: Decision) -> Result<Place, Rejection> {
        match decision {
            Decision::Start(start) => Ok(Place { gate: Arc::clone(self), start: Some(start) }),
            Decision::Reject(rejection) => Err(rejection),
        }
    }

    /// Does something under the lock, and after it wakes whom that concerns.
    fn settle<T>(&self, act: impl FnOnce(&mut State, Time, &mut Wakers) -> (T, Turn)) -> T {
        let mut wakers = Wakers::default();
        let now = self.timer.now();
        let (result, mut turn) = act(&mut self.state.lock(), now, &mut wakers);
        loop {
            wakers.wake();
            match turn {
                Turn::Wait(None) => return result,
                Turn::Wait(Some(until)) => {
                    self.alarm.set(until);
                    return result;
                }
                Turn::Full => turn = self.state.lock().turn(self.timer.now(), &mut wakers),
            }
        }
    }
}

impl Ticket {
    /// What became of the request; `waker` is woken when that is known.
    pub(super) fn poll(&mut self, waker: &Waker) -> Poll<Result<Place, Rejection>> {
        let Some(waiting) = self.waiting else { return Poll::Pending };
        let mut waker = Some(waker.clone());
        let mut state = self.gate.state.lock();
        let decision = state.take_decision(waiting);
        if decision.is_none() {
            state.replace_waker(waiting, &mut waker);
        }
        drop(state);
        match decision {
            None => Poll::Pending,
            Some(decision) => {
                self.waiting = None;
                Poll::Ready(self.gate.told(decision))
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(key) = self.waiting.take() else { return };
        let left = self.gate.settle(|state, now, wakers| {
            let left = state.waiting.remove(key);
            match left.as_ref().map(|it| (it.decision, it.job)) {
                Some((Some(Decision::Start(start)), _)) => state.leave(start, End::Failed, now),
                Some((None, Some(job))) => drop(state.scheduler.cancel(job)),
                _ => {}
            }
            (left, state.turn(now, wakers))
        });
        drop(left);
    }
}

impl Place {
    /// When the request must be served.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.start.and_then(|start| start.deadline)
    }

    pub(super) fn timer(&self) -> &Timer {
        &self.gate.timer
    }

    /// Gives the place back.
    pub(super) fn leave(mut self, end: End) {
        self.give_back(end);
    }

    fn give_back(&mut self, end: End) {
        if let Some(start) = self.start.take() {
            self.gate.settle(|state, now, wakers| {
                state.leave(start, end, now);
                ((), state.turn(now, wakers))
            });
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_back(End::Failed);
    }
}

/// What a turn ended with.
enum Turn {
    /// Nothing to do before this time.
    Wait(Option<Time>),
    /// So many are to be woken that others should have the lock first.
    Full,
}

impl State {
    /// Queues a request, and returns its place among those who wait.
    fn submit(&mut self, job: Job<()>, now: Time) -> Result<Key, Rejection> {
        let eligible = job.release.map_or(now, |release| release.max(now));
        let waiting = Waiting { job: None, waker: None, decision: None };
        let waiting = self.waiting.insert(waiting);
        match self.scheduler.submit(now, job.carrying(waiting)) {
            Ok(submitted) => {
                if let Some(it) = self.waiting.get_mut(waiting) {
                    it.job = Some(submitted.key());
                }
                Ok(waiting)
            }
            Err(refused) => {
                self.waiting.remove(waiting);
                let cause = Cause::NotStarted(Verdict::Refused(refused.reason));
                match refused.reason {
                    RefuseReason::Infeasible(forecast) if forecast.latest_start <= eligible => {
                        Err(Rejection::hopeless(cause))
                    }
                    _ => Err(Rejection::new(cause, self.backlog(now))),
                }
            }
        }
    }

    /// Decides on all who can be decided on now, up to a batch.
    fn turn(&mut self, now: Time, wakers: &mut Wakers) -> Turn {
        let mut backlog = None;
        while !wakers.is_full() {
            let (waiting, decision) = match self.scheduler.poll(now) {
                Next::Run(running) => {
                    let start = Start {
                        job: running.key,
                        deadline: running.deadline,
                        started: now,
                        has_waited: !running.waited.is_zero(),
                    };
                    (running.payload, Decision::Start(start))
                }
                Next::Shed(shed) => {
                    let cause = Cause::NotStarted(Verdict::Shed(shed.reason));
                    let backlog = *backlog.get_or_insert_with(|| self.backlog(now));
                    (shed.payload, Decision::Reject(Rejection::new(cause, backlog)))
                }
                Next::Wait(until) => return Turn::Wait(until),
            };
            let waiting = self.waiting.get_mut(waiting);
            debug_assert!(waiting.is_some(), "whoever leaves cancels the job");
            if let Some(waiting) = waiting {
                waiting.decision = Some(decision);
                wakers.extend(waiting.waker.take());
            }
        }
        Turn::Full
    }

    /// The time until all that runs and is queued is done.
    fn backlog(&mut self, now: Time) -> Duration {
        let load = self.scheduler.load(now);
        load.running.saturating_add(load.queued) / self.scheduler.config().workers.max(1)
    }

    /// The decision on a request, which doesn't wait any more then.
    fn take_decision(&mut self, waiting: Key) -> Option<Decision> {
        let decision = self.waiting.get(waiting)?.decision?;
        self.waiting.remove(waiting);
        Some(decision)
    }

    /// Who is to be woken from now on. Whom nobody needs any more is left in `waker`, to be dropped
    /// outside of the lock.
    fn replace_waker(&mut self, waiting: Key, waker: &mut Option<Waker>) {
        if let Some(waiting) = self.waiting.get_mut(waiting) {
            core::mem::swap(&mut waiting.waker, waker);
        }
    }

    /// A request gives its place back.
    fn leave(&mut self, start: Start, end: End, now: Time) {
        let outcome = match end {
            End::Served => Outcome::Done,
            End::Failed => Outcome::Failed,
            End::GivenUp => Outcome::GivenUp,
        };
        self.scheduler.complete(now, start.job, outcome);
        let sample = Sample {
            started: start.started,
            ended: now,
            has_waited: start.has_waited,
            is_served: end == End::Served,
        };
        if let Some(limit) = self.limiter.as_mut().and_then(|it| it.observe(sample)) {
            let changed = self.scheduler.set_workers(now, limit);
            debug_assert!(changed.is_ok(), "a limit is never zero, and bounded by the builder");
        }
    }
}

/// Those who are woken when the lock is free.
#[derive(Default)]
struct Wakers {
    wakers: [Option<Waker>; BATCH],
    count: usize,
}

impl Wakers {
    fn is_full(&self) -> bool {
        self.count == BATCH
    }

    fn extend(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker
            && let Some(free) = self.wakers.get_mut(self.count)
        {
            *free = Some(waker);
            self.count += 1;
        }
    }

    /// Wakes them all. They are somebody else's code, and some are woken in a drop, while a panic
    /// may be on its way already: what they throw ends here.
    fn wake(&mut self) {
        for waker in self.wakers.iter_mut().take(self.count).filter_map(Option::take) {
            let woken = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            // What was thrown may panic when it is dropped.
            woken.unwrap_or_else(core::mem::forget);
        }
        self.count = 0;
    }
}
