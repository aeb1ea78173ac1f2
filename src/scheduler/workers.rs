//! What the workers still have to do, as far as anybody expects.

use core::time::Duration;

use super::demand::Lookout;
use super::ready::ARITY;
use crate::heap::IdHeap;
use crate::time::Time;

/// The expected ends of the running jobs.
///
/// What they need still is the sum of (end - now) over those that end later than now: a count
/// and a sum of ends, from which ends leave as time passes them.
#[derive(Debug)]
pub(super) struct Workers {
    count: u32,
    running: u32,
    /// By slot: the ends that time has not passed yet.
    ends: IdHeap<Time, ARITY>,
    /// At most 2^31 ends of at most 2^64 ns.
    sum_ns: u128,
}

impl Workers {
    pub(super) const fn new(count: u32) -> Self {
        Self { count, running: 0, ends: IdHeap::with_arity(), sum_ns: 0 }
    }

    pub(super) const fn running(&self) -> u32 {
        self.running
    }

    pub(super) const fn has_free(&self) -> bool {
        self.running < self.count
    }

    /// The part of a job's cost that each worker bears, rounded up to the safe side.
    pub(super) const fn share_ns(&self, cost_ns: u64) -> u64 {
        cost_ns.div_ceil(self.count as u64)
    }

    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Fewer than run now is allowed: then nothing starts until enough of them are done.
    pub(super) const fn set_count(&mut self, count: u32) {
        self.count = count;
    }

    /// A job starts that is expected to end at `end`. O(log workers).
    pub(super) fn start(&mut self, slot: u32, end: Time) {
        self.running += 1;
        if self.ends.push(slot, end).is_ok() {
            self.sum_ns += u128::from(end.as_nanos());
        }
    }

    /// A running job is done. O(log workers).
    pub(super) fn finish(&mut self, slot: u32) {
        self.running -= 1;
        if let Some(end) = self.ends.remove(slot) {
            self.sum_ns -= u128::from(end.as_nanos());
        }
    }

    /// Worker time that the running jobs are expected to need after `now`. Amortised
    /// O(log workers): each end is passed once.
    pub(super) fn remaining_ns(&mut self, now: Time) -> u128 {
        while let Some((_, end)) = self.ends.pop_if(|_, end| end <= now) {
            self.sum_ns -= u128::from(end.as_nanos());
        }
        self.sum_ns - self.ends.len() as u128 * u128::from(now.as_nanos())
    }

    /// When the first queued job begins at the latest, if so much worker time comes before it.
    pub(super) fn begin_after(&mut self, now: Time, extra_ns: u64) -> Time {
        let work_ns = self.remaining_ns(now) + u128::from(extra_ns);
        now + self.shared(work_ns)
    }

    /// What each worker bears of some work.
    fn shared(&self, work_ns: u128) -> Duration {
        // A division of 128 bits takes dozens of nanoseconds.
        let share_ns = match u64::try_from(work_ns) {
            Ok(work_ns) => self.share_ns(work_ns),
            Err(_) => u64::try_from(work_ns.div_ceil(u128::from(self.count))).unwrap_or(u64::MAX),
        };
        Duration::from_nanos(share_ns)
    }

    /// Looks out over what runs, for jobs of which the last is due at `last`. O(W log W), and O(1)
    /// for one worker.
    ///
    /// A worker that is busy beyond `last` counts only until then: for these jobs it is a worker
    /// less, and not a mountain of work that all have to carry away.
    pub(super) fn look_out(&mut self, now: Time, last: Option<Time>, lookout: &mut Lookout) {
        let mut work_ns = self.remaining_ns(now);
        if self.count > 1
            && let Some(last) = last
        {
            let until =
                |end: Time| u128::from(end.min(last).saturating_since(now).as_nanos() as u64);
            work_ns = self.ends.iter().map(|(_, end)| until(end)).sum();
        }
        lookout.now_ns = now.as_nanos();
        lookout.begin_ns = (now + self.shared(work_ns)).as_nanos();
        lookout.idle = self.count.saturating_sub(self.ends.len() as u32);
        lookout.ends_ns.clear();
        lookout.ends_ns.extend(self.ends.iter().map(|(_, end)| end.as_nanos()));
        lookout.ends_ns.sort_unstable();
        // Where more run than there are workers, the first ends leave no worker free.
        let too_many = self.ends.len().saturating_sub(self.count as usize);
        lookout.ends_ns.drain(..too_many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_shrinks_until_the_expected_end_and_no_further() {
        let at = Time::from_nanos;
        let mut workers = Workers::new(2);
        workers.start(7, at(100));
        workers.start(3, at(40));
        assert_eq!((workers.remaining_ns(at(10)), workers.has_free()), (120, false));
        assert_eq!(workers.begin_after(at(10), 0), at(70));
        assert_eq!(workers.remaining_ns(at(50)), 50);
        workers.finish(3);
        assert_eq!((workers.remaining_ns(at(100)), workers.has_free()), (0, true));
        workers.finish(7);
        assert_eq!((workers.running(), workers.sum_ns), (0, 0));
    }

    #[test]
    fn ends_at_the_end_of_time_are_counted() {
        let mut workers = Workers::new(3);
        for slot in 0..3 {
            workers.start(slot, Time::MAX);
        }
        assert_eq!(workers.remaining_ns(Time::ZERO), 3 * u128::from(u64::MAX));
        assert_eq!(workers.begin_after(Time::from_nanos(5), u64::MAX), Time::MAX);
    }
}
