//! How a job comes in, is changed, and is asked to go.

use punctual::scheduler::{Cancelled, Forecast, RefuseReason, ShedReason, Verdict};
use punctual::time::Time;

use super::oracle::{Entry, Oracle, Place};

/// What became of a submission: the job's place in the list, or why it has none.
pub(super) enum Submission {
    Queued(usize),
    Joined(usize),
}

/// A job before it is submitted, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) payload: u32,
    pub(super) class: usize,
    pub(super) deadline: Option<u64>,
    pub(super) eligible: u64,
    pub(super) declared: Option<u64>,
    pub(super) lead: u64,
    pub(super) value: u32,
    pub(super) tenant: Option<u64>,
    pub(super) identity: Option<u8>,
}

/// Why a deadline was not changed; the job is as it was.
pub(super) enum Unchanged {
    Stale,
    Running,
    Infeasible(Forecast),
}

impl Oracle {
    pub(super) fn submit(&mut self, job: Candidate) -> Result<Submission, RefuseReason> {
        if job.class >= self.classes.len() {
            self.unknown += 1;
            return Err(RefuseReason::UnknownClass);
        }
        self.classes[job.class].stats.counts.submitted += 1;
        let outcome = self.admission_of(job);
        let counts = &mut self.classes[job.class].stats.counts;
        match outcome {
            Ok(Submission::Joined(_)) => counts.joined += 1,
            Ok(Submission::Queued(_)) => {}
            Err(RefuseReason::QueueFull) => counts.refused.queue_full += 1,
            Err(RefuseReason::Expired) => counts.refused.expired += 1,
            Err(RefuseReason::Infeasible(_)) => counts.refused.infeasible += 1,
            Err(RefuseReason::Closed) => counts.refused.closed += 1,
            Err(_) => unreachable!("the class is known"),
        }
        outcome
    }

    fn admission_of(&mut self, job: Candidate) -> Result<Submission, RefuseReason> {
        if self.by.is_some() {
            return Err(RefuseReason::Closed);
        }
        if job.deadline.is_some_and(|deadline| deadline <= self.now) {
            return Err(RefuseReason::Expired);
        }
        self.settle();
        let entry = self.entry_of(&job);
        if let Err(forecast) = self.is_possible(&entry) {
            self.turn_away(job.class);
            return Err(RefuseReason::Infeasible(forecast));
        }
        if let Some(twin) = self.twin(job.identity) {
            self.join(twin, &entry).map_err(RefuseReason::Infeasible)?;
            return Ok(Submission::Joined(twin));
        }
        let queued = self.take_in(entry)?;
        if entry.is_probe {
            // One at a time.
            self.classes[job.class].turned_away = 0;
        }
        for doomed in self.those(|job| job.is_doomed() && job.identity.is_some()) {
            self.jobs[doomed].is_superseded |= self.jobs[doomed].identity == job.identity;
        }
        Ok(queued)
    }

    /// The job of an identity that others of the same can join.
    fn twin(&self, identity: Option<u8>) -> Option<usize> {
        let twins = self.those(|job| {
            let is_open = job.is_queued() && !job.is_started && !job.is_doomed();
            is_open && job.identity == identity && identity.is_some()
        });
        assert!(twins.len() <= 1, "one would have joined the other");
        twins.first().copied()
    }

    fn take_in(&mut self, entry: Entry) -> Result<Submission, RefuseReason> {
        let bound = i64::from(self.config.queue_bound);
        let has_slots = self.count(Entry::is_queued) < 2 * bound;
        if self.live() >= bound || !has_slots || self.class_room(entry.class) <= 0 {
            let may_displace = self.evicts()
                && !self.config.shadow
                && self.is_foreground(&entry)
                && entry.eligible <= self.now
                && !self.is_identity_running(entry.identity)
                && has_slots;
            let victim = if may_displace { self.gives_way(&entry) } else { None };
            self.doom(victim.ok_or(RefuseReason::QueueFull)?, ShedReason::Displaced);
        }
        let id = self.jobs.len();
        self.jobs.push(entry);
        self.place(id);
        if let Err(forecast) = self.admit(id) {
            let reason = RefuseReason::Infeasible(forecast);
            if !self.config.shadow {
                self.turn_away(self.jobs[id].class);
                self.jobs.pop();
                return Err(reason);
            }
            self.jobs[id].is_protected = false;
            self.jobs[id].place = Place::Condemned(Verdict::Refused(reason));
        }
        Ok(Submission::Queued(id))
    }

    fn entry_of(&self, job: &Candidate) -> Entry {
        let class = &self.classes[job.class];
        let declared = job.declared.filter(|&cost| cost > 0);
        let (cost, margin) = class.numbers(declared);
        Entry {
            key: None,
            payload: job.payload,
            place: Place::Unreleased,
            class: job.class,
            deadline: job.deadline,
            eligible: job.eligible,
            cost,
            declared,
            lead: job.lead,
            reserve: cost.saturating_add(job.lead).saturating_add(margin),
            value: job.value,
            tenant: job.tenant,
            identity: job.identity,
            is_superseded: false,
            shares: 1,
            is_probe: class.is_in_doubt(),
            is_guess: class.is_guessing(declared),
            is_protected: false,
            is_charged: false,
            is_started: false,
            spent: 0,
            is_guest: false,
            entered: 0,
        }
    }

    fn count(&self, matches: impl Fn(&Entry) -> bool) -> i64 {
        self.those(matches).len() as i64
    }

    /// How many are queued, without those who only wait to be shed.
    fn live(&self) -> i64 {
        self.count(|job| job.is_queued() && !job.is_doomed())
    }

    /// How many more may be queued of a class; below zero if a place was given away.
    pub(super) fn class_room(&self, class: usize) -> i64 {
        let queued = self.count(|job| job.is_queued() && job.class == class);
        self.classes[class].config.queue_bound.map_or(i64::MAX, |bound| i64::from(bound) - queued)
    }

    pub(super) fn turn_away(&mut self, class: usize) {
        let running = self.count(|job| job.is_running() && job.class == class);
        self.classes[class].turn_away(running);
    }

    /// Whether even an idle scheduler would be too late.
    fn is_possible(&self, job: &Entry) -> Result<(), Forecast> {
        let start = self.now.max(job.eligible);
        match self.latest_start(job) {
            Some(latest_start) if latest_start <= start => Err(Forecast {
                latest_start: Time::from_nanos(latest_start),
                start: Time::from_nanos(start),
                finish: Time::from_nanos(job.finish(start)),
                ahead: 0,
                violated: Time::from_nanos(job.deadline.unwrap_or(u64::MAX)),
            }),
            _ => Ok(()),
        }
    }

    fn join(&mut self, twin: usize, joiner: &Entry) -> Result<(), Forecast> {
        let old = self.jobs[twin];
        let deadline = old.deadline.into_iter().chain(joiner.deadline).min();
        let eligible = old.eligible.min(joiner.eligible);
        if (deadline, eligible) != (old.deadline, old.eligible) {
            self.change(twin, deadline, eligible)?;
        }
        self.jobs[twin].shares += 1;
        Ok(())
    }

    /// Admits a queued job anew, or leaves everything as it was.
    fn change(&mut self, id: usize, deadline: Option<u64>, eligible: u64) -> Result<(), Forecast> {
        let old = self.jobs[id];
        let new = Entry { deadline, eligible, place: Place::Unreleased, ..old };
        self.is_possible(&new)?;
        if matches!(old.place, Place::Forced | Place::Held) {
            self.jobs[id] = Entry { place: old.place, ..new };
            return Ok(());
        }
        // The end of time is earlier than no deadline.
        let due = |deadline: Option<u64>| (deadline.is_none(), deadline);
        let is_earlier = due(deadline) < due(old.deadline) || eligible < old.eligible;
        let is_tested = matches!(old.place, Place::Doomed(_) | Place::Condemned(_)) || is_earlier;
        self.jobs[id] = Entry { place: Place::Gone, is_protected: false, ..new };
        self.tend_guards();
        self.place(id);
        if is_tested && let Err(forecast) = self.admit(id) {
            self.jobs[id] = old;
            return Err(forecast);
        }
        Ok(())
    }

    pub(super) fn reschedule(
        &mut self,
        id: usize,
        deadline: u64,
    ) -> Result<Option<u64>, Unchanged> {
        self.settle();
        let old = self.jobs[id];
        match old.place {
            Place::Gone => Err(Unchanged::Stale),
            Place::Running(_) => Err(Unchanged::Running),
            Place::Suspended => {
                self.jobs[id].deadline = Some(deadline);
                Ok(old.deadline)
            }
            // What a shutdown has doomed, what was submitted again since it was doomed, and
            // anything while its place in the queue is taken by another.
            Place::Doomed(reason)
                if reason == ShedReason::Shutdown
                    || old.is_superseded
                    || self.live() >= i64::from(self.config.queue_bound)
                    || self.class_room(old.class) < 0 =>
            {
                Err(Unchanged::Stale)
            }
            _ => {
                self.change(id, Some(deadline), old.eligible).map_err(Unchanged::Infeasible)?;
                Ok(old.deadline)
            }
        }
    }

    /// What a cancellation does; `None` if the job is running or gone.
    pub(super) fn cancel(&mut self, id: usize) -> Option<Cancelled<u32>> {
        let job = &mut self.jobs[id];
        if matches!(job.place, Place::Running(_) | Place::Gone) {
            return None;
        }
        if job.shares > 1 {
            job.shares -= 1;
            return Some(Cancelled::LetGo);
        }
        let Entry { place, payload, identity, is_started, .. } = *job;
        job.place = Place::Gone;
        self.classes[job.class].stats.counts.cancelled += 1;
        self.tend_guards();
        if is_started {
            self.release_those_of(identity);
        }
        Some(match place {
            Place::Suspended => Cancelled::Suspended,
            _ => Cancelled::Removed(payload),
        })
    }

    pub(super) fn shutdown(&mut self, by: u64) {
        self.settle();
        self.by = Some(self.by.map_or(by, |before| before.min(by)));
        self.config.shadow = false;
        self.classes.iter_mut().for_each(|class| class.config.starvation_guard = None);
        let queued = self.those(|job| job.is_queued() && !job.is_doomed());
        for &id in &queued {
            self.jobs[id].place = Place::Held;
            self.jobs[id].is_protected = false;
        }
        for id in queued {
            match self.is_possible(&self.jobs[id]) {
                Err(_) => self.doom(id, ShedReason::Shutdown),
                Ok(()) => self.place(id),
            }
        }
    }
}
