//! What a scheduler, a pool, a layer or a cache does, for the `metrics` crate: counters, gauges
//! and quantiles.
//!
//! [`SchedulerMetrics`] registers everything once, and [`record`](SchedulerMetrics::record) sets
//! it: now and then, say once a second, or whenever somebody collects. Nothing is added to what a
//! job costs.
//!
//! ```
//! use punctual::adapters::metrics::SchedulerMetrics;
//! use punctual::scheduler::{Class, ClassConfig, Config, Job, Scheduler};
//! use punctual::time::Time;
//!
//! let classes = vec![ClassConfig::foreground(), ClassConfig::background()];
//! let mut scheduler = Scheduler::new(Config { classes, ..Config::default() })?;
//! let metrics = SchedulerMetrics::new("bidder", &["bid", "refresh"]);
//!
//! scheduler.submit(Time::ZERO, Job::new("ad 7").class(Class::new(1)))?;
//! metrics.record(&scheduler.stats(), |class| scheduler.class_stats(class).cloned());
//! metrics.record_load(&scheduler.load(Time::ZERO));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Of schedulers
//!
//! With the labels `scheduler` and `class`:
//!
//! - counters `punctual_submitted_total`, and `joined`, `done`, `failed`, `cancelled`, `late`,
//!   `forced`, `shadowed` in the place of `submitted`; `punctual_busy_microseconds_total`;
//! - counter `punctual_refused_total` by `reason`: `queue_full`, `expired`, `infeasible`, `closed`,
//!   and with an empty class `unknown_class`;
//! - counter `punctual_shed_total` by `reason`: `latest_start`, `evicted`, `over_share`,
//!   `displaced`, `shutdown`;
//! - gauges `punctual_queued`, `punctual_running`, `punctual_suspended`;
//! - gauges `punctual_queue_delay_seconds` and `punctual_lateness_seconds` by `quantile`: `0.5`,
//!   `0.99`, `0.999`, of all so far.
//!
//! With the label `scheduler` alone, gauges `punctual_load_running_seconds`,
//! `punctual_load_queued_seconds` and `punctual_load_slack_seconds`: the slack is infinite with
//! nothing queued, and NaN if it isn't certain that all is done in time.
//!
//! What they mean is said at [`Stats`], [`ClassStats`] and [`Load`].
//!
//! # Of caches
//!
//! With the label `cache`, by [`CacheMetrics`]:
//!
//! - counter `punctual_cache_answers_total` by `kind`: `fresh` (an estimate), `stale`, `missing`;
//! - counter `punctual_cache_loads_total` by `reason`: `demanded`, `expiring`, `refresh`;
//! - counter `punctual_cache_load_ends_total` by `end`: `loaded`, `superseded` (which were loaded
//!   too), `failed`, `overdue`, `dropped`;
//! - counters `punctual_cache_waits_total`, `punctual_cache_elapsed_waits_total`,
//!   `punctual_cache_evicted_total`, `punctual_cache_expired_total`;
//! - gauges `punctual_cache_entries`, `punctual_cache_weight`, `punctual_cache_loads_in_flight`,
//!   `punctual_cache_price`;
//! - gauges `punctual_cache_refresh_lag_seconds`, `punctual_cache_load_seconds` and
//!   `punctual_cache_miss_seconds` by `quantile`.

#[cfg(feature = "cache")]
mod cache;
mod scheduler;

#[cfg(feature = "cache")]
pub use cache::CacheMetrics;
pub use scheduler::SchedulerMetrics;

use ::metrics::{Counter, Gauge, Key, Label, Level, Metadata, Unit, with_recorder};

#[cfg(doc)]
use crate::scheduler::{ClassStats, Load, Stats};
use crate::scheduler::{Histogram, Quantile};

/// A metric's name, its unit, and what it means.
type Text = (&'static str, Unit, &'static str);

const QUANTILES: [(&str, Quantile); 3] =
    [("0.5", Quantile::P50), ("0.99", Quantile::P99), ("0.999", Quantile::P999)];

const METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Of no values there is no quantile, and the gauge stays what it was.
fn record_quantiles(gauges: &[Gauge], values: &Histogram) {
    for (gauge, (_, quantile)) in gauges.iter().zip(QUANTILES) {
        if let Some(value) = values.quantile(quantile) {
            gauge.set(value.as_secs_f64());
        }
    }
}

fn with(mut labels: Vec<Label>, name: &'static str, value: &'static str) -> Vec<Label> {
    labels.push(Label::from_static_parts(name, value));
    labels
}

fn counter(name: &'static str, labels: Vec<Label>) -> Counter {
    with_recorder(|it| it.register_counter(&Key::from_parts(name, labels), &METADATA))
}

fn gauge(name: &'static str, labels: Vec<Label>) -> Gauge {
    with_recorder(|it| it.register_gauge(&Key::from_parts(name, labels), &METADATA))
}

/// Tells the recorder what metrics mean.
fn describe(counters: &[Text], gauges: &[Text]) {
    with_recorder(|recorder| {
        for &(name, unit, text) in counters {
            recorder.describe_counter(name.into(), Some(unit), text.into());
        }
        for &(name, unit, text) in gauges {
            recorder.describe_gauge(name.into(), Some(unit), text.into());
        }
    });
}
