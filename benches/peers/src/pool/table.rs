//! The figures as tables, one for each contest, and as JSON; and whether the targets are met.

use std::fmt::Write as _;

use super::contest::{Measured, Row};
use crate::report::aligned;

/// What is wanted of a figure of ours.
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) figure: f64,
    pub(crate) target: f64,
    pub(crate) goal: f64,
    pub(crate) unit: &'static str,
    pub(crate) more_is_better: bool,
}

/// A table for each contest: medians of the turns, and quartiles behind them.
pub(crate) fn markdown(conditions: &str, contests: &[Measured]) -> String {
    let mut text = conditions.to_owned();
    for contest in contests {
        let mut cells = vec![vec![format!("{}, {}", contest.title, contest.unit)]];
        cells[0].extend(contest.columns.iter().map(|&column| column.to_owned()));
        for row in &contest.rows {
            let mut line = vec![row.name.to_owned()];
            line.extend(row.figures.iter().map(|&figures| spread(figures)));
            cells.push(line);
        }
        text.push('\n');
        text.push_str(&aligned(&cells));
    }
    text
}

fn spread([lower, median, upper]: [f64; 3]) -> String {
    if lower == upper {
        return rounded(median);
    }
    format!("{} ({} .. {})", rounded(median), rounded(lower), rounded(upper))
}

fn rounded(figure: f64) -> String {
    match figure {
        1_000.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{figure:.2}"),
    }
}

/// `structure` is what was measured, as it is called on the command line.
pub(crate) fn json(header: &str, structure: &str, contests: &[Measured]) -> String {
    let rows = contests.iter().flat_map(|contest| {
        contest.rows.iter().flat_map(move |row| {
            (0..contest.columns.len()).map(move |column| json_row(structure, contest, row, column))
        })
    });
    let rows = rows.collect::<Vec<_>>();
    format!("{{\"measured\":{header:?},\"rows\":[\n{}\n]}}\n", rows.join(",\n"))
}

fn json_row(structure: &str, contest: &Measured, row: &Row, column: usize) -> String {
    let [lower, median, upper] = row.figures[column];
    format!(
        "{{\"structure\":{structure:?},\"workload\":{:?},\"unit\":{:?},\"column\":{:?},\
         \"contender\":{:?},\"ours\":{},\"median\":{median:.4},\
         \"quartiles\":[{lower:.4},{upper:.4}]}}",
        contest.title, contest.unit, contest.columns[column], row.name, row.is_ours
    )
}

/// The figures beside their targets, in lines of text, and whether one of them is missed.
pub(crate) fn verdicts(targets: &[Target]) -> (String, bool) {
    let (mut text, mut is_missed) = (String::new(), false);
    for Target { what, figure, target, goal, unit, more_is_better } in targets {
        let meets = |wanted: &f64| match more_is_better {
            true => figure >= wanted,
            false => figure <= wanted,
        };
        let verdict = match (meets(goal), meets(target)) {
            (true, _) => "the goal is met",
            (false, true) => "the target is met",
            (false, false) => "the target is missed",
        };
        is_missed |= !meets(target);
        let _ = writeln!(
            text,
            "{what}: {}{unit}; target {target}{unit}, goal {goal}{unit}: {verdict}",
            rounded(*figure)
        );
    }
    (text, is_missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_bound_above_or_below() {
        let target = |figure, more_is_better| Target {
            what: String::new(),
            figure,
            target: 2.0,
            goal: if more_is_better { 3.0 } else { 1.0 },
            unit: "x",
            more_is_better,
        };
        let verdict = |figure, more_is_better| {
            let (text, is_missed) = verdicts(&[target(figure, more_is_better)]);
            (text.trim_end().rsplit_once(": ").expect("it ends so").1.to_owned(), is_missed)
        };
        let (goal, met, missed) =
            ("the goal is met".to_owned(), "the target is met", "the target is missed");
        assert_eq!(verdict(3.0, true), (goal.clone(), false));
        assert_eq!(verdict(2.5, true), (met.to_owned(), false));
        assert_eq!(verdict(1.5, true), (missed.to_owned(), true));
        assert_eq!(verdict(1.0, false), (goal, false));
        assert_eq!(verdict(1.5, false), (met.to_owned(), false));
        assert_eq!(verdict(2.5, false), (missed.to_owned(), true));
    }
}
