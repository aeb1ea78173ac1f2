//! `Planner` against plain lists of entries, loads and demands.

mod configs;
mod ops;
mod oracle;
mod polling;
mod rates;

use core::time::Duration;

use punctual::key::Key;
use punctual::refresh::{Config, Demand, End, IdError, Learned, Next, Planner, Terms, Urgency};
use punctual::time::Time;

use super::{Model, Word};
#[allow(unused_imports, reason = "some drivers choose a configuration by number")]
pub(crate) use configs::{CONFIGS, config};
use ops::{COSTS, IDS, RATES};
pub(crate) use ops::{Ended, Life, Op, Value, units};
use oracle::Oracle;
use polling::{Expected, Idle, Purse};

/// Polls in a row are fewer than this, whatever is due.
const MOST_POLLS: u32 = 200;

/// The tokens, as far as a plain bucket knows them.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Time,
}

/// The planner beside its oracle.
#[derive(Clone)]
pub(crate) struct PlannerModel {
    planner: Planner,
    oracle: Oracle,
    bucket: Bucket,
    now: Time,
    /// When the last wait ends.
    told: Option<Time>,
    /// Loads whose names find nothing any more.
    ended: Vec<Key>,
    /// When refreshes have started, and what they took.
    starts: Vec<(Time, f64)>,
    /// What polls have said.
    pub(crate) schedule: Vec<Next>,
}

impl PlannerModel {
    pub(crate) fn new(config: Config) -> Self {
        Self::starting_at(config, Time::from_nanos(5_000))
    }

    /// A model of the configuration with this number.
    pub(crate) fn numbered(number: u32) -> Self {
        Self::starting_at(config(number), configs::start(number))
    }

    fn starting_at(config: Config, now: Time) -> Self {
        Self {
            planner: Planner::new(config, now).expect("it is valid"),
            oracle: Oracle::new(config, now),
            bucket: Bucket { tokens: f64::from(config.burst), at: now },
            now,
            told: None,
            ended: Vec::new(),
            starts: Vec::new(),
            schedule: Vec::new(),
        }
    }

    /// The oracle learns what was seen, if that is what the planner has learned.
    fn learn(&mut self) {
        self.oracle.now = self.now;
        let memory = self.oracle.config.memory;
        for id in 0..IDS {
            let learned = self.planner.learned(self.now, id);
            let seen = self.oracle.get(id).map(|entry| entry.seen.learned(self.now, memory));
            assert_eq!(learned.is_some(), seen.is_some(), "what is known of {id}");
            let (Some(learned), Some(seen)) = (learned, seen) else { continue };
            assert_near(learned.change_rate, seen.change_rate, "changes");
            assert_near(learned.hit_rate, seen.hit_rate, "hits");
            self.oracle.get_mut(id).expect("it is known").rates = learned;
        }
    }

    fn insert(&mut self, value: Value) {
        let now = self.now;
        let stored = match value.age {
            0.. => now - units(value.age.unsigned_abs()),
            _ => now + units(value.age.unsigned_abs()),
        };
        let hard = match value.hard {
            Life::Units(hard) => now + units(hard),
            Life::Endless => Time::MAX,
        };
        let terms = Terms {
            stored,
            not_before: now + units(value.not_before),
            soft: now + units(value.soft),
            hard,
            lead: units(value.lead),
            cost: COSTS[usize::from(value.cost)],
            change_rate: RATES[usize::from(value.rate)],
        };
        self.insert_terms(value.id, terms);
    }

    fn insert_terms(&mut self, id: u32, terms: Terms) {
        let now = self.now;
        let inserted = self.planner.insert(now, id, terms);
        let Some(entry) = self.oracle.get_or_new(id) else {
            assert_eq!(inserted, Err(IdError), "an id beyond the bound");
            return;
        };
        assert_eq!(inserted, Ok(()));
        if !entry.was_stored && !entry.is_touched {
            entry.seen.expect_hits(now, terms.soft.saturating_since(terms.stored));
        }
        entry.seen.expect_changes(&terms);
        entry.was_stored = true;
        entry.terms = Some(Terms { stored: terms.stored.min(now), ..terms });
        entry.stale_since = None;
        (entry.retry_at, entry.barred_until) = (Time::ZERO, Time::ZERO);
        self.replan(id);
    }

    /// What the oracle does after a change of an entry.
    fn replan(&mut self, id: u32) {
        self.learn();
        self.oracle.plan(id);
    }

    fn touch(&mut self, id: u32, hits: u32) {
        self.planner.touch(self.now, id, hits);
        if hits > 0 && id < IDS {
            if let Some(entry) = self.oracle.get_mut(id) {
                entry.seen.touch(self.now, hits);
            }
            self.learn();
            if let Some(rates) = self.planner.learned(self.now, id) {
                self.oracle.touch(id, rates);
            }
        }
    }

    fn expire(&mut self, id: u32) {
        self.planner.expire(self.now, id);
        let now = self.now;
        if let Some(entry) = self.oracle.get_mut(id) {
            entry.stale_since = entry.terms.map(|_| entry.stale_since.unwrap_or(now));
        }
        self.replan(id);
    }

    fn abandon(&mut self, id: u32) {
        self.planner.abandon(self.now, id);
        self.oracle.demands.retain(|wanted| wanted.id != id);
        self.oracle.abandon(id);
        let is_worth_knowing = self.oracle.get(id).is_some_and(|entry| {
            entry.terms.is_some() || entry.retry_at > self.now || entry.load.is_some()
        });
        if id < IDS && !is_worth_knowing {
            self.oracle.entries[id as usize] = None;
        }
        self.replan(id);
    }

    fn remove(&mut self, id: u32) {
        self.planner.remove(self.now, id);
        self.oracle.demands.retain(|wanted| wanted.id != id);
        self.oracle.abandon(id);
        if id < IDS {
            self.oracle.entries[id as usize] = None;
        }
    }

    fn clear(&mut self) {
        self.planner.clear(self.now);
        self.oracle.demands.clear();
        (0..IDS).for_each(|id| self.oracle.abandon(id));
        self.oracle.forget();
    }

    fn demand(&mut self, id: u32, deadline: Option<Time>) {
        let found = self.planner.demand(self.now, id, deadline);
        let expected = self.oracle.demand(id, deadline);
        assert_eq!(found, expected, "a demand of {id}");
        if found == Demand::Queued {
            self.replan(id);
        }
    }

    fn finish(&mut self, key: Key, ended: Ended, soft: u32) {
        let now = self.now;
        let end = match ended {
            Ended::Changed => End::Changed,
            Ended::Unchanged => End::Unchanged,
            Ended::Loaded => End::Loaded,
            Ended::Failed { after } => End::Failed { retry_at: now + units(after) },
            Ended::Dropped { after } => End::Dropped { retry_at: now + units(after) },
        };
        let found = self.planner.finish(now, key, end);
        let load = self.oracle.release(key);
        self.ended.push(key);
        let id = load.and_then(|load| load.id);
        assert_eq!(found, id, "whose load it was");
        let Some(id) = id else { return };
        let entry = self.oracle.get_mut(id).expect("its load is current");
        entry.load = None;
        match (end, load.and_then(|load| load.age)) {
            (End::Changed, Some(age)) => entry.seen.look(age, true),
            (End::Unchanged, Some(age)) => entry.seen.look(age, false),
            (End::Failed { retry_at }, _) => {
                (entry.retry_at, entry.barred_until) = (retry_at, retry_at);
            }
            (End::Dropped { retry_at }, _) => entry.retry_at = entry.retry_at.max(retry_at),
            _ => {}
        }
        self.replan(id);
        let is_success = !matches!(end, End::Failed { .. } | End::Dropped { .. });
        if is_success && soft < 7 {
            self.insert_terms(id, Terms::new(now, units(soft), units(4 * soft)));
        }
    }

    /// Polls, and compares with what is expected; whether it says to wait.
    fn poll(&mut self, now: Time) -> bool {
        self.now = self.now.max(now);
        self.learn();
        let before = self.planner.price();
        let found = self.planner.poll(now);
        self.schedule.push(found);
        // Zero stays zero, until a refresh that is turned away makes the first price.
        let price = if before > 0.0 { self.planner.price() } else { 0.0 };
        self.oracle.set_price(price);
        let has_started = matches!(found, Next::Load { .. });
        let burst = f64::from(self.oracle.config.burst);
        let tokens = self.refill().tokens;
        let tokens = self.oracle.config.loads_per_second.map(|_| tokens);
        let expected = self.oracle.poll(&Purse { tokens, burst, has_started });
        self.compare(found, expected);
        self.oracle.price = self.planner.price();
        matches!(found, Next::Wait(_))
    }

    fn refill(&mut self) -> Bucket {
        let config = self.oracle.config;
        let since = self.now.saturating_since(self.bucket.at).as_secs_f64();
        let income = since * config.loads_per_second.unwrap_or(0.0);
        let tokens = (self.bucket.tokens + income).min(f64::from(config.burst));
        self.bucket = Bucket { tokens, at: self.now };
        self.bucket
    }

    fn compare(&mut self, found: Next, expected: Expected) {
        match (found, expected) {
            (Next::Load { id, load, urgency, until }, Expected::Load { .. }) => {
                let said = Expected::Load { id, urgency, until };
                assert_eq!(format!("{said:?}"), format!("{expected:?}"));
                self.check_start(id, load, urgency);
                self.oracle.started(id, load, urgency, until);
            }
            (Next::Wait(until), Expected::Wait(event, idle)) => self.check_wait(until, event, idle),
            (found, Expected::Next(expected)) => {
                assert_eq!(found, expected);
                if let Next::Overdue { load, .. } = found {
                    self.ended.push(load);
                }
            }
            (found, expected) => panic!("it says {found:?}, not {expected:?}"),
        }
    }

    /// What holds of every start, whatever the policy.
    fn check_start(&mut self, id: u32, key: Key, urgency: Urgency) {
        let entry = self.oracle.get(id).expect("it is known").clone();
        assert!(entry.load.is_none(), "{id} is being loaded");
        assert!(self.oracle.load(key).is_none() && !self.ended.contains(&key), "a new name");
        let config = self.oracle.config;
        let burst = f64::from(config.burst);
        let fee = entry.cost().min(burst);
        if let Urgency::Demanded { .. } = urgency {
            self.bucket.tokens = (self.bucket.tokens - fee).max(-burst);
            return;
        }
        self.bucket.tokens -= fee;
        let terms = entry.terms.expect("a value is refreshed");
        assert!(self.now >= entry.earliest(&terms), "{id} may not be refreshed yet");
        assert!(self.now < terms.hard || terms.hard == Time::MAX, "{id} is gone");
        self.starts.push((self.now, fee));
        let Some(rate) = config.loads_per_second else { return };
        let mut sum = 0.0;
        for &(at, fee) in self.starts.iter().rev() {
            sum += fee;
            let most = burst + rate * self.now.saturating_since(at).as_secs_f64();
            assert!(sum <= most * (1.0 + 1e-6) + 1e-6, "{sum} is above the budget of {most}");
        }
    }

    fn check_wait(&mut self, until: Option<Time>, event: Option<Time>, idle: Idle) {
        self.told = until;
        let is_ahead = until.is_none_or(|until| until > self.now);
        assert!(is_ahead, "a wait ends in the future: {until:?} at {:?}", self.now);
        // When time has ended, nothing comes any more.
        let event = event.filter(|_| self.now < Time::MAX);
        if let Some(event) = event {
            assert!(until.is_some_and(|until| until <= event), "{until:?} is after {event:?}");
        }
        if self.planner.price() == 0.0 && idle != Idle::Token {
            assert_eq!(until, event, "nothing else is to be waited for");
        }
        let is_limited = self.oracle.config.loads_per_second.is_some();
        let is_token_to_come = idle == Idle::Token && is_limited && self.now < Time::MAX;
        assert!(!is_token_to_come || until.is_some(), "tokens come");
        let hards = self.oracle.ids().filter_map(|(_, entry)| Some(entry.terms?.hard));
        assert!(hards.min().is_none_or(|hard| hard > self.now || hard == Time::MAX));
    }

    fn poll_all(&mut self) {
        let polls = (0..MOST_POLLS).find(|_| self.poll(self.now));
        assert!(polls.is_some(), "it comes to an end");
    }

    fn pick(&self, pick: u32) -> Option<Key> {
        let loads = &self.oracle.loads;
        Some(loads.get((pick as usize).checked_rem(loads.len())?)?.key)
    }
}

fn assert_near(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(found.is_finite() && error <= 1e-6 * expected.abs(), "{what}: {found}, {expected}");
}

impl Model for PlannerModel {
    type Op = Op;

    fn decode(word: Word) -> Op {
        Op::decode(word)
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert(value) => self.insert(value),
            Op::SetHard { id, by } => {
                let span = units(by.unsigned_abs());
                let hard = if by < 0 { self.now - span } else { self.now + span };
                self.planner.set_hard(self.now, id, hard);
                let terms = self.oracle.get_mut(id).and_then(|entry| entry.terms.as_mut());
                if let Some(terms) = terms {
                    terms.hard = hard;
                    self.replan(id);
                }
            }
            Op::BackOff { id, by } => {
                let until = self.now + units(by);
                self.planner.back_off(self.now, id, until);
                if let Some(entry) = self.oracle.get_or_new(id) {
                    (entry.retry_at, entry.barred_until) = (until, until);
                    self.replan(id);
                }
            }
            Op::Touch { id, hits } => self.touch(id, hits),
            Op::Expire { id } => self.expire(id),
            Op::Abandon { id } => self.abandon(id),
            Op::Remove { id } => self.remove(id),
            Op::Demand { id, within } => self.demand(id, within.map(|by| self.now + units(by))),
            Op::Poll { after } => {
                self.poll(self.now + units(after));
            }
            Op::PollAll { after } => {
                self.poll(self.now + units(after));
                self.poll_all();
            }
            Op::PollWhenTold => {
                // The end of time would leave nothing to come.
                let near = self.told.filter(|&told| told < self.now + units(1_000));
                self.poll(near.unwrap_or(self.now));
                self.poll_all();
            }
            Op::PollInThePast { by } => {
                self.poll(self.now - units(by));
            }
            Op::PollAtTheEnd => {
                self.poll(Time::MAX);
                self.poll_all();
            }
            Op::Finish { pick, after, ended, soft } => {
                if let Some(key) = self.pick(pick) {
                    self.now += units(after);
                    self.learn();
                    self.finish(key, ended, soft);
                }
            }
            Op::FinishAgain { pick } => {
                if let Some(at) = (pick as usize).checked_rem(self.ended.len()) {
                    let found = self.planner.finish(self.now, self.ended[at], End::Changed);
                    assert_eq!(found, None, "its name finds nothing");
                }
            }
            Op::Teach { id, hits, changes } => self.teach(id, hits, changes),
            Op::Clear => self.clear(),
            Op::Copy => self.planner = self.planner.clone(),
        }
    }

    fn check(&self) {
        self.planner.assert_invariants();
        assert_eq!(self.planner.config(), &self.oracle.config);
        let known = self.oracle.ids().count();
        assert_eq!((self.planner.len(), self.planner.is_empty()), (known, known == 0));
        assert_eq!(self.planner.in_flight() as usize, self.oracle.loads.len());
        for id in 0..=IDS {
            let is_loading = self.oracle.get(id).is_some_and(|entry| entry.load.is_some());
            assert_eq!(self.planner.is_loading(id), is_loading, "a load of {id}");
        }
        let config = self.oracle.config;
        assert!(self.oracle.loads.len() <= config.concurrent as usize);
        let refreshes = self.oracle.loads.iter().filter(|load| load.is_refresh).count();
        assert!(refreshes <= self.oracle.places(Urgency::Expiring { hard: Time::MAX }));
    }
}

impl PlannerModel {
    fn teach(&mut self, id: u32, hits: u8, changes: u8) {
        let hit_rate = [0.0, 0.3, 7.0, f64::NAN][usize::from(hits)];
        let learned = Learned { hit_rate, change_rate: RATES[usize::from(changes)] };
        self.planner.teach(self.now, id, learned);
        let is_sensible = hit_rate.is_finite() && learned.change_rate.is_finite();
        let memory: Duration = self.oracle.config.memory;
        let now = self.now;
        if let Some(entry) = self.oracle.get_mut(id).filter(|_| is_sensible) {
            entry.seen.teach(now, learned, memory);
            self.replan(id);
        }
    }
}
