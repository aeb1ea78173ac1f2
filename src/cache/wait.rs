//! Waiting for an answer, as a thread or as a future.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::error::WaitError;
use super::flight::{Flight, Outcome};
use super::load::Helped;
use crate::block::unpark_waker;
use crate::key::Key;
use crate::sync::{Arc, Weak, park};

/// What a wait needs of its cache.
pub(super) trait Host: Send + Sync {
    /// Nobody waits for this deadline any more.
    fn forget(&self, timer: Key);

    /// Whether loads run on this thread, so that it must not wait for one that has not begun.
    fn is_worker(&self) -> bool;
}

/// The way to an answer: a future, and something that a thread can [wait](Self::wait) for. What was
/// there is there at once.
///
/// Dropping it leaves the load alone: its result is good for whoever asks next.
#[must_use = "it does nothing for whoever drops it"]
pub struct Wait<V>(State<V>);

enum State<V> {
    Ready(Outcome<V>),
    Waiting(Waiting<V>),
    /// The outcome was given.
    Gone,
}

/// A place among those who wait for a flight.
pub(super) struct Waiting<V> {
    pub(super) flight: Arc<Flight<V>>,
    pub(super) number: usize,
    /// The deadline, if there is one.
    pub(super) timer: Option<Key>,
    pub(super) host: Weak<dyn Host>,
}

impl<V> Drop for Waiting<V> {
    fn drop(&mut self) {
        self.flight.leave(self.number);
        if let (Some(timer), Some(host)) = (self.timer, self.host.upgrade()) {
            host.forget(timer);
        }
    }
}

impl<V> Wait<V> {
    pub(super) const fn ready(outcome: Outcome<V>) -> Self {
        Self(State::Ready(outcome))
    }

    pub(super) const fn until(waiting: Waiting<V>) -> Self {
        Self(State::Waiting(waiting))
    }
}

// Nothing in it is pinned.
impl<V> Unpin for Wait<V> {}

impl<V: Clone> Wait<V> {
    /// Waits for the answer, at most for the budget.
    ///
    /// A thread on which the cache's dispatcher runs loads (a worker of its pool) runs the load
    /// itself, if nobody has begun with it. A load that has begun and needs that thread, or that
    /// waits for a place behind one that does, can't go on meanwhile: await there instead.
    ///
    /// # Errors
    ///
    /// If there is no answer within the budget, the load fails, or the cache is dropped; also if
    /// the answer was given already.
    pub fn wait(mut self) -> Outcome<V> {
        let worker = match &self.0 {
            State::Waiting(waiting) => {
                let is_worker = waiting.host.upgrade().is_some_and(|host| host.is_worker());
                is_worker.then(|| {
                    waiting.flight.set_worker(waiting.number);
                    waiting.flight.clone()
                })
            }
            State::Ready(_) => None,
            State::Gone => return Err(WaitError::Closed),
        };
        let waker = unpark_waker();
        let mut context = Context::from_waker(&waker);
        let mut helped: Option<Helped> = None;
        loop {
            // A load that has not ended by then is dropped, and wanted again.
            if let Poll::Ready(outcome) = Pin::new(&mut self).poll(&mut context) {
                return outcome;
            }
            if helped.is_none() {
                helped = worker.as_ref().and_then(|flight| flight.body()?.begin());
            }
            let has_ended = helped.as_mut().is_some_and(|load| load.poll(&mut context).is_ready());
            if has_ended {
                helped = None;
            } else {
                park();
            }
        }
    }

    /// The answer, if there is one already.
    ///
    /// # Errors
    ///
    /// The wait, if there is none.
    pub fn try_take(mut self) -> Result<Outcome<V>, Self> {
        match self.take(|_| None) {
            Some(outcome) => Ok(outcome),
            None => Err(self),
        }
    }

    fn take(
        &mut self,
        make: impl FnOnce(Option<&core::task::Waker>) -> Option<core::task::Waker>,
    ) -> Option<Outcome<V>> {
        let outcome = match &self.0 {
            State::Waiting(waiting) => waiting.flight.poll(waiting.number, make)?,
            State::Ready(_) => match core::mem::replace(&mut self.0, State::Gone) {
                State::Ready(outcome) => return Some(outcome),
                State::Waiting(_) | State::Gone => return None,
            },
            State::Gone => return None,
        };
        self.0 = State::Gone;
        Some(outcome)
    }
}

impl<V: Clone> Future for Wait<V> {
    type Output = Outcome<V>;

    /// Once it has given the outcome it stays pending.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<V>> {
        let waker = context.waker();
        let make = |before: Option<&core::task::Waker>| {
            let is_same = before.is_some_and(|before| before.will_wake(waker));
            (!is_same).then(|| waker.clone())
        };
        self.take(make).map_or(Poll::Pending, Poll::Ready)
    }
}

impl<V> fmt::Debug for Wait<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Wait(..)")
    }
}

/// The way to several answers, in the order of their keys.
#[must_use = "it does nothing for whoever drops it"]
pub struct WaitMany<V> {
    waits: Vec<Result<Outcome<V>, Wait<V>>>,
}

impl<V: Clone> WaitMany<V> {
    pub(super) fn new(waits: Vec<Wait<V>>) -> Self {
        Self { waits: waits.into_iter().map(Wait::try_take).collect() }
    }

    /// Waits for all answers, at most for the budget.
    pub fn wait(self) -> Vec<Outcome<V>> {
        let waits = self.waits.into_iter();
        waits.map(|it| it.unwrap_or_else(Wait::wait)).collect()
    }
}

impl<V> Unpin for WaitMany<V> {}

impl<V: Clone> Future for WaitMany<V> {
    type Output = Vec<Outcome<V>>;

    /// Once it has given the answers it gives none any more.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Vec<Outcome<V>>> {
        let mut is_ready = true;
        for place in &mut self.waits {
            let Err(wait) = place else { continue };
            match Pin::new(wait).poll(context) {
                Poll::Ready(outcome) => *place = Ok(outcome),
                Poll::Pending => is_ready = false,
            }
        }
        if !is_ready {
            return Poll::Pending;
        }
        Poll::Ready(self.waits.drain(..).filter_map(Result::ok).collect())
    }
}

impl<V> fmt::Debug for WaitMany<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WaitMany").field("len", &self.waits.len()).finish()
    }
}
