//! What the model of the cache can do, with few keys, so that things collide.

use core::time::Duration;

use super::super::Word;

/// The unit of the model's clock is a prime, so that no order depends on round numbers.
pub(super) const UNIT_NS: u64 = 1_000_003;

pub(crate) const fn units(count: u32) -> Duration {
    Duration::from_nanos(count as u64 * UNIT_NS)
}

/// The TTLs that come with a value, in units; the cache's own where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ttls {
    pub(crate) soft: Option<u32>,
    pub(crate) hard: Option<u32>,
}

/// What a load comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brings {
    Value(Ttls),
    Absent(Ttls),
    Unchanged,
    Error,
    Panic,
}

/// How long somebody waits, in units; `None`: as long as it takes.
pub(crate) type Patience = Option<u32>;

/// `pick` numbers loads and waits from the newest to the oldest.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Get {
        key: u8,
    },
    GetOrWait {
        key: u8,
        patience: Patience,
    },
    GetFresh {
        key: u8,
        patience: Patience,
    },
    Refresh {
        key: u8,
        patience: Patience,
    },
    GetMany {
        keys: u8,
    },
    GetManyOrWait {
        keys: u8,
        patience: Patience,
    },
    Peek {
        key: u8,
    },
    Ttl {
        key: u8,
    },
    Put {
        key: u8,
        brings: Brings,
    },
    OrPut {
        key: u8,
    },
    Invalidate {
        key: u8,
    },
    Expire {
        key: u8,
    },
    Clear,
    /// A snapshot is taken, everything is cleared, and the snapshot restored after a while.
    Save {
        away: u32,
    },
    Advance {
        by: u32,
    },
    /// To the moment that the last advance named.
    AdvanceWhenTold,
    /// A clock that goes back counts as standing still.
    AdvanceBack {
        by: u32,
    },
    /// Polls a load that has not begun.
    Begin {
        pick: u32,
    },
    End {
        pick: u32,
        brings: Brings,
    },
    /// The cache's clock moves on while the load ends: that is how blocking loads are late.
    EndLate {
        pick: u32,
        after: u32,
        brings: Brings,
    },
    DropLoad {
        pick: u32,
    },
    PollWait {
        pick: u32,
    },
    TryWait {
        pick: u32,
    },
    DropWait {
        pick: u32,
    },
    /// The dispatcher refuses some of the next loads.
    Refuse {
        count: u32,
    },
    /// The next loads that somebody asked for are not begun when they are submitted.
    Leave {
        is_on: bool,
    },
    /// The cache is dropped, and another one made.
    Close,
}

impl Op {
    pub(super) fn decode(mut word: Word) -> Self {
        let kind = word.below(64);
        let key = word.below(super::KEYS as u32) as u8;
        let pick = word.below(8);
        let patience =
            [None, Some(0), Some(2), Some(6), Some(15), Some(40)][word.below(6) as usize];
        let keys = word.below(1 << super::KEYS) as u8;
        match kind {
            0..5 => Self::Get { key },
            5..11 => Self::GetOrWait { key, patience },
            11..14 => Self::GetFresh { key, patience },
            14..17 => Self::Refresh { key, patience },
            17 => Self::GetMany { keys },
            18 => Self::GetManyOrWait { keys, patience },
            19 => Self::Peek { key },
            20 => Self::Ttl { key },
            21..25 => Self::Put { key, brings: decode_put(word) },
            25 => Self::OrPut { key },
            26..28 => Self::Invalidate { key },
            28..30 => Self::Expire { key },
            30 => Self::decode_rare(word, pick),
            31..38 => Self::Advance { by: [0, 1, 1, 2, 3, 5, 8, 20][pick as usize] },
            38..40 => Self::AdvanceWhenTold,
            40 => Self::Begin { pick },
            41..51 => Self::End { pick, brings: decode_brings(word) },
            51 => {
                Self::EndLate { pick, after: 1 + u32::from(keys) % 20, brings: decode_brings(word) }
            }
            52..54 => Self::DropLoad { pick },
            54..59 => Self::PollWait { pick },
            59..61 => Self::TryWait { pick },
            61 => Self::DropWait { pick },
            62 => Self::Refuse { count: 1 + pick % 2 },
            _ => Self::Leave { is_on: pick.is_multiple_of(2) },
        }
    }

    fn decode_rare(mut word: Word, pick: u32) -> Self {
        match word.below(12) {
            0..3 => Self::Clear,
            3..6 => Self::Save { away: [0, 0, 3, 25][pick as usize % 4] },
            6 | 7 => Self::Advance { by: 30 + 10 * pick },
            8..11 => Self::AdvanceBack { by: pick },
            _ => Self::Close,
        }
    }
}

fn decode_ttls(word: &mut Word) -> Ttls {
    let times = [None, None, Some(0), Some(3), Some(10), Some(100)];
    Ttls { soft: times[word.below(6) as usize], hard: times[word.below(6) as usize] }
}

fn decode_put(mut word: Word) -> Brings {
    match word.below(8) {
        0..5 => Brings::Value(Ttls::default()),
        5 | 6 => Brings::Value(decode_ttls(&mut word)),
        _ => Brings::Absent(decode_ttls(&mut word)),
    }
}

fn decode_brings(mut word: Word) -> Brings {
    match word.below(16) {
        0..7 => Brings::Value(Ttls::default()),
        7 | 8 => Brings::Value(decode_ttls(&mut word)),
        9 | 10 => Brings::Absent(decode_ttls(&mut word)),
        11 => Brings::Unchanged,
        12..15 => Brings::Error,
        _ => Brings::Panic,
    }
}
