//! How often entries are asked for, counted where it costs a hit nearly nothing.
//!
//! Each entry says by itself which share of its hits is counted, as a power of two: all of those
//! of a cold entry, which are few, and some of a hot one's. What was counted stands in a table by
//! slot, and slots with news are queued for the planner, each at most once for its hits and once
//! for the first of them that got a stale answer: that bounds the queue.

use core::cell::Cell;

use crate::sync::{OnceLock, Ordering, SegQueue, SharedU64, thread_local};

/// Of hot entries one hit in so many is counted.
pub(super) const MOST_SHIFT: u32 = 12;

/// Slots from 2^FIRST on are in chunks that double in size.
const FIRST: u32 = 10;

const CHUNKS: usize = (u32::BITS - FIRST) as usize + 1;

/// Somebody has had a stale answer since the entry was stored.
const STALE: u64 = 1 << 63;

/// The table of counts, and the slots with news.
pub(super) struct Hits {
    /// Chunks never move: a hit reads the table without a lock.
    chunks: [OnceLock<Box<[SharedU64]>>; CHUNKS],
    news: SegQueue<u32>,
}

/// Where a slot's count is.
const fn place(slot: u32) -> (usize, usize) {
    match slot.checked_ilog2() {
        Some(power) if power >= FIRST => {
            ((power - FIRST) as usize + 1, (slot - (1 << power)) as usize)
        }
        _ => (0, slot as usize),
    }
}

/// How many slots a chunk holds.
const fn size(chunk: usize) -> usize {
    1 << (FIRST as usize + chunk.saturating_sub(1))
}

impl Hits {
    pub(super) fn new() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS], news: SegQueue::new() }
    }

    /// A value has come for a slot: makes sure that its hits have a place.
    pub(super) fn welcome(&self, slot: u32) {
        let (chunk, at) = place(slot);
        let counts = self.chunks[chunk]
            .get_or_init(|| (0..size(chunk)).map(|_| SharedU64::new(0)).collect());
        counts[at].fetch_and(!STALE, Ordering::Relaxed);
    }

    /// A slot's entry is gone: what was counted of it is nobody's.
    pub(super) fn forget(&self, slot: u32) {
        if let Some(counts) = self.count(slot) {
            counts.store(0, Ordering::Relaxed);
        }
    }

    /// A hit of an entry of whose hits one in 2^`shift` is counted: says how many this one counts
    /// for, if it is.
    #[inline]
    pub(super) fn sample(&self, slot: u32, shift: u32) -> Option<u64> {
        if shift != 0 && draw() & ((1 << shift) - 1) != 0 {
            return None;
        }
        self.add(slot, 1 << shift);
        Some(1 << shift)
    }

    #[cold]
    fn add(&self, slot: u32, count: u64) {
        let Some(counts) = self.count(slot) else { return };
        if counts.fetch_add(count, Ordering::Relaxed) & !STALE == 0 {
            self.news.push(slot);
        }
    }

    /// Somebody gets a stale answer. The first one is always counted: its entry may be one that is
    /// not refreshed since nobody asked for it.
    pub(super) fn sample_stale(&self, slot: u32, shift: u32) {
        let Some(counts) = self.count(slot) else { return };
        if counts.load(Ordering::Relaxed) & STALE != 0 {
            self.sample(slot, shift);
        } else if counts.fetch_or(STALE, Ordering::Relaxed) & STALE == 0 {
            self.add(slot, 1);
        }
    }

    fn count(&self, slot: u32) -> Option<&SharedU64> {
        let (chunk, at) = place(slot);
        self.chunks[chunk].get()?.get(at)
    }

    /// A slot with hits, and how many since it was taken last.
    pub(super) fn take(&self) -> Option<(u32, u64)> {
        let slot = self.news.pop()?;
        let taken = self.count(slot).map_or(0, |it| it.fetch_and(STALE, Ordering::Relaxed));
        Some((slot, taken & !STALE))
    }

    pub(super) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }
}

thread_local! {
    /// Multiples of the golden ratio: their upper bits are spread evenly, and follow no pattern
    /// that a program's accesses have (H. Weyl).
    static DRAWN: Cell<u32> = const { Cell::new(0) };
}

/// Bits that are random enough to sample by, of a sequence of each thread's own.
#[inline]
fn draw() -> u32 {
    DRAWN.with(|drawn| {
        let next = drawn.get().wrapping_add(0x9E37_79B9);
        drawn.set(next);
        next >> (u32::BITS - MOST_SHIFT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_have_places_without_gaps() {
        let mut last = (0, usize::MAX);
        for slot in (0..5_000).chain([u32::MAX]) {
            let (chunk, at) = place(slot);
            assert!(at < size(chunk), "slot {slot}");
            if slot < 5_000 {
                let is_next = (chunk, at) == (last.0, last.1.wrapping_add(1));
                assert!(is_next || ((chunk, at) == (last.0 + 1, 0) && last.1 + 1 == size(last.0)));
                last = (chunk, at);
            }
        }
    }

    #[test]
    fn hits_are_counted_once_and_queued_once() {
        let hits = Hits::new();
        hits.sample(7, 0);
        assert_eq!(hits.take(), None, "nobody has made a place");
        hits.welcome(7);
        for _ in 0..5 {
            hits.sample(7, 0);
        }
        assert_eq!(hits.take(), Some((7, 5)));
        assert_eq!(hits.take(), None);
        hits.sample_stale(7, MOST_SHIFT);
        assert_eq!(hits.take(), Some((7, 1)), "the first stale answer always counts");
        hits.welcome(7);
        hits.sample_stale(7, MOST_SHIFT);
        assert_eq!(hits.take(), Some((7, 1)));
    }

    #[test]
    fn samples_count_for_those_that_are_left_out() {
        let hits = Hits::new();
        hits.welcome(3);
        let before = 1 << 20;
        (0..before).for_each(|_| {
            hits.sample(3, 6);
        });
        let (_, counted) = hits.take().expect("there were hits");
        let error = counted.abs_diff(before) as f64 / before as f64;
        assert!(error < 0.05, "{counted}");
    }
}
