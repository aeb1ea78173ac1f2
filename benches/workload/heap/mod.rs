//! What a priority queue is asked to do, the same for every contender.
//!
//! Priorities are drawn from 2^50 values, so that two are hardly ever equal: then every contender
//! pops in the same order, and a checksum over the popped priorities proves it.

pub(crate) mod lazy;
pub(crate) mod ours;
pub(crate) mod standard;

use super::random::{Random, mix};

/// A queue of dense ids by priority, the smallest first.
pub(crate) trait Queue {
    const NAME: &'static str;

    /// An empty queue for ids below `ids`.
    fn new(ids: usize) -> Self;

    fn push(&mut self, id: u32, priority: u64);

    /// A queue that keeps no ids gives zero for the id.
    fn pop(&mut self) -> Option<(u32, u64)>;
}

/// A queue that finds an element by its id.
pub(crate) trait Addressable: Queue {
    /// Lowers the priority of an id in the queue, unless it is as low already.
    fn relax(&mut self, id: u32, priority: u64);

    /// Takes out an id that is in the queue.
    fn remove(&mut self, id: u32);
}

/// What happens between a pop and the next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// The popped id is pushed back later: the *hold model*.
    Hold,
    /// ... and as many random ids are moved forward.
    Relax(u32),
    /// ... and a random id is removed and pushed anew.
    Replace,
}

/// No element has this priority.
const ABSENT: u64 = u64::MAX;

/// Priorities of a full queue, and the delays after which a popped id comes back.
const SPREAD_BITS: u32 = 50;

/// A queue that holds all its ids between two cycles.
pub(crate) struct Hold<Q> {
    queue: Q,
    ids: u32,
    random: Random,
    checksum: u64,
}

impl<Q: Queue> Hold<Q> {
    pub(crate) fn new(ids: usize) -> Self {
        let mut random = Random::new(ids as u64);
        let queue = filled(ids, &mut random);
        Self { queue, ids: ids as u32, random, checksum: 0 }
    }

    /// Pops an id and pushes it back later; returns its first priority, the present time.
    pub(crate) fn cycle(&mut self) -> u64 {
        self.cycle_by(Q::pop)
    }

    /// A cycle whose pop somebody else does, to look at the clock before and after it.
    pub(crate) fn cycle_by(&mut self, pop: impl FnOnce(&mut Q) -> Option<(u32, u64)>) -> u64 {
        let (id, now) = pop(&mut self.queue).expect("a held queue is never empty");
        self.queue.push(id, now + delay(&mut self.random));
        self.checksum = mix(self.checksum ^ now);
        now
    }

    /// Runs plain cycles; the checksum covers those of earlier runs too.
    pub(crate) fn run(&mut self, cycles: usize) -> u64 {
        for _ in 0..cycles {
            self.cycle();
        }
        self.checksum
    }
}

impl<Q: Addressable> Hold<Q> {
    /// Runs cycles with something between; the checksum covers those of earlier runs too.
    pub(crate) fn run_with(&mut self, between: Between, cycles: usize) -> u64 {
        for _ in 0..cycles {
            let now = self.cycle();
            match between {
                Between::Hold => {}
                Between::Relax(times) => {
                    for _ in 0..times {
                        // A quarter of the spread is sooner than most of what waits.
                        let id = self.random.below(self.ids);
                        self.queue.relax(id, now + delay(&mut self.random) / 4);
                    }
                }
                Between::Replace => {
                    let id = self.random.below(self.ids);
                    self.queue.remove(id);
                    self.queue.push(id, now + delay(&mut self.random));
                }
            }
        }
        self.checksum
    }
}

/// Pushes ids in order of their number with random priorities; nothing is reserved.
pub(crate) fn filled<Q: Queue>(ids: usize, random: &mut Random) -> Q {
    let mut queue = Q::new(ids);
    for id in 0..ids as u32 {
        queue.push(id, delay(random));
    }
    queue
}

/// Fills a queue and pops all of it.
pub(crate) fn fill_and_drain<Q: Queue>(ids: usize) -> u64 {
    let mut queue = filled::<Q>(ids, &mut Random::new(ids as u64));
    let mut checksum = 0;
    while let Some((_, priority)) = queue.pop() {
        checksum = mix(checksum ^ priority);
    }
    checksum
}

const fn delay(random: &mut Random) -> u64 {
    random.next() >> (64 - SPREAD_BITS)
}
