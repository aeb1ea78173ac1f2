//! What became of one request: a pure reading of the answer, or the way it failed.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The response header by which a bidder marks a no-bid that it gave without an evaluation.
pub(crate) const REASON_HEADER: &str = "x-no-bid-reason";

/// The end of one request; each request has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Status 200 with at least one seat's bids.
    Bid,
    /// Status 204, or 200 without bids; `shed` is the value of [`REASON_HEADER`], if any.
    NoBid {
        /// Why the bidder did not evaluate the request.
        shed: Option<String>,
    },
    /// Any other status.
    Status(u16),
    /// There was no usable answer.
    Failed(Failure),
}

/// Why a request has no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection could be opened for it.
    Connect,
    /// Its connection broke before the answer was complete.
    Closed,
    /// It was sent, and no complete answer came within the timeout.
    Timeout,
    /// It never reached a connection: the queue was full, or the timeout passed in the queue.
    Unsent,
    /// The answer was not HTTP, was too large, or was a 200 without a bid response.
    Malformed,
}

/// How far a request has come; it says what a timeout means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It waits for a connection to be free.
    Queued,
    /// It waits for a connection to be opened.
    Connecting,
    /// It was given to a connection.
    Sent,
}

impl Stage {
    /// Returns the failure of a request that runs out of time at this stage.
    pub(crate) fn timed_out(self) -> Failure {
        match self {
            Self::Queued => Failure::Unsent,
            Self::Connecting => Failure::Connect,
            Self::Sent => Failure::Timeout,
        }
    }
}

/// A complete HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The value of [`REASON_HEADER`].
    pub(crate) reason: Option<String>,
    /// The body.
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads the answer as a bidder's.
    ///
    /// OpenRTB allows a no-bid to be 204, an empty object, an empty `seatbid` or an `nbr`; thus
    /// every JSON object without seats is a no-bid. The header on an answer with bids is ignored.
    pub(crate) fn into_outcome(self) -> Outcome {
        match self.status {
            StatusCode::NO_CONTENT => Outcome::NoBid { shed: self.reason },
            StatusCode::OK => match serde_json::from_slice::<BidResponse>(&self.body) {
                Ok(BidResponse { seatbid: Some(seats) }) if !seats.is_empty() => Outcome::Bid,
                Ok(_) => Outcome::NoBid { shed: self.reason },
                Err(_) => Outcome::Failed(Failure::Malformed),
            },
            status => Outcome::Status(status.as_u16()),
        }
    }
}

/// The part of a bid response that tells a bid from a no-bid.
///
/// A vector of a type without size counts its elements and allocates nothing.
#[derive(Deserialize)]
#[serde(expecting = "a bid response object")]
struct BidResponse {
    seatbid: Option<Vec<IgnoredAny>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, reason: Option<&str>, body: &'static str) -> Outcome {
        let status = StatusCode::from_u16(status).unwrap();
        let reason = reason.map(str::to_owned);
        Answer { status, reason, body: Bytes::from_static(body.as_bytes()) }.into_outcome()
    }

    #[test]
    fn a_bid_has_seats() {
        assert_eq!(outcome(200, None, r#"{"id":"1","seatbid":[{"bid":[]}]}"#), Outcome::Bid);
        assert_eq!(outcome(200, Some("x"), r#"{"seatbid":[{}],"nbr":0}"#), Outcome::Bid);
    }

    #[test]
    fn a_no_bid_has_many_forms() {
        let evaluated = Outcome::NoBid { shed: None };
        assert_eq!(outcome(204, None, ""), evaluated);
        for body in ["{}", r#"{"nbr":15}"#, r#"{"seatbid":[],"nbr":2}"#, r#"{"seatbid":null}"#] {
            assert_eq!(outcome(200, None, body), evaluated, "{body}");
        }
    }

    #[test]
    fn the_header_marks_a_no_bid_as_shed() {
        let shed = Outcome::NoBid { shed: Some("latest-start".to_owned()) };
        assert_eq!(outcome(204, Some("latest-start"), ""), shed);
        assert_eq!(outcome(200, Some("latest-start"), r#"{"nbr":15}"#), shed);
    }

    #[test]
    fn a_200_without_a_response_object_is_malformed() {
        for body in ["", "ok", "{\"seatbid\":[", "7", r#"{"seatbid":{}}"#] {
            assert_eq!(outcome(200, None, body), Outcome::Failed(Failure::Malformed), "{body}");
        }
    }

    #[test]
    fn other_statuses_are_kept_by_code() {
        assert_eq!(outcome(500, None, "{\"seatbid\":[{}]}"), Outcome::Status(500));
        assert_eq!(outcome(202, None, ""), Outcome::Status(202));
    }
}
