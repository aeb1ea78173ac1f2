//! Queues of hints, in chunks of one pool.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

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

    /// The chunk at its head.
    pub(super) const fn first_chunk(self) -> Cursor {
        Cursor { previous: NONE, chunk: self.head }
    }
}

/// A chunk of a queue, and the one before it.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    previous: u32,
    chunk: u32,
}

/// What becomes of a hint that was looked at.
pub(super) enum Fate {
    /// It stays, for this tick.
    Keep(u64),
    Drop,
}

/// The pool of all chunks.
#[derive(Clone, Debug)]
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
    /// The first chunk of those that no queue has, and how many these are.
    free: u32,
    free_len: usize,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), free: NONE, free_len: 0 }
    }

    /// Whether less than an eighth of the chunks is free.
    #[inline]
    pub(super) const fn is_crowded(&self) -> bool {
        self.free_len < self.chunks.len() / 8
    }

    /// Appends a hint to a queue.
    #[inline]
    pub(super) fn push(&mut self, queue: &mut Queue, hint: Hint, tick: u64) {
        if !self.push_within(queue, hint, tick) {
            self.lengthen(queue);
            let has_room = self.push_within(queue, hint, tick);
            debug_assert!(has_room);
        }
    }

    /// Appends a hint to a queue, if its last chunk has room for it.
    #[inline]
    pub(super) fn push_within(&mut self, queue: &mut Queue, hint: Hint, tick: u64) -> bool {
        let Some(chunk) = self.chunks.get_mut(queue.tail as usize) else { return false };
        let Some(place) = chunk.hints.get_mut(chunk.filled as usize) else { return false };
        *place = hint;
        chunk.filled += 1;
        chunk.floor = chunk.floor.min(tick);
        queue.len += 1;
        true
    }

    /// Takes the first hint of a queue.
    #[inline]
    pub(super) fn pop(&mut self, queue: &mut Queue) -> Option<Hint> {
        let chunk = self.chunks.get_mut(queue.head as usize)?;
        let hint = chunk.hints[chunk.taken as usize];
        chunk.taken += 1;
        queue.len -= 1;
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

    /// Appends all of a queue to another one. O(1).
    ///
    /// The hints of a single chunk are copied, so that no memory is held by almost empty chunks
    /// inside of a queue.
    pub(super) fn append(&mut self, queue: &mut Queue, mut other: Queue) {
        if other.len() <= HINTS_OF_CHUNK {
            let floor = self.floor(other.first_chunk()).unwrap_or(u64::MAX);
            while let Some(hint) = self.pop(&mut other) {
                self.push(queue, hint, floor);
            }
            return;
        }
        match self.chunks.get_mut(queue.tail as usize) {
            Some(tail) => {
                tail.next = other.head;
                queue.tail = other.tail;
                queue.len += other.len;
            }
            None => *queue = other,
        }
    }

    /// Looks at the first `most` hints of a queue; those to keep go to its end. Returns how many
    /// were dropped.
    pub(super) fn sweep(
        &mut self,
        queue: &mut Queue,
        most: usize,
        mut keeps: impl FnMut(Hint) -> bool,
    ) -> usize {
        let before = queue.len();
        for _ in 0..most.min(before) {
            let floor = self.floor(queue.first_chunk()).unwrap_or(0);
            match self.pop(queue) {
                Some(hint) if keeps(hint) => self.push(queue, hint, floor),
                _ => {}
            }
        }
        before - queue.len()
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

    /// Looks at every hint of the cursor's chunk, and goes on to the next one. Returns how many
    /// were dropped.
    ///
    /// A chunk that isn't full any more stays at the head or the tail of its queue alone: from
    /// elsewhere its hints go to the tail, so that no memory is held by almost empty chunks.
    pub(super) fn sift(
        &mut self,
        queue: &mut Queue,
        cursor: &mut Cursor,
        mut fate: impl FnMut(Hint) -> Fate,
    ) -> usize {
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
        let is_inside = cursor.previous != NONE && chunk.next != NONE;
        if kept == filled || (kept > taken && !is_inside) {
            queue.len -= (filled - kept) as u32;
            self.advance(cursor);
        } else {
            let Chunk { hints, .. } = *chunk;
            queue.len -= (filled - taken) as u32;
            self.unlink(queue, cursor);
            for &hint in &hints[taken..kept] {
                self.push(queue, hint, floor);
            }
        }
        filled - kept
    }

    /// Gives the cursor's empty chunk back, and goes on to the next one.
    fn unlink(&mut self, queue: &mut Queue, cursor: &mut Cursor) {
        let next = core::mem::replace(&mut self.chunks[cursor.chunk as usize].next, self.free);
        self.free = cursor.chunk;
        self.free_len += 1;
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
    #[cold]
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

    /// Takes all queues' chunks back, which mustn't be used any more, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        (self.free, self.free_len) = (NONE, 0);
    }

    /// Makes room for so many hints in so many queues.
    pub(super) fn reserve(&mut self, hints: usize, queues: usize) {
        self.chunks.reserve(self.missing(hints, queues));
    }

    /// Makes room for so many hints in so many queues, if there is memory for it.
    pub(super) fn try_reserve(
        &mut self,
        hints: usize,
        queues: usize,
    ) -> Result<(), TryReserveError> {
        self.chunks.try_reserve(self.missing(hints, queues))
    }

    /// Every queue may begin and end with a chunk that is hardly filled.
    fn missing(&self, hints: usize, queues: usize) -> usize {
        let chunks = (hints / HINTS_OF_CHUNK).saturating_add(hints.min(2 * queues));
        chunks.saturating_sub(self.chunks.len())
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.chunks.shrink_to_fit();
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

    /// Panics if a count or a link of these queues, which are all, is broken. O(chunks); returns
    /// how many hints there are.
    pub(super) fn assert_invariants(&self, queues: impl Iterator<Item = Queue>) -> usize {
        let (mut hints, mut chunks) = (0, 0);
        for queue in queues {
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
        assert_eq!(chunks + free_len, self.chunks.len(), "every chunk is in a queue or free");
        hints
    }
}
