//! The service: every request waits in a future of its own.

use core::fmt;
use core::task::{Context, Poll};

use tower_service::Service;

use super::extract::Extract;
use super::future::ResponseFuture;
use super::layer::Shared;
use super::reply::Reply;
use crate::scheduler::Job;
use crate::sync::Arc;

/// A service whose requests are served in the order of their deadlines: see
/// [`DeadlineLayer`](super::DeadlineLayer).
///
/// It is always ready, and reserves nothing for a call: a caller that is ready and doesn't call
/// keeps nobody waiting. A request that is called is queued when its future is first polled, and is
/// served by a clone of the inner service.
pub struct DeadlineService<S, X, A> {
    inner: S,
    shared: Arc<Shared<X, A>>,
}

impl<S, X, A> DeadlineService<S, X, A> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<X, A>>) -> Self {
        Self { inner, shared }
    }

    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside, which the layer has nothing to do with any more.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<X, A> Shared<X, A> {
    /// What a request needs, with a deadline for certain.
    fn job<R>(&self, request: &R) -> Job<()>
    where
        X: Extract<R>,
    {
        let now = self.gate.timer().now();
        let job = self.extract.job(request);
        let from = job.release.map_or(now, |release| release.max(now));
        let due = job.due(now).unwrap_or(from + self.budget);
        job.deadline(due.min(from + self.longest))
    }
}

impl<S, R, X, A> Service<R> for DeadlineService<S, X, A>
where
    S: Service<R> + Clone,
    X: Extract<R>,
    A: Reply<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = A::Error;
    type Future = ResponseFuture<S, R, X, A>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), A::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let job = self.shared.job(&request);
        // The clone has not been asked whether it is ready, and neither has the original.
        ResponseFuture::new(self.inner.clone(), request, job, Arc::clone(&self.shared))
    }
}

impl<S: Clone, X, A> Clone for DeadlineService<S, X, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug, X, A> fmt::Debug for DeadlineService<S, X, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DeadlineService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
