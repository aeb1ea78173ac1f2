//! The samples are fixed by their seed, valid, and as varied as they claim to be.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::sample::sample_requests;

fn parsed(count: usize) -> Vec<Value> {
    sample_requests(count, 42).iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

fn distinct(requests: &[Value], pointer: &str) -> BTreeSet<String> {
    requests.iter().filter_map(|request| request.pointer(pointer)).map(Value::to_string).collect()
}

fn share(requests: &[Value], holds: impl Fn(&Value) -> bool) -> f64 {
    requests.iter().filter(|request| holds(request)).count() as f64 / requests.len() as f64
}

#[test]
fn the_seed_fixes_the_requests_and_a_longer_sample_extends_a_shorter_one() {
    let requests = sample_requests(50, 7);
    assert_eq!(requests, sample_requests(80, 7)[..50]);
    assert_ne!(requests, sample_requests(50, 8));
    assert_eq!(requests.iter().collect::<BTreeSet<_>>().len(), 50);
}

#[test]
fn every_request_has_what_openrtb_requires() {
    let mut ids = BTreeSet::new();
    for request in parsed(3_000) {
        let id = request["id"].as_str().unwrap();
        assert!(!id.is_empty() && ids.insert(id.to_owned()), "{request}");
        let imps = request["imp"].as_array().unwrap();
        assert!((1..=3).contains(&imps.len()), "{request}");
        for (index, imp) in imps.iter().enumerate() {
            assert_eq!(imp["id"], (index + 1).to_string());
            let kinds = ["banner", "video", "native"];
            assert_eq!(kinds.iter().filter(|kind| imp.get(kind).is_some()).count(), 1, "{imp}");
            assert!((0.05..=3.0).contains(&imp["bidfloor"].as_f64().unwrap()), "{imp}");
            if let Some(native) = imp.get("native") {
                let inner: Value =
                    serde_json::from_str(native["request"].as_str().unwrap()).unwrap();
                assert!(inner["assets"].is_array());
            }
            if let Some(banner) = imp.get("banner") {
                assert!(banner["w"].is_u64() || banner["format"].is_array(), "{banner}");
            }
        }
        assert_ne!(request.get("app").is_some(), request.get("site").is_some(), "{request}");
        assert!(request["device"]["geo"]["country"].as_str().unwrap().len() == 3);
    }
}

#[test]
fn bodies_are_one_line_of_mostly_one_to_two_kilobytes() {
    for body in sample_requests(3_000, 42) {
        assert!((1_024..=2_560).contains(&body.len()), "{} {body}", body.len());
        assert!(!body.contains('\n'));
    }
    let requests = sample_requests(3_000, 42);
    let over = requests.iter().filter(|body| body.len() > 2_048).count();
    assert!(over < 90, "{over} of 3,000 exceed two kilobytes");
    let total: usize = requests.iter().map(String::len).sum();
    assert!((1_100..1_700).contains(&(total / 3_000)), "mean {}", total / 3_000);
}

#[test]
fn requests_vary_in_all_that_a_bidder_decides_on() {
    let requests = parsed(3_000);
    assert!((share(&requests, |request| request["app"].is_object()) - 0.7).abs() < 0.03);
    let without_tmax = share(&requests, |request| request["tmax"].is_null());
    assert!((0.02..0.12).contains(&without_tmax), "{without_tmax}");
    assert_eq!(distinct(&requests, "/tmax").len(), 6);
    assert_eq!(distinct(&requests, "/device/os").len(), 3);
    assert!(distinct(&requests, "/device/geo/country").len() >= 8);
    assert!(distinct(&requests, "/device/devicetype").len() >= 4);
    assert!(distinct(&requests, "/device/ua").len() >= 8);
    for (pointer, least) in [
        ("/imp/0/banner", 0.5),
        ("/imp/0/banner/format", 0.1),
        ("/imp/0/video", 0.2),
        ("/imp/0/native", 0.1),
        ("/imp/0/pmp", 0.05),
        ("/imp/2", 0.05),
        ("/bcat", 0.5),
        ("/badv", 0.3),
    ] {
        let found = share(&requests, |request| request.pointer(pointer).is_some());
        assert!(found >= least, "{pointer} {found}");
    }
    for size in [(300, 250), (320, 50), (728, 90), (320, 480)] {
        let found = share(&requests, |request| {
            let banner = &request["imp"][0]["banner"];
            banner["w"] == size.0 && banner["h"] == size.1
        });
        assert!(found > 0.05, "{size:?} {found}");
    }
}
