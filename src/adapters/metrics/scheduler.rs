//! What schedulers do, by class.

use core::fmt;
use core::time::Duration;

use ::metrics::{Counter, Gauge, Label, SharedString, Unit};

use super::{QUANTILES, Text, counter, describe, gauge, record_quantiles, with};

use crate::scheduler::{Class, ClassStats, Load, Stats};

/// The metrics of one scheduler, registered with the recorder that was installed when it was made.
pub struct SchedulerMetrics {
    classes: Vec<ClassMetrics>,
    unknown_class: Counter,
    load: [Gauge; 3],
}

/// What is registered for a class, in the order of the tables below.
struct ClassMetrics {
    counters: Vec<Counter>,
    levels: Vec<Gauge>,
    queue_delay: Vec<Gauge>,
    lateness: Vec<Gauge>,
}

/// A name, a reason if it has some, and where the value is.
type CounterRow = (&'static str, Option<&'static str>, fn(&Stats) -> u64);

type LevelRow = (&'static str, fn(&Stats) -> u32);

const REFUSED: &str = "punctual_refused_total";
const SHED: &str = "punctual_shed_total";

const COUNTERS: [CounterRow; 18] = [
    ("punctual_submitted_total", None, |it| it.submitted),
    ("punctual_joined_total", None, |it| it.joined),
    ("punctual_done_total", None, |it| it.done),
    ("punctual_failed_total", None, |it| it.failed),
    ("punctual_cancelled_total", None, |it| it.cancelled),
    ("punctual_late_total", None, |it| it.late),
    ("punctual_forced_total", None, |it| it.forced),
    ("punctual_shadowed_total", None, |it| it.shadowed),
    ("punctual_busy_microseconds_total", None, |it| {
        u64::try_from(it.busy.as_micros()).unwrap_or(u64::MAX)
    }),
    (REFUSED, Some("queue_full"), |it| it.refused.queue_full),
    (REFUSED, Some("expired"), |it| it.refused.expired),
    (REFUSED, Some("infeasible"), |it| it.refused.infeasible),
    (REFUSED, Some("closed"), |it| it.refused.closed),
    (SHED, Some("latest_start"), |it| it.shed.latest_start),
    (SHED, Some("evicted"), |it| it.shed.evicted),
    (SHED, Some("over_share"), |it| it.shed.over_share),
    (SHED, Some("displaced"), |it| it.shed.displaced),
    (SHED, Some("shutdown"), |it| it.shed.shutdown),
];

/// What stands at one moment.
const LEVELS: [LevelRow; 3] = [
    ("punctual_queued", |it| it.queued),
    ("punctual_running", |it| it.running),
    ("punctual_suspended", |it| it.suspended),
];

const QUEUE_DELAY: &str = "punctual_queue_delay_seconds";
const LATENESS: &str = "punctual_lateness_seconds";

const LOAD: [&str; 3] = [
    "punctual_load_running_seconds",
    "punctual_load_queued_seconds",
    "punctual_load_slack_seconds",
];

impl SchedulerMetrics {
    /// Registers the metrics of a scheduler of this name, whose classes have these names, in the
    /// order of their numbers. Allocates. With no recorder installed it does nothing, and neither
    /// does [`record`](Self::record) after it.
    #[must_use]
    pub fn new(scheduler: impl Into<SharedString>, classes: &[&str]) -> Self {
        describe(&COUNTER_TEXTS, &GAUGE_TEXTS);
        let scheduler = scheduler.into();
        let label = |class: &str| {
            let class = Label::new("class", class.to_owned());
            vec![Label::new("scheduler", scheduler.clone()), class]
        };
        let whole = || vec![Label::new("scheduler", scheduler.clone())];
        let unknown = with(label(""), "reason", "unknown_class");
        Self {
            classes: classes.iter().map(|class| ClassMetrics::new(&label(class))).collect(),
            unknown_class: counter(REFUSED, unknown),
            load: LOAD.map(|name| gauge(name, whole())),
        }
    }

    /// Sets what is counted: `total` is that of all classes, and `class_stats` that of each. For a
    /// [`Scheduler`](crate::scheduler::Scheduler), a pool and a layer these are methods of the same
    /// names. Costs two dozen atomic stores and six walks over a histogram for each class, and
    /// what `class_stats` costs.
    ///
    /// Classes that it doesn't know, or that there is no name for, are left out.
    pub fn record(&self, total: &Stats, mut class_stats: impl FnMut(Class) -> Option<ClassStats>) {
        self.unknown_class.absolute(total.refused.unknown_class);
        for (number, metrics) in (0..=u16::MAX).zip(&self.classes) {
            if let Some(stats) = class_stats(Class::new(number)) {
                metrics.record(&stats);
            }
        }
    }

    /// Sets what stands before the workers.
    pub fn record_load(&self, load: &Load) {
        let slack = match load.slack {
            Some(Duration::MAX) => f64::INFINITY,
            Some(slack) => slack.as_secs_f64(),
            None => f64::NAN,
        };
        let values = [load.running.as_secs_f64(), load.queued.as_secs_f64(), slack];
        for (gauge, value) in self.load.iter().zip(values) {
            gauge.set(value);
        }
    }
}

impl fmt::Debug for SchedulerMetrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes = self.classes.len();
        formatter
            .debug_struct("SchedulerMetrics")
            .field("classes", &classes)
            .finish_non_exhaustive()
    }
}

impl ClassMetrics {
    fn new(labels: &[Label]) -> Self {
        let counters = COUNTERS.iter().map(|&(name, reason, _)| match reason {
            Some(reason) => counter(name, with(labels.to_vec(), "reason", reason)),
            None => counter(name, labels.to_vec()),
        });
        let quantiles = |name| {
            let gauges = QUANTILES.iter();
            gauges
                .map(|&(share, _)| gauge(name, with(labels.to_vec(), "quantile", share)))
                .collect()
        };
        Self {
            counters: counters.collect(),
            levels: LEVELS.iter().map(|&(name, _)| gauge(name, labels.to_vec())).collect(),
            queue_delay: quantiles(QUEUE_DELAY),
            lateness: quantiles(LATENESS),
        }
    }

    fn record(&self, stats: &ClassStats) {
        for (counter, (_, _, value)) in self.counters.iter().zip(COUNTERS) {
            counter.absolute(value(&stats.counts));
        }
        for (gauge, (_, value)) in self.levels.iter().zip(LEVELS) {
            gauge.set(f64::from(value(&stats.counts)));
        }
        record_quantiles(&self.queue_delay, &stats.queue_delay);
        record_quantiles(&self.lateness, &stats.lateness);
    }
}

/// What a recorder is told the counters mean.
const COUNTER_TEXTS: [Text; 11] = [
    ("punctual_submitted_total", Unit::Count, "Jobs that were submitted"),
    ("punctual_joined_total", Unit::Count, "Jobs that joined a queued one"),
    ("punctual_done_total", Unit::Count, "Jobs that ran and are done"),
    ("punctual_failed_total", Unit::Count, "Jobs that ran and have failed"),
    ("punctual_cancelled_total", Unit::Count, "Jobs that were cancelled in the queue"),
    ("punctual_late_total", Unit::Count, "Jobs that ended after their deadline"),
    ("punctual_forced_total", Unit::Count, "Background jobs that a guard took to the front"),
    ("punctual_shadowed_total", Unit::Count, "Jobs that only shadow mode ran"),
    ("punctual_busy_microseconds_total", Unit::Microseconds, "The time of all runs"),
    (REFUSED, Unit::Count, "Jobs that were not accepted"),
    (SHED, Unit::Count, "Accepted jobs that were not run"),
];

/// And the gauges.
const GAUGE_TEXTS: [Text; 8] = [
    ("punctual_queued", Unit::Count, "Jobs that are queued"),
    ("punctual_running", Unit::Count, "Jobs that are running"),
    ("punctual_suspended", Unit::Count, "Jobs that are suspended"),
    (QUEUE_DELAY, Unit::Seconds, "How long jobs were queued that ran"),
    (LATENESS, Unit::Seconds, "By how much late jobs missed their deadline"),
    (LOAD[0], Unit::Seconds, "Worker time that running jobs need still"),
    (LOAD[1], Unit::Seconds, "Worker time that queued jobs need"),
    (LOAD[2], Unit::Seconds, "By how much the queue could be delayed"),
];
