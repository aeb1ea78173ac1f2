//! What refreshes the entries: nothing, the scheduler that has the bids, or threads.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use punctual::cache::dispatch::OnPool;
use punctual::cache::{Answer, Loaded, RefreshCache, cached};
use punctual::pool::Handle;
use punctual::refresh;
use punctual::scheduler::Class;
use punctual::time::{Clock, MonotonicClock, Time};

use crate::cache::keys::{share, shuffled_keys};
use crate::overload::job::{Cost, Jobs};
use crate::pool::executor::{join, spawn};
use crate::workload::random::Random;

pub(super) const ENTRIES: u32 = 100_000;

/// 1,667 entries grow stale in a second.
const SOFT: Duration = Duration::from_secs(60);
const HARD: Duration = Duration::from_secs(240);

/// One in so many entries is stale already, by anything up to its hard TTL.
const STALE_EACH: u32 = 10;

/// For how long a refresh waits for its data.
const IO: Duration = Duration::from_millis(5);

/// What the cache in the scheduler may load in a second: a little more than grows stale.
const LOADS_PER_SECOND: f64 = 2_000.0;

/// Threads that refresh, each of which waits for one entry's data at a time: 2,300 a second.
const THREADS: usize = 12;

/// When a thread that has nothing to refresh looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A value that is served later than this after its hard TTL is an error.
const TOLERANCE: Duration = Duration::from_millis(1);

/// What a read came to.
pub(super) enum Found {
    Fresh,
    Stale,
    Missing,
    /// A value that nobody should see any more.
    PastHard,
}

/// A cache of [`ENTRIES`], all of them there at the start.
pub(super) trait Side: Send + Sync + 'static {
    const NAME: &'static str;

    fn start(pool: &Handle, clock: MonotonicClock, jobs: &Jobs) -> Self;

    fn read(&self, key: u32, now: Time) -> Found;

    /// How many refreshes have ended so far.
    fn refreshes(&self) -> u64;

    /// How many entries' hard TTLs have run out so far. May take a while.
    fn expired(&self) -> u64;
}

/// When an entry may not be served any more.
#[derive(Clone, Copy)]
struct Entry {
    hard: Time,
}

/// How old the entries are at the start: most of them anything up to the soft TTL.
fn ages() -> impl Iterator<Item = (u32, Duration)> {
    let mut random = Random::new(11);
    shuffled_keys(ENTRIES, 3).into_iter().map(move |key| {
        let share = share(&mut random);
        let age = match random.below(STALE_EACH) {
            0 => SOFT + (HARD - SOFT).mul_f64(share),
            _ => SOFT.mul_f64(share),
        };
        (key, age)
    })
}

fn read(cache: &RefreshCache<u32, Entry>, key: u32, now: Time) -> Found {
    match cache.get(&key) {
        Answer::Fresh(entry) | Answer::Stale(entry) if now > entry.hard + TOLERANCE => {
            Found::PastHard
        }
        Answer::Fresh(_) => Found::Fresh,
        Answer::Stale(_) => Found::Stale,
        Answer::Absent | Answer::Missing => Found::Missing,
    }
}

/// The same reads, and nothing to refresh.
pub(super) struct Alone(RefreshCache<u32, Entry>);

impl Side for Alone {
    const NAME: &'static str = "bids alone";

    fn start(pool: &Handle, _: MonotonicClock, _: &Jobs) -> Self {
        let cache = cached(async |_, _| Ok::<_, Infallible>(Entry { hard: Time::MAX }))
            .capacity(2 * u64::from(ENTRIES))
            .soft_ttl(Duration::from_secs(3_600))
            .build(OnPool::new(pool))
            .expect("the settings are valid");
        ages().for_each(|(key, _)| cache.put(key, Entry { hard: Time::MAX }));
        Self(cache)
    }

    fn read(&self, key: u32, now: Time) -> Found {
        read(&self.0, key, now)
    }

    fn refreshes(&self) -> u64 {
        0
    }

    fn expired(&self) -> u64 {
        0
    }
}

/// Loads are jobs of the bids' pool.
pub(super) struct InOne {
    cache: RefreshCache<u32, Entry>,
    refreshes: Arc<AtomicU64>,
}

impl Side for InOne {
    const NAME: &'static str = "with refreshes, one scheduler";

    fn start(pool: &Handle, clock: MonotonicClock, jobs: &Jobs) -> Self {
        let refreshes = Arc::new(AtomicU64::new(0));
        let (count, timer, jobs) = (refreshes.clone(), pool.timer().clone(), jobs.clone());
        let load = move |_, _| {
            let (count, timer, jobs) = (count.clone(), timer.clone(), jobs.clone());
            async move {
                timer.sleep(IO).await;
                jobs.run(Cost::Refresh);
                count.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(Entry { hard: clock.now() + HARD })
            }
        };
        let plan = refresh::Config {
            loads_per_second: Some(LOADS_PER_SECOND),
            ..refresh::Config::default()
        };
        let cache = cached(load)
            .capacity(2 * u64::from(ENTRIES))
            .soft_ttl(SOFT)
            .hard_ttl(HARD)
            .latency(IO)
            .plan(plan)
            .build(OnPool::new(pool).class(Class::new(1)))
            .expect("the settings are valid");
        for (key, age) in ages() {
            let entry = Loaded::new(Entry { hard: clock.now() + (HARD - age) });
            let soft_ttl = SOFT.saturating_sub(age);
            cache.put(key, entry.soft_ttl(soft_ttl).hard_ttl(HARD - age));
        }
        Self { cache, refreshes }
    }

    fn read(&self, key: u32, now: Time) -> Found {
        read(&self.cache, key, now)
    }

    fn refreshes(&self) -> u64 {
        self.refreshes.load(Ordering::Relaxed)
    }

    fn expired(&self) -> u64 {
        self.cache.stats().loads.expired
    }
}

/// quick_cache and threads that refresh what is stale for longest.
pub(super) struct Threads {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    cache: quick_cache::sync::Cache<u32, Kept>,
    /// By the ends of their soft TTLs.
    due: Mutex<BinaryHeap<Reverse<(Time, u32)>>>,
    clock: MonotonicClock,
    jobs: Jobs,
    refreshes: AtomicU64,
    expired: AtomicU64,
    is_over: AtomicBool,
}

#[derive(Clone, Copy)]
struct Kept {
    soft: Time,
    hard: Time,
}

impl Shared {
    /// What a thread does.
    fn refresh(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let now = self.clock.now();
            let Some(key) = self.pop(now) else {
                std::thread::sleep(LOOK_AGAIN);
                continue;
            };
            std::thread::sleep(IO);
            self.jobs.run(Cost::Refresh);
            let now = self.clock.now();
            let before = self.cache.peek(&key);
            if before.is_some_and(|kept| kept.hard < now) {
                self.expired.fetch_add(1, Ordering::Relaxed);
            }
            self.cache.insert(key, Kept { soft: now + SOFT, hard: now + HARD });
            self.due.lock().push(Reverse((now + SOFT, key)));
            self.refreshes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is stale for longest.
    fn pop(&self, now: Time) -> Option<u32> {
        let mut due = self.due.lock();
        due.peek().filter(|Reverse((soft, _))| *soft <= now)?;
        due.pop().map(|Reverse((_, key))| key)
    }

    fn new(clock: MonotonicClock, jobs: &Jobs) -> Self {
        let shared = Self {
            cache: quick_cache::sync::Cache::new(2 * ENTRIES as usize),
            due: Mutex::default(),
            clock,
            jobs: jobs.clone(),
            refreshes: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        };
        let (now, mut due) = (clock.now(), shared.due.lock());
        for (key, age) in ages() {
            // What should have been refreshed a while ago comes first.
            let soft = (now + SOFT) - age;
            shared.cache.insert(key, Kept { soft, hard: now + (HARD - age) });
            due.push(Reverse((soft, key)));
        }
        drop(due);
        shared
    }

    fn read(&self, key: u32, now: Time) -> Found {
        match self.cache.get(&key) {
            Some(kept) if now < kept.soft => Found::Fresh,
            Some(kept) if now < kept.hard => Found::Stale,
            _ => Found::Missing,
        }
    }

    /// Entries that were refreshed too late, and those that haven't been yet.
    fn expired(&self) -> u64 {
        let now = self.clock.now();
        let out = self.cache.iter().filter(|(_, kept)| kept.hard < now).count() as u64;
        self.expired.load(Ordering::Relaxed) + out
    }
}

impl Threads {
    /// Threads on the core of the calling one.
    fn on(shared: Shared, prepare: fn()) -> Self {
        let shared = Arc::new(shared);
        let start = |_| {
            let shared = shared.clone();
            spawn(move || {
                prepare();
                shared.refresh();
            })
        };
        Self { threads: (0..THREADS).map(start).collect(), shared }
    }
}

impl Side for Threads {
    const NAME: &'static str = "with refreshes in threads";

    fn start(_: &Handle, clock: MonotonicClock, jobs: &Jobs) -> Self {
        Self::on(Shared::new(clock, jobs), || ())
    }

    fn read(&self, key: u32, now: Time) -> Found {
        self.shared.read(key, now)
    }

    fn refreshes(&self) -> u64 {
        self.shared.refreshes.load(Ordering::Relaxed)
    }

    fn expired(&self) -> u64 {
        self.shared.expired()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| join(Some(thread)));
    }
}

/// The same threads, to which the system gives as little as it can.
pub(super) struct Niced(Threads);

/// Lowers the calling thread's priority.
fn be_nice() {
    let path = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    let number = path.file_name().unwrap_or_default();
    let renice = Command::new("renice").args(["-n", "19", "-p"]).arg(number).output();
    assert!(renice.is_ok_and(|output| output.status.success()), "a thread stays as it is");
}

impl Side for Niced {
    const NAME: &'static str = "with refreshes in threads of nice 19";

    fn start(_: &Handle, clock: MonotonicClock, jobs: &Jobs) -> Self {
        Self(Threads::on(Shared::new(clock, jobs), be_nice))
    }

    fn read(&self, key: u32, now: Time) -> Found {
        self.0.read(key, now)
    }

    fn refreshes(&self) -> u64 {
        self.0.refreshes()
    }

    fn expired(&self) -> u64 {
        self.0.expired()
    }
}
