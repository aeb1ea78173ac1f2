//! One core: a scheduler, the connections that feed it, and the loop that serves both.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{
    Admission, Class, ClassConfig, Job, Margin, Next, Outcome, RefuseReason, Running, Scheduler,
    Shed, ShedReason,
};
use punctual::time::{Clock, MonotonicClock, Time};
use tokio::sync::{Notify, oneshot, watch};

use super::bid_job::{Answer, BidJob, ParsedRequest};
use super::config::{Config, Order};
use super::metrics::{self, Metrics};
use super::reload::Reloads;
use super::store::Store;
use super::watch::TimeOuts;
use crate::openrtb::MAX_IMPS;

/// The class of work that waits for slack, but not for ever.
pub(crate) const BACKGROUND: Class = Class::new(0);

/// The classes of bid evaluations come last: one for each number of impressions, since that is
/// what the cost of an evaluation grows with, and each class learns its own mean.
const FIRST_BID: u16 = 1;

/// No request keeps more impressions.
const BID_CLASSES: u16 = MAX_IMPS as u16;

/// What an impression costs until the classes have learned better.
const INITIAL_COST: Duration = Duration::from_micros(500);

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
        let worker = Rc::new(Self {
            time_outs: TimeOuts::new(shared.clock, limits.read, limits.idle),
            phase,
            connections: Cell::new(0),
            connection_ended: Notify::new(),
            closing: watch::Sender::new(false),
            scheduler: RefCell::new(scheduler(&shared.config, reloads.as_deref())),
            submitted: Notify::new(),
            reloads,
            shared,
        });
        if let Some(reloads) = &worker.reloads {
            reloads.schedule(&worker);
        }
        worker
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
        let imps = request.borrow_dependent().imp.len();
        // All are worth the same: an exchange counts answers in time, not impressions.
        let job = Job::new(Work::Bid(BidJob { request, reply })).class(bid_class(imps));
        let job = match self.shared.config.order {
            Order::Deadline => job.deadline(deadline),
            // Without a deadline jobs run in the order of submission and are never shed.
            Order::Fifo => job,
        };
        let key = self.submit(job)?;
        Ok(Pending { worker: self.clone(), key, answer })
    }

    /// Queues a job and wakes the evaluator.
    pub(crate) fn submit(&self, job: Job<Work>) -> Result<Key, metrics::ShedReason> {
        let submitted = self.scheduler.borrow_mut().submit(self.shared.clock.now(), job);
        let key = submitted.map_err(|refused| why_refused(refused.reason))?.key();
        self.submitted.notify_one();
        Ok(key)
    }

    /// Takes a queued job out, if it is still there.
    pub(crate) fn cancel(&self, key: Key) -> Option<Work> {
        self.scheduler.borrow_mut().cancel(key)?.payload()
    }

    /// Does what the scheduler says, for ever.
    ///
    /// After every evaluation and every shed the loop yields. The runtime looks at its sockets
    /// before it comes back, so that no request waits unseen while others are evaluated.
    pub(crate) async fn serve_queue(self: Rc<Self>) {
        loop {
            let next = self.scheduler.borrow_mut().poll(self.shared.clock.now());
            match next {
                Next::Run(running) => self.run(running),
                Next::Shed(shed) => Self::shed(shed),
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
        let outcome = match running.payload {
            Work::Bid(job) => {
                Metrics::observe(&metrics.queue_delay, running.waited);
                let evaluation = || job.request.evaluate(&self.shared.store.current());
                let (answer, outcome) = evaluated(metrics, evaluation);
                // A client that left meanwhile has no use for the answer.
                let _ = job.reply.send(answer);
                outcome
            }
            Work::Reload => {
                if let Some(reloads) = &self.reloads {
                    // Before anybody else can take the place that this one has left.
                    reloads.schedule(self);
                    reloads.start(self);
                }
                Outcome::Done
            }
        };
        let mut scheduler = self.scheduler.borrow_mut();
        let took = scheduler.complete(self.shared.clock.now(), running.key, outcome);
        if let (true, Some(took)) = (is_bid, took) {
            Metrics::observe(&metrics.evaluation, took);
        }
    }

    fn shed(shed: Shed<Work>) {
        match shed.payload {
            Work::Bid(job) => {
                let _ = job.reply.send(Answer::Shed(why_shed(shed.reason)));
            }
            // Only a shutdown sheds it, and then there is no next one.
            Work::Reload => {}
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

    /// Answers everything that is queued with a shed, and everything that comes after it.
    pub(crate) fn shed_all(&self) {
        let now = self.shared.clock.now();
        // By now nothing can be done that isn't done yet.
        self.scheduler.borrow_mut().shutdown(now, now);
        self.submitted.notify_one();
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

/// What comes of an evaluation. A panic costs the request that brought it about its bid, and
/// nobody else anything: an evaluation only reads what it shares with others.
fn evaluated(metrics: &Metrics, evaluation: impl FnOnce() -> Answer) -> (Answer, Outcome) {
    match catch_unwind(AssertUnwindSafe(evaluation)) {
        Ok(answer) => (answer, Outcome::Done),
        Err(_) => {
            // The panic's hook has logged the message and the place.
            tracing::error!("an evaluation panicked");
            metrics.failed_evaluations.inc();
            (Answer::NoBid, Outcome::Failed)
        }
    }
}

/// The class of a request with so many impressions.
fn bid_class(imps: usize) -> Class {
    let imps = u16::try_from(imps).unwrap_or(u16::MAX);
    Class::new(FIRST_BID + imps.clamp(1, BID_CLASSES) - 1)
}

fn scheduler(config: &Config, reloads: Option<&Reloads>) -> Scheduler<Work> {
    let background = match reloads {
        Some(reloads) => ClassConfig::background().starvation_guard(reloads.longest_wait()),
        None => ClassConfig::background(),
    };
    let bids = (1..=u32::from(BID_CLASSES))
        .map(|imps| ClassConfig::foreground().initial_cost(INITIAL_COST * imps));
    // The next reload has a place of its own: one is queued at all times, so that requests have
    // all that the limit says, and no more.
    let reload = u32::from(reloads.is_some());
    let config = punctual::scheduler::Config {
        workers: 1,
        queue_bound: config.limits.queue.max(1).saturating_add(reload),
        admission: match config.order {
            Order::Deadline => Admission::Evict,
            Order::Fifo => Admission::All,
        },
        margin: Margin::Fixed(config.hand_over),
        classes: [background].into_iter().chain(bids).collect(),
        ..Default::default()
    };
    Scheduler::new(config).expect("one worker, a queue and some classes are valid")
}

fn why_refused(reason: RefuseReason) -> metrics::ShedReason {
    match reason {
        RefuseReason::Expired => metrics::ShedReason::Expired,
        RefuseReason::Infeasible(_) => metrics::ShedReason::Infeasible,
        RefuseReason::QueueFull => metrics::ShedReason::QueueFull,
        RefuseReason::UnknownClass => metrics::ShedReason::UnknownClass,
        RefuseReason::Closed => metrics::ShedReason::Shutdown,
        _ => metrics::ShedReason::Other,
    }
}

fn why_shed(reason: ShedReason) -> metrics::ShedReason {
    match reason {
        ShedReason::LatestStart { .. } => metrics::ShedReason::LatestStart,
        ShedReason::Evicted(_) => metrics::ShedReason::Evicted,
        ShedReason::OverShare(_) => metrics::ShedReason::OverShare,
        ShedReason::Displaced => metrics::ShedReason::Displaced,
        ShedReason::Shutdown => metrics::ShedReason::Shutdown,
        _ => metrics::ShedReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::config::{Limits, Listen, ShedForm};
    use super::*;

    fn worker(reload_ttl: Option<Duration>) -> Rc<Worker> {
        let campaigns = tempfile::NamedTempFile::new().expect("a file for the test");
        let text = r#"{"version":1,"campaigns":[]}"#;
        std::fs::write(campaigns.path(), text).expect("the file can be written");
        let opened = Store::open(campaigns.path().to_owned());
        let (store, version) = opened.expect("no campaigns are valid");
        let reloads = reload_ttl.map(|ttl| Reloads::new(ttl, version));
        let config = Config {
            listen: Listen::Unix(PathBuf::new()),
            workers: 1,
            cores: Vec::new(),
            order: Order::Deadline,
            shed_form: ShedForm::NoContent,
            margin: Duration::ZERO,
            hand_over: Duration::ZERO,
            default_tmax: Duration::from_secs(60),
            limits: Limits::default(),
        };
        let metrics = Metrics::new();
        let shared = Arc::new(Shared { clock: MonotonicClock::new(), config, metrics, store });
        Worker::new(shared, watch::Sender::new(Phase::Serving).subscribe(), reloads)
    }

    #[test]
    fn a_panic_is_a_no_bid_and_is_counted() {
        let metrics = Metrics::new();
        let (answer, outcome) = evaluated(&metrics, || panic!("a bug in an evaluation"));
        assert!(matches!(answer, Answer::NoBid), "{answer:?}");
        assert_eq!((outcome, metrics.failed_evaluations.get()), (Outcome::Failed, 1));
        let (_, outcome) = evaluated(&metrics, || Answer::NoBid);
        assert_eq!((outcome, metrics.failed_evaluations.get()), (Outcome::Done, 1));
    }

    #[test]
    fn a_worker_that_has_shed_all_takes_nothing_and_runs_nothing() {
        let worker = worker(None);
        let submit = || worker.submit(Job::new(Work::Reload).class(BACKGROUND));
        let queued = submit().expect("there is room");
        worker.shed_all();
        assert_eq!(submit(), Err(metrics::ShedReason::Shutdown));
        let poll = || worker.scheduler.borrow_mut().poll(worker.shared.clock.now());
        let Next::Shed(shed) = poll() else { panic!("what was queued is shed") };
        assert_eq!((shed.key, shed.reason), (queued, ShedReason::Shutdown));
        assert!(worker.cancel(queued).is_none());
        assert!(matches!(poll(), Next::Wait(None)));
    }

    #[test]
    fn requests_never_take_the_place_of_the_next_reload() {
        let ttl = Duration::from_secs(3_600);
        let worker = worker(Some(ttl));
        let limit = worker.shared.config.limits.queue;
        let submit = || worker.submit(Job::new(Work::Reload).class(bid_class(1)));
        for _ in 0..limit {
            submit().expect("requests have all that the limit says");
        }
        assert_eq!(submit(), Err(metrics::ShedReason::QueueFull));
        assert_eq!(worker.scheduler.borrow().stats().queued, limit + 1);
    }

    #[tokio::test]
    async fn a_reload_leaves_the_next_one_in_its_place() {
        tokio::task::LocalSet::new()
            .run_until(async {
                // So long that no stall of the machine makes a reload due by itself.
                let worker = worker(Some(Duration::from_secs(3_600)));
                for _ in 0..3 {
                    let early = worker.scheduler.borrow_mut().poll(worker.shared.clock.now());
                    let Next::Wait(Some(until)) = early else { panic!("not at once") };
                    let next = worker.scheduler.borrow_mut().poll(until);
                    let Next::Run(reload) = next else { panic!("it is released") };
                    worker.run(reload);
                    assert_eq!(worker.scheduler.borrow().stats().queued, 1);
                }
                worker.shed_all();
                let shed = worker.scheduler.borrow_mut().poll(worker.shared.clock.now());
                assert!(matches!(shed, Next::Shed(_)), "it is not run any more");
                worker.reloads.as_ref().expect("it reloads").schedule(&worker);
                assert_eq!(worker.scheduler.borrow().stats().queued, 0);
            })
            .await;
    }

    #[test]
    fn each_number_of_impressions_has_a_class_of_its_own() {
        let classes: Vec<_> = (1..=MAX_IMPS).map(bid_class).collect();
        assert!(classes.windows(2).all(|pair| pair[0] != pair[1]), "{classes:?}");
        let mut scheduler = scheduler(&worker(None).shared.config, None);
        let job = Job::new(Work::Reload).class(bid_class(MAX_IMPS));
        assert!(scheduler.submit(Time::ZERO, job).is_ok());
    }

    #[test]
    fn a_reload_waits_for_slack_for_three_ttls_and_no_longer() {
        let ttl = Duration::from_millis(100);
        let worker = worker(Some(ttl));
        let mut scheduler = scheduler(&worker.shared.config, worker.reloads.as_deref());
        let mut now = Time::ZERO;
        let reload = Job::new(Work::Reload).class(BACKGROUND).release(now + ttl);
        let reload = scheduler.submit(now, reload).expect("there is room").key();
        let cost = Duration::from_millis(1);
        loop {
            // Each takes the slack that the one before it leaves.
            let bid = Job::new(Work::Reload).class(bid_class(1)).budget(4 * cost).cost(cost);
            scheduler.submit(now, bid).expect("there is time");
            let Next::Run(running) = scheduler.poll(now) else { panic!("there is always a bid") };
            if running.key == reload {
                break;
            }
            now += cost;
            scheduler.complete(now, running.key, Outcome::Done);
        }
        let waited = now.saturating_since(Time::ZERO + ttl);
        assert!((3 * ttl..=3 * ttl + 2 * cost).contains(&waited), "{waited:?}");
    }
}
