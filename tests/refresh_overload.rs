//! The planner where more is due than can be done: bursts, budgets that are far too small, jumps of
//! the clock.
#![cfg(feature = "refresh")]

use core::time::Duration;
use std::collections::BTreeSet;

use punctual::key::Key;
use punctual::refresh::{Config, Demand, End, Learned, Next, Planner, Terms, Urgency};
use punctual::time::Time;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(since_start: Duration) -> Time {
    Time::ZERO + since_start
}

/// A planner, a backend whose loads take some time, and what has happened.
#[derive(Clone)]
struct World {
    planner: Planner,
    now: Time,
    took: Duration,
    soft_ttl: Duration,
    hard_ttl: Duration,
    running: BTreeSet<(Time, Key, u32)>,
    hard: Vec<Time>,
    /// When each was loaded last.
    loaded: Vec<Time>,
    demanded: u64,
    expiring: u64,
    refreshes: u64,
    expired: u64,
    waits: u64,
    /// The most polls between two waits that were no events.
    polls: u64,
}

impl World {
    fn new(config: Config, ids: u32, (soft_ttl, hard_ttl): (Duration, Duration)) -> Self {
        let mut world = Self {
            planner: Planner::new(config, Time::ZERO).expect("it is valid"),
            now: Time::ZERO,
            took: ms(10),
            soft_ttl,
            hard_ttl,
            running: BTreeSet::new(),
            hard: vec![Time::MAX; ids as usize],
            loaded: vec![Time::ZERO; ids as usize],
            demanded: 0,
            expiring: 0,
            refreshes: 0,
            expired: 0,
            waits: 0,
            polls: 0,
        };
        (0..ids).for_each(|id| world.insert(id));
        world
    }

    fn insert(&mut self, id: u32) {
        let terms = Terms { lead: self.took, ..Terms::new(self.now, self.soft_ttl, self.hard_ttl) };
        self.planner.insert(self.now, id, terms).expect("it is below the bound");
        self.hard[id as usize] = terms.hard;
    }

    /// Polls until it is to wait: when there is something to do again.
    fn pump(&mut self) -> Option<Time> {
        loop {
            self.polls += 1;
            match self.planner.poll(self.now) {
                Next::Load { id, load, urgency, .. } => {
                    match urgency {
                        Urgency::Demanded { .. } => self.demanded += 1,
                        Urgency::Expiring { .. } => self.expiring += 1,
                        Urgency::Refresh => self.refreshes += 1,
                    }
                    self.running.insert((self.now + self.took, load, id));
                    self.loaded[id as usize] = self.now;
                }
                Next::Expired { id } => {
                    self.expired += 1;
                    assert_eq!(self.hard[id as usize], self.now, "exactly at its hard expiry");
                    self.hard[id as usize] = Time::MAX;
                }
                Next::Raise { .. } => {}
                Next::Overdue { .. } => panic!("no load takes that long"),
                Next::Wait(until) => {
                    self.waits += 1;
                    assert!(until.is_none_or(|until| until > self.now), "not busy");
                    return until;
                }
            }
        }
    }

    fn run(&mut self, until: Time) {
        loop {
            while let Some(&(end, load, id)) = self.running.first().filter(|it| it.0 <= self.now) {
                self.running.remove(&(end, load, id));
                if self.planner.finish(self.now, load, End::Loaded).is_some() {
                    self.insert(id);
                }
            }
            let told = self.pump();
            let ends = self.running.first().map(|&(end, ..)| end);
            let next = told.into_iter().chain(ends).min().filter(|&next| next <= until);
            let Some(next) = next else { break };
            self.now = next;
        }
        self.now = until;
    }
}

impl World {
    /// Runs while each entry is asked for once a second.
    fn ask(&mut self, until: Time) {
        while self.now < until {
            self.run(self.now + seconds(1));
            (0..self.hard.len() as u32).for_each(|id| self.planner.touch(self.now, id, 1));
        }
    }
}

fn budget(loads_per_second: f64) -> Config {
    Config { loads_per_second: Some(loads_per_second), ..Config::default() }
}

/// 20,000 values that turn stale at once: the budget is used to the end and not exceeded, polls
/// are as many as events, and what finds no token goes exactly at its time.
#[test]
fn a_burst_is_worked_off_at_the_budget() {
    let mut world = World::new(budget(1_000.0), 20_000, (seconds(10), seconds(20)));
    for id in 0..20_000 {
        let hit_rate = 10.0 / f64::from(1 + id * 7_919 % 20_000);
        world.planner.teach(Time::ZERO, id, Learned { hit_rate, change_rate: 0.1 });
    }
    world.run(at(seconds(10) - ms(1)));
    assert_eq!((world.refreshes, world.expiring), (0, 0));
    world.run(at(seconds(20)));
    let loads = world.refreshes + world.expiring;
    assert!((9_000..=10_050).contains(&loads), "{loads} loads in ten seconds");
    assert!(world.expired + loads + 100 >= 20_000, "{} are gone", world.expired);
    assert!(world.waits < 4 * loads + 10_000, "{} waits", world.waits);
    world.run(at(seconds(60)));
    assert!(world.planner.price().is_finite());
}

/// One load a second for a thousand entries that are asked for: what is demanded is started at
/// once all the same, and the price stays within what anything is worth.
#[test]
fn demands_do_not_starve() {
    let mut world = World::new(budget(1.0), 1_000, (seconds(5), seconds(20)));
    for second in 0..300_u64 {
        for id in 0..1_000_u32 {
            if (u64::from(id) + second).is_multiple_of(1 + u64::from(id) / 50) {
                world.planner.touch(world.now, id, 1);
                if world.hard[id as usize] == Time::MAX {
                    let deadline = Some(world.now + ms(50));
                    let demand = world.planner.demand(world.now, id, deadline);
                    assert!(matches!(demand, Demand::Queued | Demand::Joined(_)), "{demand:?}");
                }
            }
        }
        world.run(at(seconds(second)) + ms(900));
        assert_eq!(world.planner.in_flight(), 0, "everybody got what they wanted");
        world.run(at(seconds(second + 1)));
    }
    assert!(world.demanded > 1_000 && world.expired > 1_000);
    assert!(world.refreshes + world.expiring <= 16 + 300);
    let price = world.planner.price();
    assert!((0.0..1e9).contains(&price), "{price}");
    let most = 10 * (world.demanded + world.expired) + 100 * 300;
    assert!(world.waits < most, "{} waits", world.waits);
}

/// The budget is short, then it isn't: the price comes back, and everything is refreshed again.
#[test]
fn the_price_comes_back() {
    let mut world = World::new(budget(50.0), 1_000, (seconds(1), seconds(1 << 30)));
    for id in 0..1_000 {
        world.planner.teach(Time::ZERO, id, Learned { hit_rate: 1.0, change_rate: 0.1 });
    }
    world.ask(at(seconds(120)));
    assert!(world.planner.price() > 0.0);
    for id in 20..1_000 {
        world.planner.remove(world.now, id);
    }
    world.ask(at(seconds(240)));
    let before = world.refreshes;
    world.ask(at(seconds(340)));
    let rounds = (world.refreshes - before) / 20;
    assert!((90..=100).contains(&rounds), "20 entries are refreshed each second: {rounds}");
}

/// An hour passes between two polls: everything is told of, one thing a poll, and then it waits.
#[test]
fn the_clock_jumps_an_hour() {
    let mut world = World::new(budget(10.0), 500, (seconds(10), seconds(40)));
    for id in 0..50 {
        world.planner.demand(world.now, 600 + id, Some(world.now));
    }
    let started = (0..50).filter(|_| matches!(world.planner.poll(world.now), Next::Load { .. }));
    assert_eq!(started.count(), 50);
    let now = at(seconds(3_600));
    let nexts: Vec<Next> = (0..2_000).map(|_| world.planner.poll(now)).collect();
    let count = |is_one: fn(&Next) -> bool| nexts.iter().filter(|next| is_one(next)).count();
    assert_eq!(count(|next| matches!(next, Next::Overdue { .. })), 50);
    assert_eq!(count(|next| matches!(next, Next::Expired { .. })), 500);
    assert!(matches!(nexts[560], Next::Wait(None)), "{:?}", nexts[560]);
    assert_eq!(world.planner.poll(at(seconds(60))), Next::Wait(None), "no time goes back");
}

/// 300 latest starts at once are more than one poll looks at: it goes on soon, until all are seen.
#[test]
fn a_poll_looks_at_so_many() {
    let config = Config { concurrent: 1, ..Config::default() };
    let mut planner = Planner::new(config, Time::ZERO).expect("it is valid");
    for id in 0..300 {
        let terms = Terms::new(Time::ZERO, seconds(60), seconds(64));
        planner.insert(Time::ZERO, id, terms).expect("it is below the bound");
    }
    let mut now = at(seconds(63));
    let mut waits = 0;
    loop {
        match planner.poll(now) {
            Next::Load { .. } => {}
            Next::Wait(until) => {
                let until = until.expect("the values go");
                assert!(until > now && until <= at(seconds(64)), "{until:?}");
                if until == at(seconds(64)) {
                    break;
                }
                (now, waits) = (until, waits + 1);
            }
            next => panic!("not {next:?}"),
        }
        planner.assert_invariants();
    }
    assert!((1..10).contains(&waits), "{waits} looks");
}

/// A load takes longer than its value lives: no load starts before it may, so there is no storm.
#[test]
fn a_lead_beyond_the_life_makes_no_storm() {
    let mut planner = Planner::new(Config::default(), Time::ZERO).expect("it is valid");
    let (mut loads, mut now) = (0, Time::ZERO);
    while now < at(seconds(10)) {
        let terms = Terms { lead: seconds(5), ..Terms::new(now, ms(500), ms(1_000)) };
        planner.insert(now, 0, terms).expect("it is below the bound");
        planner.touch(now, 0, 5);
        let until = match planner.poll(now) {
            Next::Wait(until) => until.expect("it is refreshed in time"),
            next => panic!("nothing is to be done yet, not {next:?}"),
        };
        now = until;
        let Next::Load { load, .. } = planner.poll(now) else { panic!("it is time") };
        loads += 1;
        planner.finish(now, load, End::Loaded);
    }
    assert!(loads <= 21, "{loads} loads in 20 soft TTLs");
}

/// An urgent load that failed is tried again when it may be, before the value goes.
#[test]
fn a_failed_load_stays_urgent() {
    let mut planner = Planner::new(budget(0.5), Time::ZERO).expect("it is valid");
    let terms = Terms { lead: seconds(5), ..Terms::new(Time::ZERO, seconds(10), seconds(60)) };
    planner.insert(Time::ZERO, 0, terms).expect("it is below the bound");
    planner.teach(Time::ZERO, 0, Learned { hit_rate: 0.2, change_rate: 1e-9 });
    planner.set_hard(Time::ZERO, 0, at(seconds(60)));
    let mut now = at(seconds(51));
    let load = loop {
        match planner.poll(now) {
            Next::Load { load, .. } => break load,
            Next::Wait(until) => now = until.expect("it expires"),
            next => panic!("not {next:?}"),
        }
    };
    let retry_at = now + seconds(2);
    planner.finish(now, load, End::Failed { retry_at });
    now = loop {
        match planner.poll(now) {
            Next::Wait(until) => now = until.expect("it is tried again"),
            Next::Load { urgency: Urgency::Expiring { .. }, .. } => break now,
            next => panic!("it is urgent, not {next:?}"),
        }
    };
    assert!(now >= retry_at && now < at(seconds(60)), "{now:?}");
}

/// A hit rate that rises brings a refresh forward, and not only when it would have been due.
#[test]
fn a_risen_hit_rate_brings_a_refresh_forward() {
    let mut world = World::new(budget(20.0), 400, (ms(1), seconds(1 << 30)));
    for id in 0..400 {
        world.planner.teach(world.now, id, Learned { hit_rate: 1.0, change_rate: 0.01 });
    }
    world.ask(at(seconds(203)));
    let loaded = |hits: u32| {
        let mut world = world.clone();
        world.planner.touch(world.now, 7, hits);
        let before = world.loaded[7];
        while world.loaded[7] == before {
            world.run(world.now + ms(10));
        }
        world.loaded[7]
    };
    let [calm, hot] = [0, 120].map(|hits| loaded(hits).saturating_since(world.now));
    assert!(hot < calm * 2 / 3, "{hot:?} is not well before {calm:?}");
}
