//! How a 'no' reads, and what it does to a service's types.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use punctual::adapters::tower::limit::Adaptive;
use punctual::adapters::tower::{BuildError, DeadlineLayer, Error, Rejection};
use punctual::scheduler::{Admission, Class, ConfigError, Job};
use tower_service::Service;

use crate::bench::{Bench, Failed, at, at_once, ms, within};

/// A rejection of each kind: overload with this backlog, expired, closed, misconfigured.
fn rejections(backlog: Duration) -> [Rejection; 4] {
    let rejected = |bench: &Bench, job: Job<()>| match bench.call("it", job).poll() {
        Poll::Ready(Err(Error::Rejected(rejection))) => rejection,
        other => panic!("rejected, and not {other:?}"),
    };
    let bench = Bench::new(|it| it.admission(Admission::Feasible).budget(Duration::MAX));
    let _served = bench.pending("served", Job::new(()).budget(2 * backlog).cost(backlog));
    let overloaded = rejected(&bench, Job::new(()).budget(backlog).cost(ms(1)));
    let expired = rejected(&bench, Job::new(()).budget(Duration::ZERO));
    let misconfigured = rejected(&bench, within(90).class(Class::new(7)));
    bench.layer.shutdown(at(0));
    [overloaded, expired, rejected(&bench, within(90)), misconfigured]
}

fn header<'a>(response: &'a Response<String>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().expect("it is readable"))
}

#[test]
fn in_http_overload_is_503_with_a_time_in_whole_seconds() {
    let [overloaded, expired, closed, misconfigured] = rejections(ms(20));
    let statuses = [overloaded, expired, closed, misconfigured]
        .map(|rejection| rejection.to_http::<String>().status());
    assert_eq!(
        statuses,
        [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::INTERNAL_SERVER_ERROR
        ]
    );
    assert_eq!(header(&overloaded.to_http(), "retry-after"), Some("1"));
    assert_eq!(header(&closed.to_http(), "retry-after"), None);
    let [long, ..] = rejections(ms(2_001));
    assert_eq!(
        (long.retry_after(), header(&long.to_http(), "retry-after")),
        (ms(2_001), Some("3"))
    );
    // It could not be served by an idle service: there is nothing to wait for.
    let bench = Bench::new(|it| it);
    let Poll::Ready(Err(Error::Rejected(hopeless))) =
        bench.call("hopeless", within(10).cost(ms(20))).poll()
    else {
        panic!("it is rejected")
    };
    assert_eq!(hopeless.retry_after(), Duration::ZERO);
    assert!(hopeless.is_hopeless() && !hopeless.is_overload() && !hopeless.is_too_late());
    assert_eq!(hopeless.to_http::<String>().status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(header(&hopeless.to_http(), "retry-after"), None);
    assert_eq!(header(&hopeless.to_grpc(), "grpc-status"), Some("4"));
    assert_eq!(header(&hopeless.to_grpc(), "grpc-retry-pushback-ms"), Some("-1"));
    let [endless, ..] = rejections(Duration::from_secs(1 << 33));
    assert_eq!(header(&endless.to_http(), "retry-after"), Some("2147483647"));
}

#[test]
fn in_grpc_every_kind_has_its_status() {
    let [overloaded, expired, closed, misconfigured] =
        rejections(ms(20)).map(|rejection| rejection.to_grpc::<String>());
    for (response, status) in
        [(&overloaded, "8"), (&expired, "4"), (&closed, "14"), (&misconfigured, "13")]
    {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(response, "grpc-status"), Some(status));
        assert_eq!(header(response, "content-type"), Some("application/grpc"));
        let message = header(response, "grpc-message").expect("it says something");
        assert!(message.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'%'));
    }
    assert_eq!(header(&overloaded, "grpc-retry-pushback-ms"), Some("20"));
    assert_eq!(header(&expired, "grpc-retry-pushback-ms"), None);
}

#[test]
fn errors_say_why_also_behind_boxes() {
    let [overloaded, ..] = rejections(ms(20));
    let error: Error<Box<dyn StdError + Send + Sync>> = Error::Rejected(overloaded);
    assert_eq!(error.rejection(), Some(&overloaded));
    assert!(error.to_string().contains("had to start before"), "{error}");
    let boxed: Box<dyn StdError + Send + Sync> = Box::new(error);
    assert_eq!(Rejection::find(&*boxed), Some(&overloaded));
    let wrapped = std::io::Error::other(overloaded);
    assert_eq!(Rejection::find(&wrapped), None, "an io::Error hides what it is made of");
    let bare: Box<dyn StdError> = Box::new(overloaded);
    assert_eq!(Rejection::find(&*bare), Some(&overloaded));
    assert_eq!(Rejection::find(&Failed), None);
    let failed: Error<Box<dyn StdError + Send + Sync>> = Error::Service("no disk".into());
    assert_eq!((failed.to_string().as_str(), failed.rejection()), ("no disk", None));
}

#[test]
fn settings_that_make_no_scheduler_make_no_layer() {
    let none = DeadlineLayer::new(0, ms(80)).map(drop);
    assert!(matches!(none, Err(BuildError::Config(ConfigError::NoWorkers))));
    let too_many = DeadlineLayer::builder().concurrency(Adaptive::between(1, u32::MAX)).build();
    assert!(matches!(too_many, Err(BuildError::Config(ConfigError::TooManyJobs))));
}

/// A service that can't fail, as axum's.
#[derive(Clone)]
struct Echo;

impl Service<Request<String>> for Echo {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        ready(Ok(Response::new(request.into_body())))
    }
}

#[test]
fn answered_rejections_leave_the_services_error_as_it_is() {
    let layer = DeadlineLayer::builder().answer(Rejection::to_http).build();
    let layer = layer.expect("the settings are fine");
    let mut service = tower::ServiceBuilder::new().layer(layer.clone()).service(Echo);
    let Ok::<_, Infallible>(answer) = at_once(service.call(Request::new("hello".to_owned())));
    assert_eq!(answer.body(), "hello");
    layer.shutdown(punctual::time::Time::ZERO);
    let Ok::<_, Infallible>(answer) = at_once(service.call(Request::new("hello".to_owned())));
    assert_eq!((answer.status(), answer.body().as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
}
