//! Which request gets which answer over HTTP.

use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue,
};
use hyper::{Method, Request, Response, StatusCode};
use punctual::time::{Clock, Time};

use super::bid_job::{Answer, ParsedRequest};
use super::config::ShedForm;
use super::metrics::{AnswerLabels, Metrics, ShedLabels, ShedReason, StatusLabels};
use super::watch::Watch;
use super::worker::Worker;

/// Tells why a request was answered 'no' without an evaluation.
const NO_BID_REASON: HeaderName = HeaderName::from_static("x-no-bid-reason");

const OPENRTB_VERSION: HeaderName = HeaderName::from_static("x-openrtb-version");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Prometheus reads this version of the text form.
const METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

type Answered = Response<Full<Bytes>>;

/// Answers one request. Whatever a client sends, the answer is no 5xx.
pub(crate) async fn route(
    worker: Rc<Worker>,
    watch: Rc<Watch>,
    request: Request<Incoming>,
) -> Answered {
    let arrival = watch.request_begins();
    let has_body = !request.body().is_end_stream();
    let path_and_method = (request.uri().path(), request.method());
    let mut response = match path_and_method {
        ("/bid", &Method::POST) => bid(&worker, &watch, arrival, request).await,
        // Of an answer to HEAD only the head is sent.
        ("/healthz", &Method::GET | &Method::HEAD) => health(&worker),
        ("/metrics", &Method::GET | &Method::HEAD) => {
            with_body(StatusCode::OK, METRICS, worker.shared.metrics.render())
        }
        ("/bid", _) => not_allowed(&worker, "POST"),
        ("/healthz" | "/metrics", _) => not_allowed(&worker, "GET, HEAD"),
        _ => refused(&worker, StatusCode::NOT_FOUND, "path", "there is nothing at this path"),
    };
    // What is left of a body that nobody wanted must not be taken for the next request.
    if worker.is_draining() || (has_body && !watch.is_read()) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    watch.answered();
    response
}

async fn bid(
    worker: &Rc<Worker>,
    watch: &Watch,
    arrival: Time,
    request: Request<Incoming>,
) -> Answered {
    let encoding = request.headers().get(CONTENT_ENCODING);
    let is_encoded = encoding.is_some_and(|encoding| encoding != "identity");
    let body = match read_body(worker, request.into_body()).await {
        Ok(body) => body,
        Err(answered) => return answered,
    };
    watch.request_ends();
    if is_encoded {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return refused(worker, status, "content-encoding", "bodies come uncompressed");
    }
    let request = match ParsedRequest::parse(body) {
        Ok(request) => Rc::new(request),
        Err(error) => {
            count_refused(worker, StatusCode::BAD_REQUEST);
            return with_body(StatusCode::BAD_REQUEST, JSON, error.to_json());
        }
    };
    let metrics = &worker.shared.metrics;
    metrics.requests.inc();
    let deadline = request.deadline(arrival, &worker.shared.config);
    let answer = match worker.submit_bid(request.clone(), deadline) {
        Ok(pending) => pending.answer().await,
        Err(reason) => Answer::Shed(reason),
    };
    let now = worker.shared.clock.now();
    Metrics::observe(&metrics.latency, now.saturating_since(arrival));
    if now > deadline {
        metrics.late.get_or_create(&AnswerLabels { answer: answer.kind() }).inc();
    }
    match answer {
        Answer::Bid(body) => {
            metrics.bids.inc();
            with_openrtb(body)
        }
        Answer::NoBid => {
            metrics.no_bids.inc();
            no_content()
        }
        Answer::Shed(reason) => shed(worker, &request, reason),
    }
}

/// The whole body, or the answer to a client whose body is too large or breaks off.
async fn read_body(worker: &Worker, body: Incoming) -> Result<Bytes, Answered> {
    let limit = worker.shared.config.limits.body_bytes;
    let too_large = || {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        refused(worker, status, "body", &format!("larger than {limit} bytes"))
    };
    // A declared length is known before the first byte of the body was read.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => {
            Err(refused(worker, StatusCode::BAD_REQUEST, "body", &format!("breaks off: {error}")))
        }
    }
}

fn shed(worker: &Worker, request: &ParsedRequest, reason: ShedReason) -> Answered {
    worker.shared.metrics.sheds.get_or_create(&ShedLabels { reason }).inc();
    let form: ShedForm = worker.shared.config.shed_form;
    let mut response = request.shed_body(form).map_or_else(no_content, with_openrtb);
    response.headers_mut().insert(NO_BID_REASON, HeaderValue::from_static(reason.name()));
    response
}

fn health(worker: &Worker) -> Answered {
    let (status, text) = match worker.is_draining() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        false => (StatusCode::OK, "ok\n"),
    };
    let mut response = with_body(status, TEXT, text);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn not_allowed(worker: &Worker, allowed: &'static str) -> Answered {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let message = format!("this path answers {allowed} only");
    let mut response = refused(worker, status, "method", &message);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// An answer to what is no bid request, with the part of it that is wrong.
fn refused(worker: &Worker, status: StatusCode, field: &str, message: &str) -> Answered {
    count_refused(worker, status);
    let body = serde_json::json!({ "error": { "field": field, "message": message } });
    with_body(status, JSON, body.to_string())
}

fn count_refused(worker: &Worker, status: StatusCode) {
    let labels = StatusLabels { status: status.as_u16() };
    worker.shared.metrics.refused.get_or_create(&labels).inc();
}

fn with_openrtb(body: Bytes) -> Answered {
    let mut response = with_body(StatusCode::OK, JSON, body);
    response.headers_mut().insert(OPENRTB_VERSION, HeaderValue::from_static("2.6"));
    response
}

fn with_body(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Answered {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn no_content() -> Answered {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
