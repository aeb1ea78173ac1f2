//! A pool, its clock, and what its jobs wait for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use punctual::pool::{Builder, Handle, Ordering, Pool};
use punctual::scheduler::{Admission, ClassConfig, Config, Stats};
use punctual::time::{ManualClock, Time};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;
use shuttle::thread;

use super::fates::Fates;

/// Nothing is released, due or slept for after it.
pub(crate) const END: Time = Time::from_nanos(8_000_000);

/// What the threads of a model share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) pool: Handle,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) fates: Fates,
    pub(crate) signal: Signal,
}

impl World {
    /// A world with a pool that is drawn.
    pub(crate) fn drawn() -> (Pool, Self) {
        let mut random = thread_rng();
        let workers = random.gen_range(1..3);
        let config = Config {
            workers,
            queue_bound: random.gen_range(2..8),
            admission: [Admission::All, Admission::Feasible, Admission::Evict]
                [random.gen_range(0..3)],
            classes: vec![ClassConfig::foreground(), ClassConfig::background()],
            ..Config::default()
        };
        let groups = random.gen_range(1..=workers);
        let inbox_bound = random.gen_range(1..5);
        Self::new(move |builder| {
            let builder = builder.config(config).inbox_bound(inbox_bound);
            if groups > 1 { builder.ordering(Ordering::Striped { groups }) } else { builder }
        })
    }

    pub(crate) fn new(configure: impl FnOnce(Builder) -> Builder) -> (Pool, Self) {
        let clock = Arc::new(ManualClock::new(Time::ZERO));
        let builder = configure(Pool::builder().workers(1));
        let pool = builder.build_on(Arc::clone(&clock)).expect("the model has threads");
        let world = Self {
            pool: Handle::clone(&pool),
            clock,
            fates: Fates::default(),
            signal: Signal::default(),
        };
        (pool, world)
    }

    /// Starts a thread that lets the time pass, until the end.
    pub(crate) fn start_time(&self) -> thread::JoinHandle<()> {
        let world = self.clone();
        thread::spawn(move || {
            while world.pool.now() < END {
                world.pass(thread_rng().gen_range(1..3));
            }
        })
    }

    /// Some milliseconds pass.
    pub(crate) fn pass(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
        self.pool.timer().wake();
    }

    /// The pool has ended, and all tickets have gone: everything adds up.
    pub(crate) fn settle(&self) {
        let (finished, panicked) = self.fates.settle();
        let stats = self.pool.stats();
        assert!(is_empty(&stats), "{stats:?}");
        let not_run = stats.refused.total() + stats.shed.total() + stats.cancelled;
        assert_eq!(stats.submitted, stats.done + stats.failed + not_run, "{stats:?}");
        assert_eq!((stats.done, stats.failed), (finished, panicked), "{stats:?}");
    }
}

/// Some time before the end.
pub(crate) fn instant() -> Time {
    Time::from_nanos(thread_rng().gen_range(0..=END.as_nanos()))
}

pub(crate) fn is_empty(stats: &Stats) -> bool {
    (stats.queued, stats.running, stats.suspended) == (0, 0, 0)
}

/// Something that async jobs wait for, and that somebody gives once.
#[derive(Clone, Default)]
pub(crate) struct Signal(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    is_given: bool,
    wakers: Vec<Waker>,
}

impl Signal {
    pub(crate) fn give(&self) {
        let wakers = {
            let mut waiting = self.0.lock().expect("nobody panics with it");
            waiting.is_given = true;
            std::mem::take(&mut waiting.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Future for Signal {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.0.lock().expect("nobody panics with it");
        if waiting.is_given {
            return Poll::Ready(());
        }
        waiting.wakers.push(context.waker().clone());
        Poll::Pending
    }
}
