//! The server: one thread a worker, each with a runtime, a scheduler and connections of its own.

mod bid_job;
mod config;
mod connection;
mod listener;
mod metrics;
mod reload;
mod routes;
mod store;
mod watch;
mod worker;

pub(crate) use config::{Config, Limits, Listen, Order, ShedForm};
pub(crate) use listener::Address;
pub(crate) use metrics::Metrics;
pub(crate) use store::LoadError;

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use punctual::time::{Clock, MonotonicClock, Time};
use tokio::sync::watch as phases;
use tokio::task::{JoinError, LocalSet};

use listener::{Bound, Listener};
use reload::Reloads;
use store::Store;
use worker::{Phase, Shared, Worker};

/// Time for the sheds of a shutdown to reach their clients; only who hangs uses it up.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Time for the requests of the last connections to be read.
const FIRST_READ: Duration = Duration::from_millis(20);

/// The shortest time between two reports of connections that were not accepted.
const ACCEPT_REPORT: Duration = Duration::from_secs(1);

/// How long a worker that could not accept a connection waits before it tries again.
const ACCEPT_RETRY: Duration = Duration::from_millis(20);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("campaigns: {0}")]
    Campaigns(#[from] LoadError),
    #[error("cannot listen: {0}")]
    Listen(io::Error),
    #[error("cannot start a worker: {0}")]
    Worker(io::Error),
}

/// A running server. Dropping it leaves it running; [`Server::shutdown`] ends it.
pub(crate) struct Server {
    address: Address,
    shared: Arc<Shared>,
    phase: phases::Sender<Phase>,
    workers: Vec<JoinHandle<io::Result<()>>>,
}

impl Server {
    /// Reads the campaigns, binds the sockets and starts the workers.
    pub(crate) fn start(
        config: Config,
        campaigns: PathBuf,
        reload_ttl: Duration,
    ) -> Result<Self, StartError> {
        let (store, version) = Store::open(campaigns)?;
        let count = config.workers.max(1);
        let (listeners, address) =
            listener::bind(&config.listen, count).map_err(StartError::Listen)?;
        let metrics = Metrics::new();
        metrics.campaigns.set(i64::try_from(store.current().len()).unwrap_or(i64::MAX));
        let shared = Arc::new(Shared { clock: MonotonicClock::new(), config, metrics, store });
        let (phase, _) = phases::channel(Phase::Serving);
        let mut workers = Vec::with_capacity(count);
        for (number, listener) in listeners.into_iter().enumerate() {
            let (shared, drain) = (shared.clone(), Drain(phase.clone()));
            // Worker 0 owns what is shared.
            let reload = (number == 0).then_some((reload_ttl, version));
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            #[expect(clippy::disallowed_methods, reason = "a worker is a thread")]
            let worker = thread.spawn(move || {
                pin(&shared.config, number);
                let ended = work(shared, drain.0.subscribe(), listener, reload);
                if let Err(error) = &ended {
                    tracing::error!(%error, number, "a worker ended");
                }
                ended
            });
            // With an error the last guard drops, and the workers before it drain.
            workers.push(worker.map_err(StartError::Worker)?);
        }
        Ok(Self { address, shared, phase, workers })
    }

    /// Where clients reach the server.
    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// What the server has counted so far.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Completes when the server drains by itself, because a worker has ended.
    pub(crate) async fn worker_ended(&self) {
        let mut phase = self.phase.subscribe();
        // The sender is alive as long as this is borrowed.
        let _ = phase.wait_for(|phase| *phase == Phase::Draining).await;
    }

    /// Answers what is queued, then ends. Waits for the workers, and tells whether all of them
    /// have ended as they should.
    pub(crate) fn shutdown(self) -> bool {
        self.phase.send_replace(Phase::Draining);
        let mut all_well = true;
        for worker in self.workers {
            let ended = worker.join();
            if ended.is_err() {
                tracing::error!("a worker panicked");
            }
            all_well &= matches!(ended, Ok(Ok(())));
        }
        if let Address::Unix(path) = &self.address
            && let Err(error) = listener::remove_deserted(path)
        {
            tracing::warn!(%error, "the socket stays behind");
        }
        all_well
    }
}

/// Drains the whole server when a worker's thread ends, however it ends: the clients of a worker
/// that is gone would go on being sent to it.
struct Drain(phases::Sender<Phase>);

impl Drop for Drain {
    fn drop(&mut self) {
        self.0.send_replace(Phase::Draining);
    }
}

/// Keeps the present thread, which is that of a worker, on its core.
fn pin(config: &Config, number: usize) {
    let Some(core) = config.cores.get(number % config.cores.len().max(1)) else { return };
    if !core_affinity::set_for_current(*core) {
        tracing::warn!(number, core = core.id, "a worker could not be pinned");
    }
}

/// The life of a worker's thread.
fn work(
    shared: Arc<Shared>,
    phase: phases::Receiver<Phase>,
    bound: Bound,
    reload: Option<(Duration, store::Version)>,
) -> io::Result<()> {
    // The sockets are looked at after every evaluation: the evaluator's `yield_now` puts off its
    // wake until the runtime has polled the driver. With an event interval of 1 that is never
    // later than after the next task, of which the whole local set is one.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(1)
        .max_blocking_threads(1)
        .build()?;
    let ended = LocalSet::new().block_on(&runtime, async move {
        let listener = Listener::register(bound)?;
        let reloads = reload.map(|(ttl, version)| Reloads::new(ttl, version));
        let worker = Worker::new(shared, phase.clone(), reloads);
        let evaluator = tokio::task::spawn_local(worker.clone().serve_queue());
        let cutter = tokio::task::spawn_local(cut_overdue(worker.clone()));
        // Without either of the two a worker would take requests and never answer them.
        tokio::select! {
            () = serve(&worker, listener, phase) => Ok(()),
            ended = evaluator => Err(task_ended("the evaluator", &ended)),
            ended = cutter => Err(task_ended("the task of the time-outs", &ended)),
        }
    });
    // A read of the campaign file that hangs must not keep the worker.
    runtime.shutdown_timeout(LAST_WORDS);
    ended
}

fn task_ended(task: &str, ended: &Result<(), JoinError>) -> io::Error {
    io::Error::other(match ended {
        Ok(()) => format!("{task} came to an end"),
        Err(error) => format!("{task} ended: {error}"),
    })
}

/// Takes connections until the server drains, then ends them.
async fn serve(worker: &Rc<Worker>, listener: Listener, mut phase: phases::Receiver<Phase>) {
    let linger = worker.shared.config.limits.linger;
    tokio::select! {
        () = accept(worker, &listener) => {}
        () = async {
            // A dropped sender means the same as a drain.
            let _ = phase.wait_for(|phase| *phase == Phase::Draining).await;
            tokio::time::sleep(linger).await;
        } => {}
    }
    take_backlog(worker, listener).await;
    close(worker).await;
}

async fn cut_overdue(worker: Rc<Worker>) {
    let time_outs = worker.time_outs.clone();
    time_outs.cut_overdue(|| _ = worker.shared.metrics.timed_out.inc()).await;
}

/// Takes connections, for ever, as many at once as the limit allows.
async fn accept(worker: &Rc<Worker>, listener: &Listener) {
    let mut next_report = Time::ZERO;
    loop {
        while worker.connections.get() >= worker.shared.config.limits.connections {
            worker.connection_ended.notified().await;
        }
        match listener.accept().await {
            Ok(stream) => connection::spawn(worker, stream),
            Err(error) => {
                let now = worker.shared.clock.now();
                if now >= next_report {
                    tracing::warn!(%error, "a connection was not accepted");
                    next_report = now + ACCEPT_REPORT;
                }
                // The others mean that the process is out of descriptors or memory, of which
                // there is more after a while.
                if !has_left(&error) {
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }
}

/// Whether an error of `accept` says that the client has left before it was accepted.
fn has_left(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// Takes the connections that the kernel has made already, which would be reset otherwise.
async fn take_backlog(worker: &Rc<Worker>, listener: Listener) {
    let take = async {
        let mut taken = false;
        while worker.connections.get() < worker.shared.config.limits.connections
            && let Ok(Ok(stream)) = tokio::time::timeout(Duration::ZERO, listener.accept()).await
        {
            connection::spawn(worker, stream);
            taken = true;
        }
        taken
    };
    // The cooperative budget would make `accept` wait while there are connections still.
    if tokio::task::unconstrained(take).await {
        // A connection that has read nothing yet counts as idle and would be closed at once.
        tokio::time::sleep(FIRST_READ).await;
    }
}

/// Ends the connections: idle ones at once, others after their answer.
async fn close(worker: &Rc<Worker>) {
    worker.closing.send_replace(true);
    let all_ended = || async {
        while worker.connections.get() > 0 {
            worker.connection_ended.notified().await;
        }
    };
    if tokio::time::timeout(worker.shared.config.limits.grace, all_ended()).await.is_err() {
        worker.shed_all();
        let _ = tokio::time::timeout(LAST_WORDS, all_ended()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_panics_drains_the_server() {
        let phase = phases::Sender::new(Phase::Serving);
        let drain = Drain(phase.clone());
        let ended = std::panic::catch_unwind(move || {
            let _drain = drain;
            panic!("a bug in a worker");
        });
        assert!(ended.is_err());
        assert_eq!(*phase.borrow(), Phase::Draining);
    }

    #[test]
    fn only_a_client_that_has_left_is_no_reason_to_pause() {
        assert!(has_left(&io::ErrorKind::ConnectionAborted.into()));
        assert!(!has_left(&io::Error::from_raw_os_error(24)), "too many open files");
    }
}
