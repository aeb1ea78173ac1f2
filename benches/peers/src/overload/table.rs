//! The figures as tables, one for each load, and as JSON.

use super::answers::{Conditions, Figures, MOST_DRIFT, MOST_LAG_MS};
use super::job::{Cost, Mix};
use super::{BUDGET, Row};
use crate::quantiles::median;
use crate::report::aligned;

/// A table for each load. A cell is the median of the repeats that count, a worst case the worst
/// of them.
pub(crate) fn markdown(header: &str, rows: &[Row]) -> String {
    let mut text = conditions(header, rows);
    for group in rows.chunk_by(|left, right| left.load == right.load) {
        let titles = [
            &group[0].load.name(),
            "goodput",
            "on time",
            "late",
            "late by at most, ms",
            "refused",
            "shed",
            "left",
            "'no' p50 / p99 / worst, ms",
            "delay p50 / p99, ms",
            "left out",
        ];
        let mut cells = vec![titles.map(str::to_owned).to_vec()];
        cells.extend(group.iter().map(|row| row.cells().to_vec()));
        text.push('\n');
        text.push_str(&aligned(&cells));
    }
    text
}

/// What was measured, on what machine, and what the titles mean.
fn conditions(header: &str, rows: &[Row]) -> String {
    let all = || rows.iter().flat_map(|row| &row.repeats).map(|figures| &figures.conditions);
    let of_all = |figure: fn(&Conditions) -> f64| median(all().map(figure)).unwrap_or_default();
    let worst = |figure: fn(&Conditions) -> f64| all().map(figure).fold(0.0, f64::max);
    let per_s = of_all(|it| it.drawn) / Mix::Equal.mean().as_secs_f64();
    let (lag_ms, worst_lag_ms) = (of_all(|it| it.lag.p99_ms), worst(|it| it.lag.worst_ms));
    let drift = 100.0 * of_all(Conditions::drift);
    let worst_drift = 100.0 * worst(Conditions::drift);
    let (count, most_drift) = (all().count(), 100.0 * MOST_DRIFT);
    let left_out = all().filter(|it| it.are_disturbed()).count();
    let [usual, short, long] = [Cost::Usual, Cost::Short, Cost::Long].map(Cost::time);
    let repeats = rows.first().map_or(0, |row| row.repeats.len());
    format!(
        "Jobs of {usual:?}; mixed: 90 % of {short:?} and 10 % of {long:?}, declared to the \
         schedulers. Deadline {BUDGET:?} after the scheduled arrival; one worker, which can do \
         {per_s:.0} jobs of {usual:?} a second; {repeats} repeats; {header}\n\n\
         The generator was {lag_ms:.3} ms late (p99), at worst {worst_lag_ms:.2} ms; what the \
         worker can do, measured before and after each trial, drifted from what the load was \
         drawn for by {drift:.1} %, at worst {worst_drift:.1} %. {left_out} of \
         {count} trials are left out of the medians: a generator more than {MOST_LAG_MS} ms late \
         (p99), or a drift of more than {most_drift} %.\n\n\
         goodput: work that ended in time, of what the worker can do; late: of all jobs that \
         ran; on time, refused, shed, left without an answer: of all jobs that came; 'no': what \
         was left until the deadline; delay: from the scheduled arrival to the start; left out: \
         trials that others disturbed\n"
    )
}

impl Row {
    fn cells(&self) -> [String; 11] {
        let percent = |share: Option<f64>| {
            share.map_or_else(absent, |share| format!("{:.1}%", 100.0 * share))
        };
        [
            self.contender.name(),
            percent(self.median(|figures| figures.goodput)),
            percent(self.median(|figures| figures.on_time)),
            percent(self.late()),
            self.worst_lateness_ms().map_or_else(absent, |ms| format!("{ms:.2}")),
            percent(self.median(|figures| figures.refused)),
            percent(self.median(|figures| figures.shed)),
            percent(self.median(|figures| figures.left)),
            self.notice_ms().map_or_else(absent, |ms| slashed(&ms)),
            self.delay_ms().map_or_else(absent, |ms| slashed(&ms)),
            format!("{} of {}", self.left_out(), self.repeats.len()),
        ]
    }

    /// The repeats that nobody disturbed.
    fn counted(&self) -> impl Iterator<Item = &Figures> {
        self.repeats.iter().filter(|figures| !figures.conditions.are_disturbed())
    }

    fn left_out(&self) -> usize {
        self.repeats.len() - self.counted().count()
    }

    fn each(&self, figure: fn(&Figures) -> f64) -> impl Iterator<Item = f64> {
        self.counted().map(figure)
    }

    fn median(&self, figure: fn(&Figures) -> f64) -> Option<f64> {
        median(self.each(figure))
    }

    fn late(&self) -> Option<f64> {
        median(self.counted().filter_map(|figures| figures.late))
    }

    /// The longest that an answer came after its deadline; `None` if none did.
    fn worst_lateness_ms(&self) -> Option<f64> {
        let worst = self.each(|figures| figures.worst_lateness_ms).fold(0.0, f64::max);
        (worst > 0.0).then_some(worst)
    }

    fn notice_ms(&self) -> Option<[f64; 3]> {
        let each = self.counted().filter_map(|figures| figures.notice_ms).collect::<Vec<_>>();
        let worst = each.iter().map(|&[.., worst]| worst).min_by(f64::total_cmp)?;
        let column = |at: usize| median(each.iter().map(|notice| notice[at]));
        Some([column(0)?, column(1)?, worst])
    }

    fn delay_ms(&self) -> Option<[f64; 2]> {
        let each = self.counted().filter_map(|figures| figures.delay_ms).collect::<Vec<_>>();
        let column = |at: usize| median(each.iter().map(|delay| delay[at]));
        Some([column(0)?, column(1)?])
    }

    fn json(&self) -> String {
        let number = |number: f64| format!("{number:.5}");
        let list = |numbers: &[f64]| {
            format!("[{}]", numbers.iter().copied().map(number).collect::<Vec<_>>().join(","))
        };
        let null = || "null".to_owned();
        let figure = |figure: fn(&Figures) -> f64| self.median(figure).map_or_else(null, number);
        let all = |figure: fn(&Conditions) -> f64| {
            let figures = self.repeats.iter().map(|figures| figure(&figures.conditions));
            list(&figures.collect::<Vec<_>>())
        };
        let per_s = |figures: &Figures| figures.conditions.drawn;
        let per_s = self.median(per_s).map(|drawn| drawn / self.load.mix.mean().as_secs_f64());
        let fields = [
            ("load", self.load.factor.to_string()),
            ("mix", format!("{:?}", self.load.mix).to_lowercase()),
            ("contender", self.contender.name()),
            ("ours", self.contender.is_ours().to_string()),
            ("repeats", self.repeats.len().to_string()),
            ("left_out", self.left_out().to_string()),
            ("capacity_per_s", per_s.map_or_else(null, number)),
            ("goodput", figure(|figures| figures.goodput)),
            ("goodput_of_each", list(&self.each(|figures| figures.goodput).collect::<Vec<_>>())),
            ("on_time", figure(|figures| figures.on_time)),
            ("late", self.late().map_or_else(null, number)),
            ("worst_lateness_ms", self.worst_lateness_ms().map_or_else(null, number)),
            ("refused", figure(|figures| figures.refused)),
            ("shed", figure(|figures| figures.shed)),
            ("left", figure(|figures| figures.left)),
            ("no_notice_p50_p99_worst_ms", self.notice_ms().map_or_else(null, |ms| list(&ms))),
            ("delay_p50_p99_ms", self.delay_ms().map_or_else(null, |ms| list(&ms))),
            ("generator_late_p99_ms_of_all", all(|conditions| conditions.lag.p99_ms)),
            ("drift_of_all", all(Conditions::drift)),
        ];
        let fields = fields.map(|(name, value)| match name {
            "mix" | "contender" => format!("{name:?}:{value:?}"),
            _ => format!("{name:?}:{value}"),
        });
        format!("{{\"structure\":\"overload\",{}}}", fields.join(","))
    }
}

pub(crate) fn json(header: &str, rows: &[Row]) -> String {
    let rows = rows.iter().map(Row::json).collect::<Vec<_>>();
    format!("{{\"measured\":{header:?},\"rows\":[\n{}\n]}}\n", rows.join(",\n"))
}

fn absent() -> String {
    "-".to_owned()
}

fn slashed(numbers: &[f64]) -> String {
    numbers.iter().map(|number| format!("{number:.2}")).collect::<Vec<_>>().join(" / ")
}
