//! Who takes jobs from other threads: one worker each, in whatever order it likes.

use std::thread::JoinHandle;

use crossbeam_channel::{Sender, unbounded};
use punctual::time::{MonotonicClock, Time};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::{Builder, Runtime};

pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// One worker and a way to it. Dropping it ends the worker.
pub(crate) trait Executor: Sync {
    const NAME: &'static str;
    const IS_OURS: bool = false;

    /// Starts the worker on the core of the calling thread. Deadlines are times of this clock.
    fn start(clock: MonotonicClock) -> Self;

    /// Has a job run, and asks for no result.
    fn execute(&self, deadline: Time, job: impl FnOnce() + Send + 'static);
}

/// A thread that runs whatever a channel brings.
pub(crate) struct Channel {
    /// Taken when the worker is to end.
    sender: Option<Sender<Work>>,
    worker: Option<JoinHandle<()>>,
}

impl Executor for Channel {
    const NAME: &'static str = "crossbeam channel, thread";

    fn start(_: MonotonicClock) -> Self {
        let (sender, works) = unbounded::<Work>();
        let worker = spawn(move || works.into_iter().for_each(|work| work()));
        Self { sender: Some(sender), worker: Some(worker) }
    }

    fn execute(&self, _: Time, job: impl FnOnce() + Send + 'static) {
        let sender = self.sender.as_ref().expect("only the drop takes it");
        assert!(sender.send(Box::new(job)).is_ok(), "the worker listens");
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.sender = None;
        join(self.worker.take());
    }
}

/// rayon's pool of one thread.
pub(crate) struct Rayon(ThreadPool);

impl Executor for Rayon {
    const NAME: &'static str = "rayon spawn";

    fn start(_: MonotonicClock) -> Self {
        Self(ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started"))
    }

    fn execute(&self, _: Time, job: impl FnOnce() + Send + 'static) {
        self.0.spawn(job);
    }
}

/// tokio's multi-thread runtime with one worker.
pub(crate) struct Tokio(pub(crate) Runtime);

impl Executor for Tokio {
    const NAME: &'static str = "tokio spawn";

    fn start(_: MonotonicClock) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build();
        Self(runtime.expect("a thread can be started"))
    }

    fn execute(&self, _: Time, job: impl FnOnce() + Send + 'static) {
        self.0.spawn(async move { job() });
    }
}

/// Starts a worker.
#[expect(clippy::disallowed_methods, reason = "a peer's worker is a thread")]
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(work)
}

/// Waits for a worker's end.
pub(crate) fn join(worker: Option<JoinHandle<()>>) {
    if let Some(worker) = worker {
        worker.join().expect("jobs don't panic");
    }
}
