//! What caches do.

use core::fmt;

use ::metrics::{Counter, Gauge, Label, SharedString, Unit};

use super::{QUANTILES, Text, counter, describe, gauge, record_quantiles, with};
use crate::cache::Stats;
use crate::scheduler::Histogram;

/// The metrics of one cache, registered with the recorder that was installed when it was made.
///
/// ```
/// use punctual::adapters::metrics::CacheMetrics;
/// use punctual::cache::cached_fn;
/// use punctual::time::Time;
///
/// let cache = cached_fn(|key: &u32, _budget| Ok::<_, std::io::Error>(key * 2))
///     .build_driven(drop, Time::ZERO)?;
/// let metrics = CacheMetrics::new("prices");
/// cache.put(1, 2);
/// metrics.record(&cache.stats());
/// # Ok::<(), punctual::cache::BuildError>(())
/// ```
pub struct CacheMetrics {
    counters: Vec<Counter>,
    levels: Vec<Gauge>,
    times: Vec<Vec<Gauge>>,
}

/// A name, a label if it has one more, and where the value is.
type CounterRow = (&'static str, Option<(&'static str, &'static str)>, fn(&Stats) -> u64);

type LevelRow = (&'static str, fn(&Stats) -> f64);

type TimeRow = (&'static str, fn(&Stats) -> &Histogram);

const ANSWERS: &str = "punctual_cache_answers_total";
const LOADS: &str = "punctual_cache_loads_total";
const ENDS: &str = "punctual_cache_load_ends_total";

const COUNTERS: [CounterRow; 15] = [
    (ANSWERS, Some(("kind", "fresh")), |it| it.fresh),
    (ANSWERS, Some(("kind", "stale")), |it| it.stale),
    (ANSWERS, Some(("kind", "missing")), |it| it.missing),
    (LOADS, Some(("reason", "demanded")), |it| it.loads.demanded),
    (LOADS, Some(("reason", "expiring")), |it| it.loads.expiring),
    (LOADS, Some(("reason", "refresh")), |it| it.loads.refreshes),
    (ENDS, Some(("end", "loaded")), |it| it.loads.loaded),
    (ENDS, Some(("end", "superseded")), |it| it.loads.superseded),
    (ENDS, Some(("end", "failed")), |it| it.loads.failed),
    (ENDS, Some(("end", "overdue")), |it| it.loads.overdue),
    (ENDS, Some(("end", "dropped")), |it| it.loads.dropped),
    ("punctual_cache_waits_total", None, |it| it.loads.waits),
    ("punctual_cache_elapsed_waits_total", None, |it| it.loads.elapsed),
    ("punctual_cache_evicted_total", None, |it| it.loads.evicted),
    ("punctual_cache_expired_total", None, |it| it.loads.expired),
];

const LEVELS: [LevelRow; 4] = [
    ("punctual_cache_entries", |it| it.entries as f64),
    ("punctual_cache_weight", |it| it.weight as f64),
    ("punctual_cache_loads_in_flight", |it| f64::from(it.in_flight)),
    ("punctual_cache_price", |it| it.price),
];

const TIMES: [TimeRow; 3] = [
    ("punctual_cache_refresh_lag_seconds", |it| &it.loads.lag),
    ("punctual_cache_load_seconds", |it| &it.loads.took),
    ("punctual_cache_miss_seconds", |it| &it.loads.miss_time),
];

/// What a recorder is told the counters mean.
const COUNTER_TEXTS: [Text; 7] = [
    (ANSWERS, Unit::Count, "Questions, by what there was"),
    (LOADS, Unit::Count, "Loads, by why they were started"),
    (ENDS, Unit::Count, "Loads, by how they ended"),
    ("punctual_cache_waits_total", Unit::Count, "Waits for a load"),
    ("punctual_cache_elapsed_waits_total", Unit::Count, "Waits whose budget was spent first"),
    ("punctual_cache_evicted_total", Unit::Count, "Entries that left for want of room"),
    ("punctual_cache_expired_total", Unit::Count, "Values that left at their hard expiry"),
];

/// And the gauges.
const GAUGE_TEXTS: [Text; 7] = [
    ("punctual_cache_entries", Unit::Count, "Entries"),
    ("punctual_cache_weight", Unit::Count, "What entries weigh together"),
    ("punctual_cache_loads_in_flight", Unit::Count, "Loads that have not ended"),
    ("punctual_cache_price", Unit::Count, "Fresh answers that a refresh must be worth"),
    ("punctual_cache_refresh_lag_seconds", Unit::Seconds, "How long stale entries waited"),
    ("punctual_cache_load_seconds", Unit::Seconds, "How long loads took"),
    ("punctual_cache_miss_seconds", Unit::Seconds, "How long missing values took to come"),
];

impl CacheMetrics {
    /// Registers the metrics of a cache of this name. Allocates. With no recorder installed it
    /// does nothing, and neither does [`record`](Self::record) after it.
    #[must_use]
    pub fn new(cache: impl Into<SharedString>) -> Self {
        describe(&COUNTER_TEXTS, &GAUGE_TEXTS);
        let cache = cache.into();
        let labels = || vec![Label::new("cache", cache.clone())];
        let counters = COUNTERS.iter().map(|&(name, label, _)| match label {
            Some((label, value)) => counter(name, with(labels(), label, value)),
            None => counter(name, labels()),
        });
        let quantiles = |name| {
            let shares = QUANTILES.iter();
            shares.map(|&(share, _)| gauge(name, with(labels(), "quantile", share))).collect()
        };
        Self {
            counters: counters.collect(),
            levels: LEVELS.iter().map(|&(name, _)| gauge(name, labels())).collect(),
            times: TIMES.iter().map(|&(name, _)| quantiles(name)).collect(),
        }
    }

    /// Sets what [`RefreshCache::stats`](crate::cache::RefreshCache::stats) tells. Costs two dozen
    /// atomic stores and nine walks over a histogram.
    pub fn record(&self, stats: &Stats) {
        for (counter, (_, _, value)) in self.counters.iter().zip(COUNTERS) {
            counter.absolute(value(stats));
        }
        for (gauge, (_, value)) in self.levels.iter().zip(LEVELS) {
            gauge.set(value(stats));
        }
        for (gauges, (_, times)) in self.times.iter().zip(TIMES) {
            record_quantiles(gauges, times(stats));
        }
    }
}

impl fmt::Debug for CacheMetrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CacheMetrics").finish_non_exhaustive()
    }
}
