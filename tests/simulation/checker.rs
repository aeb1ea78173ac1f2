//! What must hold in every run, checked event by event.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{Admission, Config, Margin, RefuseReason, ShedReason};
use punctual::simulation::{
    Disturbance, Estimates, Event, SimulatedScheduler, Simulation, Ticket, What,
};
use punctual::time::Time;

/// A queued job.
struct Queued {
    ticket: Ticket,
    deadline: Option<Time>,
    eligible: Time,
    sequence: u64,
    /// It must leave without a start, since a job behind it has started, or one of the same
    /// identity was queued beside it: that is right only if it is about to be shed.
    doomed: Option<&'static str>,
}

/// Which of the promises hold for a simulation: some are made only without trouble.
struct Promises {
    /// Foreground jobs start in the order of (deadline, submission).
    ordered: bool,
    /// Wake-ups come at the time that the scheduler asked for.
    punctual_polls: bool,
    /// What starts is done in time.
    runs_in_time: bool,
    /// What is accepted is done in time.
    accepted_in_time: bool,
    /// What waits could be done in time, and nothing is refused that could be as well.
    feasible: bool,
    /// The scheduler knows the cost of every job, and so does the checker.
    known_costs: bool,
}

/// A running job, as far as the scheduler knows.
struct Run {
    started: Time,
    expected: Duration,
}

pub(crate) struct Checker<'a> {
    config: &'a Config,
    promises: Promises,
    queued: HashMap<Key, Queued>,
    /// The foreground, in its order.
    order: BTreeSet<(Time, u64, Key)>,
    identities: HashMap<u64, Key>,
    running: HashMap<Key, Run>,
    accepted: u64,
    events: u64,
    sheds_since_start: u32,
    is_after_a_shed: bool,
}

impl Promises {
    fn of(simulation: &Simulation) -> Self {
        let Simulation { config, streams, disturbances, poll_delay, .. } = simulation;
        let classes = &config.classes;
        let is_prompt = poll_delay.is_zero();
        let clock_is_right = !disturbances.iter().any(|it| {
            matches!(
                it,
                Disturbance::ClockStall { .. }
                    | Disturbance::ClockJump { .. }
                    | Disturbance::StaleReading { .. }
            )
        });
        let known_costs = clock_is_right
            && !disturbances.iter().any(|it| matches!(it, Disturbance::WorkerStall { .. }))
            && matches!(config.margin, Margin::Fixed(_))
            && streams.iter().all(|stream| stream.estimates == Estimates::Exact);
        let runs_in_time = is_prompt
            && known_costs
            && disturbances.is_empty()
            && config.workers == 1
            && config.admission != Admission::All
            && !config.shadow
            && classes.iter().all(|class| !class.background && class.reservation.is_none())
            && streams.iter().all(|stream| {
                stream.lead.is_zero() && stream.release_delay.is_zero() && stream.budget.is_some()
            });
        Self {
            ordered: !config.shadow
                && classes.iter().all(|it| it.reservation.is_none())
                && classes.iter().all(|it| it.starvation_guard.is_none()),
            punctual_polls: is_prompt && clock_is_right,
            runs_in_time,
            accepted_in_time: runs_in_time
                && config.admission == Admission::Feasible
                && simulation.shutdown.is_none(),
            feasible: runs_in_time && simulation.shutdown.is_none(),
            known_costs,
        }
    }
}

impl<'a> Checker<'a> {
    pub(crate) fn new(simulation: &'a Simulation) -> Self {
        Self {
            config: &simulation.config,
            promises: Promises::of(simulation),
            queued: HashMap::new(),
            order: BTreeSet::new(),
            identities: HashMap::new(),
            running: HashMap::new(),
            accepted: 0,
            events: 0,
            sheds_since_start: 0,
            is_after_a_shed: false,
        }
    }

    pub(crate) fn see(&mut self, event: &Event, scheduler: &SimulatedScheduler) {
        self.events += 1;
        if self.events.is_multiple_of(64) {
            scheduler.assert_invariants();
        }
        let now = event.now;
        match event.what {
            What::Submitted { key, ticket } => self.submitted(now, key, ticket),
            What::Joined { key, ticket } => self.joined(key, &ticket),
            What::Refused { ticket, reason } => self.refused(now, &ticket, reason, scheduler),
            What::Started { .. } => self.started(event),
            What::Shed { key, deadline, reason, .. } => self.shed(now, key, deadline, reason),
            What::Completed { key, ticket, late, .. } => {
                self.running.remove(&key).expect("only a running job is completed");
                if self.promises.runs_in_time {
                    assert_eq!(late, Duration::ZERO, "late, although costs are true: {ticket:?}");
                }
            }
            What::Cancelled { key, .. } => _ = self.leave(key),
            What::LetGo { key } => assert!(self.queued.contains_key(&key), "it is shared"),
            What::Rescheduled { key, old, new } => self.rescheduled(key, old, new),
            What::Waiting { until } => {
                assert!(until.is_none_or(|until| until > now), "{until:?} is not after {now:?}");
                let is_stuck =
                    until.is_none() && self.running.is_empty() && !self.queued.is_empty();
                assert!(!is_stuck, "nothing is going to happen, and jobs are queued");
                let is_late = self.promises.feasible && self.somebody_is_late(now, None);
                assert!(!is_late, "somebody is going to be late, and nobody was evicted");
            }
            _ => {}
        }
        self.is_after_a_shed = matches!(event.what, What::Shed { .. });
        let stats = scheduler.stats();
        assert_eq!(stats.running as usize, self.running.len());
        // Between a poll's events the scheduler is where the event says.
        assert_eq!(stats.queued as usize, self.queued.len());
    }

    fn place(&self, key: Key, job: &Queued) -> Option<(Time, u64, Key)> {
        let is_background = self.config.classes[job.ticket.class.number()].background;
        job.deadline.filter(|_| !is_background).map(|deadline| (deadline, job.sequence, key))
    }

    fn submitted(&mut self, now: Time, key: Key, ticket: Ticket) {
        let (deadline, eligible) = (ticket.deadline, ticket.eligible);
        assert!(deadline.is_none_or(|deadline| deadline > now), "an expired job is accepted");
        let sequence = self.accepted;
        self.accepted += 1;
        if let Some(identity) = ticket.identity
            && let Some(before) = self.identities.insert(identity, key)
            && let Some(before) = self.queued.get_mut(&before)
            && before.ticket.identity == Some(identity)
        {
            before.doomed = Some("two of the same identity were queued");
        }
        let job = Queued { ticket, deadline, eligible, sequence, doomed: None };
        self.order.extend(self.place(key, &job));
        assert!(self.queued.insert(key, job).is_none(), "{key:?} is used already");
        // Those that made room for others count until they are shed.
        assert!(self.queued.len() <= 2 * self.config.queue_bound as usize);
    }

    fn joined(&mut self, key: Key, ticket: &Ticket) {
        let mut job = self.queued.remove(&key).expect("a queued job is joined");
        assert_eq!(job.ticket.identity, ticket.identity);
        self.place(key, &job).map(|place| self.order.remove(&place));
        job.deadline = job.deadline.into_iter().chain(ticket.deadline).min();
        job.eligible = job.eligible.min(ticket.eligible);
        self.order.extend(self.place(key, &job));
        self.queued.insert(key, job);
    }

    fn refused(
        &self,
        now: Time,
        ticket: &Ticket,
        reason: RefuseReason,
        scheduler: &SimulatedScheduler,
    ) {
        let class = self.config.classes.get(ticket.class.number());
        match reason {
            RefuseReason::UnknownClass => assert!(class.is_none()),
            RefuseReason::Expired => assert!(ticket.deadline.is_some_and(|it| it <= now)),
            RefuseReason::Infeasible(forecast) => {
                // That of the job that it was to join may be earlier than its own release.
                let is_hopeless = forecast.ahead == 0 && forecast.latest_start <= forecast.start;
                // All others take what an idle scheduler could do.
                let no_admission =
                    self.config.admission != Admission::Feasible || self.config.shadow;
                let would_join = ticket.identity.is_some() && self.config.shadow;
                assert!(is_hopeless || !no_admission || would_join, "{ticket:?} {forecast:?}");
                let joins = ticket.identity.is_some_and(|it| self.identities.contains_key(&it));
                if self.promises.feasible && !joins {
                    let is_late = self.somebody_is_late(now, Some(ticket));
                    assert!(is_late, "refused, but nobody would be late: {ticket:?}");
                }
            }
            RefuseReason::QueueFull => {
                let stats = scheduler.class_stats(ticket.class).map(|stats| stats.counts.queued);
                let bound = class.and_then(|class| class.queue_bound);
                let is_full = scheduler.stats().queued >= self.config.queue_bound;
                let is_class_full = stats.zip(bound).is_some_and(|(queued, bound)| queued >= bound);
                assert!(is_full || is_class_full, "refused, but not full");
            }
            _ => {}
        }
    }

    fn started(&mut self, event: &Event) {
        let What::Started { key, ticket, deadline, expected, latest_start, verdict, .. } =
            event.what
        else {
            return;
        };
        let now = event.now;
        let job = self.leave(key);
        assert_eq!((job.ticket, job.deadline), (ticket, deadline));
        assert!(job.eligible <= now, "it starts before its release");
        if self.promises.ordered {
            assert_eq!(job.doomed, None, "{ticket:?} starts");
        }
        let is_forced = self.config.classes[ticket.class.number()].starvation_guard.is_some();
        if !self.config.shadow && !is_forced {
            let latest = match self.config.margin {
                Margin::Fixed(_) => latest_start,
                // What the class had learned at that moment is not known here.
                Margin::Learned { least, .. } => {
                    Ticket { margin: least, ..ticket }.latest_start(deadline, expected)
                }
                _ => None,
            };
            assert!(latest.is_none_or(|latest| now < latest), "{ticket:?} starts too late");
        }
        assert!(self.config.shadow || verdict.is_none(), "only a shadow pardons");
        if self.is_after_a_shed && self.place(key, &job).is_some() {
            let most = self.config.max_sheds_between_runs;
            assert!(self.sheds_since_start <= most, "{} sheds in a row", self.sheds_since_start);
        }
        self.sheds_since_start = 0;
        self.overtake(now, key, &job);
        let is_background = self.place(key, &job).is_none();
        if is_background && self.promises.ordered && self.promises.known_costs {
            self.expect_slack(now, expected);
        }
        self.running.insert(key, Run { started: now, expected });
        assert!(self.running.len() <= self.config.workers as usize);
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
    fn expect_slack(&self, now: Time, cost: Duration) {
        let mut end = self.end_of(now, cost);
        for (_, _, key) in &self.order {
            let Queued { ticket, deadline, eligible, .. } = &self.queued[key];
            // One whose latest start has passed is about to be shed.
            let latest = ticket.latest_start(*deadline, ticket.cost).filter(|&it| it > now);
            if let Some(latest) = latest
                && *eligible > now
            {
                assert!(end < latest, "background work delays {ticket:?}");
                end += self.share(ticket.cost);
            }
        }
    }

    /// Whether, with one worker and true costs, somebody who is queued or in hand starts at their
    /// latest start, or after it.
    fn somebody_is_late(&self, now: Time, in_hand: Option<&Ticket>) -> bool {
        let latest = |ticket: &Ticket, deadline| ticket.latest_start(Some(deadline), ticket.cost);
        let queued = self.order.iter().map(|(deadline, _, key)| {
            let ticket = &self.queued[key].ticket;
            (*deadline, ticket.cost, latest(ticket, *deadline))
        });
        let mut jobs: Vec<_> = queued.collect();
        if let Some((ticket, deadline)) = in_hand.and_then(|it| Some((it, it.deadline?))) {
            let place = jobs.partition_point(|&(before, ..)| before <= deadline);
            jobs.insert(place, (deadline, ticket.cost, latest(ticket, deadline)));
        }
        let mut start = self.end_of(now, Duration::ZERO);
        jobs.into_iter().any(|(_, cost, latest)| {
            let is_late = latest.is_some_and(|latest| start >= latest);
            start += cost;
            is_late
        })
    }

    /// Whoever is ready and before a job that starts must be about to be shed.
    fn overtake(&mut self, now: Time, key: Key, started: &Queued) {
        let place = self.place(key, started);
        let before = match place {
            Some(place) => self.order.range(..place),
            // A background job starts only if no foreground job is ready.
            None => self.order.range(..),
        };
        for (_, _, key) in before {
            let job = self.queued.get_mut(key).expect("what has a place is queued");
            if job.eligible <= now {
                job.doomed = Some("a job behind it has started");
            }
        }
    }

    fn shed(&mut self, now: Time, key: Key, deadline: Option<Time>, reason: ShedReason) {
        let job = self.leave(key);
        self.sheds_since_start = self.sheds_since_start.saturating_add(1);
        let admission = self.config.admission;
        match reason {
            ShedReason::Shutdown => return,
            ShedReason::LatestStart { latest_start, cost } => {
                assert!(latest_start <= now, "shed before its latest start");
                let deadline = deadline.expect("only what has a deadline has a latest start");
                let has_reserve = !(cost.is_zero() && job.ticket.lead.is_zero());
                if self.promises.punctual_polls && has_reserve {
                    assert!(now < deadline, "shed too late: {:?}", job.ticket);
                }
            }
            ShedReason::OverShare(_) => {
                assert_eq!(admission, Admission::Evict);
                assert!(job.ticket.tenant.is_some());
            }
            ShedReason::Evicted(_) => {
                assert_ne!(admission, Admission::All);
                let is_delayed = job.ticket.eligible > job.ticket.arrival;
                assert!(admission == Admission::Evict || is_delayed, "evicted without Evict");
            }
            _ => {}
        }
        assert!(!self.config.shadow, "a shadow sheds");
        assert!(!self.promises.accepted_in_time, "accepted and shed: {:?} {reason:?}", job.ticket);
    }

    fn rescheduled(&mut self, key: Key, old: Option<Time>, new: Time) {
        let mut job = self.queued.remove(&key).expect("a queued job is rescheduled");
        assert_eq!(job.deadline, old);
        self.place(key, &job).map(|place| self.order.remove(&place));
        // One that was about to be shed is saved by that.
        (job.deadline, job.doomed) = (Some(new), None);
        self.order.extend(self.place(key, &job));
        self.queued.insert(key, job);
    }

    fn leave(&mut self, key: Key) -> Queued {
        let job = self.queued.remove(&key).expect("only a queued job leaves the queue");
        self.place(key, &job).map(|place| self.order.remove(&place));
        if let Some(identity) = job.ticket.identity
            && self.identities.get(&identity) == Some(&key)
        {
            self.identities.remove(&identity);
        }
        job
    }
}
