//! The configurations that the model of the scheduler runs with.

use punctual::scheduler::{
    Admission, ClassConfig, Config, CostModel, Margin, Quantile, Reservation,
};
use punctual::time::Time;

use super::ops::units;

/// How many configurations [`config`] knows.
pub(crate) const CONFIGS: u32 = 22;

const BOOKED: Reservation = Reservation { runtime: units(3), period: units(11) };

/// A configuration by its number; every number gives one.
///
/// Class 1 is always a background class.
pub(crate) fn config(number: u32) -> Config {
    let plain = || vec![foreground(), ClassConfig::background(), foreground().weight(3)];
    let booked = || {
        vec![foreground(), background(), foreground().weight(2), foreground().reservation(BOOKED)]
    };
    let quantiles = || {
        let half = CostModel::Quantile(Quantile::P50);
        let most = CostModel::Quantile(Quantile::P90);
        vec![foreground().cost_model(half), background(), foreground().cost_model(most)]
    };
    let learned = Margin::Learned { quantile: Quantile::P90, least: units(1), most: units(3) };
    let base = |admission, classes| Config {
        admission,
        classes,
        queue_bound: 9,
        max_sheds_between_runs: 2,
        ..Config::default()
    };
    match number % CONFIGS {
        0 => base(Admission::Evict, plain()),
        1 => Config { workers: 3, ..base(Admission::Evict, plain()) },
        2 => base(Admission::Feasible, plain()),
        3 => base(Admission::All, booked()),
        4 => base(Admission::Evict, booked()),
        5 => Config { shadow: true, ..base(Admission::Evict, booked()) },
        6 => Config { margin: learned, ..base(Admission::Evict, quantiles()) },
        7 => base(Admission::Evict, guarded()),
        8 => everything(Admission::Evict, 2),
        9 => Config { workers: 3, ..base(Admission::Feasible, booked()) },
        10 => Config { shadow: true, ..base(Admission::Feasible, guarded()) },
        11 => Config { workers: 2, margin: learned, ..base(Admission::All, guarded()) },
        12 => Config { shadow: true, ..everything(Admission::Evict, 3) },
        13 => everything(Admission::Feasible, 1),
        14 => Config { margin: Margin::Fixed(units(1)), ..base(Admission::All, quantiles()) },
        15 => everything(Admission::Evict, 1),
        16 => Config { queue_bound: 3, ..base(Admission::Evict, booked()) },
        17 => Config { queue_bound: 4, ..everything(Admission::Evict, 4) },
        18 => everything(Admission::Evict, 1),
        19 => everything(Admission::Evict, 3),
        20 => everything(Admission::Feasible, 2),
        _ => Config { workers: 2, ..base(Admission::All, guarded()) },
    }
}

/// When the model of a configuration begins: the last ones soon before time ends.
pub(super) fn start(number: u32) -> Time {
    match number % CONFIGS {
        0..18 => Time::from_nanos(5_000),
        _ => Time::MAX - units(60),
    }
}

const fn foreground() -> ClassConfig {
    ClassConfig::foreground().initial_cost(units(2))
}

const fn background() -> ClassConfig {
    ClassConfig::background().initial_cost(units(1)).starvation_guard(units(5))
}

/// Two background classes, whose guards meet.
fn guarded() -> Vec<ClassConfig> {
    let soon = ClassConfig::background().starvation_guard(units(3));
    vec![foreground(), background(), soon, foreground().weight(2)]
}

fn everything(admission: Admission, workers: u32) -> Config {
    Config {
        workers,
        admission,
        queue_bound: 7,
        margin: Margin::Learned { quantile: Quantile::P95, least: units(0), most: units(2) },
        max_sheds_between_runs: 1,
        classes: vec![
            foreground().queue_bound(5),
            background().queue_bound(3).cost_model(CostModel::Quantile(Quantile::P50)),
            foreground().weight(3).cost_model(CostModel::Quantile(Quantile::P99)),
            foreground().reservation(BOOKED).queue_bound(4),
            ClassConfig::background(),
        ],
        ..Config::default()
    }
}
