//! The command line: which commands there are, and what each of them does.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use humantime::parse_duration;
use tokio::signal::unix::{SignalKind, signal};

use crate::campaign::{MAX_CAMPAIGNS, sample_campaigns};
use crate::server::{Address, Config, Limits, Listen, Order, Server, ShedForm};
use crate::{demo, load};

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
    /// Keeps worker n on core n
    #[arg(long)]
    pin: bool,
    /// What tmax has to leave for the way back to the exchange
    #[arg(long, value_parser = parse_duration, default_value = "10ms")]
    margin: Duration,
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
    #[arg(long, value_parser = parse_duration, default_value = "10s")]
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
    /// The most connections of a worker
    #[arg(long, default_value_t = 8_192, value_parser = at_least_one)]
    connections: usize,
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
            pin: self.pin,
            order: self.order,
            shed_form: self.shed_answer,
            margin: self.margin,
            default_tmax: self.default_tmax,
            limits: Limits {
                read: self.read_timeout,
                idle: self.idle_timeout,
                connections: self.connections,
                linger: self.linger,
                grace: self.grace,
                ..Limits::default()
            },
        }
    }
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
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("draining");
    server.shutdown();
    Ok(ExitCode::SUCCESS)
}
