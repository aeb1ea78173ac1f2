//! When jobs come: drawn before the run, and sent by a thread that waits for nobody.

use std::sync::Arc;
use std::time::Duration;

use core_affinity::CoreId;
use punctual::time::{Clock, Time};

use super::{BUDGET, Trial};
use crate::workload::random::Random;

/// The scheduled arrivals by the number of the job. Clones share them.
#[derive(Clone)]
pub(crate) struct Arrivals(Arc<[Time]>);

impl Arrivals {
    /// A Poisson process: exponential gaps with a mean of 1 / `rate` seconds.
    pub(crate) fn poisson(seed: u64, start: Time, length: Duration, rate: f64) -> Self {
        let mut random = Random::new(seed);
        let mut after_s = 0.0;
        let times = std::iter::from_fn(|| {
            // 53 bits make a double in (0, 1].
            let share = ((random.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
            after_s -= share.ln() / rate;
            (after_s < length.as_secs_f64()).then(|| start + Duration::from_secs_f64(after_s))
        });
        Self(times.collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn at(&self, id: u32) -> Time {
        self.0[id as usize]
    }

    pub(crate) fn deadline(&self, id: u32) -> Time {
        self.at(id) + BUDGET
    }

    /// Until when an answer is of use to anybody.
    pub(crate) fn last_deadline(&self) -> Time {
        self.0.last().map_or(Time::ZERO, |&at| at + BUDGET)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Time> {
        self.0.iter().copied()
    }
}

/// How late the generator was: if it is much, the machine was not ours alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lag {
    pub(crate) p99: Duration,
    pub(crate) worst: Duration,
}

impl Lag {
    fn of(mut lags: Vec<Duration>) -> Self {
        lags.sort_unstable();
        let at = |place: usize| lags.get(place).copied().unwrap_or_default();
        Self { p99: at(lags.len() * 99 / 100), worst: at(lags.len().saturating_sub(1)) }
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
    #[expect(clippy::disallowed_methods, reason = "the generator is a thread")]
    std::thread::scope(|scope| {
        // It owns the sender: when all is sent, the channel closes.
        let generator = scope.spawn(move || {
            assert!(core_affinity::set_for_current(core), "the generator can't be pinned");
            let mut lags = Vec::with_capacity(trial.arrivals.len());
            for (id, at) in (0..).zip(trial.arrivals.iter()) {
                let sent_at = loop {
                    let now = trial.clock.now();
                    if now >= at {
                        break now;
                    }
                    std::hint::spin_loop();
                };
                send(id);
                lags.push(sent_at.saturating_since(at));
            }
            Lag::of(lags)
        });
        let served = serve();
        (served, generator.join().expect("the generator has nothing to panic about"))
    })
}
