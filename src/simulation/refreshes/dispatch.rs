//! How loads and jobs get at the workers, and what becomes of them.

use alloc::boxed::Box;
use core::time::Duration;

use super::USAGES;
use super::beside::{Dispatch, Run};
use super::contents::Held;
use super::event::{RefreshEvent, RefreshWhat};
use super::world::{Due, World};
use crate::key::Key;
use crate::refresh::{End, Planner, Urgency};
use crate::scheduler::{Cancelled, Next, Outcome, Running, Submitted};
use crate::simulation::arrivals::Arrival;
use crate::simulation::event::{Ticket, What};
use crate::simulation::random::Random;
use crate::simulation::report::hashed;
use crate::simulation::source::{arrive, job};
use crate::time::{Time, saturating_nanos};

impl<O: FnMut(&RefreshEvent, Option<&Planner>)> World<'_, O> {
    /// The policy starts a load, which a planner calls by its key.
    pub(super) fn start(&mut self, id: u32, planned: Option<Key>, urgency: Urgency) {
        let load = self.loads.start(&self.simulation.loads, id, planned, self.now);
        self.contents.entries[id as usize].loading += 1;
        let cost = self.contents.entries[id as usize].rates.cost;
        if self.is_counted() {
            self.report.cost += cost;
            let second = self.now.saturating_since(self.contents.start).as_secs();
            *self.report.per_second.entry(second).or_default() += 1;
        }
        let number = self.loads.number(load);
        self.tell(Some(id), RefreshWhat::Started { id, load: number, urgency, cost });
        match self.simulation.beside.as_ref().map(|beside| beside.dispatch) {
            None => {
                let until = self.begin(load);
                self.agenda.enter(until.as_nanos(), Due::Loaded { load });
            }
            Some(Dispatch::Threads) => {
                self.begin(load);
                let cost_ns = self.loads.store.get(load).map_or(0, |load| load.cost_ns);
                if let Some(shop) = &mut self.shop {
                    shop.processors.start(cost_ns, Run::Thread { load });
                }
            }
            Some(dispatch) => self.submit_load(load, dispatch, urgency),
        }
    }

    /// A load runs from now on: it sees what is true now. When it has its value, if it runs alone.
    fn begin(&mut self, load: Key) -> Time {
        let Some(load) = self.loads.store.get_mut(load) else { return self.now };
        let version = self.contents.entries[load.id as usize].version(self.now);
        load.job = None;
        load.read = Some((version, self.now));
        self.now + Duration::from_nanos(load.cost_ns.saturating_add(load.lead_ns))
    }

    fn submit_load(&mut self, load: Key, dispatch: Dispatch, urgency: Urgency) {
        let lead = Duration::from_nanos(self.loads.believed_lead_ns());
        let (Some(shop), Some(beside)) = (&mut self.shop, &self.simulation.beside) else { return };
        let Some(started) = self.loads.store.get_mut(load) else { return };
        let held = self.contents.entries[started.id as usize].held;
        let expiries = held.map(|held: Held| (held.soft, held.hard));
        let (deadline, value) = dispatch.terms(self.now, urgency, expiries);
        let ticket = Ticket {
            number: load.to_bits(),
            stream: RefreshWhat::LOADS,
            class: beside.class,
            at: self.now,
            due: deadline,
            arrival: self.now,
            eligible: self.now,
            deadline,
            cost: Duration::from_nanos(started.cost_ns),
            declared: started.declared,
            lead,
            margin: shop.scheduler.margin(beside.class).unwrap_or_default(),
            value,
            ..Ticket::default()
        };
        shop.is_stirred = true;
        let what = match shop.scheduler.submit(self.now, job(ticket)) {
            Ok(submitted) => {
                let key = submitted.key();
                started.job = Some(key);
                What::Submitted { key, ticket }
            }
            Err(refused) => What::Refused { ticket, reason: refused.reason },
        };
        self.tell_job(what);
        if matches!(what, What::Refused { .. }) {
            self.dropped(load);
        }
    }

    /// A job of a stream arrives.
    pub(super) fn submit(&mut self, place: usize, arrival: &Arrival) {
        let (Some(shop), Some(beside)) = (&mut self.shop, &self.simulation.beside) else { return };
        let stream = &beside.streams[place];
        let number = shop.next_number;
        shop.next_number += 1;
        let mut ticket = shop.sources[place].ticket(stream, place, number, arrival);
        arrive(&mut ticket, stream, arrival, (self.now, self.now));
        ticket.margin = shop.scheduler.margin(ticket.class).unwrap_or_default();
        shop.is_stirred = true;
        let what = match shop.scheduler.submit(self.now, job(ticket)) {
            Ok(Submitted::Queued(key)) => What::Submitted { key, ticket },
            Ok(Submitted::Joined(key, job)) => What::Joined { key, ticket: job.payload },
            Err(refused) => What::Refused { ticket, reason: refused.reason },
        };
        self.tell_job(what);
    }

    /// Polls the scheduler, if something may have changed.
    pub(super) fn serve(&mut self) {
        while let Some(shop) = &mut self.shop {
            if !shop.is_stirred && shop.wake.is_none_or(|wake| wake > self.now) {
                return;
            }
            match shop.scheduler.poll(self.now) {
                Next::Run(running) => self.run(running),
                Next::Shed(shed) => {
                    self.tell_job(What::shed(&shed));
                    if let Some(load) = load_of(&shed.payload) {
                        self.dropped(load);
                    }
                }
                Next::Wait(until) => {
                    let soonest = self.now + Duration::from_nanos(1);
                    shop.wake = until.map(|until| until.max(soonest));
                    shop.is_stirred = false;
                    return;
                }
            }
        }
    }

    fn run(&mut self, running: Running<Ticket>) {
        let ticket = running.payload;
        self.tell_job(What::started(&running, 0));
        let cost_ns = saturating_nanos(ticket.cost);
        if let Some(shop) = &mut self.shop {
            shop.processors.start(cost_ns, Run::Job(Box::new(running), self.now));
            shop.is_stirred = true;
        }
        match load_of(&ticket) {
            Some(load) => {
                self.begin(load);
            }
            None => self.look_up(&ticket),
        }
    }

    /// A job asks for entries. Which ones depends on nothing but the job.
    fn look_up(&mut self, ticket: &Ticket) {
        let lookups = self.simulation.beside.as_ref().map_or(0, |beside| beside.lookups);
        let seed = hashed(self.simulation.seed, ticket.number);
        let mut random = Random::new(seed, USAGES + 3);
        for _ in 0..lookups {
            let id = self.picker.pick(&mut random);
            self.ask(id, None);
        }
    }

    /// A core has nothing more to do for somebody.
    pub(super) fn end_run(&mut self, run: Run) {
        let (running, started) = match run {
            Run::Thread { load } => return self.await_value(load),
            Run::Job(running, started) => (*running, started),
        };
        let Running { key, payload: ticket, deadline, .. } = running;
        let outcome = if ticket.fails { Outcome::Failed } else { Outcome::Done };
        if let Some(shop) = &mut self.shop {
            shop.scheduler.complete(self.now, key, outcome);
            shop.is_stirred = true;
        }
        let took = self.now.saturating_since(started);
        let end = self.now + ticket.lead;
        let late = deadline.map(|due| end.saturating_since(due)).unwrap_or_default();
        let due = deadline;
        self.tell_job(What::Completed { key, ticket, deadline, due, outcome, took, late });
        if let Some(load) = load_of(&ticket) {
            self.await_value(load);
        }
    }

    fn await_value(&mut self, load: Key) {
        let Some(lead_ns) = self.loads.store.get(load).map(|load| load.lead_ns) else { return };
        let at = self.now + Duration::from_nanos(lead_ns);
        self.agenda.enter(at.as_nanos(), Due::Loaded { load });
    }

    /// A load in flight has become urgent.
    pub(super) fn raise(&mut self, id: u32, planned: Key, deadline: Time) {
        let Some(load) = self.loads.planned(planned) else { return };
        let Some(&raised) = self.loads.store.get(load) else { return };
        self.tell(Some(id), RefreshWhat::Raised { id, load: raised.number, deadline });
        let is_moved = match self.simulation.beside.as_ref().map(|beside| beside.dispatch) {
            Some(Dispatch::Urgency) => true,
            Some(Dispatch::Slack) => !self.contents.entries[id as usize].waiters.is_empty(),
            _ => false,
        };
        let Some((key, shop)) = raised.job.filter(|_| is_moved).zip(self.shop.as_mut()) else {
            return;
        };
        shop.is_stirred = true;
        let what = match shop.scheduler.reschedule(self.now, key, deadline) {
            Ok(old) => What::Rescheduled { key, old, new: deadline },
            Err(error) => What::NotRescheduled { key, new: deadline, error },
        };
        self.tell_job(what);
    }

    /// A load has taken too long.
    pub(super) fn overdue(&mut self, id: Option<u32>, planned: Key) {
        let Some(load) = self.loads.planned(planned) else { return };
        let Some(&late) = self.loads.store.get(load) else { return };
        self.loads.forget(load);
        self.tell(Some(late.id), RefreshWhat::Overdue { id: late.id, load: late.number });
        self.disappoint(late.id);
        let retry_at = self.now + self.simulation.loads.retry_after;
        if let (Some(id), Some(planner)) = (id, self.chooser.planner_mut()) {
            planner.back_off(self.now, id, retry_at);
        }
        let cancelled = late.job.zip(self.shop.as_mut()).and_then(|(key, shop)| {
            shop.is_stirred = true;
            shop.scheduler.cancel(key).map(|cancelled| (key, cancelled))
        });
        if let Some((key, Cancelled::Removed(ticket))) = cancelled {
            self.tell_job(What::Cancelled { key, ticket });
            self.dropped(load);
        }
    }

    /// A load doesn't run at all.
    fn dropped(&mut self, load: Key) {
        let Some(load) = self.loads.end(load) else { return };
        self.contents.entries[load.id as usize].loading -= 1;
        let retry_at = self.now + self.simulation.loads.retry_after;
        self.finish(load.planned, End::Dropped { retry_at });
        self.tell(Some(load.id), RefreshWhat::Dropped { id: load.id, load: load.number });
        if load.is_awaited(&self.chooser) {
            self.disappoint(load.id);
        }
    }
}

/// The load that a job runs.
fn load_of(ticket: &Ticket) -> Option<Key> {
    let is_load = ticket.stream == RefreshWhat::LOADS;
    is_load.then_some(ticket.number).and_then(Key::from_bits)
}
