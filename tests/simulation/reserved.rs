//! Whether a class gets what it has reserved, in every window of time.

use std::time::Duration;

use punctual::scheduler::{Config, Reservation};
use punctual::simulation::{Simulation, Stream};
use punctual::time::Time;

use super::mirror::{Mirror, Run};

/// The lag of the one class with a reservation, where nothing but a worker that is free decides
/// who starts: with [`All`](punctual::scheduler::Admission::All), with true costs.
///
/// Let the class have reserved a share *u* of a worker's time, its runtime in its period; let
/// *L* be the longest cost of anybody, at most a period, *B* the longest that one of the class
/// has to its deadline, and *W* the number of workers. While it has ready jobs, in each window of
/// length *t* it starts at least *u t* - (*W* + *u* + 1) *L* - *u* (*B* + period) of work:
///
/// - While there is something in its bucket, each worker that becomes free takes a job of the
///   class, so that in a part of length *s* it starts at least *W s* - *W L*, and the bucket gains
///   at most *u L* before its first start: it loses nothing by running over.
/// - From where the bucket is empty on, it gains *u* and loses what is started. At the beginning
///   of the window it may owe: *L* for the last start, and all that it had promised to protect,
///   which was at most what it held, a period's runtime, and what it would gain in *B*.
pub(crate) struct Lag {
    class: usize,
    share: f64,
    period_ns: f64,
    longest_budget_ns: f64,
    workers: f64,
    /// By how much the class is behind in the worst window that ends now.
    lag_ns: f64,
    /// For how long it has had ready jobs.
    ready_ns: f64,
    longest_ns: f64,
    seen: Time,
    is_ready: bool,
}

impl Lag {
    pub(crate) fn of(simulation: &Simulation, class: usize) -> Option<Self> {
        let Simulation { config, streams, .. } = simulation;
        let Config { workers, classes, .. } = config;
        let Reservation { runtime, period } = classes[class].reservation?;
        let of_class = |stream: &&Stream| stream.class.number() == class;
        // Recorded jobs have up to 10 ms, whatever their stream has.
        let budgets = streams.iter().filter(of_class).filter_map(|stream| stream.budget);
        let longest = budgets.max()?.max(Duration::from_millis(10));
        Some(Self {
            class,
            share: runtime.as_secs_f64() / period.as_secs_f64(),
            period_ns: period.as_nanos() as f64,
            longest_budget_ns: longest.as_nanos() as f64,
            workers: f64::from(*workers),
            lag_ns: 0.0,
            ready_ns: 0.0,
            longest_ns: 0.0,
            seen: Time::ZERO,
            is_ready: false,
        })
    }

    /// Somebody starts.
    pub(crate) fn start(&mut self, run: &Run) {
        let cost_ns = run.ticket.cost.as_nanos() as f64;
        self.longest_ns = self.longest_ns.max(cost_ns);
        if run.ticket.class.number() == self.class {
            self.lag_ns = (self.lag_ns - cost_ns).max(0.0);
        }
    }

    /// Time has passed; before what happens at `now`.
    pub(crate) fn pass(&mut self, now: Time) {
        let passed_ns = now.saturating_since(self.seen).as_nanos() as f64;
        self.seen = now;
        if self.is_ready {
            self.ready_ns += passed_ns;
            self.lag_ns += self.share * passed_ns;
        }
    }

    /// All that happens at `now` has happened. Whether the bound said something.
    pub(crate) fn check(&mut self, now: Time, mirror: &Mirror<'_>) -> bool {
        let is_ready = mirror.order.iter().any(|(_, _, key)| {
            let job = &mirror.queued[key];
            job.ticket.class.number() == self.class
                && job.eligible <= now
                && !mirror.is_held(&job.ticket)
                && job.latest_start(job.ticket.cost, job.ticket.margin).is_none_or(|it| it > now)
        });
        let others_ns = (self.workers + self.share + 1.0) * self.longest_ns;
        let bound_ns = others_ns + self.share * (self.longest_budget_ns + self.period_ns);
        let applies = self.longest_ns <= self.period_ns;
        // A nanosecond for what is rounded.
        let is_behind = applies && self.lag_ns > bound_ns + 1.0;
        assert!(!is_behind, "class {}: {} ns behind, not {bound_ns}", self.class, self.lag_ns);
        let says_something = applies && self.share * self.ready_ns > bound_ns;
        self.is_ready = is_ready;
        if !is_ready {
            (self.lag_ns, self.ready_ns) = (0.0, 0.0);
        }
        says_something
    }
}
