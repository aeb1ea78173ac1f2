//! The time that work has left, on its way through sub-tasks.

use core::time::Duration;

use crate::time::Time;

/// The time until somebody needs an answer, as a point in time: it shrinks by itself while work
/// is passed on, and nobody has to subtract what was spent.
///
/// ```
/// use core::time::Duration;
/// use punctual::scheduler::{Budget, Job};
/// use punctual::time::Time;
///
/// let ms = Duration::from_millis;
/// let arrival = Time::ZERO;
/// let budget = Budget::of(arrival, ms(80));
/// assert_eq!(budget.remaining(arrival + ms(30)), ms(50));
///
/// // A lookup must be done 10 ms before that, so that there is time to use its result.
/// let lookup = budget.child(ms(10));
/// assert_eq!(lookup.deadline(), Some(arrival + ms(70)));
/// let job = Job::<_>::new("lookup").within(lookup);
/// # let _ = job;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    deadline: Option<Time>,
}

impl Budget {
    /// No limit: nobody waits.
    pub const UNLIMITED: Self = Self { deadline: None };

    /// The time from `now` to `now` + `length`.
    #[must_use]
    pub fn of(now: Time, length: Duration) -> Self {
        Self::until(now + length)
    }

    /// The time until `deadline`.
    #[must_use]
    pub const fn until(deadline: Time) -> Self {
        Self { deadline: Some(deadline) }
    }

    /// When it ends; `None` if it doesn't.
    #[must_use]
    pub const fn deadline(self) -> Option<Time> {
        self.deadline
    }

    /// What is left at `now`: zero when it is spent, [`Duration::MAX`] when there is no limit.
    #[must_use]
    pub fn remaining(self, now: Time) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| deadline.saturating_since(now))
    }

    /// Whether nothing is left at `now`.
    #[must_use]
    pub fn is_spent(self, now: Time) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// The budget of a sub-task that must leave `reserve` of this one.
    #[must_use]
    pub fn child(self, reserve: Duration) -> Self {
        Self { deadline: self.deadline.map(|deadline| deadline - reserve) }
    }

    /// The shorter of two budgets: for work that somebody else needs too.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        let both = self.deadline.into_iter().chain(other.deadline);
        Self { deadline: both.min() }
    }
}
