//! What a hit costs where every key is there.
//!
//! Thread time is what who asks pays; process time is that and what the cache's own threads do
//! meanwhile, per hit. The caches' threads have the other core, until two threads ask.

use std::sync::LazyLock;
use std::time::Duration;

use cpu_time::{ProcessTime, ThreadTime};

use super::keys::{Zipf, shuffled_keys};
use super::stores::{
    Fibre, Moka, MokaExpiry, MokaFold, Ours, Quick, QuickCoarse, QuickTtl, Store, Value,
};
use crate::pool::contest::{Bench, Contest, Entrant, pin};
use crate::workload::random::Random;

pub(crate) const KEYS: u32 = 100_000;

/// Room for twice as many, since the parts of a divided cache are not filled evenly.
const CAPACITY: usize = 2 * KEYS as usize;

const ASKED: usize = 1 << 20;
const QUICKLY_ASKED: usize = 1 << 17;

/// How often they are asked in a row.
const PASSES: usize = 2;

/// How long they are asked before: until a cache that samples its hits knows which are popular.
const WARM_UP: Duration = Duration::from_secs(2);
const QUICK_WARM_UP: Duration = Duration::from_millis(150);

static SEQUENCE: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let (zipf, mut random) = (Zipf::new(KEYS, 0.99), Random::new(1));
    (0..ASKED).map(|_| zipf.draw(&mut random)).collect()
});

pub(crate) fn contest<V: Value>(title: &'static str) -> Contest {
    let entrants = vec![
        entrant::<V, Ours<V>>(),
        entrant::<V, Quick<V>>(),
        entrant::<V, QuickCoarse<V>>(),
        entrant::<V, QuickTtl<V>>(),
        entrant::<V, Fibre<V>>(),
        entrant::<V, Moka<V>>(),
        entrant::<V, MokaFold<V>>(),
        entrant::<V, MokaExpiry<V>>(),
    ];
    let columns = &["one thread", "its process", "each of two", "their process"];
    Contest { title, unit: "ns of CPU a hit", columns, entrants }
}

fn entrant<V: Value, S: Store<V>>() -> Entrant {
    Entrant { name: S::NAME, is_ours: S::IS_OURS, turn: turn::<V, S> }
}

fn turn<V: Value, S: Store<V>>(bench: &Bench) -> Vec<f64> {
    let asked = &SEQUENCE[..if bench.quick { QUICKLY_ASKED } else { ASKED }];
    let expected = asked.iter().map(|&key| V::of(key).number()).sum();
    let store = bench.start_beside(|| {
        let store = S::of_capacity(CAPACITY);
        shuffled_keys(KEYS, 2).into_iter().for_each(|key| store.put(key, V::of(key)));
        store
    });
    let warm = bench.now() + if bench.quick { QUICK_WARM_UP } else { WARM_UP };
    while bench.now() < warm {
        assert_eq!(sum(&store, asked), expected, "{} has lost something", S::NAME);
    }
    let ask = || {
        let start = ThreadTime::now();
        for _ in 0..PASSES {
            assert_eq!(sum(&store, asked), expected, "{} has lost something", S::NAME);
        }
        start.elapsed().as_nanos() as f64 / (PASSES * asked.len()) as f64
    };
    let start = ProcessTime::now();
    let one = ask();
    let whole_one = start.elapsed().as_nanos() as f64 / (PASSES * asked.len()) as f64;
    let start = ProcessTime::now();
    let two = on_both(bench, &ask);
    let whole_two = start.elapsed().as_nanos() as f64 / (2 * PASSES * asked.len()) as f64;
    vec![one, whole_one, two, whole_two]
}

fn sum<V: Value, S: Store<V>>(store: &S, asked: &[u32]) -> u64 {
    asked.iter().filter_map(|&key| Some(store.get(key)?.number())).sum()
}

/// The mean of what two threads find, each on a core of its own.
#[expect(clippy::disallowed_methods, reason = "two ask at once")]
fn on_both(bench: &Bench, ask: &(impl Fn() -> f64 + Sync)) -> f64 {
    let costs = std::thread::scope(|scope| {
        let start = |core| {
            scope.spawn(move || {
                pin(core);
                ask()
            })
        };
        let threads = [bench.producer, bench.worker].map(start);
        threads.map(|thread| thread.join().expect("a hit doesn't panic"))
    });
    costs.iter().sum::<f64>() / costs.len() as f64
}
