//! The ways in which a pool ends, and what meets its end.

use punctual::pool::{Outcome, Pool};
use punctual::scheduler::Job;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;
use shuttle::thread;
use std::sync::Arc;

use super::check;
use super::world::{END, World, instant, is_empty};

/// Ends a pool in one of the ways that there are.
pub(crate) fn end(pool: Pool) {
    match thread_rng().gen_range(0..4) {
        0 => {
            let by = pool.now();
            assert!(is_empty(&pool.drain(by)), "drained");
        }
        1 => assert!(is_empty(&pool.drain(END)), "drained"),
        2 => _ = pool.shutdown_now(),
        _ => {}
    }
    drop(pool);
}

#[test]
fn a_job_drops_its_own_pool() {
    check(|| {
        let (pool, world) = World::drawn();
        let (fate, body) = world.fates.job();
        let own = Arc::new(Mutex::new(None));
        let inside = Arc::clone(&own);
        let ticket = pool.submit(Job::new(move |_| {
            body.begin();
            drop(inside.lock().expect("nobody panics with it").take());
            body.finish();
        }));
        *own.lock().expect("nobody panics with it") = Some(pool);
        if let Ok(ticket) = ticket {
            fate.hear(&ticket.wait());
        }
        // The job may have come before its pool did.
        drop(own.lock().expect("nobody panics with it").take());
    });
}

#[test]
fn two_end_one_pool() {
    check(|| {
        let (pool, world) = World::drawn();
        let tickets: Vec<_> = (0..3)
            .filter_map(|_| {
                let (fate, body) = world.fates.job();
                let work = move |_| {
                    body.begin();
                    body.finish();
                };
                Some((pool.submit(Job::new(work)).ok()?, fate))
            })
            .collect();
        let other = {
            let handle = world.pool.clone();
            thread::spawn(move || _ = handle.shutdown_now())
        };
        let by = if thread_rng().gen_range(0..2) == 0 { pool.now() } else { END };
        let time = world.start_time();
        assert!(is_empty(&pool.drain(by)), "drained");
        for (ticket, fate) in tickets {
            let outcome = ticket.wait();
            fate.hear(&outcome);
            assert!(matches!(outcome, Outcome::Done(()) | Outcome::Shed(..)), "{outcome:?}");
        }
        other.join().expect("it shuts down");
        time.join().expect("time passes");
        drop(pool);
        world.settle();
    });
}

#[test]
fn a_closed_pool_says_no() {
    check(|| {
        let (pool, world) = World::drawn();
        pool.shutdown_now();
        assert!(pool.is_closed());
        let job = Job::new(|_| unreachable!("the pool is closed"));
        assert!(pool.submit(job).is_err());
        drop(pool);
        assert!(world.pool.submit(Job::new(|_| ())).is_err());
        world.settle();
    });
}

#[test]
fn a_drain_ends_what_waits_for_ever() {
    check(|| {
        let (pool, world) = World::new(|builder| builder);
        let time = world.start_time();
        let (fate, body) = world.fates.job();
        let wait = move |_| async move {
            body.begin();
            std::future::pending::<()>().await;
        };
        let ticket = pool.spawn(Job::new(wait)).expect("there is room");
        // An alarm that rings before the drain's.
        let later = Job::new(|_| ()).release(instant());
        pool.submit(later).expect("there is room").detach();
        assert!(is_empty(&pool.drain(instant())), "drained");
        fate.hear(&ticket.wait());
        time.join().expect("time passes");
        drop(pool);
    });
}
