//! Panics that are planned: after so many comparisons, or so many calls of the caller's code.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

thread_local! {
    /// How many calls of `burn` still pass before one panics; `None` while all do.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// What is thrown. No other panic counts as expected.
#[derive(Debug)]
struct Tripped;

/// Called by all code that may panic. Only one call panics: the unwinding calls some of it again.
pub(crate) fn burn() {
    let fuse = FUSE.get();
    FUSE.set(fuse.and_then(|left| left.checked_sub(1)));
    if fuse == Some(0) {
        resume_unwind(Box::new(Tripped));
    }
}

/// Runs `operation` with a panic after so many calls of `burn`; tells whether there was one.
pub(crate) fn trips(fuse: u32, operation: impl FnOnce()) -> bool {
    FUSE.set(Some(fuse));
    let result = catch_unwind(AssertUnwindSafe(operation));
    FUSE.set(None);
    let expected = |thrown: &(dyn std::any::Any + Send)| thrown.is::<Tripped>();
    result.inspect_err(|thrown| assert!(expected(&**thrown), "it wasn't planned")).is_err()
}

/// Runs what belongs to the preparation, whose calls of `burn` don't count.
pub(crate) fn unburnt<R>(preparation: impl FnOnce() -> R) -> R {
    let fuse = FUSE.take();
    let result = preparation();
    FUSE.set(fuse);
    result
}

/// A priority whose comparison may panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragile(pub(crate) u32);

impl Ord for Fragile {
    fn cmp(&self, other: &Self) -> Ordering {
        burn();
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

/// Counts how often each payload was dropped.
#[derive(Clone, Default)]
pub(crate) struct Drops(Rc<RefCell<Vec<u32>>>);

/// A payload with a number, whose clones have numbers of their own.
pub(crate) struct Payload {
    pub(crate) index: u32,
    /// Whether its drop burns the fuse.
    pub(crate) is_fragile: Cell<bool>,
    drops: Drops,
}

impl Drops {
    pub(crate) fn payload(&self) -> Payload {
        let index = self.made();
        self.0.borrow_mut().push(0);
        Payload { index, is_fragile: Cell::new(false), drops: self.clone() }
    }

    /// So many payloads were made.
    pub(crate) fn made(&self) -> u32 {
        self.0.borrow().len() as u32
    }

    /// Checks that every payload was dropped once if it should have been, and no other one was.
    pub(crate) fn expect(&self, is_dropped: impl Fn(u32) -> bool) {
        for (index, &count) in (0..).zip(self.0.borrow().iter()) {
            assert_eq!(count, u32::from(is_dropped(index)), "drops of payload {index}");
        }
    }
}

impl Clone for Payload {
    fn clone(&self) -> Self {
        burn();
        self.drops.payload()
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.drops.0.borrow_mut()[self.index as usize] += 1;
        if self.is_fragile.get() {
            burn();
        }
    }
}
