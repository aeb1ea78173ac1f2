//! Tests of the load module against a server that answers by script, by concern.

mod cli;
mod pool;
mod replay;
mod run;
mod sample;
pub(super) mod server;
