//! A guard of an `IdHeap`'s first element.

use core::fmt;

use super::id_heap::IdHeap;

/// The first element of an [`IdHeap`], from [`IdHeap::peek_mut`].
///
/// ```
/// use punctual::heap::IdHeap;
///
/// let mut heap: IdHeap<u64> = [(0, 10), (1, 20)].into_iter().collect();
/// if let Some(mut first) = heap.peek_mut() {
///     let later = first.priority() + 15;
///     first.set_priority(later);
/// }
/// assert_eq!(heap.peek(), Some((1, 20)));
/// ```
pub struct IdPeekMut<'a, P: Ord + Copy, const D: usize> {
    heap: &'a mut IdHeap<P, D>,
    id: u32,
    priority: P,
    is_changed: bool,
}

impl<'a, P: Ord + Copy, const D: usize> IdPeekMut<'a, P, D> {
    pub(super) fn new(heap: &'a mut IdHeap<P, D>) -> Option<Self> {
        let (id, priority) = heap.peek()?;
        Some(Self { heap, id, priority, is_changed: false })
    }

    /// The element's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
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

    /// Takes the element out, with its priority, the new one if it was set. O(log n).
    pub fn pop(mut self) -> (u32, P) {
        self.is_changed = false;
        self.heap.arrays.pop(&mut self.heap.positions);
        (self.id, self.priority)
    }
}

impl<P: Ord + Copy, const D: usize> Drop for IdPeekMut<'_, P, D> {
    fn drop(&mut self) {
        if self.is_changed {
            self.heap.arrays.change(0, self.priority, &mut self.heap.positions);
        }
    }
}

impl<P: Ord + Copy + fmt::Debug, const D: usize> fmt::Debug for IdPeekMut<'_, P, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("IdPeekMut").field(&self.id).field(&self.priority).finish()
    }
}
