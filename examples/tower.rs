//! An axum server at five times its capacity: half of its clients are in a hurry, and what can't be
//! answered in time hears a 'no' while there is still time.
//!
//! ```text
//! cargo run --release --features tower --example tower
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;
use std::hint::spin_loop;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, header::HeaderName};
use axum::routing::get;
use punctual::adapters::tower::extract::MillisHeader;
use punctual::adapters::tower::{DeadlineLayer, Rejection};
use punctual::scheduler::{Class, Quantile};
use punctual::time::{Clock, MonotonicClock, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const REQUESTS: u32 = 2_000;
const WORK: Duration = Duration::from_millis(2);

/// Computes for two milliseconds.
async fn work() -> &'static str {
    let clock = MonotonicClock::new();
    let end = clock.now() + WORK;
    while clock.now() < end {
        spin_loop();
    }
    "done"
}

/// Asks for an answer within so many milliseconds; returns the status, and how long it took.
async fn ask(to: SocketAddr, budget_ms: u32) -> io::Result<(u16, Duration)> {
    let clock = MonotonicClock::new();
    let mut stream = TcpStream::connect(to).await?;
    let head = format!("GET / HTTP/1.1\r\nhost: it\r\nx-timeout-ms: {budget_ms}\r\n");
    stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.unwrap_or_default(), clock.now().saturating_since(Time::ZERO)))
}

async fn run() -> Result<(), Box<dyn Error>> {
    // One of the cores is for the clients.
    let layer = DeadlineLayer::builder()
        .concurrency(1)
        .extract(MillisHeader::new(HeaderName::from_static("x-timeout-ms")))
        .answer(Rejection::to_http::<Body>)
        .build()?;
    let router = Router::new().route("/", get(work)).layer(layer.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async { axum::serve(listener, router).await });

    let mut clients = Vec::new();
    for number in 0..REQUESTS {
        let budget_ms = if number % 2 == 0 { 40 } else { 400 };
        clients.push((budget_ms, tokio::spawn(ask(address, budget_ms))));
        if number % 5 == 4 {
            tokio::time::sleep(WORK).await;
        }
    }
    let (mut on_time, mut late, mut rejected) = (0, 0, 0);
    for (budget_ms, client) in clients {
        let (status, took) = client.await??;
        match StatusCode::from_u16(status)? {
            StatusCode::OK if took <= Duration::from_millis(budget_ms.into()) => on_time += 1,
            StatusCode::OK => late += 1,
            _ => rejected += 1,
        }
    }
    server.abort();
    println!("{REQUESTS} requests: {on_time} on time, {late} late, {rejected} rejected");
    let stats = layer.stats();
    println!("evicted: {}, latest start: {}", stats.shed.evicted, stats.shed.latest_start);
    let class = layer.class_stats(Class::new(0)).ok_or("there is one class")?;
    println!("median time in the queue: {:?}", class.queue_delay.quantile(Quantile::P50));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let threads =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    threads.block_on(run())
}
