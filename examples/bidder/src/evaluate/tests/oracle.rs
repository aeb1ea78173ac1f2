//! The filters once more, as naively as the documents state them, against random small cases.
//!
//! The oracle reads the JSON of both sides and shares no code with what it checks. Alphabets are
//! tiny, so that each filter both matches and fails often.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::campaign::parse_campaigns;
use crate::evaluate::evaluate;
use crate::openrtb::parse;

fn some(rng: &mut Rng, choices: &[Value]) -> Value {
    choices[rng.usize(..choices.len())].clone()
}

fn random_request(rng: &mut Rng) -> Value {
    let mut imps = Vec::new();
    for id in 0..rng.usize(1..=3) {
        imps.push(json!({
            "id": id.to_string(),
            "bidfloor": some(rng, &[json!(null), json!(0), json!(2), json!(8)]),
            "bidfloorcur": some(rng, &[json!(null), json!("USD"), json!("EUR")]),
            "secure": some(rng, &[json!(null), json!(0), json!(1)]),
            "bcat": some(rng, &[json!([]), json!([]), json!(["IAB1"])]),
            "banner": some(rng, &[json!(null), json!({"w": 300, "h": 250, "battr": [1]}),
                json!({"format": [{"w": 320, "h": 50}, {"w": 300, "h": 250}]})]),
            "video": some(rng, &[json!(null), json!({"maxduration": 20, "protocols": [2]}),
                json!({"w": 640, "h": 360, "mimes": ["video/mp4"], "minduration": 20})]),
            "native": some(rng, &[json!(null), json!({}), json!({"battr": [1, 2]})]),
        }));
    }
    let mut request = json!({
        "id": "a",
        "imp": imps,
        "cur": some(rng, &[json!([]), json!(["USD"]), json!(["EUR", "USD"])]),
        "bcat": some(rng, &[json!([]), json!([]), json!(["IAB2"]), json!(["IAB1-1"])]),
        "badv": some(rng, &[json!([]), json!([]), json!(["a.example"]), json!(["b.example"])]),
        "wseat": some(rng, &[json!([]), json!([]), json!([]), json!(["s"])]),
        "bseat": some(rng, &[json!([]), json!([]), json!([]), json!(["s"])]),
        "device": {
            "os": some(rng, &[json!(null), json!("ios"), json!("android")]),
            "devicetype": some(rng, &[json!(null), json!(4), json!(5)]),
            "geo": {"country": some(rng, &[json!(null), json!("USA"), json!("DEU")])},
        },
    });
    let channel = rng.choice(["app", "site", "dooh"]).expect("is not empty");
    request[channel] = json!({});
    request
}

fn random_campaign(rng: &mut Rng, id: usize) -> Value {
    let attributes = |rng: &mut Rng| some(rng, &[json!([]), json!([1]), json!([2, 3])]);
    let (banner, video, native) = (attributes(rng), attributes(rng), attributes(rng));
    json!({
        "id": id.to_string(),
        "seat": some(rng, &[json!("s"), json!("t")]),
        "advertiser_domains": some(rng, &[json!(["a.example"]), json!(["x.b.example"])]),
        "categories": some(rng, &[json!(["IAB1-1"]), json!(["IAB2", "IAB3"])]),
        "currency": some(rng, &[json!("USD"), json!("USD"), json!("EUR")]),
        "max_cpm": some(rng, &[json!(1), json!(5), json!(10)]),
        "click_value": 1000,
        "targeting": {
            "channels": some(rng, &[json!([]), json!([]), json!(["app"]), json!(["site", "dooh"])]),
            "os": some(rng, &[json!([]), json!([]), json!(["ios"])]),
            "device_types": some(rng, &[json!([]), json!([]), json!([4])]),
            "countries": some(rng, &[json!([]), json!([]), json!(["USA"])]),
        },
        "creatives": [
            {"id": "b", "type": "banner", "w": 300, "h": 250, "attributes": banner,
             "secure": rng.bool(), "markup": "m"},
            {"id": "v", "type": "video", "w": some(rng, &[json!(640), json!(1280)]), "h": 360,
             "duration_s": some(rng, &[json!(15), json!(30)]), "attributes": video,
             "mimes": some(rng, &[json!(["video/mp4"]), json!(["video/webm"])]),
             "protocols": some(rng, &[json!([2, 3]), json!([3]), json!([])]), "vast": "<VAST/>"},
            {"id": "n", "type": "native", "attributes": native, "markup": {}},
        ],
        // A click is certain, so that each price is `max_cpm`.
        "model": {"bias": 50},
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], |list| list)
}

fn targets(wanted: &Value, actual: &Value) -> bool {
    list(wanted).is_empty() || list(wanted).contains(actual)
}

fn overlap(one: &Value, other: &Value) -> bool {
    list(one).is_empty()
        || list(other).is_empty()
        || list(one).iter().any(|x| list(other).contains(x))
}

/// Whether a blocked name is the name itself, or what is before (or after) a separator in it.
fn blocked(names: &Value, list_of_blocks: &Value, is_under: fn(&str, &str) -> bool) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list(names).iter().any(|name| {
        list(list_of_blocks)
            .iter()
            .any(|block| name == block || is_under(&text(name), &text(block)))
    })
}

fn under_category(name: &str, block: &str) -> bool {
    name.starts_with(&format!("{block}-"))
}

fn under_domain(name: &str, block: &str) -> bool {
    name.ends_with(&format!(".{block}"))
}

fn admits(request: &Value, campaign: &Value) -> bool {
    let (device, targeting) = (&request["device"], &campaign["targeting"]);
    let channel = ["app", "site", "dooh"].into_iter().find(|name| request[name].is_object());
    targets(&targeting["channels"], &json!(channel))
        && targets(&targeting["os"], &device["os"])
        && targets(&targeting["device_types"], &device["devicetype"])
        && targets(&targeting["countries"], &device["geo"]["country"])
        && targets(&request["wseat"], &campaign["seat"])
        && !list(&request["bseat"]).contains(&campaign["seat"])
        && !blocked(&campaign["categories"], &request["bcat"], under_category)
        && !blocked(&campaign["advertiser_domains"], &request["badv"], under_domain)
}

fn fits(imp: &Value, creative: &Value) -> bool {
    let medium = &imp[creative["type"].as_str().expect("is text")];
    let battr = list(&medium["battr"]);
    if !medium.is_object()
        || list(&creative["attributes"]).iter().any(|attribute| battr.contains(attribute))
        || (imp["secure"] == 1 && creative["secure"] == false)
    {
        return false;
    }
    let at_most = |one: &Value, other: &Value| match (one.as_u64(), other.as_u64()) {
        (Some(one), Some(other)) => one <= other,
        _ => true,
    };
    let same_size = |size: &Value| size["w"] == creative["w"] && size["h"] == creative["h"];
    match creative["id"].as_str() {
        Some("b") => same_size(medium) || list(&medium["format"]).iter().any(same_size),
        Some("v") => {
            at_most(&creative["w"], &medium["w"])
                && at_most(&creative["h"], &medium["h"])
                && at_most(&creative["duration_s"], &medium["maxduration"])
                && at_most(&medium["minduration"], &creative["duration_s"])
                && overlap(&creative["mimes"], &medium["mimes"])
                && overlap(&creative["protocols"], &medium["protocols"])
        }
        _ => true,
    }
}

/// `(impid, cid, crid, price)` of the best bids, as `seatbid` lists them without the seats.
fn expected(request: &Value, campaigns: &[Value]) -> Vec<(String, String, String, f64)> {
    let accepted = match list(&request["cur"]) {
        [] => vec![json!("USD")],
        list => list.to_vec(),
    };
    let paid = |code: &&Value| campaigns.iter().any(|campaign| campaign["currency"] == **code);
    let Some(currency) = accepted.iter().find(paid) else {
        return Vec::new();
    };
    let mut bids = Vec::new();
    for imp in list(&request["imp"]) {
        let floor = imp["bidfloor"].as_f64().unwrap_or(0.0);
        let floor_currency = imp["bidfloorcur"].as_str().unwrap_or("USD");
        let mut best: Option<(String, String, String, f64)> = None;
        for campaign in campaigns {
            let price = campaign["max_cpm"].as_f64().expect("is a number");
            let competes = campaign["currency"] == *currency
                && (floor == 0.0 || (*currency == floor_currency && price >= floor))
                && best.as_ref().is_none_or(|best| price > best.3)
                && !blocked(&campaign["categories"], &imp["bcat"], under_category)
                && admits(request, campaign);
            let creative = list(&campaign["creatives"]).iter().find(|creative| fits(imp, creative));
            if let (true, Some(creative)) = (competes, creative) {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let names = (text(&imp["id"]), text(&campaign["id"]), text(&creative["id"]));
                best = Some((names.0, names.1, names.2, price));
            }
        }
        bids.extend(best);
    }
    bids
}

#[test]
fn the_evaluation_agrees_with_the_oracle() {
    let mut rng = Rng::with_seed(25);
    let (mut sold, mut unsold) = (0, 0);
    for case in 0..2_000 {
        let request = random_request(&mut rng);
        let campaigns: Vec<_> = (0..6).map(|id| random_campaign(&mut rng, id)).collect();
        let expected = expected(&request, &campaigns);

        let file = json!({"version": 1, "campaigns": campaigns}).to_string();
        let body = request.to_string();
        let parsed = parse(body.as_bytes()).expect("is a request");
        let compiled = parse_campaigns(file.as_bytes()).expect("is valid");
        let response = evaluate(&parsed, &compiled);
        let mut actual: Vec<_> = response
            .iter()
            .flat_map(|response| &response.seatbid)
            .flat_map(|seat| &seat.bid)
            .map(|bid| (bid.impid.to_owned(), bid.cid.into(), bid.crid.into(), bid.price))
            .collect();
        actual.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(actual, expected, "case {case}: {body}\n{file}");
        sold += expected.len();
        unsold += parsed.imp.len() - expected.len();
    }
    assert!(sold > 500 && unsold > 500, "{sold} sold, {unsold} unsold");
}
