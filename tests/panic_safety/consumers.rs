//! Comparisons that panic while a heap is made of elements or given up for them.

use punctual::heap::{IdHeap, IndexedHeap};

use super::fuse::{Drops, Fragile, Payload, trips, unburnt};
use super::steps::{SIZES, priority_of};

/// Runs with a panic at every comparison, on a heap of each size, until there is none.
fn for_every_comparison(run: impl Fn(u32, u32) -> bool) {
    for size in SIZES {
        let trips = (0..).take_while(|&fuse| run(size, fuse)).count();
        assert!(trips > 0 || size < 3, "nothing is compared in a heap of {size}");
    }
}

fn ids<const D: usize>(size: u32) -> IdHeap<Fragile, D> {
    (0..size).map(|id| (id, priority_of(id))).collect()
}

fn payloads<const D: usize>(size: u32, drops: &Drops) -> IndexedHeap<Fragile, Payload, D> {
    (0..size).map(|index| (priority_of(index), drops.payload())).collect()
}

fn making<const D: usize>() {
    for_every_comparison(|size, fuse| {
        trips(fuse, || ids::<D>(size).assert_invariants());
        let drops = Drops::default();
        let has_tripped = trips(fuse, || {
            let heap = payloads::<D>(size, &drops);
            unburnt(|| heap.assert_invariants());
        });
        assert_eq!(drops.made(), size);
        drops.expect(|_| true);
        has_tripped
    });
}

fn sorting<const D: usize>() {
    for_every_comparison(|size, fuse| {
        let (heap, mut sorted) = (ids::<D>(size), Vec::new());
        let ids_have_tripped = trips(fuse, || sorted = heap.into_sorted_vec());
        assert!(sorted.is_sorted_by_key(|&(_, priority)| priority));
        assert!(sorted.len() == size as usize || ids_have_tripped);

        let (drops, mut sorted) = (Drops::default(), Vec::new());
        let heap = payloads::<D>(size, &drops);
        let has_tripped = trips(fuse, || sorted = heap.into_sorted_vec());
        assert!(sorted.is_sorted_by_key(|&(priority, _)| priority));
        drops.expect(|_| has_tripped);
        sorted.clear();
        drops.expect(|_| true);
        has_tripped
    });
}

/// The pop that panics loses its element to the unwinding, and the iterator goes on.
fn sorting_one_by_one<const D: usize>() {
    for_every_comparison(|size, fuse| {
        let (mut heap, mut taken) = (ids::<D>(size).into_sorted_iter(), Vec::new());
        let ids_have_tripped = trips(fuse, || taken.extend(heap.by_ref()));
        taken.extend(heap);
        taken.sort_unstable_by_key(|&(id, _)| id);
        taken.dedup_by_key(|&mut (id, _)| id);
        assert_eq!(taken.len() as u32 + u32::from(ids_have_tripped), size);

        let (drops, mut taken) = (Drops::default(), Vec::new());
        let mut heap = payloads::<D>(size, &drops).into_sorted_iter();
        let has_tripped = trips(fuse, || taken.extend(heap.by_ref()));
        taken.extend(heap);
        assert_eq!(taken.len() as u32 + u32::from(has_tripped), size);
        drops.expect(|index| taken.iter().all(|(_, payload)| payload.index != index));
        taken.clear();
        drops.expect(|_| true);
        has_tripped
    });
}

#[test]
fn no_payload_is_lost_while_a_heap_is_made() {
    making::<2>();
    making::<3>();
    making::<4>();
    making::<8>();
}

#[test]
fn no_payload_is_lost_while_a_heap_is_sorted() {
    sorting::<2>();
    sorting::<3>();
    sorting::<4>();
    sorting::<8>();
}

#[test]
fn a_sorted_iterator_goes_on_behind_a_panic() {
    sorting_one_by_one::<2>();
    sorting_one_by_one::<3>();
    sorting_one_by_one::<4>();
    sorting_one_by_one::<8>();
}
