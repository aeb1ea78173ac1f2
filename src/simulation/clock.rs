//! The clock that the scheduler is told the time from.

use crate::time::Time;

/// A clock over the simulated world's time that can stand still and jump forward.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// How far it has jumped.
    ahead_ns: u64,
    /// Until when, in the world's time, it stands still at `shown_ns`.
    stalled_until_ns: u64,
    shown_ns: u64,
    /// How far in the past the next reading lies.
    stale_ns: u64,
}

impl Clock {
    /// A reading at this moment, which may be stale.
    pub(super) fn read(&mut self, at_ns: u64) -> Time {
        let stale_ns = core::mem::take(&mut self.stale_ns);
        Time::from_nanos(self.shown(at_ns).saturating_sub(stale_ns))
    }

    /// What it shows at this moment.
    pub(super) fn peek(&self, at_ns: u64) -> Time {
        Time::from_nanos(self.shown(at_ns))
    }

    fn shown(&self, at_ns: u64) -> u64 {
        match at_ns < self.stalled_until_ns {
            true => self.shown_ns,
            false => at_ns.saturating_add(self.ahead_ns),
        }
    }

    /// When, after this moment, the clock will show `until`.
    pub(super) fn moment_of(&self, until: Time, at_ns: u64) -> u64 {
        let moment_ns = until.as_nanos().saturating_sub(self.ahead_ns);
        moment_ns.max(self.stalled_until_ns).max(at_ns.saturating_add(1))
    }

    pub(super) fn stall(&mut self, at_ns: u64, length_ns: u64) {
        self.shown_ns = self.shown(at_ns);
        self.stalled_until_ns = self.stalled_until_ns.max(at_ns.saturating_add(length_ns));
    }

    pub(super) const fn jump(&mut self, length_ns: u64) {
        self.ahead_ns = self.ahead_ns.saturating_add(length_ns);
    }

    pub(super) const fn go_stale(&mut self, age_ns: u64) {
        self.stale_ns = age_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_jumps_and_reads_the_past() {
        let time = Time::from_nanos;
        let mut clock = Clock::default();
        assert_eq!(clock.read(5), time(5));
        clock.stall(10, 20);
        assert_eq!(clock.read(25), time(10));
        assert_eq!(clock.moment_of(time(15), 25), 30);
        assert_eq!(clock.read(30), time(30));
        clock.jump(100);
        assert_eq!(clock.moment_of(time(150), 31), 50);
        assert_eq!(clock.moment_of(time(110), 31), 32);
        assert_eq!(clock.read(31), time(131));
        clock.go_stale(50);
        assert_eq!(clock.read(32), time(82));
        assert_eq!(clock.peek(32), time(132));
    }
}
