//! Keys that are asked for so rarely that their values have run out by then, beside popular ones:
//! who refreshes what somebody has asked for comes too late for them.
//!
//! The first to go refreshes on access; ours may then load as much as that one did.

use std::sync::Arc;
use std::time::Duration;

use super::asking::{Asker, Tally, runtime, sum};
use super::backend::Backend;
use super::by_hand::Claim;
use super::keys::Zipf;
use super::readers::{Fibre, Ours, Reader, Terms};
use crate::frame::shuffled;
use crate::pool::contest::{Bench, Measured, Row, on_a_thread};
use crate::workload::random::Random;

/// The popular ones come first, and as many are idle.
const HOT: u32 = 200;
const IDLE: u32 = 200;

const TTL: Duration = Duration::from_millis(200);
const GRACE: Duration = Duration::from_millis(200);

/// From one question for an idle key to the next: longer than its value lives, in ms.
const REST_MS: u32 = 500;
const MORE_REST_MS: u32 = 100;

/// Who asks for popular keys, and how long they wait between two questions.
const TASKS: u64 = 32;
const PAUSE: Duration = Duration::from_millis(1);

pub(crate) const AS_MANY: &str = "RefreshCache, as many loads";
const FEWER: &str = "RefreshCache, 0.9 of the loads";
const ALL: &str = "RefreshCache, no limit";

pub(crate) const STALLS: usize = 0;

const COLUMNS: &[&str] =
    &["idle keys: stalls, %", "hot keys: stalls, %", "idle: stale, %", "hot: stale, %", "loads/s"];

pub(crate) fn measure(title: &'static str, bench: &Bench, repeats: usize) -> Measured {
    let mut turns: [Vec<Vec<f64>>; 5] = Default::default();
    for repeat in 0..repeats {
        eprintln!("{title}, repeat {} of {repeats}", repeat + 1);
        let on_access = on_a_thread(|| turn::<Claim>(bench, None));
        let loads_per_second = *on_access.last().expect("loads are the last column");
        turns[0].push(on_access);
        for index in shuffled(4, repeat) {
            let figures = on_a_thread(|| match index {
                0 => turn::<Fibre>(bench, None),
                1 => turn::<Ours>(bench, Some(loads_per_second)),
                2 => turn::<Ours>(bench, Some(0.9 * loads_per_second)),
                _ => turn::<Ours>(bench, None),
            });
            turns[index + 1].push(figures);
        }
    }
    let names =
        [(Claim::NAME, false), (Fibre::NAME, false), (AS_MANY, true), (FEWER, true), (ALL, true)];
    let row = |((name, is_ours), turns)| Row::new(name, is_ours, turns);
    let rows = names.into_iter().zip(turns).map(row).collect();
    Measured { title, unit: "shares of their reads", columns: COLUMNS, rows }
}

fn turn<R: Reader>(bench: &Bench, loads_per_second: Option<f64>) -> Vec<f64> {
    // The price of a load is found first.
    let ms = Duration::from_millis;
    let (warm, length) = if bench.quick { (ms(1_000), ms(1_200)) } else { (ms(2_500), ms(5_000)) };
    let backend = Backend::new(bench.clock, HOT + IDLE);
    let terms = Terms { keys: HOT + IDLE, ttl: TTL, grace: GRACE, loads_per_second };
    let runtime = runtime();
    let (hot, idle, loads) = runtime.block_on(read::<R>(&backend, terms, warm, length));
    runtime.shutdown_timeout(Duration::from_secs(1));
    vec![
        idle.percent(idle.stalls),
        hot.percent(hot.stalls),
        idle.percent(idle.stale),
        hot.percent(hot.stale),
        loads as f64 / length.as_secs_f64(),
    ]
}

/// What was seen of popular keys and of idle ones, and the loads, all after the warm-up.
async fn read<R: Reader>(
    backend: &Backend,
    terms: Terms,
    warm: Duration,
    length: Duration,
) -> (Tally, Tally, u64) {
    let reader = Arc::new(R::new(terms, backend.clone()));
    let from = backend.now() + warm;
    let until = from + length;
    let asker = Asker { reader, backend: backend.clone(), ttl: terms.ttl, from, until };
    let zipf = Arc::new(Zipf::new(HOT, 0.5));
    let hot = (0..TASKS).map(|task| {
        let (zipf, mut random) = (zipf.clone(), Random::new(task));
        tokio::spawn(asker.clone().ask(move || (PAUSE, zipf.draw(&mut random))))
    });
    let idle = (HOT..HOT + IDLE).map(|key| {
        let mut random = Random::new(key.into());
        tokio::spawn(asker.clone().ask(move || {
            let rest_ms = REST_MS + random.below(MORE_REST_MS);
            (Duration::from_millis(rest_ms.into()), key)
        }))
    });
    let (hot, idle): (Vec<_>, Vec<_>) = (hot.collect(), idle.collect());
    tokio::time::sleep(warm).await;
    let before = backend.loads();
    tokio::time::sleep(until.saturating_since(backend.now())).await;
    let loads = backend.loads() - before;
    (sum(hot).await, sum(idle).await, loads)
}
