//! Who wins at which price, and what the response says of it.

mod filters;
mod oracle;

use serde_json::{Value, json};

use super::evaluate;
use crate::campaign::parse_campaigns;
use crate::openrtb::parse;

/// A request whose impressions take each of the creatives of [`campaign`].
fn request() -> Value {
    json!({
        "id": "auction",
        "imp": [
            {"id": "b", "bidfloor": 1.0, "secure": 1, "banner": {
                "w": 300, "h": 250, "mimes": ["text/html", "image/png"], "battr": [1]}},
            {"id": "v", "video": {
                "mimes": ["video/mp4"], "w": 640, "h": 360, "minduration": 10, "maxduration": 30,
                "protocols": [3], "battr": [1]}},
            {"id": "n", "native": {"battr": [1]}},
        ],
        "app": {"bundle": "com.example.game"},
        "device": {
            "os": "iPhone OS", "devicetype": 4, "language": "en-US", "connectiontype": 2,
            "geo": {"country": "US"},
        },
    })
}

fn campaign(id: &str) -> Value {
    json!({
        "id": id,
        "seat": "seat",
        "advertiser_domains": ["m.shop.example"],
        "categories": ["IAB22-1"],
        "max_cpm": 5.0,
        "click_value": 0.25,
        "app_bundle": "com.example.shop",
        "targeting": {
            "channels": ["app"], "os": ["ios"], "device_types": [4, 5], "countries": ["USA"],
        },
        "creatives": [
            {"id": "banner", "type": "banner", "w": 300, "h": 250, "mimes": ["image/png"],
             "attributes": [3], "markup": "<b>"},
            {"id": "video", "type": "video", "w": 640, "h": 360, "duration_s": 15,
             "mimes": ["video/mp4"], "protocols": [2, 3], "attributes": [3], "vast": "<VAST/>"},
            {"id": "native", "type": "native", "attributes": [3], "markup": {"native": {}}},
        ],
        // A rate of 1 in 100: a price of 2.5.
        "model": {"bias": -4.595_119_850_134_59},
    })
}

/// `(impid, cid, crid, price)` of each bid, in order of the impressions.
type Summary = Vec<(String, String, String, f64)>;

fn bids(request: &Value, campaigns: &[Value]) -> Summary {
    let (body, file) = (request.to_string(), json!({"version": 1, "campaigns": campaigns}));
    let request = parse(body.as_bytes()).expect("is a request");
    let campaigns = parse_campaigns(file.to_string().as_bytes()).expect("is valid");
    let Some(response) = evaluate(&request, &campaigns) else {
        return Vec::new();
    };
    assert!(response.seatbid.iter().all(|seat| !seat.bid.is_empty()));
    let bids = response.seatbid.iter().flat_map(|seat| &seat.bid);
    bids.map(|bid| (bid.impid.into(), bid.cid.into(), bid.crid.into(), bid.price)).collect()
}

fn set(mut value: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, new) in changes {
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        let parent = value.pointer_mut(parent).expect("parent exists");
        match field.parse::<usize>() {
            Ok(at) => parent[at] = new.clone(),
            Err(_) => parent[field] = new.clone(),
        }
    }
    value
}

/// Impressions that get a bid after these changes to the request and to the campaign.
fn sold(to_request: &[(&str, Value)], to_campaign: &[(&str, Value)]) -> String {
    let bids = bids(&set(request(), to_request), &[set(campaign("c"), to_campaign)]);
    bids.into_iter().map(|(imp, ..)| imp).collect()
}

#[test]
fn the_first_accepted_currency_with_campaigns_is_used() {
    let euro = set(campaign("euro"), &[("/currency", json!("EUR")), ("/click_value", json!(0.2))]);
    let both = [campaign("dollar"), euro];
    let winner = |cur: Value, floor_currency: Value| {
        let changes = [("/cur", cur), ("/imp/0/bidfloorcur", floor_currency)];
        let bids = bids(&set(request(), &changes), &both);
        let campaigns: Vec<_> = bids.iter().map(|(imp, cid, ..)| format!("{imp}:{cid}")).collect();
        campaigns.join(" ")
    };
    let (usd, eur) = (json!("USD"), json!("EUR"));
    assert_eq!(winner(json!(["JPY", "EUR", "USD"]), eur.clone()), "b:euro v:euro n:euro");
    assert_eq!(winner(json!(["USD", "EUR"]), usd.clone()), "b:dollar v:dollar n:dollar");
    assert_eq!(winner(Value::Null, Value::Null), "b:dollar v:dollar n:dollar");
    assert_eq!(winner(json!(["EUR"]), usd), "v:euro n:euro");
    assert_eq!(winner(json!(["JPY", "??"]), eur), "");
}

#[test]
fn the_highest_price_wins_and_then_the_first_id() {
    let rich = set(campaign("z-rich"), &[("/click_value", json!(0.3))]);
    let winners = |campaigns: &[Value]| -> Vec<_> {
        bids(&request(), campaigns).into_iter().map(|(_, cid, _, price)| (cid, price)).collect()
    };
    let all_of = |id: &str, price: f64| vec![(id.to_owned(), price); 3];
    assert_eq!(winners(&[campaign("b"), campaign("a")]), all_of("a", 2.5));
    assert_eq!(winners(&[campaign("b"), rich, campaign("a")]), all_of("z-rich", 3.0));
}

#[test]
fn the_first_of_equal_creatives_shows_unless_a_better_one_does() {
    let twin = |id: &str, w: u32| {
        json!({
            "id": id, "type": "banner", "w": w, "h": 250, "markup": "m"
        })
    };
    let creatives = json!([twin("first", 300), twin("second", 300), twin("wide", 320)]);
    let formats = json!([{"w": 320, "h": 250}]);
    let request = set(request(), &[("/imp/0/banner/format", formats)]);
    let shown = |weight: f64| {
        let model = json!({"bias": -5, "weights": {"size=320x250": weight}});
        let campaign = set(campaign("c"), &[("/creatives", creatives.clone()), ("/model", model)]);
        bids(&request, &[campaign])[0].2.clone()
    };
    assert_eq!((&*shown(0.0), &*shown(0.1)), ("first", "wide"));
}

#[test]
fn every_feature_and_every_cross_counts_once() {
    let names = [
        "channel=app",
        "os=ios",
        "country=USA",
        "device_type=4",
        "connection_type=2",
        "language=en",
        "inventory=com.example.game",
        "size=300x250",
    ];
    let odds_of = |names: &[String]| {
        let weights: Value = names.iter().map(|name| (name.clone(), json!(1.0))).collect();
        let model = json!({"bias": -10, "weights": weights});
        let changes =
            [("/model", model), ("/max_cpm", json!(100_000)), ("/click_value", json!(100))];
        let request = set(request(), &[("/imp/0/bidfloor", json!(0))]);
        let rate = bids(&request, &[set(campaign("c"), &changes)])[0].3 / 100_000.0;
        (rate / (1.0 - rate)).ln()
    };
    for (at, name) in names.iter().enumerate() {
        assert!((odds_of(&[(*name).to_owned()]) + 9.0).abs() < 1e-4, "{name}");
        for other in &names[at + 1..] {
            let cross = format!("{other}&{name}");
            assert!((odds_of(std::slice::from_ref(&cross)) + 9.0).abs() < 1e-4, "{cross}");
        }
    }
    let absent = ["os=android", "country=", "size=320x50", "os=ios&size=320x50"];
    assert!((odds_of(&absent.map(str::to_owned)) + 10.0).abs() < 1e-4);
    assert!((odds_of(&names.map(str::to_owned)) + 2.0).abs() < 1e-4);
}

#[test]
fn prices_are_capped_finite_and_of_four_decimals() {
    let price = |changes: &[(&str, Value)]| {
        let request = set(request(), &[("/imp/0/bidfloor", json!(0))]);
        bids(&request, &[set(campaign("c"), changes)]).first().map(|bid| bid.3)
    };
    assert_eq!(price(&[]), Some(2.5));
    assert_eq!(price(&[("/max_cpm", json!(2.3))]), Some(2.3));
    assert_eq!(price(&[("/max_cpm", json!(1.0001))]), Some(1.0001));
    assert_eq!(price(&[("/max_cpm", json!(0.123_456_789))]), Some(0.1234));
    assert_eq!(price(&[("/max_cpm", json!(0.000_09))]), None);
    let certain = json!({"bias": 50, "weights": {"os=ios": 100}});
    assert_eq!(price(&[("/model", certain)]), Some(5.0));
    let never = json!({"bias": -50, "weights": {"os=ios": -100}});
    assert_eq!(price(&[("/model", never)]), None);
}

#[test]
fn the_response_is_grouped_by_seat_and_complete() {
    let other = set(
        campaign("other"),
        &[
            ("/seat", json!("second")),
            ("/click_value", json!(0.4)),
            (
                "/creatives",
                json!([{"id": "v", "type": "video", "w": 1, "h": 1, "duration_s": 15,
            "mimes": ["video/mp4"], "vast": "<VAST/>"}]),
            ),
        ],
    );
    let body = request().to_string();
    let file = json!({"version": 1, "campaigns": [campaign("first"), other]}).to_string();
    let request = parse(body.as_bytes()).expect("is a request");
    let campaigns = parse_campaigns(file.as_bytes()).expect("is valid");
    let response = serde_json::to_value(evaluate(&request, &campaigns)).expect("serialises");
    let expected = json!({
        "id": "auction",
        "cur": "USD",
        "seatbid": [
            {"seat": "seat", "bid": [
                {"id": "1-first", "impid": "b", "price": 2.5, "adm": "<b>",
                 "adomain": ["m.shop.example"], "bundle": "com.example.shop", "cid": "first",
                 "crid": "banner", "cat": ["IAB22-1"], "attr": [3], "w": 300, "h": 250,
                 "mtype": 1},
                {"id": "3-first", "impid": "n", "price": 2.5, "adm": "{\"native\":{}}",
                 "adomain": ["m.shop.example"], "bundle": "com.example.shop", "cid": "first",
                 "crid": "native", "cat": ["IAB22-1"], "attr": [3], "mtype": 4},
            ]},
            {"seat": "second", "bid": [
                {"id": "2-other", "impid": "v", "price": 4.0, "adm": "<VAST/>",
                 "adomain": ["m.shop.example"], "bundle": "com.example.shop", "cid": "other",
                 "crid": "v", "cat": ["IAB22-1"], "w": 1, "h": 1, "dur": 15, "mtype": 2},
            ]},
        ],
    });
    assert_eq!(response, expected);
}

#[test]
fn damaged_requests_get_an_error_or_sound_bids() {
    const TOKENS: [&str; 12] =
        ["{", "}", "[", "]", ",", ":", "\"", "null", "-1", "1e308", "\\u00e9", "\"x\""];
    let file = json!({"version": 1, "campaigns": [campaign("c")]}).to_string();
    let campaigns = parse_campaigns(file.as_bytes()).expect("is valid");
    let sound = request().to_string();
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut refused, mut answered) = (0, 0);
    for _ in 0..20_000 {
        let mut body = sound.clone();
        for _ in 0..rng.usize(1..=3) {
            let start = rng.usize(..body.len());
            let end = body.len().min(start + rng.usize(..=6));
            body.replace_range(start..end, TOKENS[rng.usize(..TOKENS.len())]);
        }
        let Ok(request) = parse(body.as_bytes()) else {
            refused += 1;
            continue;
        };
        if let Some(response) = evaluate(&request, &campaigns) {
            answered += 1;
            let mut bids = response.seatbid.iter().flat_map(|seat| &seat.bid);
            assert!(bids.all(|bid| bid.price > 0.0 && bid.price <= 5.0), "{body}");
        }
    }
    assert!(refused > 1_000 && answered > 1_000, "{refused} refused, {answered} answered");
}
