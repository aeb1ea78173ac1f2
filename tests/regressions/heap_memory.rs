//! What went wrong with the memory of priority queues: sizes, alignments, and no memory at all.

use std::fmt::Debug;

use punctual::heap::{IdHeap, IndexedHeap};
use punctual::key::KeyedStore;

/// A reservation that can't succeed is an error, not an abort, also where its size overflows.
#[test]
fn a_hopeless_reservation_fails_and_changes_nothing() {
    fn run<const D: usize>(additional: usize) {
        for size in [0_u32, 1, 100] {
            let mut heap: IdHeap<u64, D> = (0..size).map(|id| (id, u64::from(id))).collect();
            assert!(heap.try_reserve(additional).is_err());
            heap.assert_invariants();
            assert_eq!(heap.len(), size as usize);
            heap.push(size, 0).expect("the id is new");

            let mut heap: IndexedHeap<u64, u64, D> =
                (0..size).map(|number| (u64::from(number), 7)).collect();
            assert!(heap.try_reserve(additional).is_err());
            heap.assert_invariants();
            assert_eq!((heap.len(), heap.push(0, 7).slot()), (size as usize, size));

            // Of values without a size there is room enough, but not of their ids.
            let mut heap: IdHeap<(), D> = (0..size).map(|id| (id, ())).collect();
            assert!(heap.try_reserve(additional).is_err());
            heap.assert_invariants();
            let mut heap: IndexedHeap<(), (), D> = (0..size).map(|_| ((), ())).collect();
            assert!(heap.try_reserve(additional).is_err());
            heap.assert_invariants();
        }
    }
    let hopeless = [usize::MAX, usize::MAX - 1, isize::MAX as usize, isize::MAX as usize / 8];
    for additional in hopeless {
        run::<2>(additional);
        run::<3>(additional);
        run::<4>(additional);
        run::<8>(additional);
        let mut store = KeyedStore::new();
        assert!(store.try_reserve(additional).is_err());
        let key = store.insert(7_u64);
        assert!(store.try_reserve(additional).is_err());
        assert_eq!((store.get(key), store.len()), (Some(&7), 1));
    }
}

/// Changes, moves and copies a heap of such priorities, and sees that it stays in order.
fn exercise<P: Ord + Copy + Debug, T: Clone + Debug, const D: usize>(
    priority_of: impl Fn(u32) -> P,
    payload: &T,
) {
    const SIZE: u32 = 150;
    let scrambled = |id: u32| priority_of(id * 37 % 101);
    let (mut ids, mut heap) = (IdHeap::<P, D>::with_arity(), IndexedHeap::<P, T, D>::with_arity());
    let mut keys = Vec::new();
    for id in 0..SIZE {
        ids.push(id, scrambled(id)).expect("the id is new");
        keys.push(heap.push(scrambled(id), payload.clone()));
    }
    for (id, &key) in (0..SIZE).zip(&keys).step_by(4) {
        let other = priority_of(id * 53 % 211);
        assert_eq!(ids.change_key(id, other), heap.change_key(key, other));
    }
    for (id, &key) in (0..SIZE).zip(&keys).step_by(7) {
        assert_eq!(ids.remove(id), heap.remove(key).map(|(priority, _)| priority));
    }
    ids.shrink_to_fit();
    heap.shrink_to_fit();
    for (mut ids, mut heap) in [(ids.clone(), heap.clone()), (ids, heap)] {
        ids.try_extend((SIZE..2 * SIZE).map(|id| (id, scrambled(id)))).expect("all are new");
        heap.extend((SIZE..2 * SIZE).map(|id| (scrambled(id), payload.clone())));
        ids.retain(|id, _| id % 5 != 0);
        heap.retain(|key, _, _| key.slot() % 5 != 0);
        ids.assert_invariants();
        heap.assert_invariants();
        let ids: Vec<P> = ids.into_sorted_iter().map(|(_, priority)| priority).collect();
        assert!(ids.len() > SIZE as usize && ids.is_sorted());
        let heap: Vec<P> = heap.into_sorted_iter().map(|(priority, _)| priority).collect();
        assert!(heap.len() > SIZE as usize && heap.is_sorted());
    }
}

/// One after the other with payloads of no size, of a small one, and of a large alignment.
fn exercise_all<P: Ord + Copy + Debug>(priority_of: impl Fn(u32) -> P) {
    exercise::<P, (), 2>(&priority_of, &());
    exercise::<P, String, 3>(&priority_of, &"payload".to_owned());
    exercise::<P, Line, 4>(&priority_of, &Line(7));
    exercise::<P, u8, 8>(&priority_of, &7);
    exercise::<P, (), 16>(&priority_of, &());
}

/// As large as a cache line, and aligned like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(align(64))]
struct Line(u8);

/// std's collections treat types without a size apart, and places were divided by their size.
#[test]
fn priorities_without_a_size_are_held() {
    exercise_all(|_| ());
    let mut heap = IdHeap::<()>::new();
    assert!((0..9).all(|id| heap.push(id, ()) == Ok(())));
    assert_eq!(heap.decrease_key(3, ()), Err(punctual::heap::KeyError::NotSmaller));
    assert_eq!((heap.remove(3), heap.remove(3), heap.len()), (Some(()), None, 8));
}

/// An array that is laid out by hand has to keep every alignment, and sizes that divide nothing.
#[test]
fn priorities_of_every_size_and_alignment_are_held() {
    exercise_all(|number| number as u8);
    exercise_all(|number| [number as u8, 7, 7]);
    exercise_all(|number| number as u16);
    exercise_all(|number| [number, 7, 7]);
    exercise_all(u64::from);
    exercise_all(|number| (number % 3, u64::from(number), 7_u8));
    exercise_all(u128::from);
    exercise_all(|number| (number as u8, u128::from(number)));
    exercise_all(|number| Line(number as u8));
    exercise_all(|number| (Line(number as u8 % 7), Line(number as u8)));
    exercise_all(|number| [u64::from(number); 20]);
}
