//! The bid response: what goes back to the exchange, free of fields that say nothing.

use serde::Serialize;

/// `nbr` of a request that was shed because its deadline could not be met (list of OpenRTB 3.0).
pub(crate) const NO_BID_INSUFFICIENT_TIME: u32 = 15;

/// `mtype` of a banner.
pub(crate) const MARKUP_BANNER: u32 = 1;
/// `mtype` of a video.
pub(crate) const MARKUP_VIDEO: u32 = 2;
/// `mtype` of a native ad.
pub(crate) const MARKUP_NATIVE: u32 = 4;

/// The answer to one request.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct BidResponse<'r> {
    /// Identifier of the request.
    pub(crate) id: &'r str,
    /// Bids by seat; empty for no bid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) seatbid: Vec<SeatBid<'r>>,
    /// Currency of the prices; none for no bid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cur: Option<&'r str>,
    /// Reason for no bid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nbr: Option<u32>,
}

impl<'r> BidResponse<'r> {
    /// No bid, with its reason: `{"id":"..","nbr":15}`.
    pub(crate) fn no_bid(id: &'r str, nbr: u32) -> Self {
        Self { id, seatbid: Vec::new(), cur: None, nbr: Some(nbr) }
    }
}

/// The bids that one seat makes.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct SeatBid<'r> {
    /// Who pays.
    pub(crate) seat: &'r str,
    /// At least one bid.
    pub(crate) bid: Vec<Bid<'r>>,
}

/// An offer for one impression.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Bid<'r> {
    /// Identifier, distinct within the response.
    pub(crate) id: String,
    /// The impression.
    pub(crate) impid: &'r str,
    /// Price per thousand impressions: finite, positive, at most four decimals.
    pub(crate) price: f64,
    /// Markup of the ad.
    pub(crate) adm: &'r str,
    /// Domains of the advertiser.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) adomain: &'r [String],
    /// The advertised application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bundle: Option<&'r str>,
    /// The campaign.
    pub(crate) cid: &'r str,
    /// The creative.
    pub(crate) crid: &'r str,
    /// Categories of the advertiser.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) cat: &'r [String],
    /// Attributes of the creative.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) attr: &'r [u32],
    /// Width, where the medium has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) w: Option<u32>,
    /// Height, where the medium has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) h: Option<u32>,
    /// Duration, where the medium has one.
    #[serde(rename = "dur", skip_serializing_if = "Option::is_none")]
    pub(crate) duration_s: Option<u32>,
    /// Type of the markup (2.6), by which the exchange knows which medium was chosen.
    pub(crate) mtype: u32,
}
