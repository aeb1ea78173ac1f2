//! What went wrong in other priority queues.

use punctual::heap::{IdHeap, IndexedHeap, KeyError, PushError};

fn drained<const D: usize>(heap: &mut IdHeap<u32, D>) -> Vec<u32> {
    std::iter::from_fn(|| heap.pop()).map(|(_, priority)| priority).collect()
}

/// keyed_priority_queue#12, core-util#108, factor#2103, stride3d#3398: `remove` only sifted the
/// moved last element down, although it may belong above the gap.
#[test]
fn remove_sifts_the_last_element_up() {
    // The gap is below 10; the last element, 4, stands below 3.
    let mut heap = IdHeap::<u32>::new();
    for (id, priority) in [1, 10, 3, 11, 12, 4].into_iter().enumerate() {
        heap.push(id as u32, priority).expect("the id is new");
    }
    assert_eq!(heap.remove(3), Some(11));
    heap.assert_invariants();
    assert_eq!(drained(&mut heap), [1, 3, 4, 10, 12]);
}

/// indexed_priority_queue 0.3.0, mut-binary-heap 0.1.0: after a `remove` in the middle the heap
/// popped in the wrong order.
#[test]
fn pops_are_sorted_after_any_remove() {
    /// A heap in its arrays' order, whose first branch is heavier than all others: an element
    /// that moves between the branches goes up or down.
    fn priority<const D: usize>(id: u32) -> u32 {
        let mut ancestor = id;
        while ancestor > D as u32 {
            ancestor = (ancestor - 1) / D as u32;
        }
        if ancestor == 1 { 1_000 + id } else { id }
    }

    fn run<const D: usize>(size: u32) {
        for removed in 0..size {
            let mut heap = IdHeap::<u32, D>::with_arity();
            for id in 0..size {
                heap.push(id, priority::<D>(id)).expect("the id is new");
            }
            assert_eq!(heap.remove(removed), Some(priority::<D>(removed)));
            assert!(drained(&mut heap).is_sorted());
        }
    }
    for size in 2..90 {
        run::<2>(size);
        run::<3>(size);
        run::<4>(size);
        run::<8>(size);
    }
}

/// priority-queue#86, rust#25842: a comparison that panicked left an index behind that was out
/// of bounds. (`panic_safety` lets every comparison of every operation panic.)
#[test]
fn an_interrupted_pop_leaves_no_index_behind() {
    use std::cmp::Ordering;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    /// A number that can be compared with any but 7 and 8.
    #[derive(Clone, Copy, PartialEq, Eq)]
    struct Fragile(u32);

    impl Ord for Fragile {
        fn cmp(&self, other: &Self) -> Ordering {
            if self.0.min(other.0) == 7 && self.0.max(other.0) == 8 {
                resume_unwind(Box::new("seven and eight"));
            }
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Fragile {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    let mut heap = IndexedHeap::<Fragile, u32>::new();
    let keys = [1, 7, 8].map(|number| heap.push(Fragile(number), number));
    assert!(catch_unwind(AssertUnwindSafe(|| heap.pop())).is_err());
    assert_eq!((heap.len(), heap.contains(keys[0])), (2, false));
    assert_eq!(heap.remove(keys[1]).map(|(_, number)| number), Some(7));
    assert_eq!(heap.pop().map(|(_, number)| number), Some(8));
    assert!(heap.is_empty());
    heap.assert_invariants();
}

/// toolbox-rs#548: the weight was stored twice, and one operation sifted by the stale copy.
#[test]
fn every_change_sifts_by_the_present_priority() {
    let mut heap = IndexedHeap::<u32, &str>::new();
    let keys = ["a", "b", "c", "d"].map(|name| heap.push(50, name));
    assert_eq!(heap.change_key(keys[0], 90), Some(50));
    assert_eq!(heap.decrease_key(keys[0], 60), Ok(90));
    assert_eq!(heap.decrease_key(keys[0], 70), Err(KeyError::NotSmaller));
    // At least two of them stand below the root.
    for (key, name) in [(keys[1], "b"), (keys[2], "c"), (keys[3], "d")] {
        assert_eq!(heap.change_key(key, 10), Some(50));
        assert_eq!(heap.peek(), Some((key, 10, &name)));
        assert_eq!(heap.change_key(key, 80), Some(10));
        assert_eq!(heap.iter().find(|entry| entry.0 == key), Some((key, 80, &name)));
        assert_eq!(heap.priority(key), Some(80));
        heap.assert_invariants();
    }
    assert_eq!(heap.pop(), Some((60, "a")));
    assert_eq!(heap.pop().map(|(priority, _)| priority), Some(80));
}

/// tokio#3558, tokio#3270: the key of an element that was gone reached the next one in its slot.
#[test]
fn a_stale_key_reaches_nothing() {
    let mut heap = IndexedHeap::<u32, &str>::new();
    let popped = heap.push(1, "popped");
    assert_eq!(heap.pop(), Some((1, "popped")));
    let removed = heap.push(2, "removed");
    assert_eq!(heap.remove(removed), Some((2, "removed")));
    let cleared = heap.push(3, "cleared");
    heap.clear();
    let live = heap.push(4, "live");
    for stale in [popped, removed, cleared] {
        assert_eq!(stale.slot(), live.slot(), "the slot is used again");
        assert!(stale != live && !heap.contains(stale));
        assert_eq!((heap.get(stale), heap.priority(stale)), (None, None));
        assert_eq!(heap.get_mut(stale), None);
        assert_eq!(heap.decrease_key(stale, 0), Err(KeyError::Stale));
        assert_eq!((heap.change_key(stale, 9), heap.remove(stale)), (None, None));
    }
    assert_eq!(heap.pop(), Some((4, "live")));
}

/// quickheap#6: the largest value was a sentinel, and as a priority it broke the heap.
#[test]
fn extreme_priorities_are_as_ordinary_as_any() {
    fn run<const D: usize>() {
        let mut heap = IndexedHeap::<u64, u64, D>::with_arity();
        let extremes = [u64::MAX, 0, u64::MAX, u64::MAX - 1, 0, u64::MAX, 1, u64::MAX, u64::MAX];
        let keys = extremes.map(|priority| heap.push(priority, priority));
        assert_eq!(heap.change_key(keys[1], u64::MAX), Some(0));
        assert_eq!(heap.decrease_key(keys[2], u64::MAX), Err(KeyError::NotSmaller));
        assert_eq!(heap.decrease_key(keys[2], 0), Ok(u64::MAX));
        heap.assert_invariants();
        let popped: Vec<u64> = std::iter::from_fn(|| heap.pop()).map(|entry| entry.0).collect();
        assert_eq!(popped[..4], [0, 0, 1, u64::MAX - 1]);
        assert_eq!(popped[4..], [u64::MAX; 5]);
    }
    run::<2>();
    run::<3>();
    run::<4>();
    run::<8>();
}

/// Dense ids from outside: one hostile id made other tables allocate gigabytes. A bound refuses
/// it, and the id that means absence inside is refused by every heap.
#[test]
fn a_hostile_id_allocates_nothing() {
    let mut bounded = IdHeap::with_bound(8);
    assert_eq!(bounded.push(8, 1), Err(PushError::OutOfBound));
    assert_eq!(bounded.push(7, 1), Ok(()));
    assert_eq!(bounded.push(7, 0), Err(PushError::Present));
    assert_eq!(bounded.pop(), Some((7, 1)));
    let mut unbounded = IdHeap::new();
    assert_eq!(unbounded.push(u32::MAX, 1), Err(PushError::OutOfBound));
    assert!(unbounded.is_empty() && !unbounded.contains(u32::MAX));
    assert_eq!((unbounded.remove(u32::MAX), unbounded.change_key(u32::MAX, 1)), (None, None));
    assert_eq!(unbounded.decrease_key(u32::MAX, 1), Err(KeyError::Stale));
}

/// quickheap#6 again: a full group of eight siblings, all of which have the largest value.
#[test]
fn more_largest_priorities_than_siblings_come_out() {
    let mut heap = IdHeap::<u64, 8>::with_arity();
    for id in 0..100 {
        heap.push(id, if id % 9 == 0 { u64::from(id) } else { u64::MAX }).expect("the id is new");
    }
    for id in (0..100).filter(|id| id % 18 == 9) {
        assert_eq!(heap.change_key(id, u64::MAX), Some(u64::from(id)));
    }
    heap.rebuild();
    heap.assert_invariants();
    let popped: Vec<(u32, u64)> = std::iter::from_fn(|| heap.pop()).collect();
    let (small, largest) = popped.split_at(6);
    assert_eq!(small, [0, 18, 36, 54, 72, 90].map(|id| (id, u64::from(id))));
    let mut ids: Vec<u32> = largest.iter().map(|&(id, _)| id).collect();
    ids.sort_unstable();
    assert!(largest.iter().all(|&(_, priority)| priority == u64::MAX));
    assert!(ids.into_iter().eq((0..100).filter(|id| id % 18 != 0)));
}

/// rust#105851: a leaked `PeekMut` left a changed element at the root, where it didn't belong.
#[test]
fn a_leaked_guard_leaves_the_heap_in_order() {
    let mut ids: IdHeap<u32> = (0..9).map(|id| (id, 10 + id)).collect();
    let mut first = ids.peek_mut().expect("the heap is full");
    first.set_priority(100);
    std::mem::forget(first);
    ids.assert_invariants();
    assert_eq!((ids.len(), ids.peek()), (9, Some((0, 10))));

    let mut heap: IndexedHeap<u32, String> = (0..9).map(|it| (it, it.to_string())).collect();
    let mut first = heap.peek_mut().expect("the heap is full");
    first.payload_mut().push('!');
    first.set_priority(100);
    std::mem::forget(first);
    heap.assert_invariants();
    assert_eq!((heap.len(), heap.pop()), (9, Some((0, "0!".to_owned()))));
    assert!(heap.into_sorted_vec().into_iter().map(|(priority, _)| priority).eq(1..9));
}

/// A leaked `Drain` leaked elements elsewhere, or left a heap that didn't know what it held.
#[test]
fn a_leaked_drain_leaves_a_heap() {
    for taken in 0..20 {
        let mut ids: IdHeap<u32, 3> = (0..20).map(|id| (id, id * 7 % 20)).collect();
        let mut drain = ids.drain();
        let mut gone: Vec<u32> = drain.by_ref().take(taken).map(|(id, _)| id).collect();
        std::mem::forget(drain);
        ids.assert_invariants();
        gone.extend(ids.iter().map(|(id, _)| id));
        gone.sort_unstable();
        assert_eq!((ids.len(), gone), (20 - taken, (0..20).collect()));

        let mut heap: IndexedHeap<u32, u32, 3> = (0..20).map(|it| (it * 7 % 20, it)).collect();
        let mut drain = heap.drain();
        let mut gone: Vec<u32> = drain.by_ref().take(taken).map(|(_, _, it)| it).collect();
        std::mem::forget(drain);
        heap.assert_invariants();
        gone.extend(heap.into_sorted_iter().map(|(_, payload)| payload));
        gone.sort_unstable();
        assert_eq!(gone, Vec::from_iter(0..20));
    }
}

/// rust#106918: a predicate that panicked in `retain` left the heap without its order.
/// (`panic_safety` lets every call of the predicate panic.)
#[test]
fn an_interrupted_retain_leaves_the_heap_in_order() {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    let mut heap: IdHeap<u32> = (0..40).map(|id| (id, id * 7 % 40)).collect();
    let mut calls = 0;
    let retain = AssertUnwindSafe(|| {
        heap.retain(|_, priority| {
            calls += 1;
            if calls == 39 {
                resume_unwind(Box::new("the last but one"));
            }
            priority % 4 == 0
        });
    });
    assert!(catch_unwind(retain).is_err());
    heap.assert_invariants();
    assert!(heap.len() >= 10 && drained(&mut heap).is_sorted());
}

/// An `append` that joins arrays takes over positions that were true in the other heap, so that a
/// change of a moved element hits another one.
#[test]
fn appended_elements_are_changed_themselves() {
    for (ours, theirs) in [(0, 9), (9, 0), (3, 30), (30, 3), (20, 20)] {
        let mut ids: IdHeap<u32, 4> = (0..ours).map(|id| (id, 100 + id)).collect();
        let mut others: IdHeap<u32, 4> = (ours..ours + theirs).map(|id| (id, 300 - id)).collect();
        assert_eq!(ids.append(&mut others), Ok(()));
        assert!(others.is_empty() && !others.contains(ours));
        ids.assert_invariants();
        for id in ours..ours + theirs {
            assert_eq!(ids.change_key(id, id), Some(300 - id));
            assert_eq!(ids.priority(id), Some(id));
        }
        ids.assert_invariants();

        let mut heap: IndexedHeap<u32, u32, 4> = (0..ours).map(|it| (100 + it, it)).collect();
        let mut others: IndexedHeap<u32, u32, 4> = (0..theirs).map(|it| (300 - it, it)).collect();
        let old_payloads: Vec<_> = others.iter().map(|(key, _, payload)| (key, *payload)).collect();
        let mut new_keys = Vec::new();
        heap.append(&mut others, |old, new| new_keys.push((old, new)));
        assert_eq!(new_keys.len(), theirs as usize);
        for (old, new) in new_keys {
            let payload = old_payloads.iter().find(|(key, _)| *key == old).expect("it was there").1;
            assert_eq!(heap.get(new), Some(&payload));
            assert_eq!(heap.change_key(new, payload), Some(300 - payload));
            assert_eq!(heap.priority(new), Some(payload));
        }
        heap.assert_invariants();
    }
}

/// A vector's dangling address is aligned as its elements are: priorities of a stricter alignment
/// must not be read there, also where there are none, nor priorities without a size.
#[test]
fn heaps_of_strictly_aligned_priorities_may_be_empty() {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    #[repr(align(64))]
    struct Line(u64);

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    #[repr(align(64))]
    struct Nothing;

    fn run<P: Copy + Ord + std::fmt::Debug, const D: usize>(priorities: [P; 3]) {
        let mut heap = IdHeap::<P, D>::with_arity();
        assert_eq!((heap.iter().count(), heap.peek()), (0, None));
        heap.rebuild();
        for (id, priority) in (0..300).zip(priorities.into_iter().cycle()) {
            heap.push(id, priority).expect("the id is new");
        }
        heap.assert_invariants();
        assert_eq!(heap.clone().into_sorted_vec().len(), 300);
        heap.clear();
        heap.shrink_to_fit();
        assert_eq!((heap.iter().count(), heap.pop()), (0, None));
        assert_eq!(heap.clone().into_iter().count(), 0);
    }
    run::<_, 2>([Line(3), Line(1), Line(2)]);
    run::<_, 4>([Line(3), Line(1), Line(2)]);
    run::<_, 8>([Line(3), Line(1), Line(2)]);
    run::<_, 4>([Nothing; 3]);
    run::<_, 4>([3_u128, 1, 2]);
    run::<_, 8>([(), (), ()]);
}
