//! One core: a scheduler, the connections that feed it, and the loop that serves both.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{
    Class, ClassConfig, Job, Next, Outcome, RefuseReason, Refused, Running, Scheduler, Shed,
};
use punctual::time::{Clock, MonotonicClock, Time};
use tokio::sync::{Notify, oneshot, watch};

use super::bid_job::{Answer, BidJob, ParsedRequest};
use super::config::{Config, Order};
use super::metrics::{self, Metrics};
use super::reload::Reloads;
use super::store::Store;
use super::watch::TimeOuts;

/// The class of work that waits for slack.
pub(crate) const BACKGROUND: Class = Class::new(0);

/// The class of background work that can wait no longer.
pub(crate) const OVERDUE: Class = Class::new(1);

/// The classes of bid evaluations come last: one for each number of impressions, since that is
/// what the cost of an evaluation grows with, and each class learns its own mean.
const FIRST_BID: u16 = 2;

/// Requests with more impressions share the last class.
const BID_CLASSES: u16 = 8;

/// What an impression costs until the classes have learned better.
const INITIAL_COST: Duration = Duration::from_micros(500);

/// Kept free before a deadline for what an evaluation takes longer than the mean, and for the
/// answer to reach the socket.
const HAND_OVER: Duration = Duration::from_millis(5);

/// What a worker's scheduler orders.
pub(crate) enum Work {
    Bid(BidJob),
    Reload,
}

/// How far the server is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    Draining,
}

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) clock: MonotonicClock,
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    pub(crate) store: Store,
}

/// The state of one core's thread.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) time_outs: Rc<TimeOuts>,
    /// Open connections.
    pub(crate) connections: Cell<usize>,
    /// Tells that a connection has ended.
    pub(crate) connection_ended: Notify,
    /// Tells connections to end after the answer in hand.
    pub(crate) closing: watch::Sender<bool>,
    scheduler: RefCell<Scheduler<Work>>,
    /// Tells the evaluator that there is something to poll for.
    submitted: Notify,
    /// Only one worker reloads what all share.
    reloads: Option<Rc<Reloads>>,
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        phase: watch::Receiver<Phase>,
        reloads: Option<Rc<Reloads>>,
    ) -> Rc<Self> {
        let limits = &shared.config.limits;
        Rc::new(Self {
            time_outs: TimeOuts::new(shared.clock, limits.read, limits.idle),
            phase,
            connections: Cell::new(0),
            connection_ended: Notify::new(),
            closing: watch::Sender::new(false),
            scheduler: RefCell::new(scheduler(&shared.config)),
            submitted: Notify::new(),
            reloads,
            shared,
        })
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.phase.borrow() == Phase::Draining
    }

    /// Queues a request for an answer before the deadline, or says why not.
    pub(crate) fn submit_bid(
        self: &Rc<Self>,
        request: Rc<ParsedRequest>,
        deadline: Time,
    ) -> Result<Pending, metrics::ShedReason> {
        let (reply, answer) = oneshot::channel();
        let class = bid_class(request.borrow_dependent().imp.len());
        let job = Job::new(Work::Bid(BidJob { request, reply })).class(class);
        let job = match self.shared.config.order {
            Order::Deadline => job.deadline(deadline),
            // Without a deadline jobs run in the order of submission and are never shed.
            Order::Fifo => job,
        };
        match self.submit(job) {
            Ok(key) => Ok(Pending { worker: self.clone(), key, answer }),
            Err(refused) => Err(shed_reason(refused.reason)),
        }
    }

    /// Queues a job and wakes the evaluator.
    pub(crate) fn submit(&self, job: Job<Work>) -> Result<Key, Refused<Work>> {
        let key = self.scheduler.borrow_mut().submit(self.shared.clock.now(), job)?;
        self.submitted.notify_one();
        Ok(key)
    }

    /// Takes a queued job out, if it is still there.
    pub(crate) fn cancel(&self, key: Key) -> Option<Work> {
        self.scheduler.borrow_mut().cancel(key)
    }

    /// Does what the scheduler says, for ever.
    ///
    /// After every evaluation and every shed the loop yields. The runtime looks at its sockets
    /// before it comes back, so that no request waits unseen while others are evaluated.
    pub(crate) async fn serve_queue(self: Rc<Self>) {
        if let Some(reloads) = &self.reloads {
            reloads.schedule(&self);
        }
        loop {
            let next = self.scheduler.borrow_mut().poll(self.shared.clock.now());
            match next {
                Next::Run(running) => self.run(running),
                Next::Shed(shed) => self.shed(shed),
                Next::Wait(until) => {
                    self.wait(until).await;
                    continue;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn run(self: &Rc<Self>, running: Running<Work>) {
        let metrics = &self.shared.metrics;
        let is_bid = matches!(running.payload, Work::Bid(_));
        match running.payload {
            Work::Bid(job) => {
                Metrics::observe(&metrics.queue_delay, running.waited);
                let answer = job.request.evaluate(&self.shared.store.current());
                // A client that left meanwhile has no use for the answer.
                let _ = job.reply.send(answer);
            }
            Work::Reload => self.reload(),
        }
        let mut scheduler = self.scheduler.borrow_mut();
        let took = scheduler.complete(self.shared.clock.now(), running.key, Outcome::Done);
        if let (true, Some(took)) = (is_bid, took) {
            Metrics::observe(&metrics.evaluation, took);
        }
    }

    fn shed(self: &Rc<Self>, shed: Shed<Work>) {
        match shed.payload {
            Work::Bid(job) => {
                let _ = job.reply.send(Answer::Shed(metrics::ShedReason::LatestStart));
            }
            // It only starts a read on another thread, so it is never too late for it.
            Work::Reload => self.reload(),
        }
    }

    fn reload(self: &Rc<Self>) {
        if let Some(reloads) = &self.reloads {
            reloads.start(self);
        }
    }

    /// Waits for a submission, or until the scheduler has something to do by itself.
    async fn wait(&self, until: Option<Time>) {
        let submitted = self.submitted.notified();
        match until {
            Some(until) => {
                let left = until.saturating_since(self.shared.clock.now());
                // Whether it was the time or a submission, the next poll knows.
                let _ = tokio::time::timeout(left, submitted).await;
            }
            None => submitted.await,
        }
    }

    /// Answers everything that is queued with a shed.
    pub(crate) fn shed_all(&self) {
        // The jobs go with their scheduler, and each takes the sender of its answer along.
        *self.scheduler.borrow_mut() = scheduler(&self.shared.config);
    }
}

/// A request whose answer is still to come. Dropping it before that takes the request out of the
/// queue, if it is still there: a client that has left keeps nobody waiting.
pub(crate) struct Pending {
    worker: Rc<Worker>,
    key: Key,
    answer: oneshot::Receiver<Answer>,
}

impl Pending {
    pub(crate) async fn answer(mut self) -> Answer {
        let answer = (&mut self.answer).await;
        answer.unwrap_or(Answer::Shed(metrics::ShedReason::Shutdown))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Also who leaves between the evaluation and the answer has gone without one.
        if !self.answer.is_terminated() {
            drop(self.worker.cancel(self.key));
            self.worker.shared.metrics.abandoned.inc();
        }
    }
}

/// The class of a request with so many impressions.
fn bid_class(imps: usize) -> Class {
    let imps = u16::try_from(imps).unwrap_or(u16::MAX);
    Class::new(FIRST_BID + imps.clamp(1, BID_CLASSES) - 1)
}

fn scheduler(config: &Config) -> Scheduler<Work> {
    let bids = (1..=u32::from(BID_CLASSES))
        .map(|imps| ClassConfig::foreground().initial_cost(INITIAL_COST * imps));
    let others = [ClassConfig::background(), ClassConfig::foreground()];
    let config = punctual::scheduler::Config {
        workers: 1,
        queue_bound: config.limits.queue.max(1),
        margin: HAND_OVER,
        classes: others.into_iter().chain(bids).collect(),
        ..Default::default()
    };
    Scheduler::new(config).expect("one worker, a queue and some classes are valid")
}

fn shed_reason(reason: RefuseReason) -> metrics::ShedReason {
    match reason {
        RefuseReason::Expired => metrics::ShedReason::Expired,
        RefuseReason::Infeasible { .. } => metrics::ShedReason::Infeasible,
        _ => metrics::ShedReason::QueueFull,
    }
}
