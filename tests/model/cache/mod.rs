//! `RefreshCache` against plain lists: the dispatcher keeps loads in a list too, and the model
//! decides how each of them ends.

mod checks;
mod configs;
mod demands;
mod landings;
mod ops;
mod oracle;
mod waits;
mod world;

use std::sync::Arc;
use std::time::Duration;

use punctual::cache::{Answer, RefreshCache, cached};
use punctual::scheduler::Budget;
use punctual::time::Time;

use super::{Model, Word};
#[allow(unused_imports, reason = "some drivers choose a configuration by number")]
pub(crate) use configs::{CONFIGS, Settings, settings};
#[allow(unused_imports, reason = "some drivers only decode operations")]
pub(crate) use ops::{Brings, Op, Patience, Ttls, units};
use oracle::{Expected, Oracle};
use waits::Waiter;
use world::{End, Event, List, World, loaded};

/// So few that operations meet.
pub(crate) const KEYS: usize = 5;

type Cache = RefreshCache<u8, u32>;

pub(crate) struct CacheModel {
    cache: Cache,
    world: Arc<World>,
    oracle: Oracle,
    waiters: Vec<Waiter>,
    /// Waits that were over at once, by their numbers.
    late: Vec<(waits::Outcome, usize)>,
    /// What the last advance said, if nothing was called since.
    told: Option<Option<Time>>,
    /// How long loads took, as far as the cache knew before the operation.
    lead: Duration,
    turn: u64,
}

fn build(settings: &Settings, world: &Arc<World>) -> Cache {
    let one = world.clone();
    let load = move |key: u8, _: Budget| {
        let called = one.call(&[key]);
        async move {
            let (brings, keys) = called.await;
            loaded(brings, keys[0].1)
        }
    };
    let listener = world.clone();
    let mut builder = cached(load)
        .soft_ttl(settings.soft)
        .hard_ttl(settings.hard)
        .negative_ttl(settings.negative)
        .jitter(settings.jitter)
        .refresh_after(settings.refresh_after)
        .stale_if_error(settings.stale_if_error)
        .back_off(settings.first_back_off, settings.most_back_off)
        .latency(settings.latency)
        .capacity(settings.capacity)
        .plan(settings.plan)
        .seed(7)
        .listener(move |&key, &value, why| listener.left(key, value, why));
    if settings.bulk > 1 {
        let many = world.clone();
        builder = builder.bulk(settings.bulk, move |keys: Vec<u8>, _| {
            let called = many.call(&keys);
            async move {
                let (brings, keys) = called.await;
                let each = |(key, version)| loaded(brings, version).map(|loaded| (key, loaded));
                let all: Result<Vec<_>, _> = keys.into_iter().map(each).collect();
                // What is absent needn't be named.
                all.map(|all| match brings {
                    Brings::Absent(ttls) if ttls == Ttls::default() => Vec::new(),
                    _ => all,
                })
            }
        });
    }
    if settings.is_weighed {
        let settings = settings.clone();
        builder = builder.weigher(move |_, &value| settings.weight(value));
    }
    if settings.detects_changes {
        builder = builder.detect_changes();
    }
    let start = Time::from_nanos(settings.start_ns);
    builder.build_driven(List(world.clone()), start).expect("it is a valid configuration")
}

impl CacheModel {
    pub(crate) fn new(settings: &Settings) -> Self {
        let world = Arc::new(World::default());
        Self {
            cache: build(settings, &world),
            world,
            oracle: Oracle::new(settings),
            waiters: Vec::new(),
            late: Vec::new(),
            told: None,
            lead: settings.latency,
            turn: 0,
        }
    }

    /// A model of the configuration with this number.
    pub(crate) fn numbered(number: u32) -> Self {
        Self::new(&settings(number))
    }

    fn deadline(&self, patience: Patience) -> Option<u64> {
        let nanos = |count| u64::try_from(units(count).as_nanos()).expect("it is short");
        patience.map(|count| self.oracle.now.saturating_add(nanos(count)))
    }

    fn budget(&self, patience: Patience) -> Budget {
        let deadline = self.deadline(patience).map(Time::from_nanos);
        deadline.map_or(Budget::UNLIMITED, Budget::until)
    }

    /// A key's calls go through its entry every other time.
    const fn is_by_entry(&self) -> bool {
        self.turn % 2 == 1
    }

    fn get(&mut self, key: u8) {
        if self.oracle.is_unsure(key) && self.oracle.peek(key).is_missing() {
            // Somebody must wait, so that it shows whether the key is left alone.
            return self.get_or_wait(key, Some(3));
        }
        let expected = self.oracle.find(key);
        let answer = match self.is_by_entry() {
            true => self.cache.entry(key).get(),
            false => self.cache.get(&key),
        };
        assert_eq!(answer, expected, "get({key})");
        if expected.is_missing() {
            let _ = self.oracle.demand(key, None);
            self.oracle.pump();
        } else {
            assert!(self.world.is_silent(), "a hit did more than answer");
        }
    }

    fn get_or_wait(&mut self, key: u8, patience: Patience) {
        let (budget, answer) = (self.budget(patience), self.oracle.find(key));
        let wait = match self.is_by_entry() {
            true => self.cache.entry(key).or_wait(budget),
            false => self.cache.get_or_wait(&key, budget),
        };
        self.answered_or_waits(key, answer, patience, wait);
    }

    fn get_fresh(&mut self, key: u8, patience: Patience) {
        let (budget, answer) = (self.budget(patience), self.oracle.find(key));
        let wait = match self.is_by_entry() {
            true => self.cache.entry(key).fresh_or_wait(budget),
            false => self.cache.get_fresh(&key, budget),
        };
        let answer = if self.oracle.is_fresh(key) { answer } else { Answer::Missing };
        self.answered_or_waits(key, answer, patience, wait);
    }

    fn refresh(&mut self, key: u8, patience: Patience) {
        let budget = self.budget(patience);
        let wait = match self.is_by_entry() {
            true => self.cache.entry(key).refresh(budget),
            false => self.cache.refresh(&key, budget),
        };
        self.answered_or_waits(key, Answer::Missing, patience, wait);
    }

    fn get_many(&mut self, keys: u8) {
        let keys: Vec<_> = (0..KEYS as u8).filter(|key| keys >> key & 1 == 1).collect();
        if keys.iter().any(|&key| self.oracle.is_unsure(key)) {
            return;
        }
        let expected: Vec<_> = keys.iter().map(|&key| self.oracle.find(key)).collect();
        assert_eq!(self.cache.get_many(&keys), expected, "get_many({keys:?})");
        let missing = keys.iter().zip(&expected).filter(|(_, answer)| answer.is_missing());
        for (&key, _) in missing {
            let _ = self.oracle.demand(key, None);
        }
        self.oracle.pump();
    }

    fn get_many_or_wait(&mut self, keys: u8, patience: Patience) {
        let keys: Vec<_> = (0..KEYS as u8).filter(|key| keys >> key & 1 == 1).collect();
        if keys.iter().any(|&key| self.oracle.is_unsure(key)) {
            return;
        }
        let (budget, deadline) = (self.budget(patience), self.deadline(patience));
        let answers: Vec<_> = keys.iter().map(|&key| self.oracle.find(key)).collect();
        let expect = |(&key, answer): (&u8, Answer<u32>)| match answer {
            Answer::Missing => match self.oracle.demand(key, Some(deadline.unwrap_or(u64::MAX))) {
                Ok(flight) => self.oracle.wait(flight, deadline).ok_or(Expected::Elapsed),
                Err(refused) => Err(refused),
            },
            answer => Err(Expected::Answer(answer)),
        };
        let expected = keys.iter().zip(answers).map(expect).collect();
        self.oracle.pump();
        let waits = self.cache.get_many_or_wait(&keys, budget);
        self.wait_for_many(expected, waits);
    }

    fn put(&mut self, key: u8, brings: Brings) {
        let version = self.world.next_version();
        let value = loaded(brings, version).expect("what is put is no error");
        self.oracle.put(key, brings, version);
        match self.is_by_entry() {
            true => self.cache.entry(key).put(value),
            false => self.cache.put(key, value),
        }
    }

    fn or_put(&mut self, key: u8) {
        let (expected, version) = (self.oracle.find(key), self.world.next_version());
        let answer = match self.is_by_entry() {
            true => self.cache.entry(key).or_put(version),
            false => self.cache.entry(key).or_put_with(|| version),
        };
        if expected.is_missing() {
            assert_eq!(answer, Answer::Fresh(version), "or_put({key})");
            self.oracle.put(key, Brings::Value(Ttls::default()), version);
        } else {
            assert_eq!(answer, expected, "or_put({key})");
        }
    }

    fn invalidate(&mut self, key: u8) {
        let expected = self.oracle.invalidate(key);
        let was_there = match self.is_by_entry() {
            true => self.cache.entry(key).invalidate(),
            false => self.cache.invalidate(&key),
        };
        assert_eq!(was_there, expected, "invalidate({key})");
    }

    fn expire(&mut self, key: u8) {
        let expected = self.oracle.expire(key);
        let was_there = match self.is_by_entry() {
            true => self.cache.entry(key).expire(),
            false => self.cache.expire(&key),
        };
        assert_eq!(was_there, expected, "expire({key})");
    }

    fn clear(&mut self) {
        if !self.oracle.is_clear_ambiguous() {
            // All hits are taken in.
            self.advance(self.cache.now());
            self.told = None;
            self.oracle.clear();
            self.cache.clear();
        }
    }

    /// A snapshot has all that is served, and what was cleared comes back.
    fn save(&mut self, away: u32) {
        if self.oracle.is_clear_ambiguous() {
            return;
        }
        let mut saved = self.cache.snapshot();
        saved.sort_by_key(|saved| saved.key);
        let found: Vec<_> = saved.iter().map(|it| (it.key, it.value)).collect();
        let known = (0..KEYS as u8).filter_map(|key| Some((key, self.oracle.saved(key)?)));
        let known: Vec<_> = known.collect();
        assert_eq!(found, known.iter().map(|&(key, it)| (key, it.0)).collect::<Vec<_>>());
        for (saved, (_, (_, times))) in saved.iter().zip(known) {
            let found = [saved.age, saved.soft, saved.hard].map(oracle::nanos);
            assert_eq!(found, times, "the times of {saved:?}");
        }
        self.clear();
        self.settle();
        let away = units(away);
        let expected = saved.iter().filter(|it| self.oracle.restore(it, oracle::nanos(away)));
        let expected = expected.count();
        // In a small cache some push others out at once.
        let restored = self.cache.restore(saved, away);
        assert!(restored == expected || self.oracle.settings.is_small() && restored <= expected);
    }

    fn advance(&mut self, to: Time) {
        let told = self.told.take();
        // At the end of time even what never ends is over.
        let to = to.min(Time::from_nanos(u64::MAX - 1));
        let before = (self.oracle.counts, self.oracle.occupied());
        self.oracle.advance(to.as_nanos());
        let next = self.cache.advance(to);
        self.settle();
        assert!(next.is_none_or(|next| next >= to), "{next:?} is in the past");
        // A token is waited for a little longer, so that rounding doesn't leave a rest.
        let almost = to + Duration::from_micros(1);
        if told.is_some_and(|told| told.is_none_or(|told| almost < told)) {
            let after = (self.oracle.counts, self.oracle.occupied());
            assert_eq!(before, after, "at {to:?}, but nothing was due before {told:?}");
        }
        self.told = Some(next);
    }

    fn pick(&self, pick: u32) -> Option<usize> {
        let loads = self.world.loads();
        let newest = loads.len().checked_sub(1)?;
        Some(loads[newest - pick as usize % loads.len()])
    }

    fn end(&mut self, load: usize, brings: Brings) {
        if self.oracle.loads[load].is_called_off {
            self.world.note(Event::Ends { load, end: End::Dropped });
        }
        self.world.decide(load, brings);
        self.world.poll(load);
    }

    fn end_late(&mut self, load: usize, after: u32, brings: Brings) {
        let to = (self.cache.now() + units(after)).min(Time::from_nanos(u64::MAX - 1));
        self.world.be_late(&self.cache, to);
        self.end(load, brings);
        self.world.be_punctual();
    }

    fn drop_load(&mut self, load: usize) {
        self.world.note(Event::Ends { load, end: End::Dropped });
        self.world.drop_load(load);
    }

    /// Who waits hears that the cache is gone, and loads end without a trace.
    fn close(&mut self) {
        let settings = self.oracle.settings.clone();
        let world = Arc::new(World::default());
        self.oracle.close();
        let closed = core::mem::replace(&mut self.cache, build(&settings, &world));
        drop(closed);
        self.check_waits();
        let others = core::mem::replace(&mut self.world, world);
        for load in others.loads() {
            others.poll(load);
        }
        assert!(others.loads().is_empty(), "a load goes on without its cache");
        let waiters = core::mem::take(&mut self.waiters);
        waiters.into_iter().for_each(|waiter| self.end_wait(waiter));
        self.oracle = Oracle::new(&settings);
        (self.told, self.lead) = (None, settings.latency);
    }
}

impl Drop for CacheModel {
    fn drop(&mut self) {
        self.world.end_all();
    }
}

impl Model for CacheModel {
    type Op = Op;

    fn decode(word: Word) -> Op {
        Op::decode(word)
    }

    fn apply(&mut self, op: Op) {
        self.turn += 1;
        self.lead = self.cache.stats().latency;
        let told = self.told.take();
        match op {
            Op::Get { key } => self.get(key),
            Op::GetOrWait { key, patience } => self.get_or_wait(key, patience),
            Op::GetFresh { key, patience } => self.get_fresh(key, patience),
            Op::Refresh { key, patience } => self.refresh(key, patience),
            Op::GetMany { keys } => self.get_many(keys),
            Op::GetManyOrWait { keys, patience } => self.get_many_or_wait(keys, patience),
            Op::Peek { key } => assert_eq!(self.cache.peek(&key), self.oracle.peek(key)),
            Op::Ttl { key } => self.check_ttl(key, self.cache.ttl(&key)),
            Op::Put { key, brings } => self.put(key, brings),
            Op::OrPut { key } => self.or_put(key),
            Op::Invalidate { key } => self.invalidate(key),
            Op::Expire { key } => self.expire(key),
            Op::Clear => self.clear(),
            Op::Save { away } => self.save(away),
            Op::Advance { by } => {
                self.told = told;
                self.advance(self.cache.now() + units(by));
            }
            Op::AdvanceWhenTold => {
                let next = told.flatten().filter(|&at| at < self.cache.now() + units(1_000));
                self.told = told;
                self.advance(next.unwrap_or(self.cache.now()));
            }
            Op::AdvanceBack { by } => {
                self.oracle.note_hits();
                self.oracle.pump();
                let _ = self.cache.advance(self.cache.now() - units(by));
            }
            Op::Begin { pick } => self.pick(pick).into_iter().for_each(|load| self.begin(load)),
            Op::End { pick, brings } => {
                self.pick(pick).into_iter().for_each(|load| self.end(load, brings));
            }
            Op::EndLate { pick, after, brings } => {
                self.pick(pick).into_iter().for_each(|load| self.end_late(load, after, brings));
            }
            Op::DropLoad { pick } => {
                self.pick(pick).into_iter().for_each(|load| self.drop_load(load));
            }
            Op::PollWait { pick } => self.poll_wait(pick),
            Op::TryWait { pick } => self.try_wait(pick),
            Op::DropWait { pick } => self.drop_wait(pick),
            Op::Refuse { count } => self.world.refuse(count),
            Op::Leave { is_on } => {
                // Only where the oracle knows whose load it is.
                let is_known = !self.oracle.settings.is_small() && self.oracle.settings.bulk == 1;
                self.world.leave(is_on && is_known);
            }
            Op::Close => self.close(),
        }
        self.settle();
    }

    fn check(&self) {
        self.check_entries();
        self.check_loads();
        self.check_counts();
        self.check_waits();
        let settings = &self.oracle.settings;
        assert_eq!(self.cache.len(), self.oracle.len());
        assert_eq!(self.cache.is_empty(), self.oracle.len() == 0);
        assert_eq!(self.cache.weight(), self.oracle.weight());
        assert!(self.cache.weight() <= self.cache.capacity());
        assert_eq!(self.cache.capacity(), settings.capacity);
        assert_eq!(self.cache.now().as_nanos(), self.oracle.now);
        assert_eq!(self.cache.total_latency(), self.cache.stats().latency);
    }
}
