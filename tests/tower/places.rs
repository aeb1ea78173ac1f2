//! A place is given back, whatever happens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use punctual::adapters::tower::{Cause, Error, Overrun};
use punctual::timer::Timer;

use crate::bench::{Act, Bench, Call, Failed, at, within};

/// Somebody has a place, and somebody else waits for it.
fn crowded() -> (Bench, Call, Call) {
    let bench = Bench::new(|it| it);
    let served = bench.pending("served", within(500));
    let next = bench.pending("next", within(600));
    (bench, served, next)
}

/// The next one is served: the place is free, and the next one was told.
fn expect_free(bench: &Bench, mut next: Call) {
    assert!(next.is_woken());
    assert_eq!(next.poll(), Poll::Pending);
    bench.finish(&mut next, "next");
    let stats = bench.layer.stats();
    assert_eq!((stats.running, stats.queued), (0, 0), "{stats:?}");
}

#[test]
fn a_dropped_request_that_is_served_frees_its_place() {
    let (bench, served, next) = crowded();
    drop(served);
    expect_free(&bench, next);
    assert_eq!(bench.layer.stats().failed, 1);
}

#[test]
fn a_dropped_request_in_the_queue_leaves_it() {
    let bench = Bench::new(|it| it.queue_bound(1));
    let mut served = bench.pending("served", within(500));
    for _ in 0..10 {
        drop(bench.pending("queued", within(500)));
    }
    assert_eq!((bench.layer.stats().cancelled, bench.layer.stats().queued), (10, 0));
    let mut last = bench.pending("last", within(500));
    bench.finish(&mut served, "served");
    assert_eq!(last.wait(), Poll::Pending);
    assert_eq!(bench.puppet.called(), ["served", "last"]);
}

#[test]
fn a_request_that_is_dropped_before_it_takes_its_place_frees_it() {
    let (bench, mut served, next) = crowded();
    let chosen = bench.pending("chosen", within(100));
    bench.finish(&mut served, "served");
    assert!(chosen.is_woken() && !next.is_woken());
    drop(chosen);
    expect_free(&bench, next);
    assert_eq!(bench.puppet.called(), ["served", "next"]);
}

#[test]
fn a_rejected_request_may_be_dropped_unheard() {
    let (bench, served, next) = crowded();
    let chosen = bench.pending("rejected", within(100));
    bench.layer.shutdown(at(0));
    assert!(chosen.is_woken() && next.is_woken());
    drop((chosen, next));
    drop(served);
    assert_eq!(bench.layer.stats().shed.shutdown, 2);
}

#[test]
fn a_request_that_was_never_polled_takes_nothing() {
    let bench = Bench::new(|it| it);
    let unpolled = bench.call("unpolled", within(500));
    let _served = bench.pending("served", within(500));
    drop(unpolled);
    assert_eq!((bench.layer.stats().submitted, bench.layer.stats().running), (1, 1));
}

#[test]
fn a_failed_request_frees_its_place_and_says_why() {
    let (bench, mut served, next) = crowded();
    bench.puppet.act("served", Act::Fail);
    assert_eq!(served.poll(), Poll::Ready(Err(Error::Service(Failed))));
    expect_free(&bench, next);
    assert_eq!(bench.layer.stats().failed, 1);
}

#[test]
fn a_panic_while_it_is_served_frees_the_place_at_once() {
    let (bench, mut served, next) = crowded();
    bench.puppet.act("served", Act::PanicWhenPolled);
    assert!(catch_unwind(AssertUnwindSafe(|| served.poll())).is_err());
    // The future is still there.
    expect_free(&bench, next);
    drop(served);
}

#[test]
fn a_panic_of_the_call_frees_the_place_at_once() {
    let bench = Bench::new(|it| it);
    let mut first = bench.pending("first", within(500));
    let mut called = bench.pending("called", within(500));
    let next = bench.pending("next", within(600));
    bench.puppet.act("called", Act::PanicWhenCalled);
    bench.finish(&mut first, "first");
    assert!(catch_unwind(AssertUnwindSafe(|| called.poll())).is_err());
    expect_free(&bench, next);
    drop(called);
}

#[test]
fn an_error_of_the_readiness_frees_the_place() {
    let bench = Bench::new(|it| it);
    bench.puppet.fail_readiness();
    let mut call = bench.call("unready", within(500));
    assert_eq!(call.poll(), Poll::Ready(Err(Error::Service(Failed))));
    assert_eq!((bench.layer.stats().running, bench.layer.stats().failed), (0, 1));
}

#[test]
fn a_request_is_given_up_at_its_deadline() {
    let (bench, mut served, next) = crowded();
    bench.move_to(at(500));
    let rejection = served.rejection();
    assert_eq!(rejection.cause(), Cause::GivenUp);
    assert!(rejection.is_too_late());
    assert_eq!(bench.puppet.dropped(), ["served"]);
    expect_free(&bench, next);
    let stats = bench.layer.stats();
    assert_eq!((stats.failed, stats.done, stats.late), (1, 1, 0), "the deadline is in time");
}

#[test]
fn a_request_that_the_service_is_not_ready_for_is_given_up_too() {
    let bench = Bench::new(|it| it);
    bench.puppet.set_unready(true);
    let mut call = bench.pending("unready", within(100));
    bench.move_to(at(100));
    assert_eq!(call.rejection().cause(), Cause::GivenUp);
    assert_eq!(bench.layer.stats().running, 0);
}

#[test]
fn an_answer_that_is_there_at_the_deadline_counts() {
    let (bench, mut served, _next) = crowded();
    bench.puppet.act("served", Act::Answer);
    bench.move_to(at(501));
    assert_eq!(served.wait(), Poll::Ready(Ok("served")));
    assert_eq!((bench.layer.stats().done, bench.layer.stats().late), (1, 1));
}

#[test]
fn a_request_goes_on_after_its_deadline_if_that_is_wanted() {
    let bench = Bench::new(|it| it.overrun(Overrun::GoOn));
    let mut served = bench.pending("served", within(100));
    // Behind the time at which it would have been given up something else is due.
    let mut queued = bench.pending("queued", within(200));
    bench.move_to(at(199) + Timer::RESOLUTION);
    assert!(queued.rejection().is_overload());
    assert!(!served.is_woken());
    bench.finish(&mut served, "served");
    assert_eq!(bench.layer.stats().late, 1);
}

#[test]
fn the_service_is_done_with_before_the_place_is_free() {
    for is_given_up in [false, true] {
        let bench = Bench::new(|it| it);
        let mut call = bench.pending("served", within(100));
        let layer = bench.layer.clone();
        bench.puppet.when_dropped(move || layer.stats().running);
        if is_given_up {
            bench.move_to(at(100));
            assert_eq!(call.rejection().cause(), Cause::GivenUp);
        } else {
            drop(call);
        }
        assert_eq!(bench.puppet.seen_when_dropped(), [1]);
        assert_eq!(bench.layer.stats().running, 0);
    }
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
    let bench = Bench::new(|it| it);
    let mut served = bench.pending("served", within(500));
    let mut explosive = bench.call("explosive", within(100));
    assert_eq!(explosive.poll_by(&Waker::from(Arc::new(Explosive))), Poll::Pending);
    let next = bench.pending("next", within(600));
    bench.finish(&mut served, "served");
    drop(explosive);
    expect_free(&bench, next);
}

/// Asks the layer how things stand when it is woken, and when it is dropped.
struct Curious(punctual::adapters::tower::DeadlineLayer<crate::bench::AsSaid>);

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        let _ = self.0.stats();
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        let _ = self.0.stats();
    }
}

#[test]
fn a_waker_may_ask_the_layer() {
    let bench = Bench::new(|it| it);
    let curious = || Waker::from(Arc::new(Curious(bench.layer.clone())));
    let mut served = bench.pending("served", within(500));
    let mut queued = bench.call("queued", within(100));
    for _ in 0..3 {
        // Each is the last owner of the one before, and drops it.
        assert_eq!(queued.poll_by(&curious()), Poll::Pending);
    }
    let mut dropped = bench.call("dropped", within(100));
    assert_eq!(dropped.poll_by(&curious()), Poll::Pending);
    drop(dropped);
    bench.finish(&mut served, "served");
    let mut expired = bench.call("expired", within(0));
    assert!(expired.poll_by(&curious()).is_ready());
}

#[test]
fn a_finished_future_stays_silent() {
    let bench = Bench::new(|it| it);
    let mut call = bench.pending("served", within(500));
    bench.finish(&mut call, "served");
    assert_eq!(call.poll(), Poll::Pending);
    assert_eq!(bench.layer.stats().done, 1);
}
