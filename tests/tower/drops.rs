//! Places are free last: what the service has of a request is dropped before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use punctual::adapters::tower::{Cause, DeadlineLayer};
use punctual::scheduler::Job;
use tower_layer::Layer;
use tower_service::Service;

use crate::bench::{Act, Bench, Failed, at, within};

/// Notes how many places are taken when it is dropped.
#[derive(Clone)]
struct Witness {
    layer: DeadlineLayer<fn(&Witness) -> Job<()>>,
    seen: Arc<Mutex<Vec<u32>>>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.seen.lock().expect("nobody panics here").push(self.layer.stats().running);
    }
}

/// Its readiness fails, or panics.
#[derive(Clone)]
struct Unwell {
    panics: bool,
}

impl Service<Witness> for Unwell {
    type Response = ();
    type Error = Failed;
    type Future = std::future::Ready<Result<(), Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        assert!(!self.panics, "as the test wants it");
        Poll::Ready(Err(Failed))
    }

    fn call(&mut self, _: Witness) -> Self::Future {
        unreachable!("it is never ready")
    }
}

#[test]
fn a_request_is_dropped_before_its_place_is_free_if_the_readiness_fails() {
    for panics in [false, true] {
        let extract: fn(&Witness) -> Job<()> = |_| Job::new(());
        let layer = DeadlineLayer::builder().concurrency(1).extract(extract).build();
        let layer = layer.expect("the settings are fine");
        let seen = Arc::default();
        let witness = Witness { layer: layer.clone(), seen: Arc::clone(&seen) };
        let mut future = Box::pin(layer.layer(Unwell { panics }).call(witness));
        let mut context = Context::from_waker(Waker::noop());
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        assert_eq!(polled.is_err(), panics);
        assert_eq!(*seen.lock().expect("nobody panics here"), [1]);
        assert_eq!(layer.stats().running, 0);
    }
}

#[test]
fn a_future_is_dropped_before_its_place_is_free_however_it_ends() {
    for act in [Act::Answer, Act::Fail, Act::PanicWhenPolled] {
        let bench = Bench::new(|it| it);
        let mut call = bench.pending("served", within(100));
        let layer = bench.layer.clone();
        bench.puppet.when_dropped(move || layer.stats().running);
        bench.puppet.act("served", act);
        // A panic poisons nothing: the puppet's lock is taken all the same.
        let _ = catch_unwind(AssertUnwindSafe(|| call.poll()));
        assert_eq!(bench.puppet.seen_when_dropped(), [1], "{act:?}");
        assert_eq!(bench.layer.stats().running, 0);
    }
}

/// Whoever is told of its turn may be polled much later, when nobody wants the answer any more.
#[test]
fn nobody_calls_the_service_after_the_deadline() {
    let bench = Bench::new(|it| it);
    let mut served = bench.pending("served", within(500));
    let mut told = bench.pending("told", within(90));
    bench.finish(&mut served, "served");
    bench.clock.set(at(90));
    assert_eq!(told.rejection().cause(), Cause::GivenUp);
    bench.puppet.set_unready(true);
    let mut unready = bench.pending("unready", within(50));
    bench.clock.set(at(140));
    bench.puppet.set_unready(false);
    assert_eq!(unready.rejection().cause(), Cause::GivenUp);
    assert_eq!((bench.puppet.called(), bench.layer.stats().running), (vec!["served"], 0));
}
