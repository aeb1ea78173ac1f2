//! One of the schedulers, with its shell's memory.

use alloc::collections::VecDeque;

use super::SimulatedScheduler;
use super::clock::Clock;
use super::queued::Queued;
use crate::scheduler::{Config, ConfigError, stripes};
use crate::time::Time;

/// A scheduler, and what its shell knows.
pub(super) struct Group {
    pub(super) scheduler: SimulatedScheduler,
    pub(super) queued: Queued,
    /// How many of its workers run a job, of whatever group.
    pub(super) busy: u32,
    /// When its scheduler wants to be polled.
    pub(super) wake_at_ns: Option<u64>,
    /// The latest time that the scheduler was told.
    told: Time,
    /// The heads that it has published, and when: the last ones.
    heads: VecDeque<(u64, Option<Time>)>,
}

impl Group {
    pub(super) fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self {
            scheduler: SimulatedScheduler::with_identities(config)?,
            queued: Queued::default(),
            busy: 0,
            wake_at_ns: None,
            told: Time::ZERO,
            heads: VecDeque::from([(0, None)]),
        })
    }

    /// A reading of the clock at this moment, which may be stale, and the time that the scheduler
    /// takes it for: the latest of all readings so far.
    pub(super) fn read(&mut self, clock: &mut Clock, at_ns: u64) -> (Time, Time) {
        let reading = clock.read(at_ns);
        self.told = self.told.max(reading);
        (reading, self.told)
    }

    /// What a reading would be taken for.
    pub(super) fn peek(&self, clock: &Clock, at_ns: u64) -> Time {
        self.told.max(clock.peek(at_ns))
    }

    pub(super) const fn has_idle(&self) -> bool {
        self.busy < self.scheduler.config().workers
    }

    /// Tells the other groups what is due first. Heads that nobody sees any more, since a younger
    /// one is so old, are forgotten.
    pub(super) fn publish(&mut self, at_ns: u64, age_ns: u64) {
        let head = stripes::head(self.scheduler.first(self.told));
        self.heads.push_back((at_ns, head));
        while self.heads.get(1).is_some_and(|&(then, _)| is_seen(then, at_ns, age_ns)) {
            self.heads.pop_front();
        }
    }

    /// The last head that was published so long ago.
    pub(super) fn head_seen(&self, at_ns: u64, age_ns: u64) -> Option<Time> {
        let seen = self.heads.iter().rev().find(|&&(then, _)| is_seen(then, at_ns, age_ns));
        seen.and_then(|&(_, head)| head)
    }
}

const fn is_seen(then_ns: u64, at_ns: u64, age_ns: u64) -> bool {
    then_ns.saturating_add(age_ns) <= at_ns
}
