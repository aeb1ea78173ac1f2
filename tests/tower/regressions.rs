//! Bugs that other layers had: each test's first line tells its story.

use std::task::{Context, Poll, Waker};

use punctual::adapters::tower::limit::{Adaptive, Limiter};
use punctual::scheduler::{Job, Margin};
use tower_layer::Layer;
use tower_service::Service;

use crate::bench::{Bench, ms, within};
use crate::limit::{Load, Simulated};

/// A service that was Pending for a moment, because its task had used up its turn, was taken for
/// overloaded by `LoadShed` (apollographql/router#9034).
#[test]
fn a_pending_service_is_no_overload() {
    let bench = Bench::new(|it| it);
    bench.puppet.set_unready(true);
    let mut call = bench.pending("patient", within(500));
    assert_eq!(bench.puppet.called(), [""; 0]);
    bench.puppet.set_unready(false);
    assert_eq!(call.wait(), Poll::Pending);
    bench.finish(&mut call, "patient");
    assert_eq!(bench.layer.stats().refused.total() + bench.layer.stats().shed.total(), 0);
}

/// A service that was asked whether it is ready, and then never called, kept its permit
/// (tower-resilience#365, and every layer that takes one in `poll_ready`).
#[test]
fn readiness_reserves_nothing() {
    let bench = Bench::new(|it| it);
    let mut idle: Vec<_> = (0..10).map(|_| bench.layer.layer(bench.puppet.clone())).collect();
    for service in &mut idle {
        let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
        assert!(ready.is_ready());
    }
    let mut call = bench.pending("served", within(500));
    bench.finish(&mut call, "served");
}

/// Counters were not decremented on some ways out, until everything was 'busy' (tikv#14633).
#[test]
fn a_thousand_ways_out_leave_nothing_behind() {
    let bench = Bench::new(|it| it.concurrency(2).queue_bound(3));
    for round in 0..1_000 {
        let mut calls: Vec<_> = ["a", "b", "c", "d", "e", "f"]
            .map(|name| bench.call(name, within(50 + round % 40)))
            .into();
        for call in &mut calls {
            let _ = call.poll();
        }
        // In another order each time.
        while !calls.is_empty() {
            let next = (round as usize).wrapping_mul(7) % calls.len();
            drop(calls.swap_remove(next));
        }
        let stats = bench.layer.stats();
        assert_eq!((stats.running, stats.queued), (0, 0), "round {round}: {stats:?}");
    }
}

/// Permits were held by idle keep-alive connections (vector#26457): here a response that is kept
/// holds nothing.
#[test]
fn a_response_that_is_kept_holds_no_place() {
    let bench = Bench::new(|it| it);
    let mut calls: Vec<_> = Vec::new();
    for _ in 0..3 {
        bench.puppet.hold("kept");
        let mut call = bench.pending("kept", within(500));
        bench.finish(&mut call, "kept");
        calls.push(call);
    }
    assert_eq!(bench.layer.stats().running, 0);
}

/// A request was queued for a minute with 5 seconds left: the queue's time-out knew nothing of the
/// deadline (dialogue#3104).
#[test]
fn nobody_waits_longer_than_until_the_deadline() {
    let bench = Bench::new(|it| it.budget(ms(60_000)).margin(Margin::Fixed(ms(1))));
    let _served = bench.pending("served", Job::new(()));
    let mut queued = bench.pending("queued", Job::new(()).budget(ms(5_000)));
    bench.move_to(punctual::time::Time::ZERO + ms(5_000));
    assert!(queued.rejection().is_overload());
}

/// A limit grew to its maximum while nobody needed it, so that it limited nothing when it was
/// needed (concurrency-limits#134, #137).
#[test]
fn a_limit_that_is_not_reached_does_not_grow() {
    let mut limiter = Limiter::new(Adaptive::between(10, 1_000));
    let mut service = Simulated::new(64, ms(5));
    let seen = service.run(&mut limiter, Load::Light { running: 9 }, 100_000);
    assert_eq!((seen.lowest, seen.highest), (10, 10));
}

/// With its whole queue inside the service, a limit grew a little in every interval of a modest
/// overload, without end (concurrency-limits#134).
#[test]
fn a_lasting_overload_does_not_lift_the_limit() {
    let mut limiter = Limiter::new(Adaptive::between(2, 10_000));
    let mut service = Simulated::new(20, ms(5));
    service.run(&mut limiter, Load::Saturated, 100_000);
    for _ in 0..10 {
        let seen = service.run(&mut limiter, Load::Saturated, 100_000);
        assert!(seen.highest <= 40 && seen.mean < 30.0, "{seen:?}");
    }
}

/// To measure how fast the service is, the limit was lowered to a place or three now and then, and
/// requests were rejected meanwhile (envoy#8337).
#[test]
fn a_trial_takes_few_places_and_seldom() {
    let mut limiter = Limiter::new(Adaptive::between(2, 1_000));
    let mut service = Simulated::new(20, ms(5));
    service.run(&mut limiter, Load::Saturated, 100_000);
    let seen = service.run(&mut limiter, Load::Saturated, 1_000_000);
    assert!(seen.lowest >= 14 && seen.mean >= 19.0, "{seen:?}");
}
