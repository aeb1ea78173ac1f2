//! The rules of the campaign file: the documented example holds, and each broken rule is named.

use serde_json::{Value, json};

use super::*;

const REFERENCE: &str = include_str!("../../campaigns.md");

fn documented_example() -> &'static str {
    let (_, rest) = REFERENCE.split_once("```json\n").expect("the reference has an example");
    rest.split_once("```").expect("the example ends").0
}

fn example() -> Value {
    serde_json::from_str(documented_example()).expect("the example is JSON")
}

fn error_of(file: &Value) -> String {
    let error = parse_campaigns(file.to_string().as_bytes()).expect_err("breaks a rule");
    error.to_string()
}

/// The error of the example after `value` has replaced what is at `pointer` in its campaign. A
/// last segment that does not exist is added; `null` there removes it.
fn error_with(pointer: &str, value: Value) -> String {
    let mut file = example();
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    let parent = file.pointer_mut(&format!("/campaigns/0{parent}")).expect("parent exists");
    match (parent, value) {
        (Value::Object(object), Value::Null) => drop(object.remove(field)),
        (parent, value) => match field.parse::<usize>() {
            Ok(at) => parent[at] = value,
            Err(_) => parent[field] = value,
        },
    }
    error_of(&file)
}

#[test]
fn the_documented_example_is_valid() {
    let campaigns = parse_campaigns(documented_example().as_bytes()).expect("is valid");
    let campaign = campaigns.iter().next().expect("has one");
    assert_eq!((campaigns.len(), campaign.id.as_str()), (1, "summer-sale"));
    assert_eq!(campaign.targeting.countries.len(), 2);
    assert_eq!(campaign.creatives.len(), 3);
    assert!(matches!(campaign.creatives[1].medium, Medium::Video { duration_s: 15, .. }));
    let native: Value = serde_json::from_str(&campaign.creatives[2].markup).expect("is JSON");
    assert_eq!(native["native"]["assets"][0]["id"], 1);
}

#[test]
fn the_reference_names_every_feature() {
    for feature in Feature::ALL {
        assert!(REFERENCE.contains(&format!("`{}`", feature.name())), "{feature:?}");
    }
}

#[test]
fn what_is_optional_can_be_left_out() {
    let file = json!({"version": 1, "campaigns": [{
        "id": "c", "seat": "s", "advertiser_domains": ["WWW.Shop.Example"],
        "categories": ["iab1"], "max_cpm": 1, "click_value": 1,
        "creatives": [
            {"id": "1", "type": "banner", "w": 1, "h": 1, "markup": "m"},
            {"id": "2", "type": "video", "w": 1, "h": 1, "duration_s": 1, "mimes": ["a/b"],
             "vast": "<VAST/>"},
            {"id": "3", "type": "native", "markup": {}},
        ],
        "model": {"bias": 0},
    }]});
    let campaigns = parse_campaigns(file.to_string().as_bytes()).expect("is valid");
    let campaign = campaigns.iter().next().expect("has one");
    assert_eq!(campaign.currency, Currency::USD);
    assert_eq!(campaign.advertiser_domains, ["shop.example"]);
    assert_eq!(campaign.categories, ["IAB1"]);
    assert!(campaign.targeting.channels.is_empty() && campaign.creatives[0].secure);
}

#[test]
fn each_broken_rule_names_campaign_and_field() {
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    #[rustfmt::skip]
    let cases = [
        ("/id", json!(""), "id: must be 1 to 256 bytes"),
        ("/seat", json!(long), "seat: must be 1 to 256 bytes"),
        ("/advertiser_domains", json!([]), "advertiser_domains: must hold 1..=256"),
        ("/advertiser_domains/0", json!("http://a.b/"), "advertiser_domains[0]: must be a bare"),
        ("/advertiser_domains/0", json!("localhost"), "advertiser_domains[0]: must be a bare"),
        ("/categories", json!([]), "categories: must hold 1..=256"),
        ("/categories/0", json!(" "), "categories[0]: must be 1 to 256 bytes"),
        ("/currency", json!("UDS"), "currency: \"UDS\" is not an ISO 4217 code"),
        ("/max_cpm", json!(0), "max_cpm: must be above 0"),
        ("/max_cpm", json!(100_001), "max_cpm: must be above 0 and at most 100000"),
        ("/click_value", json!(-1.0), "click_value: must be above 0"),
        ("/app_bundle", json!("a\nb"), "app_bundle: must be 1 to 256 bytes"),
        ("/targeting/channels/0", json!("apps"), "targeting.channels[0]: must be \"app\""),
        ("/targeting/os/0", json!(""), "targeting.os[0]: must be 1 to"),
        ("/targeting/device_types/0", json!(0), "targeting.device_types[0]: must be 1..="),
        ("/targeting/countries/1", json!("UAS"), "targeting.countries[1]: \"UAS\" is not"),
        ("/creatives", json!([]), "creatives: must hold 1..=64"),
        ("/creatives/1/id", json!("square"), "creatives[1].id: is the id of an earlier"),
        ("/creatives/0/type", json!("popup"), "creatives[0].type: must be \"banner\""),
        ("/creatives/0/w", json!(0), "creatives[0].w: must be 1..=10000"),
        ("/creatives/0/h", json!(10_001), "creatives[0].h: must be 1..=10000"),
        ("/creatives/0/h", Value::Null, "creatives[0].h: is missing, must be 1..=10000"),
        ("/creatives/0/mimes/0", json!("png"), "creatives[0].mimes[0]: must be a content"),
        ("/creatives/0/attributes/0", json!(0), "creatives[0].attributes[0]: must be 1..="),
        ("/creatives/0/markup", json!({}), "creatives[0].markup: must be text"),
        ("/creatives/0/markup", json!(""), "creatives[0].markup: must have 1 to 65536"),
        ("/creatives/0/vast", json!("<VAST/>"), "creatives[0].vast: is not a field of a banner"),
        ("/creatives/1/duration_s", json!(3_601), "creatives[1].duration_s: must be 1..=3600"),
        ("/creatives/1/mimes", json!([]), "creatives[1].mimes: must hold 1..=256"),
        ("/creatives/1/protocols/0", json!(0), "creatives[1].protocols[0]: must be 1..="),
        ("/creatives/1/vast", json!("<html>"), "creatives[1].vast: must be a VAST"),
        ("/creatives/2/markup", json!("{}"), "creatives[2].markup: must be an object"),
        ("/creatives/2/w", json!(300), "creatives[2].w: is not a field of a native"),
        ("/model/bias", json!(51), "model.bias: must be from -50 to 50"),
        ("/model/weights/os=", json!(101), "model.weights[\"os=\"]: must be from -100 to 100"),
        ("/model/weights/so=ios", json!(1), "model.weights[\"so=ios\"]: `so` is not a feature"),
    ];
    for (pointer, value, expected) in cases {
        let id = if pointer == "/id" { "" } else { "summer-sale" };
        let expected = format!("campaigns[0] ({id:?}): {expected}");
        let error = error_with(pointer, value);
        assert!(error.starts_with(&expected), "{error}\ninstead of\n{expected}");
    }
}

#[test]
fn unknown_and_missing_fields_and_wrong_kinds_name_campaign_and_field() {
    #[rustfmt::skip]
    let cases = [
        ("/contries", json!([]), "contries: unknown field `contries`, expected"),
        ("/targeting/contries", json!([]), "targeting.contries: unknown field"),
        ("/creatives/0/width", json!(300), "creatives[0].width: unknown field"),
        ("/model/wieghts", json!({}), "model.wieghts: unknown field"),
        ("/creatives/0/w", json!("300"), "creatives[0].w: invalid type: string \"300\""),
        ("/creatives/0/w", json!(300.5), "creatives[0].w: invalid type: floating point"),
        ("/model/weights", json!([]), "model.weights: invalid type: sequence"),
        ("/model/weights/os=ios", json!("a"), "model.weights.os=ios: invalid type: string"),
        ("/seat", Value::Null, "missing field `seat`"),
        ("/model", Value::Null, "missing field `model`"),
    ];
    for (pointer, value, expected) in cases {
        let expected = format!("campaigns[0] (\"summer-sale\"): {expected}");
        let error = error_with(pointer, value);
        assert!(error.starts_with(&expected), "{error}\ninstead of\n{expected}");
        assert!(error.contains("(line 1, column"), "{error}");
    }
}

#[test]
fn lists_are_bounded() {
    let many = |count: usize| vec![json!("x/y.z"); count];
    let weights = (0..=MAX_WEIGHTS).map(|n| (format!("inventory={n}"), json!(0.1)));
    #[rustfmt::skip]
    let cases = [
        ("/categories", json!(many(MAX_LIST + 1)), "categories: must hold"),
        ("/advertiser_domains", json!(many(MAX_LIST + 1)), "advertiser_domains: must hold"),
        ("/targeting/channels", json!(many(MAX_LIST + 1)), "targeting.channels: must hold"),
        ("/targeting/os", json!(many(MAX_LIST + 1)), "targeting.os: must hold"),
        ("/targeting/countries", json!(many(MAX_LIST + 1)), "targeting.countries: must hold"),
        ("/targeting/device_types", json!(vec![1; MAX_LIST + 1]), "targeting.device_types: must"),
        ("/creatives/0/attributes", json!(vec![1; MAX_LIST + 1]), "creatives[0].attributes: must"),
        ("/creatives/0/mimes", json!(many(MAX_LIST + 1)), "creatives[0].mimes: must hold"),
        ("/creatives/1/protocols", json!(vec![1; MAX_LIST + 1]), "creatives[1].protocols: must"),
        ("/model/weights", weights.collect::<Value>(), "model.weights: must hold 0..=4096"),
    ];
    for (pointer, value, expected) in cases {
        let error = error_with(pointer, value);
        assert!(error.contains(expected), "{error}\ninstead of\n{expected}");
    }
    let creative = example()["campaigns"][0]["creatives"][0].clone();
    let error = error_with("/creatives", json!(vec![creative; MAX_CREATIVES + 1]));
    assert!(error.contains("creatives: must hold 1..=64"), "{error}");
    let markup = "x".repeat(MAX_MARKUP_BYTES + 1);
    let error = error_with("/creatives/0/markup", json!(markup));
    assert!(error.contains("creatives[0].markup: must have"), "{error}");
}

#[test]
fn errors_of_the_whole_file_name_no_campaign() {
    let mut twice = example();
    let campaign = twice["campaigns"][0].clone();
    twice["campaigns"].as_array_mut().expect("a list").push(campaign);
    let expected = "campaigns[1] (\"summer-sale\"): id: is the id of an earlier campaign as well";
    assert_eq!(error_of(&twice), expected);

    assert_eq!(error_of(&json!({"version": 2, "campaigns": []})), "version: must be 1");
    let empty = json!({"version": 1, "campaigns": []}).to_string();
    assert_eq!(parse_campaigns(empty.as_bytes()).map(|campaigns| campaigns.len()), Ok(0));
    let missing = error_of(&json!({"campaigns": []}));
    assert!(missing.starts_with("missing field `version`"), "{missing}");
    for file in ["", "{", "[]x", "{\"version\": 1, \"campaigns\": ", "\u{0}", "null"] {
        let error = parse_campaigns(file.as_bytes()).expect_err(file);
        assert_eq!((error.index, error.place.is_some()), (None, true), "{error}");
    }
    let trailing = format!("{} x", documented_example());
    let error = parse_campaigns(trailing.as_bytes()).expect_err("is followed by text");
    assert!(error.to_string().starts_with("trailing characters"), "{error}");
}

#[test]
fn campaigns_are_in_order_of_their_ids() {
    let mut file = example();
    let campaign = file["campaigns"][0].clone();
    file["campaigns"] = ["b", "c", "a"]
        .map(|id| {
            let mut campaign = campaign.clone();
            campaign["id"] = json!(id);
            campaign
        })
        .into();
    let campaigns = parse_campaigns(file.to_string().as_bytes()).expect("is valid");
    let ids: Vec<_> = campaigns.iter().map(|campaign| campaign.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[test]
fn samples_are_valid_and_depend_on_the_seed_alone() {
    let file = sample_campaigns(300, 7);
    assert_eq!(file, sample_campaigns(300, 7));
    assert_ne!(file, sample_campaigns(300, 8));
    let campaigns = parse_campaigns(file.as_bytes()).expect("is valid");
    assert_eq!(campaigns.len(), 300);
    assert!(campaigns.currency(Currency::USD).is_some());
    let media = campaigns.iter().flat_map(|campaign| &campaign.creatives);
    let videos = media.filter(|creative| matches!(creative.medium, Medium::Video { .. }));
    assert!(videos.count() > 10);
    for count in [1, 2] {
        assert!(parse_campaigns(sample_campaigns(count, 0).as_bytes()).is_ok());
    }
}
