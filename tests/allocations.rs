//! Memory is allocated by growth alone, and no more of it is kept than an element's size says.
//!
//! All is one test without a harness, since the allocator counts what every thread of the process
//! does, and a harness allocates beside its tests.

use core::time::Duration;
use std::alloc::System;

use punctual::heap::{IdHeap, IndexedHeap};
use punctual::key::{Key, KeyedStore};
use punctual::time::Time;
use punctual::wheel::Timeouts;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So many elements are in a heap, or make room for it.
const COUNT: u32 = 1_000;

/// A scrambled order with ties.
fn priority_of(number: u32) -> u64 {
    u64::from(number.wrapping_mul(2_654_435_761) >> 20)
}

/// Runs `operation` and checks that it neither takes memory nor gives it back.
fn expect_no_allocation<R>(name: &str, operation: impl FnOnce() -> R) -> R {
    let region = Region::new(ALLOCATOR);
    let result = operation();
    let change = region.change();
    let calls = (change.allocations, change.reallocations, change.deallocations);
    assert_eq!(calls, (0, 0, 0), "{name} allocates, reallocates or deallocates");
    result
}

/// What `make` gives, and how many bytes more are allocated while it lives.
fn live_bytes<R>(make: impl FnOnce() -> R) -> (R, usize) {
    let region = Region::new(ALLOCATOR);
    let made = make();
    let change = region.change();
    (made, change.bytes_allocated - change.bytes_deallocated)
}

fn id_heap<const D: usize>() {
    let mut heap = IdHeap::<u64, D>::with_arity_and_bound(COUNT);
    heap.reserve(COUNT as usize);
    heap.try_cover(COUNT).expect("there is memory");
    let mut other = IdHeap::<u64, D>::from_iter((0..COUNT).map(|id| (id, priority_of(id))));
    for _ in 0..2 {
        expect_no_allocation("push", || {
            (0..COUNT).all(|id| heap.push(id, priority_of(id)) == Ok(()))
        });
        expect_no_allocation("changes", || {
            for id in (0..COUNT).step_by(3) {
                _ = heap.decrease_key(id, priority_of(id) / 2);
                _ = heap.decrease_or_push(id, priority_of(id) / 3);
                heap.change_key(id, priority_of(id) * 2);
            }
        });
        expect_no_allocation("the first", || {
            for id in (0..COUNT).step_by(7) {
                heap.peek_mut().expect("elements are held").set_priority(priority_of(id));
                let (first, priority) = heap.pop().expect("elements are held");
                heap.replace_top(first, priority).expect("the id is new");
                _ = heap.push_pop(COUNT - 1, priority);
                _ = heap.peek_mut().expect("elements are held").pop();
            }
        });
        expect_no_allocation("remove", || (0..COUNT).filter_map(|id| heap.remove(id)).count());
        expect_no_allocation("append", || heap.append(&mut other)).expect("all ids are new");
        expect_no_allocation("retain", || heap.retain(|id, _| id % 3 != 0));
        expect_no_allocation("rebuild", || heap.rebuild());
        expect_no_allocation("drain_while", || heap.drain_while(|it| it < 100).count());
        expect_no_allocation("extend", || heap.extend((0..COUNT).map(|id| (id, priority_of(id)))));
        expect_no_allocation("drain", || heap.drain().count());
        expect_no_allocation("try_extend", || heap.try_extend((0..COUNT).map(|id| (id, 1))))
            .expect("all ids are new");
        expect_no_allocation("clear", || heap.clear());
        expect_no_allocation("reserve", || heap.reserve(COUNT as usize));
        expect_no_allocation("extend", || other.extend((0..COUNT).map(|id| (id, 7))));
    }
    heap.assert_invariants();
}

fn indexed_heap<const D: usize>() {
    let mut heap = IndexedHeap::<u64, u32, D>::with_arity_and_capacity(COUNT as usize);
    let mut keys = Vec::with_capacity(COUNT as usize);
    let elements = || (0..COUNT).map(|number| (priority_of(number), number));
    let mut other: IndexedHeap<u64, u32, D> = elements().collect();
    for _ in 0..2 {
        keys.clear();
        expect_no_allocation("push", || {
            keys.extend(elements().map(|(priority, number)| heap.push(priority, number)));
        });
        expect_no_allocation("changes", || {
            for &key in keys.iter().step_by(3) {
                let priority = heap.priority(key).expect("it is held");
                _ = heap.decrease_key(key, priority / 2);
                heap.decrease_or_push(key, priority / 3, || 0);
                heap.change_key(key, priority * 2);
            }
        });
        expect_no_allocation("the first", || {
            for (priority, number) in elements().step_by(7) {
                heap.peek_mut().expect("elements are held").set_priority(priority);
                _ = heap.pop();
                keys.pop().and_then(|key| heap.remove(key));
                heap.push(priority, number);
                heap.replace_top(priority, number);
                heap.push_pop(priority, number);
                _ = heap.peek_mut().expect("elements are held").pop();
            }
        });
        expect_no_allocation("remove", || keys.drain(..).filter_map(|it| heap.remove(it)).count());
        expect_no_allocation("retain", || heap.retain(|_, _, number| *number % 3 != 0));
        expect_no_allocation("rebuild", || heap.rebuild());
        expect_no_allocation("drain", || heap.drain().count());
        expect_no_allocation("append", || heap.append(&mut other, |_, _| {}));
        expect_no_allocation("drain_while", || heap.drain_while(|it| it < 100).count());
        expect_no_allocation("clear", || heap.clear());
        expect_no_allocation("extend", || heap.extend_with_keys(elements(), &mut keys));
        expect_no_allocation("clear", || heap.clear());
        expect_no_allocation("reserve", || heap.reserve(COUNT as usize));
        expect_no_allocation("extend", || other.extend(elements()));
    }
    heap.assert_invariants();
}

fn keyed_store() {
    let mut store = KeyedStore::with_capacity(COUNT as usize);
    expect_no_allocation("the store", || {
        for number in 0..10 * COUNT {
            let key = store.insert(number);
            if store.len() == COUNT as usize {
                store.clear();
            } else if number % 3 == 0 {
                store.remove(key);
            }
        }
        store.clear();
        store.reserve(COUNT as usize);
    });
}

fn timeouts() {
    let mut lane = Timeouts::new(Duration::from_nanos(u64::from(COUNT)));
    lane.reserve(COUNT as usize);
    let mut keys: Vec<Key> = Vec::with_capacity(COUNT as usize);
    for round in 0..3 {
        let at = |number: u32| Time::from_nanos(u64::from(round * 3 * COUNT + number));
        keys.clear();
        expect_no_allocation("insert", || {
            keys.extend((0..COUNT).map(|number| lane.insert(at(number), number)));
        });
        expect_no_allocation("changes", || {
            for (number, &key) in (COUNT..).zip(&keys).step_by(3) {
                lane.restart(key, at(number));
            }
            keys.iter().step_by(7).filter_map(|&key| lane.cancel(key)).count()
        });
        expect_no_allocation("pop_due", || lane.pop_due(at(COUNT + 1)));
        expect_no_allocation("advance", || lane.advance(at(COUNT + 300), 200, |_, _| {}).fired);
        expect_no_allocation("retain", || lane.retain(|_, _, number| *number % 3 != 0));
        expect_no_allocation("iter", || lane.iter().count());
        expect_no_allocation("drain", || lane.drain().count());
        expect_no_allocation("clear", || lane.clear());
        expect_no_allocation("reserve", || lane.reserve(COUNT as usize));
    }
    lane.assert_invariants();
}

/// A timer costs 24 bytes and its payload, rounded up to eight.
fn memory_of_timeouts() {
    fn live<T: Default>(expected: usize) {
        let (mut lane, live) = live_bytes(|| {
            let mut lane = Timeouts::new(Duration::ZERO);
            lane.reserve(COUNT as usize);
            for _ in 0..COUNT {
                lane.insert(Time::ZERO, T::default());
            }
            lane.shrink_to_fit();
            lane
        });
        assert_eq!(live, expected * COUNT as usize);
        let region = Region::new(ALLOCATOR);
        lane.clear();
        lane.shrink_to_fit();
        assert_eq!(region.change().bytes_deallocated, live);
    }
    live::<()>(24);
    live::<u8>(32);
    live::<u32>(32);
    live::<u64>(32);
    live::<[u64; 3]>(48);
}

/// The table of positions doubles, but not past the bound: what a hostile id costs is known.
fn the_largest_ids_of_a_bound() {
    const BOUND: u32 = 1 << 20;
    let (_heap, live) = live_bytes(|| {
        let mut heap = IdHeap::<u64>::with_bound(BOUND);
        for id in [BOUND - 3, BOUND - 1] {
            heap.push(id, 1).expect("the id is new");
        }
        heap
    });
    assert!(live <= 4 * BOUND as usize + 1_000, "{live} bytes for a table of {BOUND} ids");
}

/// An element costs its priority, its id and its position, and hardly more.
fn memory_of_elements() {
    const MANY: u32 = 100_000;
    let many = MANY as usize;
    let elements = || (0..MANY).map(|id| (id, priority_of(id)));
    let made = |mut heap: IdHeap<u64>| {
        heap.shrink_to_fit();
        heap
    };
    let (heap, collected) = live_bytes(|| made(elements().collect()));
    let (pushed, live) = live_bytes(|| {
        let mut heap = IdHeap::new();
        elements().for_each(|(id, priority)| heap.push(id, priority).expect("the id is new"));
        made(heap)
    });
    let (copy, copied) = live_bytes(|| heap.clone());
    for bytes in [collected, live, copied] {
        assert!((16 * many..=17 * many).contains(&bytes), "{bytes} bytes for {many} elements");
    }
    for mut heap in [heap, pushed, copy] {
        let region = Region::new(ALLOCATOR);
        heap.clear();
        heap.shrink_to_fit();
        let freed = region.change().bytes_deallocated;
        assert!(freed >= 16 * many, "an empty heap gave {freed} bytes back");
    }

    let (mut heap, _) = live_bytes(|| {
        IndexedHeap::<u64, u64>::from_iter(elements().map(|(id, it)| (it, u64::from(id))))
    });
    let (copy, copied) = live_bytes(|| heap.clone());
    let region = Region::new(ALLOCATOR);
    heap.shrink_to_fit();
    drop(heap);
    let change = region.change();
    let freed = change.bytes_deallocated - change.bytes_allocated;
    assert!((32 * many..=33 * many).contains(&copied), "{copied} bytes for {many} elements");
    assert!(freed >= 32 * many && copy.len() == many);
}

fn memory_is_allocated_by_growth_alone() {
    id_heap::<2>();
    id_heap::<3>();
    id_heap::<4>();
    id_heap::<8>();
    indexed_heap::<2>();
    indexed_heap::<3>();
    indexed_heap::<4>();
    indexed_heap::<8>();
    keyed_store();
    timeouts();
    memory_of_timeouts();
    memory_of_elements();
    the_largest_ids_of_a_bound();
    let (_, left) = live_bytes(|| {
        id_heap::<2>();
        indexed_heap::<2>();
    });
    assert_eq!(left, 0, "a heap that is gone has given everything back");
}

fn main() {
    memory_is_allocated_by_growth_alone();
    eprintln!("test memory_is_allocated_by_growth_alone ... ok");
}
