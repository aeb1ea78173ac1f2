//! Heaps that are written and read: round trips, and input from somebody hostile.

#![cfg(feature = "serde")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use punctual::heap::{IdHeap, IdHeapSeed, IndexedHeap};
use serde::de::value::{Error, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, IntoDeserializer, SeqAccess};
use serde::{Deserialize, Serialize};

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn round_trip<T: Serialize + DeserializeOwned>(it: &T) -> T {
    read(&serde_json::to_string(it).expect("it can be written")).expect("it can be read")
}

/// A scrambled order with ties and extremes.
fn priority_of(number: u32) -> u64 {
    if number.is_multiple_of(17) { u64::MAX } else { u64::from(number * 37 % 101) }
}

fn ids<const D: usize>(size: u32) {
    let heap: IdHeap<u64, D> = (0..size).map(|id| (id * 3, priority_of(id))).collect();
    let same: IdHeap<u64, D> = round_trip(&heap);
    same.assert_invariants();
    assert_eq!(BTreeMap::from_iter(&same), BTreeMap::from_iter(&heap));
    assert_eq!(same.bound(), IdHeap::<u64>::DESERIALIZED_BOUND);
    assert!(same.into_sorted_vec().is_sorted_by_key(|&(_, priority)| priority));
}

fn payloads<const D: usize>(size: u32) {
    let elements = || (0..size).map(|number| (priority_of(number), format!("\"{number}\"")));
    let heap: IndexedHeap<u64, String, D> = elements().collect();
    let same: IndexedHeap<u64, String, D> = round_trip(&heap);
    same.assert_invariants();
    assert!(same.iter().all(|(key, _, payload)| same.get(key) == Some(payload)));
    let (mut left, mut right) = (same.into_sorted_vec(), elements().collect::<Vec<_>>());
    left.sort_unstable();
    right.sort_unstable();
    assert_eq!(left, right);
}

#[test]
fn heaps_come_back_as_they_were() {
    for size in [0, 1, 2, 9, 100] {
        ids::<2>(size);
        ids::<3>(size);
        ids::<4>(size);
        ids::<8>(size);
        payloads::<2>(size);
        payloads::<3>(size);
        payloads::<4>(size);
        payloads::<8>(size);
    }
}

/// The heap's order isn't believed: the elements may come in any.
#[test]
fn every_order_of_elements_is_read() {
    for text in ["[[0,1],[1,2],[2,3]]", "[[2,3],[1,2],[0,1]]", "[[1,2],[2,3],[0,1]]"] {
        let heap: IdHeap<u64> = read(text).expect("it is a heap");
        heap.assert_invariants();
        assert_eq!(heap.into_sorted_vec(), [(0, 1), (1, 2), (2, 3)]);
        let heap: IndexedHeap<u64, u8> = read(text).expect("it is a heap");
        heap.assert_invariants();
        assert_eq!(heap.into_sorted_vec(), [(0, 1), (1, 2), (2, 3)]);
    }
}

/// The table of positions reaches up to the largest id: one element must not cost 16 GiB.
#[test]
fn a_huge_id_is_refused() {
    let largest = IdHeap::<u64>::DESERIALIZED_BOUND - 1;
    let heap: IdHeap<u64> = read(&format!("[[{largest},5]]")).expect("it is below the bound");
    assert_eq!(heap.peek(), Some((largest, 5)));
    for id in [largest + 1, u32::MAX - 1, u32::MAX] {
        assert!(read::<IdHeap<u64>>(&format!("[[0,1],[{id},5]]")).is_none(), "{id}");
        assert!(read::<IdHeap<u64, 8>>(&format!("[[{id},5]]")).is_none(), "{id}");
    }
    for id in ["-1", "4294967296", "18446744073709551616", "0.5", "\"0\"", "null"] {
        assert!(read::<IdHeap<u64>>(&format!("[[{id},5]]")).is_none(), "{id}");
    }
}

#[test]
fn a_seed_has_a_bound_of_its_own() {
    let read = |bound: u32, text: &str| {
        let seed = IdHeapSeed::<u64, 4>::new(bound);
        seed.deserialize(&mut serde_json::Deserializer::from_str(text)).ok()
    };
    let bounds = [(0, 0), (1, 0), (7, 1), (8, 2), (2 << 20, 2)];
    for (bound, elements) in bounds {
        let heap = read(bound, ["[]", "[[6,1]]", "[[6,1],[7,0]]"][elements]);
        let heap = heap.expect("all ids are below the bound");
        heap.assert_invariants();
        assert_eq!((heap.len(), heap.bound()), (elements, bound));
    }
    let beyond = IdHeap::<u64>::DESERIALIZED_BOUND;
    assert!(read(beyond + 1, &format!("[[{beyond},1]]")).is_some());
    for (bound, text) in [(0, "[[0,1]]"), (7, "[[6,1],[7,0]]"), (7, "[[4294967295,1]]")] {
        assert!(read(bound, text).is_none(), "{text} below {bound}");
    }
}

#[test]
fn an_id_that_comes_twice_is_refused() {
    for text in ["[[5,7],[5,8]]", "[[5,7],[5,7]]", "[[5,7],[6,7],[4,1],[5,0]]"] {
        let error = serde_json::from_str::<IdHeap<u64>>(text).expect_err("the id is there");
        assert!(error.to_string().contains("id 5"), "{error}");
    }
    // Of payloads nothing has to be unique.
    let heap: IndexedHeap<u64, u8> = read("[[5,7],[5,7]]").expect("it is a heap");
    assert_eq!(heap.len(), 2);
}

#[test]
fn wrong_shapes_are_refused() {
    let shapes = [
        "",
        "null",
        "7",
        "\"[]\"",
        "{}",
        "{\"0\":1}",
        "[0,1]",
        "[[]]",
        "[[0]]",
        "[[0,1,2]]",
        "[[0,[1]]]",
        "[[0,\"1\"]]",
        "[[0,1],null]",
        "[[0,1],[1,2]",
        "[[0,1],[1",
        "[] []",
    ];
    for text in shapes {
        assert!(read::<IdHeap<u64>>(text).is_none(), "{text}");
        assert!(read::<IndexedHeap<u64, u8>>(text).is_none(), "{text}");
    }
}

/// Two elements whose number is a lie.
struct Liar {
    promised: usize,
    left: u32,
}

impl<'de> SeqAccess<'de> for Liar {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let pair = [self.left, 7].into_iter();
        let pair = SeqAccessDeserializer::new(serde::de::value::SeqDeserializer::new(pair));
        seed.deserialize(pair).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.promised)
    }
}

#[test]
fn a_promised_length_allocates_nothing() {
    fn read<T: for<'de> Deserialize<'de> + Debug>(promised: usize) -> T {
        let liar = SeqAccessDeserializer::new(Liar { promised, left: 2 });
        T::deserialize(liar.into_deserializer()).expect("both elements are fine")
    }
    for promised in [0, 1, 1 << 32, 1 << 40, isize::MAX as usize / 16, usize::MAX] {
        let heap: IdHeap<u32> = read(promised);
        assert_eq!(heap.len(), 2);
        assert!(heap.capacity() < 1_000);
        let heap: IndexedHeap<u32, u32> = read(promised);
        assert_eq!(heap.into_sorted_vec(), [(0, 7), (1, 7)]);
    }
}

/// A heap that keeps ties in the order of arrival goes on where it was.
#[test]
fn arrivals_go_on_after_a_round_trip() {
    use punctual::heap::{Arrivals, Fifo, IndexedHeap};

    let (mut arrivals, mut heap) = (Arrivals::new(), IndexedHeap::new());
    heap.push(arrivals.stamp(7_u64), "first".to_owned());
    heap.push(arrivals.stamp(7), "second".to_owned());
    let text = serde_json::to_string(&(&arrivals, &heap)).expect("all of it can be written");
    type Read = (Arrivals, IndexedHeap<Fifo<u64>, String>);
    let (mut arrivals, mut heap): Read = serde_json::from_str(&text).expect("it was written");
    heap.push(arrivals.stamp(7), "third".to_owned());
    let names: Vec<String> = heap.into_sorted_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["first", "second", "third"]);
}
