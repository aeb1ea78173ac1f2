//! Array-backed min-heaps with decrease-key.
//!
//! - [`IdHeap`] holds priorities of dense `u32` ids that the caller owns: node numbers in a graph,
//!   slots of a store. It is what Dijkstra wants and what the scheduler is made of.
//! - [`IndexedHeap`] holds priorities and payloads, and names each element by a
//!   [`Key`](crate::key::Key) that never reaches another one.
//!
//! Both keep a table of positions, so that any element is found in O(1) and its priority changed
//! in O(log n). Priorities are `Ord + Copy` and lie apart from the payloads, which never move.
//! Elements of equal priority come out in any order.
//!
//! `D` is the arity. The default of 2 is the binary heap; an arity of 4 ([`QuaternaryIdHeap`],
//! [`QuaternaryIndexedHeap`]) is faster at every size, since it halves the way to the leaves.
//!
//! # Panics in `Ord`
//!
//! A comparison that panics may cost the heap its order, but never an element: the moving
//! element is put back with its position while the panic unwinds. What was being popped or
//! removed at that moment is dropped as the caller's own; what was being pushed is in the heap,
//! and comes out of it in its turn.
//!
//! # Source
//!
//! J. W. J. Williams, Algorithm 232: Heapsort, 1964; d-ary heaps: D. B. Johnson, Priority queues
//! with update and finding minimum spanning trees, 1975.

mod arrays;
mod id_heap;
mod indexed_heap;
mod positions;

pub use id_heap::IdHeap;
pub use indexed_heap::IndexedHeap;

use core::error::Error;
use core::fmt;

/// An [`IdHeap`] of arity 4.
pub type QuaternaryIdHeap<P> = IdHeap<P, 4>;

/// An [`IndexedHeap`] of arity 4.
pub type QuaternaryIndexedHeap<P, T> = IndexedHeap<P, T, 4>;

/// Why an id was not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError {
    /// The id is in the heap already; its priority is unchanged.
    Present,
    /// The id is not below the heap's bound.
    OutOfBound,
}

impl fmt::Display for PushError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Present => "the id is in the heap already",
            Self::OutOfBound => "the id is not below the heap's bound",
        })
    }
}

impl Error for PushError {}

/// Why a priority was not decreased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The key's (or the id's) element is not in the heap.
    Stale,
    /// The new priority is not smaller than the present one, which stays.
    NotSmaller,
}

impl fmt::Display for KeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stale => "the element is not in the heap",
            Self::NotSmaller => "the new priority is not smaller than the present one",
        })
    }
}

impl Error for KeyError {}
