//! Futures as jobs.

use std::future::{pending, poll_fn};
use std::sync::mpsc::channel;
use std::task::{Poll, Waker};

use punctual::pool::{Outcome, Pool};
use punctual::scheduler::{Budget, Job, RefuseReason, ShedReason, Verdict};
use punctual::time::Time;

use super::support::{Dropped, Gate, LONG, Log, Still, ms, panic_message, pool};

/// Is pending once, and hands its waker out.
async fn pause(wakers: std::sync::mpsc::Sender<Waker>) {
    let mut is_woken = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut is_woken, true) {
            return Poll::Ready(());
        }
        wakers.send(context.waker().clone()).expect("somebody takes it");
        Poll::Pending
    })
    .await;
}

#[test]
fn every_poll_is_ordered_by_the_deadline() {
    let Still { pool, .. } = &Still::one_worker();
    let (log, (wakers, handed_out)) = (Log::default(), channel());
    let spawn = |name: &'static str, due| {
        let (log, wakers) = (log.clone(), wakers.clone());
        let job = Job::new(async move |_: Budget| {
            pause(wakers).await;
            log.note(name);
        });
        pool.spawn(job.budget(ms(due))).expect("there is room")
    };
    let tickets = [spawn("late", 30), spawn("early", 10)];
    let wakers: Vec<Waker> = handed_out.iter().take(2).collect();
    let gate = Gate::close(pool);
    pool.submit(log.job("between").budget(ms(20))).expect("there is room").detach();
    wakers.into_iter().for_each(Waker::wake);
    gate.open();
    for ticket in tickets {
        assert!(matches!(ticket.wait(), Outcome::Done(())));
    }
    assert_eq!(log.read(), ["early", "between", "late"]);
}

#[test]
fn what_has_begun_is_not_shed() {
    let still = Still::one_worker();
    let (wakers, handed_out) = channel();
    let job = Job::new(async move |_: Budget| pause(wakers).await).budget(ms(10)).cost(ms(2));
    let begun = still.pool.spawn(job).expect("there is room");
    let waker = handed_out.recv().expect("it begins");
    let gate = Gate::close(&still.pool);
    let job = Job::new(async |_: Budget| 7).budget(ms(10)).cost(ms(2));
    let queued = still.pool.spawn(job).expect("there is room");
    still.advance(ms(50));
    let Outcome::Shed(work, verdict) = queued.wait() else { panic!("it is too late") };
    assert!(matches!(verdict, Verdict::Shed(ShedReason::LatestStart { .. })), "{verdict:?}");
    assert_eq!(work.run(Budget::UNLIMITED), 7);
    waker.wake();
    gate.open();
    assert!(matches!(begun.wait(), Outcome::Done(())));
    assert_eq!(still.pool.drain(Time::MAX).late, 1, "the one that was slow");
}

#[test]
fn a_future_that_wakes_itself_goes_on() {
    let pool = pool(1);
    let job = Job::new(async |_: Budget| {
        let mut left = 100;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            left -= 1;
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
    assert!(matches!(pool.spawn(job.budget(LONG)).expect("room").wait(), Outcome::Done(())));
}

#[test]
fn sleeps_and_time_outs_run_on_the_pools_timer() {
    let still = Still::one_worker();
    let (timer, (started, has_started)) = (still.pool.timer().clone(), channel());
    let job = Job::new(async move |_: Budget| {
        started.send(()).expect("somebody waits");
        let by = timer.now() + ms(5);
        let timed_out = timer.timeout(by, pending::<()>()).await.is_err();
        timer.sleep(ms(5)).await;
        (timed_out, timer.now())
    });
    let ticket = still.pool.spawn(job.budget(LONG)).expect("there is room");
    has_started.recv().expect("it begins");
    still.advance(ms(5));
    // The second sleep begins when the first has ended.
    let mut ticket = ticket;
    let outcome = loop {
        still.advance(ms(1));
        ticket = match ticket.try_take() {
            Ok(outcome) => break outcome,
            Err(ticket) => ticket,
        };
        std::thread::yield_now();
    };
    let (timed_out, woken_at) = outcome.done().expect("it runs to its end");
    assert!(timed_out && woken_at >= Time::ZERO + ms(10), "{timed_out} {woken_at:?}");
}

#[test]
fn a_future_that_waits_is_cancelled_at_once() {
    let Still { pool, .. } = &Still::one_worker();
    let (log, (wakers, handed_out)) = (Log::default(), channel());
    let dropped = Dropped(log.clone(), "dropped");
    let job = Job::new(async move |_: Budget| {
        let _dropped = dropped;
        pause(wakers).await;
    });
    let ticket = pool.spawn(job.budget(LONG)).expect("there is room");
    let waker = handed_out.recv().expect("it begins");
    while pool.stats().suspended == 0 {
        std::thread::yield_now();
    }
    assert!(ticket.cancel());
    assert_eq!(log.read(), ["dropped"]);
    waker.wake();
    assert!(matches!(ticket.wait(), Outcome::Cancelled));
    let stats = pool.drain(Time::MAX);
    assert_eq!((stats.cancelled, stats.suspended, stats.queued), (1, 0, 0));
}

#[test]
fn a_future_that_is_polled_while_it_is_cancelled_ends_where_it_waits() {
    let Still { pool, .. } = &Still::one_worker();
    let ((polled, is_polled), (go_on, goes_on)) = (channel(), channel::<()>());
    let job = Job::new(async move |_: Budget| {
        polled.send(()).expect("somebody waits");
        // An error says that the test goes on.
        let _ = goes_on.recv();
        pending::<()>().await;
    });
    let ticket = pool.spawn(job.budget(LONG)).expect("there is room");
    is_polled.recv().expect("it begins");
    assert!(!ticket.cancel(), "it is being polled");
    drop(go_on);
    assert!(matches!(ticket.wait(), Outcome::Cancelled));
}

#[test]
fn a_panic_in_a_poll_is_the_outcome() {
    let pool = pool(1);
    let job = Job::new(async |_: Budget| -> () { panic!("in a poll") }).budget(LONG);
    assert_eq!(panic_message(pool.spawn(job).expect("there is room").wait()), "in a poll");
}

#[test]
fn a_worker_that_waits_for_a_future_polls_it_itself() {
    let pool = pool(1);
    let handle = pool.clone();
    let job = Job::new(move |_: Budget| {
        let timer = handle.timer().clone();
        let inner = Job::new(async move |_: Budget| {
            timer.sleep(ms(1)).await;
            7
        });
        handle.spawn(inner.budget(LONG)).expect("there is room").wait().done()
    });
    let ticket = pool.submit(job.budget(LONG)).expect("there is room");
    assert_eq!(ticket.wait().done(), Some(Some(7)));
}

#[test]
fn a_worker_that_waits_runs_what_is_waited_for_in_turn() {
    // A closure blocks the only worker for a future, which awaits a closure of the same pool.
    let pool = pool(1);
    let handle = pool.clone();
    let job = Job::new(move |_: Budget| {
        let inner = handle.clone();
        let future = Job::new(async move |_: Budget| {
            let leaf = inner.submit(Job::new(|_: Budget| 7).budget(LONG)).expect("room");
            leaf.await.done()
        });
        handle.spawn(future.budget(LONG)).expect("there is room").wait().done().flatten()
    });
    let ticket = pool.submit(job.budget(LONG)).expect("there is room");
    assert_eq!(ticket.wait().done(), Some(Some(7)));
}

#[test]
fn futures_have_a_bound_and_give_their_places_back() {
    let pool = Pool::builder().workers(1).futures_bound(2).build().expect("it is valid");
    let spawn = || {
        let job = Job::new(async |_: Budget| pending::<()>().await).budget(LONG);
        pool.spawn(job).map_err(|refused| refused.reason)
    };
    let (first, second) = (spawn().expect("room"), spawn().expect("room"));
    assert_eq!(spawn().expect_err("it is one too many"), RefuseReason::QueueFull);
    drop(first);
    // Where the future is being polled, it ends a little later.
    while spawn().is_err() {
        std::thread::yield_now();
    }
    drop(second);
}

#[test]
fn tickets_and_sleeps_work_inside_tokio() {
    // A runtime without a timer of its own.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it starts");
    let pool = pool(1);
    let outcome = runtime.block_on(async {
        let timer = pool.timer();
        timer.sleep(ms(1)).await;
        let timed_out = timer.timeout(timer.now() + ms(1), pending::<()>()).await;
        assert!(timed_out.is_err());
        pool.submit(Job::new(|_: Budget| 7).budget(LONG)).expect("there is room").await
    });
    assert_eq!(outcome.done(), Some(7));
}
