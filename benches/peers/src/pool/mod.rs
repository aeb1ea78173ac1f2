//! The pool beside what runs jobs elsewhere, in real time on two cores.
//!
//! Every turn starts its threads anew. Where it matters who is on which core, those who submit are
//! bound to one and those who run jobs to the other.

pub(crate) mod contest;
pub(crate) mod executor;
mod heaps;
mod idle;
mod lateness;
mod ours;
pub(crate) mod table;
mod throughput;
mod wake_up;

use punctual::time::MonotonicClock;

use crate::machine;
use crate::options::Options;
use contest::{Bench, Contest, Entrant, Measured, Turn};
use executor::{Channel, Executor, Rayon, Tokio};
use heaps::{Heap, ParkingLot, Std};
use ours::{All, Evict};
use table::Target;
use throughput::{OneProducer, TwoFreeProducers, TwoProducers};

const ONE: &str = "one producer, one worker";
const TWO: &str = "two producers on one core, one worker";
const TWO_FREE: &str = "two producers, one worker, not bound";
const WAKE_UP: &str = "an idle worker is woken";
const RELEASE: &str = "a millisecond, late by";
const IDLE: &str = "idle";

const RAW: &str = "raw park, unpark";
const RELEASED: &str = "Pool, release";

/// What was measured, as text and as JSON, and whether a target is missed.
pub(crate) struct Report {
    pub(crate) text: String,
    pub(crate) json: String,
    pub(crate) is_missed: bool,
}

pub(crate) fn measure(options: &Options) -> Result<Report, String> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let [producer, worker, ..] = cores[..] else {
        return Err("the producer and the worker need a core each".to_owned());
    };
    let (clock, quick) = (MonotonicClock::new(), options.quick);
    let bench = Bench { clock, producer, worker, quick };
    let (repeats, few) = if quick { (5, 1) } else { (15, 3) };
    let contests = [
        (throughput(ONE, everybody::<OneProducer>()), repeats),
        (throughput(TWO, everybody::<TwoProducers>()), repeats),
        (throughput(TWO_FREE, everybody::<TwoFreeProducers>()), repeats),
        (wake_up(), repeats),
        (lateness(), repeats),
        (idle(), few),
    ];
    let measured = contests.map(|(contest, repeats)| contest.run(&bench, repeats));
    let header = machine::header("two cores");
    let (verdicts, is_missed) = table::verdicts(&targets(&measured));
    let text = table::markdown(&conditions(&header, repeats), &measured) + "\n" + &verdicts;
    Ok(Report { text, json: table::json(&header, options.structure.name(), &measured), is_missed })
}

/// All that run jobs, ours first.
fn everybody<T: Turn>() -> Vec<Entrant> {
    vec![
        entrant::<T, All>(),
        entrant::<T, Evict>(),
        entrant::<T, Heap<Std>>(),
        entrant::<T, Heap<ParkingLot>>(),
        entrant::<T, Channel>(),
        entrant::<T, Rayon>(),
        entrant::<T, Tokio>(),
    ]
}

fn entrant<T: Turn, E: Executor>() -> Entrant {
    Entrant { name: E::NAME, is_ours: E::IS_OURS, turn: T::take::<E> }
}

fn throughput(title: &'static str, entrants: Vec<Entrant>) -> Contest {
    Contest { title, unit: "thousand jobs/s", columns: &["median"], entrants }
}

fn wake_up() -> Contest {
    let mut entrants = everybody::<wake_up::WakeUp>();
    entrants.push(Entrant { name: RAW, is_ours: false, turn: wake_up::raw });
    Contest { title: WAKE_UP, unit: "µs", columns: &["p50", "p99"], entrants }
}

fn lateness() -> Contest {
    let entrant = |name, is_ours, turn| Entrant { name, is_ours, turn };
    let entrants = vec![
        entrant(RELEASED, true, lateness::release as fn(&Bench) -> Vec<f64>),
        entrant("Pool, async job, Timer::sleep", true, lateness::async_sleep),
        entrant("Timer::sleep, a thread", true, lateness::blocking_sleep),
        entrant("Timer::sleep, a tokio task", true, lateness::tokio_with_ours),
        entrant("tokio sleep", false, lateness::tokio_sleep),
        entrant("thread::sleep", false, lateness::thread_sleep),
        entrant("park_timeout", false, lateness::park_timeout),
    ];
    Contest { title: RELEASE, unit: "µs", columns: &["p50", "p99"], entrants }
}

fn idle() -> Contest {
    let mut entrants = everybody::<idle::Idle>();
    let turn = idle::with_a_release;
    entrants.insert(2, Entrant { name: "Pool Evict, a release", is_ours: true, turn });
    Contest { title: IDLE, unit: "% of a core", columns: &["median"], entrants }
}

/// What was measured, on what machine, and how.
fn conditions(header: &str, repeats: usize) -> String {
    let window = throughput::WINDOW;
    format!(
        "{repeats} turns each, one contender after another in an order that is drawn anew; \
         medians of the turns, and their quartiles; {header}\n\n\
         Jobs a second: jobs add to a checksum and a count; at most {window} are in flight, so \
         that all queues are equally long. Heaps and pools order them by random deadlines, the \
         others don't. Who produces has a core and the worker the other, or all run where the \
         system lets them. Waking: from before the submission of a job to its \
         start, of a worker that has slept for {:?}, on another core than the producer's. A \
         millisecond: how much later than that the job, task or thread runs, nothing else \
         being to do. Idle: CPU time of the process.\n",
        wake_up::REST
    )
}

/// What our pool is meant to do.
fn targets(measured: &[Measured]) -> Vec<Target> {
    let contest = |title| {
        let mut all = measured.iter();
        all.find(|contest| contest.title == title).expect("it was measured")
    };
    let mut targets = Vec::new();
    for title in [ONE, TWO, TWO_FREE] {
        for ours in [All::NAME, Evict::NAME] {
            let heap = <Heap<Std>>::NAME;
            let (what, figure) =
                (format!("{title}: {ours} / {heap}"), contest(title).ratio(ours, heap, 0));
            let (target, goal, unit, more_is_better) = (1.0, 2.0, "x", true);
            targets.push(Target { what, figure, target, goal, unit, more_is_better });
        }
    }
    for (column, quantile) in ["p50", "p99"].into_iter().enumerate() {
        let what = format!("{WAKE_UP}, {quantile}: {} / {RAW}", Evict::NAME);
        let figure = contest(WAKE_UP).ratio(Evict::NAME, RAW, column);
        let (target, goal, unit, more_is_better) = (1.5, 1.2, "x", false);
        targets.push(Target { what, figure, target, goal, unit, more_is_better });
    }
    let figure = contest(RELEASE).median(RELEASED, 0);
    let (what, target, goal) = (format!("{RELEASE}, p50: {RELEASED}"), 150.0, 100.0);
    targets.push(Target { what, figure, target, goal, unit: " µs", more_is_better: false });
    let figure = contest(IDLE).median(Evict::NAME, 0);
    let (what, target, goal) = (format!("{IDLE}: {}", Evict::NAME), 1.0, 0.1);
    targets.push(Target { what, figure, target, goal, unit: " %", more_is_better: false });
    targets
}
