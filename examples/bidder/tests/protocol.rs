//! What the server answers over HTTP, to good requests, odd ones and to what is none.

mod support;

use serde_json::{Value, json};

use support::fixtures::{campaign, file, one_campaign, request, unmatched_request};
use support::http::{Response, chunked, post, post_with};
use support::{Address, Server, Setup};

/// More than the largest body that is read.
const TOO_LARGE: usize = 300 << 10;

fn server() -> Server {
    Setup::new(&one_campaign()).start()
}

/// Asserts a complete bid of [`one_campaign`] on [`request`].
fn assert_bid(response: &Response, id: &str) {
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.no_bid_reason(), None);
    let response = response.json();
    assert_eq!((&response["id"], &response["cur"]), (&json!(id), &json!("USD")));
    let [seat] = response["seatbid"].as_array().unwrap().as_slice() else {
        panic!("one seat bids: {response}");
    };
    assert_eq!(seat["seat"], "agency-7");
    let [bid] = seat["bid"].as_array().unwrap().as_slice() else {
        panic!("one bid for one impression: {response}");
    };
    assert_eq!((&bid["impid"], &bid["cid"]), (&json!("1"), &json!("summer-sale")));
    assert_eq!((&bid["crid"], &bid["mtype"]), (&json!("square"), &json!(1)));
    assert_eq!((&bid["w"], &bid["h"]), (&json!(300), &json!(250)));
    assert_eq!(bid["adomain"], json!(["shop.example"]));
    assert!(bid["adm"].as_str().unwrap().contains("${AUCTION_ID}"), "{bid}");
    assert_eq!(bid["price"].as_f64().unwrap(), 4.5);
}

#[track_caller]
fn assert_refused(response: &Response, status: u16, field: &str) {
    assert_eq!((response.status, response.refused_field()), (status, field.to_owned()));
    assert!(!response.json()["error"]["message"].as_str().unwrap().is_empty());
}

#[test]
fn a_bid_is_complete_and_not_below_the_floor() {
    let server = server();
    assert_bid(&server.bid(request("a-1").to_string()), "a-1");
    let mut dear = request("a-2");
    dear["imp"][0]["bidfloor"] = json!(4.5);
    assert_bid(&server.bid(dear.to_string()), "a-2");
    dear["imp"][0]["bidfloor"] = json!(4.51);
    assert_eq!(server.bid(dear.to_string()).status, 204);
}

#[test]
fn the_best_campaign_bids() {
    let campaigns = [campaign("low", 1.0), campaign("high", 3.0), campaign("middle", 2.0)];
    let server = Setup::new(&file(&campaigns)).start();
    assert_eq!(server.bid(request("1").to_string()).campaigns(), ["high"]);
}

#[test]
fn no_bid_is_204_without_a_body() {
    let response = server().bid(unmatched_request("n"));
    assert_eq!((response.status, response.body.len()), (204, 0));
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.no_bid_reason(), None, "it was evaluated");
}

#[test]
fn what_is_no_bid_request_is_400_and_names_the_field() {
    let server = server();
    let mut client = server.client();
    let without = |path: &str, field: &str| {
        let mut request = request("r");
        request.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(field);
        request.to_string()
    };
    let with = |path: &str, value: Value| {
        let mut request = request("r");
        *request.pointer_mut(path).unwrap() = value;
        request.to_string()
    };
    for (body, field) in [
        (without("", "imp"), "imp"),
        (without("", "id"), "id"),
        (without("/imp/0", "id"), "imp[0].id"),
        (with("/imp", json!([])), "imp"),
        (with("/imp/0/banner", json!("x")), "imp[0].banner"),
        (with("/imp/0/banner/w", json!({})), "imp[0].banner.w"),
        (with("/device", json!(3)), "device"),
        (String::new(), ""),
        ("not JSON".to_owned(), ""),
        ("[1]".to_owned(), ""),
        (format!("{} trailing", request("r")), ""),
    ] {
        let response = client.bid(&body);
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_refused(&response, 400, field);
    }
    // The connection outlives every one of them.
    assert_bid(&client.bid(request("after").to_string()), "after");
    assert_eq!(server.metrics().get("bidder_refused_total{status=\"400\"}"), 11);
}

#[test]
fn bytes_that_are_no_text_are_400() {
    let server = server();
    for body in [&b"\xff\xfe\x00"[..], b"{\"id\":\"\xff\"}", b"\0", &[b'['; 4_000]] {
        assert_eq!(server.bid(body).status, 400);
    }
}

#[test]
fn a_body_that_is_too_large_is_413_whether_declared_or_chunked() {
    let server = server();
    let mut client = server.client();
    client.send(format!("POST /bid HTTP/1.1\r\nhost: b\r\ncontent-length: {TOO_LARGE}\r\n\r\n"));
    assert_refused(&client.receive(), 413, "body");

    // The server may close as soon as it has seen enough.
    let mut client = server.client();
    let _ = client.try_send(post(vec![b' '; TOO_LARGE]));
    assert_refused(&client.receive(), 413, "body");

    let mut client = server.client();
    client.send("POST /bid HTTP/1.1\r\nhost: b\r\ntransfer-encoding: chunked\r\n\r\n");
    let _ = client.try_send(chunked(vec![b' '; TOO_LARGE], 10_000));
    assert_refused(&client.receive(), 413, "body");

    let mut client = server.client();
    let absurd = 1_u64 << 60;
    client.send(format!("POST /bid HTTP/1.1\r\nhost: b\r\ncontent-length: {absurd}\r\n\r\n"));
    assert_refused(&client.receive(), 413, "body");
    assert_bid(&server.bid(request("still").to_string()), "still");
}

#[test]
fn a_large_body_within_the_limit_is_taken() {
    let padded = format!("{}{}", " ".repeat(250 << 10), request("large"));
    assert_bid(&server().bid(padded), "large");
    let server = Setup::new(&one_campaign()).args("--max-body 100000").start();
    let mut client = server.client();
    client.send("POST /bid HTTP/1.1\r\nhost: b\r\ncontent-length: 100001\r\n\r\n");
    assert_refused(&client.receive(), 413, "body");
}

#[test]
fn compressed_bodies_are_415() {
    let server = server();
    let mut client = server.client();
    let request = request("c").to_string();
    assert_refused(
        &client.ask(post_with("content-encoding: gzip\r\n", &request)),
        415,
        "content-encoding",
    );
    assert_bid(&client.ask(post_with("content-encoding: identity\r\n", &request)), "c");
}

#[test]
fn other_methods_are_405_with_what_is_allowed() {
    let server = server();
    let mut client = server.client();
    for (line, allow) in [
        ("GET /bid", "POST"),
        ("PUT /bid", "POST"),
        ("DELETE /bid", "POST"),
        ("BREW /bid", "POST"),
        ("POST /healthz", "GET, HEAD"),
        ("OPTIONS /metrics", "GET, HEAD"),
    ] {
        let ask = format!("{line} HTTP/1.1\r\nhost: b\r\ncontent-length: 0\r\n\r\n");
        let response = client.ask(ask);
        assert_eq!(response.header("allow"), Some(allow), "{line}");
        assert_refused(&response, 405, "method");
    }
}

#[test]
fn other_paths_are_404() {
    let server = server();
    let mut client = server.client();
    for path in ["/", "/bid/", "/bids", "/..%2fbid", "/metrics/x", "*"] {
        assert_refused(&client.get(path), 404, "path");
    }
    let query = "POST /bid?exchange=adx HTTP/1.1\r\nhost: b\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(client.ask(query).status, 400, "a query is no other path");
}

/// Bytes of a body that was not read were taken for the first byte of the next request.
#[test]
fn a_body_that_nobody_wants_ends_its_connection() {
    let server = server();
    for line in ["POST /nowhere", "PUT /bid"] {
        let mut client = server.client();
        let request = format!("{line} HTTP/1.1\r\nhost: b\r\ncontent-length: 9\r\n\r\n");
        let refused = client.ask(request);
        assert!(matches!(refused.status, 404 | 405), "{refused:?}");
        assert_eq!(refused.header("connection"), Some("close"), "{line}");
    }
}

#[test]
fn a_head_is_answered_without_a_body() {
    let server = server();
    let mut client = server.client();
    for (path, status) in [("/healthz", 200), ("/metrics", 200), ("/bid", 405), ("/x", 404)] {
        client.send(format!("HEAD {path} HTTP/1.1\r\nhost: b\r\n\r\n"));
        assert_eq!(client.receive_head().status, status, "{path}");
    }
    // A body after any of the heads would stand before this answer.
    assert_bid(&client.bid(request("next").to_string()), "next");
}

#[test]
fn a_connection_serves_many_requests() {
    let server = server();
    let mut client = server.client();
    for number in 0..500 {
        let id = number.to_string();
        match number % 3 {
            0 => assert_bid(&client.bid(request(&id).to_string()), &id),
            1 => assert_eq!(client.bid(unmatched_request(&id)).status, 204),
            _ => assert_eq!(client.bid("{}").status, 400),
        }
    }
    let metrics = server.metrics();
    assert_eq!(metrics.get("bidder_requests_total"), 334, "what is 400 is no bid request");
    assert_eq!(metrics.get("bidder_bids_total"), 167);
    assert_eq!(metrics.get("bidder_no_bids_total"), 167);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let server = server();
    let mut client = server.client();
    let (first, second) = (request("first").to_string(), request("second").to_string());
    client.send([post(&first), post("{}"), post(&second)].concat());
    assert_bid(&client.receive(), "first");
    assert_eq!(client.receive().status, 400);
    assert_bid(&client.receive(), "second");
}

#[test]
fn a_request_may_come_in_single_bytes() {
    let server = server();
    let mut client = server.client();
    for byte in post(request("slow").to_string()) {
        client.send([byte]);
    }
    assert_bid(&client.receive(), "slow");
}

#[test]
fn a_body_may_come_in_chunks() {
    let server = server();
    let mut client = server.client();
    let head = "POST /bid HTTP/1.1\r\nhost: b\r\ntransfer-encoding: chunked\r\n\r\n";
    for size in [1, 7, 100_000] {
        let id = format!("chunks of {size}");
        client.send(head);
        client.send(chunked(request(&id).to_string(), size));
        assert_bid(&client.receive(), &id);
    }
    client.send(head);
    client.send("zz\r\n");
    assert_refused(&client.receive(), 400, "body");
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let server = server();
    let body = request("old").to_string();
    let head = format!("POST /bid HTTP/1.0\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut client = server.client();
    let response = client.ask(head + &body);
    assert_bid(&response, "old");
    assert_eq!(response.version, "HTTP/1.0");
    assert_eq!(client.read_to_close(), "");
}

#[test]
fn a_client_that_expects_100_gets_it_before_it_sends_the_body() {
    let server = server();
    let mut client = server.client();
    let body = request("polite").to_string();
    let head = post_with("expect: 100-continue\r\n", &body);
    let head = &head[..head.len() - body.len()];
    assert_eq!(client.ask(head).status, 100);
    assert_bid(&client.ask(&body), "polite");

    // What is too large is refused before it is sent.
    let expect = "expect: 100-continue\r\ncontent-length";
    client.send(format!("POST /bid HTTP/1.1\r\nhost: b\r\n{expect}: {TOO_LARGE}\r\n\r\n"));
    assert_refused(&client.receive(), 413, "body");
}

#[test]
fn what_is_not_http_is_refused_and_closed() {
    let server = server();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"hello\r\n\r\n",
        b"POST /bid\r\n\r\n",
        b"POST /bid HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /bid HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /bid HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /bid HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST /bid HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"POST /bid HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nx: \0\r\n\r\n",
    ] {
        let mut client = server.client();
        client.send(garbage);
        let answer = client.read_to_close();
        let shown = garbage.escape_ascii();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{shown}: {answer}");
    }
    assert_bid(&server.bid(request("after").to_string()), "after");
}

#[test]
fn absurd_heads_are_431() {
    let server = server();
    let one_header = format!("x: {}\r\n", "y".repeat(100 << 10));
    let many_headers = "x: y\r\n".repeat(5_000);
    for headers in [one_header, many_headers] {
        let mut client = server.client();
        let _ = client.try_send(format!("GET /healthz HTTP/1.1\r\n{headers}\r\n"));
        let answer = client.read_to_close();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    }
    let mut client = server.client();
    let _ = client.try_send(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100 << 10)));
    let answer = client.read_to_close();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    // What a proxy really sends fits.
    let mut client = server.client();
    let cookie = format!("cookie: {}\r\n", "z".repeat(8 << 10));
    assert_bid(&client.ask(post_with(&cookie, request("fits").to_string())), "fits");
}

#[test]
fn health_is_ok() {
    let response = server().get("/healthz");
    assert_eq!((response.status, response.text().as_str()), (200, "ok\n"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[test]
fn every_series_is_there_before_the_first_request() {
    let response = server().get("/metrics");
    let kind = response.header("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let metrics = support::Metrics(response.text());
    for series in ["requests", "bids", "no_bids", "abandoned", "reloads", "failed_reloads"] {
        assert_eq!(metrics.get(&format!("bidder_{series}_total")), 0);
    }
    let sheds = ["latest-start", "evicted", "over-share"];
    let refusals = ["expired", "infeasible", "queue-full", "shutdown"];
    for reason in sheds.into_iter().chain(refusals) {
        assert_eq!(metrics.get(&format!("bidder_sheds_total{{reason=\"{reason}\"}}")), 0);
    }
    for answer in ["bid", "no-bid", "shed"] {
        assert_eq!(metrics.get(&format!("bidder_late_answers_total{{answer=\"{answer}\"}}")), 0);
    }
    for histogram in ["queue_delay", "evaluation", "latency"] {
        assert_eq!(metrics.get(&format!("bidder_{histogram}_seconds_count")), 0);
        let bucket = format!("bidder_{histogram}_seconds_bucket{{le=\"+Inf\"}}");
        assert_eq!(metrics.get(&bucket), 0);
    }
    assert_eq!(metrics.get("bidder_campaigns"), 1);
    assert_eq!(metrics.get("bidder_connections"), 1);
    assert!(metrics.0.ends_with("# EOF\n"), "{}", metrics.0);
}

#[test]
fn requests_are_counted_and_measured() {
    let server = server();
    let mut client = server.client();
    assert_bid(&client.bid(request("1").to_string()), "1");
    assert_eq!(client.bid(unmatched_request("2")).status, 204);
    let metrics = server.metrics();
    assert_eq!(metrics.get("bidder_requests_total"), 2);
    for histogram in ["queue_delay", "evaluation", "latency"] {
        assert_eq!(metrics.get(&format!("bidder_{histogram}_seconds_count")), 2, "{histogram}");
    }
    assert_eq!(metrics.outcomes(), 2);
    assert_eq!(metrics.sum("bidder_late_answers_total"), 0);
}

#[test]
fn a_unix_socket_serves_the_same() {
    let server = Setup::new(&one_campaign()).unix().start();
    assert!(matches!(server.address, Address::Unix(_)));
    let mut client = server.client();
    assert_bid(&client.bid(request("u").to_string()), "u");
    assert_eq!(client.bid(unmatched_request("u")).status, 204);
    assert_refused(&client.bid("{}"), 400, "id");
    assert_refused(&client.get("/bid"), 405, "method");
    assert_refused(&client.get("/"), 404, "path");
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(server.metrics().get("bidder_bids_total"), 1);
}

#[test]
fn two_workers_share_a_port() {
    let server = Setup::new(&one_campaign()).workers(2).start();
    let Address::Tcp(address) = server.address else { panic!("it listens on TCP") };
    // The kernel spreads connections over the listeners, so a worker that does not serve its
    // own leaves some of these without an answer.
    let mut clients: Vec<_> = (0..64).map(|_| server.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        let id = number.to_string();
        assert_bid(&client.bid(request(&id).to_string()), &id);
    }
    assert_eq!(server.metrics().get("bidder_bids_total"), 64);
    // In this table an address is `ADDRESS:PORT` in hexadecimal, and state 0A listens.
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{:04X}", address.port());
    let listeners = sockets.lines().filter(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        columns[1].ends_with(&port) && columns[3] == "0A"
    });
    assert_eq!(listeners.count(), 2);
}

#[test]
fn two_workers_share_a_unix_socket() {
    let server = Setup::new(&one_campaign()).unix().workers(2).start();
    let mut clients: Vec<_> = (0..16).map(|_| server.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        let id = number.to_string();
        assert_bid(&client.bid(request(&id).to_string()), &id);
    }
}
