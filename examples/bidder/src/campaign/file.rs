//! The campaign file as it is written: names and kinds of its fields, before any rule is checked.
//!
//! Unknown fields are errors, since a misspelt one would silently widen a campaign. The sampler
//! writes these same types, so that it can't drift from what is read.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignsFile {
    pub(super) version: u32,
    pub(super) campaigns: Vec<CampaignEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignEntry {
    pub(super) id: String,
    pub(super) seat: String,
    pub(super) advertiser_domains: Vec<String>,
    pub(super) categories: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) currency: Option<String>,
    pub(super) max_cpm: f64,
    pub(super) click_value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) app_bundle: Option<String>,
    #[serde(default)]
    pub(super) targeting: TargetingEntry,
    pub(super) creatives: Vec<CreativeEntry>,
    pub(super) model: ModelEntry,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TargetingEntry {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) channels: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) os: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) device_types: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) countries: Vec<String>,
}

/// A creative of any type. One flat form, because serde loses the path of a field within a tagged
/// enumeration, and an error without the field's name helps nobody.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreativeEntry {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) medium: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) w: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) h: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) duration_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mimes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) protocols: Option<Vec<u32>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attributes: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) secure: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) markup: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) vast: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelEntry {
    pub(super) bias: f64,
    #[serde(default)]
    pub(super) weights: WeightEntries,
}

/// An object of weights in the order of the file. Keeps repeated names, which a map would hide.
#[derive(Debug, Default)]
pub(super) struct WeightEntries(pub(super) Vec<(String, f64)>);

impl Serialize for WeightEntries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, weight)| (name, weight)))
    }
}

impl<'de> Deserialize<'de> for WeightEntries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WeightsVisitor;

        impl<'de> Visitor<'de> for WeightsVisitor {
            type Value = WeightEntries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut weights = Vec::new();
                while let Some(weight) = map.next_entry()? {
                    weights.push(weight);
                }
                Ok(WeightEntries(weights))
            }
        }

        deserializer.deserialize_map(WeightsVisitor)
    }
}
