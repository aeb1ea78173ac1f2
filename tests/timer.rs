//! The timer: never early, nothing lost, and nobody else's panic.

#![cfg(feature = "timer")]

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use punctual::time::{Clock, ManualClock, MonotonicClock, Time};
use punctual::timer::{Elapsed, Sleep, Timer};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Counts how often it is woken, and unparks who waits for that.
struct Counter {
    woken: AtomicUsize,
    waiting: Thread,
}

impl Counter {
    fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Self { woken: AtomicUsize::new(0), waiting: thread::current() });
        (Arc::clone(&counter), counter.into())
    }

    fn count(&self) -> usize {
        self.woken.load(Ordering::SeqCst)
    }

    /// Waits until it was woken so often.
    fn wait_for(&self, count: usize) {
        while self.count() < count {
            thread::park();
        }
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        self.waiting.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let (_, waker) = Counter::new();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

fn manual() -> (Arc<ManualClock>, Timer) {
    let clock = Arc::new(ManualClock::new(Time::from_nanos(7)));
    let timer = Timer::new(Arc::clone(&clock)).expect("the system gives threads");
    (clock, timer)
}

/// Moves the clock, and waits until the timer has looked at it: what is due then has been woken.
fn move_to(clock: &ManualClock, timer: &Timer, now: Time) {
    clock.set(now);
    let (counter, waker) = Counter::new();
    // Due a tick later than everything up to now, and so woken last.
    let last = now + Timer::RESOLUTION;
    let mut sleep = pin!(timer.sleep_until(last));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    clock.set(last + Timer::RESOLUTION);
    timer.wake();
    counter.wait_for(1);
}

#[test]
fn a_sleep_is_never_early_in_real_time() {
    let clock = MonotonicClock::new();
    let timer = Timer::new(clock).expect("the system gives threads");
    for us in [0, 1, 3, 50, 999, 2_500] {
        let deadline = clock.now() + Duration::from_micros(us);
        block_on(timer.sleep_until(deadline));
        assert!(clock.now() >= deadline);
    }
}

#[test]
fn nobody_is_woken_before_the_clock_has_come_there() {
    let (clock, timer) = manual();
    let (counter, waker) = Counter::new();
    let deadline = Time::ZERO + ms(50);
    let mut sleep = pin!(timer.sleep_until(deadline));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    move_to(&clock, &timer, deadline - ms(1));
    assert_eq!(counter.count(), 0);
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    move_to(&clock, &timer, deadline);
    assert_eq!(counter.count(), 1);
    assert!(poll(sleep.as_mut(), &waker).is_ready());
    assert!(poll(sleep.as_mut(), &waker).is_ready(), "it stays ready");
}

#[test]
fn an_earlier_sleep_wakes_the_thread_that_waits_for_a_later_one() {
    let (clock, timer) = manual();
    let ends = [9, 3, 5, 1, 7].map(|end| Time::ZERO + ms(100 * end));
    let mut sleeps: Vec<(Sleep, Arc<Counter>)> = Vec::new();
    for end in ends {
        let (counter, waker) = Counter::new();
        let mut sleep = timer.sleep_until(end);
        assert!(poll(Pin::new(&mut sleep), &waker).is_pending());
        sleeps.push((sleep, counter));
    }
    for now in [100, 300, 500, 700, 900].map(|now| Time::ZERO + ms(now)) {
        move_to(&clock, &timer, now);
        for (sleep, counter) in &sleeps {
            assert_eq!(counter.count(), usize::from(sleep.deadline() <= now), "at {now:?}");
        }
    }
}

#[test]
fn only_the_last_waker_is_woken() {
    let (clock, timer) = manual();
    let [(first, old), (second, new)] = [Counter::new(), Counter::new()];
    let mut sleep = pin!(timer.sleep(ms(1)));
    for waker in [&old, &new, &new] {
        assert!(poll(sleep.as_mut(), waker).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 2, "who isn't needed any more is dropped");
    move_to(&clock, &timer, Time::ZERO + ms(2));
    assert_eq!((first.count(), second.count()), (0, 1));
}

#[test]
fn a_dropped_sleep_wakes_nobody_and_keeps_nothing() {
    let (clock, timer) = manual();
    let (counter, waker) = Counter::new();
    let mut sleep = Box::pin(timer.sleep(ms(1)));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    drop(sleep);
    assert_eq!(Arc::strong_count(&counter), 2);
    move_to(&clock, &timer, Time::ZERO + ms(2));
    assert_eq!(counter.count(), 0);
}

#[test]
fn a_reset_moves_the_end_in_both_directions() {
    let (clock, timer) = manual();
    let (counter, waker) = Counter::new();
    let at = |end| Time::ZERO + ms(end);
    let mut sleep = pin!(timer.sleep_until(at(50)));
    sleep.reset(at(60));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    sleep.reset(at(80));
    move_to(&clock, &timer, at(70));
    assert_eq!(counter.count(), 0);
    sleep.reset(at(75));
    move_to(&clock, &timer, at(76));
    assert_eq!(counter.count(), 1);
    sleep.reset(at(90));
    assert!(poll(sleep.as_mut(), &waker).is_pending(), "it begins anew after its end");
    move_to(&clock, &timer, at(90));
    assert_eq!(counter.count(), 2);
}

#[test]
fn the_end_of_time_never_comes() {
    let (clock, timer) = manual();
    let (counter, waker) = Counter::new();
    let mut sleep = pin!(timer.sleep(Duration::MAX));
    assert_eq!(sleep.deadline(), Time::MAX);
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    move_to(&clock, &timer, Time::MAX - ms(1));
    assert_eq!(counter.count(), 0);
}

#[test]
fn a_burst_is_woken_to_the_last() {
    let (clock, timer) = manual();
    let (counter, waker) = Counter::new();
    let mut sleeps: Vec<_> = (0..1_000).map(|end| timer.sleep(ms(end % 7 + 1))).collect();
    for sleep in &mut sleeps {
        assert!(poll(Pin::new(sleep), &waker).is_pending());
    }
    move_to(&clock, &timer, Time::ZERO + ms(10));
    assert_eq!(counter.count(), sleeps.len());
}

#[test]
fn a_time_out_asks_its_future_first() {
    let (clock, timer) = manual();
    let past = Time::ZERO;
    assert_eq!(block_on(timer.timeout(past, async { "just so" })), Ok("just so"));
    assert_eq!(block_on(timer.timeout(past, std::future::pending::<()>())), Err(Elapsed));

    let (counter, waker) = Counter::new();
    let mut pending = pin!(timer.timeout(Time::ZERO + ms(1), std::future::pending::<()>()));
    assert!(poll(pending.as_mut(), &waker).is_pending());
    move_to(&clock, &timer, Time::ZERO + ms(1));
    assert_eq!(counter.count(), 1);
    assert_eq!(poll(pending.as_mut(), &waker), Poll::Ready(Err(Elapsed)));
}

/// Panics when it is woken.
struct Explosive;

impl Wake for Explosive {
    fn wake(self: Arc<Self>) {
        panic!("as the test wants it");
    }
}

#[test]
fn a_panicking_waker_stops_nobody_else() {
    let (clock, timer) = manual();
    let (counter, waker) = Counter::new();
    let explosive = Waker::from(Arc::new(Explosive));
    let mut sleeps: Vec<_> = (0..10).map(|_| timer.sleep(ms(1))).collect();
    for (at, sleep) in sleeps.iter_mut().enumerate() {
        let waker = if at % 2 == 0 { &explosive } else { &waker };
        assert!(poll(Pin::new(sleep), waker).is_pending());
    }
    move_to(&clock, &timer, Time::ZERO + ms(1));
    assert_eq!(counter.count(), 5);
    block_on(timer.sleep_until(clock.now()));
}

/// A clock that tells when nobody can ask it any more: when timer and thread are gone.
struct Witness {
    clock: Arc<ManualClock>,
    waker: Waker,
}

impl Clock for Witness {
    fn now(&self) -> Time {
        self.clock.now()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.waker.wake_by_ref();
    }
}

fn witnessed() -> (Arc<ManualClock>, Timer, Arc<Counter>) {
    let (counter, waker) = Counter::new();
    let clock = Arc::new(ManualClock::new(Time::ZERO));
    let timer = Timer::new(Witness { clock: Arc::clone(&clock), waker });
    (clock, timer.expect("the system gives threads"), counter)
}

#[test]
fn the_thread_ends_with_the_last_handle() {
    let (_clock, timer, gone) = witnessed();
    let sleep = timer.sleep(ms(1));
    drop(timer);
    assert_eq!(gone.count(), 0, "a sleep is a handle");
    drop(sleep);
    assert_eq!(gone.count(), 1, "the drop waits for the thread");
}

/// Drops the sleep that wakes it.
struct Holder(Mutex<Option<Sleep>>);

impl Wake for Holder {
    fn wake(self: Arc<Self>) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[test]
fn a_waker_may_drop_the_last_handle() {
    let (clock, timer, gone) = witnessed();
    let holder = Arc::new(Holder(Mutex::new(None)));
    let mut sleep = timer.sleep(ms(1));
    assert!(poll(Pin::new(&mut sleep), &Waker::from(Arc::clone(&holder))).is_pending());
    *holder.0.lock().expect("nobody panicked") = Some(sleep);
    drop(timer);
    // Nobody tells the timer: it looks at a clock that stands still by itself.
    clock.advance(ms(2));
    gone.wait_for(1);
}
