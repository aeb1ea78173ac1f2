//! The way to the program `weigh` and back: its lines name workload, n, side, contender and bytes.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::frame::{Cost, Measured, Unit};
use crate::options::Options;

/// Builds `weigh` where that is due, runs it, and reads what it prints.
pub(crate) fn run(options: &Options) -> Result<Vec<Measured>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--release", "--manifest-path", manifest, "--bin", "weigh", "--"])
        .arg(options.structure.name())
        .args(options.quick.then_some("--quick"))
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo run --bin weigh: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo run --bin weigh: {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    from_text(&text).ok_or_else(|| format!("weigh prints something else:\n{text}"))
}

pub(crate) fn to_text(cases: &[Measured]) -> String {
    let mut text = String::new();
    for case in cases {
        for cost in &case.costs {
            let side = if cost.ours { "ours" } else { "peer" };
            let Measured { workload, size, .. } = case;
            let _ = writeln!(text, "{workload}\t{size}\t{side}\t{}\t{}", cost.name, cost.median);
        }
    }
    text
}

fn from_text(text: &str) -> Option<Vec<Measured>> {
    let mut cases: Vec<Measured> = Vec::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let (workload, size) = (fields.next()?, fields.next()?.parse().ok()?);
        let ours = fields.next()? == "ours";
        let (name, bytes) = (fields.next()?.to_owned(), fields.next()?.parse().ok()?);
        let cost = Cost { name, ours, median: bytes, quartiles: [bytes; 2] };
        match cases.last_mut() {
            Some(case) if case.workload == workload && case.size == size => case.costs.push(cost),
            _ => cases.push(Measured {
                workload: workload.to_owned(),
                size,
                unit: Unit::Bytes,
                costs: vec![cost],
            }),
        }
    }
    Some(cases)
}
