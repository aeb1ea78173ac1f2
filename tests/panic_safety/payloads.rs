//! An `IndexedHeap` whose comparisons panic: no payload is leaked, and none is dropped twice.

use std::collections::BTreeSet;

use punctual::heap::IndexedHeap;
use punctual::key::Key;

use super::fuse::{Drops, Fragile, Payload, unburnt};
use super::steps::{
    End, FEW, Held, LARGEST, MANY, SMALLEST, Step, Subject, is_drained, is_retained, priority_of,
};

pub(crate) struct Payloads<const D: usize> {
    heap: IndexedHeap<Fragile, Payload, D>,
    drops: Drops,
    /// In the order of the payloads' numbers, of the first elements.
    keys: Vec<Key>,
    /// The key of an element that was in the heap before them.
    stale: Key,
}

/// So many new elements.
fn elements(new: u32, drops: &Drops) -> impl Iterator<Item = (Fragile, Payload)> {
    (0..new).map(|_| (priority_of(drops.made()), drops.payload()))
}

impl<const D: usize> Subject for Payloads<D> {
    const OWN: &[Step] = &[Step::PopWithKey, Step::ExtendWithKeys(FEW), Step::ExtendWithKeys(MANY)];

    fn of_size(size: u32) -> Self {
        let (mut heap, drops) = (IndexedHeap::with_arity(), Drops::default());
        let stale = heap.push(SMALLEST, Drops::default().payload());
        heap.clear();
        let push = |(priority, payload)| heap.push(priority, payload);
        let keys = elements(size, &drops).map(push).collect();
        Self { heap, drops, keys, stale }
    }

    fn at(&self, place: usize) -> u32 {
        self.heap.iter().nth(place).expect("the heap is not empty").2.index
    }

    fn run(&mut self, step: Step, target: u32, _size: u32) {
        let (heap, drops, key) = (&mut self.heap, &self.drops, self.keys[target as usize]);
        match step {
            Step::Push => _ = heap.push(SMALLEST, drops.payload()),
            Step::Pop => drop(heap.pop()),
            Step::PopWithKey => drop(heap.pop_with_key()),
            Step::PopIf => drop(heap.pop_if(|_, _, _| true)),
            Step::DrainWhile => heap.drain_while(is_drained).for_each(drop),
            Step::PeekMut => heap.peek_mut().expect("an element is held").set_priority(LARGEST),
            Step::PeekMutPop => drop(heap.peek_mut().expect("an element is held").pop()),
            Step::ReplaceTop => drop(heap.replace_top(LARGEST, drops.payload())),
            Step::PushPop => drop(heap.push_pop(LARGEST, drops.payload())),
            Step::Decrease(_) => drop(heap.decrease_key(key, SMALLEST)),
            Step::DecreaseOrPush(_) => {
                heap.decrease_or_push(key, SMALLEST, || unreachable!("the element is held"));
            }
            Step::PushAbsent => {
                heap.decrease_or_push(self.stale, SMALLEST, || drops.payload());
            }
            Step::Raise(_) => drop(heap.change_key(key, LARGEST)),
            Step::Lower(_) => drop(heap.change_key(key, SMALLEST)),
            Step::Remove(_) => drop(heap.remove(key)),
            Step::TryExtend(new) | Step::Overwrite(new) | Step::Extend(new) => {
                heap.extend(elements(new, drops));
            }
            Step::ExtendWithKeys(new) => {
                heap.extend_with_keys(elements(new, drops), &mut self.keys);
            }
            Step::Append(new) => {
                let mut other = unburnt(|| elements(new, drops).collect());
                heap.append(&mut other, |_, _| {});
            }
            Step::Retain => heap.retain(|_, _, payload| is_retained(payload.index)),
            Step::Drain => heap.drain().for_each(drop),
            Step::Rebuild => heap.rebuild(),
            Step::Clear => heap.clear(),
        }
    }

    fn held(&self) -> Held {
        let heap = &self.heap;
        let held: Held = heap.iter().map(|(_, priority, it)| (it.index, priority.0)).collect();
        for (key, priority, payload) in heap {
            assert!(heap.contains(key));
            assert_eq!(heap.get(key).map(|it| it.index), Some(payload.index));
            assert_eq!(heap.priority(key).map(|it| it.0), Some(priority.0));
        }
        for (index, &key) in (0..).zip(&self.keys) {
            assert_eq!(heap.get(key).is_some(), held.contains_key(&index));
            assert_eq!(heap.priority(key).map(|it| it.0), held.get(&index).copied());
        }
        assert_eq!((heap.len(), heap.is_empty()), (held.len(), held.is_empty()));
        self.drops.expect(|index| !held.contains_key(&index));
        held
    }

    fn end(mut self, end: End) {
        let newcomer = self.heap.push(SMALLEST, self.drops.payload());
        assert!(!self.keys.contains(&newcomer));
        let held = self.held();
        match end {
            End::RemoveAll => {
                let keys: Vec<Key> = self.heap.iter().map(|(key, _, _)| key).collect();
                for key in keys {
                    let (priority, payload) = self.heap.remove(key).expect("it is held");
                    assert_eq!(held.get(&payload.index), Some(&priority.0));
                    assert!(self.heap.remove(key).is_none());
                }
            }
            End::PopAll | End::Rebuild => {
                if let End::Rebuild = end {
                    self.heap.rebuild();
                    self.heap.assert_invariants();
                    assert_eq!(self.held(), held);
                }
                let popped: Vec<_> = std::iter::from_fn(|| self.heap.pop()).collect();
                let indices: BTreeSet<u32> = popped.iter().map(|(_, it)| it.index).collect();
                assert!(matches!(end, End::PopAll) || popped.is_sorted_by_key(|it| it.0));
                assert!(popped.len() == held.len() && indices.iter().eq(held.keys()));
            }
        }
        assert!(self.heap.is_empty() && self.heap.peek().is_none());
        self.drops.expect(|_| true);
        self.heap.extend(elements(30, &self.drops));
        self.heap.assert_invariants();
        drop(self.heap);
        self.drops.expect(|_| true);
    }
}
