//! What the shells themselves take of the worker's time: they are different ones.

use std::fmt::Write as _;
use std::time::Duration;

use super::arrivals::{Plan, Planned};
use super::job::{Cost, Mix};
use super::{Bench, Contender};
use crate::quantiles::median;

/// As many jobs as every shell passes on within their budget.
const JOBS: usize = 1_000;

const ROUNDS: usize = 15;

/// One of each kind of shell that turns nobody away.
const SHELLS: [(&str, Contender); 4] = [
    ("a thread with a channel and the scheduler", Contender::All),
    ("a thread with a channel and a heap", Contender::Edf),
    ("a tokio task under a time-out", Contender::Fifo),
    ("a tokio task behind tower", Contender::Tower(JOBS)),
];

/// Sends jobs without work through each of the shells, all of them at once.
pub(crate) fn text(bench: &Bench) -> String {
    let plan = std::iter::repeat_n(Planned { after: Duration::ZERO, cost: Cost::Nothing }, JOBS);
    let plan = Plan::new(plan);
    let mut text = "The shells differ. A job without work takes".to_owned();
    for (name, contender) in SHELLS {
        let rounds = (0..ROUNDS).filter_map(|_| overhead_us(bench, contender, &plan));
        let _ = match median(rounds) {
            Some(us) => write!(text, " {us:.2} µs in {name},"),
            None => write!(text, " more than its budget in {name},"),
        };
    }
    text + &format!(" where a job of the tables takes {:?}.\n", Cost::Usual.time())
}

/// From one end to the next, in a row without a gap; `None` if some jobs timed out.
fn overhead_us(bench: &Bench, contender: Contender, plan: &Plan) -> Option<f64> {
    let trial = bench.trial(Mix::Equal, plan);
    let runs = contender.serve(&trial, bench.generator).0.runs()?;
    let first = runs.iter().map(|&(_, ended)| ended).min()?;
    let last = runs.iter().map(|&(_, ended)| ended).max()?;
    Some(last.saturating_since(first).as_secs_f64() * 1e6 / (JOBS - 1) as f64)
}
