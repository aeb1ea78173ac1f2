//! The command line: which commands there are, and what each of them does.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use core_affinity::CoreId;
use humantime::parse_duration;
use tokio::signal::unix::{SignalKind, signal};

use crate::campaign::{MAX_CAMPAIGNS, sample_campaigns};
use crate::server::{Address, Config, Limits, Listen, Order, Server, ShedForm};
use crate::{demo, load};

/// The longest queue that can be asked for: far more than there is time for.
const MAX_QUEUE: i64 = 1 << 20;

/// How a shell reports a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// A real-time bidder that answers every request in time, with a bid or with a 'no'.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers OpenRTB bid requests over HTTP
    Serve(ServeArgs),
    /// Shows in 20 seconds what deadline order and shedding are worth under overload
    Demo,
    /// Sends requests on a schedule, whatever the answers do, and reports what came of them
    Load(load::cli::LoadArgs),
    /// Sends every line of some files once and counts the statuses
    Replay(load::cli::ReplayArgs),
    /// Makes a campaign file
    Campaigns(CampaignsArgs),
    /// Makes bid requests, one a line
    Requests(load::cli::SampleArgs),
}

#[derive(Args)]
struct ServeArgs {
    #[command(flatten)]
    listen: ListenArgs,
    /// The campaign file; its format is in campaigns.md
    #[arg(long)]
    campaigns: PathBuf,
    /// Threads, each with a runtime and a scheduler of its own; the number of cores by default
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Keeps worker n on the nth core that the process may use, from the first again after the
    /// last
    #[arg(long)]
    pin: bool,
    /// What tmax has to leave for the way back to the exchange
    #[arg(long, value_parser = parse_duration, default_value = "10ms")]
    margin: Duration,
    /// What is kept free before each deadline for what an evaluation takes longer than the mean
    /// of its class, and for the answer's way to the socket
    #[arg(long, value_parser = parse_duration, default_value = "5ms")]
    hand_over: Duration,
    /// The tmax of requests that have none
    #[arg(long, value_parser = parse_duration, default_value = "100ms")]
    default_tmax: Duration,
    /// In which order queued requests are evaluated
    #[arg(long, value_enum, default_value_t = Order::Deadline)]
    order: Order,
    /// How a shed request is answered
    #[arg(long, value_enum, default_value_t = ShedForm::NoContent)]
    shed_answer: ShedForm,
    /// After which time the campaign file is looked at again
    #[arg(long, value_parser = parse_interval, default_value = "10s")]
    reload: Duration,
    /// How long a draining server still takes connections
    #[arg(long, value_parser = parse_duration, default_value = "500ms")]
    linger: Duration,
    /// How long a draining server waits for what is queued
    #[arg(long, value_parser = parse_duration, default_value = "5s")]
    grace: Duration,
    /// The longest time from a request's first byte to its last
    #[arg(long, value_parser = parse_duration, default_value = "5s")]
    read_timeout: Duration,
    /// The longest silence on a connection between two requests
    #[arg(long, value_parser = parse_duration, default_value = "3m")]
    idle_timeout: Duration,
    /// The most connections of a worker: bounds its descriptors; more wait in the kernel
    #[arg(long, default_value_t = Limits::default().connections, value_parser = at_least_one)]
    connections: usize,
    /// The most requests queued at a worker: bounds the memory for requests, with --max-body;
    /// more are answered 'no' at once. A connection has one request queued at most
    #[arg(long, default_value_t = Limits::default().queue)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MAX_QUEUE))]
    queue: u32,
    /// The most bytes of a request's body: bounds the memory for one request; a larger body is
    /// answered 413
    #[arg(long, default_value_t = Limits::default().body_bytes, value_parser = at_least_one)]
    max_body: usize,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct ListenArgs {
    /// The TCP address to listen on, such as 127.0.0.1:8080; port 0 takes a free one
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// The path of a Unix socket to listen on
    #[arg(long)]
    unix: Option<PathBuf>,
}

#[derive(Args)]
struct CampaignsArgs {
    /// How many campaigns to make
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=MAX_CAMPAIGNS as i64))]
    sample: u32,
    /// Fixes the campaigns
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// A time after which something is done again.
fn parse_interval(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("must be longer than 0".to_owned()),
        Ok(interval) => Ok(interval),
        Err(error) => Err(format!("{error}")),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(format!("{error}")),
    }
}

impl ServeArgs {
    fn config(&self) -> Config {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Config {
            listen: match (&self.listen.listen, &self.listen.unix) {
                (Some(address), _) => Listen::Tcp(*address),
                (None, Some(path)) => Listen::Unix(path.clone()),
                (None, None) => unreachable!("clap requires one of the two"),
            },
            workers: self.workers.map_or(cores, usize::from),
            cores: if self.pin { cores_to_pin() } else { Vec::new() },
            order: self.order,
            shed_form: self.shed_answer,
            margin: self.margin,
            hand_over: self.hand_over,
            default_tmax: self.default_tmax,
            limits: Limits {
                read: self.read_timeout,
                idle: self.idle_timeout,
                connections: self.connections,
                queue: self.queue,
                body_bytes: self.max_body,
                linger: self.linger,
                grace: self.grace,
                ..Limits::default()
            },
        }
    }
}

fn cores_to_pin() -> Vec<CoreId> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if cores.is_empty() {
        tracing::warn!("no worker is pinned: the cores are unknown");
    }
    cores
}

/// Runs the command; what it has to say goes to standard output.
pub(crate) fn run(cli: &Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &cli.command {
        Command::Serve(args) => runtime.block_on(serve(args, &mut out)),
        Command::Demo => demo::run(&runtime, &mut out),
        Command::Load(args) => {
            Ok(runtime.block_on(load::cli::load(args, &mut out, &mut io::stderr()))?)
        }
        Command::Replay(args) => Ok(runtime.block_on(load::cli::replay(args, &mut out))?),
        Command::Campaigns(args) => {
            out.write_all(sample_campaigns(args.sample as usize, args.seed).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Requests(args) => Ok(load::cli::sample(args, &mut out)?),
    }
}

async fn serve(
    args: &ServeArgs,
    out: &mut impl Write,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // The handlers come first: a signal during the start must not kill without an answer.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(args.config(), args.campaigns.clone(), args.reload)?;
    match server.address() {
        Address::Tcp(address) => writeln!(out, "listening on http://{address}/bid")?,
        Address::Unix(path) => writeln!(out, "listening on unix:{}", path.display())?,
    }
    out.flush()?;
    let mut signalled = async || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let as_told = tokio::select! {
        () = signalled() => true,
        () = server.worker_ended() => false,
    };
    tracing::info!("draining");
    let ended = tokio::task::spawn_blocking(move || server.shutdown());
    tokio::select! {
        all_well = ended => match as_told && all_well? {
            true => Ok(ExitCode::SUCCESS),
            false => Err("a worker has ended by itself".into()),
        },
        // Who tells it twice doesn't want to wait, not even for the end of the runtime.
        () = signalled() => std::process::exit(INTERRUPTED),
    }
}
