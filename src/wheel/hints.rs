//! Where timers are to be looked for: a queue of hints for each slot.
//!
//! A hint says that its id may be due at a tick. Whether that is still true is known to the
//! [`Records`](super::records::Records), and asked when the tick has come. So hints are appended,
//! copied in sequence and forgotten, and never looked for.
//!
//! The search for the earliest timer sorts a long queue out, bit by bit, into *parts*: the slots of
//! the level below that the slot consists of. They belong to it as its queue does, until it sinks.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::chunks::{Chunks, Cursor, Fate, Hint, Queue};
use super::levels::{LEVELS, PLACES, SLOTS, STRIDE, Slot};

/// The pool, and the queues of all places.
#[derive(Clone, Debug)]
pub(super) struct Hints {
    chunks: Chunks,
    /// By place, of as many levels as were ever needed.
    queues: Vec<Queue>,
    /// By level, the slots of that level that a slot of the level above was sorted out into.
    parts: [Parts; LEVELS],
    len: usize,
}

/// What was sorted out of the queue at a place. It is empty if it is nobody's.
#[derive(Clone, Copy, Debug)]
struct Parts {
    of: u32,
    len: u32,
    /// A bit for each part that has a hint.
    occupied: u64,
}

/// No place.
const NOBODY: u32 = u32::MAX;

impl Parts {
    const NOTHING: Self = Self { of: NOBODY, len: 0, occupied: 0 };
}

impl Hints {
    pub(super) const fn new() -> Self {
        let parts = [Parts::NOTHING; LEVELS];
        Self { chunks: Chunks::new(), queues: Vec::new(), parts, len: 0 }
    }

    /// How many hints there are in all.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Whether hardly any memory is left that could be used for more without growth.
    #[inline]
    pub(super) const fn is_crowded(&self) -> bool {
        self.chunks.is_crowded()
    }

    /// The places are below this one.
    pub(super) const fn places(&self) -> usize {
        self.queues.len()
    }

    /// How many hints a place has, its parts included.
    #[inline]
    pub(super) fn len_of(&self, place: usize) -> usize {
        let Some(queue) = self.queues.get(place) else { return 0 };
        queue.len() + self.parts_of(place).map_or(0, |level| self.parts[level].len as usize)
    }

    /// How many hints a place has apart from those of its parts.
    #[inline]
    pub(super) fn own_len_of(&self, place: usize) -> usize {
        self.queues.get(place).map_or(0, |queue| queue.len())
    }

    /// Appends a hint to a slot, if the last chunk of its queue has room for it.
    #[inline]
    pub(super) fn push_within(&mut self, slot: Slot, hint: Hint, tick: u64) -> bool {
        let Some(queue) = self.queues.get_mut(slot.place()) else { return false };
        let has_room = self.chunks.push_within(queue, hint, tick);
        self.len += usize::from(has_room);
        has_room
    }

    /// Appends a hint to a slot.
    #[cold]
    pub(super) fn push_to_another_chunk(&mut self, slot: Slot, hint: Hint, tick: u64) {
        if slot.place() >= self.queues.len() {
            self.queues.resize((slot.level + 1) * STRIDE, Queue::EMPTY);
        }
        self.chunks.push(&mut self.queues[slot.place()], hint, tick);
        self.len += 1;
    }

    /// Appends a hint to a queue that is at no place.
    #[inline]
    pub(super) fn push(&mut self, queue: &mut Queue, hint: Hint, tick: u64) {
        self.chunks.push(queue, hint, tick);
        self.len += 1;
    }

    /// Takes a hint of a place: the first one of its queue or else of its parts.
    #[inline]
    pub(super) fn pop_from(&mut self, place: usize) -> Option<Hint> {
        let mut at = place;
        while self.queues.get(at)?.len() == 0 {
            (_, at) = self.first_part(at)?;
        }
        let hint = self.chunks.pop(&mut self.queues[at]);
        self.note_removed(at, 1);
        hint
    }

    /// Takes the first hint of a queue that is at no place.
    #[inline]
    pub(super) fn pop(&mut self, queue: &mut Queue) -> Option<Hint> {
        let hint = self.chunks.pop(queue)?;
        self.len -= 1;
        Some(hint)
    }

    /// The first hint of a queue.
    #[inline]
    pub(super) fn first(&self, queue: Queue) -> Option<Hint> {
        self.chunks.first(queue)
    }

    /// The id of a hint so many places behind the first one, if it is in the same chunk.
    #[inline]
    pub(super) fn id_ahead(&self, queue: Queue, distance: usize) -> Option<u32> {
        self.chunks.id_ahead(queue, distance)
    }

    /// The id of a hint so many places behind the first one of a place's queue.
    #[inline]
    pub(super) fn id_ahead_at(&self, place: usize, distance: usize) -> Option<u32> {
        self.chunks.id_ahead(*self.queues.get(place)?, distance)
    }

    /// Takes the queue of a slot of the lowest level, which has no parts.
    pub(super) fn take(&mut self, place: usize) -> Queue {
        debug_assert!(place < PLACES);
        match self.queues.get_mut(place) {
            Some(queue) => core::mem::replace(queue, Queue::EMPTY),
            None => Queue::EMPTY,
        }
    }

    /// The chunk at the head of a place's queue.
    pub(super) fn first_chunk(&self, place: usize) -> Cursor {
        self.queues.get(place).copied().unwrap_or(Queue::EMPTY).first_chunk()
    }

    /// No hint of the cursor's chunk is for a tick before this one; `None` behind the last chunk.
    #[inline]
    pub(super) fn floor(&self, cursor: Cursor) -> Option<u64> {
        self.chunks.floor(cursor)
    }

    /// Goes on to the next chunk.
    #[inline]
    pub(super) fn advance(&self, cursor: &mut Cursor) {
        self.chunks.advance(cursor);
    }

    /// Looks at every hint of the cursor's chunk, and goes on to the next one.
    pub(super) fn sift_chunk(
        &mut self,
        place: usize,
        cursor: &mut Cursor,
        fate: impl FnMut(Hint) -> Fate,
    ) {
        let dropped = self.chunks.sift(&mut self.queues[place], cursor, fate);
        self.note_removed(place, dropped);
    }

    /// Looks at the first `most` hints of a place apart from its parts; those to keep go to the
    /// end. Returns the place of the slot that they belong to.
    pub(super) fn sweep(
        &mut self,
        place: usize,
        most: usize,
        keeps: impl FnMut(Hint) -> bool,
    ) -> usize {
        let root = self.root_of(place);
        let dropped = self.chunks.sweep(&mut self.queues[place], most, keeps);
        self.note_removed(place, dropped);
        root
    }

    /// As [`Hints::sweep`], for a queue that is at no place.
    pub(super) fn sweep_queue(
        &mut self,
        queue: &mut Queue,
        most: usize,
        keeps: impl FnMut(Hint) -> bool,
    ) {
        self.len -= self.chunks.sweep(queue, most, keeps);
    }

    /// The place of the slot that a part belongs to.
    fn root_of(&self, place: usize) -> usize {
        let mut place = place;
        while is_part(place) && self.parts[place / STRIDE].of != NOBODY {
            place = self.parts[place / STRIDE].of as usize;
        }
        place
    }

    /// The number and the place of the first part that has a hint.
    pub(super) fn first_part(&self, place: usize) -> Option<(usize, usize)> {
        let level = self.parts_of(place)?;
        let part = self.parts[level].occupied.trailing_zeros() as usize;
        Some((part, place_of(level, part)))
    }

    /// Sorts the first `most` hints of a place's queue out into its parts, if these can be told
    /// by the hints' low bits.
    pub(super) fn sort_out(&mut self, slot: Slot, place: usize, most: usize) {
        let Some(level) = slot.level.checked_sub(1) else { return };
        // What has no hint has no parts, and what is empty is nobody's.
        if slot.tick(0).is_none() || self.queues[place].len() == 0 {
            return;
        }
        if self.parts[level].of != place as u32 {
            self.give_back(level);
            self.parts[level].of = place as u32;
        }
        for _ in 0..most {
            let Some(hint) = self.chunks.pop(&mut self.queues[place]) else { break };
            let tick = slot.start() | slot.tick(hint.low).unwrap_or(0);
            let part = slot.part_holding(tick);
            self.chunks.push(&mut self.queues[place_of(level, part)], hint, tick);
            self.parts[level].occupied |= 1 << part;
            self.parts[level].len += 1;
        }
    }

    /// Puts the parts of a level back into the queue that they were sorted out of. O(64 * level).
    fn give_back(&mut self, level: usize) {
        if let Some(below) = level.checked_sub(1)
            && self.parts[below].of != NOBODY
            && is_part(self.parts[below].of as usize)
        {
            self.give_back(below);
        }
        let Parts { of, occupied, .. } = core::mem::replace(&mut self.parts[level], Parts::NOTHING);
        let mut left = occupied;
        while left != 0 {
            let place = place_of(level, left.trailing_zeros() as usize);
            let part = core::mem::replace(&mut self.queues[place], Queue::EMPTY);
            self.chunks.append(&mut self.queues[of as usize], part);
            left &= left - 1;
        }
    }

    /// The level of the parts that a place has.
    #[inline]
    fn parts_of(&self, place: usize) -> Option<usize> {
        let level = (place / STRIDE).checked_sub(1)?;
        (self.parts[level].of == place as u32).then_some(level)
    }

    /// Corrects the counts after hints of a place's own queue were taken.
    #[inline]
    fn note_removed(&mut self, place: usize, count: usize) {
        self.len -= count;
        let mut place = place;
        while is_part(place) {
            let is_empty = self.len_of(place) == 0;
            let parts = &mut self.parts[place / STRIDE];
            parts.len -= count as u32;
            if is_empty {
                parts.occupied &= !(1 << (place % SLOTS));
            }
            place = parts.of as usize;
            if parts.len == 0 {
                *parts = Parts::NOTHING;
            }
        }
    }

    /// Forgets all hints and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        self.queues.fill(Queue::EMPTY);
        self.parts = [Parts::NOTHING; LEVELS];
        self.len = 0;
    }

    /// Makes room for so many hints in all, wherever they belong.
    pub(super) fn reserve(&mut self, hints: usize) {
        self.queues.reserve(LEVELS * STRIDE - self.queues.len());
        self.chunks.reserve(hints, LEVELS * STRIDE);
    }

    /// Makes room for so many hints in all, wherever they belong, if there is memory for it.
    pub(super) fn try_reserve(&mut self, hints: usize) -> Result<(), TryReserveError> {
        self.queues.try_reserve(LEVELS * STRIDE - self.queues.len())?;
        self.chunks.try_reserve(hints, LEVELS * STRIDE)
    }

    /// Gives back the memory of chunks that there have never been any hints in since they were
    /// forgotten, and that of levels if there are no hints at all.
    pub(super) fn shrink_to_fit(&mut self) {
        self.chunks.shrink_to_fit();
        if self.len == 0 {
            self.queues = Vec::new();
        }
        self.queues.shrink_to_fit();
    }

    /// All hints of a place, those of its parts included, each with its chunk's floor.
    pub(super) fn iter_of(&self, place: usize) -> impl Iterator<Item = (Hint, u64)> {
        // Part by part, from the highest level down to the lowest.
        let (mut left, mut places) = (Vec::from([place]), Vec::new());
        while let Some(place) = left.pop() {
            places.push(place);
            if let Some(level) = self.parts_of(place) {
                left.extend((0..SLOTS).map(|part| place_of(level, part)));
            }
        }
        places.into_iter().flat_map(|place| self.iter(self.queues[place]))
    }

    /// All hints of a queue, each with its chunk's floor.
    pub(super) fn iter(&self, queue: Queue) -> impl Iterator<Item = (Hint, u64)> {
        self.chunks.iter(queue)
    }

    /// Panics if a count or a link is broken. O(chunks); `other` is the queue that is at no place.
    pub(super) fn assert_invariants(&self, other: Queue) {
        let queues = self.queues.iter().copied().chain([other]);
        assert_eq!(self.chunks.assert_invariants(queues), self.len, "every hint is in a queue");
        for (level, parts) in self.parts.iter().enumerate() {
            let mut len = 0;
            for (part, place) in (0..SLOTS).map(|part| (part, place_of(level, part))) {
                let holds = self.len_of(place);
                assert_eq!((parts.occupied >> part) & 1 == 1, holds > 0, "the bit of a part");
                len += holds;
            }
            assert_eq!(len, parts.len as usize, "the hints of parts are counted");
            assert_eq!(parts.of == NOBODY, len == 0, "parts are somebody's");
            let above = parts.of as usize / STRIDE;
            assert!(parts.of == NOBODY || above == level + 1, "parts are of the level above");
        }
    }
}

/// Whether a place is that of a part, and not that of a slot in a window.
#[inline]
pub(super) const fn is_part(place: usize) -> bool {
    place % STRIDE >= PLACES
}

/// The place of a part of a slot one level above.
#[inline]
const fn place_of(level: usize, part: usize) -> usize {
    level * STRIDE + PLACES + part
}
