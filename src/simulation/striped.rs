//! Several groups: how free workers find the job that is due first, wherever it is.

use alloc::vec::Vec;

use super::SimulatedScheduler;
use super::engine::Engine;
use super::event::Event;
use super::group::Group;
use crate::key::Key;
use crate::scheduler::{Next, stripes};
use crate::time::{Time, saturating_nanos};

/// How far the order of starts was from that of one queue.
///
/// A start's *rank error* is the number of jobs that were ready, in whatever group, and due
/// earlier. It is counted where there are several groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RankError {
    /// The largest of all starts.
    pub most: u64,
    /// The sum over all starts.
    pub total: u64,
    /// How many starts there were.
    pub starts: u64,
}

impl RankError {
    /// The mean of all starts; 0.0 without any.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.starts == 0 { 0.0 } else { self.total as f64 / self.starts as f64 }
    }

    pub(super) const fn count(&mut self, rank_error: u64) {
        if rank_error > self.most {
            self.most = rank_error;
        }
        self.total += rank_error;
        self.starts += 1;
    }
}

impl<O: FnMut(&Event, &SimulatedScheduler)> Engine<'_, O> {
    /// Sheds what is to be shed, lets every free worker take what is due first, and asks when the
    /// schedulers want to be looked at again.
    pub(super) fn serve_groups(&mut self) {
        (0..self.groups.len()).for_each(|group| _ = self.tend(group));
        for home in 0..self.groups.len() {
            while self.groups[home].has_idle() && self.take_first(home) {}
        }
        for group in 0..self.groups.len() {
            let (now, until) = self.tend(group);
            self.wait(group, now, until);
        }
    }

    /// Sheds what a group has to shed, publishes its head, and asks when it wants to be looked at
    /// again.
    fn tend(&mut self, group: usize) -> (Time, Option<Time>) {
        loop {
            let (reading, now) = self.read(group);
            let scheduler = &mut self.groups[group].scheduler;
            let Some(shed) = scheduler.poll_sheds(reading) else {
                let until = scheduler.next_wakeup(reading);
                let age_ns = saturating_nanos(self.simulation.head_age);
                self.groups[group].publish(self.at_ns, age_ns);
                return (now, until);
            };
            self.shed(group, now, &shed);
        }
    }

    /// Lets a free worker of a group take the job that is due first, as far as it sees. Whether
    /// there was one.
    fn take_first(&mut self, home: usize) -> bool {
        let mut heads = self.heads_seen_from(home);
        // Each group is found to be other than it was seen at most once.
        for _ in 0..=heads.len() {
            let Some(group) = stripes::choose(home, &heads) else { return false };
            let (reading, _) = self.read(group);
            let first = self.groups[group].scheduler.first(reading);
            if stripes::confirm(&mut heads[group], stripes::head(first)) {
                return first.is_some_and(|(key, due)| self.take((group, home), key, due));
            }
        }
        false
    }

    /// Starts a group's first job, which is due at this time.
    fn take(&mut self, (group, home): (usize, usize), key: Key, due: Option<Time>) -> bool {
        loop {
            let (reading, now) = self.read(group);
            let scheduler = &mut self.groups[group].scheduler;
            let next = match group == home {
                true => scheduler.poll(reading),
                false => scheduler.claim(reading, key).map_or(Next::Wait(None), Next::Run),
            };
            match next {
                Next::Run(running) => {
                    let due = due.unwrap_or(Time::MAX);
                    let before = |group: &Group| group.scheduler.ready_before(due);
                    let rank_error = self.groups.iter().map(before).sum();
                    self.start((group, home), now, running, rank_error);
                    return true;
                }
                Next::Shed(shed) => self.shed(group, now, &shed),
                Next::Wait(_) => return false,
            }
        }
    }

    /// A worker sees its own group's head as it is, and those of the others as they were.
    fn heads_seen_from(&mut self, home: usize) -> Vec<Option<Time>> {
        let age_ns = saturating_nanos(self.simulation.head_age);
        let (reading, _) = self.read(home);
        let own = self.groups[home].scheduler.first(reading);
        let of_others = self.groups.iter().map(|group| group.head_seen(self.at_ns, age_ns));
        let mut heads: Vec<_> = of_others.collect();
        heads[home] = stripes::head(own);
        heads
    }

    /// The group for a job: the shorter of two, or the one of its identity.
    pub(super) fn group_of(&mut self, identity: Option<u64>) -> usize {
        let groups = self.groups.len() as u64;
        if groups == 1 {
            return 0;
        }
        if let Some(identity) = identity {
            return (identity % groups) as usize;
        }
        let first = self.placing.below(groups);
        let second = (first + 1 + self.placing.below(groups - 1)) % groups;
        let two = [first, second].map(|group| group as usize);
        stripes::place(two, two.map(|group| self.groups[group].scheduler.len()))
    }
}
