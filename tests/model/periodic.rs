//! `Periodic` against a loop that goes from one time to the next, without an end of time.

use core::time::Duration;

use punctual::time::Time;
use punctual::wheel::{Missed, Periodic};

use super::distance::Distance;
use super::{Model, Word};

/// A longer way is not gone step by step.
const MOST_STEPS: u128 = 1_000;

/// The end of time.
const END: u128 = u64::MAX as u128;

pub(crate) struct PeriodicModel {
    periodic: Periodic,
    /// A time of the grid, and the distance to the next one.
    due: u128,
    every: u128,
    missed: Missed,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Comes so long before or after the time that is due.
    Renew { distance: Distance },
    /// Changes the answer to what is missed.
    Answer { missed: Missed },
}

impl PeriodicModel {
    pub(crate) fn new(first: u64, every: u64, missed: Missed) -> Self {
        let periodic = Periodic::new(Time::from_nanos(first), Duration::from_nanos(every));
        assert_eq!(periodic, periodic.with_missed(Missed::Skip), "the default is to skip");
        Self {
            periodic: periodic.with_missed(missed),
            due: u128::from(first),
            every: u128::from(every.max(1)),
            missed,
        }
    }

    /// The first time of the grid after `now` that isn't the one which was due.
    fn next_on_grid(&self, now: u128) -> u128 {
        let mut next = self.due + self.every;
        if let Some(way) = now.checked_sub(next)
            && way / self.every > MOST_STEPS
        {
            next += (way / self.every - MOST_STEPS) * self.every;
        }
        while next <= now {
            next += self.every;
        }
        next
    }

    fn renew(&mut self, distance: Distance) {
        let old = self.due.min(END);
        let now = match distance {
            Distance::Past(by) => old.saturating_sub(u128::from(by)),
            Distance::Ahead(by) => END.min(old + u128::from(by)),
            Distance::Next => old,
            Distance::End => END,
        };
        self.due = match self.missed {
            Missed::CatchUp => old + self.every,
            Missed::Skip => self.next_on_grid(now),
            Missed::Shift => now.max(old) + self.every,
        };
        let given = u128::from(self.periodic.renew(Time::from_nanos(now as u64)).as_nanos());
        assert_eq!(given, self.due.min(END));
        assert!(given >= END.min(old + self.every), "it is a full period later");
        assert!(self.missed == Missed::CatchUp || given > now || given == END);
        // What is beyond the end of time is at the end of time: the grid begins anew there.
        self.due = given;
    }
}

impl Model for PeriodicModel {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        match word.below(16) {
            0 => Op::Answer { missed: Missed::CatchUp },
            1 => Op::Answer { missed: Missed::Skip },
            2 => Op::Answer { missed: Missed::Shift },
            _ => Op::Renew { distance: Distance::decode(&mut word) },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Renew { distance } => self.renew(distance),
            Op::Answer { missed } => {
                self.periodic = self.periodic.with_missed(missed);
                self.missed = missed;
            }
        }
    }

    fn check(&self) {
        assert_eq!(u128::from(self.periodic.due().as_nanos()), self.due);
    }
}
