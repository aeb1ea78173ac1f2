//! Campaigns: who pays for which ads, how much a click is worth to them, and to whom they show.
//!
//! `campaigns.md` at the root of the bidder is the reference of the file format. [`mod@file`] has
//! its types, [`validate`] turns them into the checked form below, [`model`] is the click model,
//! and [`sample`] makes realistic files.

mod error;
mod file;
mod model;
mod sample;
#[cfg(test)]
mod tests;
mod validate;

use crate::openrtb::{Channel, Country, Currency};

pub(crate) use error::CampaignError;
pub(crate) use model::{Feature, Model, cross_hash};
pub(crate) use sample::sample_campaigns;

/// Campaigns in one file.
pub(crate) const MAX_CAMPAIGNS: usize = 100_000;
/// Creatives of one campaign.
pub(crate) const MAX_CREATIVES: usize = 64;
/// Entries of any other list of a campaign.
pub(crate) const MAX_LIST: usize = 256;
/// Weights of one model.
pub(crate) const MAX_WEIGHTS: usize = 4_096;
/// Length of identifiers, domains and other names.
pub(crate) const MAX_NAME_BYTES: usize = 256;
/// Length of the markup of one creative.
pub(crate) const MAX_MARKUP_BYTES: usize = 65_536;

/// A checked file of campaigns.
#[derive(Debug)]
pub(crate) struct Campaigns {
    /// Sorted by id, so that a scan meets the winner of a tie first.
    campaigns: Vec<Campaign>,
    /// The distinct currencies of the campaigns.
    currencies: Vec<Currency>,
}

impl Campaigns {
    /// The campaigns in order of their ids.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Campaign> {
        self.campaigns.iter()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.campaigns.len()
    }

    /// The currency as kept here if any campaign pays in it.
    pub(crate) fn currency(&self, wanted: Currency) -> Option<&Currency> {
        self.currencies.iter().find(|currency| **currency == wanted)
    }
}

/// One campaign, in the form that matching wants.
#[derive(Debug)]
pub(crate) struct Campaign {
    /// Distinct among the campaigns.
    pub(crate) id: String,
    /// The buyer's seat on the exchange.
    pub(crate) seat: String,
    /// Lower case, without scheme, `www.` or path; at least one.
    pub(crate) advertiser_domains: Vec<String>,
    /// Upper case; at least one.
    pub(crate) categories: Vec<String>,
    /// Currency of both amounts below.
    pub(crate) currency: Currency,
    /// Highest price per thousand impressions, finite and positive.
    pub(crate) max_cpm: f64,
    /// Worth of one click, finite and positive.
    pub(crate) click_value: f64,
    /// The advertised application.
    pub(crate) app_bundle: Option<String>,
    /// To whom it shows.
    pub(crate) targeting: Targeting,
    /// What it shows; at least one.
    pub(crate) creatives: Vec<Creative>,
    /// How likely a click is.
    pub(crate) model: Model,
}

/// To whom a campaign shows. An empty list stands for everything, also for what is not stated.
#[derive(Debug)]
pub(crate) struct Targeting {
    /// Where the ad is shown.
    pub(crate) channels: Vec<Channel>,
    /// Families of operating systems.
    pub(crate) os: Vec<String>,
    /// Device types by their OpenRTB numbers.
    pub(crate) device_types: Vec<u32>,
    /// Countries in which the device is.
    pub(crate) countries: Vec<Country>,
}

/// One ad.
#[derive(Debug)]
pub(crate) struct Creative {
    /// Distinct within the campaign.
    pub(crate) id: String,
    /// The medium, with what is particular to it.
    pub(crate) medium: Medium,
    /// Creative attributes by their OpenRTB numbers.
    pub(crate) attributes: Vec<u32>,
    /// Whether it loads everything over HTTPS.
    pub(crate) secure: bool,
    /// What is sent as `adm`.
    pub(crate) markup: String,
    /// Hash of the feature [`Feature::Size`].
    pub(crate) size_hash: u64,
}

/// The medium of a creative.
#[derive(Debug)]
pub(crate) enum Medium {
    /// A picture or a piece of HTML.
    Banner {
        /// Width.
        w: u32,
        /// Height.
        h: u32,
        /// Content types that it comes in; empty if not stated.
        mimes: Vec<String>,
    },
    /// A video, described by VAST.
    Video {
        /// Width.
        w: u32,
        /// Height.
        h: u32,
        /// Duration.
        duration_s: u32,
        /// Content types that it comes in; at least one.
        mimes: Vec<String>,
        /// Response protocols by their OpenRTB numbers; empty if not stated.
        protocols: Vec<u32>,
    },
    /// Texts and pictures that the publisher lays out.
    Native,
}

/// Reads and checks a file of campaigns, as `campaigns.md` describes it.
///
/// Costs one pass over `file`, and a second and third one to name the place of an error.
pub(crate) fn parse_campaigns(file: &[u8]) -> Result<Campaigns, CampaignError> {
    let raw: file::CampaignsFile =
        serde_json::from_slice(file).map_err(|error| error::locate(file, &error))?;
    validate::compile(raw)
}
