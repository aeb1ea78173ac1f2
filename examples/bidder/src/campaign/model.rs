//! The click model: logistic regression over hashed features and their pairwise crosses.
//!
//! A feature is a name and a value, as `os=ios`; a cross is two features at once, as
//! `os=ios&size=300x250`. Both are 64-bit hashes here, so that scoring never touches a string and a
//! value that the training has not seen simply finds no weight.

use std::borrow::Cow;

use super::{MAX_NAME_BYTES, MAX_WEIGHTS};
use crate::openrtb::{Channel, Country, os_family};

/// What the model knows about an opportunity. The order is that of the hashes within a cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Feature {
    /// Where it is shown: `app`, `site` or `dooh`.
    Channel,
    /// Family of the operating system: `ios`.
    Os,
    /// Country of the device: `USA`.
    Country,
    /// Type of the device: `4`.
    DeviceType,
    /// Type of its connection: `2`.
    ConnectionType,
    /// Its language: `en`.
    Language,
    /// Bundle or domain that shows the ad: `com.example.game`.
    Inventory,
    /// Size of the creative, `300x250`, or `native`.
    Size,
}

impl Feature {
    /// Each feature, in order.
    pub(crate) const ALL: [Self; 8] = [
        Self::Channel,
        Self::Os,
        Self::Country,
        Self::DeviceType,
        Self::ConnectionType,
        Self::Language,
        Self::Inventory,
        Self::Size,
    ];

    /// The name in the campaign file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Os => "os",
            Self::Country => "country",
            Self::DeviceType => "device_type",
            Self::ConnectionType => "connection_type",
            Self::Language => "language",
            Self::Inventory => "inventory",
            Self::Size => "size",
        }
    }

    /// The hash of a value in canonical form. What a request does not state has the value `""`.
    pub(crate) fn hash(self, value: &str) -> u64 {
        // FNV-1a; the mixing afterwards makes up for its weak high bits.
        let bytes = self.name().bytes().chain([b'=']).chain(value.bytes());
        mix(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }

    /// The form of `value` that requests and weights have in common; none if it can't occur.
    pub(crate) fn canonical(self, value: &str) -> Option<Cow<'_, str>> {
        if value.is_empty() {
            return Some(Cow::Borrowed(value));
        }
        match self {
            Self::Channel => Channel::from_name(value).map(|channel| channel.name().into()),
            Self::Os => Some(os_family(value).into()),
            Self::Country => {
                Country::from_code(value).map(|country| country.code().to_owned().into())
            }
            Self::DeviceType | Self::ConnectionType => {
                value.parse().ok().map(|number: u32| number.to_string().into())
            }
            Self::Language => {
                let end = value.find(['-', '_']).unwrap_or(value.len());
                Some(value[..end].to_ascii_lowercase().into())
            }
            Self::Inventory => Some(value.to_ascii_lowercase().into()),
            Self::Size => is_size(value).then_some(value.into()),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }
}

fn is_size(value: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().is_ok_and(|number| number.to_string() == text);
    value == "native" || value.split_once('x').is_some_and(|(w, h)| number(w) && number(h))
}

/// The hash of two features at once; `first` is the earlier one in the order of [`Feature`].
pub(crate) fn cross_hash(first: u64, second: u64) -> u64 {
    mix(first.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ second)
}

/// The finaliser of splitmix64: every bit of the result depends on every bit of `hash`.
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// Predicts the rate of clicks on one campaign.
#[derive(Debug)]
pub(crate) struct Model {
    bias: f64,
    /// Open addressing with linear probing. The length is a power of two and at most half of the
    /// slots are used, so that each probe ends at an empty one.
    slots: Box<[Slot]>,
}

/// A weight under the upper half of its hash; the lower half chose the slot. Two features clash
/// in one of 2^31 pairs at the most, which costs accuracy of no matter. Tag 0 marks an empty slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    tag: u32,
    weight: f32,
}

impl Model {
    /// Builds the table. An error names the weight that is wrong, and why.
    pub(super) fn new(bias: f64, weights: &[(String, f64)]) -> Result<Self, (String, String)> {
        let mut hashed = Vec::with_capacity(weights.len());
        for (name, weight) in weights {
            let hash = weight_hash(name).map_err(|message| (name.clone(), message))?;
            if !weight.is_finite() || weight.abs() > 100.0 {
                return Err((name.clone(), "must be from -100 to 100".to_owned()));
            }
            hashed.push((hash, name, *weight as f32));
        }
        hashed.sort_unstable_by_key(|(hash, _, _)| *hash);
        if let Some(pair) = hashed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err((pair[1].1.clone(), "is given twice".to_owned()));
        }
        debug_assert!(hashed.len() <= MAX_WEIGHTS);
        let mut model = Self {
            bias,
            slots: vec![Slot::default(); (2 * hashed.len()).next_power_of_two().max(2)].into(),
        };
        for (hash, _, weight) in hashed {
            let at = model.find(hash);
            model.slots[at] = Slot { tag: tag(hash), weight };
        }
        Ok(model)
    }

    /// The log-odds without any feature.
    pub(crate) fn bias(&self) -> f64 {
        self.bias
    }

    /// The sum of the weights of these features: constant time each.
    pub(crate) fn sum(&self, hashes: &[u64]) -> f64 {
        hashes.iter().map(|&hash| f64::from(self.slots[self.find(hash)].weight)).sum()
    }

    /// The slot of this hash, or the empty one in which it would be.
    fn find(&self, hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].tag != 0 && self.slots[at].tag != tag(hash) {
            at = (at + 1) & mask;
        }
        at
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 | 1
}

/// The hash of a weight's name: one feature or a cross of two, in either order.
fn weight_hash(name: &str) -> Result<u64, String> {
    if name.len() > 2 * MAX_NAME_BYTES {
        return Err(format!("must have at most {} bytes", 2 * MAX_NAME_BYTES));
    }
    let Some((one, other)) = name.split_once('&') else {
        return parse_feature(name).map(|(_, hash)| hash);
    };
    let (one, other) = (parse_feature(one)?, parse_feature(other)?);
    if one.0 == other.0 {
        return Err(format!("crosses {} with itself", one.0.name()));
    }
    let (first, second) = if one.0 < other.0 { (one, other) } else { (other, one) };
    Ok(cross_hash(first.1, second.1))
}

fn parse_feature(text: &str) -> Result<(Feature, u64), String> {
    let names = || Feature::ALL.map(Feature::name).join(", ");
    let (name, value) = text.split_once('=').ok_or("must be `feature=value`")?;
    let feature = Feature::from_name(name)
        .ok_or_else(|| format!("`{name}` is not a feature; those are {}", names()))?;
    let value =
        feature.canonical(value).ok_or_else(|| format!("`{value}` is not a value of {name}"))?;
    Ok((feature, feature.hash(&value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(weights: &[(&str, f64)]) -> Result<Model, (String, String)> {
        let weights: Vec<_> = weights.iter().map(|(name, w)| ((*name).to_owned(), *w)).collect();
        Model::new(-4.0, &weights)
    }

    #[test]
    fn finds_each_weight_and_no_other() {
        let names: Vec<_> = (0..1_000).map(|n| format!("inventory=app{n}")).collect();
        let weights: Vec<_> = names.iter().map(|name| (name.as_str(), 0.5)).collect();
        let model = model(&weights).expect("is valid");
        for n in 0..1_000 {
            assert_eq!(model.sum(&[Feature::Inventory.hash(&format!("app{n}"))]), 0.5);
            assert_eq!(model.sum(&[Feature::Inventory.hash(&format!("site{n}"))]), 0.0);
        }
    }

    #[test]
    fn an_empty_table_finds_nothing() {
        assert_eq!(model(&[]).expect("is valid").sum(&[0, 1, u64::MAX]), 0.0);
    }

    #[test]
    fn a_cross_has_no_order_and_is_neither_of_its_features() {
        let (os, size) = (Feature::Os.hash("ios"), Feature::Size.hash("300x250"));
        for name in ["os=ios&size=300x250", "size=300x250&os=iPhone OS"] {
            let model = model(&[(name, 0.25)]).expect("is valid");
            assert_eq!(model.sum(&[cross_hash(os, size)]), 0.25);
            assert_eq!(model.sum(&[os, size, cross_hash(size, os)]), 0.0);
        }
    }

    #[test]
    fn names_the_wrong_weight() {
        let cases = [
            ("os", "must be `feature=value`"),
            ("so=ios", "`so` is not a feature"),
            ("country=UAS", "`UAS` is not a value of country"),
            ("size=300*250", "`300*250` is not a value of size"),
            ("size=0300x250", "`0300x250` is not a value of size"),
            ("device_type=phone", "`phone` is not a value of device_type"),
            ("os=ios&os=android", "crosses os with itself"),
        ];
        for (name, expected) in cases {
            let (field, message) = model(&[("os=ios", 0.1), (name, 0.1)]).expect_err(name);
            assert_eq!(field, name);
            assert!(message.contains(expected), "{message}");
        }
        assert!(model(&[("os=ios", f64::NAN)]).is_err());
        let twice = model(&[("country=US", 0.1), ("country=USA", 0.2)]).expect_err("same feature");
        assert_eq!(twice.1, "is given twice");
    }
}
