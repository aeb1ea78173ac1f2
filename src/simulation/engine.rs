//! The simulated world: one event after the other.

use alloc::vec::Vec;
use core::time::Duration;

use super::agenda::{Agenda, Due};
use super::arrivals::Arrival;
use super::clock::Clock;
use super::event::{Event, Ticket, What};
use super::group::Group;
use super::random::Random;
use super::report::Report;
use super::source::{Source, arrive, job};
use super::workers::{Run, Workers};
use super::{SimulatedScheduler, Simulation};
use crate::scheduler::{ConfigError, Next, Outcome, Running, Shed, Submitted, stripes};
use crate::time::{Time, saturating_nanos};

const EVENTS_OF_A_JOB: u64 = 16;

/// The use of the random numbers that choose groups: streams and disturbances have every number but
/// each fourth.
const PLACING: u64 = 3;

pub(super) struct Engine<'a, O> {
    pub(super) simulation: &'a Simulation,
    observer: O,
    pub(super) groups: Vec<Group>,
    /// Chooses groups.
    pub(super) placing: Random,
    pub(super) clock: Clock,
    /// The time of the simulated world.
    pub(super) at_ns: u64,
    /// What came from the agenda so far: there may be much that makes no event.
    steps: u64,
    pub(super) agenda: Agenda,
    poll_at_ns: Option<u64>,
    sources: Vec<Source>,
    pub(super) disturbances: Vec<Random>,
    pub(super) workers: Workers,
    next_number: u64,
    report: Report,
}

impl<'a, O: FnMut(&Event, &SimulatedScheduler)> Engine<'a, O> {
    pub(super) fn new(simulation: &'a Simulation, observer: O) -> Result<Self, ConfigError> {
        let groups = stripes::split(&simulation.config, simulation.groups);
        let groups = groups.into_iter().map(Group::new).collect::<Result<_, _>>()?;
        let mut engine = Self {
            simulation,
            observer,
            groups,
            placing: Random::new(simulation.seed, PLACING),
            clock: Clock::default(),
            at_ns: 0,
            steps: 0,
            agenda: Agenda::new(),
            poll_at_ns: None,
            sources: Vec::new(),
            disturbances: Vec::new(),
            workers: Workers::default(),
            next_number: 0,
            report: Report::new(simulation),
        };
        engine.fill_agenda();
        Ok(engine)
    }

    fn fill_agenda(&mut self) {
        let &Simulation { seed, duration, shutdown, .. } = self.simulation;
        for (place, stream) in self.simulation.streams.iter().enumerate() {
            let source = Source::new(stream, place, seed, saturating_nanos(duration));
            self.sources.push(source);
            self.await_arrival(place);
        }
        for place in 0..self.simulation.disturbances.len() {
            self.disturbances.push(Random::new(seed, place as u64 * 4 + 2));
            self.await_disturbance(place);
        }
        if let Some((at, _)) = shutdown {
            self.agenda.enter(saturating_nanos(at), Due::Shutdown);
        }
    }

    fn await_arrival(&mut self, stream: usize) {
        if let Some(at_ns) = self.sources[stream].advance() {
            self.agenda.enter(at_ns, Due::Arrival { stream });
        }
    }

    fn await_disturbance(&mut self, place: usize) {
        let every = self.simulation.disturbances[place].every();
        let pause_ns = self.disturbances[place].time_ns(saturating_nanos(every));
        let at_ns = self.at_ns.saturating_add(pause_ns);
        if at_ns < saturating_nanos(self.simulation.duration) {
            self.agenda.enter(at_ns, Due::Disturbance { place });
        }
    }

    pub(super) fn play(mut self) -> (Report, Vec<SimulatedScheduler>) {
        while self.done() < self.most_events() && self.step() {}
        self.finish()
    }

    /// The bound that ends a run in which the scheduler never does what is queued. A job takes
    /// its arrival, a wake-up for its release, one for its latest start, its start and its end,
    /// and after each of them every scheduler waits.
    const fn most_events(&self) -> u64 {
        let of_a_job = EVENTS_OF_A_JOB * self.groups.len() as u64;
        let in_jobs = self.next_number.saturating_mul(of_a_job);
        self.simulation.max_events.saturating_add(in_jobs)
    }

    /// Does what comes next; false if nothing does.
    fn step(&mut self) -> bool {
        let agenda_ns = self.agenda.next_ns();
        let wakes = self.groups.iter().filter_map(|group| group.wake_at_ns);
        let polls = self.poll_at_ns.into_iter().chain(wakes);
        match (agenda_ns, polls.min()) {
            (Some(at_ns), poll_ns) if poll_ns.is_none_or(|poll_ns| at_ns <= poll_ns) => {
                let Some(due) = self.agenda.pop() else { return false };
                (self.at_ns, self.steps) = (at_ns, self.steps + 1);
                if self.happen(due) {
                    self.poll_soon();
                }
            }
            (_, Some(poll_ns)) => {
                self.at_ns = poll_ns;
                self.poll_all();
            }
            (_, None) => return false,
        }
        true
    }

    /// Lets it happen; whether the shell notices.
    fn happen(&mut self, due: Due) -> bool {
        match due {
            Due::Arrival { stream } => {
                if let Some(arrival) = self.sources[stream].next {
                    let mut left = arrival.count;
                    while left > 0 && self.may_go_on() {
                        self.submit(stream, &arrival);
                        left -= 1;
                    }
                }
                if self.may_go_on() {
                    self.await_arrival(stream);
                }
                true
            }
            Due::End { worker } => {
                self.complete(worker);
                true
            }
            Due::Disturbance { place } => {
                let events = self.report.events;
                self.disturb(place);
                if self.may_go_on() {
                    self.await_disturbance(place);
                }
                events != self.report.events
            }
            Due::Shutdown => {
                let grace = self.simulation.shutdown.map_or(Duration::ZERO, |(_, grace)| grace);
                for group in 0..self.groups.len() {
                    let (reading, now) = self.read(group);
                    let by = now + grace;
                    self.groups[group].scheduler.shutdown(reading, by);
                    self.tell(group, now, What::ShutDown { by });
                }
                true
            }
        }
    }

    const fn may_go_on(&self) -> bool {
        self.done() < self.simulation.max_events
    }

    /// Events, and steps that made none.
    const fn done(&self) -> u64 {
        if self.report.events > self.steps { self.report.events } else { self.steps }
    }

    pub(super) fn tell(&mut self, group: usize, now: Time, what: What) {
        let event = Event { at: Time::from_nanos(self.at_ns), now, group, what };
        self.report.count(&event, &self.simulation.windows);
        (self.observer)(&event, &self.groups[group].scheduler);
    }

    /// What a group's scheduler is told, and what it takes it for.
    pub(super) fn read(&mut self, group: usize) -> (Time, Time) {
        self.groups[group].read(&mut self.clock, self.at_ns)
    }

    fn submit(&mut self, place: usize, arrival: &Arrival) {
        let stream = &self.simulation.streams[place];
        let number = self.next_number;
        self.next_number += 1;
        let mut ticket = self.sources[place].ticket(stream, place, number, arrival);
        let group = self.group_of(ticket.identity);
        let (reading, now) = self.read(group);
        arrive(&mut ticket, stream, arrival, (Time::from_nanos(self.at_ns), now));
        let Group { scheduler, queued, .. } = &mut self.groups[group];
        ticket.margin = scheduler.margin(ticket.class).unwrap_or_default();
        let what = match scheduler.submit(reading, job(ticket)) {
            Ok(Submitted::Queued(key)) => {
                queued.insert(key, ticket.due);
                What::Submitted { key, ticket }
            }
            Ok(Submitted::Joined(key, job)) => {
                queued.join(key, ticket.due);
                What::Joined { key, ticket: job.payload }
            }
            Err(refused) => What::Refused { ticket: refused.job.payload, reason: refused.reason },
        };
        self.tell(group, now, what);
    }

    fn complete(&mut self, worker: usize) {
        let Some(run) = self.workers.end(worker) else { return };
        let Run { running, due, started, group, home, .. } = run;
        self.groups[home].busy -= 1;
        let Running { key, payload: ticket, deadline, .. } = running;
        let outcome = if ticket.fails { Outcome::Failed } else { Outcome::Done };
        let (reading, now) = self.read(group);
        self.groups[group].scheduler.complete(reading, key, outcome);
        let at = Time::from_nanos(self.at_ns);
        let took = at.saturating_since(started);
        let late = due.map(|due| (at + ticket.lead).saturating_since(due)).unwrap_or_default();
        self.tell(group, now, What::Completed { key, ticket, deadline, due, outcome, took, late });
    }

    fn poll_soon(&mut self) {
        match saturating_nanos(self.simulation.poll_delay) {
            0 => self.poll_all(),
            delay_ns => {
                let at_ns = self.at_ns.saturating_add(delay_ns);
                self.poll_at_ns = Some(self.poll_at_ns.map_or(at_ns, |before| before.min(at_ns)));
            }
        }
    }

    fn poll_all(&mut self) {
        self.poll_at_ns = None;
        match self.groups.len() {
            1 => self.poll_alone(),
            _ => self.serve_groups(),
        }
    }

    /// With one group, polls say all.
    fn poll_alone(&mut self) {
        loop {
            let (reading, now) = self.read(0);
            match self.groups[0].scheduler.poll(reading) {
                Next::Run(running) => self.start((0, 0), now, running, 0),
                Next::Shed(shed) => self.shed(0, now, &shed),
                Next::Wait(until) => return self.wait(0, now, until),
            }
        }
    }

    pub(super) fn shed(&mut self, group: usize, now: Time, shed: &Shed<Ticket>) {
        self.groups[group].queued.remove(shed.key);
        self.tell(group, now, What::shed(shed));
    }

    /// A group's scheduler wants to be looked at again.
    pub(super) fn wait(&mut self, group: usize, now: Time, until: Option<Time>) {
        let delay_ns = saturating_nanos(self.simulation.poll_delay);
        let moment = |until| self.clock.moment_of(until, self.at_ns);
        let wake_at_ns = until.map(|it| moment(it).saturating_add(delay_ns));
        self.groups[group].wake_at_ns = wake_at_ns;
        self.tell(group, now, What::Waiting { until });
    }

    /// A job of a group starts on a worker of that one or of another.
    pub(super) fn start(
        &mut self,
        (group, home): (usize, usize),
        now: Time,
        running: Running<Ticket>,
        rank_error: u64,
    ) {
        let due = self.groups[group].queued.remove(running.key);
        self.groups[home].busy += 1;
        let end_ns = self.at_ns.saturating_add(saturating_nanos(running.payload.cost));
        let end = self.agenda.enter(end_ns, Due::End { worker: self.workers.next() });
        let (what, started) = (What::started(&running, rank_error), Time::from_nanos(self.at_ns));
        self.workers.start(Run { running, due, started, end, group, home });
        self.tell(group, now, what);
    }

    fn finish(mut self) -> (Report, Vec<SimulatedScheduler>) {
        let length_ns = self.at_ns.max(saturating_nanos(self.simulation.duration));
        let length = Duration::from_nanos(length_ns);
        self.report.capacity = length.saturating_mul(self.simulation.config.workers);
        self.report.end = Time::from_nanos(self.at_ns);
        let queued: usize = self.groups.iter().map(|group| group.queued.keys().len()).sum();
        self.report.pending = (queued + self.workers.busy()) as u64;
        self.report.is_cut = !self.may_go_on();
        for (stream, tally) in self.simulation.streams.iter().zip(&self.report.streams) {
            let known = stream.arrivals.known_jobs().unwrap_or(tally.offered);
            self.report.not_offered += known.saturating_sub(tally.offered);
        }
        (self.report, self.groups.into_iter().map(|group| group.scheduler).collect())
    }
}
