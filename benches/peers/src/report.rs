//! The measured costs as tables of ratios and as JSON.
//!
//! A ratio is the cost of the first of ours divided by that of another: below 1, ours costs less.

use std::fmt::Write as _;

use crate::frame::{Cost, Measured, Unit};

/// The table of the README: a row for each workload, a ratio for each size.
pub(crate) fn markdown(header: &str, cases: &[Measured]) -> String {
    let (first, others) = columns(cases, |cost| !cost.ours);
    let mut sizes = Vec::new();
    let mut rows = vec![titles(first, &others, &["workload"])];
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
        if group.len() > sizes.len() {
            sizes = group.iter().map(|case| count(case.size)).collect();
        }
    }
    format!("n = {}; {header}\n\n{}", sizes.join(" / "), aligned(&rows))
}

/// Every median with its quartiles, and then a table with a row for each workload and size.
pub(crate) fn details(header: &str, cases: &[Measured]) -> String {
    let mut medians =
        vec![["workload", "n", "contender", "median", "quartiles"].map(str::to_owned).to_vec()];
    let (first, others) = columns(cases, |_| true);
    let mut ratios = vec![titles(first, &others, &["workload", "n"])];
    for case in cases {
        let start = [case.workload.clone(), count(case.size)];
        for cost in &case.costs {
            let quartiles = cost.quartiles.map(rounded).join(" .. ");
            let mut row = start.to_vec();
            row.extend([cost.name.to_owned(), rounded(cost.median), quartiles]);
            medians.push(row);
        }
        let mut row = start.to_vec();
        row.push(rounded(case.costs[0].median));
        row.extend(others.iter().map(|other| ratio(case, other)));
        ratios.push(row);
    }
    format!("{}\n{header}\n\n{}", aligned(&medians), aligned(&ratios))
}

/// A row for every pair of ours and a peer.
pub(crate) fn json(header: &str, structure: &str, cases: &[Measured]) -> String {
    let mut rows = Vec::new();
    for case in cases {
        let unit = match case.unit {
            Unit::Nanoseconds => "ns",
            Unit::Bytes => "bytes",
        };
        let (ours, peers): (Vec<_>, Vec<_>) = case.costs.iter().partition(|cost| cost.ours);
        for (our, peer) in ours.iter().flat_map(|our| peers.iter().map(move |peer| (our, peer))) {
            rows.push(format!(
                "{{\"structure\":{structure:?},\"workload\":{:?},\"n\":{},\"ours\":{:?},\
                 \"peer\":{:?},\"ours_{unit}\":{:.2},\"peer_{unit}\":{:.2},\"ratio\":{:.4}}}",
                case.workload,
                case.size,
                our.name,
                peer.name,
                our.median,
                peer.median,
                our.median / peer.median
            ));
        }
    }
    format!("{{\"measured\":{header:?},\"rows\":[\n{}\n]}}\n", rows.join(",\n"))
}

/// The first name of all, and the others that are wanted, in the order in which they appear.
fn columns(
    cases: &[Measured],
    wanted: impl Fn(&Cost) -> bool,
) -> (&'static str, Vec<&'static str>) {
    let first = cases[0].costs[0].name;
    let mut names = Vec::new();
    for cost in cases.iter().flat_map(|case| &case.costs) {
        if cost.name != first && wanted(cost) && !names.contains(&cost.name) {
            names.push(cost.name);
        }
    }
    (first, names)
}

fn titles(first: &str, others: &[&str], start: &[&str]) -> Vec<String> {
    let mut titles = start.iter().map(|&title| title.to_owned()).collect::<Vec<_>>();
    titles.push(format!("{first}, ns"));
    titles.extend(others.iter().map(|other| format!("/ {other}")));
    titles
}

/// The cost of the first of ours as a share of another's.
fn ratio(case: &Measured, other: &str) -> String {
    let Some(theirs) = case.costs.iter().find(|cost| cost.name == other) else {
        return "-".to_owned();
    };
    let ratio = case.costs[0].median / theirs.median;
    match ratio {
        0.0..0.1 => format!("{ratio:.3}"),
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
fn aligned(rows: &[Vec<String>]) -> String {
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
