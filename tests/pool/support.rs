//! What the tests share: gates, a clock that is moved by hand, a log.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use punctual::pool::{Builder, Outcome, Pool, Ticket};
use punctual::scheduler::{Budget, Job};
use punctual::time::{ManualClock, Time};

/// So long that no stall of a machine reaches it.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn pool(workers: u32) -> Pool {
    Pool::builder().workers(workers).build().expect("it is a valid configuration")
}

/// A pool whose time stands still.
pub(crate) struct Still {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) pool: Pool,
}

impl Still {
    pub(crate) fn new(builder: Builder) -> Self {
        let clock = Arc::new(ManualClock::new(Time::ZERO));
        let pool = builder.build_on(clock.clone()).expect("it is a valid configuration");
        Self { clock, pool }
    }

    pub(crate) fn one_worker() -> Self {
        Self::new(Pool::builder().workers(1))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
        self.pool.timer().wake();
    }
}

/// A job that keeps a worker busy until its gate is opened.
pub(crate) struct Gate {
    open: Sender<()>,
    pub(crate) ticket: Ticket<()>,
}

impl Gate {
    /// Returns when the job runs.
    pub(crate) fn close(pool: &Pool) -> Self {
        let ((open, opened), (started, has_started)) = (channel(), channel());
        let wait = move |_: Budget| wait_at(&started, &opened);
        // Without a deadline it takes no time from others, as far as anybody knows.
        let ticket = pool.submit(Job::new(wait)).expect("it is open");
        has_started.recv().expect("it starts");
        Self { open, ticket }
    }

    pub(crate) fn open(self) {
        drop(self.open);
        assert!(matches!(self.ticket.wait(), Outcome::Done(())));
    }
}

fn wait_at(started: &Sender<()>, opened: &Receiver<()>) {
    started.send(()).expect("somebody waits for it");
    // An error says that the gate is open.
    let _ = opened.recv();
}

/// Notes in which order things happen.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    pub(crate) fn note(&self, what: &'static str) {
        self.0.lock().expect("nobody panics with it").push(what);
    }

    pub(crate) fn read(&self) -> Vec<&'static str> {
        self.0.lock().expect("nobody panics with it").clone()
    }

    /// A job that notes its name.
    pub(crate) fn job(&self, what: &'static str) -> Job<impl FnOnce(Budget) + Send + use<>> {
        let log = self.clone();
        Job::new(move |_: Budget| log.note(what))
    }
}

/// Notes its own end.
pub(crate) struct Dropped(pub(crate) Log, pub(crate) &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

pub(crate) fn panic_message<R, W>(outcome: Outcome<R, W>) -> String {
    match outcome {
        Outcome::Failed(payload) => {
            (*payload.downcast::<&str>().expect("a message without arguments")).to_owned()
        }
        _ => panic!("it did not fail"),
    }
}
