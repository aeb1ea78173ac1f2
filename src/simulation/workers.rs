//! The simulated workers.

use alloc::vec::Vec;

use super::event::Ticket;
use super::random::Random;
use crate::key::Key;
use crate::scheduler::Running;
use crate::time::Time;

/// What a worker is busy with.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) running: Running<Ticket>,
    /// When the job must be done, and when it was started, in the simulated world's time.
    pub(super) due: Option<Time>,
    pub(super) started: Time,
    /// The end of the run in the agenda.
    pub(super) end: Key,
    /// Whose job it is, and whose worker.
    pub(super) group: usize,
    pub(super) home: usize,
}

/// The workers. How many there may be is the scheduler's to know: each is made when it is first
/// needed, since a configuration may have a billion of them.
#[derive(Debug, Default)]
pub(super) struct Workers {
    runs: Vec<Option<Run>>,
    free: Vec<usize>,
}

impl Workers {
    /// The worker that takes the next job.
    pub(super) fn next(&self) -> usize {
        self.free.last().copied().unwrap_or(self.runs.len())
    }

    /// Gives a run to the next worker.
    pub(super) fn start(&mut self, run: Run) {
        match self.free.pop() {
            Some(worker) => self.runs[worker] = Some(run),
            None => self.runs.push(Some(run)),
        }
    }

    pub(super) fn end(&mut self, worker: usize) -> Option<Run> {
        let run = self.runs.get_mut(worker)?.take()?;
        self.free.push(worker);
        Some(run)
    }

    pub(super) const fn busy(&self) -> usize {
        self.runs.len() - self.free.len()
    }

    /// One of those that are busy. O(workers).
    pub(super) fn pick(&self, random: &mut Random) -> Option<&Run> {
        match self.busy() {
            0 => None,
            busy => self.runs.iter().flatten().nth(random.below(busy as u64) as usize),
        }
    }
}
