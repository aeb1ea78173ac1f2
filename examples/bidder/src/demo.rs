//! Both sides in one process: what deadline order and shedding are worth under overload.

use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use core_affinity::CoreId;
use punctual::time::{Clock, MonotonicClock};
use tokio::runtime::Runtime;

use crate::campaign::{parse_campaigns, sample_campaigns};
use crate::evaluate::evaluate;
use crate::load::report::Report;
use crate::load::run::{LoadConfig, run as run_load};
use crate::load::sample::sample_requests;
use crate::load::target::Target;
use crate::openrtb;
use crate::server::{Address, Config, Limits, Listen, Order, Server, ShedForm};

/// What an evaluation costs on the machine at hand: many campaigns are matched and scored.
const EVALUATION: Duration = Duration::from_millis(1);

/// Offered load as multiples of the capacity.
const FACTORS: [f64; 3] = [0.5, 2.0, 5.0];

const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_millis(1_900);

/// A client gives up after this time, far beyond every tmax of the requests.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Connections that keep one worker busy without a queue to speak of.
const SATURATING_CONNECTIONS: usize = 8;

const MARGIN: Duration = Duration::from_millis(10);

/// More than the default: a machine that a demo runs on has other work, and a worker that loses
/// its core for some milliseconds shall not be late for it.
const HAND_OVER: Duration = Duration::from_millis(12);

const REQUESTS: usize = 2_000;
const SEED: u64 = 2026;

const HEADER: &str = "\
load  order     on time    late    shed  failed     p50     p99   p99.9  goodput late (s)";

const LEGEND: &str = "\
on time   evaluated, and answered within tmax: seen by the client, from the scheduled time
late      answered after tmax: seen by the client
shed      an explicit 'no' without an evaluation, while there was time for it
failed    no answer within a second
p50 ...   latency of bids in ms
goodput   on time, as share of the capacity; requests with few impressions cost less and are
          shed last, so it can exceed 100%
late (s)  answers after tmax - margin: seen by the server, sheds and warm-up included";

/// One row of the table.
struct Row {
    factor: f64,
    order: Order,
    report: Report,
    /// Answers after tmax - margin, and all answers, as the server saw them.
    late_at_server: u64,
    answers_at_server: u64,
}

/// Runs the demonstration and writes its table.
pub(crate) fn run(runtime: &Runtime, out: &mut impl Write) -> Result<ExitCode, Box<dyn Error>> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    // One worker on the first core, the clients on the second.
    let cores = match cores[..] {
        [first, second, ..] if core_affinity::set_for_current(second) => vec![first],
        _ => Vec::new(),
    };
    let requests: Vec<Bytes> =
        sample_requests(REQUESTS, SEED).into_iter().map(Bytes::from).collect();
    let (count, campaigns) = calibrate(&requests)?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), campaigns)?;
    let bench = Bench { runtime, requests, campaigns: file.path(), cores };
    writeln!(out, "one worker, {count} campaigns, so that an evaluation costs about 1 ms;")?;
    writeln!(
        out,
        "{REQUESTS} generated requests, tmax 80 to 300 ms, margin 10 ms, hand-over 12 ms"
    )?;
    let capacity_per_s = bench.capacity()?;
    writeln!(out, "capacity: {capacity_per_s:.0} requests/s\n")?;
    writeln!(out, "{HEADER}")?;
    out.flush()?;
    let mut lateness_ns = 0;
    for factor in FACTORS {
        for order in [Order::Deadline, Order::Fifo] {
            let row = bench.row(factor, order, capacity_per_s)?;
            row.write(out, capacity_per_s)?;
            out.flush()?;
            lateness_ns = lateness_ns.max(row.report.lateness.p99_ns);
        }
    }
    writeln!(out, "\n{LEGEND}")?;
    writeln!(out, "The generator itself was late by {:.1} ms (p99).", lateness_ns as f64 / 1e6)?;
    Ok(ExitCode::SUCCESS)
}

/// How many campaigns make an evaluation cost what it should, and their file.
fn calibrate(requests: &[Bytes]) -> Result<(usize, String), Box<dyn Error>> {
    const TRIAL: usize = 2_000;
    let parsed = requests.iter().take(300).map(|body| openrtb::parse(body));
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    let campaigns = parse_campaigns(sample_campaigns(TRIAL, SEED).as_bytes())?;
    let clock = MonotonicClock::new();
    let mut costs: Vec<Duration> = (0..5)
        .map(|_| {
            let start = clock.now();
            let bids = parsed.iter().filter_map(|request| evaluate(request, &campaigns)).count();
            std::hint::black_box(bids);
            clock.now().saturating_since(start) / parsed.len() as u32
        })
        .collect();
    costs.sort_unstable();
    let scale = EVALUATION.as_secs_f64() / costs[2].as_secs_f64().max(1e-9);
    let count = ((TRIAL as f64 * scale) as usize).clamp(100, 50_000);
    Ok((count, sample_campaigns(count, SEED)))
}

/// What all runs have in common.
struct Bench<'a> {
    runtime: &'a Runtime,
    requests: Vec<Bytes>,
    campaigns: &'a Path,
    /// The core of the worker, if the clients have another one.
    cores: Vec<CoreId>,
}

impl Bench<'_> {
    fn server(&self, order: Order) -> Result<(Server, Target), Box<dyn Error>> {
        let config = Config {
            listen: Listen::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            workers: 1,
            cores: self.cores.clone(),
            order,
            shed_form: ShedForm::NoContent,
            margin: MARGIN,
            hand_over: HAND_OVER,
            default_tmax: Duration::from_millis(100),
            limits: Limits { linger: Duration::ZERO, grace: Duration::ZERO, ..Limits::default() },
        };
        let server = Server::start(config, self.campaigns.to_owned(), Duration::from_secs(1))?;
        let target = match server.address() {
            Address::Tcp(address) => format!("http://{address}/bid").parse()?,
            Address::Unix(path) => format!("unix:{}", path.display()).parse()?,
        };
        Ok((server, target))
    }

    fn load(&self, config: &LoadConfig) -> Result<Report, Box<dyn Error>> {
        Ok(self.runtime.block_on(run_load(config, &self.requests, |_| {}))?)
    }

    /// Answers a second of a worker that always has a request and never many.
    fn capacity(&self) -> Result<f64, Box<dyn Error>> {
        let (server, target) = self.server(Order::Fifo)?;
        let rate_per_s = 3.0 / EVALUATION.as_secs_f64();
        let report = self.load(&LoadConfig {
            max_connections: SATURATING_CONNECTIONS,
            max_queued: SATURATING_CONNECTIONS,
            warm_up: WARM_UP,
            timeout: TIMEOUT,
            ..LoadConfig::new(target, rate_per_s, MEASURED)
        })?;
        server.shutdown();
        Ok(report.rates.answered_per_s)
    }

    fn row(&self, factor: f64, order: Order, capacity_per_s: f64) -> Result<Row, Box<dyn Error>> {
        let (server, target) = self.server(order)?;
        let report = self.load(&LoadConfig {
            warm_up: WARM_UP,
            timeout: TIMEOUT,
            seed: SEED,
            ..LoadConfig::new(target, factor * capacity_per_s, MEASURED)
        })?;
        let metrics = server.metrics();
        let evaluated = metrics.bids.get() + metrics.no_bids.get();
        let row = Row {
            factor,
            order,
            report,
            late_at_server: metrics.late_total(),
            answers_at_server: evaluated + metrics.sheds_total(),
        };
        server.shutdown();
        Ok(row)
    }
}

impl Row {
    fn write(&self, out: &mut impl Write, capacity_per_s: f64) -> std::io::Result<()> {
        let Self { factor, report, .. } = self;
        let ms = |ns: u64| ns as f64 / 1e6;
        writeln!(
            out,
            "{:>3}x  {:<8} {:>8} {:>7} {:>7} {:>7} {:>7.1} {:>7.1} {:>7.1} {:>7.1}% {:>7.2}%",
            factor,
            match self.order {
                Order::Deadline => "deadline",
                Order::Fifo => "fifo",
            },
            report.counts.on_time_evaluated,
            report.counts.late,
            report.counts.shed.total(),
            report.counts.errors.total(),
            ms(report.bid_latency.p50_ns),
            ms(report.bid_latency.p99_ns),
            ms(report.bid_latency.p99_9_ns),
            100.0 * report.rates.goodput_per_s / capacity_per_s,
            100.0 * self.late_at_server as f64 / self.answers_at_server.max(1) as f64,
        )
    }
}
