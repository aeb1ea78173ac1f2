//! What a pool does with jobs, futures and scopes.
#![cfg(feature = "pool")]

use std::time::Duration;
use punctual::pool::{Outcome, Pool};
use punctual::scheduler::{Budget, Job};

#[test]
fn smoke() {
    let pool = Pool::builder().workers(2).build().unwrap();
    let tickets: Vec<_> = (0..1000u64)
        .map(|at| pool.submit(Job::new(move |_: Budget| at * 2).budget(Duration::from_secs(60))).unwrap())
        .collect();
    for (at, ticket) in (0..).zip(tickets) {
        assert!(matches!(ticket.wait(), Outcome::Done(it) if it == at * 2));
    }
    let timer = pool.timer().clone();
    let ticket = pool.spawn(Job::new(async move |_b: Budget| { timer.sleep(Duration::from_millis(3)).await; 7 }).budget(Duration::from_secs(60))).unwrap();
    assert!(matches!(ticket.wait(), Outcome::Done(7)));
    let stats = pool.drain(pool.now() + Duration::from_secs(10));
    println!("{stats:?}");
    assert_eq!(stats.done, 1001);
}
