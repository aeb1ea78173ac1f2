//! What is read leniently, what is refused and how, and that responses say no more than they must.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::*;

fn refused(body: &str) -> RequestError {
    match parse(body.as_bytes()) {
        Ok(request) => panic!("{body} was read as {request:?}"),
        Err(error) => error,
    }
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let body = br#"{"id":"a","imp":[{"id":"1"}],"app":{"bundle":"com.x","id":"\u0061"}}"#;
    let request = parse(body).expect("is a request");
    let app = request.app.as_ref().expect("has an app");
    assert!(matches!(request.id, Cow::Borrowed("a")));
    assert!(matches!(app.bundle, Some(Cow::Borrowed("com.x"))));
    assert!(matches!(&app.id, Some(Cow::Owned(id)) if id == "a"));
}

#[test]
fn values_of_the_wrong_kind_are_read_as_what_they_mean() {
    let body = json!({
        "id": 12345678901234567890_u64,
        "at": "2",
        "tmax": 120.9,
        "test": "1",
        "cur": ["EUR", {"a": [1]}, [2], null],
        "bcat": [25, "IAB1", null, true, 1.5, ""],
        "badv": null,
        "wseat": 7,
        "imp": [{
            "id": 1,
            "bidfloor": " 1.25 ",
            "secure": true,
            "banner": {
                "w": "300", "h": 250.0, "battr": ["3", 1, "x", -1, 3, null],
                "format": [{"w": 1, "h": null}, null],
            },
            "video": null,
            "pmp": {"private_auction": "true"},
        }],
        "device": {"os": 7, "devicetype": "4", "connectiontype": "fast", "language": "", "geo": {}},
        "site": {"domain": false, "id": -3},
    })
    .to_string();
    let request = parse(body.as_bytes()).expect("is a request");
    assert_eq!(request.id, "12345678901234567890");
    assert_eq!(request.tmax_ms, Some(120));
    assert_eq!(request.cur, ["EUR"]);
    assert_eq!(request.bcat, ["25", "IAB1", "true", "1.5"]);
    assert_eq!((request.badv.len(), &request.wseat[..]), (0, &["7".into()][..]));

    let imp = &request.imp[0];
    assert_eq!((&*imp.id, imp.bidfloor, imp.secure), ("1", Some(1.25), true));
    assert!(imp.video.is_none() && imp.pmp.as_ref().is_some_and(|pmp| pmp.private_auction));
    let banner = imp.banner.as_ref().expect("has a banner");
    assert_eq!((banner.w, banner.h), (Some(300), Some(250)));
    assert_eq!(banner.battr, [1, 3]);
    assert_eq!((banner.format.len(), banner.format[0].w, banner.format[0].h), (1, Some(1), None));

    let device = request.device.as_ref().expect("has a device");
    assert_eq!((device.os.as_deref(), device.devicetype), (Some("7"), Some(4)));
    assert_eq!((device.connectiontype, device.language.as_deref()), (None, None));
    assert_eq!(request.inventory(), "false");
}

#[test]
fn numbers_out_of_range_are_absent_and_never_infinite() {
    let body = br#"{"id":"a","tmax":-5,"device":{"devicetype":99999999999},"imp":[
        {"id":"1","bidfloor":"inf"},{"id":"2","bidfloor":"NaN"},{"id":"3","bidfloor":"1e999"}]}"#;
    let request = parse(body).expect("is a request");
    let devicetype = request.device.as_ref().and_then(|device| device.devicetype);
    assert_eq!((request.tmax_ms, devicetype), (None, None));
    assert!(request.imp.iter().all(|imp| imp.bidfloor.is_none()));
}

#[test]
fn unknown_fields_are_skipped_unread() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = format!(r#"{{"ext":{deep},"id":"a","x":{{"imp":3}},"imp":[{{"id":"1","y":[]}}]}}"#);
    assert_eq!(parse(body.as_bytes()).expect("is a request").imp.len(), 1);
}

#[test]
fn what_is_not_a_request_names_the_field() {
    #[rustfmt::skip]
    let cases = [
        ("", "", "EOF"),
        ("nonsense", "", "expected ident"),
        ("null", "", "must be an object"),
        ("3", "", "expected an object"),
        (r#"["a",[{"id":"1"}]]"#, "", "expected an object"),
        (r#"{"id":"a","imp":[{"id":"1"}]} x"#, "", "trailing characters"),
        (r#"{"id":"a","imp":[{"id":"1"}]"#, "", "EOF"),
        (r#"{"imp":[{"id":"1"}]}"#, "id", "missing field"),
        (r#"{"id":"","imp":[{"id":"1"}]}"#, "id", "must be a non-empty string"),
        (r#"{"id":null,"imp":[{"id":"1"}]}"#, "id", "must be a non-empty string"),
        (r#"{"id":{},"imp":[{"id":"1"}]}"#, "id", "invalid type: map"),
        (r#"{"id":"a"}"#, "imp", "missing field"),
        (r#"{"id":"a","imp":[]}"#, "imp", "must hold at least one impression"),
        (r#"{"id":"a","imp":null}"#, "imp", "must hold at least one impression"),
        (r#"{"id":"a","imp":[null]}"#, "imp", "must hold at least one impression"),
        (r#"{"id":"a","imp":{"id":"1"}}"#, "imp", "expected a list of objects"),
        (r#"{"id":"a","imp":["1"]}"#, "imp[0]", "expected an object"),
        (r#"{"id":"a","imp":[{"id":"1"},{}]}"#, "imp[1].id", "missing field"),
        (r#"{"id":"a","imp":[{"id":""}]}"#, "imp[0].id", "must be a non-empty string"),
        (r#"{"id":"a","imp":[{"id":"1","banner":"x"}]}"#, "imp[0].banner", "expected an object"),
        (r#"{"id":"a","imp":[{"id":"1","banner":[1]}]}"#, "imp[0].banner", "expected an object"),
        (r#"{"id":"a","imp":[{"id":"1","banner":{"w":{}}}]}"#, "imp[0].banner.w", "invalid type"),
        (
            r#"{"id":"a","imp":[{"id":"1","banner":{"format":["1x1"]}}]}"#,
            "imp[0].banner.format[0]",
            "expected an object",
        ),
        (r#"{"id":"a","imp":[{"id":"1"}],"device":3}"#, "device", "expected an object"),
        (r#"{"id":"a","imp":[{"id":"1"}],"site":[]}"#, "site", "expected an object"),
        (r#"{"id":"a","imp":[{"id":"1"}],"bcat":{}}"#, "bcat", "expected a list"),
        (r#"{"id":"a","imp":[{"id":"1"}],"tmax":[1]}"#, "tmax", "invalid type: sequence"),
        (r#"{"id":"a","imp":[{"id":"1"}],"tmax":1e999}"#, "tmax", "number out of range"),
        (r#"{"id":"a","id":"b","imp":[{"id":"1"}]}"#, "id", "duplicate field"),
    ];
    for (body, field, message) in cases {
        let error = refused(body);
        assert_eq!(error.field, field, "{body}: {error}");
        assert!(error.message.contains(message), "{body}: {error}");
        assert!(error.line == 1 && !error.message.contains(" at line "), "{body}: {error}");
    }
    let invalid_utf8 = b"{\"id\":\"\xff\",\"imp\":[{\"id\":\"1\"}]}";
    assert!(parse(invalid_utf8).is_err());
}

#[test]
fn a_restriction_that_cannot_be_read_is_refused() {
    let with = |list: &str, element: &Value| {
        let mut body = json!({"id": "a", "imp": [{"id": "1"}]});
        let (object, name) = list.split_at(list.rfind('/').expect("a path"));
        if let Some(medium) = object.strip_prefix("/imp/0/") {
            body["imp"][0][medium] = json!({});
        }
        let object = body.pointer_mut(object).expect("the object is there");
        object[&name[1..]] = json!([null, "7", element]);
        body.to_string()
    };
    for (list, field) in [
        ("/wseat", "wseat[2]"),
        ("/bseat", "bseat[2]"),
        ("/bcat", "bcat[2]"),
        ("/badv", "badv[2]"),
        ("/bapp", "bapp[2]"),
        ("/imp/0/bcat", "imp[0].bcat[2]"),
        ("/imp/0/banner/battr", "imp[0].banner.battr[2]"),
        ("/imp/0/video/battr", "imp[0].video.battr[2]"),
        ("/imp/0/native/battr", "imp[0].native.battr[2]"),
    ] {
        for element in [json!({}), json!([]), json!(["IAB25"]), json!({"id": "IAB25"})] {
            let error = refused(&with(list, &element));
            assert_eq!(error.field, field, "{element}: {error}");
            assert!(error.message.contains("invalid type"), "{error}");
        }
        assert!(parse(with(list, &json!(8)).as_bytes()).is_ok(), "{list}");
    }
}

#[test]
fn errors_tell_the_place_in_json() {
    let error = refused("{\"id\":\"a\",\n\"imp\":[{\"id\":\"1\",\"banner\":\"x\\\"y\"}]}");
    let json: Value = serde_json::from_str(&error.to_json()).expect("is JSON");
    assert_eq!(json["error"]["field"], "imp[0].banner");
    assert_eq!(json["error"]["line"], 2);
    assert_eq!(json["error"]["column"], error.column);
    assert!(json["error"]["message"].as_str().is_some_and(|message| message.contains("x\\\"y")));
    assert!(error.to_string().starts_with("imp[0].banner: "), "{error}");
    assert!(refused("3").to_string().starts_with("body: "));
}

#[test]
fn errors_do_not_echo_a_long_body() {
    let body = format!(r#"{{"id":"a","imp":"{}"}}"#, "\u{e9}".repeat(100_000));
    assert!(refused(&body).to_json().len() < 1_000);
}

#[test]
fn impressions_are_bounded_and_distinct() {
    let imps: Vec<_> = (0..150).map(|n| json!({"id": n})).collect();
    let body = json!({"id": "a", "imp": imps}).to_string();
    let request = parse(body.as_bytes()).expect("is a request");
    assert_eq!(request.imp.len(), MAX_IMPS);
    assert_eq!(request.imp[MAX_IMPS - 1].id, "31");

    let imps = [json!({"id": 1, "secure": 1}), json!({"id": "2"}), json!({"id": "1"})];
    let body = json!({"id": "a", "imp": imps}).to_string();
    let request = parse(body.as_bytes()).expect("is a request");
    let ids: Vec<_> = request.imp.iter().map(|imp| (&*imp.id, imp.secure)).collect();
    assert_eq!(ids, [("1", true), ("2", false)]);
}

#[test]
fn what_each_creative_is_compared_with_is_bounded() {
    let formats: Vec<_> = (1..=1_000).map(|w| json!({"w": w, "h": 50})).collect();
    let mimes: Vec<_> = (1..=1_000).map(|n| format!("image/{n}")).collect();
    let imp = json!({"id": "1", "banner": {"format": formats, "mimes": mimes}});
    let body = json!({"id": "a", "imp": [imp]}).to_string();
    let request = parse(body.as_bytes()).expect("is a request");
    let banner = request.imp[0].banner.as_ref().expect("has a banner");
    let counts = (banner.format.len(), banner.mimes.len());
    assert_eq!(counts, (MAX_FORMATS, MAX_MIMES));
}

#[test]
fn every_prefix_of_a_request_is_refused_without_panic() {
    let body =
        r#"{"id":"é","imp":[{"id":"1","banner":{"w":3,"format":[{"w":1}]}}],"bcat":[1,"a"]}"#;
    assert!(parse(body.as_bytes()).is_ok());
    for end in 0..body.len() {
        assert!(parse(&body.as_bytes()[..end]).is_err(), "{end}");
    }
}

#[test]
fn the_channel_and_the_inventory_have_an_order() {
    let cases = [
        (json!({}), None, ""),
        (json!({"site": {}}), Some(Channel::Site), ""),
        (json!({"site": {"id": "7", "domain": "a.b"}}), Some(Channel::Site), "a.b"),
        (json!({"site": {"domain": "a.b"}, "app": {"id": "9"}}), Some(Channel::App), "9"),
        (json!({"app": {"id": "9", "bundle": "c.d"}}), Some(Channel::App), "c.d"),
        (json!({"dooh": {"id": "5"}}), Some(Channel::Dooh), "5"),
    ];
    for (mut body, channel, inventory) in cases {
        body["id"] = json!("a");
        body["imp"] = json!([{"id": "1"}]);
        let body = body.to_string();
        let request = parse(body.as_bytes()).expect("is a request");
        assert_eq!((request.channel(), request.inventory()), (channel, inventory), "{body}");
    }
}

#[test]
fn responses_leave_out_what_is_empty() {
    let none = serde_json::to_string(&BidResponse::no_bid("a\"", NO_BID_INSUFFICIENT_TIME));
    assert_eq!(none.expect("serialises"), r#"{"id":"a\"","nbr":15}"#);
    let bid = Bid {
        id: "1-c".to_owned(),
        impid: "1",
        price: 0.0001,
        adm: "<b>",
        adomain: &[],
        bundle: None,
        cid: "c",
        crid: "x",
        cat: &[],
        attr: &[],
        w: None,
        h: None,
        duration_s: None,
        mtype: MARKUP_NATIVE,
    };
    let seatbid = vec![SeatBid { seat: "s", bid: vec![bid] }];
    let response = BidResponse { id: "a", seatbid, cur: Some("USD"), nbr: None };
    assert_eq!(
        serde_json::to_string(&response).expect("serialises"),
        concat!(
            r#"{"id":"a","seatbid":[{"seat":"s","bid":[{"id":"1-c","impid":"1","price":0.0001,"#,
            r#""adm":"<b>","cid":"c","crid":"x","mtype":4}]}],"cur":"USD"}"#,
        )
    );
}
