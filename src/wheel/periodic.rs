//! The times of a timer that comes again and again.

use core::time::Duration;

use crate::time::{Time, saturating_nanos};

/// When a timer that comes again and again is due, without drift; to be kept in its payload.
///
/// The times are those of a grid: `first`, `first + every`, `first + 2 * every` and so on. A wheel
/// that rounds up to its resolution, and a loop that comes late, don't move the grid. What was
/// missed meanwhile is for [`Missed`] to say. It is 24 bytes; every operation costs O(1) and
/// allocates nothing.
///
/// The timer keeps its key across the periods, so that whoever has the key can stop it:
///
/// ```
/// use core::time::Duration;
/// use punctual::time::Time;
/// use punctual::wheel::{Periodic, TimerWheel};
///
/// let ms = Duration::from_millis;
/// let start = Time::ZERO;
/// let mut wheel = TimerWheel::new(ms(1), start);
/// let report = Periodic::new(start + ms(100), ms(100));
/// let key = wheel.insert(report.due(), ("report", report));
///
/// let mut fired = Vec::new();
/// for now in [start + ms(100), start + ms(250), start + ms(299), start + ms(300)] {
///     while let Some(due) = wheel.peek_due(now) {
///         let Some((name, times)) = wheel.get_mut(due) else { break };
///         fired.push((*name, now));
///         let next = times.renew(now);
///         wheel.reset(due, next);
///     }
/// }
/// assert_eq!(fired, [100, 250, 300].map(|at| ("report", start + ms(at))));
/// assert_eq!(wheel.deadline(key), Some(start + ms(400)));
/// assert!(wheel.cancel(key).is_some());
/// ```
///
/// # At the end of time
///
/// A time beyond [`Time::MAX`] is [`Time::MAX`], and stays there. A loop that advances a wheel to
/// the end of time and renews what it is given doesn't end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periodic {
    due: Time,
    every_ns: u64,
    missed: Missed,
}

/// What becomes of the times that had passed before a [`Periodic`] was renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// Every one is still given, one after the other: for what must be done so many times. After a
    /// long pause these are as many renewals as there are periods in it.
    CatchUp,
    /// They are left out, and the next time is the first one of the same grid after the renewal:
    /// for what is done at certain times.
    #[default]
    Skip,
    /// They are left out, and the next time is a full period after the renewal: for what needs its
    /// distance from the last time. The grid moves.
    Shift,
}

impl Periodic {
    /// Times from `first` on, one `every` period; what is missed is skipped.
    ///
    /// A period of zero counts as one nanosecond, the shortest there is, and one of more than 64
    /// bits of nanoseconds (584 years) as that many.
    #[must_use]
    pub fn new(first: Time, every: Duration) -> Self {
        Self { due: first, every_ns: saturating_nanos(every).max(1), missed: Missed::Skip }
    }

    /// The same times, with another answer to what is missed.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::time::Time;
    /// use punctual::wheel::{Missed, Periodic};
    ///
    /// let at = Time::from_nanos;
    /// let after_a_pause = [(Missed::CatchUp, 200), (Missed::Skip, 400), (Missed::Shift, 430)];
    /// for (missed, next) in after_a_pause {
    ///     let mut times = Periodic::new(at(100), Duration::from_nanos(100)).with_missed(missed);
    ///     assert_eq!(times.renew(at(330)), at(next));
    /// }
    /// ```
    #[must_use]
    pub const fn with_missed(self, missed: Missed) -> Self {
        Self { missed, ..self }
    }

    /// The time that comes next. O(1).
    #[must_use]
    pub const fn due(&self) -> Time {
        self.due
    }

    /// Goes to the next time after the one that was due, and returns it. O(1).
    ///
    /// A `now` before the time that was due counts as that time: the next one is never less than a
    /// period later, except at [`Time::MAX`].
    pub fn renew(&mut self, now: Time) -> Time {
        let late_ns = now.as_nanos().saturating_sub(self.due.as_nanos());
        // Only the last sum can pass the end of time: this one is what was due, or at most `now`.
        let from_ns = self.due.as_nanos()
            + match self.missed {
                Missed::CatchUp => 0,
                Missed::Skip => late_ns - late_ns % self.every_ns,
                Missed::Shift => late_ns,
            };
        self.due = Time::from_nanos(from_ns.saturating_add(self.every_ns));
        self.due
    }
}
