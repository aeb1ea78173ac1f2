//! A bid request on its way through a worker: from its body to its answer.

use bytes::Bytes;
use punctual::time::Time;
use self_cell::self_cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;

use super::config::{Config, ShedForm};
use super::metrics::{AnswerKind, ShedReason};
use crate::campaign::Campaigns;
use crate::evaluate::evaluate;
use crate::openrtb::{self, BidRequest, BidResponse, NO_BID_INSUFFICIENT_TIME, RequestError};

self_cell!(
    /// A parsed request together with the body that it borrows from.
    pub(crate) struct ParsedRequest {
        owner: Bytes,
        #[covariant]
        dependent: BidRequest,
    }
);

/// What a client gets.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The serialised bid response.
    Bid(Bytes),
    /// Evaluated, and nothing fits.
    NoBid,
    /// Not evaluated.
    Shed(ShedReason),
}

impl Answer {
    pub(crate) fn kind(&self) -> AnswerKind {
        match self {
            Self::Bid(_) => AnswerKind::Bid,
            Self::NoBid => AnswerKind::NoBid,
            Self::Shed(_) => AnswerKind::Shed,
        }
    }
}

/// A queued request: what a worker needs to evaluate and to answer it.
pub(crate) struct BidJob {
    /// Shared with the connection, which may have to say 'no' in the request's name.
    pub(crate) request: Rc<ParsedRequest>,
    pub(crate) reply: oneshot::Sender<Answer>,
}

impl ParsedRequest {
    /// Parses a body.
    pub(crate) fn parse(body: Bytes) -> Result<Self, RequestError> {
        Self::try_new(body, |body| openrtb::parse(body))
    }

    /// Until when the answer must be on its way.
    pub(crate) fn deadline(&self, arrival: Time, config: &Config) -> Time {
        let tmax = match self.borrow_dependent().tmax_ms {
            None | Some(0) => config.default_tmax,
            Some(tmax_ms) => Duration::from_millis(u64::from(tmax_ms)).min(config.limits.tmax),
        };
        arrival + tmax.saturating_sub(config.margin)
    }

    /// Finds the best bids.
    pub(crate) fn evaluate(&self, campaigns: &Campaigns) -> Answer {
        match evaluate(self.borrow_dependent(), campaigns).and_then(|found| serialise(&found)) {
            Some(body) => Answer::Bid(body),
            None => Answer::NoBid,
        }
    }

    /// The body of the answer to a shed request, if its form has one.
    pub(crate) fn shed_body(&self, form: ShedForm) -> Option<Bytes> {
        let id = &self.borrow_dependent().id;
        match form {
            ShedForm::NoContent => None,
            ShedForm::Nbr => serialise(&BidResponse::no_bid(id, NO_BID_INSUFFICIENT_TIME)),
        }
    }
}

fn serialise(response: &BidResponse<'_>) -> Option<Bytes> {
    serde_json::to_vec(response).ok().map(Bytes::from)
}
