//! The commands read their files, write their reports and exit as they should.

use std::fs;
use std::process::ExitCode;

use clap::Parser;
use serde_json::Value;

use super::super::cli::{CommandError, LoadArgs, ReplayArgs, SampleArgs, load, replay, sample};
use super::server::{BID, Reply, Server, TempPath};

#[derive(Parser)]
enum Command {
    Load(LoadArgs),
    Replay(ReplayArgs),
    Sample(SampleArgs),
}

async fn execute(line: &str) -> (Result<ExitCode, CommandError>, String) {
    let (mut out, mut progress) = (Vec::new(), Vec::new());
    let command = Command::try_parse_from(line.split(' ')).unwrap();
    let code = match &command {
        Command::Load(args) => load(args, &mut out, &mut progress).await,
        Command::Replay(args) => replay(args, &mut out).await,
        Command::Sample(args) => sample(args, &mut out),
    };
    (code, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn a_sample_can_be_sent_and_the_report_be_read_back() {
    let server = Server::start(&[BID]).await;
    let (requests, report) = (TempPath::new("cli.jsonl"), TempPath::new("cli.json"));
    let (code, lines) = execute("bidder sample --count 8 --seed 3").await;
    assert_eq!(code.unwrap(), ExitCode::SUCCESS);
    fs::write(&requests.0, &lines).unwrap();
    let line = format!(
        "bidder load --target {} --requests {} --rate 1000 --duration 20ms --arrivals constant \
         --timeout 2m --json {}",
        server.target,
        requests.0.display(),
        report.0.display(),
    );
    let (code, text) = execute(&line).await;
    assert_eq!(code.unwrap(), ExitCode::SUCCESS);
    assert!(text.contains("scheduled 20, sent 20, bids 20, no-bids 0\n"), "{text}");
    let report: Value = serde_json::from_slice(&fs::read(&report.0).unwrap()).unwrap();
    assert_eq!((&report["sent"], &report["bids"]), (&20.into(), &20.into()));
    let sent: Vec<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert!(lines.lines().all(|line| sent.iter().any(|body| body == line)));
}

#[tokio::test]
async fn a_replay_fails_if_the_bidder_did() {
    let requests = TempPath::new("cli-replay.jsonl");
    fs::write(&requests.0, "{}\n").unwrap();
    for (reply, expected) in [
        (BID, ExitCode::SUCCESS),
        (Reply::Answer(400, ""), ExitCode::SUCCESS),
        (Reply::Answer(500, ""), ExitCode::FAILURE),
        (Reply::Close, ExitCode::FAILURE),
    ] {
        let server = Server::start(&[reply]).await;
        let line = format!("bidder replay --target {} {}", server.target, requests.0.display());
        assert_eq!(execute(&line).await.0.unwrap(), expected, "{reply:?}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named() {
    let line = "bidder load --target unix:/none.sock --requests /nonexistent/requests.jsonl \
                --rate 1 --duration 1s";
    let (code, text) = execute(line).await;
    assert!(code.unwrap_err().to_string().starts_with("/nonexistent/requests.jsonl: "));
    assert_eq!(text, "");
}
