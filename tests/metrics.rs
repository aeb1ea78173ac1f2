//! What the `metrics` adapter exports, as a recorder sees it.

#![cfg(feature = "metrics")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit, with_local_recorder,
};
use punctual::adapters::metrics::SchedulerMetrics;
use punctual::scheduler::{Class, ClassConfig, Config, Job, Next, Outcome, Scheduler};
use punctual::time::Time;

/// Keeps the last value of each metric, and what is said of it.
#[derive(Default)]
struct Book {
    values: Arc<Mutex<BTreeMap<String, f64>>>,
    described: Mutex<Vec<String>>,
}

struct Entry {
    name: String,
    values: Arc<Mutex<BTreeMap<String, f64>>>,
}

impl Entry {
    fn store(&self, value: f64) {
        self.values.lock().expect("nobody panicked").insert(self.name.clone(), value);
    }
}

impl CounterFn for Entry {
    fn increment(&self, _: u64) {
        unreachable!("counts are absolute");
    }

    fn absolute(&self, value: u64) {
        self.store(value as f64);
    }
}

impl GaugeFn for Entry {
    fn increment(&self, _: f64) {
        unreachable!("levels are absolute");
    }

    fn decrement(&self, _: f64) {
        unreachable!("levels are absolute");
    }

    fn set(&self, value: f64) {
        self.store(value);
    }
}

impl Book {
    fn entry(&self, key: &Key) -> Arc<Entry> {
        let labels = key.labels().map(|label| format!(",{}={}", label.key(), label.value()));
        let name = key.name().to_owned() + &labels.collect::<String>();
        Arc::new(Entry { name, values: Arc::clone(&self.values) })
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.values.lock().expect("nobody panicked").get(name).copied()
    }

    /// The names without labels of all that has a value.
    fn names(&self) -> Vec<String> {
        let values = self.values.lock().expect("nobody panicked");
        let mut names: Vec<_> = values
            .keys()
            .filter_map(|name| name.split(',').next())
            .map(|name| name.to_owned())
            .collect();
        names.dedup();
        names
    }

    fn describe(&self, key: &KeyName) {
        self.described.lock().expect("nobody panicked").push(key.as_str().to_owned());
    }
}

impl Recorder for Book {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&key);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&key);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        unreachable!("quantiles are gauges");
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.entry(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.entry(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        unreachable!("quantiles are gauges");
    }
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A scheduler of two classes in which something of most kinds has happened.
fn busy() -> Scheduler<&'static str> {
    let now = Time::ZERO;
    let classes = vec![ClassConfig::foreground().queue_bound(3), ClassConfig::background()];
    let mut scheduler =
        Scheduler::new(Config { classes, ..Config::default() }).expect("it is fine");
    let job = |name, budget_ms| Job::new(name).budget(ms(budget_ms)).cost(ms(2));
    let late = scheduler.submit(now, job("late", 10)).expect("there is room").key();
    let Next::Run(_) = scheduler.poll(now) else { panic!("there is a worker") };
    scheduler.submit(now, job("shed", 8)).expect("there is room");
    let cancelled = scheduler.submit(now, job("cancelled", 90)).expect("there is room").key();
    scheduler.submit(now, job("queued", 90)).expect("there is room");
    scheduler.submit(now, job("full", 90)).expect_err("three are enough");
    scheduler.submit(now, job("expired", 0)).expect_err("it is over");
    scheduler.submit(now, job("nobody's", 9).class(Class::new(7))).expect_err("there is none");
    scheduler.cancel(cancelled);
    let Next::Shed(_) = scheduler.poll(now + ms(6)) else { panic!("its latest start has passed") };
    scheduler.complete(now + ms(16), late, Outcome::Done);
    scheduler.submit(now + ms(16), Job::new("refresh").class(Class::new(1))).expect("it is taken");
    scheduler
}

#[test]
fn everything_that_is_counted_is_exported_by_class() {
    let (book, mut scheduler) = (Book::default(), busy());
    with_local_recorder(&book, || {
        let metrics = SchedulerMetrics::new("bidder", &["bid", "refresh", "nothing"]);
        metrics.record(&scheduler.stats(), |class| scheduler.class_stats(class).cloned());
        metrics.record_load(&scheduler.load(Time::ZERO));
    });
    let bid = |name: &str, label: &str| {
        let labels = format!(",scheduler=bidder,class=bid{label}");
        book.get(&format!("punctual_{name}{labels}"))
    };
    for (name, label, expected) in [
        ("submitted_total", "", 6.0),
        ("done_total", "", 1.0),
        ("late_total", "", 1.0),
        ("cancelled_total", "", 1.0),
        ("refused_total", ",reason=queue_full", 1.0),
        ("refused_total", ",reason=expired", 1.0),
        ("refused_total", ",reason=infeasible", 0.0),
        ("shed_total", ",reason=latest_start", 1.0),
        ("shed_total", ",reason=evicted", 0.0),
        ("busy_microseconds_total", "", 16_000.0),
        ("queued", "", 1.0),
        ("running", "", 0.0),
        ("queue_delay_seconds", ",quantile=0.99", 0.0),
    ] {
        assert_eq!(bid(name, label), Some(expected), "{name}{label}");
    }
    let lateness = bid("lateness_seconds", ",quantile=0.5").expect("one was late");
    assert!((0.006..=0.006_4).contains(&lateness), "{lateness}");
    assert_eq!(book.get("punctual_queued,scheduler=bidder,class=refresh"), Some(1.0));
    assert_eq!(book.get("punctual_queued,scheduler=bidder,class=nothing"), None);
    let unknown = "punctual_refused_total,scheduler=bidder,class=,reason=unknown_class";
    assert_eq!(book.get(unknown), Some(1.0));
    assert_eq!(book.get("punctual_load_queued_seconds,scheduler=bidder"), Some(0.002));
}

#[test]
fn slack_is_infinite_with_nothing_queued_and_unknown_without_account() {
    let book = Book::default();
    let slack = || book.get("punctual_load_slack_seconds,scheduler=it").expect("it was set");
    with_local_recorder(&book, || {
        let metrics = SchedulerMetrics::new("it", &[]);
        let mut scheduler = Scheduler::<&str>::new(Config::default()).expect("it is fine");
        metrics.record_load(&scheduler.load(Time::ZERO));
        assert_eq!(slack(), f64::INFINITY);
        scheduler.submit(Time::ZERO, Job::new("it").budget(ms(9)).cost(ms(4))).expect("it fits");
        metrics.record_load(&scheduler.load(Time::ZERO));
        assert_eq!(slack(), 0.005);
        let admission = punctual::scheduler::Admission::All;
        let mut all = Scheduler::<&str>::new(Config { admission, ..Config::default() });
        let all = all.as_mut().expect("it is fine");
        metrics.record_load(&all.load(Time::ZERO));
        assert!(slack().is_nan());
    });
}

#[test]
fn everything_is_described() {
    let (book, mut scheduler) = (Book::default(), busy());
    with_local_recorder(&book, || {
        let metrics = SchedulerMetrics::new("bidder", &["bid", "refresh"]);
        metrics.record(&scheduler.stats(), |class| scheduler.class_stats(class).cloned());
        metrics.record_load(&scheduler.load(Time::ZERO));
    });
    let mut described = book.described.lock().expect("nobody panicked").clone();
    described.sort_unstable();
    assert_eq!(book.names(), described);
}

#[test]
fn without_a_recorder_nothing_happens() {
    let scheduler = busy();
    let metrics = SchedulerMetrics::new("bidder", &["bid"]);
    metrics.record(&scheduler.stats(), |class| scheduler.class_stats(class).cloned());
}
