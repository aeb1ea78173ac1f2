//! The command line of the load module: arguments in, reports to a writer, an exit code out.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;

use super::lines::{Line, Lines, MAX_LINE_BYTES};
use super::replay::{ReplayConfig, ReplayError};
use super::run::{LoadConfig, LoadError, Progress};
use super::sample::sample_requests;
use super::schedule::Arrivals;
use super::target::Target;

/// The most requests and bytes that a load file may hold, because it is kept in memory.
const MAX_REQUESTS: usize = 1_000_000;
const MAX_REQUEST_BYTES: usize = 1 << 30;

/// Arguments of an open-loop run.
#[derive(Args, Debug)]
pub(crate) struct LoadArgs {
    /// Where requests go: http://host:port/path or unix:/path/to.sock[:/path].
    #[arg(long)]
    target: Target,
    /// A file of bid requests, one a line, sent in turn and over again.
    #[arg(long)]
    requests: PathBuf,
    /// The mean rate of requests a second.
    #[arg(long)]
    rate: f64,
    /// The time whose requests are reported, such as 30s.
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Duration,
    /// A time before that whose requests are not reported.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "0s")]
    warm_up: Duration,
    /// The most connections open at once.
    #[arg(long, default_value_t = 4096)]
    connections: usize,
    /// The most requests that wait for a connection; one more is an error.
    #[arg(long, default_value_t = 4096)]
    queue: usize,
    /// The deadline of a request that has no tmax.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "100ms")]
    tmax: Duration,
    /// The time after which a request fails and its connection is closed.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "5s")]
    timeout: Duration,
    /// How requests are spread over time.
    #[arg(long, value_enum, default_value_t = Arrivals::Poisson)]
    arrivals: Arrivals,
    /// Fixes the arrival times.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A file to which the report is also written as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Arguments of a replay.
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// Where requests go: http://host:port/path or unix:/path/to.sock[:/path].
    #[arg(long)]
    target: Target,
    /// How many requests are under way at once.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The time after which a request fails and its connection is closed.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "5s")]
    timeout: Duration,
    /// Files of bid requests, one a line.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Arguments of the sampler.
#[derive(Args, Debug)]
pub(crate) struct SampleArgs {
    /// How many requests to write.
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// Fixes the requests.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CommandError {
    /// The run could not begin.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The replay could not be done.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A named file cannot be read or written.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    File(PathBuf, #[source] io::Error),
    /// The report cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Runs the load and writes its report to `out` and its progress to `progress`.
pub(crate) async fn load(
    args: &LoadArgs,
    out: &mut impl Write,
    progress: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let requests = open(&args.requests).and_then(read_requests);
    let requests = requests.map_err(|error| CommandError::File(args.requests.clone(), error))?;
    let config = LoadConfig {
        arrivals: args.arrivals,
        seed: args.seed,
        warm_up: args.warm_up,
        max_connections: args.connections,
        max_queued: args.queue,
        tmax: args.tmax,
        timeout: args.timeout,
        ..LoadConfig::new(args.target.clone(), args.rate, args.duration)
    };
    // A closed stderr is no reason to stop a measurement.
    let watch = |now: &Progress| drop(write_progress(progress, now));
    let report = super::run::run(&config, &requests, watch).await?;
    writeln!(out, "target     {}", config.target)?;
    report.write_text(out)?;
    if let Some(path) = &args.json {
        let json = serde_json::to_vec_pretty(&report).map_err(io::Error::from)?;
        fs::write(path, json).map_err(|error| CommandError::File(path.clone(), error))?;
    }
    // Without a single answer there was nothing to measure.
    Ok(match report.counts.answered() {
        0 => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

/// Replays the files and writes the report to `out`; the code is a failure if it is not clean.
pub(crate) async fn replay(
    args: &ReplayArgs,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let config = ReplayConfig {
        target: args.target.clone(),
        connections: args.connections,
        timeout: args.timeout,
    };
    let report = super::replay::replay(&config, &args.files).await?;
    report.write_text(out)?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes sample requests to `out`, one a line.
pub(crate) fn sample(args: &SampleArgs, out: &mut impl Write) -> Result<ExitCode, CommandError> {
    for request in sample_requests(args.count, args.seed) {
        writeln!(out, "{request}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    File::open(path).map(BufReader::new)
}

fn read_requests(reader: impl BufRead) -> io::Result<Vec<Bytes>> {
    let mut requests = Vec::new();
    let mut total_bytes = 0;
    for line in Lines::new(reader) {
        let Line::Text(body) = line? else {
            return Err(io::Error::other(format!("a line exceeds {MAX_LINE_BYTES} bytes")));
        };
        total_bytes += body.len();
        if requests.len() == MAX_REQUESTS || total_bytes > MAX_REQUEST_BYTES {
            return Err(io::Error::other("the requests are too many to be kept in memory"));
        }
        requests.push(body);
    }
    Ok(requests)
}

fn write_progress(out: &mut impl Write, now: &Progress) -> io::Result<()> {
    writeln!(
        out,
        "{:>4} s{}  sent {:>9}  answered {:>9}  late {:>8}  failed {:>6}  p99 {:>9.3} ms",
        now.elapsed.as_secs(),
        if now.warming_up { " (warm-up)" } else { "" },
        now.sent,
        now.answered,
        now.late,
        now.failed,
        now.p99_ns as f64 / 1e6,
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    enum Command {
        Load(LoadArgs),
        Replay(ReplayArgs),
    }

    #[test]
    fn arguments_have_the_documented_defaults() {
        let line = "bidder load --target unix:/b.sock --requests r --rate 5e3 --duration 1500ms";
        let Ok(Command::Load(args)) = Command::try_parse_from(line.split(' ')) else {
            panic!("the line is complete")
        };
        let default = LoadConfig::new(args.target.clone(), args.rate, args.duration);
        assert_eq!((args.rate, args.duration), (5_000.0, Duration::from_millis(1_500)));
        assert_eq!((args.tmax, args.timeout), (default.tmax, default.timeout));
        assert_eq!(args.connections, default.max_connections);
        assert_eq!((args.queue, args.arrivals), (default.max_queued, default.arrivals));
        assert_eq!((args.seed, args.warm_up), (default.seed, default.warm_up));
    }

    #[test]
    fn a_replay_needs_a_file() {
        let line = "bidder replay --target http://127.0.0.1:1/bid";
        assert!(Command::try_parse_from(line.split(' ')).is_err());
        let line = format!("{line} a b");
        assert!(matches!(
            Command::try_parse_from(line.split(' ')),
            Ok(Command::Replay(ReplayArgs { connections: 16, files, .. })) if files.len() == 2
        ));
    }

    #[test]
    fn requests_are_read_whole_or_not_at_all() {
        let requests = read_requests(&b"{\"id\":\"1\"}\n\n{}\n"[..]).unwrap();
        assert_eq!(requests, ["{\"id\":\"1\"}", "{}"]);
        assert!(read_requests(&vec![b' '; MAX_LINE_BYTES + 1][..]).is_err());
    }
}
