//! Who is served when, and who hears a 'no' when.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use punctual::adapters::tower::limit::Adaptive;
use punctual::adapters::tower::{Cause, DeadlineLayer, Error};
use punctual::scheduler::{Admission, Job, Margin, RefuseReason, ShedReason, Verdict};

use crate::bench::{Bench, Call, Counter, at, ms, within};

fn is_shed(cause: Cause, is_reason: impl Fn(ShedReason) -> bool) -> bool {
    matches!(cause, Cause::NotStarted(Verdict::Shed(reason)) if is_reason(reason))
}

#[test]
fn the_earliest_deadline_is_served_first() {
    let bench = Bench::new(|it| it);
    let mut first = bench.pending("first", within(90));
    let mut queue: Vec<Call> = [("c", 300), ("a", 100), ("d", 400), ("b", 200)]
        .map(|(name, budget)| bench.pending(name, within(budget)))
        .into();
    assert_eq!(bench.puppet.called(), ["first"]);
    bench.finish(&mut first, "first");
    for (index, name) in [(1, "a"), (3, "b"), (0, "c"), (2, "d")] {
        let woken: Vec<_> = queue.iter().map(Call::is_woken).collect();
        assert!(woken[index], "{name} is told that it is its turn: {woken:?}");
        assert_eq!(queue[index].poll(), Poll::Pending);
        bench.finish(&mut queue[index], name);
    }
    assert_eq!(bench.puppet.called(), ["first", "a", "b", "c", "d"]);
    assert_eq!(bench.layer.stats().done, 5);
}

#[test]
fn so_many_are_served_at_a_time() {
    let bench = Bench::new(|it| it.concurrency(3));
    let mut calls = ["a", "b", "c", "d"].map(|name| bench.pending(name, within(90)));
    assert_eq!(bench.puppet.called(), ["a", "b", "c"]);
    bench.finish(&mut calls[1], "b");
    assert_eq!(calls[3].wait(), Poll::Pending);
    assert_eq!(bench.puppet.called(), ["a", "b", "c", "d"]);
    assert_eq!((bench.layer.stats().running, bench.layer.limit()), (3, 3));
}

#[test]
fn all_services_of_a_layer_share_its_places() {
    let bench = Bench::new(|it| it);
    let other = DeadlineLayer::clone(&bench.layer);
    let _served = bench.pending("a", within(90));
    let _queued = Bench { layer: other, ..bench }.pending("b", within(90));
}

#[test]
fn a_request_hears_its_no_at_its_latest_start_without_a_runtime() {
    let bench = Bench::new(|it| it.margin(Margin::Fixed(ms(2))));
    let _served = bench.pending("served", within(500).cost(ms(100)));
    let mut queued = bench.pending("queued", within(200).cost(ms(5)));
    let latest_start = at(193);
    bench.move_to(latest_start - Duration::from_nanos(1));
    assert_eq!(queued.poll(), Poll::Pending);
    assert!(!queued.is_woken());
    bench.move_to(latest_start + punctual::timer::Timer::RESOLUTION);
    let rejection = queued.rejection();
    let expected = ShedReason::LatestStart { latest_start, cost: ms(5) };
    assert_eq!(rejection.cause(), Cause::NotStarted(Verdict::Shed(expected)));
    assert!(rejection.is_overload() && !rejection.is_too_late());
    assert_eq!(bench.puppet.called(), ["served"]);
}

#[test]
fn the_least_value_for_its_cost_is_evicted_at_once() {
    let bench = Bench::new(|it| it);
    let _served = bench.pending("served", within(500).cost(ms(50)));
    let mut cheap = bench.pending("cheap", within(100).cost(ms(30)));
    let mut dear = bench.call("dear", within(100).cost(ms(30)).value(9));
    assert_eq!(dear.poll(), Poll::Pending);
    let rejection = cheap.rejection();
    assert!(is_shed(rejection.cause(), |it| matches!(it, ShedReason::Evicted(_))));
    // What runs and what is queued when it is told so: 50 and 30 ms.
    assert_eq!(rejection.retry_after(), ms(80));
    assert!(!dear.is_woken());
}

#[test]
fn what_would_be_late_is_refused_at_once_if_admission_is_feasible() {
    let bench = Bench::new(|it| it.admission(Admission::Feasible));
    let _served = bench.pending("served", within(500).cost(ms(50)));
    let mut hopeless = bench.call("hopeless", within(60).cost(ms(20)));
    let Poll::Ready(Err(Error::Rejected(rejection))) = hopeless.poll() else {
        panic!("it is rejected when it comes")
    };
    let Cause::NotStarted(Verdict::Refused(RefuseReason::Infeasible(forecast))) = rejection.cause()
    else {
        panic!("it is refused: {rejection}")
    };
    assert_eq!((forecast.latest_start, forecast.start), (at(40), at(50)));
    assert_eq!(rejection.retry_after(), ms(50));
}

#[test]
fn a_deadline_that_has_passed_is_refused_at_once() {
    let bench = Bench::new(|it| it);
    bench.clock.set(at(50));
    for job in [Job::new(()).budget(Duration::ZERO), Job::new(()).deadline(at(49))] {
        let Poll::Ready(Err(Error::Rejected(rejection))) = bench.call("late", job).poll() else {
            panic!("it is rejected when it comes")
        };
        let expired = Cause::NotStarted(Verdict::Refused(RefuseReason::Expired));
        assert_eq!((rejection.cause(), rejection.retry_after()), (expired, Duration::ZERO));
        assert!(rejection.is_too_late());
    }
    assert_eq!(bench.puppet.called(), [""; 0]);
}

#[test]
fn the_queue_is_bounded() {
    let bench = Bench::new(|it| it.queue_bound(2).admission(Admission::All));
    let _served = bench.pending("served", within(500));
    let _queued = ["a", "b"].map(|name| bench.pending(name, within(500)));
    let Poll::Ready(Err(Error::Rejected(rejection))) = bench.call("c", within(500)).poll() else {
        panic!("there is no room")
    };
    let full = Cause::NotStarted(Verdict::Refused(RefuseReason::QueueFull));
    // Nobody keeps account of what is queued.
    assert_eq!((rejection.cause(), rejection.retry_after()), (full, ms(1)));
}

#[test]
fn all_of_a_burst_are_told() {
    let bench = Bench::new(|it| it.admission(Admission::All));
    let _served = bench.pending("served", within(500));
    let mut burst: Vec<_> = (0..200).map(|_| bench.pending("burst", within(100))).collect();
    bench.move_to(at(200));
    for call in &mut burst {
        let cause = call.rejection().cause();
        assert!(is_shed(cause, |it| matches!(it, ShedReason::LatestStart { .. })));
    }
    assert_eq!(bench.layer.stats().shed.latest_start, 200);
}

#[test]
fn only_the_last_waker_is_woken() {
    let bench = Bench::new(|it| it);
    let mut served = bench.pending("served", within(90));
    let mut queued = bench.pending("queued", within(90));
    let last = Counter::new();
    let waker = Waker::from(Arc::clone(&last));
    assert_eq!(queued.poll_by(&waker), Poll::Pending);
    bench.finish(&mut served, "served");
    assert_eq!((queued.is_woken(), last.count()), (false, 1));
}

#[test]
fn the_budget_is_the_layers_unless_the_request_has_one() {
    let bench = Bench::new(|it| it.budget(ms(80)).longest_budget(ms(100)));
    let _served = bench.pending("served", within(90));
    let job = || Job::new(()).cost(ms(1));
    let silent = bench.pending("silent", job());
    let greedy = bench.pending("greedy", job().budget(Duration::MAX));
    let eternal = bench.pending("eternal", job().deadline(punctual::time::Time::MAX));
    for (mut call, latest_ms) in [(silent, 79), (greedy, 99), (eternal, 99)] {
        bench.move_to(at(latest_ms) + punctual::timer::Timer::RESOLUTION);
        let cause = call.rejection().cause();
        assert!(
            is_shed(cause, |it| matches!(
                it, ShedReason::LatestStart { latest_start, .. } if latest_start == at(latest_ms)
            )),
            "{cause:?}"
        );
    }
}

#[test]
fn a_shutdown_serves_what_can_be_served_until_then() {
    let bench = Bench::new(|it| it);
    let mut served = bench.pending("served", within(500).cost(ms(1)));
    let mut soon = bench.pending("soon", within(500).cost(ms(10)));
    let mut long = bench.pending("long", within(500).cost(ms(200)));
    bench.layer.shutdown(at(100));
    assert!(is_shed(long.rejection().cause(), |it| it == ShedReason::Shutdown));
    let Poll::Ready(Err(Error::Rejected(closed))) = bench.call("late", within(90)).poll() else {
        panic!("nobody is taken any more")
    };
    assert_eq!(closed.cause(), Cause::NotStarted(Verdict::Refused(RefuseReason::Closed)));
    bench.finish(&mut served, "served");
    assert_eq!(soon.wait(), Poll::Pending);
    bench.finish(&mut soon, "soon");
}

#[test]
fn an_adaptive_layer_finds_places_for_those_who_wait() {
    let bench = Bench::new(|it| it.concurrency(Adaptive::between(1, 8)));
    let names = ["even", "odd"];
    let mut served = bench.pending(names[0], within(100_000));
    for round in 0.. {
        assert!(round < 1_000, "the limit stays at {}", bench.layer.limit());
        let [name, next_name] = [names[round % 2], names[(round + 1) % 2]];
        bench.puppet.hold(next_name);
        let mut next = bench.pending(next_name, within(100_000));
        bench.clock.advance(ms(10));
        bench.finish(&mut served, name);
        if bench.layer.limit() > 1 {
            return;
        }
        assert_eq!(next.wait(), Poll::Pending);
        served = next;
    }
}
