//! The naive scheduler: a list of all jobs that were ever accepted, searched from end to end.

use core::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{Admission, ClassConfig, Config, Outcome, ShedReason, Stats, Verdict};
use punctual::time::Time;

use super::classes::ClassState;
use super::{duration, nanos};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Unreleased,
    Ready,
    Background,
    /// A background job that the guard took to the front at this time.
    Forced,
    Doomed(ShedReason),
    Condemned(Verdict),
    /// Waits for the end of a running job of the same identity.
    Held,
    Running(u64),
    Suspended,
    Gone,
}

/// An accepted job; its sequence number is its place in the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: Option<Key>,
    pub(super) payload: u32,
    pub(super) place: Place,
    pub(super) class: usize,
    pub(super) deadline: Option<u64>,
    pub(super) eligible: u64,
    pub(super) cost: u64,
    /// Zero is no declaration.
    pub(super) declared: Option<u64>,
    pub(super) lead: u64,
    /// Cost, lead and margin.
    pub(super) reserve: u64,
    pub(super) value: u32,
    pub(super) tenant: Option<u64>,
    pub(super) identity: Option<u8>,
    /// Submitted again since it was doomed.
    pub(super) is_superseded: bool,
    pub(super) shares: u32,
    pub(super) is_probe: bool,
    pub(super) is_guess: bool,
    pub(super) is_protected: bool,
    pub(super) is_charged: bool,
    /// Suspended once, and what its runs took until then.
    pub(super) is_started: bool,
    pub(super) spent: u64,
    /// What runs it is no worker of the scheduler's.
    pub(super) is_guest: bool,
    /// When it entered the background, by a counter.
    pub(super) entered: u64,
}

impl Entry {
    pub(super) const fn is_queued(&self) -> bool {
        !matches!(self.place, Place::Running(_) | Place::Suspended | Place::Gone)
    }

    pub(super) const fn is_doomed(&self) -> bool {
        matches!(self.place, Place::Doomed(_))
    }

    pub(super) const fn is_running(&self) -> bool {
        matches!(self.place, Place::Running(_))
    }

    /// It has run, and has not ended.
    pub(super) fn is_begun(&self) -> bool {
        self.is_running() || self.is_started && self.place != Place::Gone
    }

    /// What it is expected to need still.
    pub(super) const fn left(&self) -> u64 {
        self.cost.saturating_sub(self.spent)
    }

    /// When the job is done that starts at this time.
    pub(super) const fn finish(&self, start: u64) -> u64 {
        start.saturating_add(self.left()).saturating_add(self.lead)
    }
}

#[derive(Clone)]
pub(super) struct Oracle {
    pub(super) config: Config,
    pub(super) classes: Vec<ClassState>,
    pub(super) jobs: Vec<Entry>,
    pub(super) now: u64,
    pub(super) sheds_since_run: u32,
    /// Shut down: until when.
    pub(super) by: Option<u64>,
    pub(super) entries: u64,
    pub(super) unknown: u64,
}

impl Oracle {
    pub(super) fn new(config: &Config) -> Self {
        let classes = config.classes.iter();
        Self {
            classes: classes.map(|class| ClassState::new(class, config.margin)).collect(),
            config: config.clone(),
            jobs: Vec::new(),
            now: 0,
            sheds_since_run: 0,
            by: None,
            entries: 0,
            unknown: 0,
        }
    }

    pub(super) fn move_to(&mut self, now: u64) {
        self.now = self.now.max(now);
    }

    pub(super) fn class_of(&self, job: &Entry) -> &ClassConfig {
        &self.classes[job.class].config
    }

    pub(super) fn is_foreground(&self, job: &Entry) -> bool {
        job.deadline.is_some() && !self.class_of(job).background
    }

    pub(super) fn evicts(&self) -> bool {
        self.config.admission == Admission::Evict
    }

    /// What the orders of jobs begin with: background jobs are condemned to come last.
    pub(super) fn order(&self, job: &Entry) -> u64 {
        match job.place {
            Place::Forced => job.eligible,
            Place::Condemned(_) if !self.is_foreground(job) => u64::MAX,
            _ => job.deadline.unwrap_or(u64::MAX),
        }
    }

    /// The jobs of a kind, in the order of submission.
    pub(super) fn those(&self, matches: impl Fn(&Entry) -> bool) -> Vec<usize> {
        (0..self.jobs.len()).filter(|&id| matches(&self.jobs[id])).collect()
    }

    /// The first in the order of (deadline, submission).
    pub(super) fn first(&self, matches: impl Fn(&Entry) -> bool) -> Option<usize> {
        self.those(matches).into_iter().min_by_key(|&id| (self.order(&self.jobs[id]), id))
    }

    /// Deadline - cost - lead - margin, where a shutdown is a deadline; the end of time is none.
    /// What was started has none.
    pub(super) fn latest_start(&self, job: &Entry) -> Option<u64> {
        if job.is_started {
            return None;
        }
        let due = job.deadline.into_iter().chain(self.by).min();
        due.map(|due| due.saturating_sub(job.reserve)).filter(|&at| at < u64::MAX)
    }

    /// When the job is shed if it has not started; `None` for never.
    pub(super) fn shed_at(&self, job: &Entry) -> Option<u64> {
        match job.place {
            Place::Doomed(_) | Place::Condemned(_) | Place::Running(_) => None,
            Place::Suspended | Place::Gone => None,
            _ => self.latest_start(job),
        }
    }

    /// When a poll finds something to do for a queued job.
    pub(super) fn moment(&self, job: &Entry) -> Option<u64> {
        let release = (job.place == Place::Unreleased).then_some(job.eligible);
        release.into_iter().chain(self.shed_at(job)).min()
    }

    /// What each job that a worker runs is expected to need still.
    fn left(&self) -> Vec<u64> {
        let left = self.jobs.iter().filter_map(|job| match job.place {
            Place::Running(start) if !job.is_guest => {
                Some(start.saturating_add(job.left()).saturating_sub(self.now))
            }
            _ => None,
        });
        left.collect()
    }

    /// The running jobs' work, of each at most so much.
    pub(super) fn running_work(&self, most: u64) -> u128 {
        self.left().into_iter().map(|left| u128::from(left.min(most))).sum()
    }

    /// The end of so much work that all workers share.
    pub(super) fn after(&self, work: u128) -> u64 {
        let end = u128::from(self.now) + work.div_ceil(u128::from(self.workers()));
        u64::try_from(end).unwrap_or(u64::MAX)
    }

    /// When each worker is expected to be free, in order. Of more runs than workers the first ends
    /// free none.
    pub(super) fn starts(&self) -> Vec<u64> {
        let (mut left, workers) = (self.left(), self.config.workers as usize);
        left.resize(workers.max(left.len()), 0);
        left.sort_unstable();
        left.drain(..left.len() - workers);
        left.into_iter().map(|left| self.now.saturating_add(left)).collect()
    }

    pub(super) fn workers(&self) -> u64 {
        u64::from(self.config.workers)
    }

    pub(super) fn free(&self) -> usize {
        let busy = self.those(|job| job.is_running() && !job.is_guest).len();
        (self.config.workers as usize).saturating_sub(busy)
    }

    /// When a job starts at the latest that comes before all in this index.
    ///
    /// With several workers, what runs beyond the last deadline takes nothing from these jobs.
    pub(super) fn begin(&self, index: &[usize]) -> u64 {
        let horizon = match index.last() {
            Some(&last) if self.config.workers > 1 => self.order(&self.jobs[last]),
            _ => u64::MAX,
        };
        self.after(self.running_work(horizon.saturating_sub(self.now)))
    }

    pub(super) fn share(&self, job: &Entry) -> u64 {
        job.left().div_ceil(self.workers())
    }

    /// The released foreground jobs and the forced ones, in their order.
    pub(super) fn index(&self) -> Vec<usize> {
        let mut index = self.those(|job| matches!(job.place, Place::Ready | Place::Forced));
        index.sort_by_key(|&id| (self.order(&self.jobs[id]), id));
        index
    }

    /// The sum of shares before each of these.
    pub(super) fn before(&self, index: &[usize]) -> Vec<u64> {
        let mut sum = 0u64;
        let starts = index.iter().map(|&id| {
            let before = sum;
            sum = sum.saturating_add(self.share(&self.jobs[id]));
            before
        });
        starts.collect()
    }

    /// Until when the first of these jobs may be put off so that all meet their latest starts;
    /// `None` if none has one.
    pub(super) fn latest(&self, index: &[usize]) -> Option<u64> {
        let before = self.before(index);
        let latest = index
            .iter()
            .zip(before)
            .filter_map(|(&id, before)| Some(self.index_latest_start(id)?.saturating_sub(before)));
        latest.min()
    }

    /// A forced job is never too late.
    pub(super) fn index_latest_start(&self, id: usize) -> Option<u64> {
        match self.jobs[id].place {
            Place::Forced => None,
            _ => self.latest_start(&self.jobs[id]),
        }
    }

    /// Running, queued, begin and slack.
    pub(super) fn load(&mut self, now: u64) -> (Duration, Duration, Time, Option<Duration>) {
        self.move_to(now);
        self.settle();
        let is_indexed = self.config.admission != Admission::All;
        let index = if is_indexed { self.index() } else { Vec::new() };
        let shares = index.iter().map(|&id| self.share(&self.jobs[id]));
        let queued = shares.fold(0, u64::saturating_add);
        let begin = self.begin(&index);
        let slack = match self.latest(&index) {
            _ if !is_indexed => None,
            None => Some(Duration::MAX),
            _ if self.first_late(&index, 0).is_some() => None,
            Some(latest) => Some(duration(latest.saturating_sub(begin))),
        };
        let running = self.running_work(u64::MAX).try_into().unwrap_or(u64::MAX);
        let running = duration(running);
        (running, duration(queued) * self.config.workers, Time::from_nanos(begin), slack)
    }

    /// The counts of one class, with those of the jobs that have no outcome yet.
    pub(super) fn counts(&self, class: usize) -> Stats {
        let mut counts = self.classes[class].stats.counts;
        let of_class = |job: &Entry| job.class == class;
        counts.queued = self.those(|job| of_class(job) && job.is_queued()).len() as u32;
        counts.running = self.those(|job| of_class(job) && job.is_running()).len() as u32;
        let is_suspended = |job: &Entry| of_class(job) && job.place == Place::Suspended;
        counts.suspended = self.those(is_suspended).len() as u32;
        counts
    }

    pub(super) fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        stats.submitted = self.unknown;
        stats.refused.unknown_class = self.unknown;
        (0..self.classes.len()).for_each(|class| stats += self.counts(class));
        stats
    }

    /// A run has ended.
    pub(super) fn complete(&mut self, now: u64, id: usize, outcome: Outcome) -> Option<u64> {
        self.move_to(now);
        let run = self.end_run(id)?;
        let job = self.jobs[id];
        let took = job.spent + run;
        self.jobs[id].place = Place::Gone;
        let class = &mut self.classes[job.class];
        if let Some(deadline) = job.deadline
            && let answered = self.now.saturating_add(job.lead)
            && deadline < answered
        {
            class.stats.counts.late += 1;
            class.stats.lateness.record(duration(answered - deadline));
        }
        class.stats.counts.done += u64::from(outcome == Outcome::Done);
        class.stats.counts.failed += u64::from(outcome != Outcome::Done);
        if outcome != Outcome::Failed {
            if job.is_probe {
                class.forget();
            }
            let least = if outcome == Outcome::GivenUp { job.cost } else { 0 };
            class.learn(job.declared, job.cost, took.max(least), job.is_guess);
        }
        self.release_those_of(job.identity);
        Some(took)
    }

    /// A job has ended: the one that waits for it goes on, if it waits for no other.
    pub(super) fn release_those_of(&mut self, identity: Option<u8>) {
        if !self.is_identity_running(identity) {
            let held = |other: &Entry| other.place == Place::Held && other.identity == identity;
            self.those(held).into_iter().for_each(|id| self.release(id));
        }
    }

    pub(super) fn is_identity_running(&self, identity: Option<u8>) -> bool {
        let is_one = |job: &Entry| job.is_begun() && job.identity == identity;
        identity.is_some() && self.jobs.iter().any(is_one)
    }

    /// The jobs of a class in the background, those first that have waited longest.
    pub(super) fn background_of(&self, class: usize) -> Vec<usize> {
        let mut list = self.those(|job| job.class == class && job.place == Place::Background);
        list.sort_by_key(|&id| self.jobs[id].entered);
        list
    }

    /// A guard runs exactly while there is somebody to guard.
    pub(super) fn tend_guards(&mut self) {
        for class in 0..self.classes.len() {
            let is_empty = self.background_of(class).is_empty();
            let now = self.now;
            let state = &mut self.classes[class];
            let longest = state.config.starvation_guard.filter(|_| !is_empty);
            state.guard_at =
                longest.map(|longest| state.guard_at.unwrap_or(now.saturating_add(nanos(longest))));
        }
    }
}
