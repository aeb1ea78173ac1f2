//! The campaign file is taken when it is sound, refused as a whole when it is not.

mod support;

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use support::fixtures::{campaign, file, request};
use support::{Server, Setup};

fn server() -> Server {
    Setup::new(&file(&[campaign("first", 1.0)])).args("--reload 100ms").start()
}

/// Writes beside the file and renames, as a careful deployment does.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

fn write_in_place(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn bidders(server: &Server) -> Vec<String> {
    server.bid(request("1").to_string()).campaigns()
}

#[track_caller]
fn reloads_with(write: fn(&Path, &str)) {
    let server = server();
    assert_eq!(bidders(&server), ["first"]);
    write(&server.setup.campaigns(), &file(&[campaign("second", 1.0), campaign("third", 3.0)]));
    server.wait_for_metrics("the file is taken", |metrics| {
        metrics.get("bidder_campaigns") == 2 && metrics.get("bidder_reloads_total") > 0
    });
    assert_eq!(bidders(&server), ["third"]);
}

#[test]
fn a_renamed_file_is_taken() {
    reloads_with(replace);
}

#[test]
fn a_file_written_in_place_is_taken() {
    reloads_with(write_in_place);
}

#[test]
fn a_file_of_the_same_size_is_taken() {
    let server = server();
    replace(&server.setup.campaigns(), &file(&[campaign("other", 1.0)]));
    server
        .wait_for_metrics("the file is taken", |metrics| metrics.get("bidder_reloads_total") == 1);
    assert_eq!(bidders(&server), ["other"]);
}

#[test]
fn an_unchanged_file_is_not_taken_again() {
    let server = server();
    replace(&server.setup.campaigns(), &file(&[campaign("once", 1.0)]));
    server.wait_for_metrics("the file is taken", |metrics| metrics.get("bidder_reloads_total") > 0);
    // That something does not happen takes time to see: here that of several looks.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.metrics().get("bidder_reloads_total"), 1);
}

fn broken() -> String {
    let mut broken = campaign("autumn-sale", 2.0);
    broken["creatives"][0]["w"] = json!(0);
    file(&[campaign("fine", 1.0), broken])
}

#[test]
fn a_broken_file_is_refused_until_it_is_mended() {
    let server = server();
    let path = server.setup.campaigns();
    replace(&path, &broken());
    server.wait_for_metrics("the file is refused", |metrics| {
        metrics.get("bidder_failed_reloads_total") > 0
    });
    assert_eq!(bidders(&server), ["first"], "the old campaigns stay");
    let log = server.log();
    assert!(log.contains("campaigns[1] (\"autumn-sale\"): creatives[0].w: "), "{log}");
    assert_eq!(server.metrics().get("bidder_reloads_total"), 0);

    replace(&path, &file(&[campaign("mended", 1.0)]));
    server
        .wait_for_metrics("the file is taken", |metrics| metrics.get("bidder_reloads_total") == 1);
    assert_eq!(bidders(&server), ["mended"]);
}

#[test]
fn a_file_that_goes_away_and_comes_back_is_taken() {
    let server = server();
    let path = server.setup.campaigns();
    std::fs::remove_file(&path).unwrap();
    server.wait_for_metrics("the file is missed", |metrics| {
        metrics.get("bidder_failed_reloads_total") > 0
    });
    assert_eq!(bidders(&server), ["first"], "the old campaigns stay");
    replace(&path, &file(&[campaign("back", 1.0)]));
    server
        .wait_for_metrics("the file is taken", |metrics| metrics.get("bidder_reloads_total") == 1);
    assert_eq!(bidders(&server), ["back"]);
}

/// Starts a server that can't start, and returns its complaint.
fn complaint(setup: &Setup) -> String {
    let output = setup.run();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(output.stdout.is_empty(), "it does not say that it listens");
    assert!(error.contains("campaigns.json"), "the file has a name: {error}");
    error
}

#[test]
fn a_server_does_not_start_without_its_file() {
    let setup = Setup::new("");
    std::fs::remove_file(setup.campaigns()).unwrap();
    let error = complaint(&setup);
    assert!(error.contains("No such file"), "{error}");
}

#[test]
fn a_server_does_not_start_with_a_broken_file() {
    let misspelt = |field: &str, value: Value| {
        let mut campaign = campaign("winter-sale", 2.0);
        campaign[field] = value;
        file(&[campaign])
    };
    for (text, place) in [
        (broken(), "campaigns[1] (\"autumn-sale\"): creatives[0].w: "),
        (misspelt("max_cpm", json!(-1)), "campaigns[0] (\"winter-sale\"): max_cpm: "),
        (misspelt("seat", json!(7)), "campaigns[0] (\"winter-sale\"): seat: "),
        (misspelt("contries", json!(["USA"])), "campaigns[0] (\"winter-sale\"): contries: "),
        (file(&[campaign("twin", 1.0), campaign("twin", 2.0)]), "campaigns[1] (\"twin\"): id: "),
        (json!({ "version": 9, "campaigns": [] }).to_string(), "version: "),
        (String::new(), "line 1"),
        ("{\"version\": 1, \"campaigns\": [".to_owned(), "line 1"),
    ] {
        let error = complaint(&Setup::new(&text));
        assert!(error.contains(place), "{place}: {error}");
    }
}

#[test]
fn a_pipe_is_refused_and_keeps_nobody_waiting() {
    let mut server = server();
    let campaigns = server.setup.campaigns();
    let pipe = campaigns.with_extension("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // A reload that found no file between the two would be counted as the refusal.
    std::fs::rename(&pipe, &campaigns).unwrap();
    server.wait_for_metrics("the pipe is refused", |metrics| {
        metrics.get("bidder_failed_reloads_total") > 0
    });
    assert!(server.log().contains("not a regular file"), "{}", server.log());
    assert_eq!(bidders(&server), ["first"]);
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit().code(), Some(0));
}
