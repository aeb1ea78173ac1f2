//! How near the planner's refreshes come to the best that a budget can do, beside two baselines.
#![cfg(feature = "refresh")]

use core::time::Duration;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use punctual::refresh::{Config, End, Learned, Next, Planner, Terms};
use punctual::time::Time;

const KEYS: usize = 400;

/// Seconds until the freshness is measured, and until the end.
const WARM_UP: f64 = 1_500.0;
const END: f64 = 2_500.0;

/// Numbers that only look random.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 32)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn after(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }
}

/// Hit and change rates, a second.
#[derive(Clone, Copy, Debug)]
struct Key {
    hits: f64,
    changes: f64,
}

/// Zipf-like hits, one a second and key in the mean, and changes from one in 1,000 s to one in 1 s.
fn keys(random: &mut Random) -> Vec<Key> {
    let zipf: Vec<f64> = (1..=KEYS).map(|rank| (rank as f64).powf(-0.99)).collect();
    let scale = KEYS as f64 / zipf.iter().sum::<f64>();
    let changes = |random: &mut Random| 10_f64.powf(-3.0 * random.unit());
    zipf.iter().map(|hits| Key { hits: hits * scale, changes: changes(random) }).collect()
}

/// The share of fresh answers if every key is refreshed so often: Cho and Garcia-Molina's F.
fn freshness(keys: &[Key], often: &[f64]) -> f64 {
    let fresh = |(key, &often): (&Key, &f64)| match often > 0.0 {
        true => key.hits * (often / key.changes) * -(-key.changes / often).exp_m1(),
        false => 0.0,
    };
    keys.iter().zip(often).map(fresh).sum::<f64>() / keys.iter().map(|key| key.hits).sum::<f64>()
}

/// The x at which 1 - e^-x (1 + x) is y, by bisection.
fn inverse(y: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 60.0_f64);
    for _ in 0..60 {
        let x = (low + high) / 2.0;
        if 1.0 - (-x).exp() * (1.0 + x) < y { low = x } else { high = x }
    }
    high
}

/// How often each key is refreshed at a price.
fn often(key: &Key, price: f64) -> f64 {
    let share = price * key.changes / key.hits;
    if share < 1.0 { key.changes / inverse(share) } else { 0.0 }
}

/// The best that can be had for so many refreshes a second, by bisection on the price.
fn optimum(keys: &[Key], budget: f64) -> f64 {
    let (mut low, mut high) = (1e-9_f64, 1e9_f64);
    for _ in 0..80 {
        let price = (low * high).sqrt();
        let spent: f64 = keys.iter().map(|key| often(key, price)).sum();
        if spent > budget { low = price } else { high = price }
    }
    let plan: Vec<f64> = keys.iter().map(|key| often(key, high)).collect();
    freshness(keys, &plan)
}

/// What happens next to a key.
#[derive(Clone, Copy, PartialEq)]
struct Event {
    at: f64,
    key: usize,
    is_change: bool,
}

impl Eq for Event {}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.total_cmp(&self.at).then(other.key.cmp(&self.key))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Who chooses what is refreshed.
trait Policy {
    fn hit(&mut self, now: f64, key: usize);
    /// What to refresh now, one at a time.
    fn next(&mut self, now: f64) -> Option<usize>;
    fn refreshed(&mut self, now: f64, key: usize, is_changed: bool);
}

/// The share of hits that were answered with what was true.
fn run(keys: &[Key], policy: &mut dyn Policy, step: f64) -> f64 {
    let mut random = Random(7);
    let mut events = BinaryHeap::new();
    for (key, rates) in keys.iter().enumerate() {
        events.push(Event { at: random.after(rates.hits), key, is_change: false });
        events.push(Event { at: random.after(rates.changes), key, is_change: true });
    }
    let mut is_stale = vec![false; keys.len()];
    let (mut fresh, mut hits, mut tick) = (0_u64, 0_u64, 0.0);
    while let Some(event) = events.pop().filter(|event| event.at < END) {
        while tick <= event.at {
            while let Some(key) = policy.next(tick) {
                policy.refreshed(tick, key, std::mem::take(&mut is_stale[key]));
            }
            tick += step;
        }
        let rates = keys[event.key];
        let rate = if event.is_change { rates.changes } else { rates.hits };
        events.push(Event { at: event.at + random.after(rate), ..event });
        if event.is_change {
            is_stale[event.key] = true;
            continue;
        }
        policy.hit(event.at, event.key);
        if event.at >= WARM_UP {
            hits += 1;
            fresh += u64::from(!is_stale[event.key]);
        }
    }
    fresh as f64 / hits as f64
}

fn time(seconds: f64) -> Time {
    Time::ZERO + Duration::from_secs_f64(seconds)
}

struct Planned {
    planner: Planner,
    /// Taught at each refresh; otherwise it has to learn.
    known: Option<Vec<Key>>,
    load: Option<punctual::key::Key>,
    loads: u32,
}

impl Planned {
    fn new(keys: &[Key], budget: f64, is_known: bool) -> Self {
        let config = Config { loads_per_second: Some(budget), ..Config::default() };
        let planner = Planner::new(config, Time::ZERO).expect("it is valid");
        let known = is_known.then(|| keys.to_vec());
        let mut planned = Self { planner, known, load: None, loads: 0 };
        (0..keys.len()).for_each(|key| planned.insert(0.0, key));
        planned
    }

    fn insert(&mut self, now: f64, key: usize) {
        let terms = Terms {
            not_before: time(now),
            soft: time(now) + Duration::from_secs(30),
            hard: Time::MAX,
            change_rate: 1.0 / 30.0,
            ..Terms::new(time(now), Duration::ZERO, Duration::ZERO)
        };
        self.planner.insert(time(now), key as u32, terms).expect("it is below the bound");
        if let Some(Key { hits, changes }) = self.known.as_ref().map(|known| known[key]) {
            let learned = Learned { hit_rate: hits, change_rate: changes };
            self.planner.teach(time(now), key as u32, learned);
        }
    }
}

impl Policy for Planned {
    fn hit(&mut self, now: f64, key: usize) {
        self.planner.touch(time(now), key as u32, 1);
    }

    fn next(&mut self, now: f64) -> Option<usize> {
        match self.planner.poll(time(now)) {
            Next::Load { id, load, .. } => {
                self.load = Some(load);
                self.loads += 1;
                Some(id as usize)
            }
            Next::Wait(_) => None,
            next => panic!("no {next:?} was expected"),
        }
    }

    fn refreshed(&mut self, now: f64, key: usize, is_changed: bool) {
        let end = if is_changed { End::Changed } else { End::Unchanged };
        let load = self.load.take().expect("it is in flight");
        assert_eq!(self.planner.finish(time(now), load, end), Some(key as u32));
        self.insert(now, key);
    }
}

/// A baseline: the key with the highest score goes, as often as the budget allows.
struct Scored<S> {
    score: S,
    budget: f64,
    loaded_at: Vec<f64>,
    loads: f64,
}

impl<S: Fn(usize, f64) -> f64> Scored<S> {
    const fn new(loaded_at: Vec<f64>, budget: f64, score: S) -> Self {
        Self { score, budget, loaded_at, loads: 0.0 }
    }
}

impl<S: Fn(usize, f64) -> f64> Policy for Scored<S> {
    fn hit(&mut self, _: f64, _: usize) {}

    fn next(&mut self, now: f64) -> Option<usize> {
        let score = |key: usize| (self.score)(key, now - self.loaded_at[key]);
        let best =
            (0..self.loaded_at.len()).max_by(|&one, &other| score(one).total_cmp(&score(other)));
        best.filter(|_| self.loads < self.budget * now)
    }

    fn refreshed(&mut self, now: f64, key: usize, _: bool) {
        self.loaded_at[key] = now;
        self.loads += 1.0;
    }
}

/// The shares of the optimum for so many refreshes a key and second.
fn shares(budget: f64, seed: u64) -> [f64; 4] {
    let keys = keys(&mut Random(seed));
    let budget = budget * KEYS as f64;
    let best = optimum(&keys, budget);
    let planned = |is_known| {
        let mut planned = Planned::new(&keys, budget, is_known);
        let found = run(&keys, &mut planned, 0.01);
        let spent = f64::from(planned.loads) / (budget * END);
        assert!((0.9..1.01).contains(&spent), "{spent} of the budget is spent");
        found / best
    };
    let scored = |score: &dyn Fn(usize, f64) -> f64| {
        let mut baseline = Scored::new(vec![0.0; KEYS], budget, score);
        run(&keys, &mut baseline, 0.05) / best
    };
    let by_age = scored(&|_, age| age);
    let popular_and_stale =
        |key: usize, age: f64| keys[key].hits * -(-keys[key].changes * age).exp_m1();
    [planned(true), planned(false), by_age, scored(&popular_and_stale)]
}

/// Measured with other seeds and for longer: known 0.996 to 0.999, learned 0.980 to 0.997; the
/// baselines 0.70 to 0.91.
#[test]
fn refreshes_are_nearly_as_good_as_can_be() {
    for budget in [0.05, 0.2] {
        let [known, learned, by_age, popular] = shares(budget, 1);
        eprintln!(
            "{budget} a key and second: known {known:.3}, learned {learned:.3}, round robin \
             {by_age:.3}, popular and probably stale {popular:.3} of the optimum"
        );
        assert!(known >= 0.98 && learned >= 0.95, "of the optimum: {known}, {learned}");
        assert!(by_age.max(popular) < 0.9, "the baselines: {by_age}, {popular}");
    }
}
