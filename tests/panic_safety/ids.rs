//! An `IdHeap` whose comparisons panic.

use std::collections::BTreeSet;

use punctual::heap::IdHeap;

use super::fuse::{Fragile, unburnt};
use super::steps::{
    End, FEW, Held, LARGEST, MANY, SMALLEST, Step, Subject, is_drained, is_retained,
    other_priority_of, priority_of,
};

pub(crate) struct Ids<const D: usize> {
    heap: IdHeap<Fragile, D>,
}

/// Elements with these ids.
fn elements(ids: std::ops::Range<u32>) -> impl Iterator<Item = (u32, Fragile)> {
    ids.map(|id| (id, priority_of(id)))
}

impl<const D: usize> Subject for Ids<D> {
    const OWN: &[Step] = &[
        Step::TryExtend(FEW),
        Step::TryExtend(MANY),
        Step::Overwrite(0),
        Step::Overwrite(FEW),
        Step::Overwrite(MANY),
    ];

    fn of_size(size: u32) -> Self {
        let mut heap = IdHeap::with_arity();
        for (id, priority) in elements(0..size) {
            heap.push(id, priority).expect("the id is new");
        }
        Self { heap }
    }

    fn at(&self, place: usize) -> u32 {
        self.heap.iter().nth(place).expect("the heap is not empty").0
    }

    fn run(&mut self, step: Step, target: u32, size: u32) {
        let heap = &mut self.heap;
        match step {
            Step::Push => drop(heap.push(size, SMALLEST)),
            Step::Pop | Step::PopWithKey => drop(heap.pop()),
            Step::PopIf => drop(heap.pop_if(|_, _| true)),
            Step::DrainWhile => heap.drain_while(is_drained).for_each(drop),
            Step::PeekMut => heap.peek_mut().expect("an element is held").set_priority(LARGEST),
            Step::PeekMutPop => _ = heap.peek_mut().expect("an element is held").pop(),
            Step::ReplaceTop => drop(heap.replace_top(size, LARGEST)),
            Step::PushPop => drop(heap.push_pop(size, LARGEST)),
            Step::Decrease(_) => drop(heap.decrease_key(target, SMALLEST)),
            Step::DecreaseOrPush(_) => drop(heap.decrease_or_push(target, SMALLEST)),
            Step::PushAbsent => drop(heap.decrease_or_push(size, SMALLEST)),
            Step::Raise(_) => drop(heap.change_key(target, LARGEST)),
            Step::Lower(_) => drop(heap.change_key(target, SMALLEST)),
            Step::Remove(_) => drop(heap.remove(target)),
            Step::TryExtend(new) => heap.try_extend(elements(size..size + new)).expect("all new"),
            Step::Overwrite(new) => {
                heap.extend((0..size + new).rev().map(|id| (id, other_priority_of(id))));
            }
            Step::Extend(new) | Step::ExtendWithKeys(new) => {
                heap.extend(elements(size..size + new));
            }
            Step::Append(new) => {
                let mut other = unburnt(|| elements(size..size + new).collect());
                heap.append(&mut other).expect("all ids are new");
            }
            Step::Retain => heap.retain(|id, _| is_retained(id)),
            Step::Drain => heap.drain().for_each(drop),
            Step::Rebuild => heap.rebuild(),
            Step::Clear => heap.clear(),
        }
    }

    fn held(&self) -> Held {
        let held: Held = self.heap.iter().map(|(id, priority)| (id, priority.0)).collect();
        for id in 0..self.heap.covered() as u32 {
            assert_eq!(self.heap.contains(id), held.contains_key(&id));
            assert_eq!(self.heap.priority(id).map(|it| it.0), held.get(&id).copied());
        }
        assert_eq!(self.heap.len(), held.len());
        assert_eq!(self.heap.is_empty(), held.is_empty());
        held
    }

    fn end(mut self, end: End) {
        let newcomer = self.heap.covered() as u32 + 7;
        self.heap.push(newcomer, SMALLEST).expect("the id is new");
        let held = self.held();
        match end {
            End::RemoveAll => {
                for (&id, &priority) in &held {
                    assert_eq!(self.heap.remove(id).map(|it| it.0), Some(priority));
                    assert!(self.heap.remove(id).is_none());
                }
            }
            End::PopAll | End::Rebuild => {
                if let End::Rebuild = end {
                    self.heap.rebuild();
                    self.heap.assert_invariants();
                    assert_eq!(self.held(), held);
                }
                let popped: Vec<_> = std::iter::from_fn(|| self.heap.pop()).collect();
                let ids: BTreeSet<u32> = popped.iter().map(|&(id, _)| id).collect();
                assert!(matches!(end, End::PopAll) || popped.is_sorted_by_key(|it| it.1));
                assert!(popped.len() == held.len() && ids.iter().eq(held.keys()));
            }
        }
        assert!(self.heap.is_empty() && self.heap.pop().is_none());
        for (id, priority) in elements(0..newcomer + 1) {
            self.heap.push(id, priority).expect("every id is free again");
        }
        self.heap.assert_invariants();
    }
}
