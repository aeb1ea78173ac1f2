//! A service that does what the tests say, and requests that are polled by hand.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use punctual::adapters::tower::extract::Extract;
use punctual::adapters::tower::{Builder, DeadlineLayer, Error, Fail, Rejection, ResponseFuture};
use punctual::scheduler::{Job, Margin};
use punctual::time::{ManualClock, Time};
use punctual::timer::Timer;
use tower_layer::Layer;
use tower_service::Service;

pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn at(count: u64) -> Time {
    Time::ZERO + ms(count)
}

/// A request says itself what it needs.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) name: &'static str,
    pub(crate) job: Job<()>,
}

/// Reads [`Request`]s.
#[derive(Clone, Copy)]
pub(crate) struct AsSaid;

impl Extract<Request> for AsSaid {
    fn job(&self, request: &Request) -> Job<()> {
        request.job.clone()
    }
}

/// What the service does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Answer,
    Fail,
    PanicWhenPolled,
    PanicWhenCalled,
}

#[derive(Default)]
struct Script {
    acts: HashMap<&'static str, Act>,
    wakers: HashMap<&'static str, Waker>,
    called: Vec<&'static str>,
    dropped: Vec<&'static str>,
    is_unready: bool,
    unready: Vec<Waker>,
    has_failed: bool,
    when_dropped: Option<Arc<dyn Fn() -> u32 + Send + Sync>>,
    seen_when_dropped: Vec<u32>,
}

/// A service whose requests wait until the test says what becomes of them.
#[derive(Clone, Default)]
pub(crate) struct Puppet(Arc<Mutex<Script>>);

impl Puppet {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this is what becomes of the request.
    pub(crate) fn act(&self, name: &'static str, act: Act) {
        let mut script = self.script();
        script.acts.insert(name, act);
        let waker = script.wakers.remove(name);
        drop(script);
        waker.into_iter().for_each(Waker::wake);
    }

    /// The next request of this name waits.
    pub(crate) fn hold(&self, name: &'static str) {
        self.script().acts.remove(name);
    }

    pub(crate) fn set_unready(&self, is_unready: bool) {
        let mut script = self.script();
        script.is_unready = is_unready;
        let wakers = std::mem::take(&mut script.unready);
        drop(script);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Looks at something whenever a future is dropped.
    pub(crate) fn when_dropped(&self, look: impl Fn() -> u32 + Send + Sync + 'static) {
        self.script().when_dropped = Some(Arc::new(look));
    }

    pub(crate) fn seen_when_dropped(&self) -> Vec<u32> {
        self.script().seen_when_dropped.clone()
    }

    /// Its readiness ends in an error.
    pub(crate) fn fail_readiness(&self) {
        self.script().has_failed = true;
    }

    /// Whom it was called for so far.
    pub(crate) fn called(&self) -> Vec<&'static str> {
        self.script().called.clone()
    }

    /// Whose futures were dropped so far.
    pub(crate) fn dropped(&self) -> Vec<&'static str> {
        self.script().dropped.clone()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("as the test wants it")
    }
}

impl std::error::Error for Failed {}

impl Service<Request> for Puppet {
    type Response = &'static str;
    type Error = Failed;
    type Future = Strings;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        let mut script = self.script();
        if script.has_failed {
            return Poll::Ready(Err(Failed));
        }
        if script.is_unready {
            script.unready.push(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Strings {
        self.script().called.push(request.name);
        let act = self.script().acts.get(request.name).copied();
        assert!(act != Some(Act::PanicWhenCalled), "as the test wants it");
        Strings { name: request.name, puppet: self.clone() }
    }
}

/// What the puppet hangs on.
pub(crate) struct Strings {
    name: &'static str,
    puppet: Puppet,
}

impl Future for Strings {
    type Output = Result<&'static str, Failed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut script = self.puppet.script();
        match script.acts.get(self.name).copied() {
            Some(Act::Answer) => Poll::Ready(Ok(self.name)),
            Some(Act::Fail) => Poll::Ready(Err(Failed)),
            Some(Act::PanicWhenPolled | Act::PanicWhenCalled) => panic!("as the test wants it"),
            None => {
                script.wakers.insert(self.name, context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Strings {
    fn drop(&mut self) {
        let look = self.puppet.script().when_dropped.clone();
        let seen = look.map(|look| look());
        let mut script = self.puppet.script();
        script.dropped.push(self.name);
        script.seen_when_dropped.extend(seen);
    }
}

/// Counts how often it is woken, and unparks who waits for that.
pub(crate) struct Counter {
    woken: AtomicUsize,
    waiting: Thread,
}

impl Counter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { woken: AtomicUsize::new(0), waiting: thread::current() })
    }

    pub(crate) fn count(&self) -> usize {
        self.woken.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        self.waiting.unpark();
    }
}

type Output = Result<&'static str, Error<Failed>>;

/// A request on its way.
pub(crate) struct Call {
    pub(crate) future: Pin<Box<ResponseFuture<Puppet, Request, AsSaid, Fail>>>,
    counter: Arc<Counter>,
}

impl Call {
    pub(crate) fn poll(&mut self) -> Poll<Output> {
        let waker = Waker::from(Arc::clone(&self.counter));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn poll_by(&mut self, waker: &Waker) -> Poll<Output> {
        self.future.as_mut().poll(&mut Context::from_waker(waker))
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.counter.count() > 0
    }

    /// Waits until it is woken, and polls it.
    pub(crate) fn wait(&mut self) -> Poll<Output> {
        while !self.is_woken() {
            thread::park();
        }
        self.poll()
    }

    /// The 'no' that it gets when it is woken.
    pub(crate) fn rejection(&mut self) -> Rejection {
        match self.wait() {
            Poll::Ready(Err(Error::Rejected(rejection))) => rejection,
            other => panic!("rejected, and not {other:?}"),
        }
    }
}

/// A layer around a puppet, and the clock that it goes by.
pub(crate) struct Bench {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) puppet: Puppet,
    pub(crate) layer: DeadlineLayer<AsSaid>,
}

impl Bench {
    /// One request at a time, without margin or longest budget, unless it is set up otherwise.
    pub(crate) fn new(set_up: impl FnOnce(Builder<AsSaid>) -> Builder<AsSaid>) -> Self {
        Self::with_default_margin(|it| {
            let it = it.concurrency(1).margin(Margin::Fixed(Duration::ZERO));
            set_up(it.longest_budget(Duration::MAX))
        })
    }

    /// What the layer is by default.
    pub(crate) fn with_default_margin(
        set_up: impl FnOnce(Builder<AsSaid>) -> Builder<AsSaid>,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Time::ZERO));
        let builder = DeadlineLayer::builder().clock(Arc::clone(&clock)).extract(AsSaid);
        let layer = set_up(builder).build().expect("the settings are fine");
        Self { clock, puppet: Puppet::default(), layer }
    }

    /// Calls the service for a request, whose future isn't polled yet.
    pub(crate) fn call(&self, name: &'static str, job: Job<()>) -> Call {
        let mut service = self.layer.layer(self.puppet.clone());
        let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
        assert_eq!(ready, Poll::Ready(Ok(())), "it is always ready");
        let future = Box::pin(service.call(Request { name, job }));
        Call { future, counter: Counter::new() }
    }

    /// A request that is polled, and neither answered nor rejected.
    pub(crate) fn pending(&self, name: &'static str, job: Job<()>) -> Call {
        let mut call = self.call(name, job);
        assert_eq!(call.poll(), Poll::Pending, "{name}");
        call
    }

    pub(crate) fn move_to(&self, now: Time) {
        self.clock.set(now);
        self.timer().wake();
    }

    pub(crate) fn timer(&self) -> &Timer {
        self.layer.timer()
    }

    /// Ends the request that is served, and takes its answer.
    pub(crate) fn finish(&self, call: &mut Call, name: &'static str) {
        self.puppet.act(name, Act::Answer);
        assert_eq!(call.poll(), Poll::Ready(Ok(name)));
    }
}

/// A request with so many milliseconds.
pub(crate) fn within(budget_ms: u64) -> Job<()> {
    Job::new(()).budget(ms(budget_ms)).cost(ms(1))
}

/// The output of a future that is ready at once.
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing is in its way"),
    }
}
