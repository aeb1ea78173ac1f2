//! An axum server whose handlers have their work done by one compute thread.
//!
//! The server's own thread reads, decides and writes: it is never kept from that by a handler.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{BoxError, Router};
use core_affinity::CoreId;
use cpu_time::ThreadTime;
use punctual::adapters::tower::extract::MillisHeader;
use punctual::adapters::tower::limit::Adaptive;
use punctual::adapters::tower::{Concurrency, DeadlineLayer, Rejection};
use punctual::time::{Clock, MonotonicClock};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceBuilder;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::load_shed::error::Overloaded;
use tower::timeout::TimeoutLayer;

use super::{BUDGET, Contender, TIMEOUT_HEADER, spawn_pinned};
use crate::overload::job::{Cost, Jobs};

/// What a server saw of its answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Served {
    /// From the request's head to the answer's.
    pub(super) took: Duration,
    /// What the request said that it had.
    pub(super) budget: Duration,
}

/// What a server says at its end.
pub(super) struct Book {
    pub(super) served: Vec<Served>,
    /// The CPU time of its own thread.
    pub(super) cpu: Duration,
}

/// A server that runs.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<Duration, String>>,
    served: Arc<Mutex<Vec<Served>>>,
}

/// Work for the compute thread; who has given up isn't worked for.
type Work = oneshot::Sender<()>;

#[derive(Clone)]
struct Handler {
    compute: mpsc::Sender<Work>,
    served: Arc<Mutex<Vec<Served>>>,
    clock: MonotonicClock,
}

impl Server {
    /// Starts a server on one core, and its compute thread on another.
    pub(super) fn start(
        contender: Contender,
        jobs: &Jobs,
        [io, compute]: [CoreId; 2],
    ) -> Result<Self, String> {
        let (work, orders) = mpsc::channel::<Work>();
        let jobs = jobs.clone();
        spawn_pinned(compute, move || {
            for order in orders {
                if !order.is_closed() {
                    jobs.run(Cost::Long);
                    // Whoever has given up meanwhile doesn't hear it.
                    let _ = order.send(());
                }
            }
        });
        let served = Arc::new(Mutex::new(Vec::new()));
        let clock = MonotonicClock::new();
        let handler = Handler { compute: work, served: Arc::clone(&served), clock };
        let (stop, stopped) = oneshot::channel();
        let (address, addressed) = mpsc::channel();
        let thread = spawn_pinned(io, move || {
            let router = router(contender, handler)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(async {
                let listener =
                    TcpListener::bind("127.0.0.1:0").await.map_err(|it| it.to_string())?;
                let bound = listener.local_addr().map_err(|error| error.to_string())?;
                address.send(bound).map_err(|error| error.to_string())?;
                let start = ThreadTime::now();
                let serving = axum::serve(listener, router);
                tokio::select! {
                    ended = serving => ended.map_err(|error| error.to_string())?,
                    _ = stopped => {}
                }
                Ok(start.elapsed())
            })
        });
        match addressed.recv() {
            Ok(address) => Ok(Self { address, stop, thread, served }),
            Err(_) => Err(match thread.join() {
                Ok(Err(error)) => error,
                _ => "the server doesn't start".to_owned(),
            }),
        }
    }

    /// Ends the server.
    pub(super) fn stop(self) -> Result<Book, String> {
        let _ = self.stop.send(());
        let cpu = self.thread.join().map_err(|_| "the server has panicked".to_owned())??;
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Book { served: std::mem::take(&mut served), cpu })
    }
}

async fn work(State(handler): State<Handler>) -> StatusCode {
    let (order, done) = oneshot::channel();
    if handler.compute.send(order).is_err() || done.await.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    StatusCode::OK
}

/// Notes how long answers took, outside of everything else.
async fn note(State(handler): State<Handler>, request: Request, next: Next) -> Response {
    let start = handler.clock.now();
    let budget = MillisHeader::new(TIMEOUT_HEADER).budget(request.headers()).unwrap_or(BUDGET);
    let response = next.run(request).await;
    if response.status() == StatusCode::OK {
        let took = handler.clock.now().saturating_since(start);
        let mut served = handler.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.push(Served { took, budget });
    }
    response
}

fn router(contender: Contender, handler: Handler) -> Result<Router, String> {
    let router = Router::new().route("/", get(work)).with_state(handler.clone());
    let layered = match contender {
        Contender::Bare => router,
        Contender::Tower(limit) => router.layer(
            ServiceBuilder::new()
                .layer(HandleErrorLayer::new(status_of))
                .layer(LoadShedLayer::new())
                .layer(ConcurrencyLimitLayer::new(limit))
                .layer(TimeoutLayer::new(BUDGET)),
        ),
        Contender::Fixed(limit) => router.layer(ours(limit.into())?),
        Contender::Adaptive(least, most) => {
            router.layer(ours(Adaptive::between(least, most).into())?)
        }
    };
    Ok(layered.layer(from_fn_with_state(handler, note)))
}

type Ours = DeadlineLayer<
    MillisHeader,
    punctual::adapters::tower::Answer<fn(&Rejection) -> axum::http::Response<Body>>,
>;

fn ours(concurrency: Concurrency) -> Result<Ours, String> {
    let answer: fn(&Rejection) -> axum::http::Response<Body> = Rejection::to_http;
    DeadlineLayer::builder()
        .concurrency(concurrency)
        .budget(BUDGET)
        .extract(MillisHeader::new(TIMEOUT_HEADER))
        .answer(answer)
        .build()
        .map_err(|error| error.to_string())
}

async fn status_of(error: BoxError) -> StatusCode {
    match error.is::<Overloaded>() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::GATEWAY_TIMEOUT,
    }
}
