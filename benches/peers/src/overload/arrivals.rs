//! When jobs come: drawn before the run, and sent by a thread that waits for nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use core_affinity::CoreId;
use punctual::time::{Clock, MonotonicClock, Time};

use super::job::{Cost, Mix};
use super::{BUDGET, Trial};
use crate::quantiles::quantiles;
use crate::workload::random::Random;

/// A job that is to come so long after the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    pub(crate) after: Duration,
    pub(crate) cost: Cost,
}

/// What comes, and when: the same for all contenders in a round. Clones share it.
#[derive(Clone)]
pub(crate) struct Plan(Arc<[Planned]>);

impl Plan {
    pub(crate) fn new(planned: impl Iterator<Item = Planned>) -> Self {
        Self(planned.collect())
    }

    /// A Poisson process: exponential gaps with a mean of 1 / `rate` seconds.
    pub(crate) fn poisson(seed: u64, mix: Mix, length: Duration, rate: f64) -> Self {
        let mut random = Random::new(seed);
        let mut after_s = 0.0;
        Self::new(std::iter::from_fn(|| {
            // 53 bits make a double in (0, 1].
            let share = ((random.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
            after_s -= share.ln() / rate;
            let cost = mix.draw(&mut random);
            let is_within = after_s < length.as_secs_f64();
            is_within.then(|| Planned { after: Duration::from_secs_f64(after_s), cost })
        }))
    }

    pub(crate) fn from(&self, start: Time) -> Arrivals {
        Arrivals { start, plan: self.clone() }
    }
}

/// The scheduled arrivals by the number of the job.
#[derive(Clone)]
pub(crate) struct Arrivals {
    start: Time,
    plan: Plan,
}

impl Arrivals {
    pub(crate) const fn start(&self) -> Time {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.plan.0.len()
    }

    pub(crate) fn at(&self, id: u32) -> Time {
        self.start + self.plan.0[id as usize].after
    }

    pub(crate) fn cost(&self, id: u32) -> Cost {
        self.plan.0[id as usize].cost
    }

    pub(crate) fn deadline(&self, id: u32) -> Time {
        self.at(id) + BUDGET
    }

    /// Until when an answer is of use to anybody.
    pub(crate) fn last_deadline(&self) -> Time {
        self.plan.0.last().map_or(Time::ZERO, |last| self.start + last.after + BUDGET)
    }

    pub(crate) fn ids(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }
}

/// How late the generator was, in ms: if it is much, the machine was not ours alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lag {
    pub(crate) p99_ms: f64,
    pub(crate) worst_ms: f64,
}

impl Lag {
    fn of(lags: &[Duration]) -> Self {
        let lags_ms = lags.iter().map(|lag| lag.as_secs_f64() * 1e3);
        let [p99_ms, worst_ms] = quantiles(lags_ms, [0.99, 1.0]).unwrap_or_default();
        Self { p99_ms, worst_ms }
    }
}

/// Lets `serve` work while a thread on another core sends the number of each job when its time
/// has come. Returns what `serve` does, and by how much jobs were sent too late.
pub(crate) fn generate<R>(
    trial: &Trial,
    core: CoreId,
    send: impl Fn(u32) + Send,
    serve: impl FnOnce() -> R,
) -> (R, Lag) {
    let generator = move || {
        let mut lags = Vec::with_capacity(trial.arrivals.len());
        for id in trial.arrivals.ids() {
            let at = trial.arrivals.at(id);
            let sent_at = spin_until(&trial.clock, |now| now >= at);
            send(id);
            lags.push(sent_at.saturating_since(at));
        }
        // It owns the sender: now that all is sent, the channel closes.
        drop(send);
        Lag::of(&lags)
    };
    beside(core, generator, serve)
}

/// Lets `work` run while the generator's core does what it does between two arrivals.
pub(crate) fn beside_spinning<R>(
    clock: &MonotonicClock,
    core: CoreId,
    work: impl FnOnce() -> R,
) -> R {
    let is_over = AtomicBool::new(false);
    let spin = || spin_until(clock, |_| is_over.load(Ordering::Relaxed));
    let work = || {
        let result = work();
        is_over.store(true, Ordering::Relaxed);
        result
    };
    beside(core, spin, work).0
}

/// Reads the clock until a time will do.
fn spin_until(clock: &MonotonicClock, mut will_do: impl FnMut(Time) -> bool) -> Time {
    loop {
        let now = clock.now();
        if will_do(now) {
            return now;
        }
        std::hint::spin_loop();
    }
}

/// Does one thing on another core and one on this.
fn beside<T: Send, R>(
    core: CoreId,
    there: impl FnOnce() -> T + Send,
    here: impl FnOnce() -> R,
) -> (R, T) {
    #[expect(clippy::disallowed_methods, reason = "the generator is a thread")]
    std::thread::scope(|scope| {
        let generator = scope.spawn(move || {
            assert!(core_affinity::set_for_current(core), "the generator can't be pinned");
            there()
        });
        let result = here();
        (result, generator.join().expect("the generator has nothing to panic about"))
    })
}
