//! What was started and waits, what guests run, and other numbers of workers.

use punctual::key::Key;
use punctual::scheduler::{ConfigError, Running};
use punctual::time::Time;

use super::duration;
use super::oracle::{Oracle, Place};

impl Oracle {
    /// A run ends: its time.
    pub(super) fn end_run(&mut self, id: usize) -> Option<u64> {
        let job = self.jobs[id];
        let Place::Running(start) = job.place else { return None };
        let took = self.now - start;
        let class = &mut self.classes[job.class];
        class.stats.counts.busy += duration(took);
        if let Some(credit) = class.credit.as_mut().filter(|_| job.is_charged) {
            credit.refill(self.now);
            credit.settle_up(job.left(), took);
        }
        self.jobs[id].is_guest = false;
        Some(took)
    }

    pub(super) fn suspend(&mut self, now: u64, id: usize) -> Option<u64> {
        self.move_to(now);
        let took = self.end_run(id)?;
        let job = &mut self.jobs[id];
        (job.place, job.is_started) = (Place::Suspended, true);
        job.spent += took;
        Some(took)
    }

    /// Whether it was suspended.
    pub(super) fn resume(&mut self, now: u64, id: usize, payload: u32) -> bool {
        self.move_to(now);
        self.settle();
        if self.jobs[id].place != Place::Suspended {
            return false;
        }
        (self.jobs[id].payload, self.jobs[id].eligible) = (payload, self.now);
        self.place(id);
        true
    }

    /// Who is next, and by which time.
    pub(super) fn next(&mut self, now: u64) -> Option<(Key, Option<Time>)> {
        self.decide(now);
        let (id, _) = self.next_to_start()?;
        let job = &self.jobs[id];
        let due = match job.place {
            Place::Forced => Some(job.eligible),
            _ => job.deadline.filter(|_| self.is_foreground(job)),
        };
        Some((job.key.expect("it was accepted"), due.map(Time::from_nanos)))
    }

    pub(super) fn claim(&mut self, now: u64, id: usize) -> Option<Running<u32>> {
        self.move_to(now);
        self.settle();
        let is_ready = matches!(
            self.jobs[id].place,
            Place::Ready | Place::Forced | Place::Background | Place::Condemned(_)
        );
        if !is_ready {
            return None;
        }
        let running = self.start(id, false);
        self.jobs[id].is_guest = true;
        Some(running)
    }

    pub(super) fn set_workers(&mut self, now: u64, workers: u32) -> Result<(), ConfigError> {
        self.move_to(now);
        if workers == 0 {
            return Err(ConfigError::NoWorkers);
        }
        if u64::from(workers) + 2 * u64::from(self.config.queue_bound) > 1 << 31 {
            return Err(ConfigError::TooManyJobs);
        }
        self.settle();
        self.config.workers = workers;
        Ok(())
    }
}
