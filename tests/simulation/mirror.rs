//! What is queued and what runs, as far as the events tell.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use punctual::key::Key;
use punctual::scheduler::Config;
use punctual::simulation::Ticket;
use punctual::time::Time;

/// A queued job.
pub(crate) struct Queued {
    pub(crate) ticket: Ticket,
    pub(crate) deadline: Option<Time>,
    /// The deadline in the time of the simulated world.
    pub(crate) due: Option<Time>,
    pub(crate) eligible: Time,
    pub(crate) sequence: u64,
    /// Whether a job of the same identity was running when it came.
    pub(crate) was_held: bool,
    /// The margin that it was booked with, if that is known.
    pub(crate) margin: Option<Duration>,
}

/// A running job.
pub(crate) struct Run {
    /// When, as far as the scheduler knows.
    pub(crate) started: Time,
    pub(crate) expected: Duration,
    pub(crate) due: Option<Time>,
    pub(crate) ticket: Ticket,
}

/// Deadline, sequence and key of a foreground job.
pub(crate) type Place = (Time, u64, Key);

pub(crate) struct Mirror<'a> {
    config: &'a Config,
    pub(crate) queued: HashMap<Key, Queued>,
    /// The foreground, in its order.
    pub(crate) order: BTreeSet<Place>,
    /// The queued job of each identity that can be joined.
    pub(crate) identities: HashMap<u64, Key>,
    pub(crate) running: HashMap<Key, Run>,
    /// How many jobs of each identity run.
    pub(crate) running_identities: HashMap<u64, u32>,
}

impl Queued {
    /// The time before which it must start, with such a cost and margin.
    pub(crate) fn latest_start(&self, cost: Duration, margin: Duration) -> Option<Time> {
        Ticket { margin, ..self.ticket }.latest_start(self.deadline, cost)
    }
}

impl<'a> Mirror<'a> {
    pub(crate) fn new(config: &'a Config) -> Self {
        Self {
            config,
            queued: HashMap::new(),
            order: BTreeSet::new(),
            identities: HashMap::new(),
            running: HashMap::new(),
            running_identities: HashMap::new(),
        }
    }

    pub(crate) fn place(&self, key: Key, job: &Queued) -> Option<Place> {
        let is_background = self.config.classes[job.ticket.class.number()].background;
        job.deadline.filter(|_| !is_background).map(|deadline| (deadline, job.sequence, key))
    }

    /// Whether a job waits for the end of one of its identity: it stands in no order then.
    pub(crate) fn is_held(&self, ticket: &Ticket) -> bool {
        ticket.identity.is_some_and(|identity| self.running_identities.contains_key(&identity))
    }

    pub(crate) fn insert(&mut self, key: Key, job: Queued) {
        self.order.extend(self.place(key, &job));
        assert!(self.queued.insert(key, job).is_none(), "{key:?} is used already");
    }

    /// Changes a queued job.
    pub(crate) fn change(&mut self, key: Key, change: impl FnOnce(&mut Queued)) {
        let mut job = self.queued.remove(&key).expect("only a queued job is changed");
        self.place(key, &job).map(|place| self.order.remove(&place));
        change(&mut job);
        self.insert(key, job);
    }

    pub(crate) fn leave(&mut self, key: Key) -> Queued {
        let job = self.queued.remove(&key).expect("only a queued job leaves the queue");
        self.place(key, &job).map(|place| self.order.remove(&place));
        if let Some(identity) = job.ticket.identity
            && self.identities.get(&identity) == Some(&key)
        {
            self.identities.remove(&identity);
        }
        job
    }

    pub(crate) fn start(&mut self, key: Key, run: Run) {
        if let Some(identity) = run.ticket.identity {
            *self.running_identities.entry(identity).or_default() += 1;
        }
        self.running.insert(key, run);
        assert!(self.running.len() <= self.config.workers as usize);
    }

    pub(crate) fn complete(&mut self, key: Key) -> Run {
        let run = self.running.remove(&key).expect("only a running job is completed");
        if let Some(identity) = run.ticket.identity
            && let Some(running) = self.running_identities.get_mut(&identity)
        {
            *running -= 1;
            if *running == 0 {
                self.running_identities.remove(&identity);
            }
        }
        run
    }

    /// When all that is running and so much more work could be done by, by all workers together.
    fn end_of(&self, now: Time, more: Duration) -> Time {
        let left = |run: &Run| (run.started + run.expected).saturating_since(now);
        let work = self.running.values().map(left).sum::<Duration>() + more;
        now + self.share(work)
    }

    fn share(&self, work: Duration) -> Duration {
        Duration::from_nanos((work.as_nanos() as u64).div_ceil(self.config.workers.into()))
    }

    /// A background job starts only if who is released later can still be done in time.
    pub(crate) fn expect_slack(&self, now: Time, cost: Duration) {
        let mut end = self.end_of(now, cost);
        for (_, _, key) in &self.order {
            let job = &self.queued[key];
            // One whose latest start has passed is about to be shed.
            let latest = job.latest_start(job.ticket.cost, job.ticket.margin);
            if let Some(latest) = latest.filter(|&it| it > now)
                && job.eligible > now
                && !self.is_held(&job.ticket)
            {
                assert!(end < latest, "background work delays {:?}", job.ticket);
                end += self.share(job.ticket.cost);
            }
        }
    }

    /// Whether, with one worker and true costs, somebody who is queued or in hand starts at their
    /// latest start, or after it. Those whose latest start has passed are about to be shed.
    pub(crate) fn somebody_is_late(&self, now: Time, in_hand: Option<&Ticket>) -> bool {
        let queued = self.order.iter().filter_map(|(deadline, _, key)| {
            let job = &self.queued[key];
            let latest = job.latest_start(job.ticket.cost, job.ticket.margin)?;
            let is_out = latest <= now || self.is_held(&job.ticket);
            (!is_out).then_some((*deadline, job.ticket.cost, latest))
        });
        let mut jobs: Vec<_> = queued.collect();
        if let Some(ticket) = in_hand
            && let Some(deadline) = ticket.deadline
            && let Some(latest) = ticket.latest_start(Some(deadline), ticket.cost)
        {
            let place = jobs.partition_point(|&(before, ..)| before <= deadline);
            jobs.insert(place, (deadline, ticket.cost, latest));
        }
        let mut start = self.end_of(now, Duration::ZERO);
        jobs.into_iter().any(|(_, cost, latest)| {
            let is_late = start >= latest;
            start += cost;
            is_late
        })
    }
}
