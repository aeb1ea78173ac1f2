//! What requests say of themselves, hostile ones included.

use std::time::Duration;

use http::Request;
use http::header::HeaderName;
use punctual::adapters::tower::extract::{
    AllAlike, Extract, FromExtension, GrpcTimeout, MillisHeader, Passing,
};
use punctual::adapters::tower::{DeadlineLayer, Rejection};
use punctual::scheduler::{Budget, Class, Job};
use punctual::time::Time;
use tower_layer::Layer;
use tower_service::Service;

use crate::bench::{at, at_once, ms};

fn with_header(name: &str, value: &[u8]) -> Request<()> {
    Request::builder().header(name, value).body(()).expect("it is a header")
}

/// How much time a request has that comes at the origin.
fn budget(extract: &impl Extract<Request<()>>, request: &Request<()>) -> Option<Duration> {
    extract.job(request).due(Time::ZERO).map(|due| due.saturating_since(Time::ZERO))
}

#[test]
fn grpc_timeouts_have_six_units() {
    let hour = Duration::from_secs(3_600);
    for (value, expected) in [
        ("2H", 2 * hour),
        ("3M", Duration::from_secs(180)),
        ("4S", Duration::from_secs(4)),
        ("5m", ms(5)),
        ("6u", Duration::from_micros(6)),
        ("7n", Duration::from_nanos(7)),
        ("00000250m", ms(250)),
        ("99999999H", 99_999_999 * hour),
        ("0S", Duration::ZERO),
    ] {
        let request = with_header("grpc-timeout", value.as_bytes());
        // In time that is counted in 64 bits of nanoseconds.
        let expected = expected.min(Duration::from_nanos(u64::MAX));
        assert_eq!(budget(&GrpcTimeout, &request), Some(expected), "{value}");
    }
}

#[test]
fn hostile_grpc_timeouts_are_ignored() {
    let values: [&[u8]; 14] = [
        b"",
        b"m",
        b"5",
        b"-5m",
        b"+5m",
        b"5 m",
        b" 5m",
        b"5.5S",
        b"0x5m",
        b"123456789m",
        b"5s",
        b"5mm",
        b"5\xffm",
        b"999999999999999999999999999999H",
    ];
    for value in values {
        let request = with_header("grpc-timeout", value);
        assert_eq!(budget(&GrpcTimeout, &request), None, "{value:?}");
    }
    assert_eq!(budget(&GrpcTimeout, &Request::new(())), None);
}

#[test]
fn a_header_of_milliseconds_is_a_whole_number() {
    let extract = MillisHeader::new(HeaderName::from_static("x-timeout-ms"));
    let largest = Duration::from_nanos(u64::MAX);
    for (value, expected) in [
        ("80", Some(ms(80))),
        ("0", Some(Duration::ZERO)),
        ("18446744073709551616", Some(largest)),
        ("99999999999999999999999999999999999999999999", Some(largest)),
        ("", None),
        ("-1", None),
        ("1e3", None),
        ("80ms", None),
        ("8\u{664}", None),
    ] {
        let request = with_header("x-timeout-ms", value.as_bytes());
        assert_eq!(budget(&extract, &request), expected, "{value}");
    }
    let other = with_header("x-other", b"80");
    assert_eq!(budget(&extract, &other), None);
}

#[test]
fn an_extension_is_a_budget_or_a_duration() {
    let mut request = Request::new(());
    assert_eq!(budget(&FromExtension, &request), None);
    request.extensions_mut().insert(ms(70));
    assert_eq!(budget(&FromExtension, &request), Some(ms(70)));
    request.extensions_mut().insert(Budget::until(at(30)));
    assert_eq!(budget(&FromExtension, &request), Some(ms(30)));
    assert_eq!(budget(&AllAlike, &request), None);
}

#[test]
fn a_closure_builds_on_what_is_ready_made() {
    let extract = |request: &Request<()>| {
        let job = GrpcTimeout.job(request);
        if request.uri().path() == "/" { job.class(Class::new(1)).value(3) } else { job }
    };
    let job: Job<()> = extract.job(&with_header("grpc-timeout", b"5m"));
    assert_eq!((job.class, job.value), (Class::new(1), 3));
    assert_eq!(budget(&extract, &with_header("grpc-timeout", b"5m")), Some(ms(5)));
}

/// Answers with the time that is left for a request's sub-tasks.
#[derive(Clone)]
struct Left;

impl Service<Request<()>> for Left {
    type Response = http::Response<Option<Budget>>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let budget = request.extensions().get().copied();
        std::future::ready(Ok(http::Response::new(budget)))
    }
}

#[test]
fn a_budget_is_passed_on_if_that_is_wanted() {
    let clock = punctual::time::ManualClock::new(at(100));
    let builder = || DeadlineLayer::builder().answer(Rejection::to_http);
    let layer = builder().clock(clock).extract(Passing(GrpcTimeout)).build();
    let mut service = layer.expect("the settings are fine").layer(Left);
    let answer = at_once(service.call(with_header("grpc-timeout", b"50m")));
    let Ok(answer) = answer;
    assert_eq!(answer.into_body(), Some(Budget::until(at(150))));

    let layer = builder().extract(GrpcTimeout).build().expect("the settings are fine");
    let Ok(answer) = at_once(layer.layer(Left).call(with_header("grpc-timeout", b"50m")));
    assert_eq!(answer.into_body(), None);
}
