//! The released foreground jobs in the order of their deadlines.

use super::demand::{Demand, Entry, Order};
use crate::heap::IdHeap;

/// The arity of all orders: measured through the whole scheduler, 4 is the fastest of 2, 4 and 8
/// at 1,000 to 100,000 jobs, and at 100 hardly slower than 2.
pub(super) const ARITY: usize = 4;

/// A heap where order is all that is asked for, a demand index where feasibility is. The index
/// knows the order too, so that nobody pays for both.
#[derive(Debug)]
pub(super) enum Ready {
    Heap(IdHeap<Order, ARITY>),
    Index(Demand),
}

impl Ready {
    pub(super) fn first(&self) -> Option<(u32, Order)> {
        match self {
            Self::Heap(heap) => heap.peek(),
            Self::Index(demand) => demand.first().map(|job| (job.child, job.order)),
        }
    }

    pub(super) fn insert(&mut self, job: Entry) {
        match self {
            Self::Heap(heap) => {
                let pushed = heap.push(job.child, job.order);
                debug_assert!(pushed.is_ok(), "a job is inserted once");
            }
            Self::Index(demand) => demand.insert(job),
        }
    }

    /// Whether the job was here.
    pub(super) fn remove(&mut self, slot: u32, order: Order) -> bool {
        match self {
            // Jobs leave at the front more often than anywhere else.
            Self::Heap(heap) if heap.peek().is_some_and(|(first, _)| first == slot) => {
                heap.pop().is_some()
            }
            Self::Heap(heap) => heap.remove(slot).is_some(),
            Self::Index(demand) => demand.remove(order).is_some(),
        }
    }

    pub(super) const fn is_indexed(&self) -> bool {
        matches!(self, Self::Index(_))
    }

    pub(super) const fn demand_mut(&mut self) -> Option<&mut Demand> {
        match self {
            Self::Heap(_) => None,
            Self::Index(demand) => Some(demand),
        }
    }

    pub(super) const fn demand(&self) -> Option<&Demand> {
        match self {
            Self::Heap(_) => None,
            Self::Index(demand) => Some(demand),
        }
    }
}
