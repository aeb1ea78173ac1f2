//! What a queue of jobs is asked to do, the same for every contender, in virtual time.
//!
//! All jobs cost the same, and all deadlines are so far away that everybody is in time: then a
//! scheduler does the work of a heap of deadlines, and a checksum over the order in which jobs
//! run proves that it did.

pub(crate) mod ours;
pub(crate) mod standard;

use super::random::{Random, mix};

/// What a job costs.
pub(crate) const COST_NS: u64 = 200_000;

/// A queue of dense ids by deadline, and by arrival among equal deadlines.
pub(crate) trait Jobs {
    const NAME: &'static str;

    /// An empty queue that will hold so many jobs, and one more for a moment.
    fn new(jobs: usize) -> Self;

    fn submit(&mut self, now_ns: u64, id: u32, deadline_ns: u64);

    /// Takes out the first job, which ends [`COST_NS`] after that.
    fn run_first(&mut self, now_ns: u64) -> Option<u32>;
}

/// A queue that finds a job again.
pub(crate) trait Keyed: Jobs {
    /// Submits a job and notes how to find it. The ids come in the order 0, 1, 2.
    fn enter(&mut self, id: u32, deadline_ns: u64);

    /// Takes out a job that was entered, and forgets nothing of the others.
    fn cancel(&mut self, id: u32) -> u32;

    /// Gives a job another deadline, and returns the old one.
    fn reschedule(&mut self, id: u32, deadline_ns: u64) -> u64;
}

/// A queue that holds the same number of jobs between two cycles.
pub(crate) struct Steady<J> {
    jobs: J,
    size: usize,
    /// The id that the next job has: the one that ran last.
    spare: u32,
    now_ns: u64,
    random: Random,
    checksum: u64,
}

impl<J: Jobs> Steady<J> {
    pub(crate) fn new(size: usize) -> Self {
        let mut random = Random::new(size as u64);
        let mut jobs = J::new(size);
        for id in 0..size as u32 {
            jobs.submit(0, id, budget(&mut random, size));
        }
        Self { jobs, size, spare: size as u32, now_ns: 0, random, checksum: 0 }
    }

    /// Each cycle submits a job and runs the first one to its end; the checksum covers those of
    /// earlier runs too.
    pub(crate) fn run(&mut self, cycles: usize) -> u64 {
        for _ in 0..cycles {
            let deadline_ns = self.now_ns + budget(&mut self.random, self.size);
            self.jobs.submit(self.now_ns, self.spare, deadline_ns);
            self.spare = self.jobs.run_first(self.now_ns).expect("the queue is never empty");
            self.now_ns += COST_NS;
            self.checksum = mix(self.checksum ^ u64::from(self.spare));
        }
        self.checksum
    }
}

/// The time that a job has when so many are queued: four to six times what all of them cost.
///
/// While one job runs, one comes. Then the deadlines of a queue spread over twice what it costs,
/// a newcomer lands anywhere among them, and the first is never nearer than the shortest budget.
pub(crate) fn budget(random: &mut Random, size: usize) -> u64 {
    let queued_ns = size as u64 * COST_NS;
    4 * queued_ns + below(random, 2 * queued_ns)
}

/// A number below `bound`, which may exceed 32 bits.
pub(crate) fn below(random: &mut Random, bound: u64) -> u64 {
    ((u128::from(random.next()) * u128::from(bound)) >> 64) as u64
}

/// A queue of so many jobs that can be found again.
pub(crate) fn entered<J: Keyed>(size: usize, random: &mut Random) -> J {
    let mut jobs = J::new(size);
    for id in 0..size as u32 {
        jobs.enter(id, budget(random, size));
    }
    jobs
}

/// Moves random jobs, to earlier and later deadlines alike.
pub(crate) fn reschedule<J: Keyed>(
    jobs: &mut J,
    size: usize,
    times: usize,
    random: &mut Random,
) -> u64 {
    (0..times).fold(0, |checksum, _| {
        let id = random.below(size as u32);
        let old_ns = jobs.reschedule(id, budget(random, size));
        mix(checksum ^ old_ns)
    })
}

/// Ids of jobs that are drawn without being put back.
pub(crate) fn drawn(size: usize, count: usize, random: &mut Random) -> Vec<u32> {
    let mut ids = (0..size as u32).collect::<Vec<_>>();
    for place in 0..count {
        ids.swap(place, place + random.below((size - place) as u32) as usize);
    }
    ids.truncate(count);
    ids
}

/// Cancels jobs one by one.
pub(crate) fn cancel<J: Keyed>(jobs: &mut J, ids: &[u32]) -> u64 {
    ids.iter().fold(0, |checksum, &id| mix(checksum ^ u64::from(jobs.cancel(id))))
}
