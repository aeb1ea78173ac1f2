//! All operations of a heap, what they should do, and the driver that interrupts each one at each
//! of its comparisons.
//!
//! What may be checked after a panic is everything but the order, so the public interface is
//! asked first, and `assert_invariants` only after a rebuild.

use std::collections::BTreeMap;

use super::fuse::{Fragile, trips};

/// What a heap holds: the priority of each element, which is named by a number.
pub(crate) type Held = BTreeMap<u32, u32>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Push,
    Pop,
    PopWithKey,
    PopIf,
    DrainWhile,
    PeekMut,
    PeekMutPop,
    ReplaceTop,
    PushPop,
    Decrease(Place),
    DecreaseOrPush(Place),
    PushAbsent,
    Raise(Place),
    Lower(Place),
    Remove(Place),
    /// So many new elements.
    TryExtend(u32),
    /// So many new elements behind those that are held, which get other priorities.
    Overwrite(u32),
    Extend(u32),
    ExtendWithKeys(u32),
    Append(u32),
    Retain,
    Drain,
    Rebuild,
    Clear,
}

/// Where in the heap's arrays an operation finds its element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Top,
    Middle,
    Last,
}

const PLACES: [Place; 3] = [Place::Top, Place::Middle, Place::Last];

/// So many elements that every arity has incomplete groups of siblings on some size.
pub(crate) const SIZES: [u32; 7] = [1, 2, 3, 5, 8, 13, 24];

/// Fewer new elements than a rebuild is worth, and more.
pub(crate) const FEW: u32 = 2;
pub(crate) const MANY: u32 = 30;

/// Priorities are between these two, unless a step asks for one of them.
pub(crate) const SMALLEST: Fragile = Fragile(1);
pub(crate) const LARGEST: Fragile = Fragile(u32::MAX);

/// Elements up to this priority are taken out by `DrainWhile`.
const LIMIT: u32 = 1_040;

/// Priorities in a scrambled order, with room for smaller and larger ones.
pub(crate) fn priority_of(index: u32) -> Fragile {
    Fragile(1_000 + index * 37 % 101)
}

/// Another priority for an element that is extended with once more.
pub(crate) fn other_priority_of(index: u32) -> Fragile {
    Fragile(1_000 + index * 53 % 101)
}

pub(crate) fn is_drained(priority: Fragile) -> bool {
    priority.0 <= LIMIT
}

pub(crate) fn is_retained(index: u32) -> bool {
    !index.is_multiple_of(3)
}

impl Place {
    fn of(self, len: usize) -> usize {
        match self {
            Self::Top => 0,
            Self::Middle => len / 2,
            Self::Last => len - 1,
        }
    }
}

impl Step {
    /// The steps of both heaps.
    fn common() -> impl Iterator<Item = Self> {
        let placed = PLACES.into_iter().flat_map(|place| {
            let decreases = [Self::Decrease(place), Self::DecreaseOrPush(place)];
            decreases.into_iter().chain([
                Self::Raise(place),
                Self::Lower(place),
                Self::Remove(place),
            ])
        });
        let firsts = [Self::Pop, Self::PopIf, Self::DrainWhile, Self::PeekMut, Self::PeekMutPop];
        let pushes = [Self::Push, Self::PushAbsent, Self::ReplaceTop, Self::PushPop];
        let all = [Self::Retain, Self::Drain, Self::Rebuild, Self::Clear];
        let batches =
            [FEW, MANY].into_iter().flat_map(|new| [Self::Extend(new), Self::Append(new)]);
        placed.chain(firsts).chain(pushes).chain(all).chain(batches)
    }

    fn place(self) -> Place {
        match self {
            Self::Decrease(place) | Self::DecreaseOrPush(place) | Self::Raise(place) => place,
            Self::Lower(place) | Self::Remove(place) => place,
            _ => Place::Top,
        }
    }

    /// What a heap holds after the step, which is about the element `target`; new elements have
    /// the numbers behind those of `before`.
    fn apply(self, before: &Held, target: u32) -> Held {
        let (mut held, size) = (before.clone(), before.len() as u32);
        match self {
            Self::Push | Self::PushAbsent => drop(held.insert(size, SMALLEST.0)),
            Self::Pop | Self::PopWithKey | Self::PopIf | Self::PeekMutPop | Self::Remove(_) => {
                held.remove(&target);
            }
            Self::DrainWhile => held.retain(|_, &mut priority| !is_drained(Fragile(priority))),
            Self::ReplaceTop | Self::PushPop => {
                held.remove(&target);
                held.insert(size, LARGEST.0);
            }
            Self::Decrease(_) | Self::DecreaseOrPush(_) | Self::Lower(_) => {
                held.insert(target, SMALLEST.0);
            }
            Self::PeekMut | Self::Raise(_) => drop(held.insert(target, LARGEST.0)),
            Self::Overwrite(new) => {
                held.extend((0..size + new).map(|index| (index, other_priority_of(index).0)));
            }
            Self::TryExtend(new)
            | Self::Extend(new)
            | Self::ExtendWithKeys(new)
            | Self::Append(new) => {
                held.extend((size..size + new).map(|index| (index, priority_of(index).0)));
            }
            Self::Retain => held.retain(|&index, _| is_retained(index)),
            Self::Drain | Self::Clear => held.clear(),
            Self::Rebuild => {}
        }
        held
    }

    /// Checks what an interrupted step left behind.
    fn expect_interrupted(self, held: &Held, before: &Held, after: &Held) {
        match self {
            // An element has its old priority or the new one.
            Self::Decrease(_) | Self::DecreaseOrPush(_) | Self::Lower(_) | Self::Raise(_)
            | Self::PeekMut
            // The new element is compared once before one of the two comes out.
            | Self::PushPop => assert!(held == before || held == after, "{held:?}"),
            // Some pops are over.
            Self::DrainWhile => {
                let smallest = held.iter().all(|entry| before.get(entry.0) == Some(entry.1));
                let rest = after.keys().all(|index| held.contains_key(index));
                assert!(smallest && rest && held.len() < before.len(), "{held:?}");
            }
            _ => assert_eq!(held, after),
        }
    }

    /// Whether the step compares at all in a heap of this size, whatever its arity.
    fn compares(self, size: u32) -> bool {
        match self {
            Self::Clear | Self::Drain | Self::Remove(Place::Last) => false,
            Self::Pop | Self::PopWithKey | Self::PopIf | Self::PeekMutPop => size > 2,
            Self::DrainWhile | Self::Remove(_) => size > 2,
            Self::ReplaceTop | Self::Rebuild | Self::Overwrite(0) => size > 1,
            Self::Retain => size > 3,
            _ => true,
        }
    }
}

/// How a heap is looked through in the end.
#[derive(Clone, Copy)]
pub(crate) enum End {
    RemoveAll,
    PopAll,
    Rebuild,
}

/// A heap under test.
pub(crate) trait Subject {
    /// The steps that only this heap has.
    const OWN: &[Step];

    /// A heap of the elements below `size`, each of its `priority_of`.
    fn of_size(size: u32) -> Self;

    /// The element at a place of the heap's arrays.
    fn at(&self, place: usize) -> u32;

    /// Does the step with the element `target` and new ones from `size` on.
    fn run(&mut self, step: Step, target: u32, size: u32);

    /// What the heap holds. Checks that all ways to an element agree, and that nothing else lives.
    fn held(&self) -> Held;

    /// Looks the heap through, and checks that it is as good as new then.
    fn end(self, end: End);
}

/// Every step with a panic at every comparison.
pub(crate) fn panic_everywhere<S: Subject>() {
    let steps = || Step::common().chain(S::OWN.iter().copied());
    for (size, step) in SIZES.into_iter().flat_map(|size| steps().map(move |step| (size, step))) {
        let mut fuse = 0;
        loop {
            let mut has_tripped = false;
            for end in [End::RemoveAll, End::PopAll, End::Rebuild] {
                let mut subject = S::of_size(size);
                let target = subject.at(step.place().of(size as usize));
                let before = subject.held();
                let after = step.apply(&before, target);
                has_tripped = trips(fuse, || subject.run(step, target, size));
                let held = subject.held();
                if has_tripped {
                    step.expect_interrupted(&held, &before, &after);
                } else {
                    assert_eq!(held, after, "{step:?}");
                }
                subject.end(end);
            }
            if !has_tripped {
                break;
            }
            fuse += 1;
        }
        assert!(!step.compares(size) || fuse > 0, "{step:?} compares nothing in a heap of {size}");
    }
}
