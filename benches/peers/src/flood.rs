//! Ten times as much comes as can be done: what each offered job costs the scheduler.

use std::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{Job, Next, Outcome, Scheduler};
use punctual::time::Time;

use crate::frame::{Turn, timed};
use crate::workload::random::Random;
use crate::workload::scheduler::ours::{Policy, scheduler};
use crate::workload::scheduler::{COST_NS, below};

/// Jobs come ten times as often as jobs of mean cost can be done.
const GAP_NS: u64 = COST_NS / 10;

/// At least so many of a hundred jobs are turned away, or it would be no flood.
const LEAST_TURNED_AWAY_PERCENT: u64 = 70;

/// A scheduler whose queue is full of what can be done in time.
///
/// Costs vary by a factor of three and deadlines by one of two, so that some newcomers are
/// refused, and others drive some out. The latest deadlines are as far away as `size` jobs of
/// mean cost take: so many are queued where nobody is evicted, half as many again where the long
/// ones are, and nearly eight times as many where everybody is taken.
pub(crate) struct Flood<P> {
    scheduler: Scheduler<u64>,
    size: usize,
    /// The job that runs, and when it ends.
    running: Option<(Key, u64)>,
    now_ns: u64,
    next_arrival_ns: u64,
    random: Random,
    policy: std::marker::PhantomData<P>,
}

impl<P: Policy> Flood<P> {
    pub(crate) fn new(size: usize) -> Self {
        let mut flood = Self {
            scheduler: scheduler::<_, P>(16 * size),
            size,
            running: None,
            now_ns: 0,
            next_arrival_ns: 0,
            random: Random::new(size as u64),
            policy: std::marker::PhantomData,
        };
        // Until the first queue is gone, also where nobody is refused.
        flood.offer(12 * size);
        flood
    }

    /// The checksum is the number of outcomes: which they are is the policy's affair.
    pub(crate) fn turn(&mut self, jobs: usize) -> Turn {
        let before = self.scheduler.stats();
        let turn = timed(jobs, || {
            self.offer(jobs);
            jobs as u64
        });
        let after = self.scheduler.stats();
        let no = |stats: &punctual::scheduler::Stats| stats.refused.total() + stats.shed.total();
        let offered = after.submitted - before.submitted;
        let turned_away = no(&after) - no(&before);
        let outcomes = no(&after) + after.done + u64::from(after.queued + after.running);
        assert_eq!(after.submitted, outcomes, "every job has one outcome");
        assert_eq!(after.late, 0, "what runs is in time");
        assert!(turned_away * 100 >= offered * LEAST_TURNED_AWAY_PERCENT, "{after:?}");
        turn
    }

    fn offer(&mut self, jobs: usize) {
        for _ in 0..jobs {
            self.work_until(self.next_arrival_ns);
            self.submit(self.next_arrival_ns);
            self.next_arrival_ns += GAP_NS;
        }
    }

    fn submit(&mut self, at_ns: u64) {
        let queued_ns = self.size as u64 * COST_NS;
        let budget_ns = queued_ns / 2 + below(&mut self.random, queued_ns / 2);
        let cost_ns = COST_NS / 2 + below(&mut self.random, COST_NS);
        let job = Job::new(cost_ns).deadline(Time::from_nanos(at_ns + budget_ns));
        let job = job.cost(Duration::from_nanos(cost_ns));
        // A refusal is counted by the scheduler.
        drop(self.scheduler.submit(Time::from_nanos(at_ns), job));
    }

    /// Runs one job after another, until one will not have ended then.
    fn work_until(&mut self, at_ns: u64) {
        loop {
            if let Some((key, end_ns)) = self.running {
                if end_ns > at_ns {
                    return;
                }
                self.scheduler.complete(Time::from_nanos(end_ns), key, Outcome::Done);
                self.now_ns = end_ns;
            }
            self.running = None;
            match self.scheduler.poll(Time::from_nanos(self.now_ns)) {
                Next::Run(running) => {
                    self.running = Some((running.key, self.now_ns + running.payload));
                }
                Next::Shed(_) => {}
                Next::Wait(_) => {
                    self.now_ns = at_ns;
                    return;
                }
            }
        }
    }
}
