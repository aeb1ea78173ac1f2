//! The figures as tables, one for each load, and as JSON.

use super::figures::{Figures, MOST_DRIFT, MOST_LAG_MS, MOST_OFFSET};
use super::{BUDGET, RESERVE, Row};
use crate::quantiles::{median, quantiles};
use crate::report::aligned;

/// A table for each load. A cell is the median of the repeats that count.
pub(super) fn markdown(header: &str, rows: &[Row]) -> String {
    let mut text = conditions(header, rows);
    for group in rows.chunk_by(|left, right| left.load == right.load) {
        let titles = [
            &format!("{}x", group[0].load),
            "goodput",
            "on time",
            "late, clients / server",
            "503",
            "504",
            "unsent",
            "answer p50 / p99, ms",
            "at the server, ms",
            "'no' p50 / p99, ms",
            "CPU a request, clients / server, us",
            "left out",
        ];
        let mut cells = vec![titles.map(str::to_owned).to_vec()];
        cells.extend(group.iter().map(|row| row.cells().to_vec()));
        text.push('\n');
        text.push_str(&aligned(&cells));
    }
    text
}

fn conditions(header: &str, rows: &[Row]) -> String {
    let all = || rows.iter().flat_map(|row| &row.repeats);
    let drawn = all().map(|it| it.capacity.drawn);
    let [least, middle, most] = quantiles(drawn, [0.0, 0.5, 1.0]).unwrap_or_default();
    let [lag_ms, worst_ms] = quantiles(all().map(|it| it.lag_ms), [0.5, 1.0]).unwrap_or_default();
    let drifts = all().map(|it| 100.0 * it.capacity.drift());
    let [drift, worst_drift] = quantiles(drifts, [0.5, 1.0]).unwrap_or_default();
    let (left_out, count) = (all().filter(|it| it.is_disturbed()).count(), all().count());
    let (most_drift, most_offset) = (100.0 * MOST_DRIFT, 100.0 * MOST_OFFSET);
    format!(
        "axum over loopback; handlers of 1 ms of work, done by one thread, one after another. \
         Deadline {BUDGET:?} after the scheduled arrival; the header says what is left when it is \
         sent, less {RESERVE:?}. Capacity: {middle:.0} answers a second (from {least:.0} to \
         {most:.0}), to clients that wait for each answer, without a layer. Clients' \
         and server's threads share one core, the work has the other; {header}\n\n\
         Requests were sent {lag_ms:.2} ms late (p99), at worst {worst_ms:.2} ms; the capacity, \
         measured before and after each trial, drifted by {drift:.1} %, at worst \
         {worst_drift:.1} %. {left_out} of {count} trials are left out of the medians: more than \
         {MOST_LAG_MS} ms late, a drift of more than {most_drift} %, or a capacity more than \
         {most_offset} % from that which the load was drawn for.\n\n\
         goodput: answers in time, of the capacity; late: of all answers; on time, 503, 504, \
         unsent (no connection of 2,000 was free): of all requests that came; times of clients are \
         counted from the scheduled arrival, those of the server from the request's head\n"
    )
}

impl Row {
    fn cells(&self) -> [String; 12] {
        let percent = |share: Option<f64>| {
            share.map_or_else(absent, |share| format!("{:.2}%", 100.0 * share))
        };
        let pair = |times: Option<[f64; 2]>| {
            times.map_or_else(absent, |[p50, p99]| format!("{p50:.1} / {p99:.1}"))
        };
        let of_all = |figure: fn(&Figures) -> f64| self.median(|it| Some(figure(it)));
        let late = self.median(|it| it.late);
        let late_at_server = self.median(|it| it.late_at_server);
        let cpu = [of_all(|it| it.client_us), of_all(|it| it.server_us)];
        [
            self.contender.name(),
            percent(of_all(|it| it.goodput)),
            percent(of_all(|it| it.on_time)),
            format!("{} / {}", percent(late), percent(late_at_server)),
            percent(of_all(|it| it.refused)),
            percent(of_all(|it| it.given_up)),
            percent(of_all(|it| it.unsent)),
            pair(self.medians(|it| it.answer_ms)),
            pair(self.medians(|it| it.answer_at_server_ms)),
            pair(self.medians(|it| it.no_ms)),
            cpu.map(|us| us.map_or_else(absent, |us| format!("{us:.0}"))).join(" / "),
            format!("{} of {}", self.left_out(), self.repeats.len()),
        ]
    }

    /// The repeats that nobody disturbed.
    fn counted(&self) -> impl Iterator<Item = &Figures> {
        self.repeats.iter().filter(|figures| !figures.is_disturbed())
    }

    fn left_out(&self) -> usize {
        self.repeats.len() - self.counted().count()
    }

    fn median(&self, figure: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
        median(self.counted().filter_map(figure))
    }

    fn medians(&self, figure: impl Fn(&Figures) -> Option<[f64; 2]>) -> Option<[f64; 2]> {
        let each = self.counted().filter_map(figure).collect::<Vec<_>>();
        Some([median(each.iter().map(|it| it[0]))?, median(each.iter().map(|it| it[1]))?])
    }

    fn json(&self) -> String {
        let number = |number: Option<f64>| {
            number.map_or_else(|| "null".to_owned(), |number| format!("{number:.5}"))
        };
        let list = |times: Option<[f64; 2]>| {
            let list = |[p50, p99]: [f64; 2]| format!("[{p50:.5},{p99:.5}]");
            times.map_or_else(|| "null".to_owned(), list)
        };
        let of_all = |figure: fn(&Figures) -> f64| number(self.median(|it| Some(figure(it))));
        let fields = [
            ("load", self.load.to_string()),
            ("contender", format!("{:?}", self.contender.name())),
            ("ours", self.contender.is_ours().to_string()),
            ("repeats", self.repeats.len().to_string()),
            ("left_out", self.left_out().to_string()),
            ("capacity_per_s", of_all(|it| it.capacity.drawn)),
            ("goodput", of_all(|it| it.goodput)),
            ("on_time", of_all(|it| it.on_time)),
            ("late", number(self.median(|it| it.late))),
            ("late_at_server", number(self.median(|it| it.late_at_server))),
            ("refused", of_all(|it| it.refused)),
            ("given_up", of_all(|it| it.given_up)),
            ("unsent", of_all(|it| it.unsent)),
            ("answer_p50_p99_ms", list(self.medians(|it| it.answer_ms))),
            ("answer_at_server_p50_p99_ms", list(self.medians(|it| it.answer_at_server_ms))),
            ("no_p50_p99_ms", list(self.medians(|it| it.no_ms))),
            ("client_late_p99_ms", of_all(|it| it.lag_ms)),
            ("client_cpu_us", of_all(|it| it.client_us)),
            ("server_cpu_us", of_all(|it| it.server_us)),
        ];
        let fields = fields.map(|(name, value)| format!("{name:?}:{value}"));
        format!("{{\"structure\":\"tower\",{}}}", fields.join(","))
    }
}

pub(super) fn json(header: &str, rows: &[Row]) -> String {
    let rows = rows.iter().map(Row::json).collect::<Vec<_>>().join(",\n");
    format!("{{\"measured\":{header:?},\"rows\":[\n{rows}\n]}}\n")
}

fn absent() -> String {
    "-".to_owned()
}
