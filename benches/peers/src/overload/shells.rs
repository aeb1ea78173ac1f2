//! Shells on a bare thread: jobs come through a channel, and the thread does what it is told.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use core_affinity::CoreId;
use punctual::scheduler::{
    Admission, ClassConfig, Config, Job, Margin, Next, Outcome, Quantile, Scheduler,
};
use punctual::time::Time;

use super::answers::{Answer, Answers};
use super::arrivals::{Lag, generate};
use super::job::{Cost, Mix};
use super::{Contender, Trial};

/// For what a run takes longer than the mean, where nobody learns it.
const FIXED_MARGIN: Duration = Duration::from_micros(500);

/// No interrupt of this length may close the queue for good.
const MOST_MARGIN: Duration = Duration::from_millis(2);

/// The channel's end, and whether something may still come.
struct Inbox {
    jobs: Receiver<u32>,
    open: bool,
}

impl Inbox {
    /// Hands on all that has come, without waiting.
    fn take(&mut self, mut submit: impl FnMut(u32)) {
        while self.open {
            match self.jobs.try_recv() {
                Ok(id) => submit(id),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.open = false,
            }
        }
    }

    /// Waits for a job, or for a time. Returns the job, if it was one.
    fn wait(&mut self, timeout: Option<Duration>) -> Option<u32> {
        let received = match timeout {
            Some(timeout) => self.jobs.recv_timeout(timeout),
            None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(id) => Some(id),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.open = false;
                None
            }
        }
    }
}

fn config(contender: Contender) -> Config {
    Config {
        admission: match contender {
            Contender::Feasible => Admission::Feasible,
            Contender::All => Admission::All,
            _ => Admission::Evict,
        },
        margin: match contender {
            Contender::EvictFixed => Margin::Fixed(FIXED_MARGIN),
            _ => Margin::Learned {
                quantile: Quantile::P99,
                least: Duration::ZERO,
                most: MOST_MARGIN,
            },
        },
        classes: vec![ClassConfig::foreground().initial_cost(Cost::Usual.time())],
        ..Config::default()
    }
}

/// punctual's scheduler: costs that nobody declares are learned from the runs.
pub(crate) fn scheduler(trial: &Trial, generator: CoreId, contender: Contender) -> (Answers, Lag) {
    let (sender, jobs) = mpsc::channel();
    let scheduler = Scheduler::new(config(contender)).expect("the configuration is valid");
    let mut worker = Worker { trial, scheduler, answers: trial.answers() };
    let serve = move || {
        worker.serve(Inbox { jobs, open: true });
        worker.answers
    };
    generate(trial, generator, move |id| sender.send(id).expect("the worker listens"), serve)
}

struct Worker<'a> {
    trial: &'a Trial,
    scheduler: Scheduler<u32>,
    answers: Answers,
}

impl Worker<'_> {
    /// Until nothing comes any more and every job has its answer.
    fn serve(&mut self, mut inbox: Inbox) {
        loop {
            inbox.take(|id| self.submit(id));
            let now = self.trial.now();
            match self.scheduler.poll(now) {
                Next::Run(running) => {
                    self.trial.run(running.payload);
                    let ended = self.trial.now();
                    self.scheduler.complete(ended, running.key, Outcome::Done);
                    self.answers.give(running.payload, Answer::Done { started: now, ended });
                }
                Next::Shed(shed) => self.answers.give(shed.payload, Answer::Shed(now)),
                Next::Wait(until) if inbox.open => {
                    let timeout = until.map(|until| until.saturating_since(now));
                    if let Some(id) = inbox.wait(timeout) {
                        self.submit(id);
                    }
                }
                Next::Wait(Some(until)) => std::thread::sleep(until.saturating_since(now)),
                Next::Wait(None) => break,
            }
        }
    }

    fn submit(&mut self, id: u32) {
        let now = self.trial.now();
        let job = Job::new(id).deadline(self.trial.arrivals.deadline(id));
        let job = match self.trial.mix {
            Mix::Equal => job,
            Mix::Mixed => job.cost(self.trial.arrivals.cost(id).time()),
        };
        if self.scheduler.submit(now, job).is_err() {
            self.answers.give(id, Answer::Refused(now));
        }
    }
}

/// A heap of deadlines whose jobs all run, however late. What is still queued when nobody can be
/// in time any more is left.
pub(crate) fn earliest_first(trial: &Trial, generator: CoreId) -> (Answers, Lag) {
    let (sender, jobs) = mpsc::channel();
    let serve = move || {
        let mut answers = trial.answers();
        let mut inbox = Inbox { jobs, open: true };
        let mut queue = BinaryHeap::<Reverse<(Time, u32)>>::with_capacity(trial.arrivals.len());
        loop {
            let entry = |id| Reverse((trial.arrivals.deadline(id), id));
            inbox.take(|id| queue.push(entry(id)));
            if queue.is_empty() && inbox.open {
                queue.extend(inbox.wait(None).map(entry));
            }
            let started = trial.now();
            match queue.pop() {
                Some(Reverse((_, id)))
                    if inbox.open || started < trial.arrivals.last_deadline() =>
                {
                    trial.run(id);
                    answers.give(id, Answer::Done { started, ended: trial.now() });
                }
                None if inbox.open => {}
                _ => break,
            }
        }
        answers.leave_rest();
        answers
    };
    generate(trial, generator, move |id| sender.send(id).expect("the worker listens"), serve)
}
