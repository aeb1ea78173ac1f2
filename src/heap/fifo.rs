//! Priorities that leave a heap in the order of their arrival where they are equal.

use core::cmp::Ordering;

/// A priority with the number of its arrival: of equal priorities the first comes first.
///
/// ```
/// use punctual::heap::{Arrivals, IndexedHeap};
///
/// let (mut arrivals, mut heap) = (Arrivals::new(), IndexedHeap::new());
/// for name in ["first", "second", "third"] {
///     heap.push(arrivals.stamp(7), name);
/// }
/// assert_eq!(heap.pop().map(|(_, name)| name), Some("first"));
/// assert_eq!(heap.pop().map(|(_, name)| name), Some("second"));
/// ```
///
/// It costs 8 bytes an element, and more where `P` is smaller than that, and a longer comparison,
/// which for integers is free of branches: with `u64` priorities a pop and a push take about 1.6
/// times as long, as the README's table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fifo<P> {
    priority: P,
    arrival: u64,
}

impl<P: Copy> Fifo<P> {
    /// A priority with the number of its arrival, where somebody else counts; [`Arrivals`] counts
    /// otherwise.
    #[must_use]
    pub const fn new(priority: P, arrival: u64) -> Self {
        Self { priority, arrival }
    }

    /// The priority that was stamped.
    #[must_use]
    pub const fn priority(self) -> P {
        self.priority
    }

    /// The number of the arrival, from zero on.
    #[must_use]
    pub const fn arrival(self) -> u64 {
        self.arrival
    }

    /// Another priority for the same arrival: a changed element keeps its place among its equals.
    #[must_use]
    pub const fn with_priority(self, priority: P) -> Self {
        Self { priority, ..self }
    }
}

impl<P: Ord> Ord for Fifo<P> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.cmp(&other.priority).then(self.arrival.cmp(&other.arrival))
    }
}

impl<P: Ord> PartialOrd for Fifo<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    // A sift asks these two: without a branch, since nobody can predict which half decides.

    #[inline]
    fn lt(&self, other: &Self) -> bool {
        (self.priority < other.priority)
            | ((self.priority == other.priority) & (self.arrival < other.arrival))
    }

    #[inline]
    fn le(&self, other: &Self) -> bool {
        (self.priority < other.priority)
            | ((self.priority == other.priority) & (self.arrival <= other.arrival))
    }
}

/// Numbers arrivals, one after the other.
///
/// A count of 64 bits doesn't wrap: a billion arrivals a second take 584 years.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    next: u64,
}

impl Arrivals {
    /// Starts with the number zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { next: 0 }
    }

    /// Starts with another number, after those that were given before.
    #[must_use]
    pub const fn starting_at(arrival: u64) -> Self {
        Self { next: arrival }
    }

    /// Gives the priority the next number. O(1).
    pub const fn stamp<P>(&mut self, priority: P) -> Fifo<P> {
        let arrival = self.next;
        self.next = self.next.wrapping_add(1);
        Fifo { priority, arrival }
    }
}
