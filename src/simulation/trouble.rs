//! How a disturbance happens.

use alloc::vec::Vec;
use core::time::Duration;

use super::SimulatedScheduler;
use super::disturbance::Disturbance;
use super::engine::Engine;
use super::event::{Event, What};
use super::group::Group;
use crate::key::Key;
use crate::scheduler::Cancelled;
use crate::time::{Time, saturating_nanos};

impl<O: FnMut(&Event, &SimulatedScheduler)> Engine<'_, O> {
    pub(super) fn disturb(&mut self, place: usize) {
        match self.simulation.disturbances[place] {
            Disturbance::WorkerStall { length, .. } => {
                if let Some(run) = self.workers.pick(&mut self.disturbances[place]) {
                    self.agenda.delay(run.end, saturating_nanos(length));
                }
            }
            Disturbance::ClockStall { length, .. } => {
                self.clock.stall(self.at_ns, saturating_nanos(length));
            }
            Disturbance::ClockJump { length, .. } => self.clock.jump(saturating_nanos(length)),
            Disturbance::StaleReading { age, .. } => self.clock.go_stale(saturating_nanos(age)),
            Disturbance::CancelStorm { share, .. } => self.cancel_some(place, share),
            Disturbance::Reschedule { least, most, .. } => self.reschedule(place, least, most),
        }
    }

    fn cancel_some(&mut self, place: usize, share: f64) {
        for group in 0..self.groups.len() {
            let now = self.groups[group].peek(&self.clock, self.at_ns);
            let random = &mut self.disturbances[place];
            let keys = self.groups[group].queued.keys().iter().copied();
            let unlucky: Vec<Key> = keys.filter(|_| random.chance(share)).collect();
            for key in unlucky {
                let Group { scheduler, queued, .. } = &mut self.groups[group];
                let what = match scheduler.cancel(key) {
                    Some(Cancelled::Removed(ticket)) => {
                        queued.remove(key);
                        What::Cancelled { key, ticket }
                    }
                    Some(Cancelled::LetGo) => What::LetGo { key },
                    // A simulated job is never suspended.
                    Some(Cancelled::Suspended) | None => continue,
                };
                self.tell(group, now, what);
            }
        }
    }

    fn reschedule(&mut self, place: usize, least: Duration, most: Duration) {
        let (least_ns, most_ns) = (saturating_nanos(least), saturating_nanos(most));
        let random = &mut self.disturbances[place];
        let later_ns = random.below((most_ns - least_ns).saturating_add(1));
        let group = match self.groups.len() {
            1 => 0,
            groups => random.below(groups as u64) as usize,
        };
        let Some(key) = self.groups[group].queued.pick(random) else { return };
        let (reading, now) = self.read(group);
        let later = Duration::from_nanos(least_ns.saturating_add(later_ns));
        let new = now + later;
        let Group { scheduler, queued, .. } = &mut self.groups[group];
        let what = match scheduler.reschedule(reading, key, new) {
            Ok(old) => {
                queued.set_due(key, Time::from_nanos(self.at_ns) + later);
                What::Rescheduled { key, old, new }
            }
            Err(error) => What::NotRescheduled { key, new, error },
        };
        self.tell(group, now, what);
    }
}
