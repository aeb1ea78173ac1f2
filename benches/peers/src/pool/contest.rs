//! Entrants take turns, in an order that is drawn anew each time.

use std::time::Duration;

use core_affinity::CoreId;
use punctual::time::{Clock, MonotonicClock, Time};

use super::executor::Executor;
use crate::frame::shuffled;
use crate::quantiles::{median, quantiles};

/// Where everything is measured.
#[derive(Clone, Copy)]
pub(crate) struct Bench {
    pub(crate) clock: MonotonicClock,
    /// The core of those who submit, or wake.
    pub(crate) producer: CoreId,
    /// The core of those who run jobs, or wait.
    pub(crate) worker: CoreId,
    pub(crate) quick: bool,
}

/// Who is measured, and how.
pub(crate) struct Entrant {
    pub(crate) name: &'static str,
    pub(crate) is_ours: bool,
    /// A turn gives a figure for each of the contest's columns.
    pub(crate) turn: fn(&Bench) -> Vec<f64>,
}

/// What an executor does when it is its turn.
pub(crate) trait Turn {
    fn take<E: Executor>(bench: &Bench) -> Vec<f64>;
}

/// One thing that is measured of several entrants.
pub(crate) struct Contest {
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) entrants: Vec<Entrant>,
}

/// A contest's figures.
pub(crate) struct Measured {
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) is_ours: bool,
    /// For each column the lower quartile, the median and the upper quartile of the turns.
    pub(crate) figures: Vec<[f64; 3]>,
    /// The figures of each turn.
    turns: Vec<Vec<f64>>,
}

impl Contest {
    pub(crate) fn run(self, bench: &Bench, repeats: usize) -> Measured {
        let Self { title, unit, columns, entrants } = self;
        let mut turns = vec![Vec::with_capacity(repeats); entrants.len()];
        for repeat in 0..repeats {
            eprintln!("{title}, repeat {} of {repeats}", repeat + 1);
            for index in shuffled(entrants.len(), repeat) {
                let turn = entrants[index].turn;
                let figures = on_a_thread(|| turn(bench));
                assert_eq!(figures.len(), columns.len(), "{}", entrants[index].name);
                turns[index].push(figures);
            }
        }
        let row = |(it, turns): (&Entrant, Vec<Vec<f64>>)| Row::new(it.name, it.is_ours, turns);
        let rows = entrants.iter().zip(turns).map(row).collect();
        Measured { title, unit, columns, rows }
    }
}

impl Row {
    /// A row of somebody's turns, each with a figure for every column.
    pub(crate) fn new(name: &'static str, is_ours: bool, turns: Vec<Vec<f64>>) -> Self {
        let summary = |column: usize| {
            let each = turns.iter().map(|figures| figures[column]);
            quantiles(each, [0.25, 0.5, 0.75]).expect("everybody takes a turn")
        };
        let columns = turns.first().map_or(0, Vec::len);
        Self { name, is_ours, figures: (0..columns).map(summary).collect(), turns }
    }
}

impl Measured {
    /// An entrant's median in a column.
    pub(crate) fn median(&self, name: &str, column: usize) -> f64 {
        self.row(name).figures[column][1]
    }

    /// The greatest of an entrant's figures in a column.
    pub(crate) fn worst(&self, name: &str, column: usize) -> f64 {
        self.row(name).turns.iter().map(|figures| figures[column]).fold(0.0, f64::max)
    }

    /// The median of one entrant's figures in a column as shares of those that another had in the
    /// same round: what a core costs another changes from minute to minute.
    pub(crate) fn ratio(&self, name: &str, to: &str, column: usize) -> f64 {
        self.compare(name, to, column, |own, other| own / other)
    }

    /// The median of the differences between figures of the same round.
    pub(crate) fn difference(&self, name: &str, to: &str, column: usize) -> f64 {
        self.compare(name, to, column, |own, other| own - other)
    }

    fn compare(
        &self,
        name: &str,
        to: &str,
        column: usize,
        compare: impl Fn(f64, f64) -> f64,
    ) -> f64 {
        let pairs = self.row(name).turns.iter().zip(&self.row(to).turns);
        let compared = pairs.map(|(own, other)| compare(own[column], other[column]));
        median(compared).expect("everybody takes a turn")
    }

    fn row(&self, name: &str) -> &Row {
        self.rows.iter().find(|row| row.name == name).expect("it competes")
    }
}

impl Bench {
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// A deadline that nothing here misses.
    pub(crate) fn far(&self) -> Time {
        self.now() + Duration::from_secs(600)
    }

    /// Starts something on the workers' core: its threads stay there. The calling thread goes on
    /// on the producers'.
    pub(crate) fn start_beside<R>(&self, start: impl FnOnce() -> R) -> R {
        pin(self.worker);
        let started = start();
        pin(self.producer);
        started
    }
}

/// Binds the calling thread, and those that it starts, to a core.
pub(crate) fn pin(core: CoreId) {
    assert!(core_affinity::set_for_current(core), "a thread can't be pinned");
}

/// Does something on a thread of its own, where it may pin itself.
pub(crate) fn on_a_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    #[expect(clippy::disallowed_methods, reason = "producers are threads")]
    let result = std::thread::scope(|scope| scope.spawn(work).join());
    result.expect("a turn ends well")
}
