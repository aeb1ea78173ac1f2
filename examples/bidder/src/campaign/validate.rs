//! The rules of the campaign file, and the step from what is written to what matching wants.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::file::{
    CampaignEntry, CampaignsFile, CreativeEntry, ModelEntry, TargetingEntry, VERSION,
};
use super::{
    Campaign, CampaignError, Campaigns, Creative, Feature, MAX_CAMPAIGNS, MAX_CREATIVES, MAX_LIST,
    MAX_MARKUP_BYTES, MAX_NAME_BYTES, MAX_WEIGHTS, Medium, Model, Targeting,
};
use crate::openrtb::{Channel, Country, Currency, os_family};

const SIZES: RangeInclusive<u32> = 1..=10_000;
const DURATIONS_S: RangeInclusive<u32> = 1..=3_600;
/// OpenRTB numbers its lists from 1, and leaves the numbers from 500 to the exchanges.
const LISTED: RangeInclusive<u32> = 1..=9_999;
/// A higher price or worth is a slip of the decimal point.
const MAX_AMOUNT: f64 = 100_000.0;
/// Beyond this the rate of clicks is 0 or 1 for all purposes.
const MAX_BIAS: f64 = 50.0;

/// A rule that a field breaks.
struct Fault {
    field: String,
    message: String,
}

type Checked<T> = Result<T, Fault>;

fn fault<T>(field: impl Into<String>, message: impl Into<String>) -> Checked<T> {
    Err(Fault { field: field.into(), message: message.into() })
}

impl Fault {
    /// The same fault, seen from the object that holds `parent`.
    fn within(self, parent: &str) -> Self {
        Self { field: format!("{parent}.{}", self.field), ..self }
    }
}

/// Checks every rule and builds the campaigns, in order of their ids.
pub(super) fn compile(file: CampaignsFile) -> Result<Campaigns, CampaignError> {
    if file.version != VERSION {
        return Err(CampaignError::of_file("version", format!("must be {VERSION}")));
    }
    if file.campaigns.len() > MAX_CAMPAIGNS {
        let message = format!("must hold at most {MAX_CAMPAIGNS} campaigns");
        return Err(CampaignError::of_file("campaigns", message));
    }
    let mut seen = HashSet::with_capacity(file.campaigns.len());
    let mut campaigns = Vec::with_capacity(file.campaigns.len());
    for (index, entry) in file.campaigns.into_iter().enumerate() {
        let id = entry.id.clone();
        let unique = match seen.insert(id.clone()) {
            true => compile_campaign(entry),
            false => fault("id", "is the id of an earlier campaign as well"),
        };
        campaigns.push(unique.map_err(|Fault { field, message }| CampaignError {
            index: Some(index),
            id: Some(id),
            field,
            message,
            place: None,
        })?);
    }
    campaigns.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let mut currencies = Vec::new();
    for campaign in &campaigns {
        if !currencies.contains(&campaign.currency) {
            currencies.push(campaign.currency);
        }
    }
    Ok(Campaigns { campaigns, currencies })
}

fn compile_campaign(entry: CampaignEntry) -> Checked<Campaign> {
    check_name("id", &entry.id)?;
    check_name("seat", &entry.seat)?;
    check_count("advertiser_domains", entry.advertiser_domains.len(), 1..=MAX_LIST)?;
    check_count("categories", entry.categories.len(), 1..=MAX_LIST)?;
    check_count("creatives", entry.creatives.len(), 1..=MAX_CREATIVES)?;
    check_amount("max_cpm", entry.max_cpm)?;
    check_amount("click_value", entry.click_value)?;
    if let Some(bundle) = &entry.app_bundle {
        check_name("app_bundle", bundle)?;
    }
    let currency = match &entry.currency {
        None => Currency::USD,
        Some(code) => match Currency::from_code(code) {
            Some(currency) => currency,
            None => return fault("currency", format!("{code:?} is not an ISO 4217 code")),
        },
    };
    let creatives = compile_all("creatives", entry.creatives, compile_creative)?;
    for (at, creative) in creatives.iter().enumerate() {
        // Quadratic in at most `MAX_CREATIVES`, which beats a set.
        if creatives[..at].iter().any(|earlier| earlier.id == creative.id) {
            return fault(
                format!("creatives[{at}].id"),
                "is the id of an earlier creative as well",
            );
        }
    }
    Ok(Campaign {
        seat: entry.seat,
        advertiser_domains: compile_all("advertiser_domains", entry.advertiser_domains, |text| {
            domain(&text)
        })?,
        categories: compile_all("categories", entry.categories, |category| {
            check_name("", &category).map(|()| category.to_ascii_uppercase())
        })?,
        currency,
        max_cpm: entry.max_cpm,
        click_value: entry.click_value,
        app_bundle: entry.app_bundle,
        targeting: compile_targeting(entry.targeting).map_err(|f| f.within("targeting"))?,
        creatives,
        model: compile_model(&entry.model).map_err(|f| f.within("model"))?,
        id: entry.id,
    })
}

fn compile_targeting(entry: TargetingEntry) -> Checked<Targeting> {
    check_count("channels", entry.channels.len(), 0..=MAX_LIST)?;
    check_count("os", entry.os.len(), 0..=MAX_LIST)?;
    check_count("countries", entry.countries.len(), 0..=MAX_LIST)?;
    check_listed("device_types", &entry.device_types)?;
    Ok(Targeting {
        channels: compile_all("channels", entry.channels, |name| {
            Channel::from_name(&name)
                .map_or_else(|| fault("", "must be \"app\", \"site\" or \"dooh\""), Ok)
        })?,
        os: compile_all("os", entry.os, |name| check_name("", &name).map(|()| os_family(&name)))?,
        device_types: entry.device_types,
        countries: compile_all("countries", entry.countries, |code| {
            Country::from_code(&code)
                .map_or_else(|| fault("", format!("{code:?} is not an ISO 3166-1 code")), Ok)
        })?,
    })
}

fn compile_model(entry: &ModelEntry) -> Checked<Model> {
    let weights = &entry.weights.0;
    if !entry.bias.is_finite() || entry.bias.abs() > MAX_BIAS {
        return fault("bias", format!("must be from -{MAX_BIAS} to {MAX_BIAS}"));
    }
    check_count("weights", weights.len(), 0..=MAX_WEIGHTS)?;
    Model::new(entry.bias, weights)
        .or_else(|(name, message)| fault(format!("weights[{name:?}]"), message))
}

fn compile_creative(mut entry: CreativeEntry) -> Checked<Creative> {
    check_name("id", &entry.id)?;
    check_listed("attributes", &entry.attributes)?;
    let (medium, size, markup) = match entry.medium.as_str() {
        "banner" => banner(&mut entry)?,
        "video" => video(&mut entry)?,
        "native" => native(&mut entry)?,
        _ => return fault("type", "must be \"banner\", \"video\" or \"native\""),
    };
    if markup.is_empty() || markup.len() > MAX_MARKUP_BYTES {
        let field = if entry.medium == "video" { "vast" } else { "markup" };
        return fault(field, format!("must have 1 to {MAX_MARKUP_BYTES} bytes"));
    }
    // Whatever the type has not taken is there by mistake.
    let leftovers = [
        ("w", entry.w.is_some()),
        ("h", entry.h.is_some()),
        ("duration_s", entry.duration_s.is_some()),
        ("mimes", entry.mimes.is_some()),
        ("protocols", entry.protocols.is_some()),
        ("markup", entry.markup.is_some()),
        ("vast", entry.vast.is_some()),
    ];
    if let Some((field, _)) = leftovers.into_iter().find(|(_, left)| *left) {
        return fault(field, format!("is not a field of a {}", entry.medium));
    }
    Ok(Creative {
        id: entry.id,
        medium,
        attributes: entry.attributes,
        secure: entry.secure.unwrap_or(true),
        markup,
        size_hash: Feature::Size.hash(&size),
    })
}

fn banner(entry: &mut CreativeEntry) -> Checked<(Medium, String, String)> {
    let (w, h) = (ranged("w", entry.w.take(), SIZES)?, ranged("h", entry.h.take(), SIZES)?);
    let mimes = content_types(entry.mimes.take().unwrap_or_default())?;
    match entry.markup.take() {
        Some(Value::String(markup)) => {
            Ok((Medium::Banner { w, h, mimes }, format!("{w}x{h}"), markup))
        }
        _ => fault("markup", "must be text: the HTML of the banner"),
    }
}

fn video(entry: &mut CreativeEntry) -> Checked<(Medium, String, String)> {
    let (w, h) = (ranged("w", entry.w.take(), SIZES)?, ranged("h", entry.h.take(), SIZES)?);
    let duration_s = ranged("duration_s", entry.duration_s.take(), DURATIONS_S)?;
    let mimes = content_types(entry.mimes.take().unwrap_or_default())?;
    check_count("mimes", mimes.len(), 1..=MAX_LIST)?;
    let protocols = entry.protocols.take().unwrap_or_default();
    check_listed("protocols", &protocols)?;
    match entry.vast.take() {
        Some(vast) if vast.contains("<VAST") => {
            Ok((Medium::Video { w, h, duration_s, mimes, protocols }, format!("{w}x{h}"), vast))
        }
        _ => fault("vast", "must be a VAST document"),
    }
}

fn native(entry: &mut CreativeEntry) -> Checked<(Medium, String, String)> {
    match entry.markup.take() {
        Some(markup @ Value::Object(_)) => {
            Ok((Medium::Native, "native".to_owned(), markup.to_string()))
        }
        _ => fault("markup", "must be an object: the native response"),
    }
}

/// Applies `compile` to each element, and adds its place to the field of a fault.
fn compile_all<T, U>(
    field: &str,
    entries: Vec<T>,
    compile: impl Fn(T) -> Checked<U>,
) -> Checked<Vec<U>> {
    let compiled = entries.into_iter().enumerate().map(|(at, entry)| {
        compile(entry).map_err(|inner| match inner.field.as_str() {
            "" => Fault { field: format!("{field}[{at}]"), ..inner },
            _ => inner.within(&format!("{field}[{at}]")),
        })
    });
    compiled.collect()
}

/// A domain in the form that block lists are brought into as well.
fn domain(text: &str) -> Checked<String> {
    check_name("", text)?;
    let domain = text.to_ascii_lowercase();
    let bare = domain.strip_prefix("www.").unwrap_or(&domain);
    let labels_are_filled = bare.split('.').all(|label| !label.is_empty());
    if !bare.contains('.') || !labels_are_filled || bare.contains(['/', ':', ' ']) {
        return fault("", "must be a bare domain, as \"shop.example\"");
    }
    Ok(bare.to_owned())
}

fn content_types(mimes: Vec<String>) -> Checked<Vec<String>> {
    check_count("mimes", mimes.len(), 0..=MAX_LIST)?;
    compile_all("mimes", mimes, |mime| match mime.split_once('/') {
        Some((kind, subtype)) if !kind.is_empty() && !subtype.is_empty() => Ok(mime),
        _ => fault("", "must be a content type, as \"image/png\""),
    })
}

fn ranged(field: &str, value: Option<u32>, range: RangeInclusive<u32>) -> Checked<u32> {
    match value {
        Some(value) if range.contains(&value) => Ok(value),
        Some(_) => fault(field, format!("must be {range:?}")),
        None => fault(field, format!("is missing, must be {range:?}")),
    }
}

fn check_listed(field: &str, numbers: &[u32]) -> Checked<()> {
    check_count(field, numbers.len(), 0..=MAX_LIST)?;
    match numbers.iter().position(|number| !LISTED.contains(number)) {
        Some(at) => fault(format!("{field}[{at}]"), format!("must be {LISTED:?}")),
        None => Ok(()),
    }
}

fn check_count(field: &str, count: usize, range: RangeInclusive<usize>) -> Checked<()> {
    match range.contains(&count) {
        true => Ok(()),
        false => fault(field, format!("must hold {range:?} entries")),
    }
}

fn check_name(field: &str, name: &str) -> Checked<()> {
    let printable = !name.trim().is_empty() && !name.contains(char::is_control);
    match printable && name.len() <= MAX_NAME_BYTES {
        true => Ok(()),
        false => fault(field, format!("must be 1 to {MAX_NAME_BYTES} bytes of printable text")),
    }
}

fn check_amount(field: &str, amount: f64) -> Checked<()> {
    match amount > 0.0 && amount <= MAX_AMOUNT {
        true => Ok(()),
        false => fault(field, format!("must be above 0 and at most {MAX_AMOUNT}")),
    }
}
