//! What the tests share: a running bidder, a client that sends any bytes, and things to send.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod fixtures;
pub(crate) mod http;

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use punctual::time::{Clock, MonotonicClock};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use http::{Client, Response};

/// How long anything may take before a test gives it up: far longer than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// A pause between two looks at something that changes by itself.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// So much of a server's log is shown when a test fails.
const LOG_LINES: usize = 20;

/// Where a server can be reached.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    /// The address as `load` and `replay` want it.
    pub(crate) fn target(&self) -> String {
        match self {
            Self::Tcp(address) => format!("http://{address}/bid"),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }
}

/// How a server is to be started.
pub(crate) struct Setup {
    args: Vec<String>,
    folder: TempDir,
    socket: Option<PathBuf>,
    workers: usize,
}

impl Setup {
    /// One worker on a free TCP port, with these campaigns.
    pub(crate) fn new(campaigns: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let setup = Self { args: Vec::new(), folder, socket: None, workers: 1 };
        std::fs::write(setup.campaigns(), campaigns).expect("the campaigns can be written");
        setup
    }

    /// Starts so many workers.
    pub(crate) fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Appends arguments of `serve`.
    pub(crate) fn args(mut self, args: &str) -> Self {
        self.args.extend(args.split_whitespace().map(str::to_owned));
        self
    }

    /// Listens on a Unix socket in the test's folder instead of TCP.
    pub(crate) fn unix(self) -> Self {
        let path = self.folder.path().join("bidder.sock");
        self.unix_at(&path)
    }

    /// Listens on this Unix socket.
    pub(crate) fn unix_at(mut self, path: &Path) -> Self {
        self.socket = Some(path.to_owned());
        self
    }

    /// The campaign file.
    pub(crate) fn campaigns(&self) -> PathBuf {
        self.folder.path().join("campaigns.json")
    }

    fn command(&self) -> Command {
        let mut command = bidder("serve");
        match &self.socket {
            Some(path) => command.arg("--unix").arg(path),
            None => command.args(["--listen", "127.0.0.1:0"]),
        };
        command.arg("--campaigns").arg(self.campaigns());
        // No stall of the machine is a client's silence, unless the test is about that.
        if !self.args.iter().any(|arg| arg == "--read-timeout") {
            command.args(["--read-timeout", "5m"]);
        }
        command.args(["--workers", &self.workers.to_string()]).args(&self.args);
        command
    }

    /// Runs a server that is expected to give up at once.
    pub(crate) fn run(&self) -> Output {
        self.command().output().expect("the bidder runs")
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn start(self) -> Server {
        let log = self.folder.path().join("stderr.log");
        let stderr = std::fs::File::create(&log).expect("the log can be written");
        // A socket instead of a pipe, because its reads can time out.
        let (stdout, theirs) = UnixStream::pair().expect("a pair of sockets");
        stdout.set_read_timeout(Some(PATIENCE)).expect("a time-out is set");
        let mut command = self.command();
        command.stdout(OwnedFd::from(theirs)).stderr(stderr);
        let child = command.spawn().expect("the bidder starts");
        // Otherwise the command would keep the other end open after the server's end.
        drop(command);
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        let mut server =
            Server { child, stdout, log, address: Address::Unix(PathBuf::new()), setup: self };
        let address = line.trim_end().strip_prefix("listening on ").and_then(parse_address);
        let Some(address) = address else {
            panic!("not listening: {read:?} {line:?}\n{}", server.log());
        };
        server.address = address;
        server
    }
}

fn parse_address(text: &str) -> Option<Address> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Some(Address::Unix(path.into()));
    }
    let address = text.strip_prefix("http://")?.strip_suffix("/bid")?;
    address.parse().ok().map(Address::Tcp)
}

/// A running server, killed when the test is over, however it ends.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<UnixStream>,
    log: PathBuf,
    pub(crate) address: Address,
    pub(crate) setup: Setup,
}

impl Server {
    /// Opens a connection.
    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.address).expect("the server takes connections")
    }

    /// Sends a bid request over a connection of its own.
    pub(crate) fn bid(&self, body: impl AsRef<[u8]>) -> Response {
        self.client().bid(body)
    }

    /// Asks for a path over a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Response {
        self.client().get(path)
    }

    /// What the server counts now.
    pub(crate) fn metrics(&self) -> Metrics {
        Metrics(self.get("/metrics").text())
    }

    /// Waits until the server's counts are as expected.
    pub(crate) fn wait_for_metrics(&self, what: &str, mut done: impl FnMut(&Metrics) -> bool) {
        wait_until(what, || done(&self.metrics()));
    }

    /// What the server has written to its standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the server is there");
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        // The process holds the only other end, so the end of this stream is its own.
        let read = io::copy(&mut self.stdout, &mut io::sink());
        assert!(read.is_ok(), "the server goes on: {read:?}\n{}", self.log());
        self.child.wait().expect("a child can be waited for")
    }

    /// Whether the process is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let start = log.lines().count().saturating_sub(LOG_LINES);
            eprintln!("the end of the server's log:");
            log.lines().skip(start).for_each(|line| eprintln!("{line}"));
        }
    }
}

/// The text of `/metrics`.
pub(crate) struct Metrics(pub(crate) String);

impl Metrics {
    /// The value of a series such as `bidder_sheds_total{reason="expired"}`.
    pub(crate) fn get(&self, series: &str) -> u64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = line.unwrap_or_else(|| panic!("no series {series} in\n{}", self.0));
        value.parse().unwrap_or_else(|_| panic!("{series} is {value}"))
    }

    /// The sum over all labels of a counter such as `bidder_sheds_total`.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        let values = self.0.lines().filter_map(|line| line.strip_prefix(name)?.split_once(' '));
        values.map(|(_, value)| value.parse::<u64>().expect("a count")).sum()
    }

    /// Requests that have come to their end, whichever it was.
    pub(crate) fn outcomes(&self) -> u64 {
        let counters = ["bidder_bids_total", "bidder_no_bids_total", "bidder_abandoned_total"];
        counters.map(|name| self.get(name)).iter().sum::<u64>() + self.sum("bidder_sheds_total")
    }
}

/// Looks again and again until the condition holds; gives up when patience ends.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let clock = MonotonicClock::new();
    let end = clock.now() + PATIENCE;
    while !done() {
        assert!(clock.now() < end, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// The bidder with one of its commands, its standard input closed.
pub(crate) fn bidder(command: &str) -> Command {
    let mut bidder = Command::new(env!("CARGO_BIN_EXE_bidder"));
    bidder.arg(command).env_remove("RUST_LOG").stdin(Stdio::null());
    bidder
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().expect("the bidder runs")
}
