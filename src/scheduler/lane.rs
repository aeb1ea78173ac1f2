//! What a class's queued jobs have in common: a reservation, tenants, a starvation guard.

use core::time::Duration;

use super::class::ClassConfig;
use super::demand::Order;
use super::ready::ARITY;
use super::record::{NONE, Record};
use super::reservation::Bucket;
use super::tenants::Tenants;
use crate::heap::IdHeap;
use crate::key::KeyedStore;

/// The queue of one class, as far as it has one of its own.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) guard: Option<Duration>,
    /// Background jobs that wait for slack, if there is a guard.
    pub(super) waiting: Waiting,
    pub(super) reserved: Option<Reserved>,
    pub(super) tenants: Tenants,
}

/// What a class with a reservation needs.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) bucket: Bucket,
    /// The class's ready jobs.
    pub(super) ready: IdHeap<Order, ARITY>,
}

impl Lane {
    pub(super) fn new(class: &ClassConfig) -> Self {
        let reserved = class.reservation.map(|reservation| Reserved {
            bucket: Bucket::new(reservation),
            ready: IdHeap::with_arity(),
        });
        Self {
            guard: class.starvation_guard,
            waiting: Waiting { oldest: NONE, newest: NONE },
            reserved,
            tenants: Tenants::default(),
        }
    }
}

/// Jobs in the order in which they began to wait: a list through their records, so that any of
/// them leaves in O(1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    oldest: u32,
    newest: u32,
}

impl Waiting {
    pub(super) fn oldest(self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    pub(super) fn push<T, I>(&mut self, records: &mut KeyedStore<Record<T, I>>, slot: u32) {
        if let Some((_, record)) = records.at_slot_mut(slot) {
            (record.older, record.newer) = (self.newest, NONE);
        }
        match records.at_slot_mut(self.newest) {
            Some((_, newest)) => newest.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    pub(super) fn remove<T, I>(&mut self, records: &mut KeyedStore<Record<T, I>>, slot: u32) {
        let Some((_, record)) = records.at_slot_mut(slot) else {
            return;
        };
        let (older, newer) = (record.older, record.newer);
        (record.older, record.newer) = (NONE, NONE);
        match records.at_slot_mut(older) {
            Some((_, record)) => record.newer = newer,
            None => self.oldest = newer,
        }
        match records.at_slot_mut(newer) {
            Some((_, record)) => record.older = older,
            None => self.newest = older,
        }
    }
}
