//! Clients that are slow, silent or deaf are cut, and nobody else notices.

mod support;

use std::time::Duration;

use punctual::time::{Clock, MonotonicClock};

use support::fixtures::{one_campaign, request, unmatched_request};
use support::http::{Client, is_closed, post};
use support::{PATIENCE, Server, Setup, wait_until};

/// The pause between two bytes of a trickle: far below the time-outs, so that each byte alone
/// would keep a connection alive if its clock started anew.
const DRIP: Duration = Duration::from_millis(20);

/// How long a client may be silent, where it is silent by intention only.
const IDLE: Duration = Duration::from_millis(400);

/// A server that is short with requests that don't come to their end.
fn short_read() -> Server {
    let setup = Setup::new(&one_campaign()).args("--read-timeout 2s --idle-timeout 5m");
    setup.start()
}

/// A server that is short with clients that are silent.
fn short_idle(limit: Duration) -> Server {
    let args = format!("--idle-timeout {}ms", limit.as_millis());
    Setup::new(&one_campaign()).args(&args).start()
}

fn assert_cut_and_others_served(server: &Server, mut client: Client) {
    assert_eq!(server.bid(request("meanwhile").to_string()).status, 200);
    assert_eq!(client.read_to_close(), "");
    assert_eq!(server.metrics().get("bidder_timed_out_total"), 1);
    assert_eq!(server.bid(request("afterwards").to_string()).status, 200);
}

/// Sends bytes one by one until the server cuts the connection.
fn trickle(client: &mut Client, bytes: impl Iterator<Item = u8>) {
    let clock = MonotonicClock::new();
    let end = clock.now() + PATIENCE;
    for byte in bytes {
        if client.try_send([byte]).is_err_and(|error| is_closed(&error)) || client.is_cut(DRIP) {
            return;
        }
        assert!(clock.now() < end, "a trickle is not cut");
    }
    panic!("the trickle ended before it was cut");
}

#[test]
fn a_connection_without_a_first_request_is_cut() {
    let server = short_read();
    let client = server.client();
    assert_cut_and_others_served(&server, client);
}

#[test]
fn a_head_that_stops_is_cut() {
    let server = short_read();
    let mut client = server.client();
    client.send("POST /bid HTTP/1.1\r\nhos");
    assert_cut_and_others_served(&server, client);
}

#[test]
fn a_body_that_stops_is_cut() {
    let server = short_read();
    let mut client = server.client();
    let bytes = post(request("half").to_string());
    client.send(&bytes[..bytes.len() - 1]);
    assert_cut_and_others_served(&server, client);
}

#[test]
fn a_trickled_head_is_cut() {
    let server = short_read();
    let mut client = server.client();
    let head = b"POST /bid HTTP/1.1\r\nx: ".iter().copied().chain(std::iter::repeat(b'y'));
    trickle(&mut client, head);
    assert_cut_and_others_served(&server, client);
}

#[test]
fn a_trickled_body_is_cut() {
    let server = short_read();
    let mut client = server.client();
    client.send("POST /bid HTTP/1.1\r\nhost: b\r\ncontent-length: 100000\r\n\r\n");
    trickle(&mut client, std::iter::repeat(b' '));
    assert_cut_and_others_served(&server, client);
}

#[test]
fn a_second_request_that_trickles_is_cut_too() {
    let server = short_read();
    let mut client = server.client();
    assert_eq!(client.bid(request("first").to_string()).status, 200);
    client.send("POST /bid HTTP/1.1\r\nhost: b\r\ncontent-length: 100000\r\n\r\n");
    trickle(&mut client, std::iter::repeat(b' '));
    assert_cut_and_others_served(&server, client);
}

#[test]
fn a_connection_that_falls_silent_is_cut() {
    let server = short_idle(Duration::from_secs(2));
    let mut client = server.client();
    assert_eq!(client.bid(request("last").to_string()).status, 200);
    assert_cut_and_others_served(&server, client);
}

/// Sends requests for longer than a client may be silent, and sees that it is not cut. Returns
/// false if the machine has stalled, so that the server may have seen a silence.
fn stays_as_requests_come(limit: Duration) -> bool {
    let server = short_idle(limit);
    let mut client = server.client();
    let clock = MonotonicClock::new();
    let (mut last, end) = (clock.now(), clock.now() + 3 * limit);
    // What the server takes for a silence lies within two successive gaps: it begins after the
    // answer before the last has come, and ends before the next one comes.
    let mut stalled = || {
        let before = std::mem::replace(&mut last, clock.now());
        last.saturating_since(before) > limit / 2
    };
    while clock.now() < end {
        let answer = client.ask_unless_cut(post(request("again").to_string()));
        if stalled() {
            return false;
        }
        assert_eq!(answer.expect("it is not cut").status, 200);
    }
    let cut = server.metrics().get("bidder_timed_out_total");
    if stalled() {
        return false;
    }
    assert_eq!(cut, 0);
    true
}

#[test]
fn a_connection_stays_as_long_as_requests_come() {
    wait_until("the machine does not stall", || stays_as_requests_come(IDLE));
}

/// Sends requests and reads no answer until the server cuts the connection.
fn never_read(server: &Server, request: &[u8]) {
    let mut client = server.client();
    let requests = request.repeat(100);
    let clock = MonotonicClock::new();
    let end = clock.now() + PATIENCE;
    loop {
        match client.try_send(&requests) {
            Ok(()) => assert!(clock.now() < end, "a client that never reads is served for ever"),
            Err(error) => break assert!(is_closed(&error), "not cut: {error}"),
        }
    }
    assert_eq!(server.metrics().get("bidder_timed_out_total"), 1);
    assert_eq!(server.bid(unmatched_request("after")).status, 204);
}

#[test]
fn a_client_that_never_reads_bids_is_cut() {
    let server = short_idle(IDLE);
    never_read(&server, &post(request("deaf").to_string()));
}

#[test]
fn a_client_that_never_reads_metrics_is_cut() {
    let server = short_idle(IDLE);
    never_read(&server, b"GET /metrics HTTP/1.1\r\nhost: b\r\n\r\n");
}

#[test]
fn a_client_that_never_reads_answers_without_a_body_is_cut() {
    let server = short_idle(IDLE);
    never_read(&server, &post(unmatched_request("deaf")));
}

#[test]
fn connections_beyond_the_bound_wait_for_a_place() {
    let server = Setup::new(&one_campaign()).args("--connections 2").start();
    let (mut first, mut second) = (server.client(), server.client());
    assert_eq!(first.get("/healthz").status, 200);
    assert_eq!(second.get("/healthz").status, 200);
    let mut third = server.client();
    third.send(post(request("third").to_string()));
    assert!(!third.is_cut(Duration::from_millis(200)), "it waits, it is not refused");
    let metrics = support::Metrics(second.get("/metrics").text());
    assert_eq!(metrics.get("bidder_connections"), 2);
    assert_eq!(metrics.get("bidder_requests_total"), 0);
    drop(first);
    assert_eq!(third.receive().status, 200);
}
