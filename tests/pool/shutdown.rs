//! How a pool ends.

use std::future::pending;
use std::sync::mpsc::channel;

use punctual::pool::{Outcome, Pool};
use punctual::scheduler::{Budget, Job, RefuseReason, ShedReason, Verdict};
use punctual::time::Time;

use super::support::{Gate, LONG, Log, Still, ms, pool};

#[test]
fn a_drain_does_what_can_be_done_and_sheds_the_rest() {
    let Still { pool, .. } = &Still::one_worker();
    let (gate, log) = (Gate::close(pool), Log::default());
    let short = pool.submit(log.job("short").budget(ms(80)).cost(ms(2))).expect("room");
    let long = pool.submit(log.job("long").budget(ms(900)).cost(ms(200))).expect("room");
    let draining = {
        let handle = (*pool).clone();
        std::thread::spawn(move || handle.drain(Time::ZERO + ms(100)))
    };
    let Outcome::Shed(_, verdict) = long.wait() else { panic!("it can't be done by then") };
    assert_eq!(verdict, Verdict::Shed(ShedReason::Shutdown));
    let refused = pool.submit(log.job("later").budget(ms(9))).expect_err("it is closed");
    assert_eq!(refused.reason, RefuseReason::Closed);
    gate.open();
    assert!(matches!(short.wait(), Outcome::Done(())));
    let stats = draining.join().expect("it does not panic");
    assert_eq!((stats.done, stats.shed.total(), stats.queued, stats.running), (2, 1, 0, 0));
    assert_eq!(log.read(), ["short"]);
}

#[test]
fn futures_go_on_until_the_end_of_a_drain() {
    let still = Still::one_worker();
    let timer = still.pool.timer().clone();
    let (started, has_started) = channel();
    let also_started = started.clone();
    let job = Job::new(async move |_: Budget| {
        started.send(()).expect("somebody waits");
        timer.sleep_until(Time::ZERO + ms(50)).await;
    });
    let ends = still.pool.spawn(job.budget(LONG)).expect("there is room");
    let job = Job::new(async move |_: Budget| {
        also_started.send(()).expect("somebody waits");
        pending::<()>().await;
    });
    let waits = still.pool.spawn(job.budget(LONG)).expect("there is room");
    has_started.iter().take(2).for_each(drop);
    let handle = still.pool.clone();
    let draining = std::thread::spawn(move || handle.drain(Time::ZERO + ms(100)));
    while !still.pool.is_closed() {
        std::thread::yield_now();
    }
    still.advance(ms(50));
    assert!(matches!(ends.wait(), Outcome::Done(())));
    let waits = waits.try_take().expect_err("it may wait still");
    still.advance(ms(50));
    assert!(matches!(waits.wait(), Outcome::Cancelled));
    let stats = draining.join().expect("it does not panic");
    assert_eq!((stats.done, stats.cancelled, stats.suspended), (1, 1, 0));
}

#[test]
fn the_end_of_a_drain_is_not_forgotten_for_an_earlier_alarm() {
    let still = Still::one_worker();
    let waits = still.pool.spawn(Job::new(async |_: Budget| pending::<()>().await).budget(LONG));
    let waits = waits.expect("there is room");
    let early = Job::new(|_: Budget| ()).release(Time::ZERO + ms(5)).budget(LONG);
    let early = still.pool.submit(early).expect("there is room");
    let handle = still.pool.clone();
    let draining = std::thread::spawn(move || handle.drain(Time::ZERO + ms(50)));
    while !still.pool.is_closed() {
        std::thread::yield_now();
    }
    still.advance(ms(5));
    assert!(matches!(early.wait(), Outcome::Done(())));
    still.advance(ms(45));
    assert!(matches!(waits.wait(), Outcome::Cancelled));
    draining.join().expect("it does not panic");
}

#[test]
fn shutting_down_now_tells_how_many_are_shed() {
    let Still { pool, .. } = &Still::one_worker();
    let gate = Gate::close(pool);
    let submit = |_| pool.submit(Job::new(|_: Budget| ()).budget(LONG)).expect("room");
    let tickets: Vec<_> = (0..600).map(submit).collect();
    assert_eq!(pool.shutdown_now(), 600);
    for ticket in tickets {
        assert_eq!(ticket.wait().verdict(), Some(&Verdict::Shed(ShedReason::Shutdown)));
    }
    assert_eq!(pool.shutdown_now(), 0);
    gate.open();
}

#[test]
fn a_dropped_pool_waits_for_what_runs_and_sheds_the_rest() {
    let (pool, log) = (pool(1), Log::default());
    let gate = Gate::close(&pool);
    let queued = pool.submit(log.job("queued").budget(LONG)).expect("there is room");
    let handle = pool.clone();
    let dropping = std::thread::spawn(move || drop(pool));
    assert_eq!(queued.wait().verdict(), Some(&Verdict::Shed(ShedReason::Shutdown)));
    assert!(handle.is_closed() && !dropping.is_finished(), "its worker stands at the gate");
    gate.open();
    dropping.join().expect("it does not panic");
    assert_eq!((log.read().len(), handle.stats().done), (0, 1));
}

#[test]
fn a_job_may_drop_or_drain_its_own_pool() {
    for drains in [false, true] {
        let pool = pool(2);
        let (handle, (give, take)) = (pool.clone(), channel::<Pool>());
        let job = Job::new(move |_: Budget| {
            let pool = take.recv().expect("the test gives it");
            if drains {
                pool.drain(pool.now());
            }
            drop(pool);
        });
        let ticket = handle.submit(job.budget(LONG)).expect("there is room");
        give.send(pool).expect("the job takes it");
        assert!(matches!(ticket.wait(), Outcome::Done(())));
        let stats = handle.drain(handle.now());
        assert_eq!((stats.done, stats.running), (1, 0));
    }
}

#[test]
fn a_drain_of_an_idle_pool_ends_at_once_and_may_be_repeated() {
    let pool = pool(3);
    assert_eq!(pool.drain(pool.now() + LONG), pool.drain(pool.now()));
}
