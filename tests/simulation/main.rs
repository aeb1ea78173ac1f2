//! Simulated loads: what must hold in every run, and how much overload costs.
//!
//! `SIMULATION_SEEDS` is the number of random configurations (2,000), `SIMULATION_FIRST` the
//! first one's seed (0). A failure names its seed.

mod checker;
mod configurations;
mod freshness;
mod goals;
mod mirror;
#[path = "../oracles/mod.rs"]
mod oracles;
mod probes;
mod promises;
mod properties;
mod random;
mod refresh_beside;
mod refresh_properties;
mod refresh_waits;
mod refresh_worlds;
mod reserved;
mod spikes;
mod striped;
mod world;
