//! What the tests share: a backend whose answers they decide, and a shelf of loads.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Duration;

use punctual::cache::dispatch::{Dispatched, Dispatcher};
use punctual::cache::{Answer, Builder, Load, Order, RefreshCache, Wait, WaitError, cached};
use punctual::scheduler::Budget;
use punctual::time::Time;

pub(crate) type Cache = RefreshCache<u32, u32>;

pub(crate) type Outcome = Result<Answer<u32>, WaitError>;

pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn at(count: u64) -> Time {
    Time::ZERO + ms(count)
}

/// So long that no stall of a machine reaches it.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);

/// How a load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With what it read when it began.
    Brings,
    Absent,
    Fails,
    Panics,
}

/// What is loaded from. What a load reads, it reads when it begins.
#[derive(Clone, Default)]
pub(crate) struct Backend(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    values: HashMap<u32, u32>,
    /// The keys of all calls, and how they are to end.
    calls: Vec<(u32, Option<End>)>,
    wakers: Vec<Waker>,
    /// How calls end that nobody decides about.
    default: Option<End>,
}

impl Backend {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }

    /// A backend whose loads end at once.
    pub(crate) fn quick() -> Self {
        let backend = Self::default();
        backend.lock().default = Some(End::Brings);
        backend
    }

    pub(crate) fn set(&self, key: u32, value: u32) {
        self.lock().values.insert(key, value);
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.lock().calls.len()
    }

    pub(crate) fn calls_of(&self, key: u32) -> usize {
        self.lock().calls.iter().filter(|call| call.0 == key).count()
    }

    /// Decides how a call ends; whoever runs it is woken.
    pub(crate) fn end(&self, call: usize, end: End) {
        let mut state = self.lock();
        state.calls[call].1 = Some(end);
        let wakers = core::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn load(
        &self,
        key: u32,
    ) -> impl Future<Output = Result<Option<u32>, String>> + Send + use<> {
        let mut state = self.lock();
        let (call, end) = (state.calls.len(), state.default);
        state.calls.push((key, end));
        let value = state.values.get(&key).copied().unwrap_or(0);
        drop(state);
        let backend = self.clone();
        async move {
            match poll_fn(|context| backend.poll(call, context)).await {
                End::Brings => Ok(Some(value)),
                End::Absent => Ok(None),
                End::Fails => Err("the backend is down".to_owned()),
                End::Panics => std::panic::resume_unwind(Box::new("the backend is on fire")),
            }
        }
    }

    fn poll(&self, call: usize, context: &Context<'_>) -> Poll<End> {
        let mut state = self.lock();
        match state.calls[call].1 {
            Some(end) => Poll::Ready(end),
            None => {
                state.wakers.push(context.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(crate) fn builder(&self) -> Builder<u32, u32> {
        let backend = self.clone();
        cached(move |key, _: Budget| backend.load(key))
            .soft_ttl(ms(100))
            .hard_ttl(ms(400))
            .jitter(0.0)
    }
}

/// A dispatcher that begins loads at once, and keeps those that wait.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    loads: Vec<Pin<Box<Load>>>,
    orders: Vec<Order>,
    refuses: bool,
    deadlines: Vec<Time>,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().expect("nobody panics with it")
    }

    /// Whether all loads are given back.
    pub(crate) fn refuse(&self, is_on: bool) {
        self.lock().refuses = is_on;
    }

    /// The orders of all loads so far.
    pub(crate) fn orders(&self) -> Vec<Order> {
        self.lock().orders.clone()
    }

    /// What loads were rescheduled to.
    pub(crate) fn deadlines(&self) -> Vec<Time> {
        self.lock().deadlines.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().loads.len()
    }

    /// Polls what waits.
    pub(crate) fn run(&self) {
        let loads = core::mem::take(&mut self.lock().loads);
        let still: Vec<_> = loads.into_iter().filter_map(begin).collect();
        self.lock().loads.extend(still);
    }

    /// Drops what waits.
    pub(crate) fn clear(&self) {
        let loads = core::mem::take(&mut self.lock().loads);
        drop(loads);
    }
}

fn begin(mut load: Pin<Box<Load>>) -> Option<Pin<Box<Load>>> {
    let polled = load.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    polled.is_pending().then_some(load)
}

impl Dispatcher for Shelf {
    fn submit(&self, load: Load) -> Result<Box<dyn Dispatched>, Load> {
        let mut held = self.lock();
        held.orders.push(load.order());
        if held.refuses {
            return Err(load);
        }
        drop(held);
        let still = begin(Box::pin(load));
        self.lock().loads.extend(still);
        Ok(Box::new(self.clone()))
    }
}

impl Dispatched for Shelf {
    fn reschedule(&self, deadline: Time) {
        self.lock().deadlines.push(deadline);
    }

    fn cancel(&self) {}
}

/// A cache that is driven by its test, from time zero on.
pub(crate) struct Bench {
    pub(crate) backend: Backend,
    pub(crate) shelf: Shelf,
    pub(crate) cache: Cache,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(set: impl FnOnce(Builder<u32, u32>) -> Builder<u32, u32>) -> Self {
        Self::with_backend(|builder, _| set(builder))
    }

    pub(crate) fn with_backend(
        set: impl FnOnce(Builder<u32, u32>, Backend) -> Builder<u32, u32>,
    ) -> Self {
        let (backend, shelf) = (Backend::default(), Shelf::default());
        let builder = set(backend.builder(), backend.clone());
        let cache = builder.build_driven(shelf.clone(), Time::ZERO).expect("it is valid");
        Self { backend, shelf, cache }
    }

    /// A call ends, and its load is run to its end.
    pub(crate) fn end(&self, call: usize, end: End) {
        self.backend.end(call, end);
        self.shelf.run();
    }

    pub(crate) fn advance(&self, to: u64) {
        let _ = self.cache.advance(at(to));
    }

    pub(crate) fn within(&self, budget: u64) -> Budget {
        Budget::of(self.cache.now(), ms(budget))
    }

    /// Waits as long as it takes.
    pub(crate) fn ask(&self, key: u32) -> Wait<u32> {
        self.cache.get_or_wait(&key, Budget::UNLIMITED)
    }

    /// A value that was loaded just now: the first call of an idle backend.
    pub(crate) fn warm(&self, key: u32, value: u32) {
        self.backend.set(key, value);
        let call = self.backend.calls();
        assert_eq!(self.cache.get(&key), Answer::Missing);
        self.end(call, End::Brings);
        assert_eq!(self.cache.peek(&key), Answer::Fresh(value));
    }
}

/// What a wait has come to.
#[track_caller]
pub(crate) fn told(wait: Wait<u32>) -> Outcome {
    wait.try_take().expect("it is known")
}

#[track_caller]
pub(crate) fn waits(wait: Wait<u32>) -> Wait<u32> {
    wait.try_take().expect_err("it is not known yet")
}

/// Counts how often it is woken, and unparks who waits for that.
pub(crate) struct Counter {
    woken: AtomicUsize,
    waiting: Thread,
}

impl Counter {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Self { woken: AtomicUsize::new(0), waiting: thread::current() });
        (counter.clone(), counter.into())
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
