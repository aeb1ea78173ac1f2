//! A replay sends every line once and tells what came of each.

use std::path::PathBuf;
use std::slice;
use std::time::Duration;

use super::super::lines::MAX_LINE_BYTES;
use super::super::replay::{FileReport, ReplayConfig, ReplayError, ReplayReport, replay};
use super::super::tally::Errors;
use super::super::target::Target;
use super::server::{BID, NO_BID, Reply, Server, TempPath, nobody};

const MISSING: Reply = Reply::Answer(400, r#"{"error":{"message":"missing","field":"imp"}}"#);

fn config(target: &Target) -> ReplayConfig {
    ReplayConfig { target: target.clone(), connections: 4, timeout: Duration::from_secs(120) }
}

fn file(name: &str, contents: &[u8]) -> TempPath {
    let path = TempPath::new(name);
    std::fs::write(&path.0, contents).unwrap();
    path
}

fn text(report: &ReplayReport) -> String {
    let mut text = Vec::new();
    report.write_text(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

async fn replay_one(server: &Server, path: &TempPath) -> FileReport {
    let report = replay(&config(&server.target), slice::from_ref(&path.0)).await.unwrap();
    let [report] = <[FileReport; 1]>::try_from(report.files).unwrap();
    report
}

#[tokio::test]
async fn every_line_of_every_file_is_sent_once() {
    let server = Server::start(&[BID, NO_BID, MISSING, Reply::Answer(404, "")]).await;
    let lines: Vec<String> = (0..40).map(|id| format!("{{\"id\":\"{id}\"}}")).collect();
    let first = file("first.jsonl", lines.join("\n\n").as_bytes());
    let second = file("second.jsonl", b"\n");
    let paths = [first.0.clone(), second.0.clone()];
    let report = replay(&config(&server.target), &paths).await.unwrap();
    assert!(report.is_clean());
    let [first, second] = &report.files[..] else { panic!("two files give two reports") };
    assert_eq!((first.lines, second.lines), (40, 0));
    assert_eq!(first.statuses, [(200, 10), (204, 10), (400, 10), (404, 10)].into());
    assert_eq!(first.complaints.get("imp: missing"), 10);
    let mut sent: Vec<_> = server.seen().iter().map(|seen| seen.body.clone()).collect();
    let mut expected = lines;
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected);
    let text = text(&report);
    assert!(text.contains("      40      10      10      10      10       0  "), "{text}");
    assert!(text.contains("      10  400: imp: missing\n"), "{text}");
    assert!(text.contains("      10  status 404\n"), "{text}");
}

#[tokio::test]
async fn a_5xx_and_a_disconnect_are_not_clean() {
    for (reply, errors) in [
        (Reply::Answer(503, ""), Errors::default()),
        (Reply::Close, Errors { closed: 1, ..Errors::default() }),
    ] {
        let server = Server::start(&[BID, reply, NO_BID]).await;
        let path = file(&format!("unclean-{}.jsonl", errors.closed), b"1\n2\n3\n");
        let report = replay_one(&server, &path).await;
        assert_eq!(report.errors, errors);
        assert_eq!(report.statuses.values().sum::<u64>() + errors.closed, 3);
        assert!(!ReplayReport { files: vec![report] }.is_clean());
        assert_eq!(server.seen().len(), 3);
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_is_reported_and_not_sent() {
    let server = Server::start(&[BID]).await;
    let mut contents = vec![b'x'; MAX_LINE_BYTES + 1];
    contents.extend(b"\n{}\n");
    let report = replay_one(&server, &file("long.jsonl", &contents)).await;
    assert_eq!((report.lines, report.too_long), (1, 1));
    let text = text(&ReplayReport { files: vec![report] });
    assert!(text.contains("       1  lines too long to be sent\n"), "{text}");
}

#[tokio::test]
async fn an_unanswered_line_times_out_and_the_next_has_a_new_connection() {
    let server = Server::start(&[Reply::Silence, BID]).await;
    let path = file("silent.jsonl", b"1\n2\n");
    let timeout = Duration::from_secs(3);
    let config = ReplayConfig { connections: 1, timeout, ..config(&server.target) };
    let report = replay(&config, slice::from_ref(&path.0)).await.unwrap();
    assert!(!report.is_clean());
    assert_eq!(report.files[0].errors, Errors { timeout: 1, ..Errors::default() });
    assert_eq!(report.files[0].statuses, [(200, 1)].into());
}

#[tokio::test]
async fn a_replay_that_cannot_be_done_says_why() {
    let path = PathBuf::from("/nonexistent/requests.jsonl");
    let error = replay(&config(&nobody().await), slice::from_ref(&path)).await.unwrap_err();
    assert!(matches!(error, ReplayError::Unreachable(..)), "{error}");
    let server = Server::start(&[BID]).await;
    let error = replay(&config(&server.target), &[path]).await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/requests.jsonl"), "{error}");
}
