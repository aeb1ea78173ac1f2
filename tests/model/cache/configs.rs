//! The configurations that the model runs.

use core::time::Duration;

use punctual::refresh::{Config, Urgency};

use super::ops::units;

/// How many configurations there are.
pub(crate) const CONFIGS: u32 = 12;

/// What a cache is told, and what its oracle knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) start_ns: u64,
    pub(super) soft: Duration,
    pub(super) hard: Duration,
    pub(super) negative: Duration,
    pub(super) first_back_off: Duration,
    pub(super) most_back_off: Duration,
    pub(super) stale_if_error: Duration,
    pub(super) jitter: f64,
    pub(super) refresh_after: f64,
    pub(super) latency: Duration,
    pub(super) capacity: u64,
    /// Whether values weigh 1, 2 or 3.
    pub(super) is_weighed: bool,
    pub(super) bulk: usize,
    pub(super) detects_changes: bool,
    pub(super) plan: Config,
}

impl Settings {
    /// Whether entries may have to leave for want of room, which only the storage can predict.
    pub(super) const fn is_small(&self) -> bool {
        self.capacity < 3 * super::KEYS as u64
    }

    /// How many refreshes may run with one more of this urgency: a quarter of all places is for
    /// who waits, and an eighth for what is about to expire.
    pub(super) fn places(&self, urgency: Urgency) -> u32 {
        let all = self.plan.concurrent;
        let (for_demands, for_expiring) = (all.div_ceil(4), all.div_ceil(8));
        let most = match urgency {
            Urgency::Demanded { .. } => all,
            Urgency::Expiring { .. } => all.saturating_sub(for_demands),
            Urgency::Refresh => {
                all.saturating_sub(for_demands + for_expiring).min(self.plan.concurrent_refreshes)
            }
        };
        most.max(1)
    }

    pub(super) const fn weight(&self, value: u32) -> u64 {
        if self.is_weighed { 1 + value as u64 % 3 } else { 1 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start_ns: 5_000,
            soft: units(20),
            hard: units(50),
            negative: units(8),
            first_back_off: units(5),
            most_back_off: units(16),
            stale_if_error: Duration::ZERO,
            jitter: 0.0,
            refresh_after: 1.0,
            latency: Duration::ZERO,
            capacity: 100,
            is_weighed: false,
            bulk: 1,
            detects_changes: false,
            plan: Config { load_timeout: units(12), idle_refreshes: 1_000, ..Config::default() },
        }
    }
}

/// The configuration with a number.
pub(crate) fn settings(number: u32) -> Settings {
    let all = Settings::default();
    let plan = all.plan;
    match number % CONFIGS {
        0 => all,
        1 => Settings { stale_if_error: units(15), detects_changes: true, ..all },
        2 => {
            let plan = Config { concurrent: 2, concurrent_refreshes: 1, demand_bound: 2, ..plan };
            Settings { plan, ..all }
        }
        3 => Settings { capacity: 2, ..all },
        4 => Settings { capacity: 4, is_weighed: true, stale_if_error: units(15), ..all },
        5 => Settings { bulk: 3, ..all },
        6 => {
            let plan = Config { loads_per_second: Some(60.0), burst: 2, ..plan };
            Settings { plan, ..all }
        }
        7 => {
            let plan = Config { idle_refreshes: 1, ..plan };
            Settings { jitter: 0.3, refresh_after: 0.6, plan, ..all }
        }
        8 => {
            let plan = Config { concurrent: 1, ..plan };
            Settings { capacity: 2, bulk: 2, plan, ..all }
        }
        9 => {
            let plan = Config { load_timeout: units(20), concurrent_refreshes: 2, ..plan };
            Settings { soft: units(6), hard: units(6), stale_if_error: units(10), plan, ..all }
        }
        10 => Settings { latency: units(4), soft: units(30), hard: Duration::MAX, ..all },
        // The clock is near its end.
        _ => Settings { start_ns: u64::MAX - 400_000_000, ..all },
    }
}
