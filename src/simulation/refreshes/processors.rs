//! Cores that are shared equally by whatever runs on them.

use crate::heap::{Arrivals, Fifo, IndexedHeap};

/// Fractions of a nanosecond of service.
const FRACTION_BITS: u32 = 32;

/// Runs on some cores. While there are no more than cores, each has one of its own; beyond that
/// they share them equally, as threads do under a fair operating system whose time slices are
/// short.
#[derive(Debug)]
pub(super) struct Processors<T> {
    cores: u64,
    at_ns: u64,
    /// What each run that was there all the time has had.
    served: u128,
    entries: Arrivals,
    /// Runs, by what will have been served when they end.
    runs: IndexedHeap<Fifo<u128>, T>,
}

impl<T> Processors<T> {
    pub(super) fn new(cores: u32) -> Self {
        let (entries, runs) = (Arrivals::new(), IndexedHeap::new());
        Self { cores: cores.into(), at_ns: 0, served: 0, entries, runs }
    }

    /// Moves to a moment no later than the next end.
    pub(super) fn advance(&mut self, at_ns: u64) {
        let passed = u128::from(at_ns.saturating_sub(self.at_ns)) << FRACTION_BITS;
        self.served += passed * u128::from(self.cores) / self.sharers();
        self.at_ns = self.at_ns.max(at_ns);
    }

    pub(super) fn start(&mut self, cost_ns: u64, run: T) {
        let end = self.served + (u128::from(cost_ns) << FRACTION_BITS);
        self.runs.push(self.entries.stamp(end), run);
    }

    /// When the next run ends, if no other starts before.
    pub(super) fn next_ns(&self) -> Option<u64> {
        let (_, end, _) = self.runs.peek()?;
        let left = end.priority().saturating_sub(self.served).saturating_mul(self.sharers());
        let left_ns = left.div_ceil(u128::from(self.cores) << FRACTION_BITS);
        Some(self.at_ns.saturating_add(u64::try_from(left_ns).unwrap_or(u64::MAX)))
    }

    /// A run that has ended by now.
    pub(super) fn pop(&mut self) -> Option<T> {
        let served = self.served;
        self.runs.pop_if(|_, end, _| end.priority() <= served).map(|(_, run)| run)
    }

    /// By how many parts the cores are divided.
    fn sharers(&self) -> u128 {
        u128::from(self.cores).max(self.runs.len() as u128)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn ends(processors: &mut Processors<&'static str>) -> Vec<(u64, &'static str)> {
        let mut ends = Vec::new();
        while let Some(at_ns) = processors.next_ns() {
            processors.advance(at_ns);
            ends.extend(processors.pop().map(|run| (at_ns, run)));
        }
        ends
    }

    #[test]
    fn runs_have_cores_of_their_own_while_there_are_enough() {
        let mut processors = Processors::new(2);
        processors.advance(5);
        processors.start(100, "long");
        processors.start(10, "short");
        assert_eq!(ends(&mut processors), [(15, "short"), (105, "long")]);
    }

    #[test]
    fn cores_are_shared_equally() {
        let mut processors = Processors::new(1);
        processors.start(100, "first");
        processors.advance(50);
        processors.start(25, "second");
        processors.start(100, "third");
        // A third each until the second has 25, which takes 75; then halves until the first has
        // its other 25, which takes 50; then the third is alone with 50 of its 100.
        let expected = [(125, "second"), (175, "first"), (225, "third")];
        assert_eq!(ends(&mut processors), expected);
    }

    #[test]
    fn rounding_never_ends_a_run_early() {
        let mut processors = Processors::new(3);
        for run in ["a", "b", "c", "d", "e", "f", "g"] {
            processors.start(1, run);
        }
        assert_eq!(processors.next_ns(), Some(3));
        assert!(processors.pop().is_none());
        assert_eq!(ends(&mut processors).len(), 7);
    }
}
