//! A layer that replaces `ConcurrencyLimit`, `LoadShed` and `Timeout`: requests are served in the
//! order of their deadlines, and those that can't be served in time hear it at once.
//!
//! A [`DeadlineLayer`] goes around any service that can be cloned: axum's routers and routes,
//! tonic's servers, hyper's.
//!
//! - A request has a *deadline*: a header says it, an extension, a closure ([`extract`]), or it is
//!   the layer's [budget](Builder::budget) after the call.
//! - So many are served at a time: a fixed number, or one that the layer finds itself ([`limit`]).
//!   The others wait, and the one with the earliest deadline is next.
//! - Those that can't be served in time are *rejected*, before their time is over: at once, when
//!   others are worth more for what they cost, or at their latest start. The
//!   [`Rejection`] says why, and when to come back. No runtime's timer is needed for it.
//! - A request that is served when its deadline passes is [given up](Overrun::GiveUp).
//! - What requests cost is [learned](crate::scheduler#costs), by class: it is the time from the
//!   place to the answer.
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use http::{Request, Response};
//! use punctual::adapters::tower::extract::GrpcTimeout;
//! use punctual::adapters::tower::{DeadlineLayer, Rejection};
//! # use std::future::{Ready, ready};
//! # use std::task::{Context, Poll};
//! # use tower_layer::Layer;
//! # use tower_service::Service;
//! # #[derive(Clone)]
//! # struct Greeter;
//! # impl Service<Request<String>> for Greeter {
//! #     type Response = Response<String>;
//! #     type Error = Infallible;
//! #     type Future = Ready<Result<Response<String>, Infallible>>;
//! #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
//! #         Poll::Ready(Ok(()))
//! #     }
//! #     fn call(&mut self, request: Request<String>) -> Self::Future {
//! #         ready(Ok(Response::new(request.into_body())))
//! #     }
//! # }
//!
//! let layer = DeadlineLayer::builder()
//!     .concurrency(8)
//!     .budget(Duration::from_millis(250)) // of those that say nothing
//!     .extract(GrpcTimeout)
//!     .answer(Rejection::to_http) // or to_grpc; without it, calls fail with an `Error`
//!     .build()?;
//! let mut service = layer.layer(Greeter); // axum: router.layer(layer.clone())
//!
//! let request = Request::builder().header("grpc-timeout", "80m").body("hello".to_owned())?;
//! let answer = service.call(request);
//! # let mut answer = Box::pin(answer);
//! # let mut context = Context::from_waker(std::task::Waker::noop());
//! # let Poll::Ready(Ok(answer)) = answer.as_mut().poll(&mut context) else { unreachable!() };
//! assert_eq!(answer.body(), "hello"); // awaited
//! assert_eq!(layer.stats().done, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds a place
//!
//! A request has its place from its turn in the queue until the service's future ends, fails,
//! panics, is given up or dropped: the wait until the service is ready included. A service that
//! isn't ready is no overload. A request's body that the handler reads counts: a client that sends
//! it slowly holds the place meanwhile, for at most the [longest budget](Builder::longest_budget).
//! Collect bodies outside of the layer where that matters. The body of a response, and an idle
//! connection, hold none. A request whose future is dropped in the queue leaves it.
//!
//! Whose turn it is holds a place from then on, and is woken. A future that nobody polls then (a
//! branch of a `select!` that waits while another one's handler runs, a `FuturesUnordered` that
//! nobody drains) keeps that place from others until it is polled or dropped: no deadline can
//! take it away, since the layer polls nobody's futures. Give calls to tasks of their own, or drop
//! what is not wanted any more. One that is polled after its deadline is given up, and the service
//! is not called.
//!
//! # Several layers
//!
//! A [`Budget`](crate::scheduler::Budget) that is [passed on](extract::Passing) is a time by the
//! layer's clock, and each layer's default clock has an origin of its own. Layers that pass budgets
//! to each other need one clock; they have it if they share a timer, and its thread too:
//!
//! ```
//! use punctual::adapters::tower::DeadlineLayer;
//! use punctual::adapters::tower::extract::{FromExtension, GrpcTimeout, Passing};
//! use punctual::time::MonotonicClock;
//! use punctual::timer::Timer;
//!
//! let timer = Timer::new(MonotonicClock::new())?;
//! let outer = DeadlineLayer::builder().timer(timer.clone()).extract(Passing(GrpcTimeout));
//! let inner = DeadlineLayer::builder().timer(timer).extract(FromExtension);
//! let (outer, inner) = (outer.build()?, inner.build()?);
//! # let _ = (outer, inner);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Give a place to what computes, and as many as there are cores: more only dilute the order. A
//! service that waits for others (a database, another service, threads that compute) needs as many
//! places as it should have in flight there, and one or two more, so that nobody is idle while a
//! place changes hands.
//!
//! A handler that computes in place holds the runtime's thread that would read the next requests.
//! While all threads compute, nobody sees what comes, and what nobody sees is in no order: leave a
//! thread free, by fewer places than the runtime has threads, or compute elsewhere.
//!
//! With the feature `tracing`, every rejection is an event of the level `DEBUG`.
//!
//! # Costs
//!
//! Beside the service a request costs a lock to come in and one to leave, O(log n) in the queue,
//! and some clones of `Arc`s; one that the service doesn't answer at once costs two more locks for
//! its deadline.
//! Nothing is allocated but by growth. All services of a layer share one lock, under which none of
//! their code runs.
//!
//! | file | idea |
//! | --- | --- |
//! | `layer`, `builder` | the handle, and how it is made |
//! | `service`, `future` | a request's way |
//! | `gate` | the queue: a scheduler behind a lock |
//! | `extract` | what a request needs |
//! | `error`, `reply`, `response` | how to say no |
//! | `limit` | how many at a time |

mod builder;
mod error;
pub mod extract;
mod future;
mod gate;
mod layer;
pub mod limit;
mod reply;
mod response;
mod service;

pub use builder::{Builder, Concurrency};
pub use error::{BuildError, Cause, Error, Rejection};
pub use future::ResponseFuture;
pub use layer::{DeadlineLayer, Overrun};
pub use reply::{Answer, Fail, Reply};
pub use service::DeadlineService;
