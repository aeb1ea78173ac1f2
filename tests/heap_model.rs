//! The heaps and the keyed store against their models.

mod model;

use std::fmt::Debug;

use model::id_heap::{self, IdHeapModel};
use model::indexed_heap::{self, IndexedHeapModel};
use model::keyed_store::{self, KeyedStoreModel};
use punctual::heap::{Fifo, IdHeap};
use quickcheck::quickcheck;

quickcheck! {
    fn keyed_store(words: Vec<u32>) -> () {
        model::run(KeyedStoreModel::new(), &words);
    }

    fn binary_id_heap(words: Vec<u32>) -> () {
        model::run(IdHeapModel::<2>::new(), &words);
    }

    fn ternary_id_heap(words: Vec<u32>) -> () {
        model::run(IdHeapModel::<3>::new(), &words);
    }

    fn quaternary_id_heap(words: Vec<u32>) -> () {
        model::run(IdHeapModel::<4>::new(), &words);
    }

    fn octonary_id_heap(words: Vec<u32>) -> () {
        model::run(IdHeapModel::<8>::new(), &words);
    }

    fn binary_indexed_heap(words: Vec<u32>) -> () {
        model::run(IndexedHeapModel::<2>::new(), &words);
    }

    fn ternary_indexed_heap(words: Vec<u32>) -> () {
        model::run(IndexedHeapModel::<3>::new(), &words);
    }

    fn quaternary_indexed_heap(words: Vec<u32>) -> () {
        model::run(IndexedHeapModel::<4>::new(), &words);
    }

    fn octonary_indexed_heap(words: Vec<u32>) -> () {
        model::run(IndexedHeapModel::<8>::new(), &words);
    }
}

#[test]
fn every_short_sequence_on_the_keyed_store() {
    use keyed_store::Op;
    let alphabet = [
        Op::Insert,
        Op::Remove { pick: 0 },
        Op::Remove { pick: 1 },
        Op::Change { pick: 1 },
        Op::RemoveSlot { pick: 1 },
        Op::AtSlot { pick: 2 },
        // Shrinks to what is in use, and chains the free slots that are left anew.
        Op::Memory { pick: 2 },
        Op::Clear,
    ];
    model::exhaust(KeyedStoreModel::new, &alphabet, 6);
}

#[test]
fn every_short_sequence_on_the_id_heap() {
    use id_heap::Op;
    let alphabet = [
        Op::Push { id: 0, priority: 5 },
        Op::Push { id: 1, priority: 3 },
        Op::Push { id: 2, priority: u32::MAX },
        Op::Push { id: 3, priority: 3 },
        Op::Pop,
        Op::DecreaseKey { id: 2, priority: 2 },
        Op::ChangeKey { id: 1, priority: 6 },
        Op::Remove { id: 0 },
    ];
    model::exhaust(IdHeapModel::<2>::new, &alphabet, 6);
    model::exhaust(IdHeapModel::<4>::new, &alphabet, 5);
}

#[test]
fn every_short_sequence_of_all_verbs_on_the_id_heap() {
    use id_heap::Op;
    let alphabet = [
        Op::Push { id: 0, priority: 5 },
        Op::TryExtend { id: 0, priority: 3 },
        Op::Extend { id: 1, priority: 23 },
        Op::Append { id: 7, priority: 2 },
        Op::Pop,
        Op::PeekMut { priority: 9 },
        Op::PeekMutPop { priority: 8 },
        Op::ReplaceTop { id: 0, priority: 4 },
        Op::PushPop { id: 5, priority: 4 },
        Op::DecreaseOrPush { id: 1, priority: 1 },
        Op::Retain { limit: 4 },
        Op::Drain { taken: 2 },
        Op::Memory { capacity: 3 },
    ];
    model::exhaust(IdHeapModel::<2>::new, &alphabet, 5);
    model::exhaust(IdHeapModel::<3>::new, &alphabet, 4);
}

#[test]
fn every_short_sequence_on_the_indexed_heap() {
    use indexed_heap::Op;
    let alphabet = [
        Op::Push { priority: 5 },
        Op::Push { priority: 3 },
        Op::Pop,
        Op::DecreaseKey { pick: 1, priority: 2 },
        Op::ChangeKey { pick: 2, priority: 6 },
        Op::Remove { pick: 0 },
        Op::Remove { pick: 2 },
        Op::Clear,
    ];
    model::exhaust(IndexedHeapModel::<2>::new, &alphabet, 5);
}

#[test]
fn every_short_sequence_of_all_verbs_on_the_indexed_heap() {
    use indexed_heap::Op;
    let alphabet = [
        Op::Push { priority: 5 },
        Op::ExtendWithKeys { priority: 3 },
        Op::Extend { priority: 23 },
        Op::Append { priority: 2 },
        Op::PopWithKey,
        Op::PeekMut { priority: 9 },
        Op::PeekMutPop { priority: 1 },
        Op::ReplaceTop { priority: 4 },
        Op::PushPop { priority: 4 },
        Op::DecreaseOrPush { pick: 1, priority: 1 },
        Op::Remove { pick: 1 },
        Op::Retain { limit: 4 },
        Op::Drain { taken: 2 },
        Op::Memory { capacity: 3 },
    ];
    model::exhaust(IndexedHeapModel::<2>::new, &alphabet, 4);
    model::exhaust(IndexedHeapModel::<3>::new, &alphabet, 3);
}

/// Depth that random words rarely reach: all ids in, then changed and taken out in every order
/// that a multiplication gives.
#[test]
fn deep_heaps_change_and_empty_in_order() {
    fn run_all<P: Ord + Copy + Debug>(count: u32, priority_of: impl Fn(u32, u32) -> P) {
        run::<P, 2>(count, &priority_of);
        run::<P, 3>(count, &priority_of);
        run::<P, 4>(count, &priority_of);
        run::<P, 8>(count, &priority_of);
    }
    fn run<P: Ord + Copy + Debug, const D: usize>(count: u32, priority_of: impl Fn(u32, u32) -> P) {
        let mut heap = IdHeap::<P, D>::with_arity();
        let mut expected = Vec::new();
        for id in 0..count {
            let priority = priority_of(id.wrapping_mul(2_654_435_761) >> 8, id);
            heap.push(id, priority).expect("the id is new");
            expected.push((priority, id));
        }
        for id in (0..count).step_by(3) {
            let priority = priority_of(id.wrapping_mul(40_503) >> 4, id);
            heap.change_key(id, priority);
            expected[id as usize].0 = priority;
        }
        heap.assert_invariants();
        for id in (0..count).step_by(5) {
            assert_eq!(heap.remove(id), Some(expected[id as usize].0));
        }
        heap.assert_invariants();
        expected.retain(|&(_, id)| id % 5 != 0);
        expected.sort_unstable();
        let mut popped: Vec<(P, u32)> = Vec::new();
        while let Some((id, priority)) = heap.pop() {
            assert!(popped.last().is_none_or(|&(last, _)| last <= priority));
            popped.push((priority, id));
        }
        popped.sort_unstable();
        assert_eq!(popped, expected);
    }
    for count in [1, 2, 3, 7, 64, 1000, 4097, 20_000] {
        run_all(count, |number, _| number);
    }
    // With priorities of more than 8 bytes, only a heap of more than 12,000 sinks elements.
    run_all(20_000, |number, id| Fifo::new(u64::from(number % 1_000), u64::from(id)));
    run_all(20_000, |number, id| (u64::from(number % 1_000), id));
}

/// Small priorities that a heap's memory held before are no siblings of the last elements.
#[test]
fn what_stands_behind_the_last_element_is_none() {
    fn run<const D: usize>() {
        for size in 2..200 {
            let mut heap = IdHeap::<u64, D>::with_arity();
            assert!((0..2 * size + 64).all(|id| heap.push(id, 0) == Ok(())));
            heap.clear();
            // In this order every id stands at the place of its number.
            assert!((0..size).all(|id| heap.push(id, u64::from(id) + 1) == Ok(())));
            let parent = (size - 2) / D as u32;
            heap.change_key(parent, u64::MAX);
            heap.assert_invariants();
            assert_eq!(heap.remove(parent), Some(u64::MAX));
            heap.assert_invariants();
            assert_eq!(heap.len() + 1, size as usize);
        }
    }
    run::<2>();
    run::<3>();
    run::<4>();
    run::<5>();
    run::<8>();
    run::<16>();
}
