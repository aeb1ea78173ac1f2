//! Which jobs are probes: after many of a class were turned away without a run of it, one is taken
//! as if nothing had been learned.

use punctual::scheduler::ShedReason;

/// What is known of whether a job is a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    No,
    Yes,
    Perhaps,
}

/// So many may be turned away before the next one is a probe.
const PATIENCE: u32 = 256;

/// How many of a class were turned away since one of it started, or a probe was queued: so many at
/// least, and at most.
#[derive(Clone, Default)]
pub(crate) struct TurnedAway {
    least: u32,
    most: u32,
}

impl TurnedAway {
    pub(crate) const fn start(&mut self) {
        (self.least, self.most) = (0, 0);
    }

    /// The job that was asked for is queued: there is one probe at a time.
    pub(crate) const fn queued(&mut self) {
        match self.next() {
            Probe::No => {}
            Probe::Yes => self.start(),
            Probe::Perhaps => self.least = 0,
        }
    }

    pub(crate) fn refused(&mut self, is_certain: bool) {
        self.least += u32::from(is_certain);
        self.most += 1;
    }

    pub(crate) fn shed(&mut self, reason: &ShedReason) {
        if !matches!(reason, ShedReason::Shutdown | ShedReason::Displaced) {
            self.refused(true);
        }
    }

    /// Of the job that is submitted next.
    pub(crate) const fn next(&self) -> Probe {
        match (self.least > PATIENCE, self.most > PATIENCE) {
            (true, _) => Probe::Yes,
            (false, true) => Probe::Perhaps,
            (false, false) => Probe::No,
        }
    }
}
