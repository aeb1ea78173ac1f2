//! A server that is told to end tells its load balancer, answers what it has, and ends.

mod support;

use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::process::Signal;

use support::fixtures::{LONG_MS, large_request, many_campaigns, one_campaign, request};
use support::http::{Client, post};
use support::{Address, Server, Setup, wait_until};

/// How many requests are queued when the signal comes.
const QUEUED: usize = 60;

/// Waits until the server says that it drains.
fn wait_for_drain(server: &Server) {
    wait_until("health says that the server drains", || {
        let response = server.get("/healthz");
        if response.status == 200 {
            return false;
        }
        assert_eq!((response.status, response.text().as_str()), (503, "draining\n"));
        assert_eq!(response.header("connection"), Some("close"));
        true
    });
}

/// Sends a request but for its last byte, which is returned.
fn send_most(client: &mut Client, id: &str) -> Vec<u8> {
    let mut bytes = post(request(id).to_string());
    let last = bytes.split_off(bytes.len() - 1);
    client.send(bytes);
    last
}

fn drains(signal: Signal) {
    let mut server = Setup::new(&one_campaign()).args("--linger 5s").start();
    let mut idle = server.client();
    let served = idle.bid(request("before").to_string());
    assert_eq!((served.status, served.header("connection")), (200, None));
    let mut half = server.client();
    let last = send_most(&mut half, "half");

    server.signal(signal);
    wait_for_drain(&server);
    // While it lingers it serves whom the load balancer still sends.
    let response = server.bid(request("late").to_string());
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    let response = half.ask(last);
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert_eq!(half.read_to_close(), "");
    assert_eq!(idle.read_to_close(), "");
    assert_eq!(server.wait_for_exit().code(), Some(0));
    assert!(Client::connect(&server.address).is_err());
}

#[test]
fn sigterm_drains() {
    drains(Signal::TERM);
}

#[test]
fn sigint_drains() {
    drains(Signal::INT);
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    for second in [Signal::TERM, Signal::INT] {
        let mut server = Setup::new(&one_campaign()).args("--linger 10m").start();
        server.signal(Signal::TERM);
        wait_for_drain(&server);
        server.signal(second);
        assert_eq!(server.wait_for_exit().code(), Some(130));
    }
}

#[test]
fn both_workers_drain() {
    let mut server = Setup::new(&one_campaign()).workers(2).start();
    let mut clients: Vec<_> = (0..32).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/healthz").status, 200);
    }
    server.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.read_to_close(), "");
    }
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

/// Opens connections and queues a request on each.
fn queue(server: &Server) -> Vec<Client> {
    let mut clients: Vec<_> = (0..QUEUED).map(|_| server.client()).collect();
    let request = post(large_request("queued", LONG_MS));
    for client in &mut clients {
        client.send(&request);
    }
    // The count goes up when a request is queued.
    server.wait_for_metrics("all requests are queued", |metrics| {
        metrics.get("bidder_requests_total") == QUEUED as u64
    });
    clients
}

#[test]
fn what_is_queued_is_answered() {
    let setup = Setup::new(&many_campaigns()).args("--order fifo --linger 0s --grace 1m");
    let mut server = setup.start();
    let mut clients = queue(&server);
    server.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.receive().status, 200);
        assert_eq!(client.read_to_close(), "");
    }
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn what_is_still_queued_when_grace_ends_gets_a_no() {
    let setup = Setup::new(&many_campaigns()).args("--order fifo --linger 0s --grace 0s");
    let mut server = setup.start();
    let mut clients = queue(&server);
    server.signal(Signal::TERM);
    for client in &mut clients {
        let response = client.receive();
        match response.no_bid_reason() {
            None => assert_eq!(response.status, 200),
            Some(reason) => assert_eq!((response.status, reason), (204, "shutdown")),
        }
    }
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn a_client_that_does_not_finish_is_not_waited_for_after_grace() {
    let setup = Setup::new(&one_campaign()).args("--linger 0s --grace 300ms");
    let mut server = setup.start();
    let mut client = server.client();
    let _ = send_most(&mut client, "never");
    // An answer on another connection shows that the server has seen this one.
    server.wait_for_metrics("both are seen", |metrics| metrics.get("bidder_connections") == 2);
    server.signal(Signal::TERM);
    assert_eq!(client.read_to_close(), "");
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

fn socket_of(server: &Server) -> &Path {
    match &server.address {
        Address::Unix(path) => path,
        Address::Tcp(_) => panic!("it listens on a Unix socket"),
    }
}

#[test]
fn the_unix_socket_goes_with_the_server() {
    let mut server = Setup::new(&one_campaign()).unix().start();
    assert!(socket_of(&server).exists());
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit().code(), Some(0));
    assert!(!socket_of(&server).exists());
}

#[test]
fn a_stale_unix_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stale.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a closed listener leaves its path behind");
    let server = Setup::new(&one_campaign()).unix_at(&path).start();
    assert_eq!(server.bid(request("1").to_string()).status, 200);
}

#[test]
fn a_killed_server_can_be_started_again_on_its_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("killed.sock");
    let mut killed = Setup::new(&one_campaign()).unix_at(&path).start();
    killed.signal(Signal::KILL);
    assert_eq!(killed.wait_for_exit().code(), None, "a signal ended it");
    let server = Setup::new(&one_campaign()).unix_at(&path).start();
    assert_eq!(server.bid(request("1").to_string()).status, 200);
}

#[test]
fn a_unix_socket_in_use_is_left_alone() {
    let server = Setup::new(&one_campaign()).unix().start();
    let output = Setup::new(&one_campaign()).unix_at(socket_of(&server)).run();
    assert_ne!(output.status.code(), Some(0));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("cannot listen") && error.contains("in use"), "{error}");
    assert_eq!(server.bid(request("1").to_string()).status, 200);
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "keep").unwrap();
    let output = Setup::new(&one_campaign()).unix_at(&path).run();
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "keep");
}

#[test]
fn a_draining_server_leaves_its_successors_socket_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("handover.sock");
    let setup = Setup::new(&one_campaign()).unix_at(&path).args("--linger 0s --grace 1m");
    let mut old = setup.start();
    let mut half = old.client();
    let last = send_most(&mut half, "half");
    old.wait_for_metrics("both are seen", |metrics| metrics.get("bidder_connections") == 2);
    old.signal(Signal::TERM);
    wait_until("the old server takes no connections", || Client::connect(&old.address).is_err());

    let new = Setup::new(&one_campaign()).unix_at(&path).start();
    assert!(old.is_running(), "it waits for the last byte");
    assert_eq!(half.ask(last).status, 200);
    assert_eq!(old.wait_for_exit().code(), Some(0));
    assert_eq!(new.bid(request("1").to_string()).status, 200);
}
