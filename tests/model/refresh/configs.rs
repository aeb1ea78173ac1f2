//! The configurations that the model of the planner runs with.

use punctual::refresh::Config;
use punctual::time::Time;

use super::ops::{IDS, units};

/// How many configurations [`config`] knows.
pub(crate) const CONFIGS: u32 = 8;

/// A configuration by its number; every number gives one.
pub(crate) fn config(number: u32) -> Config {
    let base = Config {
        load_timeout: units(6),
        memory: units(40),
        concurrent: 4,
        concurrent_refreshes: 2,
        idle_refreshes: 3,
        demand_bound: 3,
        burst: 2,
        bound: IDS,
        ..Config::default()
    };
    match number % CONFIGS {
        0 => base,
        1 => Config { loads_per_second: Some(0.3), ..base },
        2 => Config { loads_per_second: Some(2.0), concurrent_refreshes: 4, burst: 5, ..base },
        3 => Config { loads_per_second: Some(0.02), wait_weight: 0.0, burst: 1, ..base },
        4 => Config { concurrent: 1, concurrent_refreshes: 1, idle_refreshes: 1, ..base },
        5 => Config { loads_per_second: Some(1e-300), wait_weight: f64::MAX, ..base },
        6 => Config { loads_per_second: Some(1e300), memory: units(1), ..base },
        _ => Config { loads_per_second: Some(0.5), load_timeout: units(2), ..base },
    }
}

/// When the model of a configuration begins: the last one soon before time ends.
pub(crate) fn start(number: u32) -> Time {
    match number % CONFIGS {
        7 => Time::MAX - units(50),
        _ => Time::from_nanos(5_000),
    }
}
