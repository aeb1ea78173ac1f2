//! The commands beside `serve`: what they write, what they find, how they end.

mod support;

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use support::fixtures::{one_campaign, request, unmatched_request};
use support::{Server, Setup, bidder, run};

fn stdout(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn sample_campaigns(count: u32) -> String {
    stdout(&run(bidder("campaigns").args(["--sample", &count.to_string()])))
}

fn sample_requests(args: &[&str]) -> String {
    stdout(&run(bidder("requests").args(args)))
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn replay(target: &str, files: &[&Path]) -> Output {
    run(bidder("replay").args(["--timeout", "3m", "--target", target]).args(files))
}

/// The row of a replay's table that belongs to a file: lines, 200, 204, 400, other, errors.
fn row(table: &str, file: &Path) -> Vec<u64> {
    let name = file.display().to_string();
    let row = table.lines().find(|line| line.ends_with(&name));
    let row = row.unwrap_or_else(|| panic!("no {name} in\n{table}"));
    row.split_whitespace().map_while(|column| column.parse().ok()).collect()
}

#[test]
fn sample_campaigns_can_be_served_and_bid_on_sample_requests() {
    // In the order of deadlines a slow machine would shed what it is to bid on.
    let server = Setup::new(&sample_campaigns(50)).args("--order fifo").start();
    assert_eq!(server.metrics().get("bidder_campaigns"), 50);
    let folder = tempfile::tempdir().unwrap();
    let requests = write(folder.path(), "requests.jsonl", &sample_requests(&["--count", "200"]));
    let table = stdout(&replay(&server.address.target(), &[&requests]));
    let [lines, bids, no_bids, bad, other, errors] = row(&table, &requests)[..] else {
        panic!("a row has six columns");
    };
    assert_eq!((lines, bids + no_bids), (200, 200));
    assert_eq!((bad, other, errors), (0, 0, 0));
    assert!(bids > 0, "samples that never fit show nothing");
}

#[test]
fn samples_are_reproducible() {
    assert_eq!(sample_campaigns(20), sample_campaigns(20));
    assert_ne!(sample_requests(&["--seed", "1"]), sample_requests(&["--seed", "2"]));
    let requests = sample_requests(&["--count", "300", "--seed", "1"]);
    assert_eq!(requests, sample_requests(&["--count", "300", "--seed", "1"]));
    assert_eq!(requests.lines().count(), 300);
    for line in requests.lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        assert!(request["id"].is_string() && request["imp"][0]["id"].is_string(), "{line}");
    }
}

#[test]
fn arguments_out_of_range_are_refused() {
    for args in [
        "campaigns --sample 0",
        "campaigns --sample 100001",
        "campaigns",
        "serve --listen 127.0.0.1:0",
        "serve --campaigns c.json",
        "serve --campaigns c.json --listen 127.0.0.1:0 --unix /tmp/b.sock",
        "serve --campaigns c.json --listen localhost",
        "serve --campaigns c.json --listen 127.0.0.1:0 --workers 0",
        "serve --campaigns c.json --listen 127.0.0.1:0 --connections 0",
        "serve --campaigns c.json --listen 127.0.0.1:0 --margin 10",
        "serve --campaigns c.json --listen 127.0.0.1:0 --reload 0s",
        "serve --campaigns c.json --listen 127.0.0.1:0 --queue 0",
        "serve --campaigns c.json --listen 127.0.0.1:0 --max-body 0",
        "load --target 127.0.0.1:80 --requests r --rate 1 --duration 1s",
        "replay --target http://127.0.0.1:1/bid",
        "bid",
    ] {
        let (command, rest) = args.split_once(' ').unwrap_or((args, ""));
        let output = run(bidder(command).args(rest.split_whitespace()));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args}: {error}");
        assert!(error.starts_with("error: "), "{args}: {error}");
    }
}

/// Runs a load of a second and returns its report.
fn load(server: &Server, arrivals: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!("{}\n{}\n", request("bid"), unmatched_request("no-bid"));
    let requests = write(folder.path(), "requests.jsonl", &lines);
    let json = folder.path().join("report.json");
    let mut load = bidder("load");
    load.args(["--target", &server.address.target(), "--rate", "100", "--duration", "1s"]);
    load.args(["--timeout", "3m", "--arrivals", arrivals]).arg("--requests").arg(requests);
    let text = stdout(&run(load.arg("--json").arg(&json)));
    assert!(text.starts_with(&format!("target     {}", server.address.target())), "{text}");
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

fn assert_consistent(report: &Value, server: &Server) {
    let count = |field: &str| {
        let value = report.pointer(field).unwrap_or_else(|| panic!("no {field} in {report}"));
        value.as_u64().unwrap_or_else(|| panic!("{field} is {value}"))
    };
    let sent = count("/sent");
    assert!(sent > 0);
    assert_eq!((count("/scheduled"), count("/bids") + count("/no_bids")), (sent, sent));
    assert!(count("/bids").abs_diff(count("/no_bids")) <= 1, "they take turns: {report}");
    assert_eq!((count("/on_time"), count("/late")), (sent, 0), "they have a minute");
    assert_eq!((count("/on_time_evaluated"), count("/on_time_bids")), (sent, count("/bids")));
    for error in ["connect", "closed", "timeout", "unsent", "malformed"] {
        assert_eq!(count(&format!("/errors/{error}")), 0, "{error}");
    }
    assert_eq!(report["other_statuses"], serde_json::json!({}));
    for spread in ["latency", "lateness"] {
        assert_eq!(count(&format!("/{spread}/count")), sent);
        for percentile in ["p50", "p90", "p99", "p99_9"] {
            let (value, max) = (format!("/{spread}/{percentile}_ns"), format!("/{spread}/max_ns"));
            assert!(count(&value) <= count(&max), "{percentile}");
        }
    }
    assert_eq!(count("/bid_latency/count"), count("/bids"));
    assert!(count("/window_ns") >= 1_000_000_000);
    assert_eq!(report["rates"]["requested_per_s"], 100.0);
    let metrics = server.metrics();
    assert_eq!(metrics.get("bidder_requests_total"), sent, "both sides count the same");
    assert_eq!(metrics.get("bidder_bids_total"), count("/bids"));
}

#[test]
fn a_load_reports_what_the_server_counts() {
    let server = Setup::new(&one_campaign()).start();
    assert_consistent(&load(&server, "poisson"), &server);
}

#[test]
fn a_load_goes_over_a_unix_socket_too() {
    let server = Setup::new(&one_campaign()).unix().start();
    assert_consistent(&load(&server, "poisson"), &server);
}

#[test]
fn a_load_without_a_server_reports_errors_or_fails() {
    let server = Setup::new(&one_campaign()).start();
    let target = server.address.target();
    drop(server);
    let folder = tempfile::tempdir().unwrap();
    let requests = write(folder.path(), "requests.jsonl", &request("1").to_string());
    let mut load = bidder("load");
    load.args(["--target", &target, "--rate", "10", "--duration", "300ms"]);
    let output = run(load.arg("--requests").arg(requests));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() || !text.contains("errors     0 "), "{text}");
}

#[test]
fn a_replay_counts_by_file_and_tells_what_was_refused() {
    let server = Setup::new(&one_campaign()).unix().start();
    let folder = tempfile::tempdir().unwrap();
    let good = format!("{}\n\n{}\n", request("1"), unmatched_request("2"));
    let good = write(folder.path(), "good.jsonl", &good);
    let odd = write(folder.path(), "odd.jsonl", "{\"id\":\"1\"}\nnot JSON\n");
    let output = replay(&server.address.target(), &[&good, &odd]);
    let table = stdout(&output);
    assert_eq!(row(&table, &good), [2, 1, 1, 0, 0, 0]);
    assert_eq!(row(&table, &odd), [2, 0, 0, 2, 0, 0]);
    assert!(table.contains("1  400: imp: "), "the reasons are shown: {table}");
}

#[test]
fn a_replay_fails_when_it_cannot_be_done() {
    let server = Setup::new(&one_campaign()).start();
    let target = server.address.target();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "requests.jsonl", &request("1").to_string());
    let missing = folder.path().join("missing.jsonl");
    let output = replay(&target, &[&missing]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.jsonl"));
    assert!(replay(&target, &[&file]).status.success());
    drop(server);
    let output = replay(&target, &[&file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot connect"));
}
