//! Jobs, their order, their tickets and their outcomes.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park};
use std::time::Duration;

use punctual::pool::{Outcome, Pool, Work};
use punctual::scheduler::{Budget, Class, Job, RefuseReason, RescheduleError};
use punctual::time::Time;

use super::support::{Dropped, Gate, LONG, Log, Still, ms, panic_message, pool};

#[test]
fn results_come_back_to_whoever_waits() {
    let pool = pool(2);
    let double = |at: u64| Job::new(move |_: Budget| 2 * at).budget(LONG);
    let tickets: Vec<_> =
        (0..1_000).map(|at| pool.submit(double(at)).expect("there is room")).collect();
    for (at, ticket) in (0..).zip(tickets) {
        assert!(matches!(ticket.wait(), Outcome::Done(it) if it == 2 * at));
    }
    let stats = pool.drain(pool.now() + LONG);
    assert_eq!((stats.submitted, stats.done), (1_000, 1_000), "{stats:?}");
}

#[test]
fn jobs_run_in_the_order_of_their_deadlines() {
    let Still { pool, .. } = &Still::one_worker();
    let (gate, log) = (Gate::close(pool), Log::default());
    for (name, due) in [("third", 30), ("first", 10), ("second", 20), ("also second", 20)] {
        pool.submit(log.job(name).budget(ms(due))).expect("there is room").detach();
    }
    gate.open();
    pool.drain(Time::MAX);
    assert_eq!(log.read(), ["first", "second", "also second", "third"]);
}

#[test]
fn a_panic_is_the_outcome_of_its_job_and_of_no_other() {
    let pool = pool(1);
    let bad = pool.submit(Job::new(|_| panic!("a bug")).budget(LONG)).expect("there is room");
    let bad: Outcome<()> = bad.wait();
    assert_eq!(panic_message(bad), "a bug");
    let good = pool.submit(Job::new(|_| "fine").budget(LONG)).expect("there is room");
    assert_eq!(good.wait().done(), Some("fine"));
    let stats = pool.drain(pool.now() + LONG);
    assert_eq!((stats.done, stats.failed), (1, 1));
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb");
    }
}

#[test]
fn a_destructor_that_panics_takes_no_worker_with_it() {
    let pool = pool(1);
    let gate = Gate::close(&pool);
    // Its result is dropped by the worker, since nobody waits for it.
    pool.submit(Job::new(|_| Bomb).budget(LONG)).expect("there is room").detach();
    let bomb = Bomb;
    let cancelled = pool.submit(Job::new(move |_| drop(bomb)).budget(LONG));
    let cancelled = cancelled.expect("there is room");
    assert!(cancelled.cancel());
    assert!(matches!(cancelled.wait(), Outcome::Cancelled));
    gate.open();
    let last = pool.submit(Job::new(|_| "alive").budget(LONG)).expect("there is room");
    assert_eq!(last.wait().done(), Some("alive"));
}

/// Is thrown, and throws another one when it is dropped.
struct Fuse;

impl Drop for Fuse {
    fn drop(&mut self) {
        std::panic::panic_any("what was thrown panics as well");
    }
}

/// A result whose destructor throws such a thing.
struct Chain;

impl Drop for Chain {
    fn drop(&mut self) {
        std::panic::panic_any(Fuse);
    }
}

#[test]
fn what_was_thrown_may_panic_when_it_is_dropped() {
    let pool = pool(1);
    // Detached before it runs: its result is the worker's to drop.
    let gate = Gate::close(&pool);
    pool.submit(Job::new(|_| Chain).budget(LONG)).expect("there is room").detach();
    gate.open();
    let gate = Gate::close(&pool);
    let chain = Chain;
    let first = pool.submit(Job::new(move |_| drop(chain)).budget(LONG)).expect("room");
    let second = pool.submit(Job::new(|_| ()).budget(LONG)).expect("there is room");
    assert!(first.cancel());
    assert!(matches!(first.wait(), Outcome::Cancelled));
    let chain = Chain;
    pool.submit(Job::new(move |_| drop(chain)).budget(LONG)).expect("room").detach();
    pool.shutdown_now();
    assert!(second.wait().verdict().is_some(), "it is told, whoever panicked before");
    gate.open();
    // The worker has lived through all of that.
    assert_eq!(pool.drain(Time::MAX).done, 3);
}

#[test]
fn a_ticket_that_was_awaited_has_nothing_more_to_give() {
    let pool = pool(1);
    let mut ticket = pool.submit(Job::new(|_| 7).budget(LONG)).expect("there is room");
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut context = Context::from_waker(&waker);
    while std::pin::Pin::new(&mut ticket).poll(&mut context).is_pending() {
        park();
    }
    assert!(matches!(ticket.wait(), Outcome::Cancelled));
}

#[test]
fn what_is_cancelled_is_dropped_at_once_and_frees_its_place() {
    let Still { pool, .. } = &Still::new(Pool::builder().workers(1).queue_bound(1));
    let (gate, log) = (Gate::close(pool), Log::default());
    let dropped = Dropped(log.clone(), "dropped");
    let first = pool.submit(Job::new(move |_| drop(dropped)).budget(ms(9))).expect("room");
    assert!(first.cancel());
    assert_eq!(log.read(), ["dropped"]);
    assert!(!first.cancel(), "it has an outcome");
    assert!(matches!(first.wait(), Outcome::Cancelled));
    let second = pool.submit(log.job("second").budget(ms(9))).expect("there is room");
    gate.open();
    assert!(matches!(second.wait(), Outcome::Done(())));
    let stats = pool.drain(Time::MAX);
    assert_eq!((stats.cancelled, stats.done), (1, 2));
}

#[test]
fn a_dropped_ticket_cancels_and_a_detached_one_does_not() {
    let Still { pool, .. } = &Still::one_worker();
    let (gate, log) = (Gate::close(pool), Log::default());
    drop(pool.submit(log.job("dropped").budget(ms(1))).expect("there is room"));
    pool.submit(log.job("detached").budget(ms(2))).expect("there is room").detach();
    gate.open();
    let stats = pool.drain(Time::MAX);
    assert_eq!(log.read(), ["detached"]);
    assert_eq!((stats.cancelled, stats.done), (1, 2));
}

#[test]
fn what_runs_is_neither_cancelled_nor_moved() {
    let Still { pool, .. } = &Still::one_worker();
    let gate = Gate::close(pool);
    assert!(!gate.ticket.cancel());
    assert_eq!(gate.ticket.reschedule(Time::MAX), Err(RescheduleError::Running));
    gate.open();
}

#[test]
fn a_deadline_can_be_moved_both_ways() {
    let Still { pool, .. } = &Still::one_worker();
    let (gate, log) = (Gate::close(pool), Log::default());
    let at = |after: u64| Time::ZERO + ms(after);
    let names = ["a", "b", "c"];
    let submit = |(name, due)| pool.submit(log.job(name).deadline(at(due))).expect("room");
    let tickets: Vec<_> = names.into_iter().zip([10, 20, 30]).map(submit).collect();
    assert_eq!(tickets[2].reschedule(at(5)), Ok(Some(at(30))));
    assert_eq!(tickets[0].reschedule(at(25)), Ok(Some(at(10))));
    gate.open();
    pool.drain(Time::MAX);
    assert_eq!(log.read(), ["c", "b", "a"]);
    assert_eq!(tickets[0].reschedule(at(40)), Err(RescheduleError::Stale));
}

#[test]
fn a_job_that_no_queue_takes_comes_back_with_the_reason() {
    let pool = pool(1);
    let job = Job::new(|_: Budget| 7).class(Class::new(1)).budget(LONG);
    let refused = pool.submit(job).expect_err("there is no such class");
    assert_eq!(refused.reason, RefuseReason::UnknownClass);
    pool.shutdown_now();
    let refused = pool.submit(refused.job.class(Class::new(0))).expect_err("it is closed");
    assert_eq!(refused.reason, RefuseReason::Closed);
    assert_eq!((refused.job.payload)(Budget::UNLIMITED), 7);
}

#[test]
fn an_outcome_can_be_asked_for_without_waiting_or_for_a_while() {
    let still = Still::one_worker();
    let gate = Gate::close(&still.pool);
    let ticket = still.pool.submit(Job::new(|_| 7).budget(LONG)).expect("there is room");
    let ticket = ticket.try_take().expect_err("it waits for the gate");
    let soon = still.pool.now() + ms(5);
    let waiting = std::thread::spawn(move || ticket.wait_until(soon));
    still.advance(ms(5));
    let ticket = waiting.join().expect("it does not panic").expect_err("the gate is closed");
    gate.open();
    let outcome = ticket.wait_until(Time::MAX).expect("it runs");
    assert_eq!(outcome.done(), Some(7));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn a_ticket_is_a_future_of_its_outcome() {
    let pool = pool(1);
    let gate = Gate::close(&pool);
    let mut ticket = pin!(pool.submit(Job::new(|_| 7).budget(LONG)).expect("there is room"));
    let mut nobody = Context::from_waker(Waker::noop());
    assert!(ticket.as_mut().poll(&mut nobody).is_pending());
    gate.open();
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut context = Context::from_waker(&waker);
    let outcome = loop {
        match ticket.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => break outcome,
            Poll::Pending => park(),
        }
    };
    assert_eq!(outcome.done(), Some(7));
    assert!(ticket.as_mut().poll(&mut context).is_pending(), "it gives its outcome once");
}

#[test]
fn sub_tasks_inherit_what_is_left_and_their_waiter_runs_them() {
    let Still { pool, .. } = &Still::one_worker();
    let handle = (*pool).clone();
    // Three deep on the only worker.
    let job = Job::new(move |outer: Budget| {
        let inner_handle = handle.clone();
        let inner = Job::new(move |inner: Budget| {
            let leaf = Job::new(|leaf: Budget| leaf.deadline()).within(inner.child(ms(10)));
            inner_handle.submit(leaf).expect("there is room").wait().done().flatten()
        });
        let inner = handle.submit(inner.within(outer.child(ms(10)))).expect("there is room");
        inner.wait().done().flatten()
    });
    let ticket = pool.submit(job.budget(ms(80))).expect("there is room");
    assert_eq!(ticket.wait().done(), Some(Some(Time::ZERO + ms(60))));
    let stats = pool.drain(Time::MAX);
    assert_eq!((stats.done, stats.running), (3, 0));
}

#[test]
fn a_worker_that_waits_for_a_release_is_woken_by_it() {
    let still = Still::one_worker();
    let (handle, started) = (still.pool.clone(), Log::default());
    let log = started.clone();
    let job = Job::new(move |_: Budget| {
        let later = Job::new(|_| 7).release(Time::ZERO + ms(5)).budget(LONG);
        let later = handle.submit(later).expect("there is room");
        log.note("waits");
        later.wait().done()
    });
    let ticket = still.pool.submit(job.budget(LONG)).expect("there is room");
    while started.read().is_empty() {
        std::thread::yield_now();
    }
    still.advance(ms(5));
    assert_eq!(ticket.wait().done(), Some(Some(7)));
}

/// Submits when it is dropped.
struct SubmitsLate(punctual::pool::Handle, Log);

impl Drop for SubmitsLate {
    fn drop(&mut self) {
        match self.0.submit(self.1.job("last words").budget(LONG)) {
            Ok(ticket) => ticket.detach(),
            Err(refused) => {
                assert_eq!(refused.reason, RefuseReason::Closed);
                self.1.note("refused");
            }
        }
    }
}

#[test]
fn a_destructor_may_submit_wherever_it_runs() {
    let (pool, log) = (pool(1), Log::default());
    let late = || SubmitsLate(pool.clone(), log.clone());
    let (in_job, in_result, when_cancelled) = (late(), late(), late());
    let gate = Gate::close(&pool);
    pool.submit(Job::new(move |_| drop(in_job)).budget(LONG)).expect("room").detach();
    pool.submit(Job::new(move |_| in_result).budget(LONG)).expect("room").detach();
    drop(pool.submit(Job::new(move |_| drop(when_cancelled)).budget(LONG)).expect("room"));
    gate.open();
    while log.read().len() < 3 {
        std::thread::yield_now();
    }
    let gate = Gate::close(&pool);
    let when_shed = late();
    pool.submit(Job::new(move |_| drop(when_shed)).budget(LONG)).expect("room").detach();
    assert_eq!(pool.shutdown_now(), 1);
    assert_eq!(log.read(), ["last words", "last words", "last words", "refused"]);
    gate.open();
}

#[test]
fn work_that_comes_back_can_be_done_elsewhere() {
    let Still { pool, .. } = &Still::one_worker();
    let gate = Gate::close(pool);
    let ticket = pool.submit(Job::new(|budget: Budget| budget.deadline()).budget(ms(9)));
    let ticket = ticket.expect("there is room");
    pool.shutdown_now();
    let Outcome::Shed(work, _) = ticket.wait() else { panic!("it was shed") };
    let until = Budget::until(Time::ZERO + ms(70));
    assert_eq!(Work::run(work, until), until.deadline());
    gate.open();
}

#[test]
fn waiting_costs_no_turn_of_a_worker() {
    // A worker that waits for a job on another worker must not run it twice.
    let pool = pool(2);
    let handle = pool.clone();
    let job = Job::new(move |_: Budget| {
        let inner = handle.submit(Job::new(|_| std::thread::current().id()).budget(LONG));
        inner.expect("there is room").wait().done().is_some()
    });
    let tickets: Vec<_> =
        (0..50).map(|_| pool.submit(job.clone().budget(LONG)).expect("room")).collect();
    for ticket in tickets {
        assert_eq!(ticket.wait().done(), Some(true));
    }
    let stats = pool.drain(pool.now() + Duration::from_secs(60));
    assert_eq!((stats.done, stats.submitted), (100, 100));
}
