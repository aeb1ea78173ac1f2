//! Who waits when values grow old: popular keys and less popular ones, read by many tasks.

use std::sync::Arc;
use std::time::Duration;

use super::asking::{Asker, Tally, runtime, sum};
use super::backend::Backend;
use super::by_hand::{Claim, XFetch};
use super::keys::Zipf;
use super::readers::{Fibre, Moka, Ours, Reader, Terms};
use crate::pool::contest::{Bench, Contest, Entrant};
use crate::workload::random::Random;

const KEYS: u32 = 300;
const TASKS: u64 = 64;
const TTL: Duration = Duration::from_millis(200);

/// Up to four times the TTL.
const GRACE: Duration = Duration::from_millis(600);

/// Between two reads of a task.
const PAUSE: Duration = Duration::from_millis(1);

pub(crate) const WAITS: usize = 0;
pub(crate) const LOADS: usize = 3;

pub(crate) fn contest(title: &'static str) -> Contest {
    let entrants = vec![
        entrant::<Ours>(),
        entrant::<Claim>(),
        entrant::<Fibre>(),
        entrant::<Moka>(),
        entrant::<XFetch<1>>(),
        entrant::<XFetch<4>>(),
    ];
    let columns =
        &["waits", "stalls", "held up", "loads a key and TTL", "stale, %", "thousand reads/s"];
    Contest { title, unit: "after the first load of a key", columns, entrants }
}

fn entrant<R: Reader>() -> Entrant {
    Entrant { name: R::NAME, is_ours: R::IS_OURS, turn: turn::<R> }
}

fn turn<R: Reader>(bench: &Bench) -> Vec<f64> {
    let length = Duration::from_millis(if bench.quick { 1_200 } else { 4_000 });
    let backend = Backend::new(bench.clock, KEYS);
    let terms = Terms { keys: KEYS, ttl: TTL, grace: GRACE, loads_per_second: None };
    let runtime = runtime();
    let tally = runtime.block_on(read::<R>(&backend, terms, length));
    let loads = backend.loads() as f64;
    runtime.shutdown_timeout(Duration::from_secs(1));
    let ttls = length.div_duration_f64(TTL);
    vec![
        tally.waits as f64,
        tally.stalls as f64,
        tally.held_up as f64,
        (loads / f64::from(KEYS) - 1.0) / ttls,
        tally.percent(tally.stale),
        tally.reads as f64 / length.as_secs_f64() / 1e3,
    ]
}

async fn read<R: Reader>(backend: &Backend, terms: Terms, length: Duration) -> Tally {
    let reader = Arc::new(R::new(terms, backend.clone()));
    let (backend, ttl, from) = (backend.clone(), terms.ttl, backend.now());
    let asker = Asker { reader, backend, ttl, from, until: from + length };
    let zipf = Arc::new(Zipf::new(terms.keys, 0.99));
    let tasks = (0..TASKS).map(|task| {
        let (zipf, mut random) = (zipf.clone(), Random::new(task));
        tokio::spawn(asker.clone().ask(move || (PAUSE, zipf.draw(&mut random))))
    });
    sum(tasks.collect()).await
}
