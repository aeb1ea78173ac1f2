//! The bid request: the fields that the bidder uses, borrowed from the body.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::codes::Channel;
use super::{MAX_FORMATS, MAX_IMPS, MAX_MIMES, lenient};

/// The body of a request: an object and nothing else.
pub(super) struct Root<'a>(pub(super) BidRequest<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Root<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let request = lenient::object(deserializer)?;
        request.map(Self).ok_or_else(|| D::Error::custom("must be an object"))
    }
}

/// An auction that asks for bids.
#[derive(Debug, Deserialize)]
pub(crate) struct BidRequest<'a> {
    /// Identifier of the auction, never empty.
    #[serde(borrow, deserialize_with = "lenient::required_text")]
    pub(crate) id: Cow<'a, str>,
    /// What is for sale: 1 to [`MAX_IMPS`] impressions with distinct ids.
    #[serde(borrow, deserialize_with = "imps")]
    pub(crate) imp: Vec<Imp<'a>>,
    /// The website, if the ad is shown on one.
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    pub(crate) site: Option<Site<'a>>,
    /// The application, if the ad is shown in one.
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    pub(crate) app: Option<App<'a>>,
    /// The digital out-of-home screen, if the ad is shown on one.
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    pub(crate) dooh: Option<Dooh<'a>>,
    /// The device that shows the ad.
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    pub(crate) device: Option<Device<'a>>,
    /// Time for the answer including the internet's latency.
    #[serde(rename = "tmax", default, deserialize_with = "lenient::int")]
    pub(crate) tmax_ms: Option<u32>,
    /// Currencies that bids may be in, in order of preference; empty for US dollars.
    #[serde(borrow, default, deserialize_with = "lenient::texts")]
    pub(crate) cur: Vec<Cow<'a, str>>,
    /// Seats that may bid; empty for all.
    #[serde(borrow, default, deserialize_with = "lenient::restrictions")]
    pub(crate) wseat: Vec<Cow<'a, str>>,
    /// Seats that may not bid.
    #[serde(borrow, default, deserialize_with = "lenient::restrictions")]
    pub(crate) bseat: Vec<Cow<'a, str>>,
    /// Blocked categories of advertisers.
    #[serde(borrow, default, deserialize_with = "lenient::restrictions")]
    pub(crate) bcat: Vec<Cow<'a, str>>,
    /// Blocked domains of advertisers.
    #[serde(borrow, default, deserialize_with = "lenient::restrictions")]
    pub(crate) badv: Vec<Cow<'a, str>>,
    /// Blocked advertised applications, by bundle.
    #[serde(borrow, default, deserialize_with = "lenient::restrictions")]
    pub(crate) bapp: Vec<Cow<'a, str>>,
}

/// The `tmax` of a request.
#[derive(Deserialize)]
pub(super) struct TmaxOnly {
    #[serde(rename = "tmax", default, deserialize_with = "lenient::int")]
    pub(super) tmax_ms: Option<u32>,
}

impl BidRequest<'_> {
    /// Where the ad is shown. The standard allows one of the three objects; of several, the
    /// application wins, since an SDK that fills in the site as well means its web view.
    pub(crate) fn channel(&self) -> Option<Channel> {
        if self.app.is_some() {
            Some(Channel::App)
        } else if self.site.is_some() {
            Some(Channel::Site)
        } else {
            self.dooh.as_ref().map(|_| Channel::Dooh)
        }
    }

    /// The name under which the inventory is known best: bundle of the application, domain of the
    /// site, or the exchange's identifier where a dialect leaves those out. Empty if unknown.
    pub(crate) fn inventory(&self) -> &str {
        let name = match (&self.app, &self.site, &self.dooh) {
            (Some(app), _, _) => app.bundle.as_ref().or(app.id.as_ref()),
            (None, Some(site), _) => site.domain.as_ref().or(site.id.as_ref()),
            (None, None, Some(dooh)) => dooh.id.as_ref(),
            (None, None, None) => None,
        };
        name.map_or("", |name| name)
    }
}

/// One impression that is for sale, in any of the media that it offers.
#[derive(Debug, Deserialize)]
pub(crate) struct Imp<'a> {
    /// Identifier within the request, never empty.
    #[serde(borrow, deserialize_with = "lenient::required_text")]
    pub(crate) id: Cow<'a, str>,
    /// Present if it can be a banner.
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    pub(crate) banner: Option<Banner<'a>>,
    /// Present if it can be a video.
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    pub(crate) video: Option<Video<'a>>,
    /// Present if it can be a native ad.
    #[serde(default, deserialize_with = "lenient::object")]
    pub(crate) native: Option<Native>,
    /// Private marketplace terms.
    #[serde(default, deserialize_with = "lenient::object")]
    pub(crate) pmp: Option<Pmp>,
    /// Minimum price per thousand impressions.
    #[serde(default, deserialize_with = "lenient::number")]
    pub(crate) bidfloor: Option<f64>,
    /// Currency of the minimum; none for US dollars.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) bidfloorcur: Option<Cow<'a, str>>,
    /// Whether everything must be loaded over HTTPS.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub(crate) secure: bool,
    /// Blocked categories for this impression only: a dialect, the standard has `bcat` above.
    #[serde(borrow, default, deserialize_with = "lenient::restrictions")]
    pub(crate) bcat: Vec<Cow<'a, str>>,
}

/// The impressions, where later ones of the same id are left out.
fn imps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Imp<'de>>, D::Error> {
    let mut imps: Vec<Imp<'de>> = lenient::objects::<D, Imp<'de>, MAX_IMPS>(deserializer)?;
    // Quadratic in at most `MAX_IMPS`, which beats a set.
    for last in (1..imps.len()).rev() {
        if imps[..last].iter().any(|earlier| earlier.id == imps[last].id) {
            imps.remove(last);
        }
    }
    if imps.is_empty() {
        return Err(D::Error::custom("must hold at least one impression"));
    }
    Ok(imps)
}

/// A place for a banner.
#[derive(Debug, Deserialize)]
pub(crate) struct Banner<'a> {
    /// Width, if there is one exact size.
    #[serde(default, deserialize_with = "lenient::int")]
    pub(crate) w: Option<u32>,
    /// Height, if there is one exact size.
    #[serde(default, deserialize_with = "lenient::int")]
    pub(crate) h: Option<u32>,
    /// Sizes that fit as well, at most [`MAX_FORMATS`].
    #[serde(default, deserialize_with = "lenient::objects::<_, _, MAX_FORMATS>")]
    pub(crate) format: Vec<Format>,
    /// Content types that can be shown, at most [`MAX_MIMES`]; empty if not stated.
    #[serde(borrow, default, deserialize_with = "lenient::first_texts::<_, MAX_MIMES>")]
    pub(crate) mimes: Vec<Cow<'a, str>>,
    /// Blocked creative attributes, sorted.
    #[serde(default, deserialize_with = "lenient::restricting_int_set")]
    pub(crate) battr: Vec<u32>,
}

/// A size that a banner may have.
#[derive(Debug, Deserialize)]
pub(crate) struct Format {
    /// Width.
    #[serde(default, deserialize_with = "lenient::int")]
    pub(crate) w: Option<u32>,
    /// Height.
    #[serde(default, deserialize_with = "lenient::int")]
    pub(crate) h: Option<u32>,
}

/// A place for a video.
#[derive(Debug, Deserialize)]
pub(crate) struct Video<'a> {
    /// Content types that can be played, at most [`MAX_MIMES`]; empty if not stated.
    #[serde(borrow, default, deserialize_with = "lenient::first_texts::<_, MAX_MIMES>")]
    pub(crate) mimes: Vec<Cow<'a, str>>,
    /// Width of the player.
    #[serde(default, deserialize_with = "lenient::int")]
    pub(crate) w: Option<u32>,
    /// Height of the player.
    #[serde(default, deserialize_with = "lenient::int")]
    pub(crate) h: Option<u32>,
    /// Shortest duration.
    #[serde(rename = "minduration", default, deserialize_with = "lenient::int")]
    pub(crate) min_duration_s: Option<u32>,
    /// Longest duration.
    #[serde(rename = "maxduration", default, deserialize_with = "lenient::int")]
    pub(crate) max_duration_s: Option<u32>,
    /// Exact durations of which one is required (2.6), sorted; empty if not stated.
    #[serde(rename = "rqddurs", default, deserialize_with = "lenient::int_set")]
    pub(crate) required_durations_s: Vec<u32>,
    /// Response protocols of the player, sorted; empty if not stated.
    #[serde(default, deserialize_with = "lenient::int_set")]
    pub(crate) protocols: Vec<u32>,
    /// The same before 2.3, sorted.
    #[serde(default, deserialize_with = "lenient::int_set")]
    pub(crate) protocol: Vec<u32>,
    /// Blocked creative attributes, sorted.
    #[serde(default, deserialize_with = "lenient::restricting_int_set")]
    pub(crate) battr: Vec<u32>,
}

/// A place for a native ad.
#[derive(Debug, Deserialize)]
pub(crate) struct Native {
    /// Blocked creative attributes, sorted.
    #[serde(default, deserialize_with = "lenient::restricting_int_set")]
    pub(crate) battr: Vec<u32>,
}

/// Private marketplace terms of an impression.
#[derive(Debug, Deserialize)]
pub(crate) struct Pmp {
    /// Whether only bids on its deals are accepted.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub(crate) private_auction: bool,
}

/// A website.
#[derive(Debug, Deserialize)]
pub(crate) struct Site<'a> {
    /// The exchange's identifier.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) id: Option<Cow<'a, str>>,
    /// Its domain.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) domain: Option<Cow<'a, str>>,
}

/// An application.
#[derive(Debug, Deserialize)]
pub(crate) struct App<'a> {
    /// The exchange's identifier.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) id: Option<Cow<'a, str>>,
    /// Its identifier in the store: package name or number.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) bundle: Option<Cow<'a, str>>,
}

/// A digital out-of-home screen, or several.
#[derive(Debug, Deserialize)]
pub(crate) struct Dooh<'a> {
    /// The exchange's identifier.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) id: Option<Cow<'a, str>>,
}

/// The device that shows the ad.
#[derive(Debug, Deserialize)]
pub(crate) struct Device<'a> {
    /// Operating system, in the exchange's words.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) os: Option<Cow<'a, str>>,
    /// Type: 1 mobile, 2 computer, 3 television, 4 phone, 5 tablet, 6 to 8 others.
    #[serde(default, deserialize_with = "lenient::int")]
    pub(crate) devicetype: Option<u32>,
    /// Connection: 1 ethernet, 2 Wi-Fi, 3 to 7 generations of cellular networks.
    #[serde(default, deserialize_with = "lenient::int")]
    pub(crate) connectiontype: Option<u32>,
    /// Language of the browser, ISO 639-1 and possibly more.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) language: Option<Cow<'a, str>>,
    /// Where the device is.
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    pub(crate) geo: Option<Geo<'a>>,
}

/// A place on earth.
#[derive(Debug, Deserialize)]
pub(crate) struct Geo<'a> {
    /// Country, in the exchange's code.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub(crate) country: Option<Cow<'a, str>>,
}
