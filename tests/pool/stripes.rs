//! Several queues.

use punctual::pool::{BuildError, Ordering, Outcome, Pool};
use punctual::scheduler::{Budget, Job};
use punctual::time::Time;

use super::support::{Gate, LONG, Log, Still, ms};

fn striped(workers: u32, groups: u32) -> Result<Pool, BuildError> {
    Pool::builder().workers(workers).ordering(Ordering::Striped { groups }).build()
}

#[test]
fn all_that_is_submitted_is_done_once() {
    let pool = striped(4, 3).expect("there is a worker for each");
    let submit = |at: u64| pool.submit(Job::new(move |_: Budget| at).budget(LONG)).expect("room");
    let tickets: Vec<_> = (0..5_000).map(submit).collect();
    let sum: u64 = tickets.into_iter().filter_map(|ticket| ticket.wait().done()).sum();
    assert_eq!(sum, 4_999 * 5_000 / 2);
    let stats = pool.drain(pool.now() + LONG);
    assert_eq!((stats.submitted, stats.done), (5_000, 5_000));
}

#[test]
fn a_worker_takes_what_is_due_first_from_another_group() {
    let ordering = Ordering::Striped { groups: 2 };
    let Still { pool, .. } = &Still::new(Pool::builder().workers(2).ordering(ordering));
    let (first, second, log) = (Gate::close(pool), Gate::close(pool), Log::default());
    for (name, due) in [("d", 40), ("b", 20), ("a", 10), ("c", 30)] {
        pool.submit(log.job(name).budget(ms(due))).expect("there is room").detach();
    }
    // One worker alone serves both queues.
    first.open();
    while log.read().len() < 4 {
        std::thread::yield_now();
    }
    assert_eq!(log.read(), ["a", "b", "c", "d"]);
    second.open();
    assert_eq!(pool.drain(Time::MAX).done, 6);
}

#[test]
fn a_rested_worker_is_woken_for_the_queue_of_another_group() {
    let pool = striped(2, 2).expect("there is a worker for each");
    let gate = Gate::close(&pool);
    for at in 0..100 {
        let ticket = pool.submit(Job::new(move |_: Budget| at).budget(LONG)).expect("room");
        assert!(matches!(ticket.wait(), Outcome::Done(it) if it == at));
    }
    gate.open();
}

#[test]
fn groups_need_workers() {
    assert!(matches!(striped(2, 0), Err(BuildError::Groups)));
    assert!(matches!(striped(2, 3), Err(BuildError::Groups)));
    assert!(matches!(striped(0, 1), Err(BuildError::Config(_))));
    assert!(matches!(striped(65, 1), Err(BuildError::TooManyWorkers)));
}
