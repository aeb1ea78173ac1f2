//! `Scheduler` against a plain list of jobs that is searched from end to end.

use core::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{
    Class, ClassConfig, Config, Job, Next, Outcome, RefuseReason, RescheduleError, Running,
    Scheduler, Shed, ShedReason,
};
use punctual::time::Time;

use super::{Model, Word};

pub(crate) struct SchedulerModel {
    scheduler: Scheduler<usize>,
    config: Config,
    /// Every job that was ever accepted, in the order of submission.
    jobs: Vec<Accepted>,
    now: Time,
    sheds_since_run: u32,
    counts: Counts,
    /// What each class has learned.
    means: Vec<Mean>,
}

/// A mean in which a new cost weighs a sixteenth, rounded towards it.
struct Mean {
    initial: Duration,
    learned: Option<Duration>,
}

impl Mean {
    fn cost(&self) -> Duration {
        self.learned.unwrap_or(self.initial)
    }

    fn pulled_to(&self, cost: Duration) -> Duration {
        let (old_ns, cost_ns) = (self.cost().as_nanos(), cost.as_nanos());
        let sixteen_ns = 15 * old_ns + cost_ns;
        let ns = if cost_ns > old_ns { sixteen_ns.div_ceil(16) } else { sixteen_ns / 16 };
        Duration::from_nanos(ns as u64)
    }

    fn learn(&mut self, cost: Duration) {
        self.learned = Some(self.learned.map_or(cost, |_| self.pulled_to(cost)));
    }

    fn doubt(&mut self) {
        if self.initial < self.cost() {
            self.learned = self.learned.map(|_| self.pulled_to(self.initial));
        }
    }
}

#[derive(Default)]
struct Counts {
    submitted: u64,
    refused: u64,
    done: u64,
    failed: u64,
    cancelled: u64,
    shed: u64,
    late: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Running(Time),
    Gone,
}

#[derive(Clone, Copy, Debug)]
struct Accepted {
    key: Key,
    state: State,
    class: Class,
    deadline: Option<Time>,
    eligible: Time,
    cost: Duration,
    is_declared: bool,
    lead: Duration,
}

/// When a job must be done; in units of the model's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Never,
    At(i32),
    Within(u32),
    End,
}

/// `Pick` numbers the jobs from the newest to the oldest, those that are gone included.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Submit {
        class: u16,
        due: Due,
        cost: Option<u32>,
        release: Option<u32>,
        lead: u32,
    },
    Poll {
        after: u32,
    },
    Complete {
        pick: u32,
        after: u32,
        outcome: Outcome,
    },
    Cancel {
        pick: u32,
    },
    Reschedule {
        pick: u32,
        by: i32,
    },
    /// A clock that goes back counts as standing still.
    PollInThePast {
        by: u32,
    },
}

/// The unit of the model's clock is odd, so that no order depends on round numbers.
fn units(count: u32) -> Duration {
    Duration::from_nanos(u64::from(count) * 997)
}

impl SchedulerModel {
    pub(crate) fn new(workers: u32, margin: u32) -> Self {
        let config = Config {
            workers,
            queue_bound: 12,
            margin: units(margin),
            max_sheds_between_runs: 2,
            classes: vec![
                ClassConfig::foreground().initial_cost(units(3)),
                ClassConfig::background(),
                ClassConfig::foreground(),
            ],
        };
        let classes = config.classes.iter();
        let means = classes.map(|class| Mean { initial: class.initial_cost, learned: None });
        let means = means.collect();
        Self {
            scheduler: Scheduler::new(config.clone()).expect("the configuration is valid"),
            config,
            jobs: Vec::new(),
            now: Time::from_nanos(5_000),
            sheds_since_run: 0,
            counts: Counts::default(),
            means,
        }
    }

    fn shifted(&self, by: i32) -> Time {
        match by {
            0.. => self.now + units(by.unsigned_abs()),
            _ => self.now - units(by.unsigned_abs()),
        }
    }

    fn pick(&self, pick: u32) -> Option<usize> {
        self.jobs.len().checked_sub(1)?.checked_sub(pick as usize % self.jobs.len())
    }

    fn latest_start(&self, job: &Accepted) -> Option<Time> {
        job.deadline.map(|deadline| deadline - job.cost - job.lead - self.config.margin)
    }

    fn is_late(&self, job: &Accepted) -> bool {
        self.latest_start(job).is_some_and(|latest_start| latest_start <= self.now)
    }

    fn is_background(&self, job: &Accepted) -> bool {
        job.deadline.is_none() || self.config.classes[job.class.number()].background
    }

    fn count(&self, matches: impl Fn(State) -> bool) -> usize {
        self.jobs.iter().filter(|job| matches(job.state)).count()
    }

    /// The queued job with the earliest deadline among those that match; ties are FIFO.
    fn first(&self, matches: impl Fn(&Accepted) -> bool) -> Option<usize> {
        (0..self.jobs.len())
            .filter(|&index| self.jobs[index].state == State::Queued && matches(&self.jobs[index]))
            .min_by_key(|&index| (self.jobs[index].deadline.unwrap_or(Time::MAX), index))
    }

    fn first_to_run(&self) -> Option<usize> {
        if self.count(|state| matches!(state, State::Running(_))) >= self.config.workers as usize {
            return None;
        }
        let released = |job: &Accepted| job.eligible <= self.now && !self.is_late(job);
        let foreground = self.first(|job| released(job) && !self.is_background(job));
        foreground.or_else(|| {
            let index = self.first(|job| released(job) && self.is_background(job))?;
            let end = self.now + self.jobs[index].cost;
            let fits = self.jobs.iter().all(|job| {
                let upcoming = job.state == State::Queued
                    && job.eligible > self.now
                    && !self.is_background(job)
                    && !self.is_late(job);
                !upcoming || self.latest_start(job).is_none_or(|at| end < at)
            });
            fits.then_some(index)
        })
    }

    /// When a poll would next find something to do without any other call.
    fn next_moment(&self) -> Option<Time> {
        let moments = self.jobs.iter().filter(|job| job.state == State::Queued).filter_map(|job| {
            let release = (job.eligible > self.now).then_some(job.eligible);
            release.into_iter().chain(self.latest_start(job)).min()
        });
        moments.min()
    }

    fn expected_next(&mut self) -> Next<usize> {
        let late = self.first(|job| self.is_late(job));
        let to_run = self.first_to_run();
        let shed_first = self.sheds_since_run < self.config.max_sheds_between_runs;
        match (late, to_run) {
            (Some(index), None) => self.shed(index),
            (Some(index), Some(_)) if shed_first => self.shed(index),
            (_, Some(index)) => self.run(index),
            (None, None) => Next::Wait(self.next_moment()),
        }
    }

    fn shed(&mut self, index: usize) -> Next<usize> {
        self.jobs[index].state = State::Gone;
        self.sheds_since_run += 1;
        self.counts.shed += 1;
        let job = self.jobs[index];
        let latest_start = self.latest_start(&job).expect("a job without deadline is never shed");
        Next::Shed(Shed {
            key: job.key,
            payload: index,
            deadline: job.deadline,
            class: job.class,
            waited: self.now.saturating_since(job.eligible),
            reason: ShedReason::LatestStart { latest_start, cost: job.cost },
        })
    }

    fn run(&mut self, index: usize) -> Next<usize> {
        self.jobs[index].state = State::Running(self.now);
        self.sheds_since_run = 0;
        let Accepted { key, deadline, class, cost, eligible, .. } = self.jobs[index];
        let waited = self.now.saturating_since(eligible);
        Next::Run(Running { key, payload: index, deadline, class, cost, waited })
    }

    /// Makes a job of an operation's numbers and submits it.
    fn offer(&mut self, class: u16, due: Due, cost: Option<u32>, release: Option<u32>, lead: u32) {
        let release = release.map(|after| self.now + units(after));
        let eligible = release.unwrap_or(self.now);
        let class = Class::new(class);
        let mut job = Job::new(self.jobs.len()).class(class).lead(units(lead));
        job = cost.into_iter().fold(job, |job, cost| job.cost(units(cost)));
        job = release.into_iter().fold(job, Job::release);
        let (job, deadline) = match due {
            Due::Never => (job, None),
            Due::At(by) => (job.deadline(self.shifted(by)), Some(self.shifted(by))),
            Due::Within(by) => (job.budget(units(by)), Some(eligible + units(by))),
            Due::End => (job.deadline(Time::MAX), Some(Time::MAX)),
        };
        let learned = self.means.get(class.number()).map_or(Duration::ZERO, Mean::cost);
        let accepted = Accepted {
            key: Key::from_bits(1 << 32).expect("the serial is not zero"),
            state: State::Queued,
            class,
            deadline,
            eligible,
            cost: cost.map_or(learned, units),
            is_declared: cost.is_some(),
            lead: units(lead),
        };
        self.submit(job, accepted);
    }

    fn submit(&mut self, job: Job<usize>, accepted: Accepted) {
        self.counts.submitted += 1;
        let reason = if accepted.class.number() >= self.config.classes.len() {
            Some(RefuseReason::UnknownClass)
        } else if accepted.deadline.is_some_and(|deadline| deadline <= self.now) {
            Some(RefuseReason::Expired)
        } else {
            match self.latest_start(&accepted) {
                Some(latest_start) if latest_start <= accepted.eligible => {
                    let mean = &self.means[accepted.class.number()];
                    let unlearned = Accepted { cost: mean.initial, ..accepted };
                    if !accepted.is_declared
                        && self.latest_start(&unlearned) > Some(accepted.eligible)
                    {
                        self.means[accepted.class.number()].doubt();
                    }
                    Some(RefuseReason::Infeasible { latest_start })
                }
                _ if self.count(|state| state == State::Queued) >= 12 => {
                    Some(RefuseReason::QueueFull)
                }
                _ => None,
            }
        };
        match self.scheduler.submit(self.now, job.clone()) {
            Ok(key) => {
                assert_eq!(reason, None);
                assert!(self.jobs.iter().all(|job| job.key != key), "keys are unique");
                self.jobs.push(Accepted { key, ..accepted });
            }
            Err(refused) => {
                assert_eq!((Some(refused.reason), refused.job), (reason, job));
                self.counts.refused += 1;
            }
        }
    }
}

impl Model for SchedulerModel {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(16);
        let pick = word.below(14);
        let by = word.below(40) as i32 - 10;
        match kind {
            0..7 => Op::Submit {
                class: word.below(4) as u16,
                due: match word.below(8) {
                    0 => Due::Never,
                    1 => Due::End,
                    2..5 => Due::Within(pick),
                    _ => Due::At(by),
                },
                cost: (by % 3 != 0).then_some(pick / 2),
                release: (by % 4 == 0).then_some(pick),
                lead: u32::from(by % 5 == 0),
            },
            7..11 => Op::Poll { after: pick / 3 },
            11 | 12 => Op::Complete {
                pick,
                after: word.below(4),
                outcome: if by % 3 == 0 { Outcome::Failed } else { Outcome::Done },
            },
            13 => Op::Cancel { pick },
            14 => Op::Reschedule { pick, by },
            _ => Op::PollInThePast { by: pick },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Submit { class, due, cost, release, lead } => {
                self.offer(class, due, cost, release, lead);
            }
            Op::Poll { after } => {
                self.now += units(after);
                let expected = self.expected_next();
                assert_eq!(self.scheduler.poll(self.now), expected);
            }
            Op::PollInThePast { by } => {
                let expected = self.expected_next();
                assert_eq!(self.scheduler.poll(self.now - units(by)), expected);
            }
            Op::Complete { pick, after, outcome } => {
                self.now += units(after);
                let Some(index) = self.pick(pick) else { return };
                let job = &mut self.jobs[index];
                let expected = match job.state {
                    State::Running(started) => Some(self.now.saturating_since(started)),
                    _ => None,
                };
                assert_eq!(self.scheduler.complete(self.now, job.key, outcome), expected);
                if let Some(took) = expected {
                    job.state = State::Gone;
                    self.counts.late += u64::from(job.deadline.is_some_and(|due| due < self.now));
                    match outcome {
                        Outcome::Done => {
                            self.counts.done += 1;
                            self.means[job.class.number()].learn(took);
                        }
                        Outcome::Failed => self.counts.failed += 1,
                    }
                }
            }
            Op::Cancel { pick } => {
                let Some(index) = self.pick(pick) else { return };
                let job = &mut self.jobs[index];
                let expected = (job.state == State::Queued).then_some(index);
                assert_eq!(self.scheduler.cancel(job.key), expected);
                if expected.is_some() {
                    job.state = State::Gone;
                    self.counts.cancelled += 1;
                }
            }
            Op::Reschedule { pick, by } => {
                let Some(index) = self.pick(pick) else { return };
                let deadline = self.shifted(by);
                let job = &mut self.jobs[index];
                let expected = match job.state {
                    State::Queued => Ok(job.deadline.replace(deadline)),
                    State::Running(_) => Err(RescheduleError::Running),
                    State::Gone => Err(RescheduleError::Stale),
                };
                assert_eq!(self.scheduler.reschedule(self.now, job.key, deadline), expected);
            }
        }
    }

    fn check(&self) {
        self.scheduler.assert_invariants();
        let stats = self.scheduler.stats();
        let Counts { submitted, refused, done, failed, cancelled, shed, late } = self.counts;
        assert_eq!((stats.submitted, stats.refused.total()), (submitted, refused));
        assert_eq!((stats.done, stats.failed, stats.late), (done, failed, late));
        assert_eq!((stats.cancelled, stats.shed), (cancelled, shed));
        assert_eq!(stats.queued as usize, self.count(|state| state == State::Queued));
        let running = self.count(|state| matches!(state, State::Running(_)));
        assert_eq!(stats.running as usize, running);
        for (number, mean) in (0..).zip(&self.means) {
            assert_eq!(self.scheduler.expected_cost(Class::new(number)), Some(mean.cost()));
        }
    }
}
