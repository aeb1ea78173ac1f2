//! How far from the present the wheels' models go, and where a window's roundest tick is.

use super::Word;

/// A distance from the present tick.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Distance {
    Past(u64),
    Ahead(u64),
    /// To the next wake-up.
    Next,
    End,
}

impl Distance {
    /// To a deadline: at every level, in the past, at the end of time.
    pub(crate) fn decode(word: &mut Word) -> Self {
        let value = u64::from(word.below(70));
        match word.below(16) {
            0 => Self::Past(value),
            1 if value < 20 => Self::End,
            1 => Self::Next,
            2 => Self::Ahead(u64::MAX >> value.min(63)),
            3 => Self::Ahead(1 << value.min(63)),
            level @ 4..12 => Self::Ahead(value << (6 * (level - 3))),
            _ => Self::Ahead(value),
        }
    }

    /// To where the clock goes: hardly ever so far that nothing is left to come.
    pub(crate) fn decode_step(word: &mut Word) -> Self {
        match Self::decode(word) {
            Self::End if word.below(3) > 0 => Self::Next,
            Self::Ahead(far @ 0x1_0000_0000..) if word.below(3) > 0 => Self::Ahead(far >> 32),
            distance => distance,
        }
    }

    pub(crate) fn from(self, now: u64, next: Option<u64>) -> u64 {
        match self {
            Self::Past(ticks) => now.saturating_sub(ticks),
            Self::Ahead(ticks) => now.saturating_add(ticks),
            Self::Next => next.unwrap_or(now),
            Self::End => u64::MAX,
        }
    }
}

/// The tick of a window that is a multiple of the highest power of two.
pub(crate) fn roundest(earliest: u64, latest: u64) -> u64 {
    let window = earliest..=latest.max(earliest);
    let multiple = |bit: u32| (earliest >> bit << bit).checked_add(1 << bit);
    let multiples = (0..64).rev().filter_map(multiple).filter(|it| window.contains(it));
    let candidates = multiples.chain([earliest]);
    let zeros = |tick: &u64| tick.trailing_zeros();
    candidates.max_by_key(zeros).unwrap_or(earliest)
}
