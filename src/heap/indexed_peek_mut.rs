//! A guard of an `IndexedHeap`'s first element.

use core::fmt;

use super::indexed_heap::IndexedHeap;
use crate::key::Key;

/// The first element of an [`IndexedHeap`], from [`IndexedHeap::peek_mut`].
///
/// ```
/// use punctual::heap::IndexedHeap;
///
/// let elements = [(10, "a".to_owned()), (20, "b".to_owned())];
/// let mut heap: IndexedHeap<u64, String> = elements.into_iter().collect();
/// if let Some(mut first) = heap.peek_mut() {
///     first.payload_mut().push('!');
///     first.set_priority(25);
/// }
/// assert_eq!(heap.pop(), Some((20, "b".into())));
/// assert_eq!(heap.pop(), Some((25, "a!".into())));
/// ```
pub struct PeekMut<'a, P: Ord + Copy, T, const D: usize> {
    heap: &'a mut IndexedHeap<P, T, D>,
    key: Key,
    priority: P,
    is_changed: bool,
}

impl<'a, P: Ord + Copy, T, const D: usize> PeekMut<'a, P, T, D> {
    pub(super) fn new(heap: &'a mut IndexedHeap<P, T, D>) -> Option<Self> {
        let (key, priority, _) = heap.peek()?;
        Some(Self { heap, key, priority, is_changed: false })
    }

    /// The element's key.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key
    }

    /// The element's priority, the new one if it was set.
    #[must_use]
    pub fn priority(&self) -> P {
        self.priority
    }

    /// Gives the element another priority, lower or higher.
    pub fn set_priority(&mut self, priority: P) {
        self.priority = priority;
        self.is_changed = true;
    }

    /// The element's payload.
    #[must_use]
    pub fn payload(&self) -> &T {
        self.heap.get(self.key).expect("the first element is in the heap")
    }

    /// The element's payload.
    #[must_use]
    pub fn payload_mut(&mut self) -> &mut T {
        self.heap.get_mut(self.key).expect("the first element is in the heap")
    }

    /// Takes the element out, with its priority, the new one if it was set. O(log n).
    pub fn pop(mut self) -> (P, T) {
        self.is_changed = false;
        let (_, payload) = self.heap.pop().expect("the first element is in the heap");
        (self.priority, payload)
    }
}

impl<P: Ord + Copy, T, const D: usize> Drop for PeekMut<'_, P, T, D> {
    fn drop(&mut self) {
        if self.is_changed {
            self.heap.change_key(self.key, self.priority);
        }
    }
}

impl<P: Ord + Copy + fmt::Debug, T: fmt::Debug, const D: usize> fmt::Debug
    for PeekMut<'_, P, T, D>
{
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = formatter.debug_tuple("PeekMut");
        tuple.field(&self.key).field(&self.priority).field(self.payload()).finish()
    }
}
