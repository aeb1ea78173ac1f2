//! Campaigns and bid requests that fit together.

use serde_json::{Value, json};

/// The longest `tmax` that the server believes: more time than any test takes.
pub(crate) const LONG_MS: u32 = 60_000;

/// A campaign for any 300x250 banner. Half of the viewers click, each click is worth a dollar, so
/// it always bids its `max_cpm`.
pub(crate) fn campaign(id: &str, max_cpm: f64) -> Value {
    json!({
        "id": id,
        "seat": "agency-7",
        "advertiser_domains": ["shop.example"],
        "categories": ["IAB22-1"],
        "max_cpm": max_cpm,
        "click_value": 1.0,
        "creatives": [{
            "id": "square",
            "type": "banner",
            "w": 300,
            "h": 250,
            "markup": "<a href=\"https://shop.example/?a=${AUCTION_ID}\">shop</a>"
        }],
        "model": { "bias": 0.0 }
    })
}

/// A campaign file.
pub(crate) fn file(campaigns: &[Value]) -> String {
    json!({ "version": 1, "campaigns": campaigns }).to_string()
}

/// A campaign file with one campaign.
pub(crate) fn one_campaign() -> String {
    file(&[campaign("summer-sale", 4.5)])
}

/// So many campaigns that an evaluation of [`large_request`] takes a while.
pub(crate) fn many_campaigns() -> String {
    let weights: serde_json::Map<String, Value> = (0..64)
        .map(|number| (format!("inventory=com.example.app{number}"), json!(0.01)))
        .chain([("os=android&size=300x250".to_owned(), json!(0.1))])
        .collect();
    let campaigns: Vec<Value> = (0..6_000)
        .map(|number| {
            let mut campaign = campaign(&format!("campaign-{number:04}"), 4.5);
            campaign["model"]["weights"] = Value::Object(weights.clone());
            campaign
        })
        .collect();
    file(&campaigns)
}

/// A request for one banner that [`campaign`] fits, with [`LONG_MS`].
pub(crate) fn request(id: &str) -> Value {
    json!({
        "id": id,
        "tmax": LONG_MS,
        "at": 1,
        "cur": ["USD"],
        "imp": [{
            "id": "1",
            "banner": { "w": 300, "h": 250 },
            "bidfloor": 0.5,
            "bidfloorcur": "USD"
        }],
        "app": { "id": "app-1", "bundle": "com.example.game", "name": "A game" },
        "device": { "os": "android", "devicetype": 4, "geo": { "country": "USA" } }
    })
}

/// The same request with another `tmax`.
pub(crate) fn request_with_tmax(id: &str, tmax: &Value) -> Value {
    let mut request = request(id);
    request["tmax"] = tmax.clone();
    request
}

/// A request for eight banners.
pub(crate) fn large_request(id: &str, tmax_ms: u32) -> String {
    let mut request = request_with_tmax(id, &json!(tmax_ms));
    let imps = (1..=8).map(|number| {
        let mut imp = request["imp"][0].clone();
        imp["id"] = json!(number.to_string());
        imp
    });
    request["imp"] = imps.collect();
    request.to_string()
}

/// A request for a banner of a size that no campaign has.
pub(crate) fn unmatched_request(id: &str) -> String {
    let mut request = request(id);
    request["imp"][0]["banner"] = json!({ "w": 728, "h": 90 });
    request.to_string()
}
