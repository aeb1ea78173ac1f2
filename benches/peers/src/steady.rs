//! Time-outs as a service has them: many are armed, nearly all are cancelled soon after, and what
//! is left of those must not pile up.

use std::cell::RefCell;
use std::collections::BTreeMap;

use peak_alloc::PeakAlloc;

use crate::frame::Turn;
use crate::workload::random::{Random, mix};
use crate::workload::wheel::Timers;
use crate::workload::wheel::plan::Delay;

/// Ticks after which as many timers leave as come: the longest delay.
const SETTLED_TICKS: u64 = 60_000;

/// Ticks over which memory is watched: a turn of every wheel whose slots are not wider.
const WATCHED_TICKS: u64 = 1 << 16;

const TICKS_BETWEEN_LOOKS: u64 = 16;

const CANCELLED_PERCENT: u32 = 95;

/// A time-out waits for its cancellation as long as an answer takes, on average.
const ANSWER_MS: usize = 100;

/// Which memory is the cost, in bytes a live timer.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// The average once the state has settled.
    Settled,
    /// The highest from the start on.
    Peak,
}

/// No id and no place.
const NONE: u32 = u32::MAX;

/// The ids in use. All of its memory is there before a structure's is counted.
struct Ids {
    free: Vec<u32>,
    /// Ids that wait for their cancellation. A newcomer takes a random place, and whoever was
    /// there is cancelled: so the waits are exponential, and the places are always as many.
    waiting: Vec<u32>,
    /// The place of each id that waits.
    places: Vec<u32>,
}

impl Ids {
    fn new(ids: u32, waiting: usize) -> Self {
        Self {
            free: (0..ids).rev().collect(),
            waiting: vec![NONE; waiting],
            places: vec![NONE; ids as usize],
        }
    }

    /// Takes back the id of a timer that has fired.
    fn give_back(&mut self, id: u32) {
        let place = std::mem::replace(&mut self.places[id as usize], NONE);
        if place != NONE {
            self.waiting[place as usize] = NONE;
        }
        self.free.push(id);
    }

    /// Lets an id wait for its cancellation; returns the one whose cancellation comes now.
    fn wait(&mut self, id: u32, random: &mut Random) -> Option<u32> {
        let place = random.below(self.waiting.len() as u32);
        self.places[id as usize] = place;
        let before = std::mem::replace(&mut self.waiting[place as usize], id);
        if before == NONE {
            return None;
        }
        self.places[before as usize] = NONE;
        Some(before)
    }

    const fn in_use(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

/// A steady state with what was seen of it so far, by contender: a run takes seconds, and it is
/// the same for every level.
pub(crate) struct Steady {
    armed_a_second: usize,
    seen: RefCell<BTreeMap<&'static str, Seen>>,
}

#[derive(Clone, Copy)]
struct Seen {
    settled: f64,
    peak: f64,
    checksum: u64,
}

impl Steady {
    pub(crate) const fn new(armed_a_second: usize) -> Self {
        Self { armed_a_second, seen: RefCell::new(BTreeMap::new()) }
    }

    pub(crate) fn turn<T: Timers>(&self, level: Level) -> Turn {
        let mut seen = self.seen.borrow_mut();
        let seen = seen.entry(T::NAME).or_insert_with(|| run::<T>(self.armed_a_second));
        let cost = match level {
            Level::Settled => seen.settled,
            Level::Peak => seen.peak,
        };
        Turn { cost, checksum: seen.checksum }
    }
}

/// Arms time-outs until long after as many leave as come.
///
/// The checksum covers when timers fire, not which: an id's next use depends on the order in
/// which timers of a tick fire.
fn run<T: Timers>(armed_a_second: usize) -> Seen {
    // What is allocated once for all, such as a runtime, is nobody's cost.
    drop(T::new(1));
    let mut random = Random::new(armed_a_second as u64);
    let waiting = armed_a_second * CANCELLED_PERCENT as usize / 100 * ANSWER_MS / 1_000;
    // One in twenty waits for half a minute: 1.6 seconds' worth are in use, and a few more.
    let count = armed_a_second * 17 / 10;
    let mut ids = Ids::new(count as u32, waiting);
    let (mut checksum, mut live_sum, mut bytes_sum) = (0_u64, 0, 0);
    PeakAlloc.reset_peak_usage();
    let before = PeakAlloc.current_usage();
    let mut timers = T::new(count);
    for now in 1..=SETTLED_TICKS + WATCHED_TICKS {
        timers.advance(now, usize::MAX, &mut |id| {
            checksum = checksum.wrapping_add(mix(now));
            ids.give_back(id);
        });
        for _ in 0..armed_a_second / 1_000 {
            let id = ids.free.pop().expect("there are more ids than are ever in use");
            timers.insert(id, now + Delay::Uniform.draw(&mut random));
            if random.below(100) < CANCELLED_PERCENT
                && let Some(cancelled) = ids.wait(id, &mut random)
            {
                timers.cancel(cancelled);
                ids.free.push(cancelled);
            }
        }
        if now > SETTLED_TICKS && now.is_multiple_of(TICKS_BETWEEN_LOOKS) {
            live_sum += ids.in_use();
            bytes_sum += PeakAlloc.current_usage() - before;
        }
    }
    let peak = PeakAlloc.peak_usage() - before;
    let live = live_sum as f64 / (WATCHED_TICKS / TICKS_BETWEEN_LOOKS) as f64;
    Seen { settled: bytes_sum as f64 / live_sum as f64, peak: peak as f64 / live, checksum }
}
