//! A load, from its demand to its outcome, and who waits for it.

use std::task::Waker;

use super::answer::Answer;
use super::error::{LoadError, WaitError};
use super::load::Body;
use super::party::Party;
use crate::sync::{Arc, Mutex};
use crate::time::Time;

/// What those who wait are told.
pub(super) type Outcome<V> = Result<Answer<V>, WaitError>;

/// A load that is wanted or under way, as those know it who wait for it. Its locks are the last to
/// be taken, and no waker is called under them.
pub(super) struct Flight<V> {
    /// When it was asked for.
    pub(super) since: Time,
    state: Mutex<State<V>>,
    /// What is to be run, once it is known.
    body: Mutex<Option<Arc<Body>>>,
    dispatched: Mutex<Option<Party>>,
}

struct State<V> {
    outcome: Option<Outcome<V>>,
    /// By the number that each was given. The places of those who have left are used again.
    waiters: Vec<Option<Waiter>>,
    free: Vec<usize>,
}

/// Somebody who waits.
struct Waiter {
    /// The end of time for those who wait as long as it takes.
    deadline: Time,
    waker: Option<Waker>,
    is_worker: bool,
    /// An end that comes before that of the flight.
    end: Option<WaitError>,
}

impl<V> Flight<V> {
    pub(super) const fn new(since: Time) -> Self {
        let state = State { outcome: None, waiters: Vec::new(), free: Vec::new() };
        Self {
            since,
            state: Mutex::new(state),
            body: Mutex::new(None),
            dispatched: Mutex::new(None),
        }
    }

    /// Waits until the deadline: the number by which one is known.
    pub(super) fn join(&self, deadline: Time) -> usize {
        let mut state = self.state.lock();
        let waiter = Some(Waiter { deadline, waker: None, is_worker: false, end: None });
        match state.free.pop() {
            Some(number) => {
                state.waiters[number] = waiter;
                number
            }
            None => {
                state.waiters.push(waiter);
                state.waiters.len() - 1
            }
        }
    }

    pub(super) fn leave(&self, number: usize) {
        let mut state = self.state.lock();
        let left = state.waiters[number].take();
        state.free.push(number);
        drop(state);
        drop(left);
    }

    /// The deadline of the first who waits, if anybody does.
    pub(super) fn first_deadline(&self) -> Option<Time> {
        let state = self.state.lock();
        let waiting = state.waiters.iter().flatten().filter(|waiter| waiter.end.is_none());
        waiting.map(|waiter| waiter.deadline).min()
    }

    /// A waiter's deadline has come; says whether it comes before the outcome.
    pub(super) fn elapse(&self, number: usize, wakers: &mut Vec<Waker>) -> bool {
        let mut state = self.state.lock();
        if state.outcome.is_some() {
            return false;
        }
        let Some(Some(waiter)) = state.waiters.get_mut(number) else { return false };
        if waiter.end.is_some() {
            return false;
        }
        waiter.end = Some(WaitError::Elapsed);
        wakers.extend(waiter.waker.take());
        true
    }

    /// The outcome; whoever waited is to be woken. It comes back if there is one already.
    pub(super) fn land(&self, outcome: Outcome<V>, wakers: &mut Vec<Waker>) -> Option<Outcome<V>> {
        let mut state = self.state.lock();
        wakers.extend(state.waiters.iter_mut().flatten().filter_map(|it| it.waker.take()));
        if state.outcome.is_some() {
            return Some(outcome);
        }
        state.outcome = Some(outcome);
        None
    }

    /// The load was dropped, whose order said that it had to be done by `asked`: those who wait
    /// for longer may ask again. Returns the earliest of their deadlines.
    pub(super) fn land_until(&self, asked: Time, wakers: &mut Vec<Waker>) -> Option<Time> {
        let mut state = self.state.lock();
        let mut next: Option<Time> = None;
        for waiter in state.waiters.iter_mut().flatten().filter(|it| it.end.is_none()) {
            if waiter.deadline > asked {
                next = Some(next.map_or(waiter.deadline, |next| next.min(waiter.deadline)));
            } else {
                waiter.end = Some(WaitError::Failed(LoadError::Dropped));
                wakers.extend(waiter.waker.take());
            }
        }
        next
    }

    /// What is to be run; it goes on to whoever begins with it first. A worker that waits may be
    /// the one.
    pub(super) fn set_body(&self, body: &Arc<Body>, wakers: &mut Vec<Waker>) {
        *self.body.lock() = Some(body.clone());
        let mut state = self.state.lock();
        let workers = state.waiters.iter_mut().flatten().filter(|waiter| waiter.is_worker);
        wakers.extend(workers.filter_map(|waiter| waiter.waker.take()));
    }

    /// Who waits there could run the load.
    pub(super) fn set_worker(&self, number: usize) {
        if let Some(Some(waiter)) = self.state.lock().waiters.get_mut(number) {
            waiter.is_worker = true;
        }
    }

    pub(super) fn body(&self) -> Option<Arc<Body>> {
        self.body.lock().clone()
    }

    pub(super) fn set_dispatched(&self, dispatched: Party) {
        // Dropped outside the lock: it is somebody else's.
        let before = self.dispatched.lock().replace(dispatched);
        drop(before);
    }

    /// What its dispatcher has given for it.
    pub(super) fn dispatched(&self) -> Option<Party> {
        self.dispatched.lock().clone()
    }
}

impl<V: Clone> Flight<V> {
    /// The outcome for one who waits. If there is none yet, the waker that `make` gives is woken
    /// with it.
    pub(super) fn poll(
        &self,
        number: usize,
        make: impl FnOnce(Option<&Waker>) -> Option<Waker>,
    ) -> Option<Outcome<V>> {
        let mut state = self.state.lock();
        let State { outcome, waiters, .. } = &mut *state;
        let waiter = waiters[number].as_mut()?;
        if let Some(end) = &waiter.end {
            return Some(Err(end.clone()));
        }
        if let Some(outcome) = outcome {
            return Some(outcome.clone());
        }
        let unused = make(waiter.waker.as_ref()).and_then(|made| waiter.waker.replace(made));
        drop(state);
        drop(unused);
        None
    }
}
