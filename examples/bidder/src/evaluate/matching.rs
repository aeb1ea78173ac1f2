//! Which campaigns may show which of their creatives: every filter of targeting and blocking.
//!
//! [`Audience`] is what all impressions of a request have in common, [`Placement`] one impression.
//! Both are prepared once a request; their checks then neither allocate nor parse. What a request
//! does not state matches only campaigns that don't ask for it.

use std::borrow::Cow;

use super::blocks::BlockList;
use crate::campaign::{Campaign, Creative, Medium};
use crate::openrtb::{Banner, BidRequest, Channel, Country, Currency, Imp, Video, os_family};

/// Who would see the ad, and what the publisher wants to spare them.
#[derive(Debug)]
pub(super) struct Audience<'r> {
    /// Where the ad is shown.
    pub(super) channel: Option<Channel>,
    /// Family of the operating system, empty if not stated.
    pub(super) os: String,
    /// Type of the device by its OpenRTB number.
    pub(super) device_type: Option<u32>,
    /// Country in which the device is.
    pub(super) country: Option<Country>,
    allowed_seats: Vec<&'r str>,
    blocked_seats: Vec<&'r str>,
    blocked_categories: BlockList<'r>,
    blocked_domains: BlockList<'r>,
    blocked_apps: BlockList<'r>,
}

impl<'r> Audience<'r> {
    /// Prepares what is checked for every campaign.
    pub(super) fn new(request: &'r BidRequest<'_>) -> Self {
        let device = request.device.as_ref();
        let os = device.and_then(|device| device.os.as_deref());
        let geo = device.and_then(|device| device.geo.as_ref());
        let country = geo.and_then(|geo| geo.country.as_deref());
        Self {
            channel: request.channel(),
            os: os.map(os_family).unwrap_or_default(),
            device_type: device.and_then(|device| device.devicetype),
            country: country.and_then(Country::from_code),
            allowed_seats: sorted(&request.wseat),
            blocked_seats: sorted(&request.bseat),
            blocked_categories: BlockList::of_names(&request.bcat),
            blocked_domains: BlockList::of_domains(&request.badv),
            blocked_apps: BlockList::of_names(&request.bapp),
        }
    }

    /// Whether a campaign wants this audience, and the publisher lets it bid at all.
    pub(super) fn admits(&self, campaign: &Campaign) -> bool {
        self.is_targeted_by(campaign)
            && self.admits_seat(&campaign.seat)
            && !campaign.app_bundle.as_deref().is_some_and(|app| self.blocked_apps.blocks(app))
            && !blocks_categories_of(campaign, &self.blocked_categories)
            && !self.blocks_domains_of(campaign)
    }

    fn is_targeted_by(&self, campaign: &Campaign) -> bool {
        let wanted = &campaign.targeting;
        targets(&wanted.channels, self.channel.as_ref())
            && targets(&wanted.device_types, self.device_type.as_ref())
            && targets(&wanted.countries, self.country.as_ref())
            && targets(&wanted.os, Some(&self.os))
    }

    fn admits_seat(&self, seat: &str) -> bool {
        let allowed = &self.allowed_seats;
        (allowed.is_empty() || allowed.binary_search(&seat).is_ok())
            && self.blocked_seats.binary_search(&seat).is_err()
    }

    fn blocks_domains_of(&self, campaign: &Campaign) -> bool {
        campaign.advertiser_domains.iter().any(|domain| self.blocked_domains.blocks_domain(domain))
    }
}

fn sorted<'r>(names: &'r [Cow<'_, str>]) -> Vec<&'r str> {
    let mut names: Vec<&str> = names.iter().map(|name| &**name).collect();
    names.sort_unstable();
    names
}

/// Whether a list of wanted values, where an empty one stands for everything, has this one.
fn targets<T: PartialEq>(wanted: &[T], actual: Option<&T>) -> bool {
    wanted.is_empty() || actual.is_some_and(|actual| wanted.contains(actual))
}

fn blocks_categories_of(campaign: &Campaign, blocked: &BlockList<'_>) -> bool {
    campaign.categories.iter().any(|category| blocked.blocks_category(category))
}

/// Where the ad would be shown.
#[derive(Debug)]
pub(super) struct Placement<'r> {
    /// The impression itself.
    pub(super) imp: &'r Imp<'r>,
    /// Minimum price in the currency of the bids; zero if there is none.
    pub(super) floor: f64,
    blocked_categories: BlockList<'r>,
}

impl<'r> Placement<'r> {
    /// Prepares what is checked for every campaign. None if no bid in `currency` can be accepted:
    /// in a private auction, since no campaign has deals, and above a floor in another currency,
    /// which can't be compared without rates of exchange.
    pub(super) fn new(imp: &'r Imp<'r>, currency: Currency) -> Option<Self> {
        if imp.pmp.as_ref().is_some_and(|pmp| pmp.private_auction) {
            return None;
        }
        let floor = imp.bidfloor.unwrap_or(0.0).max(0.0);
        let floor_currency =
            imp.bidfloorcur.as_deref().map_or(Some(Currency::USD), Currency::from_code);
        if floor > 0.0 && floor_currency != Some(currency) {
            return None;
        }
        Some(Self { imp, floor, blocked_categories: BlockList::of_names(&imp.bcat) })
    }

    /// Whether this impression, unlike the others of the request, blocks the campaign.
    pub(super) fn blocks(&self, campaign: &Campaign) -> bool {
        blocks_categories_of(campaign, &self.blocked_categories)
    }

    /// Whether a creative can be shown here.
    pub(super) fn fits(&self, creative: &Creative) -> bool {
        if self.imp.secure && !creative.secure {
            return false;
        }
        let offered_with_blocked_attributes = match &creative.medium {
            Medium::Banner { w, h, mimes } => self
                .imp
                .banner
                .as_ref()
                .filter(|banner| fits_banner(banner, (*w, *h), mimes))
                .map(|banner| &banner.battr),
            Medium::Video { .. } => self
                .imp
                .video
                .as_ref()
                .filter(|video| fits_video(video, &creative.medium))
                .map(|video| &video.battr),
            Medium::Native => self.imp.native.as_ref().map(|native| &native.battr),
        };
        offered_with_blocked_attributes.is_some_and(|blocked| {
            !creative.attributes.iter().any(|attribute| blocked.binary_search(attribute).is_ok())
        })
    }
}

/// Whether a banner has exactly one of the sizes, and a content type that can be shown.
fn fits_banner(banner: &Banner<'_>, (w, h): (u32, u32), mimes: &[String]) -> bool {
    let has_size = (banner.w, banner.h) == (Some(w), Some(h))
        || banner.format.iter().any(|format| (format.w, format.h) == (Some(w), Some(h)));
    has_size && shares_content_type(mimes, &banner.mimes)
}

/// Whether a video is no larger than the player, of a duration that is asked for, and in a format
/// and a protocol that the player knows. Each counts only where the player states it.
fn fits_video(player: &Video<'_>, medium: &Medium) -> bool {
    let Medium::Video { w, h, duration_s, mimes, protocols } = medium else {
        return false;
    };
    let durations_s = &player.required_durations_s;
    player.w.is_none_or(|width| *w <= width)
        && player.h.is_none_or(|height| *h <= height)
        && player.min_duration_s.is_none_or(|min_s| *duration_s >= min_s)
        && player.max_duration_s.is_none_or(|max_s| *duration_s <= max_s)
        && (durations_s.is_empty() || durations_s.binary_search(duration_s).is_ok())
        && shares_content_type(mimes, &player.mimes)
        && shares_protocol(protocols, player)
}

/// Whether two lists of content types have one in common; a side that states none agrees.
fn shares_content_type(own: &[String], accepted: &[Cow<'_, str>]) -> bool {
    let is_accepted = |mime: &String| accepted.iter().any(|a| a.eq_ignore_ascii_case(mime));
    own.is_empty() || accepted.is_empty() || own.iter().any(is_accepted)
}

/// Whether creative and player have a protocol in common; a side that states none agrees.
fn shares_protocol(own: &[u32], player: &Video<'_>) -> bool {
    let is_known = |number: &u32| {
        player.protocols.binary_search(number).is_ok()
            || player.protocol.binary_search(number).is_ok()
    };
    let states_none = player.protocols.is_empty() && player.protocol.is_empty();
    own.is_empty() || states_none || own.iter().any(is_known)
}
