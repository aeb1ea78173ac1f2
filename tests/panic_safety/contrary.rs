//! An order that contradicts itself may cost the heap its order, but never an element.

use std::cmp::Ordering;

use punctual::heap::IdHeap;

/// Whichever comes first in a comparison is the smaller one: even than itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Contrary(u64);

impl PartialOrd for Contrary {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Contrary {
    fn cmp(&self, _other: &Self) -> Ordering {
        Ordering::Less
    }
}

/// What stands behind the last element for a sift's sake is no element.
#[test]
fn a_contrary_order_loses_nothing() {
    fn run<const D: usize>() {
        for size in 1..100 {
            let mut heap = IdHeap::<Contrary, D>::with_arity();
            for id in 0..size {
                heap.push(id, Contrary(u64::from(id))).expect("the id is new");
            }
            assert!(heap.remove(size / 2).is_some());
            heap.push(size / 2, Contrary(u64::from(size / 2))).expect("the id has left");
            let mut popped: Vec<(u32, Contrary)> = std::iter::from_fn(|| heap.pop()).collect();
            popped.sort_unstable_by_key(|&(id, _)| id);
            let expected: Vec<_> = (0..size).map(|id| (id, Contrary(u64::from(id)))).collect();
            assert_eq!(popped, expected);
        }
    }
    run::<2>();
    run::<3>();
    run::<4>();
    run::<8>();
    run::<16>();
}
