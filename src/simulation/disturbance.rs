//! What goes wrong in a machine and around it.

use core::time::Duration;

use super::costs::is_share;

/// Something that happens again and again, after exponentially distributed times of mean `every`,
/// while jobs arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Disturbance {
    /// A running job takes so much longer.
    WorkerStall {
        /// The mean time between two.
        every: Duration,
        /// How much longer.
        length: Duration,
    },
    /// The clock stands still, while the world goes on; then it shows the right time again.
    ClockStall {
        /// The mean time between two.
        every: Duration,
        /// How long it stands still.
        length: Duration,
    },
    /// The clock jumps forward, and goes on from there.
    ClockJump {
        /// The mean time between two.
        every: Duration,
        /// How far.
        length: Duration,
    },
    /// The next call of the scheduler has a `now` that lies so far in the past: the reading of
    /// a thread that was not scheduled for a while.
    StaleReading {
        /// The mean time between two.
        every: Duration,
        /// How far.
        age: Duration,
    },
    /// A share of the queued jobs is cancelled.
    CancelStorm {
        /// The mean time between two.
        every: Duration,
        /// The share, from 0.0 to 1.0.
        share: f64,
    },
    /// A queued job gets another deadline.
    Reschedule {
        /// The mean time between two.
        every: Duration,
        /// The least time from the present to the new deadline.
        least: Duration,
        /// The longest.
        most: Duration,
    },
}

impl Disturbance {
    pub(super) fn is_valid(&self) -> bool {
        !self.every().is_zero()
            && match *self {
                Self::CancelStorm { share, .. } => is_share(share),
                Self::Reschedule { least, most, .. } => least <= most,
                _ => true,
            }
    }

    pub(super) const fn every(&self) -> Duration {
        match *self {
            Self::WorkerStall { every, .. }
            | Self::ClockStall { every, .. }
            | Self::ClockJump { every, .. }
            | Self::StaleReading { every, .. }
            | Self::CancelStorm { every, .. }
            | Self::Reschedule { every, .. } => every,
        }
    }
}
