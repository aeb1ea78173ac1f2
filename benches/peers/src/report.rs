//! The measured costs as tables of ratios and as JSON.
//!
//! A ratio is the cost of the first of ours divided by that of another: below 1, ours costs less.

use std::fmt::Write as _;

use crate::frame::{Cost, Measured, Unit};

/// The table of ratios alone, for the README.
pub(crate) fn markdown(header: &str, cases: &[Measured]) -> String {
    let groups = cases.chunk_by(|left, right| left.workload == right.workload);
    let most = groups.max_by_key(|group| group.len()).unwrap_or_default();
    let sizes = most.iter().map(|case| count(case.size)).collect::<Vec<_>>();
    format!("n = {}; {header}\n\n{}", sizes.join(" / "), ratios(cases))
}

/// A table of medians with their quartiles for each workload, and then the table of ratios.
pub(crate) fn details(header: &str, cases: &[Measured]) -> String {
    let mut text = String::new();
    for group in cases.chunk_by(|left, right| left.workload == right.workload) {
        let unit = if group[0].unit == Unit::Nanoseconds { ", ns" } else { "" };
        let mut rows = vec![vec![format!("{}{unit}", group[0].workload)]];
        rows[0].extend(group.iter().map(|case| count(case.size)));
        for name in names(group) {
            let mut row = vec![name.to_owned()];
            row.extend(group.iter().map(|case| case.cost(name).map_or_else(absent, spread)));
            rows.push(row);
        }
        let _ = writeln!(text, "{}", aligned(&rows));
    }
    text + &markdown(header, cases)
}

/// The costs of the first of ours as shares of everybody else's: what stands in one cell differs
/// in size only. Contenders or workloads are the rows, whichever are more.
fn ratios(cases: &[Measured]) -> String {
    let names = names(cases);
    let (first, others) = names.split_first().expect("somebody competes");
    let units = match cases.iter().any(|case| case.unit == Unit::Jobs) {
        true => "ns, jobs or bytes",
        false => "ns or bytes",
    };
    let mut titles = vec!["workload".to_owned(), format!("{first}, {units}")];
    titles.extend(others.iter().map(|other| format!("/ {other}")));
    let mut rows = vec![titles];
    for group in cases.chunk_by(|left, right| left.workload == right.workload) {
        let joined = |cell: &dyn Fn(&Measured) -> String| {
            let mut cells = group.iter().map(cell).collect::<Vec<_>>();
            cells.dedup_by(|left, right| left == "-" && right == "-");
            cells.join(" / ")
        };
        let mut row = vec![group[0].workload.clone()];
        row.push(joined(&|case| rounded(case.costs[0].median)));
        row.extend(others.iter().map(|other| joined(&|case| ratio(case, other))));
        rows.push(row);
    }
    if rows[0].len() > rows.len() {
        rows = (0..rows[0].len())
            .map(|column| rows.iter().map(|row| row[column].clone()).collect())
            .collect();
    }
    aligned(&rows)
}

/// A row for every pair of ours and a peer; where ours are alone, a row without a peer for each.
pub(crate) fn json(header: &str, structure: &str, cases: &[Measured]) -> String {
    let mut rows = Vec::new();
    for case in cases {
        let unit = match case.unit {
            Unit::Nanoseconds => "ns",
            Unit::Bytes => "bytes",
            Unit::Jobs => "jobs",
        };
        let (ours, peers): (Vec<_>, Vec<_>) = case.costs.iter().partition(|cost| cost.ours);
        for our in ours {
            let begin = format!(
                "{{\"structure\":{structure:?},\"workload\":{:?},\"n\":{},\"ours\":{:?}",
                case.workload, case.size, our.name
            );
            let cost = format!("\"ours_{unit}\":{:.2},\"peer_{unit}\"", our.median);
            for peer in &peers {
                let (name, theirs, ratio) = (&peer.name, peer.median, our.median / peer.median);
                rows.push(format!(
                    "{begin},\"peer\":{name:?},{cost}:{theirs:.2},\"ratio\":{ratio:.7}}}"
                ));
            }
            if peers.is_empty() {
                rows.push(format!("{begin},\"peer\":null,{cost}:null,\"ratio\":null}}"));
            }
        }
    }
    format!("{{\"measured\":{header:?},\"rows\":[\n{}\n]}}\n", rows.join(",\n"))
}

impl Measured {
    fn cost(&self, name: &str) -> Option<&Cost> {
        self.costs.iter().find(|cost| cost.name == name)
    }
}

/// Who competes, in the order of the first appearance.
fn names(cases: &[Measured]) -> Vec<&str> {
    let mut names = Vec::new();
    for cost in cases.iter().flat_map(|case| &case.costs) {
        if !names.contains(&cost.name.as_str()) {
            names.push(cost.name.as_str());
        }
    }
    names
}

fn absent() -> String {
    "-".to_owned()
}

/// The median and, where the turns differ, the quartiles.
fn spread(cost: &Cost) -> String {
    let median = rounded(cost.median);
    match cost.quartiles {
        [lower, upper] if lower == upper => median,
        quartiles => format!("{median} ({})", quartiles.map(rounded).join(" .. ")),
    }
}

/// The cost of the first of ours as a share of another's.
fn ratio(case: &Measured, other: &str) -> String {
    let Some(theirs) = case.cost(other) else {
        return absent();
    };
    let ratio = case.costs[0].median / theirs.median;
    match ratio {
        0.0..0.001 => format!("{ratio:.0e}"),
        0.001..0.1 => format!("{ratio:.3}"),
        0.1..10.0 => format!("{ratio:.2}"),
        _ => format!("{ratio:.0}"),
    }
}

/// A power of ten as `1e5`.
fn count(size: usize) -> String {
    match size.checked_ilog10() {
        Some(power) if 10_usize.pow(power) == size => format!("1e{power}"),
        _ => size.to_string(),
    }
}

fn rounded(cost: f64) -> String {
    if cost < 100.0 { format!("{cost:.1}") } else { format!("{cost:.0}") }
}

/// Markdown whose columns also line up as plain text.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = (0..columns).map(width).collect::<Vec<_>>();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
        }
        text.push('\n');
        if index == 0 {
            for (column, &width) in widths.iter().enumerate() {
                let _ = match column {
                    0 => write!(text, "| {:-<width$} |", ""),
                    _ => write!(text, " {:->width$}: |", "", width = width - 1),
                };
            }
            text.push('\n');
        }
    }
    text
}
