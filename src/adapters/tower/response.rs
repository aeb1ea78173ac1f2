//! A 'no' as an HTTP or gRPC response.

use core::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use super::error::{Kind, Rejection};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

impl Rejection {
    /// The 'no' as an HTTP response with an empty body: 503 with `Retry-After` in overload, in
    /// seconds and at least 1; 504 if the deadline has passed, or not even an idle service could
    /// meet it; 503 without it if the service shuts down; 500 for a class that is not configured.
    ///
    /// ```
    /// use punctual::adapters::tower::{DeadlineLayer, Rejection};
    ///
    /// let layer = DeadlineLayer::builder().answer(Rejection::to_http::<String>).build()?;
    /// # let _ = layer;
    /// # Ok::<(), punctual::adapters::tower::BuildError>(())
    /// ```
    #[must_use]
    pub fn to_http<B: Default>(&self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = match self.kind() {
            Kind::Overloaded | Kind::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Kind::TooLate | Kind::Hopeless => StatusCode::GATEWAY_TIMEOUT,
            Kind::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if self.is_overload() {
            let seconds = rounded_up(self.retry_after(), Duration::from_secs(1)).max(1);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// The 'no' as a gRPC response without message, its status in the header: RESOURCE_EXHAUSTED
    /// (8) with `grpc-retry-pushback-ms` in overload, DEADLINE_EXCEEDED (4) if the deadline has
    /// passed, or with a pushback of -1, which forbids retries, if not even an idle service could
    /// meet it, UNAVAILABLE (14) if the service shuts down, INTERNAL (13) for a class that is not
    /// configured.
    ///
    /// The message tells only the kind: how much is queued is nobody else's business.
    #[must_use]
    pub fn to_grpc<B: Default>(&self) -> Response<B> {
        let (status, message) = match self.kind() {
            Kind::Overloaded => ("8", "overloaded"),
            Kind::TooLate => ("4", "the deadline has passed"),
            Kind::Hopeless => ("4", "the deadline is too near"),
            Kind::Closing => ("14", "the service shuts down"),
            Kind::Misconfigured => ("13", "no such class of requests"),
        };
        let mut response = Response::new(B::default());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, HeaderValue::from_static(status));
        headers.insert(GRPC_MESSAGE, HeaderValue::from_static(message));
        if self.is_overload() {
            let ms = rounded_up(self.retry_after(), Duration::from_millis(1)).max(1);
            headers.insert(GRPC_PUSHBACK, HeaderValue::from(ms));
        }
        if self.is_hopeless() {
            headers.insert(GRPC_PUSHBACK, HeaderValue::from_static("-1"));
        }
        response
    }
}

/// How many units a duration takes. At most as many as a client's 32 bits hold.
fn rounded_up(duration: Duration, unit: Duration) -> u32 {
    let units = duration.as_nanos().div_ceil(unit.as_nanos());
    u32::try_from(units).map_or(i32::MAX as u32, |units| units.min(i32::MAX as u32))
}
