//! What an opportunity is worth: the predicted rate of clicks, and the price that follows from it.
//!
//! Of the 8 features and 28 crosses, 7 and 21 are the same for all creatives. Their hashes are
//! computed once a request and their weights summed once a campaign; a creative adds 8 more.

use super::matching::Audience;
use crate::campaign::{Campaign, Creative, Feature, Model, cross_hash};
use crate::openrtb::{BidRequest, Channel, Country};

/// Features that don't depend on the creative: all but [`Feature::Size`], which comes last.
const SHARED: usize = Feature::ALL.len() - 1;
/// Crosses of those.
const SHARED_CROSSES: usize = SHARED * (SHARED - 1) / 2;
/// Decimals of a price: a unit in the last one is a ten-millionth of a dollar an impression.
const PRICE_UNITS: f64 = 10_000.0;

/// The hashed features of a request.
#[derive(Debug)]
pub(super) struct Opportunity {
    features: [u64; SHARED],
    crosses: [u64; SHARED_CROSSES],
}

impl Opportunity {
    /// Hashes the features of a request: linear in the lengths of their values.
    pub(super) fn new(request: &BidRequest<'_>, audience: &Audience<'_>) -> Self {
        let device = request.device.as_ref();
        let text = |feature: Feature, value: &str| {
            feature.hash(&feature.canonical(value).unwrap_or_default())
        };
        let number = |feature: Feature, value: Option<u32>| match value {
            Some(value) => feature.hash(&value.to_string()),
            None => feature.hash(""),
        };
        let language = device.and_then(|device| device.language.as_deref());
        let connection_type = device.and_then(|device| device.connectiontype);
        // In the order of `Feature`, which the crosses below rely on.
        let features: [u64; SHARED] = [
            Feature::Channel.hash(audience.channel.map_or("", Channel::name)),
            Feature::Os.hash(&audience.os),
            Feature::Country.hash(audience.country.as_ref().map_or("", Country::code)),
            number(Feature::DeviceType, audience.device_type),
            number(Feature::ConnectionType, connection_type),
            text(Feature::Language, language.unwrap_or("")),
            text(Feature::Inventory, request.inventory()),
        ];
        let mut crosses = [0; SHARED_CROSSES];
        let pairs = (0..SHARED).flat_map(|i| (i + 1..SHARED).map(move |j| (i, j)));
        for (cross, (i, j)) in crosses.iter_mut().zip(pairs) {
            *cross = cross_hash(features[i], features[j]);
        }
        Self { features, crosses }
    }

    /// The part of the log-odds of a click that all creatives of a campaign share.
    pub(super) fn shared_log_odds(&self, model: &Model) -> f64 {
        model.bias() + model.sum(&self.features) + model.sum(&self.crosses)
    }

    /// The part that depends on the creative.
    pub(super) fn creative_log_odds(&self, model: &Model, creative: &Creative) -> f64 {
        let size = creative.size_hash;
        model.sum(&[size]) + model.sum(&self.features.map(|feature| cross_hash(feature, size)))
    }
}

/// The logistic function: the probability that has these log-odds.
pub(super) fn click_rate(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The price per thousand impressions: what the clicks are worth, up to the campaign's maximum.
///
/// Rounded down to four decimals, so that the number in the response is the one that was compared
/// with the floor. Zero if it is worth less than that.
pub(super) fn price(campaign: &Campaign, click_rate: f64) -> f64 {
    let worth = campaign.click_value * click_rate * 1_000.0;
    let units = worth.min(campaign.max_cpm) * PRICE_UNITS;
    // A maximum such as 2.3 must not lose its last unit to the error of the multiplication.
    (units + 1e-6).floor() / PRICE_UNITS
}
