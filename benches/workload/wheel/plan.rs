//! Timers, resets and cancellations, drawn from a seed before anything is measured.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU64;

use crate::workload::random::Random;

/// How long a timer waits, in ticks of a millisecond.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delay {
    /// Uniform over a minute.
    Uniform,
    /// Exponential with a mean of 100 ms: most deadlines are near, a few are far.
    Exponential,
    /// One of ten ticks within a minute.
    Clustered,
}

const CLUSTERS: u32 = 10;
const CLUSTER_TICKS: u64 = 6_000;

impl Delay {
    pub(crate) const ALL: [Self; 3] = [Self::Uniform, Self::Exponential, Self::Clustered];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform 60 s",
            Self::Exponential => "exponential 100 ms",
            Self::Clustered => "10 deadlines",
        }
    }

    pub(crate) fn draw(self, random: &mut Random) -> u64 {
        match self {
            Self::Uniform => 1 + u64::from(random.below(60_000)),
            Self::Exponential => {
                let share = (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
                1 + (-(1.0 - share).ln() * 100.0) as u64
            }
            Self::Clustered => CLUSTER_TICKS * u64::from(1 + random.below(CLUSTERS)),
        }
    }

    const fn mean_ticks(self) -> f64 {
        match self {
            Self::Uniform => 30_000.5,
            Self::Exponential => 100.5,
            Self::Clustered => CLUSTER_TICKS as f64 * (1 + CLUSTERS) as f64 / 2.0,
        }
    }
}

/// Timers that are all armed at tick 0, by id.
pub(crate) struct Plan {
    pub(crate) timers: Vec<(u32, u64)>,
    pub(crate) delay: Delay,
    random: Random,
}

impl Plan {
    /// Timers whose delays begin after `idle_ticks` in which nothing is due.
    pub(crate) fn new(timers: usize, delay: Delay, idle_ticks: u64) -> Self {
        let mut random = Random::new(timers as u64);
        let timers = (0..timers as u32)
            .map(|id| (id, idle_ticks + delay.draw(&mut random)))
            .collect::<Vec<_>>();
        Self { timers, delay, random }
    }

    /// All ids in random order.
    pub(crate) fn shuffled(&self) -> Vec<u32> {
        let mut random = self.random.clone();
        let mut ids = (0..self.timers.len() as u32).collect::<Vec<_>>();
        for last in (1..ids.len()).rev() {
            ids.swap(last, random.below(last as u32 + 1) as usize);
        }
        ids
    }

    /// The first ids by deadline.
    pub(crate) fn earliest(&self, count: usize) -> Vec<u32> {
        let mut ids = self.timers.clone();
        ids.sort_by_key(|&(id, tick)| (tick, id));
        ids.into_iter().take(count).map(|(id, _)| id).collect()
    }

    /// As many resets of random ids as there are timers, each to a new delay.
    pub(crate) fn resets(&self) -> Vec<(u32, u64)> {
        let mut random = self.random.clone();
        let ids = self.timers.len() as u32;
        (0..ids).map(|_| (random.below(ids), self.delay.draw(&mut random))).collect()
    }

    /// As many resets of random ids as there are timers, each later than the one before.
    pub(crate) fn later_resets(&self) -> Vec<(u32, u64)> {
        let mut random = self.random.clone();
        let mut ticks = self.timers.iter().map(|&(_, tick)| tick).collect::<Vec<_>>();
        let ids = ticks.len() as u32;
        (0..ids)
            .map(|_| {
                let id = random.below(ids);
                ticks[id as usize] += self.delay.draw(&mut random);
                (id, ticks[id as usize])
            })
            .collect()
    }

    /// The delays with which an event loop arms timers again.
    pub(crate) fn delays(&self) -> Vec<u64> {
        let mut random = self.random.clone();
        (0..self.timers.len()).map(|_| self.delay.draw(&mut random)).collect()
    }

    /// The ticks at which something is due, in order.
    pub(crate) fn due_ticks(&self) -> Vec<u64> {
        let mut ticks = self.timers.iter().map(|&(_, tick)| tick).collect::<Vec<_>>();
        ticks.sort_unstable();
        ticks.dedup();
        ticks
    }
}

/// A step of a plan over time: an insertion with its deadline, or a cancellation.
pub(crate) struct Step {
    pub(crate) now: u64,
    pub(crate) deadline: Option<NonZeroU64>,
    pub(crate) id: u32,
}

/// `inserts` timers over time, of which about `live` wait at once; 95 % are cancelled before they
/// are due, as time-outs are. Also returns how many ids are needed.
pub(crate) fn cancelled_mix(live: usize, inserts: usize, delay: Delay) -> (Vec<Step>, usize) {
    let mut random = Random::new(live as u64);
    // A cancelled timer waits for half its delay on average, one that fires for all of it.
    let gap = delay.mean_ticks() * (0.95 * 0.5 + 0.05) / live as f64;
    let (mut steps, mut free, mut ids) = (Vec::with_capacity(2 * inserts), Vec::new(), 0);
    let mut ends = BinaryHeap::new();
    for insert in 0..inserts {
        let now = 1 + (insert as f64 * gap) as u64;
        while let Some(&Reverse((end, id, cancelled))) = ends.peek()
            && end <= now
        {
            if cancelled {
                steps.push(Step { now: end, deadline: None, id });
            }
            free.push(id);
            ends.pop();
        }
        let id = free.pop().unwrap_or_else(|| {
            ids += 1;
            ids - 1
        });
        let ticks = delay.draw(&mut random);
        let cancelled = random.below(100) < 95;
        let wait = if cancelled { random.next() % ticks } else { ticks };
        steps.push(Step { now, deadline: NonZeroU64::new(now + ticks), id });
        ends.push(Reverse((now + wait, id, cancelled)));
    }
    (steps, ids as usize)
}
