//! Array-backed min-heaps with decrease-key.
//!
//! - [`IdHeap`] holds priorities of dense `u32` ids that the caller owns: node numbers in a graph,
//!   slots of a store. It is what Dijkstra wants and what the scheduler is made of.
//! - [`IndexedHeap`] holds priorities and payloads, and names each element by a
//!   [`Key`](crate::key::Key) that never reaches another one.
//!
//! Both keep a table of positions, so that any element is found in O(1) and its priority changed
//! in O(log n). Priorities are `Ord + Copy`, aligned to 64 bytes at most, and lie apart from the
//! payloads, which never move. Elements of equal priority come out in any order, unless their
//! priorities are stamped by [`Arrivals`].
//!
//! `D` is the arity, from 2 to 64. The default of 2 is the binary heap. An arity of 4
//! ([`QuaternaryIdHeap`], [`QuaternaryIndexedHeap`]) is faster at every size with priorities of up
//! to 16 bytes, since it halves the way to the leaves. An arity of 8 ([`OctonaryIdHeap`],
//! [`OctonaryIndexedHeap`]) is slower than that at 1,000 elements, as fast at 100,000 and faster at
//! a million. Such heaps are made by `with_arity()` or `default()`; `new()` makes the binary one.
//!
//! A max-heap has its priorities reversed:
//!
//! ```
//! use core::cmp::Reverse;
//! use punctual::heap::IndexedHeap;
//!
//! let mut heap = IndexedHeap::<Reverse<u64>, &str>::new();
//! let low = heap.push(Reverse(10), "low");
//! heap.push(Reverse(20), "high");
//! assert_eq!(heap.peek().map(|(_, _, name)| *name), Some("high"));
//! heap.decrease_key(low, Reverse(30))?; // earlier in the order of the heap
//! assert_eq!(heap.pop(), Some((Reverse(30), "low")));
//! # Ok::<(), punctual::heap::KeyError>(())
//! ```
//!
//! # Cost
//!
//! An element of an `IdHeap<u64>` takes 16 bytes. A heap of arity `D` leaves `D * D - 1` places and
//! about 48 bytes of each of its two columns unused, for the sake of its alignment and of its
//! sifts. Growth by pushes doubles the memory, as a vector does; `reserve` makes it happen at once,
//! `try_reserve` tells of a failure instead of aborting, and `shrink_to` gives back. Nothing is
//! allocated by a change or a removal.
//!
//! # Panics in `Ord`
//!
//! A comparison that panics may cost the heap its order, but never an element: the moving
//! element is put back with its position while the panic unwinds. What was being popped or
//! removed at that moment is dropped as the caller's own; what was being pushed is in the heap,
//! and comes out of it in its turn. `rebuild` restores the order. Where other code of the caller
//! panics in the middle of a change, a guard restores the order; a comparison that panics there too
//! aborts, as any second panic does.
//!
//! # Source
//!
//! J. W. J. Williams, Algorithm 232: Heapsort, 1964; d-ary heaps: D. B. Johnson, Priority queues
//! with update and finding minimum spanning trees, 1975; siblings in one cache line: A. LaMarca,
//! R. Ladner, The influence of caches on the performance of heaps, 1996.

mod arrays;
mod bulk;
mod columns;
mod error;
mod fifo;
mod id_bulk;
mod id_heap;
mod id_iter;
mod id_peek_mut;
mod indexed_bulk;
mod indexed_heap;
mod indexed_iter;
mod indexed_peek_mut;
mod lines;
mod positions;
#[cfg(feature = "serde")]
mod serde;
mod sift;

#[cfg(feature = "serde")]
pub use self::serde::IdHeapSeed;
pub use error::{KeyError, PushError};
pub use fifo::{Arrivals, Fifo};
pub use id_heap::{IdHeap, Relaxed};
pub use id_iter::{IdDrain, IdIntoIter, IdIntoSortedIter, IdIter};
pub use id_peek_mut::IdPeekMut;
pub use indexed_heap::IndexedHeap;
pub use indexed_iter::{Drain, IntoIter, IntoSortedIter, Iter};
pub use indexed_peek_mut::PeekMut;

/// An [`IdHeap`] of arity 4.
pub type QuaternaryIdHeap<P> = IdHeap<P, 4>;

/// An [`IndexedHeap`] of arity 4.
pub type QuaternaryIndexedHeap<P, T> = IndexedHeap<P, T, 4>;

/// An [`IdHeap`] of arity 8.
pub type OctonaryIdHeap<P> = IdHeap<P, 8>;

/// An [`IndexedHeap`] of arity 8.
pub type OctonaryIndexedHeap<P, T> = IndexedHeap<P, T, 8>;
