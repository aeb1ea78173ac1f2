//! What the layer makes of requests whose cost it has to learn, in idle and slow services.

use std::task::Poll;

use punctual::adapters::tower::{Builder, Cause, Error, Rejection};
use punctual::scheduler::{Class, Config, Job, Margin, Quantile};

use crate::bench::{AsSaid, Bench, at, ms};

/// A layer with its own margin, whose one class is learned.
fn learning(set_up: impl FnOnce(Builder<AsSaid>) -> Builder<AsSaid>) -> Bench {
    Bench::with_default_margin(|it| set_up(it.concurrency(1).budget(ms(110))))
}

/// Serves a request for so long; `Err` if it is rejected when it comes.
fn serve(bench: &Bench, took_ms: u64) -> Result<(), Rejection> {
    bench.puppet.hold("it");
    let mut call = bench.call("it", Job::new(()));
    match call.poll() {
        Poll::Ready(Err(Error::Rejected(rejection))) => return Err(rejection),
        other => assert_eq!(other, Poll::Pending),
    }
    bench.clock.advance(ms(took_ms));
    bench.finish(&mut call, "it");
    Ok(())
}

/// The first runs, booked at nothing, taught their whole time as the margin too, and twice the time
/// exceeded the budget: an idle server refused 257 of 258 for ever.
#[test]
fn an_idle_service_serves_what_takes_most_of_its_budget() {
    let margin = Margin::Learned { quantile: Quantile::P99, least: ms(1), most: ms(100) };
    let bench = learning(|it| it.margin(margin));
    for round in 0..600 {
        assert_eq!(serve(&bench, 66), Ok(()), "round {round}");
    }
    assert_eq!(bench.layer.stats().done, 600);
}

/// Nothing was learned of a request that was given up, so that a service that had become slow was
/// thought fast for good, and each of its requests held a place until its deadline.
#[test]
fn a_service_that_became_slow_is_found_out_by_what_is_given_up() {
    let bench = learning(|it| it);
    for _ in 0..20 {
        assert_eq!(serve(&bench, 1), Ok(()));
    }
    let mut given_up = 0;
    while given_up < 200 {
        bench.puppet.hold("it");
        let mut call = bench.call("it", Job::new(()));
        if call.poll().is_ready() {
            break;
        }
        bench.clock.advance(ms(110));
        bench.timer().wake();
        assert_eq!(call.rejection().cause(), Cause::GivenUp);
        given_up += 1;
    }
    assert!(given_up < 100, "{given_up} of 200 wait until their deadline");
    assert!(bench.layer.expected_cost(Class::new(0)) > Some(ms(90)));
}

#[test]
fn the_default_margin_is_at_most_a_tenth_of_the_budget() {
    let bench = learning(|it| it);
    for round in 0..200 {
        // Every other one takes far longer than is expected.
        let _ = serve(&bench, if round % 2 == 0 { 5 } else { 90 });
    }
    assert_eq!(bench.layer.margin(Class::new(0)), Some(ms(11)));
    let fixed = Bench::with_default_margin(|it| it.config(Config::default()));
    assert_eq!(fixed.layer.margin(Class::new(0)), Some(ms(0)));
    assert_eq!(fixed.layer.margin(Class::new(1)), None);
}

#[test]
fn a_client_may_name_no_more_than_the_layers_budget_unless_that_is_wanted() {
    for (bench, latest_ms) in
        [(learning(|it| it), 110), (learning(|it| it.longest_budget(ms(300))), 300)]
    {
        let mut served = bench.pending("served", Job::new(()).budget(ms(100_000)));
        bench.move_to(at(latest_ms) - std::time::Duration::from_nanos(1));
        assert_eq!(served.poll(), Poll::Pending);
        bench.move_to(at(latest_ms) + punctual::timer::Timer::RESOLUTION);
        assert!(served.rejection().is_too_late());
    }
}
