//! The loads in flight.

use alloc::collections::BTreeMap;

use core::time::Duration;

use super::LoadModel;
use super::policy::Chooser;
use crate::key::{Key, KeyedStore};
use crate::scheduler::{Histogram, Quantile};
use crate::simulation::random::Random;
use crate::time::{Time, saturating_nanos};

/// A load in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) id: u32,
    pub(super) number: u64,
    /// The planner's key; `None` without a planner, or when the load is overdue.
    pub(super) planned: Option<Key>,
    /// When it was started.
    pub(super) started: Time,
    pub(super) cost_ns: u64,
    pub(super) declared: Option<Duration>,
    pub(super) lead_ns: u64,
    pub(super) fails: bool,
    /// It is queued in the scheduler under this key.
    pub(super) job: Option<Key>,
    /// What it has read from the backend, and when, once it runs.
    pub(super) read: Option<(u64, Time)>,
}

impl Load {
    /// Whether somebody may wait for it: an overdue one has disappointed everybody already.
    pub(super) fn is_awaited(&self, chooser: &Chooser) -> bool {
        self.planned.is_some() || chooser.planner().is_none()
    }
}

/// All loads in flight.
#[derive(Debug)]
pub(super) struct Loads {
    pub(super) store: KeyedStore<Load>,
    planned: BTreeMap<Key, Key>,
    random: Random,
    next_number: u64,
    /// What is believed of every load: a high quantile of its worker time and its lead.
    pub(super) believed_ns: u64,
    believed_cost_ns: u64,
}

/// So many loads are drawn to find out what a cache would have learned of them.
const SAMPLE: usize = 1_000;

impl Loads {
    pub(super) fn new(model: &LoadModel, seed: u64, usage: u64) -> Self {
        let mut sample = Random::new(seed, usage + 1);
        let (mut all, mut costs) = (Histogram::default(), Histogram::default());
        for _ in 0..SAMPLE {
            let cost = model.cost.draw(&mut sample, Duration::ZERO);
            costs.record(cost);
            all.record(cost.saturating_add(model.lead.draw(&mut sample, Duration::ZERO)));
        }
        let high =
            |of: &Histogram| saturating_nanos(of.quantile(Quantile::P99).unwrap_or_default());
        Self {
            store: KeyedStore::new(),
            planned: BTreeMap::new(),
            random: Random::new(seed, usage),
            next_number: 0,
            believed_ns: high(&all),
            believed_cost_ns: high(&costs),
        }
    }

    /// What is believed of the time that a load needs beside its worker time.
    pub(super) const fn believed_lead_ns(&self) -> u64 {
        self.believed_ns.saturating_sub(self.believed_cost_ns)
    }

    pub(super) fn start(
        &mut self,
        model: &LoadModel,
        id: u32,
        planned: Option<Key>,
        started: Time,
    ) -> Key {
        let number = self.next_number;
        self.next_number += 1;
        let cost = model.cost.draw(&mut self.random, Duration::ZERO);
        let load = self.store.insert(Load {
            id,
            number,
            planned,
            started,
            cost_ns: saturating_nanos(cost),
            declared: model.estimates.draw(&mut self.random, cost),
            lead_ns: saturating_nanos(model.lead.draw(&mut self.random, Duration::ZERO)),
            fails: self.random.chance(model.failures),
            job: None,
            read: None,
        });
        planned.map(|planned| self.planned.insert(planned, load));
        load
    }

    pub(super) fn number(&self, load: Key) -> u64 {
        self.store.get(load).map_or(0, |load| load.number)
    }

    /// The load that a planner calls by this key.
    pub(super) fn planned(&self, planned: Key) -> Option<Key> {
        self.planned.get(&planned).copied()
    }

    /// The planner doesn't know the load any more.
    pub(super) fn forget(&mut self, load: Key) {
        let planned = self.store.get_mut(load).and_then(|load| load.planned.take());
        planned.and_then(|planned| self.planned.remove(&planned));
    }

    pub(super) fn end(&mut self, load: Key) -> Option<Load> {
        let ended = self.store.get(load).copied()?;
        self.forget(load);
        self.store.remove(load);
        Some(ended)
    }
}
