//! OpenRTB as it is spoken: lenient, borrowed requests in; strict responses out.
//!
//! A request is read from 2.2 to 2.6 and from the dialects that exchanges make of them. What is
//! kept is what the bidder uses; every other field is skipped unread. The reading rules:
//!
//! | found | read as |
//! | --- | --- |
//! | `null`, or an empty string | absent |
//! | a number or a bool where text is due | its text |
//! | numeric text, a float or a bool where an integer is due | the integer, truncated |
//! | other text where a number is due; a number out of the field's range | absent |
//! | a scalar where a list of scalars is due | a list of one |
//! | a `null`, or text where a number is due, in a list of scalars | left out |
//! | an object or a list in a list of scalars | left out, but see below |
//! | unknown fields, unknown values of enumerations | accepted |
//! | a second `imp` of the same `id` | left out: a bid's `impid` could not tell them apart |
//! | impressions after the first [`MAX_IMPS`] | left out |
//! | formats after the first [`MAX_FORMATS`], mimes after the first [`MAX_MIMES`] | left out |
//!
//! Refused with a [`RequestError`], because there is no bid request in it: what is not JSON or not
//! an object; a missing or empty `id`; a missing, empty or non-list `imp`; an impression without
//! `id`; a list or scalar where an object is due (`"banner": "x"`, `"device": 3`, `"site": []`); an
//! object or list where a scalar is due (`"w": {}`); an object where a list of scalars is due; an
//! object or list as an element of `wseat`, `bseat`, `bcat`, `badv`, `bapp` or `battr`, since a
//! restriction that is not understood would be one that is not kept; and a field that is given
//! twice, since two readers would see two different requests.
//!
//! An impression without any media, and a request without `site`, `app`, `dooh` or `device`, are
//! read as such: they are poor requests, which only untargeted campaigns can answer.

mod codes;
mod error;
mod lenient;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub(crate) use codes::{Channel, Country, Currency, os_family};
pub(crate) use error::RequestError;
pub(crate) use request::{Banner, BidRequest, Imp, Video};
pub(crate) use response::{
    Bid, BidResponse, MARKUP_BANNER, MARKUP_NATIVE, MARKUP_VIDEO, NO_BID_INSUFFICIENT_TIME, SeatBid,
};

/// Impressions kept of one request. Real requests hold one to ten; bots send hundreds.
pub(crate) const MAX_IMPS: usize = 32;

/// Formats kept of one banner: a bound on the sizes that every creative is compared with.
pub(crate) const MAX_FORMATS: usize = 64;

/// Content types kept of one banner or video, for the same reason.
pub(crate) const MAX_MIMES: usize = 64;

/// Reads the `tmax` of a request as [`parse`] does, of a body that may lack everything else.
pub(crate) fn parse_tmax_ms(body: &[u8]) -> Option<u32> {
    serde_json::from_slice::<request::TmaxOnly>(body).ok()?.tmax_ms
}

/// Reads one request, which borrows from `body` every string that has no escapes.
///
/// Costs one pass over `body`, and a second one that finds the field's name if it is refused.
/// Memory is bounded by a small multiple of the length of `body`, which the caller limits.
pub(crate) fn parse(body: &[u8]) -> Result<BidRequest<'_>, RequestError> {
    match serde_json::from_slice::<request::Root<'_>>(body) {
        Ok(root) => Ok(root.0),
        Err(error) => Err(error::locate(body, &error)),
    }
}
