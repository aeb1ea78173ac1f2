//! Which entry of a cache is loaded next, and when.
#![allow(missing_docs, unused, clippy::all, clippy::panic)]

use core::time::Duration;

use crate::key::Key;
use crate::time::Time;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    pub loads_per_second: Option<f64>,
    pub burst: u32,
    pub concurrent: u32,
    pub concurrent_refreshes: u32,
    pub load_timeout: Duration,
    pub memory: Duration,
    pub wait_weight: f64,
    pub idle_refreshes: u32,
    pub demand_bound: u32,
    pub bound: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            loads_per_second: None,
            burst: 16,
            concurrent: 64,
            concurrent_refreshes: 32,
            load_timeout: Duration::from_secs(10),
            memory: Duration::from_secs(600),
            wait_weight: 1_000.0,
            idle_refreshes: 16,
            demand_bound: 1 << 16,
            bound: 1 << 24,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {}
    }
}

impl core::error::Error for ConfigError {}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    pub stored: Time,
    pub not_before: Time,
    pub soft: Time,
    pub hard: Time,
    pub lead: Duration,
    pub cost: f64,
    pub change_rate: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    Queued,
    Joined(Key),
    BackedOff(Time),
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    Demanded { deadline: Option<Time> },
    Expiring { hard: Time },
    Refresh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Load { id: u32, load: Key, urgency: Urgency, until: Time },
    Raise { id: u32, load: Key, deadline: Time },
    Overdue { id: Option<u32>, load: Key },
    Expired { id: u32 },
    Wait(Option<Time>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Changed,
    Unchanged,
    Loaded,
    Failed { retry_at: Time },
    Dropped { retry_at: Time },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learned {
    pub hit_rate: f64,
    pub change_rate: f64,
}

#[derive(Debug)]
pub struct Planner {
    config: Config,
}

impl Planner {
    pub fn new(config: Config, start: Time) -> Result<Self, ConfigError> {
        Ok(Self { config })
    }
    pub fn insert(&mut self, now: Time, id: u32, terms: Terms) -> Result<(), IdError> {
        panic!()
    }
    pub fn touch(&mut self, now: Time, id: u32, hits: u32) {
        panic!()
    }
    pub fn expire(&mut self, now: Time, id: u32) {
        panic!()
    }
    pub fn abandon(&mut self, now: Time, id: u32) {
        panic!()
    }
    pub fn remove(&mut self, now: Time, id: u32) {
        panic!()
    }
    pub fn set_hard(&mut self, now: Time, id: u32, hard: Time) {
        panic!()
    }
    pub fn back_off(&mut self, now: Time, id: u32, until: Time) {
        panic!()
    }
    pub fn demand(&mut self, now: Time, id: u32, deadline: Option<Time>) -> Demand {
        panic!()
    }
    pub fn poll(&mut self, now: Time) -> Next {
        panic!()
    }
    pub fn finish(&mut self, now: Time, load: Key, end: End) -> Option<u32> {
        panic!()
    }
    pub fn learned(&self, now: Time, id: u32) -> Option<Learned> {
        panic!()
    }
    pub fn teach(&mut self, now: Time, id: u32, learned: Learned) {
        panic!()
    }
    pub fn clear(&mut self, now: Time) {
        panic!()
    }
    pub fn is_loading(&self, id: u32) -> bool {
        panic!()
    }
    pub fn in_flight(&self) -> u32 {
        panic!()
    }
    pub fn price(&self) -> f64 {
        panic!()
    }
    pub fn config(&self) -> &Config {
        &self.config
    }
    pub fn assert_invariants(&self) {}
}
