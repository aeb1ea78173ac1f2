//! A run counts what the server did, and keeps to its schedule whatever that is.

use std::time::Duration;

use bytes::Bytes;

use super::super::report::Report;
use super::super::run::{LoadConfig, LoadError, Progress, run};
use super::super::schedule::Arrivals;
use super::super::tally::Errors;
use super::super::target::Target;
use super::server::{BID, NO_BID, Reply, Server, TempPath, nobody};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Constant arrivals make the number of requests exact; the timeout outlasts any slow machine.
fn config(target: &Target, requests: u32) -> LoadConfig {
    let rate_per_s = 2_000.0;
    LoadConfig {
        arrivals: Arrivals::Constant,
        tmax: HOUR,
        timeout: Duration::from_secs(120),
        ..LoadConfig::new(target.clone(), rate_per_s, SECOND * requests / 2_000)
    }
}

async fn report(config: &LoadConfig) -> Report {
    let report = run(config, &[Bytes::from_static(b"{}")], |_| ()).await.unwrap();
    report.counts.assert_invariants();
    report
}

#[tokio::test]
async fn every_kind_of_answer_is_counted() {
    let server = Server::start(&[
        BID,
        NO_BID,
        Reply::Answer(200, r#"{"id":"1","nbr":2}"#),
        Reply::Shed("latest-start"),
        Reply::Answer(500, ""),
        Reply::Close,
        Reply::Answer(200, "not a response"),
        Reply::Endless,
    ])
    .await;
    let report = report(&config(&server.target, 80)).await;
    let counts = &report.counts;
    assert_eq!((counts.scheduled, counts.sent), (80, 80));
    assert_eq!((counts.bids, counts.no_bids), (10, 30));
    assert_eq!(counts.other_statuses, [(500, 10)].into());
    assert_eq!(counts.errors, Errors { closed: 10, malformed: 20, ..Errors::default() });
    assert_eq!((counts.shed.get("latest-start"), counts.shed.total()), (10, 10));
    assert_eq!((counts.on_time, counts.on_time_bids, counts.late), (40, 10, 0));
    assert_eq!((counts.on_time_evaluated, counts.evaluated()), (30, 30));
    assert_eq!((report.latency.count, report.bid_latency.count), (40, 10));
    assert_eq!((report.lateness.count, report.overrun.count), (80, 0));
    assert_eq!(server.seen().len(), 80);
}

#[tokio::test]
async fn a_deadline_that_nothing_can_meet_makes_every_answer_late() {
    let server = Server::start(&[BID, NO_BID, Reply::Shed("queue-full")]).await;
    let config = LoadConfig { tmax: Duration::from_nanos(1), ..config(&server.target, 30) };
    let report = report(&config).await;
    let counts = &report.counts;
    assert_eq!((counts.on_time, counts.late, counts.late_evaluated), (0, 30, 20));
    assert_eq!((report.overrun.count, report.late_share), (30, 1.0));
    assert!(report.overrun.max_ns > 0);
}

#[tokio::test]
async fn the_deadline_of_the_body_comes_before_the_default() {
    let server = Server::start(&[BID]).await;
    let config = LoadConfig { tmax: Duration::from_nanos(1), ..config(&server.target, 30) };
    let bodies = [r#"{"tmax":3600000}"#, "{}", "{}"].map(|body| Bytes::from_static(body.as_ref()));
    let report = run(&config, &bodies, |_| ()).await.unwrap();
    assert_eq!((report.counts.on_time, report.counts.late), (10, 20));
}

#[tokio::test]
async fn requests_go_out_on_schedule_although_nothing_is_answered() {
    let server = Server::start(&[Reply::Silence]).await;
    let config = LoadConfig { timeout: SECOND * 3, ..config(&server.target, 20) };
    let report = report(&config).await;
    assert_eq!(server.seen().len(), 20);
    assert_eq!(report.counts.errors, Errors { timeout: 20, ..Errors::default() });
    assert_eq!(report.latency.count, 0);
}

#[tokio::test]
async fn a_request_beyond_the_queue_is_unsent() {
    let server = Server::start(&[Reply::Silence]).await;
    let config = LoadConfig {
        timeout: SECOND * 3,
        max_connections: 1,
        max_queued: 0,
        ..config(&server.target, 20)
    };
    let report = report(&config).await;
    assert_eq!(report.counts.errors, Errors { timeout: 1, unsent: 19, ..Errors::default() });
    assert_eq!((report.counts.sent, report.lateness.count), (1, 20));
}

#[tokio::test]
async fn a_request_in_the_queue_waits_for_the_connection() {
    let server = Server::start(&[BID]).await;
    let config = LoadConfig { max_connections: 1, ..config(&server.target, 40) };
    let report = report(&config).await;
    assert_eq!(report.counts.bids, 40);
    assert!(server.seen().iter().all(|seen| seen.connection == 0));
}

#[tokio::test]
async fn a_server_that_goes_away_is_counted_and_does_not_stop_the_run() {
    let server = Server::start_for(&[BID, Reply::Close], 1).await;
    let config = LoadConfig { max_connections: 1, ..config(&server.target, 20) };
    let report = report(&config).await;
    assert_eq!(report.counts.bids, 1);
    assert_eq!(report.counts.errors, Errors { closed: 1, connect: 18, ..Errors::default() });
    assert_eq!(report.counts.sent, 2);
}

#[tokio::test]
async fn the_warm_up_is_sent_but_not_reported() {
    let server = Server::start(&[BID]).await;
    let config = LoadConfig { warm_up: SECOND / 100, ..config(&server.target, 40) };
    let report = report(&config).await;
    assert_eq!((report.counts.scheduled, report.counts.bids), (40, 40));
    assert_eq!((report.latency.count, report.lateness.count), (40, 40));
    assert_eq!(server.seen().len(), 60);
}

#[tokio::test]
async fn requests_are_sent_in_turn_to_the_path_of_the_target() {
    let socket = TempPath::new("run.sock");
    let server = Server::start_unix(&[BID], &socket.0);
    let bodies = ["{\"id\":\"a\"}", "{\"id\":\"b\"}"].map(|body| Bytes::from_static(body.as_ref()));
    let config = LoadConfig { max_connections: 1, ..config(&server.target, 4) };
    run(&config, &bodies, |_| ()).await.unwrap();
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().map(|seen| (seen.path.as_str(), &seen.body)).collect();
    let [a, b] = &bodies;
    assert_eq!(sent, [("/bid", a), ("/bid", b), ("/bid", a), ("/bid", b)]);
}

#[tokio::test]
async fn progress_is_told_while_the_run_waits() {
    let server = Server::start(&[Reply::Silence]).await;
    let config = LoadConfig { timeout: SECOND * 3, ..config(&server.target, 4) };
    let mut told = Vec::new();
    let report = run(&config, &[Bytes::from_static(b"{}")], |now| told.push(*now)).await.unwrap();
    assert_eq!(report.counts.errors.timeout, 4);
    let waits = |now: &Progress| (now.sent, now.answered, now.failed, now.late) == (4, 0, 0, 0);
    assert!(told.iter().any(waits), "{told:?}");
}

#[tokio::test]
async fn runs_can_follow_each_other_inside_a_local_set() {
    let server = Server::start(&[BID]).await;
    let local = tokio::task::LocalSet::new();
    let bids = local
        .run_until(async {
            tokio::task::spawn_local(async move {
                let first = report(&config(&server.target, 10)).await;
                let second = report(&config(&server.target, 10)).await;
                first.counts.bids + second.counts.bids
            })
            .await
        })
        .await;
    assert_eq!(bids.unwrap(), 20);
}

#[tokio::test]
async fn a_run_that_cannot_begin_says_why() {
    let target = nobody().await;
    let config = config(&target, 1);
    let body = [Bytes::from_static(b"{}")];
    let error = run(&config, &body, |_| ()).await.unwrap_err();
    assert!(matches!(error, LoadError::Unreachable(named, _) if named == target.to_string()));
    assert!(matches!(run(&config, &[], |_| ()).await, Err(LoadError::NoRequests)));
    for rate_per_s in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let config = LoadConfig { rate_per_s, ..config.clone() };
        assert!(matches!(run(&config, &body, |_| ()).await, Err(LoadError::Rate(_))));
    }
    let idle = LoadConfig { duration: Duration::ZERO, ..config.clone() };
    assert!(matches!(run(&idle, &body, |_| ()).await, Err(LoadError::Duration)));
    let endless = LoadConfig { warm_up: Duration::MAX, ..config.clone() };
    assert!(matches!(run(&endless, &body, |_| ()).await, Err(LoadError::Duration)));
    let unconnected = LoadConfig { max_connections: 0, ..config };
    assert!(matches!(run(&unconnected, &body, |_| ()).await, Err(LoadError::NoConnections)));
}
