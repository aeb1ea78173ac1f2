//! Layers in front of an axum server over loopback, in more than it can do, in real time.
//!
//! An *open loop*: requests come by a Poisson process that waits for no answer, and every time is
//! counted from the scheduled arrival. One core does the handlers' work, 1 ms each, one after
//! another. The other is shared by the clients' thread and the server's, which reads, decides and
//! writes. What that costs is in the table: where both together come near to a whole core, the
//! figures are theirs and not the layer's.

mod client;
mod figures;
mod server;
mod table;

use std::time::Duration;

use axum::http::header::HeaderName;
use core_affinity::CoreId;
use punctual::time::{Clock, MonotonicClock};

use crate::frame::shuffled;
use crate::machine;
use crate::options::Options;
use crate::overload::arrivals::Plan;
use crate::overload::job::{Jobs, Mix};
use figures::{Capacity, Figures, MOST_DRIFT, Trial};
use server::Server;

/// From the scheduled arrival to the deadline.
const BUDGET: Duration = Duration::from_millis(50);

/// What clients keep for the answer's way back: the header says this much less than is left.
const RESERVE: Duration = Duration::from_millis(1);

const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-timeout-ms");

/// What comes, in units of the capacity.
const LOADS: [f64; 4] = [0.5, 2.0, 5.0, 10.0];

/// The share of a trial that is not counted: until queues are what they will be.
const WARM_UP: f64 = 0.2;

/// Time for everybody to be ready before the first arrival.
const LEAD_IN: Duration = Duration::from_millis(20);

/// How long the capacity is measured, before and after each trial.
const CAPACITY_TIME: Duration = Duration::from_millis(500);

/// After so many measurements a round begins, however much the capacity changes.
const STEADY_TRIES: u32 = 10;

/// So often a trial is tried that others disturb.
const TRIES: u32 = 3;

/// Clients of the closed loop: enough to keep the compute thread busy.
const CLOSED_CLIENTS: usize = 8;

/// The layer in front of the handlers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Contender {
    /// None: to find the capacity.
    Bare,
    /// punctual's, so many at a time.
    Fixed(u32),
    /// punctual's, with an adaptive limit in this range.
    Adaptive(u32, u32),
    /// tower's `LoadShed`, `ConcurrencyLimit` and `Timeout`.
    Tower(usize),
}

/// 50 requests are as many as fit into the budget; 10 leave it four fifths.
const CONTENDERS: [Contender; 4] =
    [Contender::Fixed(2), Contender::Adaptive(2, 64), Contender::Tower(50), Contender::Tower(10)];

impl Contender {
    fn name(self) -> String {
        match self {
            Self::Bare => "no layer".to_owned(),
            Self::Fixed(limit) => format!("DeadlineLayer, {limit} at a time"),
            Self::Adaptive(least, most) => format!("DeadlineLayer, adaptive, {least} to {most}"),
            Self::Tower(limit) => format!("tower, limit {limit}"),
        }
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Fixed(_) | Self::Adaptive(..))
    }
}

/// How a contender fared under a load, in each of the repeats.
struct Row {
    contender: Contender,
    load: f64,
    repeats: Vec<Figures>,
}

/// What all trials have in common.
struct Bench {
    clock: MonotonicClock,
    jobs: Jobs,
    /// For the server's and the clients' threads, and for the work.
    cores: [CoreId; 2],
    length: Duration,
}

/// Runs all contenders and returns the table and its JSON.
pub(crate) fn measure(options: &Options) -> Result<(String, String), String> {
    // Within a minute, or six.
    let (repeats, length) = match options.quick {
        true => (1, Duration::from_secs(2)),
        false => (5, Duration::from_secs(4)),
    };
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let [io, compute, ..] = cores[..] else {
        return Err("the handlers' work and the rest need a core each".to_owned());
    };
    let clock = MonotonicClock::new();
    let calibrate = move || Jobs::calibrated(&clock);
    let jobs = spawn_pinned(compute, calibrate).join().map_err(|_| "the work has no length")?;
    let bench = Bench { clock, jobs, cores: [io, compute], length };
    let mut rows = LOADS.map(|load| CONTENDERS.map(|it| Row::new(it, load)));
    for repeat in 0..repeats {
        for (number, rows) in rows.iter_mut().enumerate() {
            eprintln!("{}x, repeat {} of {repeats}", LOADS[number], repeat + 1);
            let seed = (repeat * LOADS.len() + number) as u64;
            bench.round(repeat, seed, LOADS[number], rows)?;
        }
    }
    let rows = rows.into_iter().flatten().collect::<Vec<_>>();
    let header = machine::header("two pinned cores");
    Ok((table::markdown(&header, &rows), table::json(&header, &rows)))
}

impl Row {
    const fn new(contender: Contender, load: f64) -> Self {
        Self { contender, load, repeats: Vec::new() }
    }
}

impl Bench {
    /// One trial for each contender, with the same arrivals.
    fn round(&self, repeat: usize, seed: u64, load: f64, rows: &mut [Row]) -> Result<(), String> {
        let drawn = self.steady_capacity()?;
        let plan = Plan::poisson(seed, Mix::Equal, self.length, load * drawn);
        let mut before = drawn;
        for index in shuffled(rows.len(), repeat) {
            let row = &mut rows[index];
            for _ in 0..TRIES {
                let trial = self.trial(row.contender, &plan)?;
                let after = self.capacity()?;
                let capacity = Capacity { drawn, before, after };
                let figures = Figures::new(&trial, capacity)?;
                let (is_disturbed, lag_ms) = (figures.is_disturbed(), figures.lag_ms);
                row.repeats.push(figures);
                before = after;
                if !is_disturbed {
                    break;
                }
                let (name, drift) = (row.contender.name(), 100.0 * capacity.drift());
                eprintln!("{name} is left out: {lag_ms:.1} ms late (p99), {drift:.0} % of drift");
            }
        }
        Ok(())
    }

    /// A capacity that was the same twice in a row, if that happens soon.
    fn steady_capacity(&self) -> Result<f64, String> {
        let mut capacity = self.capacity()?;
        for _ in 0..STEADY_TRIES {
            let again = self.capacity()?;
            if (again / capacity - 1.0).abs() < MOST_DRIFT / 2.0 {
                return Ok(again);
            }
            capacity = again;
        }
        Ok(capacity)
    }

    /// How many requests a second are answered to clients that wait for each other.
    fn capacity(&self) -> Result<f64, String> {
        let server = Server::start(Contender::Bare, &self.jobs, self.cores)?;
        let (to, clock) = (server.address, self.clock);
        let clients = spawn_pinned(self.cores[0], move || {
            client::closed_loop(to, clock, CLOSED_CLIENTS, CAPACITY_TIME)
        });
        let capacity = clients.join().map_err(|_| "the clients have panicked")??;
        server.stop()?;
        Ok(capacity)
    }

    fn trial(&self, contender: Contender, plan: &Plan) -> Result<Trial, String> {
        let server = Server::start(contender, &self.jobs, self.cores)?;
        let (to, clock) = (server.address, self.clock);
        let arrivals = plan.from(clock.now() + LEAD_IN);
        let start = arrivals.start();
        let counted = start + self.length.mul_f64(WARM_UP)..start + self.length;
        let theirs = arrivals.clone();
        let clients = spawn_pinned(self.cores[0], move || client::open_loop(to, clock, &theirs));
        let report = clients.join().map_err(|_| "the clients have panicked")??;
        Ok(Trial { arrivals, counted, report, book: server.stop()? })
    }
}

/// Runs something on a core of its own.
#[expect(clippy::disallowed_methods, reason = "the parts of a trial are threads")]
fn spawn_pinned<T: Send + 'static>(
    core: CoreId,
    run: impl FnOnce() -> T + Send + 'static,
) -> std::thread::JoinHandle<T> {
    std::thread::spawn(move || {
        assert!(core_affinity::set_for_current(core), "the thread can't be pinned");
        run()
    })
}
