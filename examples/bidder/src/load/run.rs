//! One open-loop run: requests go out when they are due, whatever the answers do.
//!
//! Latency is measured from the time a request was *due*, not from the time it was sent. A server
//! that stalls for a second is thus charged for every request that should have been served in that
//! second, and not only for the one that it happened to hold (no coordinated omission).

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use super::connection::OpenError;
use super::outcome::{Answer, Failure, Outcome, Stage};
use super::pool::Pool;
use super::report::Report;
use super::schedule::{Arrivals, Schedule};
use super::tally::Tally;
use super::target::Target;
use super::{clock, pace};
use crate::openrtb::parse_tmax_ms;

/// How many connections are opened before the first request is due.
const UP_FRONT_CONNECTIONS: usize = 8;

/// The time between two calls with the progress.
const PROGRESS_PERIOD: Duration = Duration::from_secs(1);

/// What a run does.
#[derive(Clone, Debug)]
pub(crate) struct LoadConfig {
    /// Where the requests go.
    pub(crate) target: Target,
    /// The mean rate of requests.
    pub(crate) rate_per_s: f64,
    /// How requests are spread over time.
    pub(crate) arrivals: Arrivals,
    /// Fixes the arrival times.
    pub(crate) seed: u64,
    /// A time at the start whose requests are sent but not reported.
    pub(crate) warm_up: Duration,
    /// The time after the warm-up whose requests are reported.
    pub(crate) duration: Duration,
    /// The most connections open at once; each takes a file descriptor.
    pub(crate) max_connections: usize,
    /// The most requests that wait for a connection; one more is `unsent`.
    pub(crate) max_queued: usize,
    /// The deadline of a request whose body has none, from the time it is due.
    pub(crate) tmax: Duration,
    /// After this time from its due time a request fails and its connection is closed.
    pub(crate) timeout: Duration,
}

impl LoadConfig {
    /// Makes a configuration with the defaults of the command line.
    pub(crate) fn new(target: Target, rate_per_s: f64, duration: Duration) -> Self {
        Self {
            target,
            rate_per_s,
            arrivals: Arrivals::Poisson,
            seed: 0,
            warm_up: Duration::ZERO,
            duration,
            max_connections: 4096,
            max_queued: 4096,
            tmax: Duration::from_millis(100),
            timeout: Duration::from_secs(5),
        }
    }

    fn check(&self) -> Result<(), LoadError> {
        if !(self.rate_per_s.is_finite() && self.rate_per_s > 0.0) {
            return Err(LoadError::Rate(self.rate_per_s));
        }
        if self.duration.is_zero() || self.warm_up.checked_add(self.duration).is_none() {
            return Err(LoadError::Duration);
        }
        if self.max_connections == 0 {
            return Err(LoadError::NoConnections);
        }
        Ok(())
    }
}

/// Why a run could not begin; once it has begun, failures are part of its report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LoadError {
    /// There is nothing to send.
    #[error("there are no requests to send")]
    NoRequests,
    /// The rate is not a positive number.
    #[error("the rate must be a positive number, not {0}")]
    Rate(f64),
    /// The duration is zero, or too long with the warm-up.
    #[error("the duration must be positive and in range")]
    Duration,
    /// The pool would be empty.
    #[error("at least one connection is needed")]
    NoConnections,
    /// The host is unknown.
    #[error("cannot resolve {0}: {1}")]
    Resolve(String, #[source] io::Error),
    /// The first connection was refused.
    #[error("cannot connect to {0}: {1}")]
    Unreachable(String, #[source] OpenError),
}

/// Where a run is, for a watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The time since the first request was due.
    pub(crate) elapsed: Duration,
    /// Whether the figures are still those of the warm-up.
    pub(crate) warming_up: bool,
    /// Requests given to a connection.
    pub(crate) sent: u64,
    /// Bids and no-bids.
    pub(crate) answered: u64,
    /// Answers that came after their deadline.
    pub(crate) late: u64,
    /// Requests without a usable answer, and answers with another status.
    pub(crate) failed: u64,
    /// The latency within which 99% of the answers came.
    pub(crate) p99_ns: u64,
}

/// Sends `requests` in turn, over and over, on the schedule, and reports what came of them.
///
/// It needs a current-thread runtime with I/O and time enabled, and takes one core whole (see
/// [`pace::until`]). It ends when every request has ended, at most one timeout after the last was
/// due; then nothing of it is left on the runtime. `progress` is called once a second.
pub(crate) async fn run(
    config: &LoadConfig,
    requests: &[Bytes],
    progress: impl FnMut(&Progress),
) -> Result<Report, LoadError> {
    config.check()?;
    if requests.is_empty() {
        return Err(LoadError::NoRequests);
    }
    let shots: Vec<Shot> = requests.iter().map(|body| Shot::new(body, config.tmax)).collect();
    LocalSet::new().run_until(drive(config, &shots, progress)).await
}

async fn drive(
    config: &LoadConfig,
    shots: &[Shot],
    progress: impl FnMut(&Progress),
) -> Result<Report, LoadError> {
    let target = &config.target;
    let endpoint =
        target.resolve().await.map_err(|error| LoadError::Resolve(target.to_string(), error))?;
    let LoadConfig { max_connections, max_queued, .. } = *config;
    let pool = Pool::open(endpoint, max_connections, max_queued, UP_FRONT_CONNECTIONS)
        .await
        .map_err(|error| LoadError::Unreachable(target.to_string(), error))?;
    let load = Rc::new(Load { pool, timeout: config.timeout });
    let books = Books { warm_up: book(), measured: book() };
    let start = clock::now();
    let window = tokio::select! {
        biased;
        window = send_all(config, shots, &load, &books, start) => window,
        never = watch(config, &books, start, progress) => match never {},
    };
    let tally = books.measured.borrow();
    tally.counts().assert_invariants();
    debug_assert_eq!(tally.counts().ended(), tally.counts().scheduled);
    Ok(Report::new(&tally, config.rate_per_s, window))
}

/// Sends every request when it is due and waits for the last to end; returns the measured window.
async fn send_all(
    config: &LoadConfig,
    shots: &[Shot],
    load: &Rc<Load>,
    books: &Books,
    start: Duration,
) -> Duration {
    // The channel carries nothing: it closes when the last request has dropped its sender.
    let (alive, mut ended) = mpsc::channel::<Infallible>(1);
    let span = config.warm_up + config.duration;
    let schedule = Schedule::new(config.arrivals, config.rate_per_s, span, config.seed);
    for (offset, shot) in schedule.zip(shots.iter().cycle()) {
        let due = start + offset;
        pace::until(due).await;
        let (load, shot, alive) = (Rc::clone(load), shot.clone(), alive.clone());
        let book = if offset < config.warm_up { &books.warm_up } else { &books.measured }.clone();
        spawn_local(async move {
            load.request(shot, due, &book).await;
            drop(alive);
        });
    }
    let sending = clock::now() - start;
    drop(alive);
    let never = ended.recv().await;
    debug_assert!(never.is_none());
    sending.saturating_sub(config.warm_up).max(config.duration)
}

async fn watch(
    config: &LoadConfig,
    books: &Books,
    start: Duration,
    mut progress: impl FnMut(&Progress),
) -> Infallible {
    loop {
        sleep(PROGRESS_PERIOD).await;
        let elapsed = clock::now() - start;
        let warming_up = elapsed < config.warm_up;
        let tally = if warming_up { &books.warm_up } else { &books.measured }.borrow();
        let counts = tally.counts();
        progress(&Progress {
            elapsed,
            warming_up,
            sent: counts.sent,
            answered: counts.answered(),
            late: counts.late,
            failed: counts.ended() - counts.answered(),
            p99_ns: tally.latency_p99_ns(),
        });
    }
}

/// Requests of the warm-up are booked apart, so that nothing else needs to know of it.
struct Books {
    warm_up: Rc<RefCell<Tally>>,
    measured: Rc<RefCell<Tally>>,
}

fn book() -> Rc<RefCell<Tally>> {
    Rc::new(RefCell::new(Tally::new()))
}

/// What the requests of a run share.
///
/// The requests in flight are bounded: each holds a connection or a place in the pool's queue, or
/// it ends at its first poll.
struct Load {
    pool: Pool,
    timeout: Duration,
}

impl Load {
    async fn request(&self, shot: Shot, due: Duration, book: &RefCell<Tally>) {
        let started = clock::now();
        book.borrow_mut().start(started.saturating_sub(due));
        let left = (due + self.timeout).saturating_sub(started);
        let stage = Cell::new(Stage::Queued);
        let answer = timeout(left, self.exchange(shot.body, &stage, book)).await;
        let latency = clock::now().saturating_sub(due);
        let outcome = match answer {
            Ok(Ok(answer)) => answer.into_outcome(),
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(_) => Outcome::Failed(stage.get().timed_out()),
        };
        book.borrow_mut().end(outcome, latency, shot.tmax);
    }

    async fn exchange(
        &self,
        body: Bytes,
        stage: &Cell<Stage>,
        book: &RefCell<Tally>,
    ) -> Result<Answer, Failure> {
        let lease = self.pool.lease(stage).await?;
        stage.set(Stage::Sent);
        book.borrow_mut().send();
        lease.post(body).await
    }
}

/// A request with its deadline, read before the run so that the run does not pay for it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shot {
    body: Bytes,
    tmax: Duration,
}

impl Shot {
    fn new(body: &Bytes, default_tmax: Duration) -> Self {
        Self { body: body.clone(), tmax: read_tmax(body).unwrap_or(default_tmax) }
    }
}

/// Reads `tmax` as the server does, to which 0 is as if it were missing.
fn read_tmax(body: &[u8]) -> Option<Duration> {
    let tmax_ms = parse_tmax_ms(body).filter(|tmax_ms| *tmax_ms > 0)?;
    Some(Duration::from_millis(u64::from(tmax_ms)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::server::{BID, Server};
    use super::*;

    #[tokio::test]
    async fn a_request_that_starts_late_is_late_from_the_time_it_was_due() {
        let server = Server::start(&[BID]).await;
        let test = async {
            let endpoint = server.target.resolve().await.unwrap();
            let pool = Pool::open(endpoint, 1, 0, 1).await.unwrap();
            let load = Load { pool, timeout: Duration::from_secs(3600) };
            let (due, delay) = (clock::now(), Duration::from_millis(20));
            pace::until(due + delay).await;
            let book = book();
            let shot = Shot { body: Bytes::from_static(b"{}"), tmax: delay / 2 };
            load.request(shot, due, &book).await;
            let tally = book.borrow();
            assert_eq!((tally.counts().bids, tally.counts().late), (1, 1));
            let delay_ns = delay.as_nanos() as u64;
            assert!(tally.lateness().max_ns >= delay_ns);
            assert!(tally.latency().max_ns >= delay_ns);
            assert!(tally.overrun().max_ns >= delay_ns / 2);
        };
        LocalSet::new().run_until(test).await;
    }

    #[test]
    fn tmax_is_read_from_the_top_of_the_body_only() {
        for (body, tmax_ms) in [
            (r#"{"id":"1","imp":[{"tmax":7}],"tmax":120}"#, Some(120)),
            (r#"{"tmax":80.0}"#, Some(80)),
            (r#"{"imp":[{"tmax":7}]}"#, None),
            (r#"{"tmax":null}"#, None),
            (r#"{"tmax":0}"#, None),
            (r#"{"tmax":-5}"#, None),
            (r#"{"tmax":"100"}"#, Some(100)),
            (r#"{"tmax":"soon"}"#, None),
            (r#"{"tmax":[100]}"#, None),
            (r#"{"tmax":1e300}"#, None),
            ("not JSON", None),
        ] {
            let read = read_tmax(body.as_bytes());
            assert_eq!(read, tmax_ms.map(Duration::from_millis), "{body}");
        }
    }

    #[test]
    fn a_body_without_tmax_takes_the_default() {
        let default = Duration::from_millis(90);
        let shot = Shot::new(&Bytes::from_static(b"{}"), default);
        assert_eq!(shot.tmax, default);
        let shot = Shot::new(&Bytes::from_static(br#"{"tmax":300}"#), default);
        assert_eq!(shot.tmax, Duration::from_millis(300));
    }
}
