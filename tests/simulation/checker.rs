//! What must hold in every run, checked event by event.

use std::collections::HashMap;
use std::time::Duration;

use punctual::key::Key;
use punctual::scheduler::{
    Admission, ClassConfig, Config, Forecast, Margin, RefuseReason, ShedReason,
};
use punctual::simulation::{Event, SimulatedScheduler, Simulation, Ticket, What};
use punctual::time::Time;

use super::mirror::{Mirror, Queued, Run};
use super::probes::{Probe, TurnedAway};
use super::promises::{Applied, Promises};
use super::reserved::Lag;

pub(crate) struct Checker<'a> {
    config: &'a Config,
    promises: Promises,
    pub(crate) applied: Applied,
    mirror: Mirror<'a>,
    lag: Option<Lag>,
    turned_away: Vec<TurnedAway>,
    /// Those that must leave without a start before the scheduler waits, and why: a job behind
    /// them has started, or one of the same identity was queued beside them.
    suspects: HashMap<Key, &'static str>,
    accepted: u64,
    events: u64,
    /// When the scheduler looks at itself again.
    invariants_at: u64,
    sheds_since_start: u32,
    /// When the event before this one was a shed: after a stale reading another moment may follow.
    shed_before: Option<Time>,
    /// Whether somebody was evicted since the scheduler waited.
    has_evicted: bool,
    is_shut_down: bool,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(simulation: &'a Simulation) -> Self {
        let promises = Promises::of(simulation);
        Self {
            config: &simulation.config,
            lag: promises.reserved.and_then(|class| Lag::of(simulation, class)),
            promises,
            applied: Applied::default(),
            mirror: Mirror::new(&simulation.config),
            turned_away: vec![TurnedAway::default(); simulation.config.classes.len()],
            suspects: HashMap::new(),
            accepted: 0,
            events: 0,
            invariants_at: 64,
            sheds_since_start: 0,
            shed_before: None,
            has_evicted: false,
            is_shut_down: false,
        }
    }

    pub(crate) fn see(&mut self, event: &Event, scheduler: &SimulatedScheduler) {
        self.events += 1;
        // That looks at all that is queued, more than once.
        if self.events >= self.invariants_at {
            self.invariants_at = self.events + 64.max(u64::from(scheduler.stats().queued));
            scheduler.assert_invariants();
        }
        let now = event.now;
        if let Some(lag) = &mut self.lag {
            lag.pass(now);
        }
        match event.what {
            What::Submitted { key, ticket } => self.submitted(event, key, ticket, scheduler),
            What::Joined { key, ticket } => self.joined(event, key, &ticket),
            What::Refused { ticket, reason } => self.refused(now, &ticket, reason, scheduler),
            What::Started { .. } => self.started(event),
            What::Shed { key, deadline, reason, .. } => self.shed(now, key, deadline, reason),
            What::Completed { .. } => self.completed(event),
            What::Cancelled { key, .. } => _ = self.leave(key),
            What::LetGo { key } => assert!(self.mirror.queued.contains_key(&key), "it is shared"),
            What::Rescheduled { key, old, new } => self.rescheduled(event, key, old, new),
            What::Waiting { until } => self.waiting(now, until),
            What::ShutDown { .. } => self.is_shut_down = true,
            _ => {}
        }
        self.shed_before = matches!(event.what, What::Shed { .. }).then_some(now);
        let stats = scheduler.stats();
        assert_eq!(stats.running as usize, self.mirror.running.len());
        // Between a poll's events the scheduler is where the event says.
        assert_eq!(stats.queued as usize, self.mirror.queued.len());
    }

    fn leave(&mut self, key: Key) -> Queued {
        self.suspects.remove(&key);
        self.mirror.leave(key)
    }

    fn class(&self, ticket: &Ticket) -> &'a ClassConfig {
        &self.config.classes[ticket.class.number()]
    }

    fn waiting(&mut self, now: Time, until: Option<Time>) {
        assert!(until.is_none_or(|until| until > now), "{until:?} is not after {now:?}");
        let is_stuck =
            until.is_none() && self.mirror.running.is_empty() && !self.mirror.queued.is_empty();
        assert!(!is_stuck, "nothing is going to happen, and jobs are queued");
        let suspect = self.suspects.iter().next();
        assert_eq!(suspect, None, "it had to be shed, and the scheduler waits");
        self.has_evicted = false;
        if self.promises.feasible && !self.mirror.order.is_empty() {
            self.applied.feasible_waits += 1;
            let is_late = self.mirror.somebody_is_late(now, None);
            assert!(!is_late, "somebody is going to be late, and nobody was evicted");
        }
        if let Some(lag) = &mut self.lag {
            self.applied.reserved_moments += u64::from(lag.check(now, &self.mirror));
        }
    }

    /// The margin that a job is booked with, and its cost, as far as that is known.
    fn booked(
        &self,
        ticket: &Ticket,
        scheduler: &SimulatedScheduler,
    ) -> (Option<Duration>, Option<Duration>) {
        let probe = self.turned_away[ticket.class.number()].next();
        let margin = match (self.config.margin, probe) {
            (Margin::Fixed(margin), _) => Some(margin),
            (Margin::Learned { least, .. }, Probe::Yes) => Some(least),
            (_, Probe::No) => Some(ticket.margin),
            _ => None,
        };
        let declared = ticket.declared.filter(|declared| !declared.is_zero());
        let cost = match (declared, probe) {
            // With true costs nothing is corrected.
            (Some(declared), _) if self.promises.known_costs => Some(declared),
            (Some(declared), Probe::Yes) => Some(declared),
            (None, Probe::Yes) => Some(self.class(ticket).initial_cost),
            (None, Probe::No) => scheduler.expected_cost(ticket.class),
            _ => None,
        };
        (margin, cost)
    }

    /// Whether an idle scheduler could not do the job in time, if that is known.
    fn is_hopeless(&self, ticket: &Ticket, scheduler: &SimulatedScheduler) -> Option<bool> {
        let (Some(margin), Some(cost)) = self.booked(ticket, scheduler) else { return None };
        let latest = Ticket { margin, ..*ticket }.latest_start(ticket.deadline, cost);
        Some(latest.is_some_and(|latest| latest <= ticket.eligible))
    }

    fn submitted(
        &mut self,
        event: &Event,
        key: Key,
        ticket: Ticket,
        scheduler: &SimulatedScheduler,
    ) {
        let (deadline, eligible) = (ticket.deadline, ticket.eligible);
        assert!(!self.is_shut_down, "a job is accepted after the shutdown");
        let is_expired = deadline.is_some_and(|deadline| deadline <= event.now);
        assert!(!is_expired, "an expired job is accepted");
        if let Some(is_hopeless) = self.is_hopeless(&ticket, scheduler) {
            self.applied.recomputed_hopes += 1;
            assert!(!is_hopeless, "accepted without hope: {ticket:?}");
        }
        if self.turned_away[ticket.class.number()].next() != Probe::No {
            // A probe has a right that others haven't: they may be late for its sake.
            (self.promises.feasible, self.promises.accepted_in_time) = (false, false);
        }
        let sequence = self.accepted;
        self.accepted += 1;
        let was_held = self.mirror.is_held(&ticket);
        self.applied.held += u64::from(was_held);
        self.applied.accepted_in_time += u64::from(self.promises.accepted_in_time && !was_held);
        if let Some(identity) = ticket.identity
            && let Some(before) = self.mirror.identities.insert(identity, key)
        {
            self.suspects.insert(before, "two of the same identity are queued");
        }
        let (margin, _) = self.booked(&ticket, scheduler);
        self.turned_away[ticket.class.number()].queued();
        let due = world_due(event, &ticket);
        let job = Queued { ticket, deadline, due, eligible, sequence, was_held, margin };
        self.mirror.insert(key, job);
        // Those that made room for others count until they are shed.
        assert!(self.mirror.queued.len() <= 2 * self.config.queue_bound as usize);
    }

    fn joined(&mut self, event: &Event, key: Key, ticket: &Ticket) {
        assert!(!self.is_shut_down, "a job is accepted after the shutdown");
        let due = world_due(event, ticket);
        self.mirror.change(key, |job| {
            assert_eq!(job.ticket.identity, ticket.identity);
            job.deadline = job.deadline.into_iter().chain(ticket.deadline).min();
            job.due = job.due.into_iter().chain(due).min();
            job.eligible = job.eligible.min(ticket.eligible);
        });
    }

    fn refused(
        &mut self,
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
                self.refused_as_infeasible(now, ticket, &forecast, scheduler);
            }
            RefuseReason::QueueFull => {
                let stats = scheduler.class_stats(ticket.class).map(|stats| stats.counts.queued);
                let bound = class.and_then(|class| class.queue_bound);
                let is_full = scheduler.stats().queued >= self.config.queue_bound;
                let is_class_full = stats.zip(bound).is_some_and(|(queued, bound)| queued >= bound);
                assert!(is_full || is_class_full, "refused, but not full");
            }
            RefuseReason::Closed => assert!(self.is_shut_down, "closed, and nobody shut it down"),
            _ => {}
        }
    }

    fn refused_as_infeasible(
        &mut self,
        now: Time,
        ticket: &Ticket,
        forecast: &Forecast,
        scheduler: &SimulatedScheduler,
    ) {
        let known = self.is_hopeless(ticket, scheduler);
        self.applied.recomputed_hopes += u64::from(known.is_some());
        let joins = ticket.identity.is_some_and(|it| self.mirror.identities.contains_key(&it));
        // That of the job that it was to join may be earlier than its own release.
        let seems_hopeless = forecast.ahead == 0 && forecast.latest_start <= forecast.start;
        let is_hopeless = known.unwrap_or(seems_hopeless) || joins && seems_hopeless;
        // All others take what an idle scheduler could do, and who is held isn't compared.
        let no_admission = self.config.admission != Admission::Feasible
            || self.config.shadow
            || self.mirror.is_held(ticket);
        let would_join = joins && self.config.shadow;
        assert!(is_hopeless || !no_admission || would_join, "{ticket:?} {forecast:?}");
        if self.promises.feasible && !joins {
            self.applied.needed_refusals += 1;
            let is_late = self.mirror.somebody_is_late(now, Some(ticket));
            assert!(is_hopeless || is_late, "refused, but nobody would be late: {ticket:?}");
        }
        let class = ticket.class.number();
        let is_running = self.mirror.running.values().any(|it| it.ticket.class.number() == class);
        if !is_running {
            self.turned_away[class].refused(!joins || known == Some(true));
        }
    }

    fn started(&mut self, event: &Event) {
        let What::Started { key, ticket, deadline, expected, verdict, .. } = event.what else {
            return;
        };
        let now = event.now;
        assert_eq!(self.suspects.get(&key), None, "{ticket:?} starts");
        let job = self.mirror.leave(key);
        assert_eq!((job.ticket, job.deadline), (ticket, deadline));
        assert!(job.eligible <= now, "it starts before its release");
        let is_pardoned = self.config.shadow && verdict.is_some();
        let is_held = self.mirror.is_held(&ticket);
        assert!(is_pardoned || !is_held, "two of the same identity run: {ticket:?}");
        if !self.config.shadow {
            self.expect_in_time(now, &job, expected);
        }
        assert!(self.config.shadow || verdict.is_none(), "only a shadow pardons");
        if self.shed_before == Some(now) && self.mirror.place(key, &job).is_some() {
            let most = self.config.max_sheds_between_runs;
            assert!(self.sheds_since_start <= most, "{} sheds in a row", self.sheds_since_start);
        }
        self.sheds_since_start = 0;
        self.turned_away[ticket.class.number()].start();
        if self.promises.ordered {
            self.overtake(now, key, &job);
            if self.mirror.place(key, &job).is_none() && self.promises.known_costs {
                self.applied.slack_checks += 1;
                self.mirror.expect_slack(now, expected);
            }
        }
        let run = Run { started: now, expected, due: job.due, ticket };
        if let Some(lag) = &mut self.lag {
            lag.start(&run);
        }
        self.mirror.start(key, run);
    }

    /// Nothing starts at its latest start, or after it.
    fn expect_in_time(&mut self, now: Time, job: &Queued, expected: Duration) {
        let least = match self.config.margin {
            Margin::Learned { least, .. } => least,
            _ => job.ticket.margin,
        };
        let latest = job.latest_start(expected, job.margin.unwrap_or(least));
        assert!(latest.is_none_or(|latest| now < latest), "{:?} starts too late", job.ticket);
        let is_exact = job.margin.is_some() && latest.is_some();
        self.applied.exact_latest_starts += u64::from(is_exact);
        self.applied.learned_margins += u64::from(is_exact && job.margin > Some(least));
    }

    /// Whoever is ready and before a job that starts must be about to be shed.
    fn overtake(&mut self, now: Time, key: Key, started: &Queued) {
        self.applied.starts_in_order += 1;
        let before = match self.mirror.place(key, started) {
            Some(place) => self.mirror.order.range(..place),
            // A background job starts only if no foreground job is ready.
            None => self.mirror.order.range(..),
        };
        for (_, _, key) in before {
            let job = &self.mirror.queued[key];
            if job.eligible <= now && !self.mirror.is_held(&job.ticket) {
                self.suspects.insert(*key, "a job behind it has started");
            }
        }
    }

    fn completed(&mut self, event: &Event) {
        let What::Completed { key, ticket, late, .. } = event.what else { return };
        let run = self.mirror.complete(key);
        let answered = event.at + ticket.lead;
        let expected = run.due.map(|due| answered.saturating_since(due)).unwrap_or_default();
        assert_eq!(late, expected, "lateness in the world's time: {ticket:?}");
        self.applied.judged_by_the_world += u64::from(event.at != event.now);
        if self.promises.runs_in_time {
            self.applied.runs_in_time += 1;
            assert_eq!(late, Duration::ZERO, "late, although costs are true: {ticket:?}");
        }
    }

    fn shed(&mut self, now: Time, key: Key, deadline: Option<Time>, reason: ShedReason) {
        if matches!(reason, ShedReason::Evicted(_) | ShedReason::OverShare(_)) {
            self.expect_need(now);
        }
        let job = self.leave(key);
        let class = job.ticket.class.number();
        self.sheds_since_start = self.sheds_since_start.saturating_add(1);
        if !self.mirror.running.values().any(|it| it.ticket.class.number() == class) {
            self.turned_away[class].shed(&reason);
        }
        let admission = self.config.admission;
        match reason {
            ShedReason::Shutdown => {
                assert!(self.is_shut_down, "shed for a shutdown that nobody asked for");
                return;
            }
            ShedReason::LatestStart { latest_start, cost } => {
                assert!(latest_start <= now, "shed before its latest start");
                if let Some(margin) = job.margin.filter(|_| !self.is_shut_down) {
                    let exact = job.latest_start(cost, margin);
                    self.applied.exact_latest_starts += 1;
                    assert_eq!(Some(latest_start), exact, "another latest start: {:?}", job.ticket);
                }
            }
            ShedReason::OverShare(_) => {
                assert_eq!(admission, Admission::Evict);
                assert!(job.ticket.tenant.is_some());
            }
            ShedReason::Displaced => assert_eq!(admission, Admission::Evict),
            ShedReason::Evicted(_) => {
                assert_ne!(admission, Admission::All);
                let is_delayed = job.was_held || job.ticket.eligible > job.ticket.arrival;
                assert!(admission == Admission::Evict || is_delayed, "evicted without Evict");
            }
            _ => {}
        }
        if self.promises.punctual_polls
            && let Some(deadline) = deadline
        {
            self.applied.sheds_in_time += 1;
            // One that has to start at its very deadline, since it takes no time, is no exception.
            let takes_no_time = matches!(reason, ShedReason::LatestStart { latest_start, .. }
                if latest_start == deadline);
            assert!(now < deadline || takes_no_time, "shed too late: {:?}", job.ticket);
        }
        assert!(!self.config.shadow, "a shadow sheds");
        let is_promised = self.promises.accepted_in_time && !job.was_held;
        assert!(!is_promised, "accepted and shed: {:?} {reason:?}", job.ticket);
    }

    /// The first eviction of a round of polls: with all that were queued before, somebody must be
    /// late.
    fn expect_need(&mut self, now: Time) {
        if self.promises.feasible && !self.has_evicted {
            self.applied.needed_evictions += 1;
            let is_late = self.mirror.somebody_is_late(now, None);
            assert!(is_late, "somebody is evicted, and nobody would be late");
        }
        self.has_evicted = true;
    }

    fn rescheduled(&mut self, event: &Event, key: Key, old: Option<Time>, new: Time) {
        // One that was about to be shed is saved by that.
        self.suspects.remove(&key);
        self.mirror.change(key, |job| {
            assert_eq!(job.deadline, old);
            job.deadline = Some(new);
            job.due = Some(event.at + new.saturating_since(event.now));
        });
    }
}

/// The deadline of a job that has just come, in the time of the simulated world.
fn world_due(event: &Event, ticket: &Ticket) -> Option<Time> {
    ticket.deadline.map(|deadline| event.at + deadline.saturating_since(ticket.arrival))
}
