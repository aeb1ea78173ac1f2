//! A real-time bidder, built on nothing but punctual's public interface.
//!
//! The way of a request is one line: accept, read, submit with deadline = arrival + tmax -
//! margin, poll, evaluate, answer; or shed, and answer 'no' while there is time.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`openrtb`] | bid requests as they really come, and responses |
//! | [`campaign`] | what advertisers want, read from a file |
//! | [`evaluate`] | the best bids for a request: pure |
//! | [`server`] | sockets, the scheduler of each core, metrics |
//! | [`load`] | the other side: an open-loop generator, replay |
//! | [`demo`] | both sides in one process, and a table of what came of it |

mod campaign;
mod cli;
mod demo;
mod evaluate;
mod load;
mod openrtb;
mod server;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    let level = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr);
    log.with_env_filter(level.from_env_lossy()).init();
    match cli::run(&cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
