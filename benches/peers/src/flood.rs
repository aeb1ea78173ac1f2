//! Ten times as much comes as can be done: what each offered job costs the scheduler.

use std::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{Job, Next, Outcome, Scheduler};
use punctual::time::Time;

use crate::frame::{Turn, timed};
use crate::workload::random::{Random, mix};
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
/// mean cost take: how many are queued is the policy's affair, and [`Flood::mean_queue`] tells.
pub(crate) struct Flood<P> {
    scheduler: Scheduler<Offered>,
    size: usize,
    /// The job that runs, and when it ends.
    running: Option<(Key, Offered, u64)>,
    now_ns: u64,
    next_arrival_ns: u64,
    random: Random,
    outcomes: Outcomes,
    policy: std::marker::PhantomData<P>,
}

#[derive(Clone, Copy)]
struct Offered {
    id: u64,
    cost_ns: u64,
}

/// What has become of the jobs.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Outcomes {
    /// A sum over all jobs with an outcome: once all have one, every policy has the same.
    seen: u64,
    /// Which job had which outcome, in their order: another policy, another number.
    told: u64,
}

impl Outcomes {
    fn tell(&mut self, job: Offered, kind: u64) {
        let seen = mix(job.id);
        self.seen = self.seen.wrapping_add(seen);
        self.told = mix(self.told ^ seen ^ kind);
    }
}

const DONE: u64 = 1;
const SHED: u64 = 2;
const REFUSED: u64 = 3;

/// A workload for one policy: each turn is the same flood.
pub(crate) fn turns<P: Policy>(size: usize, jobs: usize) -> impl FnMut() -> Turn {
    let mut before = None;
    move || {
        let (turn, outcomes) = Flood::<P>::new(size).turn(jobs);
        let expected = *before.get_or_insert(outcomes.told);
        assert_eq!(outcomes.told, expected, "{}: the same flood, other outcomes", P::NAME);
        turn
    }
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
            outcomes: Outcomes::default(),
            policy: std::marker::PhantomData,
        };
        // Until the first queue is gone, also where nobody is refused.
        flood.offer(12 * size);
        flood
    }

    /// The checksum covers each job once that has come to an outcome, and all have in the end.
    fn turn(mut self, jobs: usize) -> (Turn, Outcomes) {
        let before = self.scheduler.stats();
        let mut turn = timed(jobs, || {
            self.offer(jobs);
            self.outcomes.told
        });
        let after = self.scheduler.stats();
        let no = |stats: &punctual::scheduler::Stats| stats.refused.total() + stats.shed.total();
        let offered = after.submitted - before.submitted;
        let turned_away = no(&after) - no(&before);
        let outcomes = no(&after) + after.done + u64::from(after.queued + after.running);
        assert_eq!(after.submitted, outcomes, "every job has one outcome");
        assert_eq!(after.late, 0, "what runs is in time");
        assert!(turned_away * 100 >= offered * LEAST_TURNED_AWAY_PERCENT, "{after:?}");
        // Longer than any budget.
        self.work_until(self.next_arrival_ns + 2 * self.size as u64 * COST_NS);
        let stats = self.scheduler.stats();
        assert_eq!((stats.queued, stats.running), (0, 0), "nobody waits for ever");
        turn.checksum = self.outcomes.seen;
        (turn, self.outcomes)
    }

    /// How many jobs are queued on average, when one is offered.
    pub(crate) fn mean_queue(mut self, jobs: usize) -> Turn {
        let mut sum = 0;
        for _ in 0..jobs {
            self.offer(1);
            sum += u64::from(self.scheduler.stats().queued);
        }
        Turn { cost: sum as f64 / jobs as f64, checksum: 0 }
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
        // Arrivals are at different times, so that one identifies a job.
        let offered = Offered { id: at_ns, cost_ns };
        let job = Job::new(offered).deadline(Time::from_nanos(at_ns + budget_ns));
        let job = job.cost(Duration::from_nanos(cost_ns));
        if let Err(refused) = self.scheduler.submit(Time::from_nanos(at_ns), job) {
            self.outcomes.tell(refused.job.payload, REFUSED);
        }
    }

    /// Runs one job after another, until one will not have ended then.
    fn work_until(&mut self, at_ns: u64) {
        loop {
            if let Some((key, job, end_ns)) = self.running {
                if end_ns > at_ns {
                    return;
                }
                self.outcomes.tell(job, DONE);
                self.scheduler.complete(Time::from_nanos(end_ns), key, Outcome::Done);
                self.now_ns = end_ns;
            }
            self.running = None;
            match self.scheduler.poll(Time::from_nanos(self.now_ns)) {
                Next::Run(running) => {
                    let end_ns = self.now_ns + running.payload.cost_ns;
                    self.running = Some((running.key, running.payload, end_ns));
                }
                Next::Shed(shed) => self.outcomes.tell(shed.payload, SHED),
                Next::Wait(_) => {
                    self.now_ns = at_ns;
                    return;
                }
            }
        }
    }
}
