//! Where timers are to be looked for: a queue of hints for each slot, in chunks of one pool.
//!
//! A hint says that its id may be due at a tick. Whether that is still true is known to the
//! [`Records`](super::records::Records), and asked when the tick has come. So hints are appended,
//! copied in sequence and forgotten, and never looked for.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::mem::size_of;

use super::levels::{LEVELS, PLACES, Slot};
use crate::prefetch::prefetch;

/// Says that an id may be due at a tick, whose low bits it holds: its slot knows the others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hint {
    pub(super) id: u32,
    /// Which of the id's hints it is.
    pub(super) number: u32,
    pub(super) low: u32,
}

const CHUNK_BYTES: usize = 256;

pub(super) const HINTS_OF_CHUNK: usize = (CHUNK_BYTES - 16) / size_of::<Hint>();

/// Names no chunk.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// No hint's tick is before this one.
    floor: u64,
    next: u32,
    /// The hints from `taken` up to `filled` are there.
    taken: u16,
    filled: u16,
    hints: [Hint; HINTS_OF_CHUNK],
}

const EMPTY: Chunk = Chunk {
    floor: u64::MAX,
    next: NONE,
    taken: 0,
    filled: 0,
    hints: [Hint { id: 0, number: 0, low: 0 }; HINTS_OF_CHUNK],
};

const _: () = assert!(size_of::<Chunk>() == CHUNK_BYTES);

/// Chunks in a row, none of which is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    head: u32,
    tail: u32,
    len: u32,
}

impl Queue {
    pub(super) const EMPTY: Self = Self { head: NONE, tail: NONE, len: 0 };

    pub(super) const fn len(self) -> usize {
        self.len as usize
    }

    /// Appends a hint, if the last chunk has room for it.
    #[inline]
    fn append(&mut self, chunks: &mut [Chunk], hint: Hint, tick: u64) -> bool {
        let Some(chunk) = chunks.get_mut(self.tail as usize) else { return false };
        let Some(place) = chunk.hints.get_mut(chunk.filled as usize) else { return false };
        *place = hint;
        chunk.filled += 1;
        chunk.floor = chunk.floor.min(tick);
        self.len += 1;
        true
    }
}

/// The pool, and the queues of all places.
#[derive(Clone, Debug)]
pub(super) struct Hints {
    chunks: Vec<Chunk>,
    /// The first chunk of those that nobody has, and how many these are.
    free: u32,
    free_len: usize,
    /// By place, of as many levels as were ever needed.
    queues: Vec<Queue>,
    len: usize,
}

/// What becomes of a hint that was looked at.
pub(super) enum Fate {
    /// It stays, for a tick of the same slot.
    Keep(u64),
    Drop,
}

impl Hints {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), free: NONE, free_len: 0, queues: Vec::new(), len: 0 }
    }

    /// How many hints there are in all.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Whether less than an eighth of the chunks is free.
    #[inline]
    pub(super) const fn is_crowded(&self) -> bool {
        self.free_len < self.chunks.len() / 8
    }

    /// The queues are those of places below this one.
    pub(super) const fn places(&self) -> usize {
        self.queues.len()
    }

    /// How many hints a slot has.
    #[inline]
    pub(super) fn len_of(&self, place: usize) -> usize {
        self.queues.get(place).map_or(0, |queue| queue.len())
    }

    /// Appends a hint to a slot.
    #[inline]
    pub(super) fn push_to(&mut self, slot: Slot, hint: Hint, tick: u64) {
        let place = slot.place();
        if let Some(queue) = self.queues.get_mut(place)
            && queue.append(&mut self.chunks, hint, tick)
        {
            self.len += 1;
            return;
        }
        self.push_to_another_chunk(slot, hint, tick);
    }

    #[cold]
    fn push_to_another_chunk(&mut self, slot: Slot, hint: Hint, tick: u64) {
        if slot.place() >= self.queues.len() {
            self.queues.resize((slot.level + 1) * PLACES, Queue::EMPTY);
        }
        let mut queue = self.queues[slot.place()];
        self.push(&mut queue, hint, tick);
        self.queues[slot.place()] = queue;
    }

    /// Appends a hint to a queue.
    #[inline]
    pub(super) fn push(&mut self, queue: &mut Queue, hint: Hint, tick: u64) {
        if !queue.append(&mut self.chunks, hint, tick) {
            self.lengthen(queue);
            let has_room = queue.append(&mut self.chunks, hint, tick);
            debug_assert!(has_room);
        }
        self.len += 1;
    }

    /// Takes the first hint of a slot.
    #[inline]
    pub(super) fn pop_from(&mut self, place: usize) -> Option<Hint> {
        let mut queue = *self.queues.get(place)?;
        let hint = self.pop(&mut queue);
        self.queues[place] = queue;
        hint
    }

    /// Takes the first hint of a queue.
    #[inline]
    pub(super) fn pop(&mut self, queue: &mut Queue) -> Option<Hint> {
        let chunk = self.chunks.get_mut(queue.head as usize)?;
        let hint = chunk.hints[chunk.taken as usize];
        chunk.taken += 1;
        queue.len -= 1;
        self.len -= 1;
        if chunk.taken == chunk.filled {
            self.shorten(queue);
        }
        Some(hint)
    }

    /// The first hint of a queue.
    #[inline]
    pub(super) fn first(&self, queue: Queue) -> Option<Hint> {
        let chunk = self.chunks.get(queue.head as usize)?;
        Some(chunk.hints[chunk.taken as usize])
    }

    /// The id of a hint so many places behind the first one, if it is in the same chunk.
    #[inline]
    pub(super) fn id_ahead(&self, queue: Queue, distance: usize) -> Option<u32> {
        let chunk = self.chunks.get(queue.head as usize)?;
        let at = chunk.taken as usize + distance;
        (at < chunk.filled as usize).then(|| chunk.hints[at].id)
    }

    /// Takes all hints of a slot.
    pub(super) fn take(&mut self, place: usize) -> Queue {
        match self.queues.get_mut(place) {
            Some(queue) => core::mem::replace(queue, Queue::EMPTY),
            None => Queue::EMPTY,
        }
    }

    /// The chunk at the head of a slot.
    pub(super) fn first_chunk(&self, place: usize) -> Cursor {
        let head = self.queues.get(place).map_or(NONE, |queue| queue.head);
        Cursor { previous: NONE, chunk: head }
    }

    /// No hint of the cursor's chunk is for a tick before this one; `None` behind the last chunk.
    #[inline]
    pub(super) fn floor(&self, cursor: Cursor) -> Option<u64> {
        self.chunks.get(cursor.chunk as usize).map(|chunk| chunk.floor)
    }

    /// Goes on to the next chunk.
    #[inline]
    pub(super) fn advance(&self, cursor: &mut Cursor) {
        let next = self.chunks[cursor.chunk as usize].next;
        *cursor = Cursor { previous: cursor.chunk, chunk: next };
    }

    /// Looks at every hint of the cursor's chunk, and goes on to the next one.
    pub(super) fn sift_chunk(
        &mut self,
        place: usize,
        cursor: &mut Cursor,
        mut fate: impl FnMut(Hint) -> Fate,
    ) {
        let chunk = &mut self.chunks[cursor.chunk as usize];
        let (taken, filled) = (chunk.taken as usize, chunk.filled as usize);
        let (mut kept, mut floor) = (taken, u64::MAX);
        for at in taken..filled {
            let hint = chunk.hints[at];
            if let Fate::Keep(tick) = fate(hint) {
                chunk.hints[kept] = Hint { low: tick as u32, ..hint };
                kept += 1;
                floor = floor.min(tick);
            }
        }
        chunk.filled = kept as u16;
        chunk.floor = floor;
        let dropped = filled - kept;
        self.len -= dropped;
        self.queues[place].len -= dropped as u32;
        if kept > taken {
            self.advance(cursor);
        } else {
            self.unlink(place, cursor);
        }
    }

    /// Gives the cursor's empty chunk back, and goes on to the next one.
    fn unlink(&mut self, place: usize, cursor: &mut Cursor) {
        let next = core::mem::replace(&mut self.chunks[cursor.chunk as usize].next, self.free);
        self.free = cursor.chunk;
        self.free_len += 1;
        let queue = &mut self.queues[place];
        match self.chunks.get_mut(cursor.previous as usize) {
            Some(previous) => previous.next = next,
            None => queue.head = next,
        }
        if next == NONE {
            queue.tail = cursor.previous;
        }
        cursor.chunk = next;
    }

    /// Adds an empty chunk to a queue.
    fn lengthen(&mut self, queue: &mut Queue) {
        let added = self.free;
        let added = match self.chunks.get_mut(added as usize) {
            Some(chunk) => {
                self.free = chunk.next;
                self.free_len -= 1;
                (chunk.floor, chunk.next) = (u64::MAX, NONE);
                (chunk.taken, chunk.filled) = (0, 0);
                added
            }
            None => {
                self.chunks.push(EMPTY);
                (self.chunks.len() - 1) as u32
            }
        };
        match self.chunks.get_mut(queue.tail as usize) {
            Some(tail) => tail.next = added,
            None => queue.head = added,
        }
        queue.tail = added;
    }

    /// Gives the first chunk of a queue back.
    fn shorten(&mut self, queue: &mut Queue) {
        let freed = queue.head;
        let next = core::mem::replace(&mut self.chunks[freed as usize].next, self.free);
        self.free = freed;
        self.free_len += 1;
        queue.head = next;
        match self.chunks.get(next as usize) {
            // Chunks of a queue lie anywhere: the one after the next is asked for in time.
            Some(chunk) => prefetch(&self.chunks, chunk.next as usize, 1),
            None => queue.tail = NONE,
        }
    }

    /// Forgets all hints and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        self.queues.fill(Queue::EMPTY);
        (self.free, self.free_len, self.len) = (NONE, 0, 0);
    }

    /// Makes room for so many hints more, wherever they belong.
    pub(super) fn reserve(&mut self, additional: usize) {
        self.queues.reserve(LEVELS * PLACES - self.queues.len());
        self.chunks.reserve(self.chunks_for(additional));
    }

    /// Makes room for so many hints more, wherever they belong, if there is memory for it.
    pub(super) fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        self.queues.try_reserve(LEVELS * PLACES - self.queues.len())?;
        self.chunks.try_reserve(self.chunks_for(additional))
    }

    /// Gives the memory back, if there are no hints.
    pub(super) fn shrink_to_fit(&mut self) {
        debug_assert!(self.len == 0);
        self.chunks.shrink_to_fit();
        self.queues = Vec::new();
    }

    /// Every slot may begin and end with a chunk that is hardly filled.
    fn chunks_for(&self, additional: usize) -> usize {
        let hints = self.len.saturating_add(additional);
        let chunks = (hints / HINTS_OF_CHUNK).saturating_add(hints.min(2 * LEVELS * PLACES));
        chunks.saturating_sub(self.chunks.len())
    }

    /// All hints of a slot.
    pub(super) fn iter_of(&self, place: usize) -> impl Iterator<Item = (Hint, u64)> {
        self.iter(self.queues.get(place).copied().unwrap_or(Queue::EMPTY))
    }

    /// All hints of a queue, each with its chunk's floor.
    pub(super) fn iter(&self, queue: Queue) -> impl Iterator<Item = (Hint, u64)> {
        let mut chunk = self.chunks.get(queue.head as usize);
        let chunks = core::iter::from_fn(move || {
            let present = chunk?;
            chunk = self.chunks.get(present.next as usize);
            Some(present)
        });
        chunks.flat_map(|chunk| {
            let there = &chunk.hints[chunk.taken as usize..chunk.filled as usize];
            there.iter().map(|&hint| (hint, chunk.floor))
        })
    }

    /// Panics if a count or a link is broken. O(chunks); `other` is the queue that is in no place.
    pub(super) fn assert_invariants(&self, other: Queue) {
        let (mut hints, mut chunks) = (0, 0);
        for queue in self.queues.iter().copied().chain([other]) {
            let (mut at, mut last, mut len) = (queue.head, NONE, 0);
            while let Some(chunk) = self.chunks.get(at as usize) {
                assert!(chunk.taken < chunk.filled, "no chunk of a queue is empty");
                len += (chunk.filled - chunk.taken) as usize;
                (last, at) = (at, chunk.next);
                chunks += 1;
            }
            assert_eq!((queue.tail, queue.len()), (last, len), "the end of a queue");
            hints += len;
        }
        let (mut free, mut free_len) = (self.free, 0);
        while let Some(chunk) = self.chunks.get(free as usize) {
            free = chunk.next;
            free_len += 1;
        }
        assert_eq!(free_len, self.free_len, "free chunks are counted");
        assert_eq!(hints, self.len, "every hint is in a queue");
        assert_eq!(chunks + free_len, self.chunks.len(), "every chunk is in a queue or free");
    }
}

/// A chunk of a slot, and the one before it.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    previous: u32,
    chunk: u32,
}
