//! punctual's scheduler by admission, and the heap that it is made of.

use std::marker::PhantomData;
use std::time::Duration;

use punctual::heap::IdHeap;
use punctual::key::Key;
use punctual::scheduler::{
    Admission, ClassConfig, Config, Job, Margin, Next, Outcome, Quantile, Scheduler, Submitted,
};
use punctual::time::Time;

use super::{COST_NS, Jobs, Keyed};

const COST: Duration = Duration::from_nanos(COST_NS);

/// What a scheduler is configured with.
pub(crate) trait Policy {
    const NAME: &'static str;
    const ADMISSION: Admission;
    /// Whether jobs declare no cost, and the margin is learned as well.
    const LEARNS: bool = false;
}

pub(crate) struct All;
pub(crate) struct Feasible;
pub(crate) struct Evict;
pub(crate) struct AllLearned;
pub(crate) struct EvictLearned;

impl Policy for All {
    const NAME: &'static str = "Scheduler All";
    const ADMISSION: Admission = Admission::All;
}

impl Policy for Feasible {
    const NAME: &'static str = "Scheduler Feasible";
    const ADMISSION: Admission = Admission::Feasible;
}

impl Policy for Evict {
    const NAME: &'static str = "Scheduler Evict";
    const ADMISSION: Admission = Admission::Evict;
}

impl Policy for AllLearned {
    const NAME: &'static str = "Scheduler All, learned";
    const ADMISSION: Admission = Admission::All;
    const LEARNS: bool = true;
}

impl Policy for EvictLearned {
    const NAME: &'static str = "Scheduler Evict, learned";
    const ADMISSION: Admission = Admission::Evict;
    const LEARNS: bool = true;
}

/// A scheduler of one worker and one class.
pub(crate) fn scheduler<T, P: Policy>(jobs: usize) -> Scheduler<T> {
    let margin = match P::LEARNS {
        true => Margin::Learned { quantile: Quantile::P99, least: Duration::ZERO, most: 10 * COST },
        false => Margin::Fixed(Duration::ZERO),
    };
    let config = Config {
        queue_bound: jobs as u32 + 1,
        admission: P::ADMISSION,
        margin,
        classes: vec![ClassConfig::foreground().initial_cost(COST)],
        ..Config::default()
    };
    Scheduler::new(config).expect("one worker, a queue and a class are valid")
}

/// A scheduler, and the table of keys that its caller would keep.
pub(crate) struct Machine<P> {
    pub(crate) scheduler: Scheduler<u64>,
    keys: Vec<Key>,
    policy: PhantomData<P>,
}

impl<P: Policy> Machine<P> {
    fn submit_one(&mut self, now_ns: u64, id: u32, deadline_ns: u64) -> Key {
        let job = Job::new(u64::from(id)).deadline(Time::from_nanos(deadline_ns));
        let job = if P::LEARNS { job } else { job.cost(COST) };
        match self.scheduler.submit(Time::from_nanos(now_ns), job) {
            Ok(Submitted::Queued(key)) => key,
            other => panic!("there is time and room for everybody: {other:?}"),
        }
    }
}

impl<P: Policy> Jobs for Machine<P> {
    const NAME: &'static str = P::NAME;

    fn new(jobs: usize) -> Self {
        Self { scheduler: scheduler::<_, P>(jobs), keys: Vec::new(), policy: PhantomData }
    }

    fn submit(&mut self, now_ns: u64, id: u32, deadline_ns: u64) {
        self.submit_one(now_ns, id, deadline_ns);
    }

    /// Nobody is late, so a shed would be a mistake.
    fn run_first(&mut self, now_ns: u64) -> Option<u32> {
        let now = Time::from_nanos(now_ns);
        match self.scheduler.poll(now) {
            Next::Run(running) => {
                self.scheduler.complete(now + COST, running.key, Outcome::Done);
                Some(running.payload as u32)
            }
            Next::Shed(shed) => panic!("everybody is in time: {shed:?}"),
            Next::Wait(_) => None,
        }
    }
}

impl<P: Policy> Keyed for Machine<P> {
    fn enter(&mut self, id: u32, deadline_ns: u64) {
        let key = self.submit_one(0, id, deadline_ns);
        self.keys.push(key);
    }

    fn cancel(&mut self, id: u32) -> u32 {
        let cancelled = self.scheduler.cancel(self.keys[id as usize]);
        let payload = cancelled.and_then(|cancelled| cancelled.payload());
        payload.expect("the job is queued") as u32
    }

    fn reschedule(&mut self, id: u32, deadline_ns: u64) -> u64 {
        let deadline = Time::from_nanos(deadline_ns);
        let old = self.scheduler.reschedule(Time::ZERO, self.keys[id as usize], deadline);
        old.expect("the job is queued").expect("it has a deadline").as_nanos()
    }
}

/// The heap alone: no shedding, no costs, no statistics.
pub(crate) struct Heap {
    heap: IdHeap<(u64, u64), 4>,
    next_sequence: u64,
}

impl Jobs for Heap {
    const NAME: &'static str = "IdHeap D=4";

    fn new(jobs: usize) -> Self {
        Self { heap: IdHeap::with_arity_and_bound(jobs as u32 + 1), next_sequence: 0 }
    }

    fn submit(&mut self, _now_ns: u64, id: u32, deadline_ns: u64) {
        self.heap.push(id, (deadline_ns, self.next_sequence)).expect("the id is free");
        self.next_sequence += 1;
    }

    fn run_first(&mut self, _now_ns: u64) -> Option<u32> {
        self.heap.pop().map(|(id, _)| id)
    }
}

impl Keyed for Heap {
    fn enter(&mut self, id: u32, deadline_ns: u64) {
        self.submit(0, id, deadline_ns);
    }

    fn cancel(&mut self, id: u32) -> u32 {
        self.heap.remove(id).expect("the id is in the heap");
        id
    }

    /// Like a job of the scheduler it keeps its place among equals.
    fn reschedule(&mut self, id: u32, deadline_ns: u64) -> u64 {
        let (old_ns, sequence) = self.heap.priority(id).expect("the id is in the heap");
        self.heap.change_key(id, (deadline_ns, sequence)).expect("the id is in the heap");
        old_ns
    }
}
