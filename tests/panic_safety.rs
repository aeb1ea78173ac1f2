//! A comparison or a drop that panics may cost a heap its order, but never an element.
//!
//! Every operation is run with a panic in its first comparison, then in its second, and so on
//! until it passes. What may be checked afterwards is everything but the order, so the public
//! interface is asked, and not `assert_invariants`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use punctual::heap::{IdHeap, IndexedHeap};
use punctual::key::{Key, KeyedStore};

thread_local! {
    /// How many comparisons still pass before one panics; `None` while all do.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// What is thrown. No other panic counts as expected.
#[derive(Debug)]
struct Tripped;

fn trip() -> ! {
    resume_unwind(Box::new(Tripped))
}

/// A priority whose comparison may panic.
#[derive(Clone, Copy, Debug)]
struct Fragile(u32);

impl Ord for Fragile {
    fn cmp(&self, other: &Self) -> Ordering {
        match FUSE.get() {
            Some(0) => trip(),
            fuse => FUSE.set(fuse.map(|left| left - 1)),
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Fragile {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Fragile {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Fragile {}

/// Runs `operation` with a panic after so many comparisons; tells whether there was one.
fn trips(fuse: u32, operation: impl FnOnce()) -> bool {
    FUSE.set(Some(fuse));
    let result = catch_unwind(AssertUnwindSafe(operation));
    FUSE.set(None);
    result.inspect_err(|thrown| expect_tripped(&**thrown)).is_err()
}

fn expect_tripped(thrown: &(dyn Any + Send)) {
    assert!(thrown.is::<Tripped>(), "another panic than the one that was planned");
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Push,
    Pop,
    Decrease(Place),
    Raise(Place),
    Lower(Place),
    Remove(Place),
    Clear,
}

/// Where in the heap's arrays an operation finds its element.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Top,
    Middle,
    Last,
}

const PLACES: [Place; 3] = [Place::Top, Place::Middle, Place::Last];

/// So many elements that every arity has incomplete groups of siblings on some size.
const SIZES: [u32; 7] = [1, 2, 3, 5, 8, 13, 24];

impl Place {
    fn of(self, len: usize) -> usize {
        match self {
            Self::Top => 0,
            Self::Middle => len / 2,
            Self::Last => len - 1,
        }
    }
}

/// All operations; most of them compare in a heap of this size, whatever its arity.
fn steps() -> impl Iterator<Item = Step> {
    let placed = PLACES.into_iter().flat_map(|place| {
        [Step::Decrease(place), Step::Raise(place), Step::Lower(place), Step::Remove(place)]
    });
    [Step::Push, Step::Pop, Step::Clear].into_iter().chain(placed)
}

/// A structure under test with a record of what it should hold.
trait Subject {
    fn of_size(size: u32) -> Self;

    fn run(&mut self, step: Step);

    /// Checks everything but the order, after a panic in `step` or none.
    fn check(&self, step: Step, tripped: bool);

    /// Empties the heap through its keys, or through `pop`, and checks that it is as good as new.
    fn use_up(self, by_key: bool);
}

/// Every step with a panic at every comparison.
fn panic_everywhere<S: Subject>() {
    for (size, step) in SIZES.into_iter().flat_map(|size| steps().map(move |step| (size, step))) {
        let mut fuse = 0;
        loop {
            let mut tripped = false;
            for by_key in [true, false] {
                let mut subject = S::of_size(size);
                tripped = trips(fuse, || subject.run(step));
                subject.check(step, tripped);
                subject.use_up(by_key);
            }
            if !tripped {
                break;
            }
            fuse += 1;
        }
        let compares = match step {
            Step::Clear | Step::Remove(Place::Last) => false,
            Step::Pop | Step::Remove(_) => size > 2,
            _ => true,
        };
        assert!(!compares || fuse > 0, "{step:?} compares nothing in a heap of {size}");
    }
}

/// Priorities in a scrambled order, with room for smaller and larger ones.
fn priority_of(index: u32) -> Fragile {
    Fragile(1_000 + index * 37 % 101)
}

const SMALLEST: Fragile = Fragile(1);
const LARGEST: Fragile = Fragile(u32::MAX);

struct Ids<const D: usize> {
    heap: IdHeap<Fragile, D>,
    size: u32,
    /// The element that the step was about.
    target: Option<u32>,
}

impl<const D: usize> Ids<D> {
    fn at(&self, place: Place) -> u32 {
        self.heap.iter().nth(place.of(self.heap.len())).expect("the heap is not empty").0
    }
}

impl<const D: usize> Subject for Ids<D> {
    fn of_size(size: u32) -> Self {
        let mut heap = IdHeap::with_arity();
        for id in 0..size {
            heap.push(id, priority_of(id)).expect("the id is new");
        }
        Self { heap, size, target: None }
    }

    fn run(&mut self, step: Step) {
        self.target = match step {
            Step::Push => Some(self.size),
            Step::Pop => self.heap.peek().map(|(id, _)| id),
            Step::Clear => None,
            Step::Decrease(at) | Step::Raise(at) | Step::Lower(at) | Step::Remove(at) => {
                Some(self.at(at))
            }
        };
        let id = self.target.unwrap_or(0);
        match step {
            Step::Push => drop(self.heap.push(id, SMALLEST)),
            Step::Pop => drop(self.heap.pop()),
            Step::Decrease(_) => drop(self.heap.decrease_key(id, SMALLEST)),
            Step::Lower(_) => drop(self.heap.change_key(id, SMALLEST)),
            Step::Raise(_) => drop(self.heap.change_key(id, LARGEST)),
            Step::Remove(_) => drop(self.heap.remove(id)),
            Step::Clear => self.heap.clear(),
        }
    }

    fn check(&self, step: Step, tripped: bool) {
        let mut held: Vec<u32> = self.heap.iter().map(|(id, _)| id).collect();
        for (id, priority) in self.heap.iter() {
            assert!(self.heap.contains(id));
            assert_eq!(self.heap.priority(id).map(|it| it.0), Some(priority.0));
            if Some(id) != self.target {
                assert_eq!(priority.0, priority_of(id).0);
            }
        }
        held.sort_unstable();
        let target = self.target;
        let expected: Vec<u32> = match step {
            Step::Push => (0..=self.size).collect(),
            Step::Pop | Step::Remove(_) => {
                (0..self.size).filter(|&id| Some(id) != target).collect()
            }
            Step::Clear => Vec::new(),
            _ => (0..self.size).collect(),
        };
        assert_eq!(held, expected, "after {step:?}, tripped: {tripped}");
        assert_eq!(self.heap.len(), expected.len());
        assert_eq!(self.heap.is_empty(), expected.is_empty());
        let priority = target.and_then(|id| self.heap.priority(id)).map(|it| it.0);
        let before = target.map_or(0, |id| priority_of(id).0);
        match step {
            Step::Push => assert_eq!(priority, Some(SMALLEST.0)),
            Step::Pop | Step::Remove(_) | Step::Clear => assert_eq!(priority, None),
            Step::Decrease(_) | Step::Lower(_) | Step::Raise(_) => {
                let after = if let Step::Raise(_) = step { LARGEST.0 } else { SMALLEST.0 };
                assert!(priority == Some(after) || tripped && priority == Some(before));
            }
        }
    }

    fn use_up(mut self, by_key: bool) {
        self.heap.push(self.size + 7, SMALLEST).expect("the id is new");
        let held: Vec<(u32, Fragile)> = self.heap.iter().collect();
        if by_key {
            for &(id, priority) in &held {
                assert_eq!(self.heap.remove(id).map(|it| it.0), Some(priority.0));
                assert!(self.heap.remove(id).is_none());
            }
        } else {
            let mut popped: Vec<u32> =
                std::iter::from_fn(|| self.heap.pop()).map(|(id, _)| id).collect();
            popped.sort_unstable();
            let mut expected: Vec<u32> = held.iter().map(|&(id, _)| id).collect();
            expected.sort_unstable();
            assert_eq!(popped, expected);
        }
        assert!(self.heap.is_empty() && self.heap.pop().is_none());
        for id in 0..self.size + 8 {
            self.heap.push(id, priority_of(id)).expect("every id is free again");
        }
        self.heap.assert_invariants();
    }
}

/// Counts how often each payload was dropped.
#[derive(Clone, Default)]
struct Drops(Rc<RefCell<Vec<u32>>>);

struct Payload {
    index: usize,
    drops: Drops,
    panics: Cell<bool>,
}

impl Drops {
    fn payload(&self) -> Payload {
        let mut counts = self.0.borrow_mut();
        counts.push(0);
        Payload { index: counts.len() - 1, drops: self.clone(), panics: Cell::new(false) }
    }

    /// Whether every payload was dropped as often as it should have been.
    fn are(&self, expected: impl Fn(usize) -> bool) -> bool {
        let counts = self.0.borrow();
        counts.iter().enumerate().all(|(index, &count)| count == u32::from(expected(index)))
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.drops.0.borrow_mut()[self.index] += 1;
        if self.panics.get() {
            trip();
        }
    }
}

struct Payloads<const D: usize> {
    heap: IndexedHeap<Fragile, Payload, D>,
    drops: Drops,
    /// In the order of the payloads' numbers.
    keys: Vec<Key>,
    /// The number of the payload that the step was about.
    target: Option<usize>,
}

impl<const D: usize> Subject for Payloads<D> {
    fn of_size(size: u32) -> Self {
        let (mut heap, drops) = (IndexedHeap::with_arity(), Drops::default());
        let keys = (0..size).map(|index| heap.push(priority_of(index), drops.payload())).collect();
        Self { heap, drops, keys, target: None }
    }

    fn run(&mut self, step: Step) {
        let at = |place: Place| {
            let (_, _, payload) = self.heap.iter().nth(place.of(self.heap.len())).expect("present");
            payload.index
        };
        self.target = match step {
            Step::Push => Some(self.keys.len()),
            Step::Pop => self.heap.peek().map(|(_, _, payload)| payload.index),
            Step::Clear => None,
            Step::Decrease(place) | Step::Raise(place) => Some(at(place)),
            Step::Lower(place) | Step::Remove(place) => Some(at(place)),
        };
        let key = self.keys[self.target.unwrap_or(0).min(self.keys.len() - 1)];
        match step {
            Step::Push => drop(self.heap.push(SMALLEST, self.drops.payload())),
            Step::Pop => drop(self.heap.pop()),
            Step::Decrease(_) => drop(self.heap.decrease_key(key, SMALLEST)),
            Step::Lower(_) => drop(self.heap.change_key(key, SMALLEST)),
            Step::Raise(_) => drop(self.heap.change_key(key, LARGEST)),
            Step::Remove(_) => drop(self.heap.remove(key)),
            Step::Clear => self.heap.clear(),
        }
    }

    fn check(&self, step: Step, tripped: bool) {
        let is_gone = |index| match step {
            Step::Pop | Step::Remove(_) => Some(index) == self.target,
            Step::Clear => true,
            _ => false,
        };
        assert!(self.drops.are(is_gone), "drops after {step:?}, tripped: {tripped}");
        for (index, &key) in self.keys.iter().enumerate() {
            assert_eq!(self.heap.contains(key), !is_gone(index));
            assert_eq!(self.heap.priority(key).is_some(), !is_gone(index));
            let found = self.heap.get(key).map(|payload| payload.index);
            assert_eq!(found, (!is_gone(index)).then_some(index));
        }
        let issued = self.drops.0.borrow().len();
        let held = (0..issued).filter(|&index| !is_gone(index)).count();
        assert_eq!((self.heap.len(), self.heap.iter().count()), (held, held));
        assert_eq!(self.heap.is_empty(), held == 0);
        for (key, priority, payload) in self.heap.iter() {
            assert_eq!(self.heap.get(key).map(|it| it.index), Some(payload.index));
            assert_eq!(self.heap.priority(key).map(|it| it.0), Some(priority.0));
            let before = priority_of(payload.index as u32).0;
            let after = match step {
                _ if Some(payload.index) != self.target => before,
                Step::Raise(_) => LARGEST.0,
                _ => SMALLEST.0,
            };
            let was_pushed = payload.index >= self.keys.len();
            let may_be_before = tripped && !was_pushed;
            assert!(priority.0 == after || may_be_before && priority.0 == before);
        }
    }

    fn use_up(mut self, by_key: bool) {
        let newcomer = self.heap.push(SMALLEST, self.drops.payload());
        assert!(!self.keys.contains(&newcomer));
        let mut held: Vec<(Key, usize)> =
            self.heap.iter().map(|(key, _, payload)| (key, payload.index)).collect();
        if by_key {
            for &(key, index) in &held {
                assert_eq!(self.heap.remove(key).map(|(_, payload)| payload.index), Some(index));
                assert!(self.heap.remove(key).is_none());
            }
        } else {
            let mut popped: Vec<usize> =
                std::iter::from_fn(|| self.heap.pop()).map(|(_, payload)| payload.index).collect();
            popped.sort_unstable();
            held.sort_unstable_by_key(|&(_, index)| index);
            assert!(popped.iter().eq(held.iter().map(|(_, index)| index)));
        }
        assert!(self.heap.is_empty() && self.heap.peek().is_none());
        assert!(self.drops.are(|_| true), "every payload was dropped once");
        for index in 0..30 {
            self.heap.push(priority_of(index), self.drops.payload());
        }
        self.heap.assert_invariants();
    }
}

#[test]
fn ids_survive_panics_in_comparisons() {
    panic_everywhere::<Ids<2>>();
    panic_everywhere::<Ids<4>>();
}

#[test]
fn payloads_survive_panics_in_comparisons() {
    panic_everywhere::<Payloads<2>>();
    panic_everywhere::<Payloads<4>>();
}

/// All payloads are dropped once, whichever of them panics, and the heap is as good as new.
#[test]
fn a_heap_survives_payloads_that_panic_when_it_is_cleared() {
    fn run<const D: usize>(size: u32, bomb: usize) {
        let mut subject = Payloads::<D>::of_size(size);
        subject.heap.get(subject.keys[bomb]).expect("it is present").panics.set(true);
        let thrown = catch_unwind(AssertUnwindSafe(|| subject.heap.clear()));
        expect_tripped(&*thrown.expect_err("a payload panics"));
        subject.check(Step::Clear, true);
        subject.use_up(true);
    }
    for size in SIZES {
        for bomb in 0..size as usize {
            run::<2>(size, bomb);
            run::<4>(size, bomb);
        }
    }
}

#[test]
fn a_store_survives_elements_that_panic_when_it_is_cleared() {
    for bomb in 0..3 {
        let (mut store, drops) = (KeyedStore::new(), Drops::default());
        let keys = [drops.payload(), drops.payload(), drops.payload()].map(|it| store.insert(it));
        store.get(keys[bomb]).expect("it is present").panics.set(true);
        let thrown = catch_unwind(AssertUnwindSafe(|| store.clear()));
        expect_tripped(&*thrown.expect_err("an element panics"));
        assert!(drops.are(|_| true) && store.is_empty() && store.iter().next().is_none());
        let key = store.insert(drops.payload());
        assert_eq!(store.get(key).map(|it| it.index), Some(3));
        assert!(keys.iter().all(|&old| !store.contains(old)));
    }
}
