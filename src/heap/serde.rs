//! Heaps as sequences of their elements.
//!
//! What is read may come from somebody hostile: a length that was promised is believed only up to
//! a bound, and so is an id, since the table of positions reaches up to the largest one.

use alloc::format;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::fifo::{Arrivals, Fifo};
use super::id_heap::IdHeap;
use super::indexed_heap::IndexedHeap;

impl<P: Serialize + Copy, const D: usize> Serialize for IdHeap<P, D> {
    /// A sequence of (id, priority), in no particular order.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Reads an [`IdHeap`] whose ids are below a bound.
///
/// ```
/// use punctual::heap::{IdHeap, IdHeapSeed};
/// use serde::de::DeserializeSeed;
///
/// let read = |text| {
///     IdHeapSeed::<u64>::new(100).deserialize(&mut serde_json::Deserializer::from_str(text))
/// };
/// assert_eq!(read("[[99, 7]]").map(|heap| heap.priority(99)).ok(), Some(Some(7)));
/// assert!(read("[[100, 7]]").is_err());
/// assert!(read("[[5, 7], [5, 8]]").is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct IdHeapSeed<P, const D: usize = 2> {
    bound: u32,
    priority: PhantomData<P>,
}

impl<P, const D: usize> IdHeapSeed<P, D> {
    /// Reads a heap that takes ids below `bound`.
    #[must_use]
    pub const fn new(bound: u32) -> Self {
        Self { bound, priority: PhantomData }
    }
}

impl<'de, P: Deserialize<'de> + Ord + Copy, const D: usize> DeserializeSeed<'de>
    for IdHeapSeed<P, D>
{
    type Value = IdHeap<P, D>;

    fn deserialize<E: Deserializer<'de>>(self, deserializer: E) -> Result<Self::Value, E::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, P: Deserialize<'de> + Ord + Copy, const D: usize> Visitor<'de> for IdHeapSeed<P, D> {
    type Value = IdHeap<P, D>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a sequence of (id, priority) with ids below {}", self.bound)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut heap = IdHeap::with_arity_and_bound(self.bound);
        while let Some((id, priority)) = elements.next_element::<(u32, P)>()? {
            heap.push(id, priority)
                .map_err(|error| A::Error::custom(format!("id {id}: {error}")))?;
        }
        Ok(heap)
    }
}

impl<P, const D: usize> IdHeap<P, D> {
    /// What `Deserialize` gives is bounded by this id, so that a hostile one costs 4 MiB at most;
    /// [`IdHeapSeed`] reads with another bound.
    pub const DESERIALIZED_BOUND: u32 = 1 << 20;
}

impl<'de, P: Deserialize<'de> + Ord + Copy, const D: usize> Deserialize<'de> for IdHeap<P, D> {
    /// A heap that takes ids below [`IdHeap::DESERIALIZED_BOUND`].
    fn deserialize<E: Deserializer<'de>>(deserializer: E) -> Result<Self, E::Error> {
        IdHeapSeed::new(Self::DESERIALIZED_BOUND).deserialize(deserializer)
    }
}

impl<P: Serialize + Copy, T: Serialize, const D: usize> Serialize for IndexedHeap<P, T, D> {
    /// A sequence of (priority, payload), in no particular order, without keys.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(_, priority, payload)| (priority, payload)))
    }
}

struct Elements<P, T, const D: usize>(PhantomData<(P, T)>);

impl<'de, P, T, const D: usize> Visitor<'de> for Elements<P, T, D>
where
    P: Deserialize<'de> + Ord + Copy,
    T: Deserialize<'de>,
{
    type Value = IndexedHeap<P, T, D>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a sequence of (priority, payload)")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        // The heap grows with what is read, whatever length was promised.
        let mut heap = IndexedHeap::with_arity();
        while let Some((priority, payload)) = elements.next_element::<(P, T)>()? {
            heap.push(priority, payload);
        }
        Ok(heap)
    }
}

impl<'de, P, T, const D: usize> Deserialize<'de> for IndexedHeap<P, T, D>
where
    P: Deserialize<'de> + Ord + Copy,
    T: Deserialize<'de>,
{
    /// A heap that grows only with what is read. Its keys are numbered anew: a key from before may
    /// find another element here.
    fn deserialize<E: Deserializer<'de>>(deserializer: E) -> Result<Self, E::Error> {
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

impl<P: Serialize + Copy> Serialize for Fifo<P> {
    /// As (priority, arrival).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.priority(), self.arrival()).serialize(serializer)
    }
}

impl<'de, P: Deserialize<'de> + Copy> Deserialize<'de> for Fifo<P> {
    /// From (priority, arrival).
    fn deserialize<E: Deserializer<'de>>(deserializer: E) -> Result<Self, E::Error> {
        let (priority, arrival) = Deserialize::deserialize(deserializer)?;
        Ok(Self::new(priority, arrival))
    }
}

impl Serialize for Arrivals {
    /// As the number of the next arrival.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.clone().stamp(()).arrival())
    }
}

impl<'de> Deserialize<'de> for Arrivals {
    /// From the number of the next arrival.
    fn deserialize<E: Deserializer<'de>>(deserializer: E) -> Result<Self, E::Error> {
        u64::deserialize(deserializer).map(Self::starting_at)
    }
}
