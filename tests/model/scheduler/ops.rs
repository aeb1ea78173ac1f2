//! What the model of the scheduler can do, in small numbers, so that jobs collide.

use core::time::Duration;

use punctual::scheduler::Outcome;

use super::super::Word;

/// When a job must be done; in units of the model's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Never,
    At(i32),
    Within(u32),
    End,
}

/// Stands for the longest time that there is; all other numbers for so many units.
pub(super) const FOREVER: u32 = u32::MAX;

/// Stands for a class that doesn't exist; all others for the one with the rest of the number.
pub(super) const UNKNOWN: u16 = 99;

/// A job before it is submitted; times in units of the model's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) class: u16,
    pub(crate) due: Due,
    pub(crate) cost: Option<u32>,
    pub(crate) release: Option<u32>,
    pub(crate) lead: u32,
    pub(crate) value: u32,
    pub(crate) tenant: Option<u64>,
    pub(crate) identity: Option<u8>,
}

impl Offer {
    /// A job of class 0 and value 1, due within so many units.
    pub(crate) const fn within(budget: u32) -> Self {
        Self {
            class: 0,
            due: Due::Within(budget),
            cost: None,
            release: None,
            lead: 0,
            value: 1,
            tenant: None,
            identity: None,
        }
    }

    /// The same job with a declared cost.
    pub(crate) const fn cost(self, cost: u32) -> Self {
        Self { cost: Some(cost), ..self }
    }
}

/// `pick` numbers the jobs from the newest to the oldest, those that are gone included, and
/// `running` those that run, so that completions are frequent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Submit(Offer),
    Poll {
        after: u32,
    },
    /// At the moment that the last wait named.
    PollWhenTold,
    /// Nothing comes after it.
    PollAtTheEnd,
    /// A clock that goes back counts as standing still.
    PollInThePast {
        by: u32,
    },
    Complete {
        running: u32,
        after: u32,
        outcome: Outcome,
    },
    /// Mostly a job that doesn't run.
    CompleteAny {
        pick: u32,
    },
    Cancel {
        pick: u32,
    },
    Reschedule {
        pick: u32,
        by: i32,
    },
    Load {
        after: u32,
    },
    Suspend {
        running: u32,
        after: u32,
    },
    /// Mostly a job that doesn't run.
    SuspendAny {
        pick: u32,
    },
    Resume {
        suspended: u32,
    },
    /// Mostly a job that isn't suspended.
    ResumeAny {
        pick: u32,
    },
    First {
        after: u32,
    },
    Tend {
        after: u32,
    },
    Claim {
        pick: u32,
    },
    SetWorkers {
        workers: u32,
    },
    Shutdown {
        by: i32,
    },
}

/// The unit of the model's clock is a prime, so that no order depends on round numbers.
const UNIT_NS: u64 = 1_000_003;

pub(crate) const fn units(count: u32) -> Duration {
    Duration::from_nanos(count as u64 * UNIT_NS)
}

/// A job's cost or lead, which may be longer than anything.
pub(super) const fn span(count: u32) -> Duration {
    if count == FOREVER { Duration::MAX } else { units(count) }
}

impl Op {
    pub(super) fn decode(mut word: Word) -> Self {
        let kind = word.below(40);
        let pick = word.below(14);
        let by = word.below(24) as i32 - 4;
        match kind {
            0..14 => Self::Submit(decode_offer(word, pick, by)),
            14..20 => Self::Poll { after: pick / 6 },
            20 | 21 => Self::PollWhenTold,
            22..25 => Self::Complete {
                running: pick,
                after: word.below(4),
                outcome: match by % 5 {
                    0 => Outcome::Failed,
                    1 => Outcome::GivenUp,
                    _ => Outcome::Done,
                },
            },
            25 => Self::CompleteAny { pick },
            26 => Self::Cancel { pick },
            27..30 => Self::Reschedule { pick, by },
            30 => Self::Load { after: pick / 4 },
            32 | 33 => Self::Suspend { running: pick, after: word.below(3) },
            34 | 35 => Self::Resume { suspended: pick },
            36 | 37 => Self::Claim { pick },
            38 if by % 2 == 0 => Self::First { after: pick / 8 },
            38 => Self::Tend { after: pick / 6 },
            39 => match by {
                0..6 => Self::SuspendAny { pick },
                6..12 => Self::ResumeAny { pick },
                12 => Self::SetWorkers { workers: [0, u32::MAX][pick as usize % 2] },
                _ => Self::SetWorkers { workers: 1 + pick % 4 },
            },
            _ => match word.below(200) {
                0..10 => Self::Shutdown { by },
                10 => Self::PollAtTheEnd,
                _ => Self::PollInThePast { by: pick },
            },
        }
    }
}

fn decode_offer(mut word: Word, pick: u32, by: i32) -> Offer {
    let mut more = word.scrambled();
    let offer = Offer {
        class: if word.below(30) == 0 { UNKNOWN } else { word.below(5) as u16 },
        due: match word.below(12) {
            0 => Due::Never,
            1 => Due::End,
            2..9 => Due::Within(pick),
            _ => Due::At(by),
        },
        cost: (by % 3 != 0).then_some(word.below(5)),
        release: (word.below(4) == 0).then_some(pick / 2),
        lead: [0, 0, 0, 0, 1, 1, 2, 4][more.below(8) as usize],
        value: [0, 1, 1, 2, 3, 100][more.below(6) as usize],
        tenant: [None, Some(1), Some(2), Some(3)][more.below(4) as usize],
        identity: [None, None, Some(1), Some(2)][more.below(4) as usize],
    };
    match more.below(60) {
        // One that takes longer than all others, and is still accepted.
        0..3 => Offer { due: Due::Within(300 + pick), cost: Some(200), ..offer },
        // What never ends is accepted where it needs not end in time.
        3 | 4 => Offer { due: Due::Never, cost: Some(FOREVER), ..offer },
        5 => Offer { cost: Some(FOREVER), ..offer },
        6 => Offer { lead: FOREVER, ..offer },
        7 => Offer { due: Due::Never, lead: FOREVER, ..offer },
        _ => offer,
    }
}
