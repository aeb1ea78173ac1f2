//! The simulated world of a cache: one event after the other.

use alloc::boxed::Box;
use core::time::Duration;

use super::beside::Shop;
use super::contents::{Contents, Waiter};
use super::event::{Answered, RefreshEvent, RefreshWhat};
use super::loads::Loads;
use super::policy::{Chooser, Policy};
use super::report::RefreshReport;
use super::spread::Picker;
use super::{RefreshSimulation, USAGES};
use crate::key::Key;
use crate::refresh::{Config, Demand, Learned, Next, Planner, Urgency};
use crate::simulation::SimulationError;
use crate::simulation::agenda::Agenda;
use crate::simulation::event::{Event, What};
use crate::simulation::random::Random;
use crate::time::{Time, saturating_nanos};

/// What is going to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Somebody asks for an entry.
    Access,
    /// A job of a stream arrives.
    Arrival { stream: usize },
    /// A load has its value.
    Loaded { load: Key },
    /// A policy that loads one after each such time does so.
    Slot { number: u64 },
}

pub(super) struct World<'a, O> {
    pub(super) simulation: &'a RefreshSimulation,
    observer: O,
    pub(super) now: Time,
    end: Time,
    /// Whether nobody asks any more, and nothing is refreshed.
    is_over: bool,
    steps: u64,
    pub(super) agenda: Agenda<Due>,
    pub(super) contents: Contents,
    pub(super) chooser: Chooser,
    /// When the planner wants to be polled.
    wake: Option<Time>,
    /// Something has happened to the planner since it was polled.
    pub(super) is_stirred: bool,
    /// Slots that loads of what was missing have used up.
    debt: u64,
    pub(super) loads: Loads,
    pub(super) shop: Option<Shop>,
    pub(super) picker: Picker,
    asking: Random,
    rate: f64,
    pub(super) report: RefreshReport,
}

impl<'a, O: FnMut(&RefreshEvent, Option<&Planner>)> World<'a, O> {
    pub(super) fn new(
        simulation: &'a RefreshSimulation,
        observer: O,
    ) -> Result<Self, SimulationError> {
        let &RefreshSimulation { seed, duration, .. } = simulation;
        let contents = Contents::new(simulation, USAGES);
        let start = contents.start;
        let beside = simulation.beside.as_ref();
        let shop = beside.map(|beside| Shop::new(beside, seed, saturating_nanos(duration)));
        let streams = beside.map_or(0, |beside| beside.streams.len());
        let rates = contents.entries.iter().map(|entry| entry.rates.accesses);
        let rates: alloc::vec::Vec<f64> = rates.collect();
        let mut world = Self {
            simulation,
            observer,
            now: start,
            end: start + duration,
            is_over: false,
            steps: 0,
            agenda: Agenda::new(),
            chooser: chooser(simulation, start)?,
            wake: None,
            is_stirred: true,
            debt: 0,
            loads: Loads::new(&simulation.loads, seed, USAGES + 1),
            shop: shop.transpose()?,
            picker: Picker::new(&rates),
            asking: Random::new(seed, USAGES + 2),
            rate: rates.iter().sum(),
            report: RefreshReport::new(streams),
            contents,
        };
        world.fill();
        Ok(world)
    }

    /// What is there at the start, and what happens first.
    fn fill(&mut self) {
        self.simulation.entries.ages.into_iter().for_each(|ages| self.contents.warm(ages));
        for id in 0..self.contents.entries.len() as u32 {
            self.insert(id);
            self.teach(id);
        }
        if self.simulation.entries.is_asked_alone {
            self.await_access();
        }
        for stream in 0..self.shop.as_ref().map_or(0, |shop| shop.sources.len()) {
            self.await_arrival(stream);
        }
        if matches!(self.chooser, Chooser::RoundRobin { .. } | Chooser::Popularity) {
            self.await_slot(1);
        }
    }

    /// Tells the planner of what is held.
    pub(super) fn insert(&mut self, id: u32) {
        let Some(held) = self.contents.entries[id as usize].held else { return };
        let terms = self.contents.terms(id, held, self.loads.believed_ns);
        if let Some(planner) = self.chooser.planner_mut() {
            let inserted = planner.insert(self.now, id, terms);
            debug_assert!(inserted.is_ok(), "the bound is at least the number of entries");
        }
        self.is_stirred = true;
    }

    /// Tells a planner that knows the truth.
    pub(super) fn teach(&mut self, id: u32) {
        let rates = self.contents.entries[id as usize].rates;
        if let Chooser::Planner { planner, is_taught: true } = &mut self.chooser {
            let truth = Learned { hit_rate: rates.accesses, change_rate: rates.changes };
            planner.teach(self.now, id, truth);
        }
    }

    fn await_access(&mut self) {
        let pause_ns = (self.asking.exponential() / self.rate * 1e9) as u64;
        let at = Time::from_nanos(self.now.as_nanos().saturating_add(pause_ns.max(1)));
        if at < self.end {
            self.agenda.enter(at.as_nanos(), Due::Access);
        }
    }

    fn await_arrival(&mut self, stream: usize) {
        let next = self.shop.as_mut().and_then(|shop| shop.sources[stream].advance());
        if let Some(at_ns) = next {
            let at = self.contents.start + Duration::from_nanos(at_ns);
            self.agenda.enter(at.as_nanos(), Due::Arrival { stream });
        }
    }

    /// Slots are counted, so that no rounding adds up.
    fn await_slot(&mut self, number: u64) {
        let rate = self.simulation.plan.loads_per_second.unwrap_or(f64::MIN_POSITIVE);
        let after = Duration::from_nanos((number as f64 / rate * 1e9) as u64);
        let at = self.contents.start + after;
        if at < self.end {
            self.agenda.enter(at.as_nanos(), Due::Slot { number });
        }
    }

    pub(super) fn play(mut self) -> RefreshReport {
        self.settle();
        while self.step() {}
        self.report.end = self.now;
        self.report.price = self.chooser.planner().map_or(0.0, Planner::price);
        self.report
    }

    /// Does what comes next; false if nothing does.
    fn step(&mut self) -> bool {
        let runs = self.shop.as_ref().and_then(|shop| shop.processors.next_ns());
        let polls = self.shop.as_ref().and_then(|shop| shop.wake);
        let plans = self.wake.filter(|_| !self.is_over);
        let wakes = polls.into_iter().chain(plans).map(Time::as_nanos);
        let agenda = self.agenda.next_ns();
        let Some(at_ns) = runs.into_iter().chain(agenda).chain(wakes).min() else { return false };
        if !self.is_over && (at_ns > self.end.as_nanos() || self.is_worn_out()) {
            self.close();
            return true;
        }
        self.steps += 1;
        self.now = self.now.max(Time::from_nanos(at_ns));
        let shop = self.shop.as_mut();
        let ended = shop.and_then(|shop| {
            shop.processors.advance(at_ns);
            shop.processors.pop()
        });
        if let Some(run) = ended {
            self.end_run(run);
        } else if agenda == Some(at_ns)
            && let Some(due) = self.agenda.pop()
        {
            self.happen(due);
        }
        self.settle();
        true
    }

    const fn is_worn_out(&self) -> bool {
        let most = self.simulation.max_events;
        self.steps >= most || self.report.events >= most
    }

    /// Nobody asks any more, and nothing is refreshed: what is queued is still done.
    fn close(&mut self) {
        self.is_over = true;
        self.report.is_cut = self.is_worn_out();
        if self.chooser.planner().is_some() {
            let end = self.end.min(self.now);
            let held = self.contents.entries.iter().filter_map(|entry| entry.held);
            let longest = held.map(|held| held.overstay(end)).max();
            self.report.overstay = self.report.overstay.max(longest.unwrap_or_default());
        }
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Access if self.is_over => {}
            Due::Access => {
                let id = self.picker.pick(&mut self.asking);
                self.ask(id, self.simulation.wait);
                self.await_access();
            }
            Due::Arrival { .. } if self.is_over => {}
            Due::Arrival { stream } => {
                let arrival = self.shop.as_ref().and_then(|shop| shop.sources[stream].next);
                if let Some(arrival) = arrival {
                    (0..arrival.count).for_each(|_| self.submit(stream, &arrival));
                }
                self.await_arrival(stream);
            }
            Due::Loaded { load } => self.loaded(load),
            Due::Slot { .. } if self.is_over => {}
            Due::Slot { number } => {
                if self.debt > 0 {
                    self.debt -= 1;
                } else if let Some(id) = self.chooser.next(&self.contents, self.now) {
                    self.start(id, None, Urgency::Refresh);
                }
                self.await_slot(number + 1);
            }
        }
    }

    /// Lets the planner and the scheduler say all that they have to say now.
    fn settle(&mut self) {
        loop {
            self.consult();
            self.serve();
            if self.is_over || !self.is_stirred || self.chooser.planner().is_none() {
                return;
            }
        }
    }

    fn consult(&mut self) {
        let is_due = self.is_stirred || self.wake.is_some_and(|wake| wake <= self.now);
        if self.is_over || !is_due {
            return;
        }
        self.is_stirred = false;
        while let Some(planner) = self.chooser.planner_mut() {
            match planner.poll(self.now) {
                Next::Load { id, load, urgency, .. } => self.start(id, Some(load), urgency),
                Next::Raise { id, load, deadline } => self.raise(id, load, deadline),
                Next::Overdue { id, load } => self.overdue(id, load),
                Next::Expired { id } => self.expire(id),
                Next::Wait(until) => {
                    let soonest = self.now + Duration::from_nanos(1);
                    self.wake = until.map(|until| until.max(soonest));
                    return;
                }
            }
        }
    }

    /// Somebody asks for an entry, and waits so long if there is nothing.
    pub(super) fn ask(&mut self, id: u32, wait: Option<Duration>) {
        let now = self.now;
        let entry = &mut self.contents.entries[id as usize];
        let (version, served) = (entry.version(now), entry.servable(now));
        let answer = match served {
            Some(held) if now < held.soft => Answered::Fresh,
            Some(_) => Answered::Stale,
            None => Answered::Missing,
        };
        let is_current = served.is_some_and(|held| held.version == version);
        let (is_loading, is_missing) = (entry.loading > 0, served.is_none());
        self.tell(Some(id), RefreshWhat::Answered { id, answer, is_current });
        let will_come = match &mut self.chooser {
            Chooser::Planner { planner, .. } => {
                planner.touch(now, id, 1);
                self.is_stirred = true;
                let deadline = wait.map(|wait| now + wait);
                is_missing
                    && matches!(
                        planner.demand(now, id, deadline),
                        Demand::Queued | Demand::Joined(_)
                    )
            }
            Chooser::Never => false,
            _ if is_loading => true,
            Chooser::OnAccess if answer == Answered::Stale => {
                self.start(id, None, Urgency::Refresh);
                true
            }
            _ if is_missing => {
                self.debt += 1;
                let deadline = wait.map(|wait| now + wait);
                self.start(id, None, Urgency::Demanded { deadline });
                true
            }
            _ => true,
        };
        if is_missing && let Some(wait) = wait {
            self.wait(id, Waiter { asked: now, until: now + wait }, will_come);
        }
    }

    fn wait(&mut self, id: u32, waiter: Waiter, will_come: bool) {
        if self.is_counted() {
            match will_come {
                true => self.contents.entries[id as usize].waiters.push(waiter),
                false => self.report.unserved += 1,
            }
        }
    }

    pub(super) fn is_counted(&self) -> bool {
        self.now >= self.contents.start + self.simulation.warm_up
    }

    pub(super) fn tell(&mut self, id: Option<u32>, what: RefreshWhat) {
        let event = RefreshEvent { at: self.now, what };
        let is_hot = id.is_some_and(|id| self.contents.entries[id as usize].is_hot);
        self.report.count(&event, self.is_counted(), is_hot);
        (self.observer)(&event, self.chooser.planner());
    }

    pub(super) fn tell_job(&mut self, what: What) {
        let event = Event { at: self.now, now: self.now, group: 0, what };
        self.tell(None, RefreshWhat::Job(event));
    }
}

fn chooser(simulation: &RefreshSimulation, start: Time) -> Result<Chooser, SimulationError> {
    Ok(match simulation.policy {
        Policy::Learned | Policy::Known => {
            let bound = simulation.plan.bound.max(simulation.entries.count);
            let planner = Planner::new(Config { bound, ..simulation.plan }, start)?;
            let is_taught = simulation.policy == Policy::Known;
            Chooser::Planner { planner: Box::new(planner), is_taught }
        }
        Policy::RoundRobin => Chooser::RoundRobin { next: 0 },
        Policy::Popularity => Chooser::Popularity,
        Policy::OnAccess => Chooser::OnAccess,
        Policy::Never => Chooser::Never,
    })
}
