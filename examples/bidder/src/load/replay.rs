//! Replays recorded requests: every line is sent once, and every answer is counted by status.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::Value;
use tokio::task::{JoinError, JoinSet, LocalSet};
use tokio::time::timeout;

use super::connection::{Connection, Envelope, OpenError};
use super::distinct::DistinctCounts;
use super::lines::{Line, Lines};
use super::outcome::{Answer, Failure};
use super::report::write_errors;
use super::tally::Errors;
use super::target::{Endpoint, Target};

/// How many distinct complaints about requests are kept a file.
const MAX_COMPLAINTS: usize = 12;

/// What a replay does.
#[derive(Clone, Debug)]
pub(crate) struct ReplayConfig {
    /// Where the requests go.
    pub(crate) target: Target,
    /// How many requests are under way at once, each on a connection of its own; at least one.
    pub(crate) connections: usize,
    /// The time after which a request fails and its connection is closed.
    pub(crate) timeout: Duration,
}

/// Why a replay could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ReplayError {
    /// The host is unknown.
    #[error("cannot resolve {0}: {1}")]
    Resolve(String, #[source] io::Error),
    /// There is nothing that listens.
    #[error("cannot connect to {0}: {1}")]
    Unreachable(String, #[source] OpenError),
    /// A file cannot be read to its end.
    #[error("cannot read {path}: {error}", path = .0.display(), error = .1)]
    Read(PathBuf, #[source] io::Error),
}

/// What the bidder answered, file by file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplayReport {
    /// The findings in the order of the files.
    pub(crate) files: Vec<FileReport>,
}

/// What the bidder answered to the lines of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileReport {
    /// The file.
    pub(crate) path: PathBuf,
    /// Lines that were sent; blank lines and those that are too long are not.
    pub(crate) lines: u64,
    /// Lines that were too long to be sent.
    pub(crate) too_long: u64,
    /// Answers by status; HTTP has at most 900.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Lines without an answer.
    pub(crate) errors: Errors,
    /// What the bodies of answers with status 400 complain of.
    pub(crate) complaints: DistinctCounts,
}

impl ReplayReport {
    /// Tells whether the bidder answered every line, and none with a 5xx.
    pub(crate) fn is_clean(&self) -> bool {
        self.files
            .iter()
            .all(|file| file.errors.total() == 0 && file.statuses.range(500..600).next().is_none())
    }

    /// Writes a table of the files, then what was unusual.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}  file",
            "lines", "200", "204", "400", "other", "errors",
        )?;
        for file in &self.files {
            let [ok, no_content, bad, other] = file.columns();
            writeln!(
                out,
                "{:>8}{ok:>8}{no_content:>8}{bad:>8}{other:>8}{:>8}  {}",
                file.lines,
                file.errors.total(),
                file.path.display(),
            )?;
        }
        self.files.iter().try_for_each(|file| file.write_unusual(out))
    }
}

impl FileReport {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            lines: 0,
            too_long: 0,
            statuses: BTreeMap::new(),
            errors: Errors::default(),
            complaints: DistinctCounts::new(MAX_COMPLAINTS),
        }
    }

    fn add(&mut self, answer: Result<Answer, Failure>) {
        match answer {
            Ok(answer) => {
                *self.statuses.entry(answer.status.as_u16()).or_default() += 1;
                if answer.status == StatusCode::BAD_REQUEST {
                    self.complaints.add(&complaint(&answer.body));
                }
            }
            Err(failure) => self.errors.add(failure),
        }
    }

    /// Returns the answers with status 200, 204, 400 and any other.
    fn columns(&self) -> [u64; 4] {
        let [ok, no_content, bad] =
            [200, 204, 400].map(|code| self.statuses.get(&code).copied().unwrap_or(0));
        let total: u64 = self.statuses.values().sum();
        [ok, no_content, bad, total - ok - no_content - bad]
    }

    fn write_unusual(&self, out: &mut impl Write) -> io::Result<()> {
        let others = self.statuses.iter().filter(|(code, _)| !matches!(code, 200 | 204 | 400));
        let others: Vec<_> = others.collect();
        if others.is_empty()
            && self.errors.total() + self.too_long == 0
            && self.complaints.total() == 0
        {
            return Ok(());
        }
        writeln!(out, "\n{}", self.path.display())?;
        for (code, count) in others {
            writeln!(out, "{count:>8}  status {code}")?;
        }
        if self.errors.total() > 0 {
            write!(out, "  errors  ")?;
            write_errors(out, &self.errors)?;
        }
        if self.too_long > 0 {
            writeln!(out, "{:>8}  lines too long to be sent", self.too_long)?;
        }
        for (complaint, count) in self.complaints.iter() {
            writeln!(out, "{count:>8}  400: {}", complaint.escape_debug())?;
        }
        if self.complaints.other() > 0 {
            writeln!(out, "{:>8}  400: other messages", self.complaints.other())?;
        }
        Ok(())
    }
}

/// Sends every line of the files once, one file after another.
///
/// It needs a current-thread runtime with I/O and time enabled. The files are read in place, a line
/// at a time: a local disk is quicker than the bidder, and the memory stays bounded by a line a
/// connection.
pub(crate) async fn replay(
    config: &ReplayConfig,
    files: &[PathBuf],
) -> Result<ReplayReport, ReplayError> {
    LocalSet::new().run_until(replay_files(config, files)).await
}

async fn replay_files(
    config: &ReplayConfig,
    files: &[PathBuf],
) -> Result<ReplayReport, ReplayError> {
    let target = &config.target;
    let endpoint =
        target.resolve().await.map_err(|error| ReplayError::Resolve(target.to_string(), error))?;
    // Without this, a wrong port would be reported as one error a line.
    Connection::open(&endpoint)
        .await
        .map_err(|error| ReplayError::Unreachable(target.to_string(), error))?;
    let envelope = Envelope::new(&endpoint);
    let courier = Rc::new(Courier { endpoint, envelope, timeout: config.timeout });
    let mut reports = Vec::with_capacity(files.len());
    for path in files {
        let file = File::open(path).map_err(|error| ReplayError::Read(path.clone(), error))?;
        let job = Job::new(path, BufReader::new(file));
        let job = replay_file(&courier, job, config.connections)
            .await
            .map_err(|error| ReplayError::Read(path.clone(), error))?;
        reports.push(job);
    }
    Ok(ReplayReport { files: reports })
}

async fn replay_file<R: BufRead + 'static>(
    courier: &Rc<Courier>,
    job: Job<R>,
    connections: usize,
) -> io::Result<FileReport> {
    let job = Rc::new(RefCell::new(job));
    let mut workers = JoinSet::new();
    for _ in 0..connections.max(1) {
        let (courier, job) = (Rc::clone(courier), Rc::clone(&job));
        workers.spawn_local(async move { courier.work(&job).await });
    }
    while let Some(joined) = workers.join_next().await {
        joined.map_err(JoinError::into_panic).unwrap_or_else(|panic| resume_unwind(panic))?;
    }
    let report = job.borrow().report.clone();
    Ok(report)
}

/// The lines of a file that are still to be sent, and the report on those that were.
struct Job<R> {
    lines: Lines<R>,
    report: FileReport,
}

impl<R: BufRead> Job<R> {
    fn new(path: &Path, reader: R) -> Self {
        Self { lines: Lines::new(reader), report: FileReport::new(path) }
    }

    fn next_body(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(line) = self.lines.next().transpose()? {
            match line {
                Line::Text(body) => {
                    self.report.lines += 1;
                    return Ok(Some(body));
                }
                Line::TooLong => self.report.too_long += 1,
            }
        }
        Ok(None)
    }
}

/// Carries lines to the bidder.
struct Courier {
    endpoint: Endpoint,
    envelope: Envelope,
    timeout: Duration,
}

impl Courier {
    async fn work<R: BufRead>(&self, job: &RefCell<Job<R>>) -> io::Result<()> {
        let mut connection = None;
        loop {
            let Some(body) = job.borrow_mut().next_body()? else {
                return Ok(());
            };
            let answer = match timeout(self.timeout, self.send(&mut connection, body)).await {
                Ok(answer) => answer,
                Err(_) => Err(Failure::Timeout),
            };
            job.borrow_mut().report.add(answer);
        }
    }

    /// Sends one request; a connection is left in `kept` only after a whole answer.
    async fn send(&self, kept: &mut Option<Connection>, body: Bytes) -> Result<Answer, Failure> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.open().await?,
        };
        if !connection.is_usable().await {
            connection = self.open().await?;
        }
        let answer = connection.post(&self.envelope, body).await?;
        *kept = Some(connection);
        Ok(answer)
    }

    async fn open(&self) -> Result<Connection, Failure> {
        Connection::open(&self.endpoint).await.map_err(|_| Failure::Connect)
    }
}

/// Says in a line what a 400 complains of: its `error.message` with `error.field`, or its body.
fn complaint(body: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &parsed["error"];
    match (error["message"].as_str().or(error.as_str()), error["field"].as_str()) {
        (Some(message), Some(field)) => format!("{field}: {message}"),
        (Some(message), None) => message.to_owned(),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_names_the_field_and_falls_back_to_the_body() {
        for (body, line) in [
            (r#"{"error":{"message":"missing","field":"imp"}}"#, "imp: missing"),
            (r#"{"error":{"message":"not JSON"}}"#, "not JSON"),
            (r#"{"error":"bad"}"#, "bad"),
            (r#"{"error":{"field":"imp"}}"#, r#"{"error":{"field":"imp"}}"#),
            ("no", "no"),
            ("", ""),
        ] {
            assert_eq!(complaint(body.as_bytes()), line);
        }
    }
}
