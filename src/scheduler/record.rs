//! A job in the scheduler's store.

use core::time::Duration;

use super::class::Class;
use super::demand::{Entry, Order};
use super::reason::{Forecast, ShedReason};
use crate::key::Key;
use crate::time::Time;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In no order: it is being submitted or moved.
    Nowhere,
    /// Waits for its release, in the wheel; a foreground job is in `upcoming` too.
    Unreleased,
    /// In `ready`; if that is a heap, in the wheel at its latest start too, if it has one.
    Ready,
    /// In `background`, and in the wheel at its latest start if it has one.
    Background,
    /// In the wheel alone, at its latest start if it has one: a job of its identity is running.
    Held,
    /// In `doomed`, under this key: it will be shed, and nobody was told yet.
    Doomed(Key),
    /// In `condemned`, under this key: only shadow mode still runs it.
    Condemned(Key),
    /// Occupies a worker since this time, or a guest.
    Running(Time),
    /// In no order: its run was interrupted, and its payload is with the caller.
    Suspended,
}

/// A job in the store.
#[derive(Debug)]
pub(super) struct Record<T, I> {
    /// Put in when the job is accepted or resumed, and taken out when it starts.
    pub(super) payload: Option<T>,
    pub(super) identity: Option<I>,
    pub(super) place: Place,
    pub(super) class: Class,
    pub(super) is_background_class: bool,
    /// Whether its class's reservation has room for it.
    pub(super) is_protected: bool,
    /// Whether it is to show what its class costs: see `learned`.
    pub(super) is_probe: bool,
    /// Whether it was booked without anything learned or declared.
    pub(super) is_guess: bool,
    /// Whether its last start was charged to its class's reservation.
    pub(super) is_charged: bool,
    /// Whether its cost was declared.
    pub(super) is_declared: bool,
    /// Whether its class's starvation guard took it to the front.
    pub(super) is_forced: bool,
    /// Whether it was suspended once: nothing but its end makes it go.
    pub(super) is_started: bool,
    /// Whether who runs it is none of the workers.
    pub(super) is_guest: bool,
    /// How many submissions share it.
    pub(super) shares: u32,
    pub(super) tenant: Option<u64>,
    pub(super) deadline: Option<Time>,
    /// The time before which the job must start; the largest number if there is none.
    pub(super) latest_ns: u64,
    /// The time from which it could have run: of its submission, of its later release, or since it
    /// was resumed.
    pub(super) eligible: Time,
    /// Frozen when the job is submitted, so that the latest start never moves by itself.
    pub(super) cost_ns: u64,
    /// What its runs took until it was suspended.
    pub(super) spent_ns: u64,
    pub(super) declared_ns: u64,
    pub(super) lead_ns: u64,
    pub(super) margin_ns: u64,
    /// For a snapshot.
    #[cfg(feature = "serde")]
    pub(super) value: u32,
    /// Cost per value, as [`badness`] has it.
    pub(super) badness: u64,
    pub(super) sequence: u64,
    /// Neighbours in the list of its class's waiting background jobs.
    pub(super) older: u32,
    pub(super) newer: u32,
}

/// When a job must be done, and the time from which it may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) deadline: Option<Time>,
    pub(super) eligible: Time,
}

impl Times {
    /// Whether work has to be done sooner, or can be: no deadline is later than any.
    pub(super) fn is_tighter_than(self, other: Self) -> bool {
        let due = |times: Self| (times.deadline.is_none(), times.deadline);
        due(self) < due(other) || self.eligible < other.eligible
    }

    /// What suits two at once.
    pub(super) fn tighter(self, other: Self) -> Self {
        Self {
            deadline: self.deadline.into_iter().chain(other.deadline).min(),
            eligible: self.eligible.min(other.eligible),
        }
    }
}

/// No slot, in a list of jobs.
pub(super) const NONE: u32 = u32::MAX;

/// What a job gains by not being protected, as far as evictions go: all that are protected come
/// behind all that aren't.
const UNPROTECTED: u64 = 1 << 62;

/// A job's cost per value in fixed point: the larger, the sooner it is evicted. Between 1 and
/// 2^62 - 1; costs of more than an hour are as bad as one of an hour.
pub(super) fn badness(cost_ns: u64, value: u32, weight: u32) -> u64 {
    const MOST: u64 = (1 << 62) - 1;
    const FRACTION: u32 = 20;
    let cost = cost_ns.min((1 << 42) - 1) << FRACTION;
    match u64::from(value) * u64::from(weight) {
        0 => MOST,
        1 => cost.min(MOST - 1) + 1,
        worth => (cost / worth).min(MOST - 1) + 1,
    }
}

impl<T, I> Record<T, I> {
    pub(super) fn declared(&self) -> Option<Duration> {
        self.is_declared.then_some(Duration::from_nanos(self.declared_ns))
    }

    pub(super) fn is_background(&self) -> bool {
        self.is_background_class || self.deadline.is_none()
    }

    /// Whether the job has to be in time beside others: a protected one, and one that stays, has a
    /// right to be where it is.
    pub(super) fn is_contested(&self) -> bool {
        self.place == Place::Ready && !self.stays() && !self.has_right()
    }

    /// Whether it can't be evicted: its class's starvation guard took it to the front, or it was
    /// started.
    const fn stays(&self) -> bool {
        self.is_forced || self.is_started
    }

    /// Worker time that is expected of it still.
    pub(super) const fn left_ns(&self) -> u64 {
        self.cost_ns.saturating_sub(self.spent_ns)
    }

    /// The time in whose order it runs: `None` for what runs in slack.
    pub(super) fn due(&self) -> Option<Time> {
        match self.is_forced {
            true => Some(self.eligible),
            false => self.deadline.filter(|_| !self.is_background_class),
        }
    }

    /// Whether it has a right to be served before those who haven't.
    const fn has_right(&self) -> bool {
        self.is_protected || self.is_probe
    }

    pub(super) fn is_past_latest_start(&self, now: Time) -> bool {
        self.latest_start().is_some_and(|latest_start| latest_start <= now)
    }

    /// The time before which the job must start; `None` without a deadline.
    pub(super) fn latest_start(&self) -> Option<Time> {
        (self.latest_ns < u64::MAX).then_some(Time::from_nanos(self.latest_ns))
    }

    /// From the start to the end of all that the job needs.
    pub(super) fn until_done(&self) -> Duration {
        Duration::from_nanos(self.cost_ns) + Duration::from_nanos(self.lead_ns)
    }

    /// A job without a deadline stands behind all that have one: the end of time is used for it
    /// here, but in the record the deadline is an `Option`. A job that was taken to the front
    /// stands where it would have to be done when it began to wait.
    pub(super) fn order(&self) -> Order {
        let due = if self.is_forced { Some(self.eligible) } else { self.deadline };
        Order::new(due.unwrap_or(Time::MAX), self.sequence)
    }

    pub(super) fn times(&self) -> Times {
        Times { deadline: self.deadline, eligible: self.eligible }
    }

    /// Sets the times, and the latest start with them.
    pub(super) fn set_times(&mut self, times: Times, closing: Option<Time>) {
        (self.deadline, self.eligible) = (times.deadline, times.eligible);
        self.latest_ns = self.latest_start_at(times, closing).map_or(u64::MAX, Time::as_nanos);
    }

    /// The time before which the job must start if its times are these: a shutdown counts as a
    /// deadline. The end of time is none, since nobody lives to see it; and who was started has
    /// none any more.
    fn latest_start_at(&self, times: Times, closing: Option<Time>) -> Option<Time> {
        if self.is_started {
            return None;
        }
        let due = times.deadline.into_iter().chain(closing).min();
        let reserved = [self.cost_ns, self.lead_ns, self.margin_ns].map(Duration::from_nanos);
        let latest_start = due.map(|due| reserved.into_iter().fold(due, |at, time| at - time));
        latest_start.filter(|&latest_start| latest_start < Time::MAX)
    }

    /// Whether an idle scheduler could start the job before its latest start.
    pub(super) fn is_possible(
        &self,
        times: Times,
        closing: Option<Time>,
        now: Time,
    ) -> Result<(), Forecast> {
        let start = times.eligible.max(now);
        match self.latest_start_at(times, closing) {
            Some(latest_start) if latest_start <= start => {
                let violated = times.deadline.unwrap_or(Time::MAX);
                let finish = start + self.until_done();
                Err(Forecast { latest_start, start, finish, ahead: 0, violated })
            }
            _ => Ok(()),
        }
    }

    /// The job in a demand index.
    pub(super) fn entry(&self, slot: u32, share_ns: u64) -> Entry {
        let worst = match self.stays() {
            true => 0,
            false if self.has_right() => self.badness,
            false => self.badness + UNPROTECTED,
        };
        // A job that was taken to the front displaces others, and nobody displaces it.
        let latest_ns = if self.is_forced { u64::MAX } else { self.latest_ns };
        Entry {
            order: self.order(),
            work_ns: share_ns,
            latest_ns,
            soonest_ns: self.latest_ns,
            worst,
            count: 1,
            child: slot,
        }
    }

    /// Why the job is shed, whose latest start has passed.
    pub(super) fn late_reason(&self) -> Option<ShedReason> {
        let cost = Duration::from_nanos(self.cost_ns);
        self.latest_start().map(|latest_start| ShedReason::LatestStart { latest_start, cost })
    }
}

/// Whether a job in a demand index is protected from those that are not.
pub(super) const fn is_protected(job: &Entry) -> bool {
    job.worst < UNPROTECTED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn badness_is_cost_per_value() {
        assert!(badness(200, 1, 1) > badness(100, 1, 1));
        assert!(badness(200, 3, 1) < badness(100, 1, 1));
        assert_eq!(badness(200, 2, 3), badness(200, 6, 1));
        assert!(badness(0, 0, 1) > badness(u64::MAX, 1, 1));
        assert!(badness(0, u32::MAX, u32::MAX) > 0);
        assert!(badness(u64::MAX, 0, 1) < UNPROTECTED);
    }
}
