//! How a job ends that was started.

use core::time::Duration;

use super::Scheduler;
use super::learned::Run;
use super::next::Outcome;
use super::record::Place;
use crate::key::Key;
use crate::time::{Time, saturating_nanos};

impl<T, I: Ord + Clone> Scheduler<T, I> {
    /// Ends a running job: frees its worker, and its class learns from the time that it took if it
    /// is done or given up: the time since its start, or of all its runs if it was
    /// [suspended](Self::suspend).
    /// O(log workers), and O(log n) if another job of its identity waits for it; where a quantile
    /// is learned, a walk over some hundred counters in every sixteenth call. Returns that time;
    /// `None` if the key's job is not running.
    pub fn complete(&mut self, now: Time, key: Key, outcome: Outcome) -> Option<Duration> {
        let now = self.move_to(now);
        let Place::Running(started) = self.queue.get(key)?.place else {
            return None;
        };
        let run = now.saturating_since(started);
        let held = self.end_identity(key);
        let record = self.queue.finish(key, saturating_nanos(run), now)?;
        let took = run.saturating_add(Duration::from_nanos(record.spent_ns));
        let class = &mut self.classes[record.class.number()];
        let stats = &mut class.stats;
        stats.counts.running -= 1;
        stats.counts.busy = stats.counts.busy.saturating_add(run);
        // What still has to come without a worker comes later than this.
        let answered = now + Duration::from_nanos(record.lead_ns);
        if let Some(deadline) = record.deadline.filter(|&deadline| deadline < answered) {
            stats.counts.late += 1;
            stats.lateness.record(answered.saturating_since(deadline));
        }
        let booked = Duration::from_nanos(record.cost_ns);
        let (count, costs) = match outcome {
            Outcome::Done => (&mut stats.counts.done, Some(took)),
            Outcome::Failed => (&mut stats.counts.failed, None),
            Outcome::GivenUp => (&mut stats.counts.failed, Some(took.max(booked))),
        };
        *count += 1;
        if let Some(took) = costs {
            let (declared, is_probe, is_guess) =
                (record.declared(), record.is_probe, record.is_guess);
            class.learned.learn(Run { declared, booked, took, is_probe, is_guess });
        }
        if let Some(held) = held {
            self.queue.admit_released(held, now);
        }
        Some(took)
    }

    /// A job is about to end; returns the job of its identity that was held back for it. Call it
    /// before anything else is changed: the caller's order of identities may panic.
    pub(super) fn end_identity(&mut self, key: Key) -> Option<u32> {
        let identity = self.queue.get(key)?.identity.as_ref()?;
        let held = self.identities.get(identity).copied();
        let runs = self.running.remove(identity)?;
        if runs > 1 {
            self.running.insert(identity.clone(), runs - 1);
            return None;
        }
        held.filter(|&slot| self.queue.at(slot).is_some_and(|it| it.place == Place::Held))
    }
}
