//! The simulated world: one event after the other.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use super::arrivals::{Arrival, Arrivals, Feed};
use super::clock::Clock;
use super::disturbance::Disturbance;
use super::event::{Event, Ticket, What};
use super::queued::Queued;
use super::random::Random;
use super::report::Report;
use super::{SimulatedScheduler, Simulation, Stream};
use crate::key::Key;
use crate::scheduler::{Cancelled, Config, ConfigError, Job, Next, Outcome, Running, Submitted};
use crate::time::{Time, saturating_nanos};

/// What is going to happen. The places are those of streams, disturbances and workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Arrival {
        stream: usize,
    },
    /// A run ends, unless it was made longer meanwhile.
    End {
        worker: usize,
    },
    Disturbance {
        place: usize,
    },
    Shutdown,
}

const EVENTS_OF_A_JOB: u64 = 16;

/// A stream's jobs that are still to come.
struct Source {
    feed: Feed,
    next: Option<Arrival>,
    random: Random,
}

/// What a worker is busy with.
struct Run {
    running: Running<Ticket>,
    started: Time,
    end_ns: u64,
}

pub(super) struct Engine<'a, O> {
    simulation: &'a Simulation,
    observer: O,
    scheduler: SimulatedScheduler,
    clock: Clock,
    /// The time of the simulated world, and the number of the next entry of the agenda.
    at_ns: u64,
    entries: u64,
    /// Things to come, in the order of time and then of their entry.
    agenda: BinaryHeap<Reverse<(u64, u64, Due)>>,
    poll_at_ns: Option<u64>,
    wake_at_ns: Option<u64>,
    sources: Vec<Source>,
    disturbances: Vec<Random>,
    workers: Vec<Option<Run>>,
    queued: Queued,
    next_number: u64,
    report: Report,
}

impl<'a, O: FnMut(&Event, &SimulatedScheduler)> Engine<'a, O> {
    pub(super) fn new(simulation: &'a Simulation, observer: O) -> Result<Self, ConfigError> {
        let Config { workers, classes, .. } = &simulation.config;
        let (classes, streams) = (classes.len(), simulation.streams.len());
        let scheduler = SimulatedScheduler::with_identities(simulation.config.clone())?;
        let mut engine = Self {
            simulation,
            observer,
            scheduler,
            clock: Clock::default(),
            at_ns: 0,
            entries: 0,
            agenda: BinaryHeap::new(),
            poll_at_ns: None,
            wake_at_ns: None,
            sources: Vec::new(),
            disturbances: Vec::new(),
            workers: (0..*workers).map(|_| None).collect(),
            queued: Queued::default(),
            next_number: 0,
            report: Report::new(classes, streams),
        };
        engine.fill_agenda();
        Ok(engine)
    }

    fn fill_agenda(&mut self) {
        let &Simulation { seed, duration, shutdown, .. } = self.simulation;
        for (place, stream) in self.simulation.streams.iter().enumerate() {
            // Two generators a stream: when jobs come doesn't depend on what they are.
            let usage = place as u64 * 4;
            let arrivals = Random::new(seed, usage);
            let end_ns = saturating_nanos(duration);
            let feed = Feed::new(stream.arrivals.clone(), arrivals, end_ns);
            let random = Random::new(seed, usage + 1);
            self.sources.push(Source { feed, next: None, random });
            self.await_arrival(place);
        }
        for place in 0..self.simulation.disturbances.len() {
            self.disturbances.push(Random::new(seed, place as u64 * 4 + 2));
            self.await_disturbance(place);
        }
        if let Some((at, _)) = shutdown {
            self.enter(saturating_nanos(at), Due::Shutdown);
        }
    }

    fn enter(&mut self, at_ns: u64, due: Due) {
        self.agenda.push(Reverse((at_ns, self.entries, due)));
        self.entries += 1;
    }

    fn await_arrival(&mut self, stream: usize) {
        let source = &mut self.sources[stream];
        source.next = source.feed.next();
        if let Some(arrival) = source.next {
            self.enter(arrival.at_ns, Due::Arrival { stream });
        }
    }

    fn await_disturbance(&mut self, place: usize) {
        let every = self.simulation.disturbances[place].every();
        let pause_ns = self.disturbances[place].time_ns(saturating_nanos(every));
        let at_ns = self.at_ns.saturating_add(pause_ns);
        if at_ns < saturating_nanos(self.simulation.duration) {
            self.enter(at_ns, Due::Disturbance { place });
        }
    }

    pub(super) fn play(mut self) -> (Report, SimulatedScheduler) {
        while self.report.events < self.most_events() && self.step() {}
        self.finish()
    }

    /// The bound that ends a run in which the scheduler never does what is queued. A job takes
    /// its arrival, a wake-up for its release, one for its latest start, its start and its end,
    /// and after each of them the scheduler waits.
    const fn most_events(&self) -> u64 {
        let in_jobs = self.next_number.saturating_mul(EVENTS_OF_A_JOB);
        self.simulation.max_events.saturating_add(in_jobs)
    }

    /// Does what comes next; false if nothing does.
    fn step(&mut self) -> bool {
        let agenda_ns = self.agenda.peek().map(|&Reverse((at_ns, ..))| at_ns);
        let polls = self.poll_at_ns.into_iter().chain(self.wake_at_ns);
        match (agenda_ns, polls.min()) {
            (Some(at_ns), poll_ns) if poll_ns.is_none_or(|poll_ns| at_ns <= poll_ns) => {
                let Some(Reverse((_, _, due))) = self.agenda.pop() else { return false };
                self.at_ns = at_ns;
                self.happen(due);
                self.poll_soon();
            }
            (_, Some(poll_ns)) => {
                self.at_ns = poll_ns;
                self.poll_all();
            }
            (_, None) => return false,
        }
        true
    }

    fn happen(&mut self, due: Due) {
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
            }
            Due::End { worker } => self.complete(worker),
            Due::Disturbance { place } => {
                self.disturb(place);
                if self.may_go_on() {
                    self.await_disturbance(place);
                }
            }
            Due::Shutdown => {
                let grace = self.simulation.shutdown.map_or(Duration::ZERO, |(_, grace)| grace);
                let (reading, now) = self.clock.read(self.at_ns);
                let by = now + grace;
                self.scheduler.shutdown(reading, by);
                self.tell(now, What::ShutDown { by });
            }
        }
    }

    const fn may_go_on(&self) -> bool {
        self.report.events < self.simulation.max_events
    }

    fn tell(&mut self, now: Time, what: What) {
        let event = Event { at: Time::from_nanos(self.at_ns), now, what };
        self.report.count(&event);
        (self.observer)(&event, &self.scheduler);
    }

    fn submit(&mut self, place: usize, arrival: &Arrival) {
        let stream = &self.simulation.streams[place];
        let (reading, now) = self.clock.read(self.at_ns);
        let mut ticket = self.ticket(place, arrival);
        ticket.arrival = now;
        ticket.eligible = now + stream.release_delay;
        let row = traced(stream, arrival);
        let budget = row.and_then(|row| row.budget).or(stream.budget);
        ticket.deadline = budget.map(|budget| ticket.eligible + budget);
        ticket.margin = self.scheduler.margin(ticket.class).unwrap_or_default();
        match self.scheduler.submit(reading, job(ticket)) {
            Ok(Submitted::Queued(key)) => {
                self.queued.insert(key);
                self.tell(now, What::Submitted { key, ticket });
            }
            Ok(Submitted::Joined(key, job)) => {
                self.tell(now, What::Joined { key, ticket: job.payload });
            }
            Err(refused) => {
                let (ticket, reason) = (refused.job.payload, refused.reason);
                self.tell(now, What::Refused { ticket, reason });
            }
        }
    }

    /// A job of a stream, still without its times. What is drawn doesn't depend on anything that
    /// the scheduler does.
    fn ticket(&mut self, place: usize, arrival: &Arrival) -> Ticket {
        let stream = &self.simulation.streams[place];
        let row = traced(stream, arrival);
        let random = &mut self.sources[place].random;
        let cost = stream.costs.draw(random, row.map_or(Duration::ZERO, |row| row.cost));
        let declared = stream.estimates.draw(random, cost);
        let tenant = stream.tenants.draw(random);
        let identity = stream.identities.map(|identities| random.below(identities));
        let number = self.next_number;
        self.next_number += 1;
        Ticket {
            number,
            stream: place,
            class: stream.class,
            cost,
            declared,
            lead: stream.lead,
            value: row.and_then(|row| row.value).unwrap_or(stream.value),
            tenant: row.and_then(|row| row.tenant).or(tenant),
            identity,
            fails: random.chance(stream.failures),
            in_window: self.simulation.windows.is_some_and(|it| it.hold(self.at_ns)),
            ..Ticket::default()
        }
    }

    fn complete(&mut self, worker: usize) {
        // A run that was made longer is looked at again when it ends.
        let slot = &mut self.workers[worker];
        let Some(run) = slot.take_if(|run| run.end_ns <= self.at_ns) else { return };
        let Running { key, payload: ticket, deadline, .. } = run.running;
        let outcome = if ticket.fails { Outcome::Failed } else { Outcome::Done };
        let (reading, now) = self.clock.read(self.at_ns);
        self.scheduler.complete(reading, key, outcome);
        let took = Time::from_nanos(self.at_ns).saturating_since(run.started);
        let late = deadline.map(|deadline| (now + ticket.lead).saturating_since(deadline));
        let late = late.unwrap_or_default();
        self.tell(now, What::Completed { key, ticket, deadline, outcome, took, late });
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
        loop {
            let (reading, now) = self.clock.read(self.at_ns);
            match self.scheduler.poll(reading) {
                Next::Run(running) => self.start(now, running),
                Next::Shed(shed) => {
                    self.queued.remove(shed.key);
                    self.tell(now, What::shed(&shed));
                }
                Next::Wait(until) => {
                    self.wake_at_ns = until.map(|it| self.clock.moment_of(it, self.at_ns));
                    self.tell(now, What::Waiting { until });
                    return;
                }
            }
        }
    }

    fn start(&mut self, now: Time, running: Running<Ticket>) {
        self.queued.remove(running.key);
        let end_ns = self.at_ns.saturating_add(saturating_nanos(running.payload.cost));
        let free = self.workers.iter().position(Option::is_none);
        let worker = free.expect("a job starts only where a worker is free");
        let what = What::started(&running);
        let started = Time::from_nanos(self.at_ns);
        self.workers[worker] = Some(Run { running, started, end_ns });
        self.enter(end_ns, Due::End { worker });
        self.tell(now, what);
    }

    fn disturb(&mut self, place: usize) {
        match self.simulation.disturbances[place] {
            Disturbance::WorkerStall { length, .. } => {
                let busy = (0..self.workers.len()).filter(|&it| self.workers[it].is_some());
                let busy: Vec<usize> = busy.collect();
                if busy.is_empty() {
                    return;
                }
                let worker = busy[self.disturbances[place].below(busy.len() as u64) as usize];
                if let Some(run) = &mut self.workers[worker] {
                    run.end_ns = run.end_ns.saturating_add(saturating_nanos(length));
                    let end_ns = run.end_ns;
                    self.enter(end_ns, Due::End { worker });
                }
            }
            Disturbance::ClockStall { length, .. } => {
                self.clock.stall(self.at_ns, saturating_nanos(length));
            }
            Disturbance::ClockJump { length, .. } => self.clock.jump(saturating_nanos(length)),
            Disturbance::StaleReading { age, .. } => self.clock.go_stale(saturating_nanos(age)),
            Disturbance::CancelStorm { share, .. } => self.cancel_some(place, share),
            Disturbance::Reschedule { least, most, .. } => self.reschedule(place, least, most),
        }
    }

    fn cancel_some(&mut self, place: usize, share: f64) {
        let now = self.clock.peek(self.at_ns);
        let random = &mut self.disturbances[place];
        let keys = self.queued.keys().iter().copied();
        let unlucky: Vec<Key> = keys.filter(|_| random.chance(share)).collect();
        for key in unlucky {
            match self.scheduler.cancel(key) {
                Some(Cancelled::Removed(ticket)) => {
                    self.queued.remove(key);
                    self.tell(now, What::Cancelled { key, ticket });
                }
                Some(Cancelled::LetGo) => self.tell(now, What::LetGo { key }),
                None => {}
            }
        }
    }

    fn reschedule(&mut self, place: usize, least: Duration, most: Duration) {
        let (least_ns, most_ns) = (saturating_nanos(least), saturating_nanos(most));
        let random = &mut self.disturbances[place];
        let later_ns = random.below((most_ns - least_ns).saturating_add(1));
        let Some(key) = self.queued.pick(random) else { return };
        let (reading, now) = self.clock.read(self.at_ns);
        let new = now + Duration::from_nanos(least_ns.saturating_add(later_ns));
        let what = match self.scheduler.reschedule(reading, key, new) {
            Ok(old) => What::Rescheduled { key, old, new },
            Err(error) => What::NotRescheduled { key, new, error },
        };
        self.tell(now, what);
    }

    fn finish(mut self) -> (Report, SimulatedScheduler) {
        let workers = u32::try_from(self.workers.len()).unwrap_or(u32::MAX);
        let length_ns = self.at_ns.max(saturating_nanos(self.simulation.duration));
        self.report.capacity = Duration::from_nanos(length_ns).saturating_mul(workers);
        self.report.end = Time::from_nanos(self.at_ns);
        let running = self.workers.iter().flatten().count();
        self.report.pending = (self.queued.keys().len() + running) as u64;
        (self.report, self.scheduler)
    }
}

/// The recorded job, if the stream has a recording.
fn traced(stream: &Stream, arrival: &Arrival) -> Option<super::TraceRow> {
    match &stream.arrivals {
        Arrivals::Trace(trace) => trace.rows().get(arrival.row).copied(),
        _ => None,
    }
}

/// What is handed to the scheduler: all that a submitter knows.
fn job(ticket: Ticket) -> Job<Ticket, u64> {
    let mut job = Job::new(ticket)
        .class(ticket.class)
        .lead(ticket.lead)
        .value(ticket.value)
        .release(ticket.eligible);
    job = ticket.deadline.into_iter().fold(job, Job::deadline);
    job = ticket.declared.into_iter().fold(job, Job::cost);
    job = ticket.tenant.into_iter().fold(job, Job::tenant);
    ticket.identity.into_iter().fold(job, Job::identity)
}
