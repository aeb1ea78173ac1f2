//! What the model of the planner does, and how a word says it.

use core::time::Duration;

use super::super::Word;

/// Ids are below this; the model also names the one at it.
pub(crate) const IDS: u32 = 6;

/// One unit of the model's time.
pub(crate) const UNIT: Duration = Duration::from_millis(500);

pub(crate) const fn units(count: u32) -> Duration {
    Duration::from_nanos(UNIT.as_nanos() as u64 * count as u64)
}

/// When a value's life ends, in units after the present; or never.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    Units(u32),
    Endless,
}

/// A value, in units of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) id: u32,
    /// Made so long ago; what is negative is still to come.
    pub(crate) age: i32,
    pub(crate) not_before: u32,
    pub(crate) soft: u32,
    pub(crate) hard: Life,
    pub(crate) lead: u32,
    /// One of [`COSTS`].
    pub(crate) cost: u8,
    /// One of [`RATES`].
    pub(crate) rate: u8,
}

impl Value {
    pub(crate) const fn new(id: u32, soft: u32, hard: u32) -> Self {
        let (age, lead, cost, rate) = (0, 0, 0, 0);
        Self { id, age, not_before: soft, soft, hard: Life::Units(hard), lead, cost, rate }
    }
}

pub(crate) const COSTS: [f64; 8] = [1.0, 1.0, 0.25, 3.0, 9.0, f64::NAN, 1e300, f64::MIN_POSITIVE];

pub(crate) const RATES: [f64; 8] = [0.2, 0.2, 0.01, 2.0, 50.0, f64::NAN, f64::INFINITY, 0.0];

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended {
    Changed,
    Unchanged,
    Loaded,
    Failed { after: u32 },
    Dropped { after: u32 },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Insert(Value),
    SetHard {
        id: u32,
        by: i32,
    },
    BackOff {
        id: u32,
        by: u32,
    },
    Touch {
        id: u32,
        hits: u32,
    },
    Expire {
        id: u32,
    },
    Abandon {
        id: u32,
    },
    Remove {
        id: u32,
    },
    Demand {
        id: u32,
        within: Option<u32>,
    },
    Poll {
        after: u32,
    },
    /// Until it says to wait.
    PollAll {
        after: u32,
    },
    PollWhenTold,
    PollInThePast {
        by: u32,
    },
    PollAtTheEnd,
    /// And a value, if it is a success and the load was current.
    Finish {
        pick: u32,
        after: u32,
        ended: Ended,
        soft: u32,
    },
    /// Of a load whose name finds nothing.
    FinishAgain {
        pick: u32,
    },
    Teach {
        id: u32,
        hits: u8,
        changes: u8,
    },
    Clear,
    Copy,
}

impl Op {
    pub(crate) fn decode(mut word: Word) -> Self {
        let kind = word.below(40);
        // Now and then the id that is beyond the bound.
        let id = match word.below(24) {
            23 => IDS,
            id => id % IDS,
        };
        match kind {
            0..=6 => Self::insert(id, word),
            7 => Self::SetHard { id, by: word.below(24) as i32 - 4 },
            8 => Self::BackOff { id, by: word.below(9) },
            9..=13 => Self::Touch {
                id,
                hits: [0, 1, 1, 2, 5, 40, 3_000, u32::MAX][word.below(8) as usize],
            },
            14 => Self::Expire { id },
            15 => Self::Abandon { id },
            16 => Self::Remove { id },
            17..=20 => Self::Demand { id, within: Some(word.below(14)).filter(|it| it % 3 > 0) },
            21..=23 => Self::Poll { after: word.below(4) },
            24..=27 => Self::PollAll { after: word.below(6) },
            28..=30 => Self::PollWhenTold,
            31 => Self::PollInThePast { by: word.below(9) },
            32..=36 => Self::finish(word),
            37 => Self::Teach { id, hits: word.below(4) as u8, changes: word.below(8) as u8 },
            38 => match word.below(12) {
                0 => Self::Clear,
                1 => Self::PollAtTheEnd,
                pick => Self::FinishAgain { pick },
            },
            _ => Self::Copy,
        }
    }

    fn insert(id: u32, mut word: Word) -> Self {
        let soft = word.below(8);
        let hard = match word.below(9) {
            0 => Life::Endless,
            more => Life::Units((soft + 2 * more).saturating_sub(3)),
        };
        let not_before = match word.below(4) {
            0 => soft + 9,
            1 => soft / 2,
            _ => soft,
        };
        let age = [0, 0, 0, 1, 5, -3][word.below(6) as usize];
        let lead = [0, 0, 1, 2, 30][word.below(5) as usize];
        let (cost, rate) = (word.below(8) as u8, word.below(8) as u8);
        Self::Insert(Value { id, age, not_before, soft, hard, lead, cost, rate })
    }

    fn finish(mut word: Word) -> Self {
        let (pick, after) = (word.below(4), word.below(2));
        let ended = match word.below(8) {
            0 | 1 => Ended::Changed,
            2 | 3 => Ended::Unchanged,
            4 | 5 => Ended::Loaded,
            6 => Ended::Failed { after: word.below(5) },
            _ => Ended::Dropped { after: word.below(2) },
        };
        Self::Finish { pick, after, ended, soft: word.below(7) + 1 }
    }
}
