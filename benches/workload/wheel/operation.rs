//! The operations that are measured.

use super::plan::Delay;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Insert,
    Cancel,
    Reset,
    ResetLater,
    /// Timers come and go, and 95 % of them are cancelled.
    CancelledMix,
    /// All timers expire, and the wheel is advanced at every tick at which one does.
    Expire,
    /// Sleep until the next wake-up, fire, arm again what fired.
    EventLoop,
    /// Ask for the next wake-up again and again.
    NextWakeup,
    /// Cancel the earliest timer and ask for the next wake-up.
    CancelFirst,
    /// Ask for the next wake-up and take out one timer.
    PopOne,
    /// Advance by a tick at which nothing is due.
    EmptyTick,
    /// Advance by an hour in which nothing is due.
    IdleHour,
}

impl Operation {
    const ALL: [Self; 12] = [
        Self::Insert,
        Self::Cancel,
        Self::Reset,
        Self::ResetLater,
        Self::CancelledMix,
        Self::Expire,
        Self::EventLoop,
        Self::NextWakeup,
        Self::CancelFirst,
        Self::PopOne,
        Self::EmptyTick,
        Self::IdleHour,
    ];

    /// Where all timers of a deadline share a slot, it is the search for the next that may hurt.
    const CLUSTERED: [Self; 3] = [Self::NextWakeup, Self::CancelFirst, Self::PopOne];

    /// What is measured with such delays.
    pub(crate) const fn all(delay: Delay) -> &'static [Self] {
        match delay {
            Delay::Uniform | Delay::Exponential => &Self::ALL,
            Delay::Clustered => &Self::CLUSTERED,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Cancel => "cancel",
            Self::Reset => "re-arm",
            Self::ResetLater => "re-arm later",
            Self::CancelledMix => "95% cancelled",
            Self::Expire => "expire all",
            Self::EventLoop => "wake, fire, re-arm",
            Self::NextWakeup => "next_wakeup",
            Self::CancelFirst => "cancel first, next_wakeup",
            Self::PopOne => "next_wakeup, pop one",
            Self::EmptyTick => "empty tick",
            Self::IdleHour => "idle hour",
        }
    }
}
