//! Makes a campaign file that looks like a mobile buyer's book: many small advertisers, common
//! sizes, a few countries, models trained on what the exchanges send.

use std::fmt::Write;

use fastrand::Rng;
use serde_json::json;

use super::file::{
    CampaignEntry, CreativeEntry, ModelEntry, TargetingEntry, VERSION, WeightEntries,
};
use super::model::Feature;

/// Banner sizes with their shares in percent.
const SIZES: [((u32, u32), u32); 6] = [
    ((300, 250), 45),
    ((320, 50), 30),
    ((728, 90), 10),
    ((320, 480), 7),
    ((160, 600), 5),
    ((300, 600), 3),
];
const TRADES: [(&str, &str); 10] = [
    ("games", "IAB9-30"),
    ("travel", "IAB20-18"),
    ("shop", "IAB22-1"),
    ("bank", "IAB13-11"),
    ("food", "IAB8-9"),
    ("music", "IAB1-6"),
    ("news", "IAB12-2"),
    ("sport", "IAB17-44"),
    ("cars", "IAB2-2"),
    ("phones", "IAB19-6"),
];
const COUNTRIES: [&str; 8] = ["USA", "USA", "USA", "GBR", "DEU", "FRA", "BRA", "MEX"];
const LANGUAGES: [&str; 5] = ["en", "es", "de", "fr", "pt"];
const INVENTORIES: [&str; 8] = [
    "4381",
    "4214",
    "5080",
    "2486",
    "com.app.awesome",
    "com.example.game",
    "www.example.com",
    "news.example.org",
];

/// A campaign file with `count` campaigns, one a line; the same for the same `seed`.
pub(crate) fn sample_campaigns(count: usize, seed: u64) -> String {
    let mut rng = Rng::with_seed(seed);
    let mut file = format!("{{\"version\": {VERSION}, \"campaigns\": [\n");
    for number in 0..count {
        let campaign = json_line(&campaign(&mut rng, number));
        let separator = if number + 1 < count { "," } else { "" };
        // Writing to a string can't fail.
        let _ = writeln!(file, "{campaign}{separator}");
    }
    file.push_str("]}\n");
    file
}

fn json_line(campaign: &CampaignEntry) -> String {
    serde_json::to_string(campaign).unwrap_or_default()
}

fn campaign(rng: &mut Rng, number: usize) -> CampaignEntry {
    let (trade, category) = TRADES[rng.usize(..TRADES.len())];
    let advertiser = rng.u32(1..=2_000);
    let is_app_install = rng.u32(..100) < 60;
    let bundle = format!("com.{trade}.advertiser{advertiser}");
    let max_cpm = round(0.8 * 16.0_f64.powf(rng.f64()), 2);
    CampaignEntry {
        id: format!("{trade}-{number:06}"),
        seat: format!("seat-{}", rng.u32(1..=20)),
        advertiser_domains: vec![format!("advertiser{advertiser}.{trade}.example")],
        categories: vec![category.to_owned()],
        currency: (rng.u32(..100) < 8).then(|| "EUR".to_owned()),
        max_cpm,
        click_value: round(0.05 * 20.0_f64.powf(rng.f64()), 2),
        app_bundle: is_app_install.then_some(bundle),
        targeting: targeting(rng),
        creatives: (0..rng.usize(1..=4)).map(|at| creative(rng, at, trade)).collect(),
        model: ModelEntry { bias: round(-5.5 + 1.5 * rng.f64(), 3), weights: weights(rng) },
    }
}

/// Most campaigns target mobile devices, and many leave the country to the exchange's setup.
fn targeting(rng: &mut Rng) -> TargetingEntry {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    TargetingEntry {
        channels: texts(match rng.u32(..100) {
            0..50 => &["app"],
            50..70 => &["app", "site"],
            70..80 => &["site"],
            _ => &[],
        }),
        os: texts(match rng.u32(..100) {
            0..30 => &["ios"],
            30..60 => &["android"],
            60..80 => &["ios", "android"],
            _ => &[],
        }),
        device_types: match rng.u32(..100) {
            0..20 => vec![1, 4],
            20..40 => vec![1, 4, 5],
            _ => Vec::new(),
        },
        countries: match rng.u32(..100) {
            0..50 => vec![rng.choice(COUNTRIES).unwrap_or("USA").to_owned()],
            _ => Vec::new(),
        },
    }
}

fn creative(rng: &mut Rng, at: usize, trade: &str) -> CreativeEntry {
    let id = format!("{trade}-{}", at + 1);
    let attributes = if rng.u32(..100) < 10 { vec![rng.u32(1..=17)] } else { Vec::new() };
    let secure = (rng.u32(..100) < 5).then_some(false);
    let base = CreativeEntry { id, attributes, secure, ..CreativeEntry::default() };
    match rng.u32(..100) {
        0..78 => banner(rng, base, trade),
        78..92 => video(rng, base, trade),
        _ => CreativeEntry {
            medium: "native".to_owned(),
            markup: Some(json!({
                "native": {
                    "link": {"url": format!("https://{trade}.example/click?a=${{AUCTION_ID}}")},
                    "assets": [{"id": 1, "title": {"text": format!("The best {trade}")}}],
                }
            })),
            ..base
        },
    }
}

fn banner(rng: &mut Rng, base: CreativeEntry, trade: &str) -> CreativeEntry {
    let (w, h) = size(rng);
    let markup = format!(
        "<a href=\"https://{trade}.example/click?a=${{AUCTION_ID}}\">\
         <img src=\"https://cdn.{trade}.example/{w}x{h}.jpg\" width=\"{w}\" height=\"{h}\"></a>"
    );
    CreativeEntry {
        medium: "banner".to_owned(),
        w: Some(w),
        h: Some(h),
        mimes: (rng.u32(..100) < 30).then(|| vec!["image/jpeg".to_owned()]),
        markup: Some(markup.into()),
        ..base
    }
}

fn video(rng: &mut Rng, base: CreativeEntry, trade: &str) -> CreativeEntry {
    let (w, h) = rng.choice([(320, 240), (640, 360), (640, 480), (320, 480)]).unwrap_or((640, 360));
    let duration_s = rng.choice([6, 15, 15, 30]).unwrap_or(15);
    let vast = format!(
        "<VAST version=\"3.0\"><Ad><InLine><AdTitle>{trade}</AdTitle><Creatives><Creative><Linear>\
         <Duration>00:00:{duration_s:02}</Duration><MediaFiles><MediaFile type=\"video/mp4\" \
         width=\"{w}\" height=\"{h}\"><![CDATA[https://cdn.{trade}.example/{w}x{h}.mp4]]>\
         </MediaFile></MediaFiles></Linear></Creative></Creatives></InLine></Ad></VAST>"
    );
    CreativeEntry {
        medium: "video".to_owned(),
        w: Some(w),
        h: Some(h),
        duration_s: Some(duration_s),
        mimes: Some(vec!["video/mp4".to_owned()]),
        protocols: Some(vec![2, 3]),
        vast: Some(vast),
        ..base
    }
}

fn size(rng: &mut Rng) -> (u32, u32) {
    let mut share = rng.u32(..100);
    for (size, percent) in SIZES {
        if share < percent {
            return size;
        }
        share -= percent;
    }
    SIZES[0].0
}

/// Weights for every single feature of common values, and for about half of their crosses.
fn weights(rng: &mut Rng) -> WeightEntries {
    let mut weights = Vec::new();
    let features = Feature::ALL.map(|feature| (feature, values(rng, feature)));
    for (feature, values) in &features {
        for value in values {
            weights.push((format!("{}={value}", feature.name()), weight(rng)));
        }
    }
    for (at, (first, values)) in features.iter().enumerate() {
        for (second, others) in &features[at + 1..] {
            if rng.bool() {
                let (value, other) = (&values[0], &others[0]);
                let name = format!("{}={value}&{}={other}", first.name(), second.name());
                weights.push((name, weight(rng)));
            }
        }
    }
    WeightEntries(weights)
}

/// Distinct values of a feature for which a model would have seen clicks.
fn values(rng: &mut Rng, feature: Feature) -> Vec<String> {
    let mut values: Vec<String> = match feature {
        Feature::Channel => ["app", "site"].map(str::to_owned).to_vec(),
        Feature::Os => ["ios", "android"].map(str::to_owned).to_vec(),
        Feature::Country => ["USA", "", "GBR", "DEU"].map(str::to_owned).to_vec(),
        Feature::DeviceType => ["4", "5", "1", "2"].map(str::to_owned).to_vec(),
        Feature::ConnectionType => ["", "2", "6"].map(str::to_owned).to_vec(),
        Feature::Language => LANGUAGES.map(str::to_owned).to_vec(),
        Feature::Inventory => INVENTORIES.map(str::to_owned).to_vec(),
        Feature::Size => SIZES.map(|((w, h), _)| format!("{w}x{h}")).to_vec(),
    };
    rng.shuffle(&mut values);
    values
}

/// Near zero most of the time, as regularised weights are.
fn weight(rng: &mut Rng) -> f64 {
    let sum: f64 = (0..4).map(|_| rng.f64() - 0.5).sum();
    round(0.5 * sum, 3)
}

fn round(value: f64, decimals: i32) -> f64 {
    let unit = 10.0_f64.powi(decimals);
    (value * unit).round() / unit
}
