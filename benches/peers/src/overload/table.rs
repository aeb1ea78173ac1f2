//! The figures as tables, one for each load, and as JSON.

use super::answers::Figures;
use super::{BUDGET, COST, Row};
use crate::report::aligned;

/// A table for each load. A cell is the median of the repeats, a worst case the worst of them.
pub(crate) fn markdown(header: &str, rows: &[Row]) -> String {
    let all = || rows.iter().flat_map(|row| &row.repeats);
    let capacity = median(all().map(|figures| figures.capacity));
    let lag_p99_ms = median(all().map(|figures| figures.lag.p99.as_secs_f64() * 1e3));
    let lag_ms = all().map(|figures| figures.lag.worst.as_secs_f64() * 1e3).fold(0.0, f64::max);
    let mut text = format!(
        "Jobs of {COST:?}, deadline {BUDGET:?} after the scheduled arrival; one worker, which can \
         do {capacity:.0} jobs a second; {} repeats; the generator was {lag_p99_ms:.3} ms late \
         (p99), at worst {lag_ms:.2} ms; {header}\n\n\
         goodput: jobs that ended in time, of what the worker can do; late: of all that ran; \
         refused, shed, left without an answer: of all that came; 'no': what was left until the \
         deadline; delay: from the scheduled arrival to the start\n",
        rows.first().map_or(0, |row| row.repeats.len())
    );
    for group in rows.chunk_by(|left, right| left.load == right.load) {
        let titles = [
            &format!("{}x", group[0].load),
            "goodput",
            "late",
            "late by at most, ms",
            "refused",
            "shed",
            "left",
            "'no' p50 / p99 / worst, ms",
            "delay p50 / p99, ms",
        ];
        let mut cells = vec![titles.map(str::to_owned).to_vec()];
        cells.extend(group.iter().map(|row| row.cells().to_vec()));
        text.push('\n');
        text.push_str(&aligned(&cells));
    }
    text
}

impl Row {
    fn cells(&self) -> [String; 9] {
        let percent =
            |figure: fn(&Figures) -> f64| format!("{:.1}%", 100.0 * median(self.each(figure)));
        [
            self.contender.name(),
            percent(|figures| figures.goodput),
            self.late().map_or_else(absent, |share| format!("{:.1}%", 100.0 * share)),
            self.worst_lateness_ms().map_or_else(absent, |ms| format!("{ms:.2}")),
            percent(|figures| figures.refused),
            percent(|figures| figures.shed),
            percent(|figures| figures.left),
            self.notice_ms().map_or_else(absent, |ms| slashed(&ms)),
            self.delay_ms().map_or_else(absent, |ms| slashed(&ms)),
        ]
    }

    fn each(&self, figure: fn(&Figures) -> f64) -> impl Iterator<Item = f64> {
        self.repeats.iter().map(figure)
    }

    fn late(&self) -> Option<f64> {
        let mut each = self.repeats.iter().filter_map(|figures| figures.late).peekable();
        each.peek()?;
        Some(median(each))
    }

    /// The longest that an answer came after its deadline; `None` if none did.
    fn worst_lateness_ms(&self) -> Option<f64> {
        let worst = self.each(|figures| figures.worst_lateness_ms).fold(0.0, f64::max);
        (worst > 0.0).then_some(worst)
    }

    fn notice_ms(&self) -> Option<[f64; 3]> {
        let each = self.repeats.iter().filter_map(|figures| figures.notice_ms).collect::<Vec<_>>();
        let worst = each.iter().map(|&[.., worst]| worst).min_by(f64::total_cmp)?;
        let column = |at: usize| median(each.iter().map(|notice| notice[at]));
        Some([column(0), column(1), worst])
    }

    fn delay_ms(&self) -> Option<[f64; 2]> {
        let each = self.repeats.iter().filter_map(|figures| figures.delay_ms).collect::<Vec<_>>();
        let column = |at: usize| median(each.iter().map(|delay| delay[at]));
        (!each.is_empty()).then(|| [column(0), column(1)])
    }

    fn json(&self) -> String {
        let number = |number: f64| format!("{number:.5}");
        let figure = |figure: fn(&Figures) -> f64| number(median(self.each(figure)));
        let list = |numbers: &[f64]| {
            format!("[{}]", numbers.iter().copied().map(number).collect::<Vec<_>>().join(","))
        };
        let null = || "null".to_owned();
        let fields = [
            ("load", self.load.to_string()),
            ("contender", format!("{:?}", self.contender.name())),
            ("ours", self.contender.is_ours().to_string()),
            ("repeats", self.repeats.len().to_string()),
            ("capacity_per_s", figure(|figures| figures.capacity)),
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
            ("generator_late_p99_ms", figure(|figures| figures.lag.p99.as_secs_f64() * 1e3)),
        ];
        let fields = fields.map(|(name, value)| format!("{name:?}:{value}"));
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

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values = values.collect::<Vec<_>>();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
