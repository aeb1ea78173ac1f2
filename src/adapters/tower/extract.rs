//! What a request needs, read from the request.
//!
//! An [`Extract`] makes a [`Job`] of a request: how much time it has, its class, its cost, its
//! value, its tenant. A closure is one; for HTTP there are [`GrpcTimeout`], [`MillisHeader`],
//! [`FromExtension`] and [`Passing`]. What is not said is the default: above all the layer's
//! [budget](super::Builder::budget).
//!
//! Ready-made ones are made more of by a closure that asks them:
//!
//! ```
//! use http::Request;
//! use punctual::adapters::tower::DeadlineLayer;
//! use punctual::adapters::tower::extract::{Extract, GrpcTimeout};
//! use punctual::scheduler::{Class, ClassConfig};
//!
//! const HEALTH: Class = Class::new(1);
//!
//! let layer = DeadlineLayer::builder()
//!     .classes(vec![ClassConfig::foreground(), ClassConfig::foreground().weight(9)])
//!     .extract(|request: &Request<String>| {
//!         let job = GrpcTimeout.job(request);
//!         if request.uri().path().starts_with("/health") { job.class(HEALTH) } else { job }
//!     })
//!     .build()?;
//! # let _ = layer;
//! # Ok::<(), punctual::adapters::tower::BuildError>(())
//! ```

use core::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request};

use crate::scheduler::{Budget, Job};

/// Tells what a request needs. It is called once for each request, before that is queued, and
/// should be quick: it is the part of a request that can't be shed.
pub trait Extract<R> {
    /// What the request needs: its [`deadline`](Job::deadline) by the layer's clock or its
    /// [`budget`](Job::budget) from now on, and what else differs from the default.
    fn job(&self, request: &R) -> Job<()>;

    /// Tells the service, which is about to get the request, when it must be done. Does nothing by
    /// default.
    fn pass_on(&self, request: &mut R, budget: Budget) {
        let _ = (request, budget);
    }
}

impl<R, F: Fn(&R) -> Job<()>> Extract<R> for F {
    fn job(&self, request: &R) -> Job<()> {
        self(request)
    }
}

/// All requests are the same: they have the layer's budget.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllAlike;

impl<R> Extract<R> for AllAlike {
    fn job(&self, _: &R) -> Job<()> {
        Job::new(())
    }
}

/// The budget is that of the header `grpc-timeout`. A value that isn't one is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcTimeout;

impl GrpcTimeout {
    /// The budget in the header, if there is a valid one: at most eight digits and a unit of `H`,
    /// `M`, `S`, `m`, `u` or `n`.
    #[must_use]
    pub fn budget(headers: &HeaderMap) -> Option<Duration> {
        let (unit, digits) = headers.get("grpc-timeout")?.as_bytes().split_last()?;
        let count = number(digits).filter(|_| digits.len() <= 8)?;
        Some(match unit {
            b'H' => Duration::from_secs(count * 3_600),
            b'M' => Duration::from_secs(count * 60),
            b'S' => Duration::from_secs(count),
            b'm' => Duration::from_millis(count),
            b'u' => Duration::from_micros(count),
            b'n' => Duration::from_nanos(count),
            _ => return None,
        })
    }
}

impl<B> Extract<Request<B>> for GrpcTimeout {
    fn job(&self, request: &Request<B>) -> Job<()> {
        with_budget(Self::budget(request.headers()))
    }
}

/// The budget is a header's whole number of milliseconds. A value that isn't one is ignored.
#[derive(Clone, Debug)]
pub struct MillisHeader(HeaderName);

impl MillisHeader {
    /// Reads this header.
    ///
    /// ```
    /// use http::header::HeaderName;
    /// use punctual::adapters::tower::extract::MillisHeader;
    ///
    /// let timeout = MillisHeader::new(HeaderName::from_static("x-timeout-ms"));
    /// # let _ = timeout;
    /// ```
    #[must_use]
    pub const fn new(name: HeaderName) -> Self {
        Self(name)
    }

    /// The budget in the header, if there is a valid one. What exceeds 64 bits is the most that
    /// they hold.
    #[must_use]
    pub fn budget(&self, headers: &HeaderMap) -> Option<Duration> {
        headers.get(&self.0).map(HeaderValue::as_bytes).and_then(number).map(Duration::from_millis)
    }
}

impl<B> Extract<Request<B>> for MillisHeader {
    fn job(&self, request: &Request<B>) -> Job<()> {
        with_budget(self.budget(request.headers()))
    }
}

/// The budget is an extension of the type [`Budget`], by the layer's clock, or of the type
/// [`Duration`], from now on; what comes first counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromExtension;

impl<B> Extract<Request<B>> for FromExtension {
    fn job(&self, request: &Request<B>) -> Job<()> {
        match request.extensions().get::<Budget>() {
            Some(budget) => Job::new(()).within(*budget),
            None => with_budget(request.extensions().get().copied()),
        }
    }
}

/// Passes a request's [`Budget`] on to the service, as an extension, so that its sub-tasks inherit
/// what is left. That allocates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passing<X>(pub X);

impl<B, X: Extract<Request<B>>> Extract<Request<B>> for Passing<X> {
    fn job(&self, request: &Request<B>) -> Job<()> {
        self.0.job(request)
    }

    fn pass_on(&self, request: &mut Request<B>, budget: Budget) {
        request.extensions_mut().insert(budget);
        self.0.pass_on(request, budget);
    }
}

fn with_budget(budget: Option<Duration>) -> Job<()> {
    let job = Job::new(());
    match budget {
        Some(budget) => job.budget(budget),
        None => job,
    }
}

/// A whole number without sign; what is too large is the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let appended =
        |number: u64, digit: &u8| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, appended))
}
