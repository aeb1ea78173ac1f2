//! A pool ends while jobs come, wait and run.

use loom::thread;
use punctual::pool::{Handle, Outcome};
use punctual::scheduler::{Job, RefuseReason, ShedReason, Verdict};
use punctual::time::Time;

use super::{check, pool};

/// A job that met a shutdown was run, or heard why it wasn't.
fn expect_an_end(outcome: Outcome<()>) {
    match outcome {
        Outcome::Done(()) => {}
        Outcome::Shed(_, Verdict::Shed(ShedReason::Shutdown)) => {}
        Outcome::Shed(_, Verdict::Refused(RefuseReason::Closed)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pool_ends_with_a_job() {
    check(|| {
        let pool = pool();
        let ticket = pool.submit(Job::new(|_| ())).expect("there is room");
        drop(pool);
        expect_an_end(ticket.wait());
    });
}

#[test]
fn somebody_submits_while_a_pool_ends() {
    check(|| {
        let pool = pool();
        let handle = Handle::clone(&pool);
        let other = thread::spawn(move || {
            if let Ok(ticket) = handle.submit(Job::new(|_| ())) {
                expect_an_end(ticket.wait());
            }
        });
        drop(pool);
        other.join().expect("it submits");
    });
}

#[test]
fn a_drain_does_what_is_there() {
    check(|| {
        let pool = pool();
        let ticket = pool.submit(Job::new(|_| ())).expect("there is room");
        let stats = pool.drain(Time::MAX);
        assert_eq!((stats.done, stats.queued, stats.running), (1, 0, 0));
        assert!(matches!(ticket.try_take(), Ok(Outcome::Done(()))));
    });
}

#[test]
fn a_drain_ends_a_future_that_waits() {
    check(|| {
        let pool = pool();
        let wait = |_| std::future::pending::<()>();
        let ticket = pool.spawn(Job::new(wait)).expect("there is room");
        pool.drain(Time::ZERO);
        assert!(matches!(ticket.wait(), Outcome::Cancelled | Outcome::Shed(..)));
    });
}
