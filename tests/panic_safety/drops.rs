//! Payloads that panic when they are dropped or cloned: all others are treated as if nothing had
//! happened.

use punctual::heap::IndexedHeap;
use punctual::key::KeyedStore;

use super::fuse::{Drops, Payload, trips};
use super::steps::{SIZES, is_retained, priority_of};

type Payloads<const D: usize> = IndexedHeap<u32, Payload, D>;

/// A heap, the drop of one payload of which panics.
fn with_fragile<const D: usize>(size: u32, fragile: u32) -> (Payloads<D>, Drops) {
    let drops = Drops::default();
    let element = |index| {
        let payload = drops.payload();
        payload.is_fragile.set(index == fragile);
        (priority_of(index).0, payload)
    };
    ((0..size).map(element).collect(), drops)
}

/// Runs `operation` on a heap of each size, with a panic in the drop of each payload.
fn for_every_payload<const D: usize>(operation: impl Fn(&mut Payloads<D>, &Drops, u32)) {
    for (size, fragile) in SIZES.into_iter().flat_map(|size| (0..size).map(move |it| (size, it))) {
        let (mut heap, drops) = with_fragile::<D>(size, fragile);
        operation(&mut heap, &drops, fragile);
        heap.assert_invariants();
        let holds = |index| heap.iter().any(|(_, _, payload)| payload.index == index);
        drops.expect(|index| !holds(index));

        let pushed = heap.push(1, drops.payload());
        assert_eq!(heap.peek().map(|(key, _, _)| key), Some(pushed));
        heap.iter_mut().for_each(|(_, _, payload)| payload.is_fragile.set(false));
        drop(std::iter::from_fn(|| heap.pop()).map(|(_, payload)| payload).collect::<Vec<_>>());
        heap.assert_invariants();
        drops.expect(|_| true);
    }
}

fn all_operations<const D: usize>() {
    for_every_payload::<D>(|heap, _, _| {
        assert!(trips(0, || heap.clear()));
        assert!(heap.is_empty());
    });
    for_every_payload::<D>(|heap, _, _| {
        assert!(trips(0, || drop(heap.drain())));
        assert!(heap.is_empty());
    });
    for_every_payload::<D>(|heap, _, _| {
        assert!(trips(0, || heap.drain().for_each(drop)));
        assert!(heap.is_empty());
    });
    for_every_payload::<D>(|heap, _, fragile| {
        let removes = !is_retained(fragile);
        let keep = |payload: &Payload| is_retained(payload.index);
        let kept = |heap: &Payloads<D>| heap.iter().filter(|(_, _, it)| keep(it)).count();
        let before = kept(heap);
        assert_eq!(trips(0, || heap.retain(|_, _, payload| keep(payload))), removes);
        assert_eq!(kept(heap), before);
        heap.retain(|_, _, payload| keep(payload));
        assert!(heap.iter().all(|(_, _, payload)| keep(payload)));
    });
    for_every_payload::<D>(|heap, _, fragile| {
        // The old payload has left when its drop panics, and the new element has its place.
        let first = heap.peek().map(|(_, _, payload)| payload.index);
        let other = Drops::default();
        let is_first = first == Some(fragile);
        assert_eq!(trips(0, || drop(heap.replace_top(2, other.payload()))), is_first);
        assert_eq!(heap.pop().map(|(priority, _)| priority), Some(2));
    });
    for_every_payload::<D>(|heap, drops, _| {
        let whole = std::mem::take(heap);
        assert!(trips(0, || drop(whole)));
        drops.expect(|_| true);
    });
    for_every_payload::<D>(|heap, drops, _| {
        let mut rest = std::mem::take(heap).into_sorted_iter();
        assert!(trips(0, || rest.by_ref().for_each(drop)));
        drop(rest);
        drops.expect(|_| true);
    });
}

#[test]
fn a_heap_survives_payloads_that_panic_in_their_drop() {
    all_operations::<2>();
    all_operations::<3>();
    all_operations::<4>();
    all_operations::<8>();
}

#[test]
fn a_store_survives_elements_that_panic_when_it_is_cleared() {
    for fragile in 0..3 {
        let (mut store, drops) = (KeyedStore::new(), Drops::default());
        let keys = [(); 3].map(|()| store.insert(drops.payload()));
        store.get(keys[fragile]).expect("it is present").is_fragile.set(true);
        assert!(trips(0, || store.clear()));
        drops.expect(|_| true);
        assert!(store.is_empty() && store.iter().next().is_none());
        let key = store.insert(drops.payload());
        assert_eq!(store.get(key).map(|it| it.index), Some(3));
        assert!(keys.iter().all(|&old| !store.contains(old)));
    }
}

/// The clones that were made are dropped, and the heap and the store are as before.
#[test]
fn clones_that_panic_leave_the_original_as_it_was() {
    for size in SIZES {
        let mut fuse = 0;
        while {
            let (heap, drops) = with_fragile::<2>(size, u32::MAX);
            let mut store = KeyedStore::new();
            (0..size).for_each(|_| _ = store.insert(drops.payload()));
            assert_eq!(trips(fuse, || drop(store.clone())), fuse < size);
            let has_tripped = trips(fuse, || heap.clone().assert_invariants());
            assert_eq!(drops.made(), 2 * size + 2 * fuse.min(size));
            drops.expect(|index| index >= 2 * size);
            heap.assert_invariants();
            assert_eq!((heap.len(), store.len()), (size as usize, size as usize));
            has_tripped
        } {
            fuse += 1;
        }
        assert_eq!(fuse, size);
    }
}
