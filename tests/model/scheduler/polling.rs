//! What time brings, and what a poll answers.

use punctual::scheduler::{Admission, Class, Next, Running, Shed, ShedReason, Verdict};
use punctual::time::Time;

use super::oracle::{Entry, Oracle, Place};
use super::{duration, nanos};

impl Oracle {
    /// Brings everything to where it belongs at this moment.
    pub(super) fn settle(&mut self) {
        (0..self.jobs.len()).for_each(|id| _ = self.doom_if_late(id));
        let mut released =
            self.those(|job| job.place == Place::Unreleased && job.eligible <= self.now);
        released.sort_by_key(|&id| (self.jobs[id].eligible, id));
        released.into_iter().for_each(|id| self.release(id));
        let mut guards: Vec<_> = (0..self.classes.len())
            .filter_map(|class| Some((self.classes[class].guard_at?, class)))
            .filter(|&(at, _)| at <= self.now)
            .collect();
        guards.sort_unstable();
        for (_, class) in guards {
            let oldest = self.background_of(class)[0];
            self.jobs[oldest].place = Place::Forced;
            self.classes[class].guard_at = None;
            self.tend_guards();
        }
    }

    fn doom_if_late(&mut self, id: usize) -> bool {
        let job = self.jobs[id];
        let late = self.shed_at(&job).filter(|&at| at <= self.now);
        if let Some(at) = late {
            let (latest_start, cost) = (Time::from_nanos(at), duration(job.cost));
            self.doom(id, ShedReason::LatestStart { latest_start, cost });
        }
        late.is_some()
    }

    /// What an unreleased or held job has waited for has come.
    pub(super) fn release(&mut self, id: usize) {
        if self.doom_if_late(id) {
            return;
        }
        self.place(id);
        if let Err(forecast) = self.admit(id) {
            self.doom(id, ShedReason::Evicted(forecast));
        }
    }

    /// Puts a job that is in no order where it belongs.
    pub(super) fn place(&mut self, id: usize) {
        let job = self.jobs[id];
        self.jobs[id].place = if !job.is_started && self.is_identity_running(job.identity) {
            Place::Held
        } else if job.eligible > self.now {
            Place::Unreleased
        } else if self.is_foreground(&job) {
            Place::Ready
        } else {
            Place::Background
        };
        if self.jobs[id].place == Place::Ready {
            self.enter(id);
        }
        self.entries += 1;
        self.jobs[id].entered = self.entries;
        self.tend_guards();
    }

    /// A job will not be run, or only because of the shadow mode. After a shutdown that is the
    /// reason of all.
    pub(super) fn doom(&mut self, id: usize, reason: ShedReason) {
        let job = &mut self.jobs[id];
        job.is_protected = false;
        job.place = match self.by {
            Some(_) => Place::Doomed(ShedReason::Shutdown),
            None if self.config.shadow => Place::Condemned(Verdict::Shed(reason)),
            None => Place::Doomed(reason),
        };
        self.tend_guards();
    }

    /// Brings everything to where it belongs, and dooms who can't be met.
    pub(super) fn decide(&mut self, now: u64) {
        self.move_to(now);
        self.settle();
        if self.evicts() {
            self.victims().into_iter().for_each(|(victim, reason)| self.doom(victim, reason));
        }
    }

    pub(super) fn poll(&mut self, now: u64) -> Next<u32> {
        self.decide(now);
        let doomed = self.first(Entry::is_doomed);
        let sheds_first = self.sheds_since_run < self.config.max_sheds_between_runs;
        if let Some(doomed) = doomed.filter(|_| sheds_first) {
            return self.shed(doomed);
        }
        if self.free() > 0
            && let Some((id, has_priority)) = self.next_to_start()
        {
            self.sheds_since_run = 0;
            return Next::Run(self.start(id, has_priority));
        }
        self.shed_or_wait()
    }

    /// A poll without a worker.
    pub(super) fn tend(&mut self, now: u64) -> Next<u32> {
        self.decide(now);
        self.shed_or_wait()
    }

    fn shed_or_wait(&mut self) -> Next<u32> {
        match self.first(Entry::is_doomed) {
            Some(doomed) => self.shed(doomed),
            None => Next::Wait(self.next_moment().map(Time::from_nanos)),
        }
    }

    fn next_moment(&self) -> Option<u64> {
        let moments = self.jobs.iter().filter_map(|job| self.moment(job));
        let guards = self.classes.iter().filter_map(|class| class.guard_at);
        let latest = self.latest(&self.index());
        let shows = self.evicts() && !self.config.shadow;
        let latest = latest.filter(|&latest| shows && latest > self.now);
        // Nobody lives to see the end of time.
        moments.chain(guards).chain(latest).min().filter(|&at| at < u64::MAX)
    }

    /// Who starts, and whether it is by the priority of a reservation.
    pub(super) fn next_to_start(&mut self) -> Option<(usize, bool)> {
        let now = self.now;
        for credit in self.classes.iter_mut().filter_map(|class| class.credit.as_mut()) {
            credit.refill(now);
        }
        let is_tight =
            self.config.admission == Admission::All || self.first_late(&self.index(), 0).is_some();
        let has_credit =
            |class: usize| self.classes[class].credit.is_some_and(|credit| credit.ns > 0);
        let booked = self.first(|job| job.place == Place::Ready && has_credit(job.class));
        if let Some(booked) = booked.filter(|_| is_tight) {
            return Some((booked, true));
        }
        let ready = self
            .first(|job| matches!(job.place, Place::Ready | Place::Forced | Place::Condemned(_)));
        let next = ready.or_else(|| {
            let first = self.first(|job| job.place == Place::Background)?;
            self.fits_into_slack(first).then_some(first)
        });
        Some((next?, false))
    }

    /// Whether all that wait for their release could be done in time after this job.
    fn fits_into_slack(&self, id: usize) -> bool {
        let mut upcoming =
            self.those(|job| job.place == Place::Unreleased && self.is_foreground(job));
        upcoming.sort_by_key(|&id| (self.order(&self.jobs[id]), id));
        let end = self.after(self.running_work(u64::MAX) + u128::from(self.jobs[id].left()));
        self.latest(&upcoming).is_none_or(|latest| end < latest)
    }

    fn shed(&mut self, id: usize) -> Next<u32> {
        let job = self.jobs[id];
        let Place::Doomed(reason) = job.place else { unreachable!("it is doomed") };
        self.jobs[id].place = Place::Gone;
        self.sheds_since_run += 1;
        if !matches!(reason, ShedReason::Shutdown | ShedReason::Displaced) {
            self.turn_away(job.class);
        }
        let sheds = &mut self.classes[job.class].stats.counts.shed;
        *match reason {
            ShedReason::LatestStart { .. } => &mut sheds.latest_start,
            ShedReason::Evicted(_) => &mut sheds.evicted,
            ShedReason::OverShare(_) => &mut sheds.over_share,
            ShedReason::Displaced => &mut sheds.displaced,
            _ => &mut sheds.shutdown,
        } += 1;
        Next::Shed(Shed {
            key: job.key.expect("it was accepted"),
            payload: job.payload,
            deadline: job.deadline.map(Time::from_nanos),
            class: Class::new(job.class as u16),
            waited: duration(self.now.saturating_sub(job.eligible)),
            shares: job.shares,
            tenant: job.tenant,
            reason,
        })
    }

    pub(super) fn start(&mut self, id: usize, has_priority: bool) -> Running<u32> {
        let (job, now) = (self.jobs[id], self.now);
        let waited = duration(now.saturating_sub(job.eligible));
        let class = &mut self.classes[job.class];
        let is_protected = job.is_protected && (!job.is_probe || job.is_started);
        let is_charged = is_protected || has_priority;
        if let Some(credit) = &mut class.credit {
            credit.refill(now);
            match is_charged {
                true => credit.charge(job.left()),
                false => credit.charge_at_most(job.left()),
            }
        }
        class.turned_away = 0;
        if !job.is_started {
            class.stats.queue_delay.record(waited);
        }
        let verdict = match job.place {
            Place::Condemned(verdict) => Some(verdict),
            _ => None,
        };
        class.stats.counts.forced += u64::from(matches!(job.place, Place::Forced));
        class.stats.counts.shadowed += u64::from(verdict.is_some());
        let next = class.config.starvation_guard.map(|longest| now.saturating_add(nanos(longest)));
        class.guard_at = next;
        let place = Place::Running(now);
        self.jobs[id] = Entry { place, is_charged, is_protected: false, ..job };
        self.tend_guards();
        Running {
            key: job.key.expect("it was accepted"),
            payload: job.payload,
            deadline: job.deadline.map(Time::from_nanos),
            class: Class::new(job.class as u16),
            cost: duration(job.left()),
            waited,
            shares: job.shares,
            tenant: job.tenant,
            verdict,
        }
    }
}
