//! Requests that were really sent, through a running server: an answer to every one of them.
//!
//! The files are large and not part of the repository; without them these tests say so and pass.

mod support;

use std::path::{Path, PathBuf};

use support::{Setup, bidder, run};

/// What a replay found about one file.
#[derive(Debug)]
struct Row {
    lines: u64,
    bids: u64,
    no_bids: u64,
    bad: u64,
    other: u64,
    errors: u64,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/openrtb");
    let Ok(entries) = folder.read_dir() else {
        eprintln!("SKIPPED: real requests are not replayed, there is no {}", folder.display());
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl")).collect();
    files.sort();
    assert!(!files.is_empty(), "no *.jsonl in {}", folder.display());
    files
}

/// Replays a file against a server with sample campaigns.
fn replay(file: &Path) -> Row {
    let campaigns = run(bidder("campaigns").args(["--sample", "200"]));
    let campaigns = std::str::from_utf8(&campaigns.stdout).expect("text");
    // Real deadlines are short: in their order a slow machine would shed what it is to evaluate.
    let server = Setup::new(campaigns).args("--order fifo").start();
    let target = server.address.target();
    let output = run(bidder("replay").args(["--timeout", "3m", "--target", &target]).arg(file));
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
    let name = file.display().to_string();
    let row = table.lines().find(|line| line.ends_with(&name)).expect("the file has a row");
    let columns: Vec<u64> =
        row.split_whitespace().map_while(|column| column.parse().ok()).collect();
    let [lines, bids, no_bids, bad, other, errors] = columns[..] else {
        panic!("a row has six columns: {row}");
    };
    assert!(!table.contains("too long"), "{table}");
    assert_eq!(server.get("/healthz").status, 200, "the server has outlived them");
    let metrics = server.metrics();
    assert_eq!(metrics.get("bidder_requests_total"), bids + no_bids);
    Row { lines, bids, no_bids, bad, other, errors }
}

fn lines_of(file: &Path) -> u64 {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    text.lines().filter(|line| !line.trim().is_empty()).count() as u64
}

#[test]
fn every_real_request_gets_a_bid_a_no_bid_or_400() {
    for file in files() {
        let row = replay(&file);
        assert_eq!(row.lines, lines_of(&file), "{file:?}");
        assert_eq!((row.other, row.errors), (0, 0), "{file:?}: {row:?}");
        assert_eq!(row.bids + row.no_bids + row.bad, row.lines, "{file:?}: {row:?}");
    }
}

#[test]
fn both_dialects_are_understood_to_the_last_line() {
    let files = files();
    if files.is_empty() {
        return;
    }
    for (name, lines) in [("mobile_app_adx.jsonl", 500), ("sell_side_samples.jsonl", 2_176)] {
        let file = files.iter().find(|file| file.ends_with(name));
        let row = replay(file.unwrap_or_else(|| panic!("no {name} among {files:?}")));
        assert_eq!((row.lines, row.bad), (lines, 0), "{name}: {row:?}");
        assert_eq!(row.bids + row.no_bids, lines, "{name}: {row:?}");
        assert!(row.bids > 0, "some campaign fits some request: {name}: {row:?}");
    }
}
