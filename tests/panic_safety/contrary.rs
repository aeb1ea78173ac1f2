//! An order that contradicts itself may cost the heap its order, but never an element.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Range;

use punctual::heap::IdHeap;

const SIZES: Range<u32> = 1..100;

/// Whichever comes first in a comparison is the smaller one: even than itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Contrary(u64);

impl Ord for Contrary {
    fn cmp(&self, _other: &Self) -> Ordering {
        Ordering::Less
    }
}

impl PartialOrd for Contrary {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As `Contrary`, and without a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Nothing;

impl Ord for Nothing {
    fn cmp(&self, _other: &Self) -> Ordering {
        Ordering::Less
    }
}

impl PartialOrd for Nothing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

thread_local! {
    static DICE: Cell<u64> = const { Cell::new(0x9E37_79B9_7F4A_7C15) };
}

/// Every comparison is decided by the dice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fickle(u64);

impl Ord for Fickle {
    fn cmp(&self, _other: &Self) -> Ordering {
        let mut word = DICE.get();
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        DICE.set(word);
        match word % 5 {
            0 => Ordering::Equal,
            1 | 2 => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}

impl PartialOrd for Fickle {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Such ids are where the heap says, each with its own priority, and no others.
fn check<P: Ord + Copy + Debug, const D: usize>(
    heap: &IdHeap<P, D>,
    ids: &BTreeSet<u32>,
    priority_of: fn(u32) -> P,
) {
    let mut held: Vec<u32> = heap.iter().map(|(id, _)| id).collect();
    held.sort_unstable();
    assert!(held.iter().eq(ids));
    for id in 0..=SIZES.end {
        assert_eq!(heap.contains(id), ids.contains(&id));
        assert_eq!(heap.priority(id), ids.contains(&id).then(|| priority_of(id)));
    }
}

/// Pushes, changes, removals and pops, with a look at all positions after each kind.
fn run<P: Ord + Copy + Debug, const D: usize>(priority_of: fn(u32) -> P) {
    for size in SIZES {
        let (mut heap, mut ids) = (IdHeap::<P, D>::with_arity(), BTreeSet::new());
        for id in 0..size {
            heap.push(id, priority_of(id)).expect("the id is new");
            ids.insert(id);
        }
        check(&heap, &ids, priority_of);
        for id in (0..size).step_by(3) {
            assert_eq!(heap.change_key(id, priority_of(id)), Some(priority_of(id)));
        }
        check(&heap, &ids, priority_of);
        for id in (size / 2..size).step_by(7) {
            assert_eq!(heap.remove(id), Some(priority_of(id)));
            ids.remove(&id);
        }
        check(&heap, &ids, priority_of);
        heap.push(size / 2, priority_of(size / 2)).expect("the id has left");
        ids.insert(size / 2);
        heap.rebuild();
        check(&heap, &ids, priority_of);
        for count in 0.. {
            let Some((id, priority)) = heap.pop() else {
                break;
            };
            assert!(ids.remove(&id));
            assert_eq!(priority, priority_of(id));
            if count % 8 == 0 {
                check(&heap, &ids, priority_of);
            }
        }
        assert!(ids.is_empty());
    }
}

fn run_all<P: Ord + Copy + Debug>(priority_of: fn(u32) -> P) {
    run::<P, 2>(priority_of);
    run::<P, 3>(priority_of);
    run::<P, 4>(priority_of);
    run::<P, 8>(priority_of);
    run::<P, 16>(priority_of);
}

/// What stands behind the last element for a sift's sake is no element.
#[test]
fn a_contrary_order_loses_nothing() {
    run_all(|id| Contrary(u64::from(id)));
}

#[test]
fn a_contrary_order_of_nothing_loses_nothing() {
    run_all(|_| Nothing);
}

#[test]
fn an_order_by_dice_loses_nothing() {
    run_all(|id| Fickle(u64::from(id)));
}
