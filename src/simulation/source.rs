//! The jobs of a stream, one after the other, and what is handed to a scheduler of them.

use super::arrivals::{Arrival, Arrivals, Feed};
use super::event::Ticket;
use super::random::Random;
use super::stream::Stream;
use super::trace::TraceRow;
use crate::scheduler::Job;
use crate::time::Time;

/// A stream's jobs that are still to come.
pub(super) struct Source {
    feed: Feed,
    /// What arrives next.
    pub(super) next: Option<Arrival>,
    random: Random,
}

impl Source {
    /// The jobs of the stream at this place that arrive before `end_ns`.
    pub(super) fn new(stream: &Stream, place: usize, seed: u64, end_ns: u64) -> Self {
        // Two generators a stream: when jobs come doesn't depend on what they are.
        let usage = place as u64 * 4;
        let feed = Feed::new(stream.arrivals.clone(), Random::new(seed, usage), end_ns);
        Self { feed, next: None, random: Random::new(seed, usage + 1) }
    }

    /// Goes on to the next arrival, and tells when it is.
    pub(super) fn advance(&mut self) -> Option<u64> {
        self.next = self.feed.next();
        self.next.map(|arrival| arrival.at_ns)
    }

    /// A job, still without its times. What is drawn doesn't depend on anything that a scheduler
    /// does.
    pub(super) fn ticket(
        &mut self,
        stream: &Stream,
        place: usize,
        number: u64,
        arrival: &Arrival,
    ) -> Ticket {
        let row = traced(stream, arrival);
        let random = &mut self.random;
        let cost = stream.costs.draw(random, row.cost);
        let declared = stream.estimates.draw(random, cost);
        let tenant = stream.tenants.draw(random);
        let identity = stream.identities.map(|identities| random.below(identities));
        Ticket {
            number,
            stream: place,
            class: row.class.unwrap_or(stream.class),
            cost,
            declared: row.declared.or(declared),
            lead: row.lead.unwrap_or(stream.lead),
            value: row.value.unwrap_or(stream.value),
            tenant: row.tenant.or(tenant),
            identity: row.identity.or(identity),
            fails: random.chance(stream.failures),
            ..Ticket::default()
        }
    }
}

/// Gives a job its times: it arrives at `at` in the simulated world, at `now` for the scheduler.
pub(super) fn arrive(
    ticket: &mut Ticket,
    stream: &Stream,
    arrival: &Arrival,
    (at, now): (Time, Time),
) {
    let row = traced(stream, arrival);
    let release_delay = row.release_delay.unwrap_or(stream.release_delay);
    let budget = row.budget.or(stream.budget);
    (ticket.at, ticket.arrival) = (at, now);
    ticket.eligible = now + release_delay;
    ticket.deadline = budget.map(|budget| ticket.eligible + budget);
    ticket.due = budget.map(|budget| ticket.at + release_delay + budget);
}

/// The recorded job, if the stream has a recording.
fn traced(stream: &Stream, arrival: &Arrival) -> TraceRow {
    match &stream.arrivals {
        Arrivals::Trace(trace) => trace.rows().get(arrival.row).copied().unwrap_or_default(),
        _ => TraceRow::default(),
    }
}

/// What is handed to the scheduler: all that a submitter knows.
pub(super) fn job(ticket: Ticket) -> Job<Ticket, u64> {
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
