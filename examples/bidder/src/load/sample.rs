//! Sample bid requests: varied like an exchange's traffic, fixed by a seed, valid OpenRTB 2.5/2.6.
//!
//! They hold no data of real people: addresses are of documentation networks and identifiers are
//! random. Apps, places, devices and lists come from the tables in `sample.json`; the shares here
//! are those of mobile-heavy traffic, so that targeting, blocks, floors and deadlines all have
//! something to decide.

use std::net::{Ipv4Addr, Ipv6Addr};

use fastrand::Rng;
use serde::Deserialize;
use serde_json::{Value, json};

/// The least length of a body; a shorter one gets audience segments until it reaches it.
const MIN_BODY_BYTES: usize = 1_024;

/// What requests are put together from; fragments are OpenRTB objects or parts of them.
#[derive(Deserialize)]
struct Tables {
    apps: Vec<App>,
    sites: Vec<Site>,
    places: Vec<Place>,
    mobile_devices: Vec<Value>,
    desktop_devices: Vec<Value>,
    banner_sizes: Vec<Value>,
    video_sizes: Vec<Value>,
    tmax_ms: Vec<u32>,
    bcat: Vec<Value>,
    badv: Vec<Value>,
    segments: Vec<Value>,
    carriers: Vec<Value>,
}

#[derive(Deserialize)]
struct App {
    name: String,
    android: String,
    ios: String,
    cat: Value,
}

#[derive(Deserialize)]
struct Site {
    domain: String,
    cat: Value,
}

#[derive(Deserialize)]
struct Place {
    language: String,
    gdpr: u8,
    country: String,
    utcoffset: i32,
    region: String,
    city: String,
    zip: String,
    lat: f64,
    lon: f64,
}

/// Makes `count` bid requests, nearly all of one to two kilobytes; the seed fixes them.
pub(crate) fn sample_requests(count: usize, seed: u64) -> Vec<String> {
    let tables = serde_json::from_str(include_str!("sample.json"))
        .expect("the tables are part of the program and every test of it reads them");
    let mut sampler = Sampler { rng: Rng::with_seed(seed), tables: &tables };
    (0..count).map(|_| sampler.request().to_string()).collect()
}

struct Sampler<'a> {
    rng: Rng,
    tables: &'a Tables,
}

impl Sampler<'_> {
    fn request(&mut self) -> Value {
        let place = pick(&mut self.rng, &self.tables.places);
        let in_app = self.chance(70);
        let devices = if in_app || self.chance(50) {
            &self.tables.mobile_devices
        } else {
            &self.tables.desktop_devices
        };
        let device = pick(&mut self.rng, devices);
        let secure = self.flag(95);
        let imp_count = *pick(&mut self.rng, &[1, 1, 1, 1, 1, 1, 1, 2, 2, 3]);
        let imps: Vec<Value> = (1..=imp_count).map(|id| self.imp(id, in_app, secure)).collect();
        let mut body = json!({
            "id": self.hex(),
            "imp": imps,
            "device": self.device(device.clone(), place),
            "user": self.user(),
            "at": *pick(&mut self.rng, &[1, 1, 2]),
            "cur": ["USD"],
            "source": {"fd": 0, "tid": self.uuid()},
            "regs": {"coppa": self.flag(2), "gdpr": place.gdpr},
        });
        if in_app {
            body["app"] = self.app(device["os"] == "iOS");
        } else {
            body["site"] = self.site();
        }
        if self.chance(94) {
            body["tmax"] = json!(*pick(&mut self.rng, &self.tables.tmax_ms));
        }
        self.add_noise(&mut body);
        self.lengthen(&mut body);
        body
    }

    fn add_noise(&mut self, body: &mut Value) {
        if self.chance(60) {
            body["bcat"] = some_of(&mut self.rng, &self.tables.bcat).into();
        }
        if self.chance(45) {
            body["badv"] = some_of(&mut self.rng, &self.tables.badv).into();
        }
        if self.chance(30) {
            let seller = self.rng.u32(..).to_string();
            body["source"]["ext"] = json!({"schain": {"complete": 1, "ver": "1.0", "nodes": [
                {"asi": "exchange.example", "sid": seller, "hp": 1},
            ]}});
        }
        if self.chance(40) {
            body["ext"] = json!({"exchange": "example", "ssp_seat": self.rng.u32(..5_000)});
        }
    }

    fn imp(&mut self, id: u32, in_app: bool, secure: u8) -> Value {
        // Most floors are low: the square favours the lower end of 0.05 to 3 USD.
        let floor = 0.05 + 2.95 * self.rng.f64().powi(2);
        let mut imp = json!({
            "id": id.to_string(),
            "tagid": format!("slot-{}", self.rng.u32(..100_000)),
            "bidfloor": (floor * 100.0).round() / 100.0,
            "bidfloorcur": "USD",
            "secure": secure,
        });
        // Further impressions of a page are nearly always banners.
        match if id == 1 { self.rng.u32(..100) } else { 0 } {
            0..60 => imp["banner"] = self.banner(in_app),
            60..85 => imp["video"] = self.video(in_app),
            _ => imp["native"] = self.native(),
        }
        imp["instl"] = u8::from(imp["banner"]["h"] == 480).into();
        if in_app {
            imp["displaymanager"] = json!("example-sdk");
            imp["displaymanagerver"] = json!(format!("5.{}.0", self.rng.u32(..20)));
        }
        if self.chance(12) {
            let price = f64::from(self.rng.u32(100..600)) / 100.0;
            imp["pmp"] = json!({"private_auction": 0, "deals": [
                {"id": format!("deal-{}", self.rng.u32(..1_000)), "bidfloor": price, "at": 3},
            ]});
        }
        imp
    }

    fn banner(&mut self, in_app: bool) -> Value {
        let sizes = &self.tables.banner_sizes;
        // Since 2.4 a format list may stand for the size, and many exchanges leave the size out.
        let listed = self.chance(35);
        let mut banner =
            if listed && self.chance(50) { json!({}) } else { pick(&mut self.rng, sizes).clone() };
        if listed {
            banner["format"] = some_of(&mut self.rng, sizes).into();
        }
        banner["pos"] = json!(*pick(&mut self.rng, &[0, 1, 3, 7]));
        banner["btype"] = json!([4]);
        banner["battr"] = json!([1, 3, 8, 9, 14]);
        if in_app {
            banner["api"] = json!([3, 5, 7]);
        }
        banner
    }

    fn video(&mut self, in_app: bool) -> Value {
        let size = pick(&mut self.rng, &self.tables.video_sizes);
        json!({
            "mimes": ["video/mp4", "video/webm"],
            "minduration": 5,
            "maxduration": *pick(&mut self.rng, &[15, 30, 60]),
            "protocols": [2, 3, 5, 6, 7],
            "w": size["w"],
            "h": size["h"],
            "startdelay": 0,
            "plcmt": if in_app { 3 } else { 2 },
            "linearity": 1,
            "skip": self.flag(60),
            "playbackmethod": [1, 2],
            "delivery": [2],
            "api": [7],
        })
    }

    fn native(&mut self) -> Value {
        let title = *pick(&mut self.rng, &[25, 90, 140]);
        let request = json!({"ver": "1.2", "context": 1, "plcmttype": 1, "assets": [
            {"id": 1, "required": 1, "title": {"len": title}},
            {"id": 2, "required": 1, "img": {"type": 3, "wmin": 1200, "hmin": 627}},
            {"id": 3, "required": 0, "data": {"type": 2, "len": 90}},
        ]});
        json!({"request": request.to_string(), "ver": "1.2", "api": [7]})
    }

    fn app(&mut self, ios: bool) -> Value {
        let App { name, android, ios: store_id, cat } = pick(&mut self.rng, &self.tables.apps);
        let (bundle, store) = if ios {
            (store_id, format!("https://apps.apple.com/app/id{store_id}"))
        } else {
            (android, format!("https://play.google.com/store/apps/details?id={android}"))
        };
        json!({
            "id": format!("app-{store_id}"),
            "name": name,
            "bundle": bundle,
            "storeurl": store,
            "cat": cat,
            "ver": format!("{}.{}", self.rng.u32(1..9), self.rng.u32(..30)),
            "paid": 0,
            "publisher": self.publisher(),
        })
    }

    fn site(&mut self) -> Value {
        let Site { domain, cat } = pick(&mut self.rng, &self.tables.sites);
        json!({
            "id": format!("site-{}", self.rng.u32(..10_000)),
            "domain": domain,
            "cat": cat,
            "page": format!("https://{domain}/articles/{}", self.rng.u32(..1_000_000)),
            "ref": format!("https://search.example/?q={}", self.rng.u32(..1_000)),
            "publisher": self.publisher(),
        })
    }

    fn publisher(&mut self) -> Value {
        let id = self.rng.u32(1_000..9_000);
        json!({"id": id.to_string(), "name": format!("Publisher {id}"), "domain": "pub.example"})
    }

    fn device(&mut self, mut device: Value, place: &Place) -> Value {
        let limited = self.flag(25);
        // A user who limits tracking has an advertising identifier of zeros.
        let ifa = if limited == 1 { uuid_of(0) } else { self.uuid() };
        device["ifa"] = ifa.into();
        device["lmt"] = limited.into();
        device["dnt"] = limited.into();
        device["js"] = json!(1);
        device["language"] = json!(place.language);
        device["connectiontype"] = json!(*pick(&mut self.rng, &[2, 2, 5, 6, 7]));
        if device["devicetype"] != 2 {
            device["carrier"] = pick(&mut self.rng, &self.tables.carriers).clone();
        }
        // Both networks are reserved for documentation.
        if self.chance(85) {
            device["ip"] = Ipv4Addr::new(203, 0, 113, self.rng.u8(..)).to_string().into();
        } else {
            let (net, host) = (self.rng.u16(..), self.rng.u16(..));
            let address = Ipv6Addr::new(0x2001, 0xdb8, net, 0, 0, 0, 0, host);
            device["ipv6"] = address.to_string().into();
        }
        device["geo"] = self.geo(place);
        device
    }

    fn geo(&mut self, place: &Place) -> Value {
        let mut geo = json!({"country": place.country, "utcoffset": place.utcoffset, "type": 2});
        if self.chance(80) {
            geo["region"] = json!(place.region);
            geo["city"] = json!(place.city);
        }
        if self.chance(55) {
            geo["zip"] = json!(place.zip);
            geo["lat"] = self.near(place.lat).into();
            geo["lon"] = self.near(place.lon).into();
        }
        geo
    }

    fn near(&mut self, degrees: f64) -> f64 {
        ((degrees + self.rng.f64() * 0.1) * 1e4).round() / 1e4
    }

    fn user(&mut self) -> Value {
        let mut user = json!({"id": self.hex()});
        if self.chance(35) {
            user["buyeruid"] = self.uuid().into();
        }
        if self.chance(20) {
            user["yob"] = self.rng.u32(1950..2007).into();
            user["gender"] = json!(*pick(&mut self.rng, &["M", "F", "O"]));
        }
        user
    }

    /// Adds audience segments until the body has its least length; each makes it longer.
    fn lengthen(&mut self, body: &mut Value) {
        let mut length = body.to_string().len();
        let mut segments = Vec::new();
        while length < MIN_BODY_BYTES {
            let id = self.rng.u32(10_000..).to_string();
            let segment = json!({"id": id, "name": pick(&mut self.rng, &self.tables.segments)});
            length += segment.to_string().len();
            segments.push(segment);
        }
        if !segments.is_empty() {
            body["user"]["data"] = json!([{"id": "7", "name": "dmp.example", "segment": segments}]);
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    fn flag(&mut self, percent: u32) -> u8 {
        u8::from(self.chance(percent))
    }

    fn hex(&mut self) -> String {
        format!("{:032x}", self.rng.u128(..))
    }

    fn uuid(&mut self) -> String {
        uuid_of(self.rng.u128(..))
    }
}

fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.usize(..choices.len())]
}

/// Returns at least one of the choices, each at most once, in a random order.
fn some_of(rng: &mut Rng, choices: &[Value]) -> Vec<Value> {
    let count = rng.usize(1..=choices.len());
    let mut chosen = choices.to_vec();
    rng.shuffle(&mut chosen);
    chosen.truncate(count);
    chosen
}

fn uuid_of(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}
