//! A request on its way: queued, waiting for the service to be ready, served.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::error::{Cause, Rejection};
use super::extract::Extract;
use super::gate::{End, Entered, Gate, Place, Ticket};
use super::layer::{Overrun, Shared};
use super::reply::Reply;
use crate::scheduler::{Budget, Job};
use crate::sync::Arc;
use crate::time::Time;
use crate::timer::Sleep;

pin_project! {
    /// The future of a [`DeadlineService`](super::DeadlineService)'s call.
    ///
    /// It gives its place back when the service's future ends, fails, panics, passes the deadline,
    /// or when it is dropped, in the queue too. The body of a response needs no place.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<S, R, X, A>
    where
        S: Service<R>,
    {
        shared: Arc<Shared<X, A>>,
        #[pin]
        stage: Stage<S, R, S::Future>,
    }
}

pin_project! {
    /// In each, what the service needs is dropped before the place is free.
    #[project = StageProjection]
    enum Stage<S, R, F> {
        /// It waits for a place.
        Queued { call: Option<(S, R)>, job: Option<Job<()>>, ticket: Option<Ticket> },
        /// It waits for the service to be ready.
        Unready { call: Option<(S, R)>, turn: Option<Turn> },
        /// It is served.
        Served { #[pin] future: F, turn: Option<Turn> },
        /// It is over.
        Over,
    }
}

/// A place, and how long it may be held.
struct Turn {
    place: Place,
    /// When it is given up; there is no timer for what is done at once.
    limit: Limit,
}

enum Limit {
    Never,
    At(Time),
    Asleep(Time, Sleep),
}

impl<S: Service<R>, R, X, A> ResponseFuture<S, R, X, A> {
    pub(super) const fn new(
        service: S,
        request: R,
        job: Job<()>,
        shared: Arc<Shared<X, A>>,
    ) -> Self {
        let call = Some((service, request));
        Self { shared, stage: Stage::Queued { call, job: Some(job), ticket: None } }
    }
}

impl<S, R, X, A> Future for ResponseFuture<S, R, X, A>
where
    S: Service<R>,
    X: Extract<R>,
    A: Reply<S::Response, S::Error>,
{
    type Output = Result<S::Response, A::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let reply = &this.shared.reply;
            let output = match this.stage.as_mut().poll(this.shared, context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Step::Next) => continue,
                Poll::Ready(Step::Rejected(rejection)) => {
                    #[cfg(feature = "tracing")]
                    tracing::debug!(%rejection, "a request is rejected");
                    reply.reject(&rejection)
                }
                Poll::Ready(Step::Output(result)) => result.map_err(|error| reply.fail(error)),
            };
            this.stage.set(Stage::Over);
            return Poll::Ready(output);
        }
    }
}

/// What a stage has come to.
enum Step<T, E> {
    /// The next stage has begun.
    Next,
    Rejected(Rejection),
    Output(Result<T, E>),
}

impl<S: Service<R>, R> Stage<S, R, S::Future> {
    fn poll<X: Extract<R>, A>(
        mut self: Pin<&mut Self>,
        shared: &Shared<X, A>,
        context: &mut Context<'_>,
    ) -> Poll<Step<S::Response, S::Error>> {
        match self.as_mut().project() {
            StageProjection::Queued { call, job, ticket } => {
                let place = match queue(&shared.gate, job, ticket, context) {
                    Poll::Ready(Ok(place)) => place,
                    Poll::Ready(Err(rejection)) => return Poll::Ready(Step::Rejected(rejection)),
                    Poll::Pending => return Poll::Pending,
                };
                let has_waited = ticket.is_some();
                let budget = place.deadline().map_or(Budget::UNLIMITED, Budget::until);
                let turn = Turn::new(place, shared.overrun);
                let Some((service, mut request)) = call.take() else { return Poll::Pending };
                // Who was told of its turn may be polled much later.
                if has_waited && turn.has_passed() {
                    drop((service, request));
                    return Poll::Ready(turn.be_too_late());
                }
                shared.extract.pass_on(&mut request, budget);
                let turn = Some(turn);
                self.set(Self::Unready { call: Some((service, request)), turn });
                Poll::Ready(Step::Next)
            }
            StageProjection::Unready { .. } => self.make_ready(context),
            StageProjection::Served { .. } => self.serve(context),
            StageProjection::Over => Poll::Pending,
        }
    }

    /// The service isn't ready yet, which is its own affair: the request keeps its place.
    fn make_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Step<S::Response, S::Error>> {
        let StageProjection::Unready { call, turn } = self.as_mut().project() else {
            return Poll::Pending;
        };
        // Whatever panics, the place is free once the panic has passed by; the service and the
        // request are dropped before.
        let Some(mut held) = turn.take() else { return Poll::Pending };
        let Some((mut service, request)) = call.take() else { return Poll::Pending };
        match service.poll_ready(context) {
            Poll::Ready(Ok(())) if held.was_asleep_too_long() => {
                drop((service, request));
                Poll::Ready(held.give_up())
            }
            Poll::Ready(Ok(())) => {
                let future = service.call(request);
                self.set(Self::Served { future, turn: Some(held) });
                Poll::Ready(Step::Next)
            }
            Poll::Ready(Err(error)) => {
                drop((service, request));
                Poll::Ready(held.end(Err(error)))
            }
            Poll::Pending if held.is_over(context) => {
                drop((service, request));
                Poll::Ready(held.give_up())
            }
            Poll::Pending => {
                (*call, *turn) = (Some((service, request)), Some(held));
                Poll::Pending
            }
        }
    }

    fn serve(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Step<S::Response, S::Error>> {
        let StageProjection::Served { future, turn } = self.as_mut().project() else {
            return Poll::Pending;
        };
        let Some(mut held) = turn.take() else { return Poll::Pending };
        // The future is dropped before the place is free, also if it panics, and if it panics again
        // when it is dropped.
        let polled = catch_unwind(AssertUnwindSafe(|| future.poll(context)));
        let polled = polled.unwrap_or_else(|thrown| {
            let dropped = catch_unwind(AssertUnwindSafe(|| self.set(Self::Over)));
            dropped.unwrap_or_else(core::mem::forget);
            resume_unwind(thrown)
        });
        match polled {
            Poll::Ready(result) => {
                self.set(Self::Over);
                Poll::Ready(held.end(result))
            }
            Poll::Pending if held.is_over(context) => {
                self.set(Self::Over);
                Poll::Ready(held.give_up())
            }
            Poll::Pending => {
                if let StageProjection::Served { turn, .. } = self.project() {
                    *turn = Some(held);
                }
                Poll::Pending
            }
        }
    }
}

/// The first poll submits the request, and every other asks what has become of it.
fn queue(
    gate: &Arc<Gate>,
    job: &mut Option<Job<()>>,
    ticket: &mut Option<Ticket>,
    context: &Context<'_>,
) -> Poll<Result<Place, Rejection>> {
    let Some(job) = job.take() else {
        return ticket.as_mut().map_or(Poll::Pending, |ticket| ticket.poll(context.waker()));
    };
    match gate.enter(job, context.waker()) {
        Entered::Place(place) => Poll::Ready(Ok(place)),
        Entered::Rejected(rejection) => Poll::Ready(Err(rejection)),
        Entered::Queued(queued) => {
            *ticket = Some(queued);
            Poll::Pending
        }
    }
}

impl Turn {
    fn new(place: Place, overrun: Overrun) -> Self {
        let limit = match (overrun, place.deadline()) {
            (Overrun::GiveUp, Some(deadline)) => Limit::At(deadline),
            _ => Limit::Never,
        };
        Self { place, limit }
    }

    /// Whether the request has to be given up. If not, it is polled again when it has.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        if let Limit::At(deadline) = self.limit {
            self.limit = Limit::Asleep(deadline, self.place.timer().sleep_until(deadline));
        }
        match &mut self.limit {
            Limit::Asleep(_, sleep) => Pin::new(sleep).poll(context).is_ready(),
            Limit::At(_) | Limit::Never => false,
        }
    }

    /// Whether it is too late to begin.
    fn has_passed(&self) -> bool {
        match self.limit {
            Limit::At(deadline) | Limit::Asleep(deadline, _) => {
                deadline <= self.place.timer().now()
            }
            Limit::Never => false,
        }
    }

    /// The same for one that had to wait for the service; who had not was just looked at.
    fn was_asleep_too_long(&self) -> bool {
        matches!(self.limit, Limit::Asleep(..)) && self.has_passed()
    }

    fn end<T, E>(self, result: Result<T, E>) -> Step<T, E> {
        self.place.leave(if result.is_ok() { End::Served } else { End::Failed });
        Step::Output(result)
    }

    fn give_up<T, E>(self) -> Step<T, E> {
        self.place.leave(End::GivenUp);
        Step::Rejected(Rejection::new(Cause::GivenUp, Duration::ZERO))
    }

    /// The service has no part in it, and nothing is learned.
    fn be_too_late<T, E>(self) -> Step<T, E> {
        self.place.leave(End::Failed);
        Step::Rejected(Rejection::new(Cause::GivenUp, Duration::ZERO))
    }
}

impl<S: Service<R>, R, X, A> fmt::Debug for ResponseFuture<S, R, X, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
