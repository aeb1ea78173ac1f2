//! The cache beside what caches elsewhere: what a hit costs, how many there are, who waits, and
//! what refreshes cost the requests that they serve.
//!
//! Peers take turns with ours; their figures are of one run, and ratios of one round.

mod asking;
mod backend;
mod by_hand;
mod heart;
mod hits;
mod idle;
mod keys;
mod ratio;
mod readers;
mod stalls;
mod stores;

use std::sync::Arc;

use punctual::time::MonotonicClock;

use crate::machine;
use crate::options::Options;
use crate::pool::Report;
use crate::pool::contest::{Bench, Measured};
use crate::pool::table::{self, Target};
use readers::Reader;
use stores::{Store, Value};

const HIT: &str = "hits of u64";
const HIT_ARC: &str = "hits of Arc<str>";
const SMALL: &str = "room for 1 % of the keys";
const LARGE: &str = "room for 10 % of the keys";
const STALLS: &str = "popular keys";
const IDLE: &str = "idle keys beside popular ones";

pub(crate) fn measure(options: &Options) -> Result<Report, String> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let [producer, worker, ..] = cores[..] else {
        return Err("two threads need a core each".to_owned());
    };
    let bench = Bench { clock: MonotonicClock::new(), producer, worker, quick: options.quick };
    let (repeats, few) = if options.quick { (3, 1) } else { (7, 3) };
    let is_wanted = |part| options.part.as_deref().is_none_or(|wanted| wanted == part);
    let mut measured = Vec::new();
    if is_wanted("hits") {
        measured.push(hits::contest::<u64>(HIT).run(&bench, repeats));
        measured.push(hits::contest::<Arc<str>>(HIT_ARC).run(&bench, repeats));
    }
    if is_wanted("ratio") {
        measured.push(ratio::contest::<1>(SMALL).run(&bench, few));
        measured.push(ratio::contest::<10>(LARGE).run(&bench, few));
    }
    if is_wanted("stalls") {
        measured.push(stalls::contest(STALLS).run(&bench, few));
    }
    if is_wanted("idle") {
        measured.push(idle::measure(IDLE, &bench, few));
    }
    let mut disturbed = 0;
    if is_wanted("heart") {
        let (tables, count) = heart::measure(&bench, few);
        measured.extend(tables);
        disturbed = count;
    }
    if measured.is_empty() {
        return Err("there is no such part".to_owned());
    }
    let header = machine::header("two cores");
    let (verdicts, is_missed) = table::verdicts(&targets(&measured));
    let conditions = conditions(&header, repeats, few, disturbed);
    let text = table::markdown(&conditions, &measured) + "\n" + &verdicts;
    let json = table::json(&header, options.structure.name(), &measured);
    Ok(Report { text, json, is_missed })
}

/// What was measured, on what machine, and how.
fn conditions(header: &str, repeats: usize, few: usize, disturbed: u32) -> String {
    format!(
        "{repeats} turns each for hits and {few} for the rest, one contender after another in an \
         order that is drawn anew; medians of the turns, and their quartiles; {header}\n\n\
         Hits: {} keys of u64, Zipf 0.99, all of them there; hash functions are everybody's own, \
         and foldhash in ours and quick_cache. Who asks is one thread, or two on a core each; \
         process: with what the cache's own threads do. Questions: of as many keys; what is \
         missing is put there, or loaded by ours. Popular keys: 300 with Zipf 0.99, read by 64 \
         tasks on two threads with pauses of a millisecond; TTL 200 ms, served up to 800 ms by \
         those who serve stale values; a load takes 20 ms. Waits: answers that were not there at \
         once; stalls: of these, what took more than 5 ms; held up: answers that were there at \
         once and took as long, since the thread had lost its core; stale: older than the TTL. \
         Idle keys: 200 that are asked for every 500 to 600 ms, beside 200 popular ones; TTL 200 \
         ms, served up to 400 ms.\n\n\
         Bids: 200 µs each, due 10 ms after their scheduled arrival, by one worker; each reads 8 \
         of 100,000 entries, of which 1,667 a second grow stale (TTL 60 s, served up to 240 s) and \
         one in ten is stale at the start. A refresh waits 5 ms and then works for 75 µs, on the \
         worker's core, in a job of the worker's pool or in one of 12 threads; expired: entries \
         whose hard TTL ran out; past hard: answers more than a millisecond after it. Rounds \
         are repeated up to twice if the generator was late or the core's speed changed; \
         {disturbed} rounds were so in the end.\n",
        hits::KEYS
    )
}

/// What our cache is meant to do, of what was measured.
fn targets(measured: &[Measured]) -> Vec<Target> {
    let contest = |title| measured.iter().find(|contest| contest.title == title);
    let at_most = |what, figure, target, goal, unit| Target {
        what,
        figure,
        target,
        goal,
        unit,
        more_is_better: false,
    };
    let mut targets = Vec::new();
    targets.extend(contest(HIT).into_iter().flat_map(hit_targets::<u64>));
    targets.extend(contest(HIT_ARC).into_iter().flat_map(hit_targets::<Arc<str>>));
    for contest in [SMALL, LARGE].into_iter().filter_map(contest) {
        let (ours, quick) = (<stores::Ours<u64>>::NAME, <stores::Quick<u64>>::NAME);
        for (column, name) in ratio::COLUMNS.iter().enumerate() {
            let difference = contest.difference(quick, ours, column);
            let what = format!("{}, {name}: {ours} is worse than {quick} by", contest.title);
            targets.push(at_most(what, difference, 0.1, 0.0, " % of the questions"));
        }
    }
    if let Some(contest) = contest(STALLS) {
        let ours = readers::Ours::NAME;
        let waits = contest.median(ours, stalls::WAITS);
        targets.push(at_most(format!("{STALLS}: waits of {ours}"), waits, 0.0, 0.0, ""));
        let loads = contest.median(ours, stalls::LOADS);
        targets.push(at_most(format!("{STALLS}: loads a key and TTL"), loads, 1.1, 1.05, ""));
    }
    if let Some(contest) = contest(IDLE) {
        let stalls = contest.median(idle::AS_MANY, idle::STALLS);
        let what = format!("{IDLE}: stalls of {}", idle::AS_MANY);
        targets.push(at_most(what, stalls, 1.0, 0.1, " % of the reads"));
    }
    for (_, title) in heart::LOADS {
        let Some(contest) = contest(title) else { continue };
        let (alone, in_one) = (heart::ALONE, heart::IN_ONE);
        let lost = contest.difference(alone, in_one, heart::ON_TIME);
        let what = format!("{title}: fewer on time {in_one} than {alone}");
        targets.push(at_most(what, lost, 0.5, 0.1, " % of the bids"));
        let past_hard = contest.worst(in_one, heart::PAST_HARD);
        targets.push(at_most(format!("{title}: past hard"), past_hard, 0.0, 0.0, " reads"));
    }
    targets
}

fn hit_targets<V: Value>(contest: &Measured) -> [Target; 2] {
    let ours = <stores::Ours<V>>::NAME;
    let peers = [(<stores::Quick<V>>::NAME, 1.15, 1.05), (<stores::Moka<V>>::NAME, 0.2, 0.15)];
    peers.map(|(peer, target, goal)| {
        let what = format!("{}: {ours} / {peer}", contest.title);
        let figure = contest.ratio(ours, peer, 0);
        Target { what, figure, target, goal, unit: "x", more_is_better: false }
    })
}
