//! What a job consists of: a closure, a future, or a closure that borrows from a scope.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::home::{Home, Seat};
use super::outcome::Work;
use super::task::{Task, TaskRef, waker};
use crate::scheduler::Budget;
use crate::sync::Arc;

/// The part of a job that its submitter wrote.
pub(super) trait Body: Sized + Send {
    type Output: Send;
    /// What has to be run again when the job waits for something.
    type Rest: Send;
    /// What the submitter gets back of a job that isn't run.
    type Work: Send;
    /// The way back to its pool, if it can wait for something.
    type Home: Send + Sync;

    fn start(self, budget: Budget, task: &Arc<Task<Self>>) -> Step<Self>;

    fn resume(rest: Self::Rest, task: &Arc<Task<Self>>) -> Step<Self>;

    fn give_back(self) -> Self::Work;
}

/// A body that can wait and be woken.
pub(super) trait Waking: Body<Home = Home> + 'static {}

/// How far a body has come.
pub(super) enum Step<B: Body> {
    Done(B::Output),
    /// It waits for something, and this is how its queue knows it.
    Pending(B::Rest, TaskRef),
}

/// A closure.
pub(super) struct Call<F>(pub(super) F);

impl<F, R> Body for Call<F>
where
    F: FnOnce(Budget) -> R + Send + 'static,
    R: Send + 'static,
{
    type Output = R;
    type Rest = Infallible;
    type Work = Work<R>;
    type Home = ();

    fn start(self, budget: Budget, _: &Arc<Task<Self>>) -> Step<Self> {
        Step::Done((self.0)(budget))
    }

    fn resume(rest: Infallible, _: &Arc<Task<Self>>) -> Step<Self> {
        match rest {}
    }

    fn give_back(self) -> Work<R> {
        Work::call(self.0)
    }
}

/// A closure that borrows from the scope that waits for it.
pub(super) struct Scoped<F>(pub(super) F);

impl<F, R> Body for Scoped<F>
where
    F: FnOnce(Budget) -> R + Send,
    R: Send,
{
    type Output = R;
    type Rest = Infallible;
    type Work = ();
    type Home = ();

    fn start(self, budget: Budget, _: &Arc<Task<Self>>) -> Step<Self> {
        Step::Done((self.0)(budget))
    }

    fn resume(rest: Infallible, _: &Arc<Task<Self>>) -> Step<Self> {
        match rest {}
    }

    fn give_back(self) {}
}

/// A closure that makes a future.
pub(super) struct Async<F> {
    pub(super) make: F,
    pub(super) seat: Seat,
}

/// A future that was polled at least once.
pub(super) struct Polled<Fut> {
    future: Pin<Box<Fut>>,
    /// Held until the future is gone.
    _seat: Seat,
}

impl<F, Fut> Async<F>
where
    F: FnOnce(Budget) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    fn poll(mut polled: Polled<Fut>, task: &Arc<Task<Self>>) -> Step<Self> {
        let waker = waker(task);
        match polled.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Step::Done(output),
            Poll::Pending => Step::Pending(polled, task.clone()),
        }
    }
}

impl<F, Fut> Body for Async<F>
where
    F: FnOnce(Budget) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    type Output = Fut::Output;
    type Rest = Polled<Fut>;
    type Work = Work<Fut::Output>;
    type Home = Home;

    fn start(self, budget: Budget, task: &Arc<Task<Self>>) -> Step<Self> {
        let future = Box::pin((self.make)(budget));
        Self::poll(Polled { future, _seat: self.seat }, task)
    }

    fn resume(rest: Polled<Fut>, task: &Arc<Task<Self>>) -> Step<Self> {
        Self::poll(rest, task)
    }

    fn give_back(self) -> Work<Fut::Output> {
        Work::future(self.make)
    }
}

impl<F, Fut> Waking for Async<F>
where
    F: FnOnce(Budget) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
}
