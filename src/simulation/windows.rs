//! Where in each period the arrivals are counted apart.

use alloc::vec::Vec;
use core::time::Duration;

use super::event::{Event, Ticket};
use super::report::Tally;
use crate::time::{Time, saturating_nanos};

/// The part of each period in which the arrivals are counted apart: during a spike, or after it.
///
/// [`Report::windows`](super::Report::windows) holds what became of the jobs that arrived in all
/// of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The time from the start of one period to that of the next.
    pub period: Duration,
    /// Where in each period the window starts.
    pub from: Duration,
    /// Where it ends.
    pub until: Duration,
}

/// What became of the jobs that arrived in some [`Windows`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowReport {
    /// All of them.
    pub total: Tally,
    /// Those of each class; jobs of a class that is not configured are left out.
    pub classes: Vec<Tally>,
    /// The time of all workers in the windows.
    pub capacity: Duration,
}

impl Windows {
    pub(super) fn is_valid(&self) -> bool {
        !self.period.is_zero() && self.from < self.until && self.until <= self.period
    }

    /// Whether a moment of the simulated world is in one of them.
    pub(super) fn hold(&self, at: Time) -> bool {
        let inside_ns = at.as_nanos() % saturating_nanos(self.period);
        (saturating_nanos(self.from)..saturating_nanos(self.until)).contains(&inside_ns)
    }

    /// How long they are together, up to this time.
    pub(super) fn length_within(&self, duration: Duration) -> Duration {
        let [period_ns, from_ns, until_ns, duration_ns] =
            [self.period, self.from, self.until, duration].map(saturating_nanos);
        let whole_ns = (duration_ns / period_ns).saturating_mul(until_ns - from_ns);
        let rest_ns = (duration_ns % period_ns).min(until_ns).saturating_sub(from_ns);
        Duration::from_nanos(whole_ns.saturating_add(rest_ns))
    }
}

impl WindowReport {
    /// The work of the jobs that arrived in the windows and were done in time, as a share of the
    /// workers' time there. What arrives at the end is done afterwards, so that it can exceed 1.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        match self.capacity.is_zero() {
            true => 0.0,
            false => self.total.on_time_work.as_secs_f64() / self.capacity.as_secs_f64(),
        }
    }

    pub(super) fn count(&mut self, event: &Event, ticket: &Ticket) {
        self.total.count(event);
        if let Some(class) = self.classes.get_mut(ticket.class.number()) {
            class.count(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_a_part_of_each_period() {
        let ms = Duration::from_millis;
        let windows = Windows { period: ms(10), from: ms(2), until: ms(9) };
        assert!(windows.is_valid());
        for end_ms in 0..40 {
            let times = (0..end_ms).map(|at_ms| Time::ZERO + ms(at_ms));
            let held = times.filter(|&at| windows.hold(at)).count();
            assert_eq!(windows.length_within(ms(end_ms)), ms(held as u64));
        }
        assert!(!Windows { until: ms(11), ..windows }.is_valid());
    }
}
