//! Every request is answered once and in time: with a bid, a no-bid or an explicit refusal.

mod support;

use serde_json::json;

use support::fixtures::{
    LONG_MS, large_request, many_campaigns, one_campaign, request, request_with_tmax,
};
use support::http::{Client, Response, post};
use support::{Server, Setup, wait_until};

/// How many clients a flood has, and how many requests each of them pipelines.
const CLIENTS: usize = 40;
const REQUESTS: usize = 5;

const FLOOD: u64 = (CLIENTS * REQUESTS) as u64;

/// A tmax that a few evaluations use up, on a server that keeps none of it for the way back.
const SHORT_MS: u32 = 30;

#[test]
fn a_tmax_within_the_margin_gets_an_immediate_no() {
    let server = Setup::new(&one_campaign()).args("--margin 50ms").start();
    for tmax in [1, 49, 50] {
        let response = server.bid(request_with_tmax("late", &json!(tmax)).to_string());
        assert_eq!((response.status, response.body.len()), (204, 0), "{tmax}");
        assert_eq!(response.no_bid_reason(), Some("expired"), "{tmax}");
    }
    let metrics = server.metrics();
    assert_eq!(metrics.get("bidder_sheds_total{reason=\"expired\"}"), 3);
    assert_eq!(metrics.get("bidder_evaluation_seconds_count"), 0, "nothing was evaluated");
}

#[test]
fn a_no_can_be_an_openrtb_response() {
    let server = Setup::new(&one_campaign()).args("--margin 50ms --shed-answer nbr").start();
    let response = server.bid(request_with_tmax("late \"1\"", &json!(20)).to_string());
    assert_eq!(response.status, 200);
    assert_eq!(response.json(), json!({ "id": "late \"1\"", "nbr": 15 }));
    assert_eq!(response.no_bid_reason(), Some("expired"));
}

#[test]
fn a_request_without_a_usable_tmax_has_the_default() {
    // Whatever takes the default is in time; whatever were taken as 0 or 1 would be shed.
    let server = Setup::new(&one_campaign()).args("--default-tmax 1m --margin 1s").start();
    let mut client = server.client();
    let absent = [json!(null), json!(0), json!(-5), json!("soon"), json!(""), json!(1e300)];
    for tmax in absent {
        let response = client.bid(request_with_tmax("d", &tmax).to_string());
        assert_eq!((response.status, response.no_bid_reason()), (200, None), "{tmax}");
    }
    let mut missing = request("d");
    missing.as_object_mut().unwrap().remove("tmax");
    assert_eq!(client.bid(missing.to_string()).status, 200);
}

#[test]
fn the_default_tmax_counts() {
    let server = Setup::new(&one_campaign()).args("--default-tmax 20ms --margin 20ms").start();
    let response = server.bid(request_with_tmax("d", &json!(0)).to_string());
    assert_eq!((response.status, response.no_bid_reason()), (204, Some("expired")));
}

#[test]
fn odd_spellings_of_tmax_are_understood() {
    let server = Setup::new(&one_campaign()).args("--default-tmax 1ms --margin 1s").start();
    let mut client = server.client();
    for tmax in [json!("60000"), json!(59_999.7), json!(u32::MAX)] {
        let response = client.bid(request_with_tmax("o", &tmax).to_string());
        assert_eq!((response.status, response.no_bid_reason()), (200, None), "{tmax}");
    }
    let response = client.bid(request_with_tmax("o", &json!("900")).to_string());
    assert_eq!(response.no_bid_reason(), Some("expired"));
}

#[test]
fn a_tmax_of_the_wrong_kind_is_400() {
    let server = Setup::new(&one_campaign()).start();
    for tmax in [json!({}), json!([100])] {
        let response = server.bid(request_with_tmax("w", &tmax).to_string());
        assert_eq!((response.status, response.refused_field()), (400, "tmax".to_owned()));
    }
}

/// Sends many pipelined requests over many connections at once.
fn flood(server: &Server) -> Vec<Client> {
    let requests = post(large_request("flood", SHORT_MS)).repeat(REQUESTS);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.client()).collect();
    for client in &mut clients {
        client.send(&requests);
    }
    clients
}

/// Reads the answers to a flood, of which there is exactly one for each request.
fn answers(mut clients: Vec<Client>) -> Vec<Response> {
    let mut answers = Vec::new();
    for client in &mut clients {
        answers.extend((0..REQUESTS).map(|_| client.receive()));
        // One answer too many would stand before this one.
        assert_eq!(client.get("/healthz").text(), "ok\n");
    }
    answers
}

#[test]
fn a_flood_is_shed_and_every_request_is_answered_once() {
    let server = Setup::new(&many_campaigns()).args("--margin 0s").start();
    let clients = flood(&server);
    let answers = answers(clients);
    let sheds = answers.iter().filter(|answer| answer.no_bid_reason().is_some());
    let (mut bids, mut shed) = (0, 0);
    for answer in &answers {
        match (answer.status, answer.no_bid_reason()) {
            (200, None) => bids += 1,
            (204, Some(_)) => shed += 1,
            other => panic!("neither a bid nor a shed: {other:?}"),
        }
    }
    assert_eq!((bids + shed, sheds.count() as u64), (FLOOD, shed));
    assert!(shed > 0, "so many requests can't all be in time");
    let metrics = server.metrics();
    assert_eq!(metrics.get("bidder_requests_total"), FLOOD);
    assert_eq!(metrics.get("bidder_bids_total"), bids);
    assert_eq!(metrics.sum("bidder_sheds_total"), shed);
    assert_eq!(metrics.get("bidder_evaluation_seconds_count"), bids);
    assert_eq!(metrics.get("bidder_latency_seconds_count"), FLOOD);
}

#[test]
fn a_full_queue_answers_no_at_once() {
    let setup = Setup::new(&many_campaigns()).args("--order fifo --queue 2 --hand-over 0s");
    let server = setup.start();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.client()).collect();
    let request = post(large_request("full", LONG_MS));
    clients.iter_mut().for_each(|client| client.send(&request));
    let answers: Vec<_> = clients.iter_mut().map(Client::receive).collect();
    let full =
        |answer: &&Response| (answer.status, answer.no_bid_reason()) == (204, Some("queue-full"));
    let refused = answers.iter().filter(full).count() as u64;
    let bids = answers.iter().filter(|answer| answer.status == 200).count() as u64;
    assert_eq!(refused + bids, CLIENTS as u64);
    assert!(refused > 0 && bids >= 2, "{refused} refused, {bids} bids");
    let counted = server.metrics().get("bidder_sheds_total{reason=\"queue-full\"}");
    assert_eq!(counted, refused);
}

#[test]
fn who_has_time_gets_a_bid_even_in_a_flood() {
    let server = Setup::new(&many_campaigns()).args("--margin 0s").start();
    let clients = flood(&server);
    let patient = server.bid(large_request("patient", LONG_MS));
    assert_eq!((patient.status, patient.no_bid_reason()), (200, None));
    answers(clients);
}

#[test]
fn in_the_order_of_arrival_nothing_is_shed_and_much_is_late() {
    let server = Setup::new(&many_campaigns()).args("--margin 0s --order fifo").start();
    let clients = flood(&server);
    for answer in answers(clients) {
        assert_eq!((answer.status, answer.no_bid_reason()), (200, None));
    }
    let metrics = server.metrics();
    assert_eq!(metrics.get("bidder_bids_total"), FLOOD);
    assert_eq!(metrics.sum("bidder_sheds_total"), 0);
    assert!(metrics.get("bidder_late_answers_total{answer=\"bid\"}") > 0);
}

#[test]
fn who_leaves_the_queue_is_not_evaluated() {
    let server = Setup::new(&many_campaigns()).args("--order fifo").start();
    let gone = post(large_request("gone", LONG_MS));
    // On a busy machine the server may be through before the clients are gone.
    wait_until("clients leave while they are queued", || {
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.client()).collect();
        clients.iter_mut().for_each(|client| client.send(&gone));
        drop(clients);
        wait_for_outcomes(&server);
        // When this one has its bid, whatever was left of the queue before it is evaluated too.
        assert_eq!(server.bid(request("behind").to_string()).status, 200);
        let metrics = server.metrics();
        metrics.get("bidder_evaluation_seconds_count") < metrics.get("bidder_requests_total")
    });
    assert!(server.metrics().get("bidder_abandoned_total") > 0);
}

/// Waits until nobody else is connected and every request has come to exactly one end.
fn wait_for_outcomes(server: &Server) {
    server.wait_for_metrics("every request has one outcome", |metrics| {
        // The one connection is that of this look itself.
        metrics.get("bidder_connections") == 1
            && metrics.get("bidder_requests_total") == metrics.outcomes()
    });
}
