//! What one has without punctual: a task a request on tokio, under a time-out, or behind tower.
//!
//! The runtime has the one thread. Jobs take turns by a fair semaphore of one permit, so that a
//! task that waits can time out, and the runtime looks at its timers after every task.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use core_affinity::CoreId;
use punctual::time::Time;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower::load_shed::error::Overloaded;
use tower::timeout::Timeout;
use tower::{Service, ServiceBuilder, ServiceExt};

use super::Trial;
use super::answers::{Answer, Answers};
use super::arrivals::{Lag, generate};

/// What all tasks share.
#[derive(Clone)]
struct Server {
    trial: Trial,
    answers: Arc<Mutex<Answers>>,
    turn: Arc<Semaphore>,
}

impl Server {
    fn new(trial: &Trial) -> Self {
        let answers = Arc::new(Mutex::new(trial.answers()));
        Self { trial: trial.clone(), answers, turn: Arc::new(Semaphore::new(1)) }
    }

    fn give(&self, id: u32, answer: Answer) {
        self.answers().give(id, answer);
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().expect("nobody panics with the lock")
    }

    /// What is left of a job's budget.
    fn left(&self, id: u32) -> Duration {
        self.trial.arrivals.deadline(id).saturating_since(self.trial.now())
    }

    /// Waits for its turn, and does the job; returns when that began and ended.
    async fn run(self, id: u32) -> (Time, Time) {
        let _turn = self.turn.acquire().await.expect("nobody closes the semaphore");
        // While this one gives way, the others join the queue or time out. Without that each
        // would find the semaphore free at its first poll, wait in the runtime's own queue
        // instead, and run however late: a time-out looks at its job before it looks at the time.
        tokio::task::yield_now().await;
        let started = self.trial.now();
        self.trial.run(id);
        (started, self.trial.now())
    }
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().event_interval(1).build().expect("the runtime can be built")
}

/// First come, first served, each under a time-out for what is left of its budget.
pub(crate) fn fifo(trial: &Trial, generator: CoreId) -> (Answers, Lag) {
    serve(trial, generator, |server, mut jobs| async move {
        while let Some(id) = jobs.recv().await {
            let server = server.clone();
            drop(tokio::spawn(async move {
                let run = server.clone().run(id);
                let answer = match tokio::time::timeout(server.left(id), run).await {
                    Ok((started, ended)) => Answer::Done { started, ended },
                    Err(_) => Answer::Shed(server.trial.now()),
                };
                server.give(id, answer);
            }));
        }
    })
}

/// tower's stack. The time-out stands outside, a new one for each request: as a layer it would
/// have one length for all, however much of the budget is left.
pub(crate) fn tower(trial: &Trial, generator: CoreId, limit: usize) -> (Answers, Lag) {
    serve(trial, generator, move |server, mut jobs| async move {
        let inner = server.clone();
        let stack =
            ServiceBuilder::new().load_shed().concurrency_limit(limit).service_fn(move |id| {
                let run = inner.clone().run(id);
                async move { Ok::<_, tower::BoxError>(run.await) }
            });
        while let Some(id) = jobs.recv().await {
            let mut stack = Timeout::new(stack.clone(), server.left(id));
            let ready = stack.ready().await.expect("a service that sheds is always ready");
            let (call, server) = (ready.call(id), server.clone());
            drop(tokio::spawn(async move {
                let answer = match call.await {
                    Ok((started, ended)) => Answer::Done { started, ended },
                    Err(error) if error.is::<Overloaded>() => Answer::Refused(server.trial.now()),
                    Err(_) => Answer::Shed(server.trial.now()),
                };
                server.give(id, answer);
            }));
        }
    })
}

/// Runs a dispatcher, and then waits for the tasks that it has spawned.
fn serve<F>(
    trial: &Trial,
    generator: CoreId,
    dispatch: impl FnOnce(Server, UnboundedReceiver<u32>) -> F,
) -> (Answers, Lag)
where
    F: Future<Output = ()>,
{
    let (sender, jobs) = unbounded_channel();
    let server = Server::new(trial);
    let worker = || {
        runtime().block_on(async {
            dispatch(server.clone(), jobs).await;
            // Every task holds the book, and has ended or timed out soon after its deadline.
            while Arc::strong_count(&server.answers) > 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    };
    let send = move |id| sender.send(id).expect("the worker listens");
    let ((), lag) = generate(trial, generator, send, worker);
    let answers = Arc::into_inner(server.answers).expect("all tasks have ended");
    (answers.into_inner().expect("nobody panics with the lock"), lag)
}
