//! The jobs that share their workers with the loads.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::processors::Processors;
use crate::key::Key;
use crate::refresh::Urgency;
use crate::scheduler::{Class, Config, ConfigError, Running, Scheduler};
use crate::simulation::SimulatedScheduler;
use crate::simulation::event::Ticket;
use crate::simulation::source::Source;
use crate::simulation::stream::Stream;
use crate::time::Time;

/// The jobs that share their workers with the loads, and how loads get at them.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// The scheduler of them all.
    pub config: Config,
    /// The jobs beside the loads: requests that the cache serves, say.
    pub streams: Vec<Stream>,
    /// How many entries each of those jobs asks for when it starts. It doesn't wait for what is
    /// missing.
    pub lookups: u32,
    /// The class of the loads: a foreground one, in which those without a deadline are background
    /// work all the same.
    pub class: Class,
    /// How loads get at the workers.
    pub dispatch: Dispatch,
}

/// How loads get at the workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dispatch {
    /// By their urgency: a refresh runs in slack, one whose hard expiry is near is a foreground
    /// job of no value that is due then, and one that somebody waits for is due when that one's
    /// time is over.
    #[default]
    Urgency,
    /// In slack, unless somebody waits for it.
    Slack,
    /// As foreground jobs of value 1 that are due at their entry's soft expiry; or, if that has
    /// passed, at its hard one.
    Expiries,
    /// As foreground jobs of value 1 that have so long.
    Budget(Duration),
    /// Not by the scheduler at all: in threads of their own, which share the workers' cores
    /// equally with the workers.
    Threads,
}

/// Something that a core is busy with.
#[derive(Debug)]
pub(super) enum Run {
    /// A job of the scheduler, and when it was started.
    Job(Box<Running<Ticket>>, Time),
    /// A load in a thread of its own.
    Thread { load: Key },
}

/// The scheduler and its workers, at work.
pub(super) struct Shop {
    pub(super) scheduler: SimulatedScheduler,
    pub(super) processors: Processors<Run>,
    pub(super) sources: Vec<Source>,
    pub(super) next_number: u64,
    /// When the scheduler wants to be polled.
    pub(super) wake: Option<Time>,
    /// Something has happened to the scheduler since it was polled.
    pub(super) is_stirred: bool,
}

impl Shop {
    pub(super) fn new(beside: &Beside, seed: u64, end_ns: u64) -> Result<Self, ConfigError> {
        let numbered = beside.streams.iter().enumerate();
        let sources = numbered.map(|(place, stream)| Source::new(stream, place, seed, end_ns));
        Ok(Self {
            scheduler: Scheduler::with_identities(beside.config.clone())?,
            processors: Processors::new(beside.config.workers),
            sources: sources.collect(),
            next_number: 0,
            wake: None,
            is_stirred: false,
        })
    }
}

impl Dispatch {
    /// The deadline and the value of a load as a job; an entry's expiries are those of its value.
    pub(super) fn terms(
        self,
        now: Time,
        urgency: Urgency,
        expiries: Option<(Time, Time)>,
    ) -> (Option<Time>, u32) {
        match (self, urgency) {
            (Self::Urgency | Self::Slack, Urgency::Demanded { deadline }) => (deadline, 1),
            (Self::Urgency, Urgency::Expiring { hard }) => (Some(hard), 0),
            (Self::Budget(budget), _) => (Some(now + budget), 1),
            (Self::Expiries, _) => {
                let next = expiries.map(|(soft, hard)| if now < soft { soft } else { hard });
                (next.filter(|&at| at < Time::MAX), 1)
            }
            (Self::Urgency | Self::Slack | Self::Threads, _) => (None, 0),
        }
    }
}
