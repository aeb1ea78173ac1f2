//! The caller's predicates, iterators and functions that panic: the heap keeps what it held by
//! then, in order.

use punctual::heap::{IdHeap, IndexedHeap};
use punctual::key::Key;

use super::fuse::{Drops, Payload, burn, trips};
use super::steps::{FEW, MANY, SIZES, is_retained, other_priority_of, priority_of};

type Ids<const D: usize> = IdHeap<u32, D>;
type Payloads<const D: usize> = IndexedHeap<u32, Payload, D>;

fn ids<const D: usize>(size: u32) -> Ids<D> {
    (0..size).map(|id| (id, priority_of(id).0)).collect()
}

/// So many new elements, the fetching of each of which may panic.
fn elements(new: u32, drops: &Drops) -> impl Iterator<Item = (u32, Payload)> {
    (0..new).map(|_| {
        burn();
        (priority_of(drops.made()).0, drops.payload())
    })
}

fn payloads<const D: usize>(size: u32) -> (Payloads<D>, Drops) {
    let drops = Drops::default();
    (elements(size, &drops).collect(), drops)
}

/// Checks the order, and that of all payloads those that the heap holds live, and no other one.
fn expect_in_order<const D: usize>(heap: &Payloads<D>, drops: &Drops) {
    heap.assert_invariants();
    let holds = |index| heap.iter().any(|(_, _, payload)| payload.index == index);
    drops.expect(|index| !holds(index));
}

/// Runs with a panic at every call, on a heap of each size, until there is none. `run` tells
/// whether there was one.
fn for_every_call(run: impl Fn(u32, u32) -> bool) {
    for size in SIZES {
        let calls = (0..).take_while(|&fuse| run(size, fuse)).count();
        assert!(calls > 0, "nothing is called for a heap of {size}");
    }
}

fn retain<const D: usize>() {
    for_every_call(|size, fuse| {
        let (mut heap, mut seen) = (ids::<D>(size), Vec::new());
        trips(fuse, || {
            heap.retain(|id, _| {
                burn();
                seen.push(id);
                is_retained(id)
            });
        });
        heap.assert_invariants();
        let is_held = |id| !seen.contains(&id) || is_retained(id);
        assert!((0..size).all(|id| heap.contains(id) == is_held(id)));

        let (mut heap, drops) = payloads::<D>(size);
        let mut removed = 0;
        let has_tripped = trips(fuse, || {
            heap.retain(|_, _, payload| {
                burn();
                removed += u32::from(!is_retained(payload.index));
                is_retained(payload.index)
            });
        });
        expect_in_order(&heap, &drops);
        assert_eq!(heap.len() as u32, size - removed);
        has_tripped
    });
}

fn extend<const D: usize>() {
    for new in [FEW, MANY] {
        for_every_call(|size, fuse| {
            // From the largest id on, so that most are new and the last ones are overwritten.
            let fetched = || (0..size + new).rev().inspect(|_| burn());
            let mut heap = ids::<D>(size);
            trips(fuse, || heap.extend(fetched().map(|id| (id, other_priority_of(id).0))));
            heap.assert_invariants();
            let took = |id| id + fuse.min(size + new) >= size + new;
            for id in 0..size + new {
                let before = (id < size).then_some(priority_of(id).0);
                let expected = if took(id) { Some(other_priority_of(id).0) } else { before };
                assert_eq!(heap.priority(id), expected);
            }

            let mut heap = ids::<D>(size);
            let fresh = || (size..size + new).inspect(|_| burn());
            trips(fuse, || heap.try_extend(fresh().map(|id| (id, 7))).expect("all are new"));
            heap.assert_invariants();
            assert_eq!(heap.len() as u32, size + fuse.min(new));

            let (mut heap, drops) = payloads::<D>(size);
            trips(fuse, || heap.extend(elements(new, &drops)));
            expect_in_order(&heap, &drops);
            assert_eq!(heap.len() as u32, size + fuse.min(new));

            let ((mut heap, drops), mut keys) = (payloads::<D>(size), Vec::new());
            let has_tripped =
                trips(fuse, || heap.extend_with_keys(elements(new, &drops), &mut keys));
            expect_in_order(&heap, &drops);
            assert_eq!(keys.len() as u32, fuse.min(new));
            assert!(keys.iter().all(|&key| heap.contains(key)));
            has_tripped
        });
    }
}

/// What is still in the iterator is the caller's: it is dropped by the unwinding.
fn make<const D: usize>() {
    for_every_call(|size, fuse| {
        trips(fuse, || _ = Ids::<D>::from_iter((0..size).inspect(|_| burn()).map(|id| (id, id))));
        let drops = Drops::default();
        let has_tripped = trips(fuse, || drop(Payloads::<D>::from_iter(elements(size, &drops))));
        drops.expect(|_| true);
        assert_eq!(drops.made(), fuse.min(size));
        has_tripped
    });
}

/// Somebody who collects keys: takes some, and panics or leaks the iterator.
struct Keys {
    most: u32,
    panics: bool,
}

impl Extend<Key> for Keys {
    fn extend<I: IntoIterator<Item = Key>>(&mut self, keys: I) {
        let mut keys = keys.into_iter();
        assert_eq!(keys.by_ref().take(self.most as usize).count(), self.most as usize);
        if self.panics {
            burn();
        }
        std::mem::forget(keys);
    }
}

fn collect_keys<const D: usize>() {
    for (size, new) in SIZES.into_iter().flat_map(|size| [(size, FEW), (size, MANY)]) {
        for (most, panics) in (0..=new).flat_map(|most| [(most, false), (most, true)]) {
            let (mut heap, drops) = payloads::<D>(size);
            // What isn't fetched isn't made, so that nothing of it is leaked.
            let fresh = (0..new).map(|_| (priority_of(drops.made()).0, drops.payload()));
            let has_tripped = trips(0, || heap.extend_with_keys(fresh, &mut Keys { most, panics }));
            assert_eq!(has_tripped, panics);
            expect_in_order(&heap, &drops);
            assert_eq!(heap.len() as u32, size + most);
        }
    }
}

/// What the other heap still holds when the function panics stays there.
fn rekey<const D: usize>() {
    for new in [FEW, MANY] {
        for_every_call(|size, fuse| {
            let (mut heap, drops) = payloads::<D>(size);
            let mut other: Payloads<D> = elements(new, &drops).collect();
            let has_tripped = trips(fuse, || heap.append(&mut other, |_, _| burn()));
            let moved = new.min(fuse + 1);
            assert_eq!(heap.len() as u32, size + moved);
            assert_eq!(other.len() as u32, new - moved);
            heap.assert_invariants();
            other.assert_invariants();
            drops.expect(|_| false);
            heap.append(&mut other, |_, _| {});
            expect_in_order(&heap, &drops);
            has_tripped
        });
    }
}

fn look_at_first<const D: usize>() {
    for size in SIZES {
        let (mut heap, drops) = payloads::<D>(size);
        let stale = heap.push(0, drops.payload());
        drop(heap.remove(stale));
        let panics: [fn(&mut Payloads<D>); 2] = [
            |heap| {
                drop(heap.pop_if(|_, _, _| {
                    burn();
                    true
                }));
            },
            |heap| {
                heap.drain_while(|_| {
                    burn();
                    true
                })
                .for_each(drop);
            },
        ];
        for panic in panics {
            assert!(trips(0, || panic(&mut heap)));
            assert_eq!(heap.len() as u32, size);
        }
        let tripped = trips(0, || {
            heap.decrease_or_push(stale, 1, || {
                burn();
                drops.payload()
            });
        });
        assert!(tripped);
        expect_in_order(&heap, &drops);
        assert_eq!(heap.len() as u32, size);

        let mut heap = ids::<D>(size);
        let held: Vec<_> = heap.iter().collect();
        let wants = |_| {
            burn();
            true
        };
        assert!(trips(0, || _ = heap.pop_if(|id, _| wants(id))));
        assert!(trips(0, || heap.drain_while(wants).for_each(drop)));
        assert!(heap.iter().eq(held));
        heap.assert_invariants();
    }
}

/// The guard's change is made by the unwinding.
fn change_first<const D: usize>() {
    for size in SIZES {
        let mut heap = ids::<D>(size);
        let first = heap.peek().map(|(id, _)| id).expect("an element is held");
        assert!(trips(0, || {
            heap.peek_mut().expect("an element is held").set_priority(u32::MAX);
            let mut first = heap.peek_mut().expect("an element is held");
            first.set_priority(u32::MAX - 1);
            burn();
        }));
        heap.assert_invariants();
        assert!(heap.priority(first).is_some_and(|priority| priority >= u32::MAX - 1));

        let (mut heap, drops) = payloads::<D>(size);
        let first = heap.peek().map(|(key, _, _)| key).expect("an element is held");
        assert!(trips(0, || {
            let mut first = heap.peek_mut().expect("an element is held");
            first.set_priority(u32::MAX);
            burn();
        }));
        expect_in_order(&heap, &drops);
        assert_eq!(heap.priority(first), Some(u32::MAX));
    }
}

/// One test for each function, which is run for every arity.
macro_rules! for_all_arities {
    ($($test:ident: $function:ident,)*) => {
        $(
            #[test]
            fn $test() {
                $function::<2>();
                $function::<3>();
                $function::<4>();
                $function::<8>();
            }
        )*
    };
}

for_all_arities! {
    a_heap_is_in_order_behind_a_predicate_of_retain: retain,
    a_heap_is_in_order_behind_an_iterator: extend,
    no_payload_is_lost_behind_an_iterator: make,
    a_heap_is_in_order_behind_a_collector_of_keys: collect_keys,
    both_heaps_are_in_order_behind_a_function_for_keys: rekey,
    a_heap_is_as_before_behind_a_look_at_its_first: look_at_first,
    a_change_of_the_first_is_made_by_the_unwinding: change_first,
}
