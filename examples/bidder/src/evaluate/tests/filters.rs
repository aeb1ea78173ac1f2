//! A case for each filter, which fails if the filter is dropped.

use serde_json::{Value, json};

use super::sold;

#[test]
fn everything_matches_before_any_change() {
    assert_eq!(sold(&[], &[]), "bvn");
}

#[test]
fn each_change_of_audience_blocks_and_price_loses_just_what_it_concerns() {
    let root = |field: &str| format!("/{field}");
    let imp = |field: &str| format!("/imp/0/{field}");
    #[rustfmt::skip]
    let cases = [
        // Audience.
        (root("app"), Value::Null, ""),
        (root("device"), Value::Null, ""),
        (root("device/os"), json!("Android"), ""),
        (root("device/os"), json!("ipad"), "bvn"),
        (root("device/devicetype"), json!(2), ""),
        (root("device/devicetype"), Value::Null, ""),
        (root("device/geo/country"), json!("CAN"), ""),
        (root("device/geo/country"), json!("USA"), "bvn"),
        (root("device/geo/country"), json!("??"), ""),
        // Blocks.
        (root("bcat"), json!(["IAB22"]), ""),
        (root("bcat"), json!(["IAB2", "IAB22-10"]), "bvn"),
        (root("badv"), json!(["SHOP.example"]), ""),
        (root("badv"), json!(["hop.example", "x.m.shop.example"]), "bvn"),
        (root("bapp"), json!(["com.example.shop"]), ""),
        (root("bapp"), json!(["com.example"]), "bvn"),
        (root("wseat"), json!(["other"]), ""),
        (root("wseat"), json!(["other", "seat", "a"]), "bvn"),
        (root("bseat"), json!(["other", "seat", "a"]), ""),
        (root("bseat"), json!(["other"]), "bvn"),
        (imp("bcat"), json!(["IAB22-1"]), "vn"),
        // Price.
        (root("cur"), json!(["EUR"]), ""),
        (root("cur"), json!(["EUR", "usd"]), "bvn"),
        (imp("bidfloor"), json!(2.51), "vn"),
        (imp("bidfloor"), json!(2.5), "bvn"),
        (imp("bidfloor"), json!(-1), "bvn"),
        (imp("bidfloorcur"), json!("EUR"), "vn"),
        (imp("bidfloorcur"), json!("test"), "vn"),
        (imp("bidfloorcur"), json!("USD"), "bvn"),
        (imp("pmp"), json!({"private_auction": 1}), "vn"),
        (imp("pmp"), json!({"private_auction": 0, "deals": []}), "bvn"),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(sold(&[(&pointer, value.clone())], &[]), expected, "{pointer} = {value}");
    }
}

#[test]
fn each_change_of_a_medium_loses_just_what_it_concerns() {
    let imp = |field: &str| format!("/imp/{field}");
    let banner = |field: &str| format!("/imp/0/banner/{field}");
    let video = |field: &str| format!("/imp/1/video/{field}");
    #[rustfmt::skip]
    let cases = [
        // Banner.
        (imp("0/banner"), Value::Null, "vn"),
        (banner("w"), json!(320), "vn"),
        (banner("h"), json!(50), "vn"),
        (banner("w"), Value::Null, "vn"),
        (banner("mimes"), json!(["image/gif"]), "vn"),
        (banner("mimes"), json!(["IMAGE/PNG"]), "bvn"),
        (banner("mimes"), json!([]), "bvn"),
        (banner("battr"), json!([1, 2, 3]), "vn"),
        // Video.
        (imp("1/video"), Value::Null, "bn"),
        (video("mimes"), json!(["video/webm"]), "bn"),
        (video("mimes"), Value::Null, "bvn"),
        (video("w"), json!(639), "bn"),
        (video("h"), json!(359), "bn"),
        (video("w"), json!(1280), "bvn"),
        (video("h"), Value::Null, "bvn"),
        (video("minduration"), json!(16), "bn"),
        (video("minduration"), json!(15), "bvn"),
        (video("maxduration"), json!(14), "bn"),
        (video("maxduration"), json!(15), "bvn"),
        (video("rqddurs"), json!([10, 30]), "bn"),
        (video("rqddurs"), json!([30, 15]), "bvn"),
        (video("protocols"), json!([5, 7]), "bn"),
        (video("protocols"), json!([]), "bvn"),
        (video("battr"), json!([3]), "bn"),
        // Native.
        (imp("2/native"), Value::Null, "bv"),
        (imp("2/native/battr"), json!(["3"]), "bv"),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(sold(&[(&pointer, value.clone())], &[]), expected, "{pointer} = {value}");
    }
}

#[test]
fn each_change_of_the_campaign_loses_just_what_it_concerns() {
    #[rustfmt::skip]
    let cases = [
        ("/targeting/channels", json!(["site", "dooh"]), ""),
        ("/targeting/channels", json!([]), "bvn"),
        ("/targeting/os", json!(["android"]), ""),
        ("/targeting/os", json!(["android", "ios"]), "bvn"),
        ("/targeting/device_types", json!([2]), ""),
        ("/targeting/countries", json!(["CA"]), ""),
        ("/targeting/countries", json!(["us"]), "bvn"),
        ("/currency", json!("EUR"), ""),
        ("/max_cpm", json!(0.99), "vn"),
        ("/click_value", json!(0.09), "vn"),
        ("/click_value", json!(0.000_001), ""),
        ("/creatives/0/secure", json!(false), "vn"),
        ("/creatives/1/secure", json!(false), "bvn"),
        ("/creatives/0/mimes", json!([]), "bvn"),
        ("/creatives/1/protocols", json!([]), "bvn"),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(sold(&[], &[(pointer, value.clone())]), expected, "{pointer} = {value}");
    }
}

#[test]
fn what_the_request_leaves_open_matches_a_campaign_that_does_not_ask() {
    let bare = [("/app", Value::Null), ("/device", Value::Null)];
    assert_eq!(sold(&bare, &[("/targeting", json!({}))]), "bvn");
    let wants = [("channels", json!(["app"])), ("os", json!(["ios"]))];
    let others = [("device_types", json!([4])), ("countries", json!(["USA"]))];
    for (field, value) in wants.into_iter().chain(others) {
        assert_eq!(sold(&bare, &[("/targeting", json!({ field: value }))]), "", "{field}");
    }
}

#[test]
fn channels_are_told_apart() {
    for channel in ["app", "site", "dooh"] {
        let place = [("/app", Value::Null), (&*format!("/{channel}"), json!({}))];
        for wanted in ["app", "site", "dooh"] {
            let expected = if wanted == channel { "bvn" } else { "" };
            let targeting = [("/targeting/channels", json!([wanted]))];
            assert_eq!(sold(&place, &targeting), expected, "{channel} {wanted}");
        }
    }
}

#[test]
fn sizes_and_protocols_have_two_places_each() {
    let formats = json!([{"w": 300, "h": 50}, {"w": 300, "h": 250}]);
    let other_size = ("/imp/0/banner/w", json!(728));
    assert_eq!(sold(&[other_size.clone(), ("/imp/0/banner/format", formats)], &[]), "bvn");
    // Width and height of two different formats are not a size.
    let mixed = json!([{"w": 300, "h": 50}, {"w": 320, "h": 250}]);
    assert_eq!(sold(&[other_size, ("/imp/0/banner/format", mixed)], &[]), "vn");

    let protocols = |old: Value, new: Value| {
        sold(&[("/imp/1/video/protocol", old), ("/imp/1/video/protocols", new)], &[])
    };
    assert_eq!(protocols(json!(2), Value::Null), "bvn");
    assert_eq!(protocols(json!([5]), Value::Null), "bn");
    assert_eq!(protocols(json!([5]), json!([2])), "bvn");
}
