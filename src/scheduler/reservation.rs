//! The worker time that a class has reserved: a token bucket.

use super::class::Reservation;
use crate::time::{Time, saturating_nanos};

/// A token bucket, in nanoseconds of worker time.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    runtime_ns: u64,
    period_ns: u64,
    credit_ns: i128,
    filled_at: Time,
    /// What was gained beyond whole nanoseconds, in parts of a period.
    rest: u128,
    /// The cost of the protected jobs that wait.
    protected_ns: u128,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(reservation: Reservation) -> Self {
        let runtime_ns = saturating_nanos(reservation.runtime);
        Self {
            runtime_ns,
            period_ns: saturating_nanos(reservation.period),
            credit_ns: i128::from(runtime_ns),
            filled_at: Time::ZERO,
            rest: 0,
            protected_ns: 0,
        }
    }

    fn refill(&mut self, now: Time) {
        let elapsed_ns = now.saturating_since(self.filled_at).as_nanos();
        self.filled_at = now;
        // Both factors are below 2^64, and the rest is below a period.
        let gained =
            elapsed_ns.saturating_mul(u128::from(self.runtime_ns)).saturating_add(self.rest);
        self.rest = gained % u128::from(self.period_ns);
        let gained_ns = gained / u128::from(self.period_ns);
        self.give(i128::try_from(gained_ns).unwrap_or(i128::MAX));
    }

    fn give(&mut self, gained_ns: i128) {
        self.credit_ns = self.credit_ns.saturating_add(gained_ns);
        if self.credit_ns >= i128::from(self.runtime_ns) {
            (self.credit_ns, self.rest) = (i128::from(self.runtime_ns), 0);
        }
    }

    /// Whether there is something in the bucket.
    pub(super) fn has_credit(&mut self, now: Time) -> bool {
        self.refill(now);
        self.credit_ns > 0
    }

    /// Protects a job, if the bucket can serve it before `latest_start` beside all that it
    /// protects already.
    pub(super) fn protect(&mut self, now: Time, latest_start: Time, cost_ns: u64) -> bool {
        let fits = self.would_protect(now, latest_start, cost_ns);
        self.restore(fits, cost_ns)
    }

    /// Whether the bucket would protect a job.
    pub(super) fn would_protect(&mut self, now: Time, latest_start: Time, cost_ns: u64) -> bool {
        self.refill(now);
        let until_ns = latest_start.saturating_since(now).as_nanos();
        let gained_ns =
            until_ns.saturating_mul(u128::from(self.runtime_ns)) / u128::from(self.period_ns);
        let available_ns =
            self.credit_ns.saturating_add(i128::try_from(gained_ns).unwrap_or(i128::MAX));
        let protected_ns = self.protected_ns + u128::from(cost_ns);
        i128::try_from(protected_ns).is_ok_and(|it| it <= available_ns)
    }

    /// A job comes back with the protection that it had.
    pub(super) fn restore(&mut self, is_protected: bool, cost_ns: u64) -> bool {
        if is_protected {
            self.protected_ns += u128::from(cost_ns);
        }
        is_protected
    }

    /// A protected job leaves the queue.
    pub(super) fn leave(&mut self, cost_ns: u64) {
        self.protected_ns -= u128::from(cost_ns);
    }

    /// # Panics
    ///
    /// If what the protected jobs cost is not what the bucket knows.
    pub(super) fn assert_protects(&self, cost_ns: u128) {
        assert_eq!(self.protected_ns, cost_ns, "the cost of the protected jobs");
        assert!(self.credit_ns <= i128::from(self.runtime_ns), "a bucket never overflows");
    }

    /// A job starts. What the class gets because it is protected or behind its share is charged,
    /// also into debt; what it gets because others leave it to the class empties the bucket, but
    /// is never owed.
    pub(super) fn start(&mut self, now: Time, cost_ns: u64, is_charged: bool) {
        self.refill(now);
        let left_ns = self.credit_ns - i128::from(cost_ns);
        self.credit_ns = if is_charged { left_ns } else { left_ns.max(self.credit_ns.min(0)) };
    }

    /// A job that was charged ends: what it did not need comes back, what it overran is owed.
    pub(super) fn settle(&mut self, now: Time, cost_ns: u64, took_ns: u64) {
        self.refill(now);
        self.give(i128::from(cost_ns) - i128::from(took_ns));
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const fn at(ns: u64) -> Time {
        Time::from_nanos(ns)
    }

    fn bucket(runtime: u64, period: u64) -> Bucket {
        let [runtime, period] = [runtime, period].map(Duration::from_nanos);
        Bucket::new(Reservation { runtime, period })
    }

    #[test]
    fn a_bucket_gains_its_runtime_in_a_period_however_often_it_is_asked() {
        let mut bucket = bucket(3, 10);
        bucket.start(at(0), 3, true);
        let first = (1..).find(|&ns| bucket.has_credit(at(ns)));
        assert_eq!(first, Some(4));
        (5..=20).for_each(|ns| bucket.refill(at(ns)));
        assert_eq!(bucket.credit_ns, 3, "a bucket holds its runtime and no more");
    }

    #[test]
    fn only_what_is_charged_is_owed() {
        let mut bucket = bucket(10, 100);
        bucket.start(at(0), 25, false);
        assert_eq!(bucket.credit_ns, 0);
        bucket.start(at(0), 25, true);
        assert_eq!(bucket.credit_ns, -25);
        bucket.start(at(0), 25, false);
        assert_eq!(bucket.credit_ns, -25);
        bucket.settle(at(0), 25, 5);
        assert_eq!(bucket.credit_ns, -5);
    }

    #[test]
    fn what_is_protected_can_be_served_in_time() {
        let mut bucket = bucket(10, 100);
        assert!(bucket.protect(at(0), at(1), 10));
        assert!(!bucket.protect(at(0), at(9), 1));
        assert!(bucket.protect(at(0), at(10), 1));
        bucket.leave(10);
        assert!(bucket.protect(at(0), at(1), 9));
    }
}
