//! Identities of jobs whose comparison or clone panics: a scheduler loses no worker, no job that it
//! has taken, and no count of them.

use core::cmp::Ordering;
use core::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{Admission, Config, Job, Next, Outcome, Scheduler};
use punctual::time::Time;

use super::fuse::{burn, trips};

/// What work a job is.
#[derive(Debug)]
struct Name(u8);

impl Clone for Name {
    fn clone(&self) -> Self {
        burn();
        Self(self.0)
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        burn();
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Name {}

const START: Time = Time::from_nanos(1_000_000_000);

const WORKERS: u32 = 3;

/// Several nodes of a tree of identities.
const QUEUED: u8 = 40;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Submit,
    Join,
    /// A job of an identity that runs.
    Hold,
    Displace,
    Start,
    Shed,
    Complete(Outcome),
    Cancel,
    CancelHeld,
    CancelShared,
    CancelSuspended,
    Claim,
    Resume,
    Reschedule,
    RescheduleHeld,
}

/// A scheduler with jobs of every kind: two that run, one of them with another that it holds up,
/// and many in the queue.
struct Shell {
    scheduler: Scheduler<u8, Name>,
    running: Vec<Key>,
    held: Key,
    shared: Key,
    /// One with a deadline, behind the one that is shared.
    queued: Key,
}

impl Shell {
    fn new(admission: Admission) -> Self {
        let config = Config {
            admission,
            workers: WORKERS,
            queue_bound: u32::from(QUEUED) + 5,
            ..Config::default()
        };
        let mut scheduler = Scheduler::with_identities(config).expect("it is valid");
        let mut submit = |number, budget| {
            let job = job(number).budget(ms(budget));
            scheduler.submit(START, job).expect("it is accepted").key()
        };
        submit(100, 50);
        submit(101, 50);
        let shared = submit(0, 1_000);
        submit(0, 2_000);
        let mut queued = shared;
        for number in 1..QUEUED {
            queued = submit(number, 2_000 + u64::from(number));
        }
        let running = [(); 2].map(|()| match scheduler.poll(START) {
            Next::Run(running) => running.key,
            other => panic!("{other:?}"),
        });
        let held = job(100).budget(ms(3_000));
        let held = scheduler.submit(START, held).expect("it is accepted").key();
        Self { scheduler, running: running.into(), held, shared, queued }
    }

    /// Another of the ways that a job's identity is looked at.
    fn run(&mut self, step: Step) {
        let Self { scheduler, running, .. } = self;
        match step {
            Step::Submit => _ = scheduler.submit(START, job(50).budget(ms(70))),
            Step::Join => _ = scheduler.submit(START, job(7).budget(ms(70))),
            Step::Hold => _ = scheduler.submit(START, job(101).budget(ms(70))),
            Step::Displace => {
                for number in 200..210 {
                    let better = job(number).budget(ms(90)).value(1_000);
                    let _ = scheduler.submit(START, better);
                }
            }
            Step::Start => {
                if let Next::Run(started) = scheduler.poll(START) {
                    running.push(started.key);
                }
            }
            // All but the held one are late.
            Step::Shed => match scheduler.poll(START + ms(2_999)) {
                Next::Run(started) => running.push(started.key),
                Next::Shed(_) | Next::Wait(_) => {}
            },
            Step::Complete(outcome) => _ = scheduler.complete(START, running[0], outcome),
            Step::Cancel => _ = scheduler.cancel(self.queued),
            Step::CancelHeld => _ = scheduler.cancel(self.held),
            Step::CancelShared => {
                let _ = scheduler.cancel(self.shared);
                let _ = scheduler.cancel(self.shared);
            }
            Step::CancelSuspended => {
                scheduler.suspend(START, running[0]);
                scheduler.cancel(running[0]);
            }
            Step::Claim => {
                let claimed = scheduler.claim(START, self.queued);
                running.extend(claimed.map(|claimed| claimed.key));
            }
            Step::Resume => {
                scheduler.suspend(START, running[0]);
                scheduler.resume(START, running[0], 100).expect("it is suspended");
                scheduler.reschedule(START, running[0], START).expect("nothing refuses it");
                if let Next::Run(resumed) = scheduler.poll(START) {
                    scheduler.complete(START, resumed.key, Outcome::Done);
                }
            }
            Step::Reschedule => _ = scheduler.reschedule(START, self.queued, START + ms(60)),
            Step::RescheduleHeld => _ = scheduler.reschedule(START, self.held, START + ms(60)),
        }
    }

    /// How many submissions have no outcome, and are neither queued nor running.
    fn unaccounted(&self) -> u64 {
        self.scheduler.assert_invariants();
        let stats = self.scheduler.stats();
        let gone = stats.refused.total() + stats.joined + stats.done + stats.failed;
        let gone = gone + stats.cancelled + stats.shed.total();
        let pending = [stats.queued, stats.running, stats.suspended].map(u64::from);
        stats.submitted - gone - pending.iter().sum::<u64>()
    }

    /// Runs all to its end: nobody waits for what never comes, and all workers are there.
    fn end(mut self) {
        let mut now = START;
        loop {
            for key in self.running.drain(..) {
                // Where a cancellation has panicked, it is still suspended.
                let _ = self.scheduler.resume(now, key, 0);
                self.scheduler.complete(now, key, Outcome::Done);
            }
            match self.scheduler.poll(now) {
                Next::Run(running) => self.running.push(running.key),
                Next::Shed(_) => {}
                Next::Wait(None) => break,
                Next::Wait(Some(until)) => now = now.max(until),
            }
            self.scheduler.assert_invariants();
        }
        let stats = self.scheduler.stats();
        assert_eq!((stats.queued, stats.running, stats.suspended), (0, 0, 0));
        for number in 0..QUEUED {
            self.scheduler.submit(now, job(number)).expect("there is room");
        }
        for _ in 0..WORKERS {
            assert!(matches!(self.scheduler.poll(now), Next::Run(_)), "all workers are there");
        }
        self.scheduler.assert_invariants();
    }
}

fn job(number: u8) -> Job<u8, Name> {
    Job::new(number).identity(Name(number)).cost(ms(1))
}

fn panic_everywhere(step: Step) {
    for admission in [Admission::All, Admission::Feasible, Admission::Evict] {
        let mut fuse = 0;
        loop {
            let mut shell = Shell::new(admission);
            assert_eq!(shell.unaccounted(), 0);
            let has_tripped = trips(fuse, || shell.run(step));
            let lost = shell.unaccounted();
            let is_submission =
                matches!(step, Step::Submit | Step::Join | Step::Hold | Step::Displace);
            // The unwinding has dropped the one job that nobody had taken yet.
            assert!(lost <= u64::from(has_tripped && is_submission), "{step:?}: {lost} are lost");
            shell.end();
            if !has_tripped {
                break;
            }
            fuse += 1;
        }
        assert!(fuse > 0 || !step.looks_at_identities(), "{step:?} looks at no identity");
    }
}

impl Step {
    /// A change of the deadline alone does not.
    const fn looks_at_identities(self) -> bool {
        !matches!(self, Self::Reschedule | Self::RescheduleHeld)
    }
}

#[test]
fn submissions_survive_panics_in_identities() {
    [Step::Submit, Step::Join, Step::Hold, Step::Displace].into_iter().for_each(panic_everywhere);
}

#[test]
fn polls_survive_panics_in_identities() {
    [Step::Start, Step::Claim, Step::Shed].into_iter().for_each(panic_everywhere);
}

#[test]
fn completions_survive_panics_in_identities() {
    [Step::Complete(Outcome::Done), Step::Complete(Outcome::Failed), Step::Resume]
        .into_iter()
        .for_each(panic_everywhere);
}

#[test]
fn changes_survive_panics_in_identities() {
    [Step::Cancel, Step::CancelHeld, Step::CancelShared, Step::CancelSuspended]
        .into_iter()
        .for_each(panic_everywhere);
    [Step::Reschedule, Step::RescheduleHeld].into_iter().for_each(panic_everywhere);
}
