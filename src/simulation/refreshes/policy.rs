//! Who decides what is loaded when.

use alloc::boxed::Box;

use super::contents::{Contents, Entry};
use crate::refresh::Planner;
use crate::time::Time;

/// Who decides what is loaded, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// A planner that learns from what is asked for, and from whether loads bring something new.
    #[default]
    Learned,
    /// A planner that is taught how often each entry is asked for and changes: at the start, and
    /// after each load.
    Known,
    /// The entry that has not been loaded for longest, whatever it is; at the budget's rate.
    RoundRobin,
    /// The entry of the largest product of how often it is asked for and the probability that it
    /// has changed, both known; at the budget's rate. Choosing costs O(entries).
    Popularity,
    /// No budget: what somebody finds stale is refreshed then, and what somebody misses is loaded
    /// then. Known as stale-while-revalidate.
    OnAccess,
    /// Nothing is ever loaded: what the jobs beside do alone.
    Never,
}

/// A policy at work.
#[derive(Debug)]
pub(super) enum Chooser {
    Planner { planner: Box<Planner>, is_taught: bool },
    RoundRobin { next: u32 },
    Popularity,
    OnAccess,
    Never,
}

impl Chooser {
    pub(super) fn planner(&self) -> Option<&Planner> {
        match self {
            Self::Planner { planner, .. } => Some(planner),
            _ => None,
        }
    }

    pub(super) fn planner_mut(&mut self) -> Option<&mut Planner> {
        match self {
            Self::Planner { planner, .. } => Some(planner),
            _ => None,
        }
    }

    /// The next entry of a policy that loads one after each such time; `None` if all are loading.
    pub(super) fn next(&mut self, contents: &Contents, now: Time) -> Option<u32> {
        let count = contents.entries.len() as u32;
        let is_free = |id: u32| contents.entries[id as usize].loading == 0;
        match self {
            Self::RoundRobin { next } => {
                let first = *next;
                let mut from_there = (0..count).map(|step| wrapped(first, step, count));
                let id = from_there.find(|&id| is_free(id))?;
                *next = wrapped(id, 1, count);
                Some(id)
            }
            Self::Popularity => {
                let gain = |id: u32| staleness(&contents.entries[id as usize], now);
                let free = (0..count).filter(|&id| is_free(id));
                free.map(|id| (id, gain(id))).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(id, _)| id)
            }
            _ => None,
        }
    }
}

const fn wrapped(from: u32, step: u32, count: u32) -> u32 {
    ((from as u64 + step as u64) % count as u64) as u32
}

/// How often an entry is asked for, times the probability that it is not current.
fn staleness(entry: &Entry, now: Time) -> f64 {
    let stale = entry.servable(now).map_or(1.0, |held| {
        let age = now.saturating_since(held.stored).as_secs_f64();
        -libm::expm1(-entry.rates.changes * age)
    });
    entry.rates.accesses * stale
}
