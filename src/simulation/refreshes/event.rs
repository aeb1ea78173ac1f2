//! What happens to a cache in a simulation, as its observer sees it.

use crate::refresh::Urgency;
use crate::simulation::event::Event;
use crate::time::Time;

/// What somebody was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answered {
    /// With a value before its soft expiry.
    Fresh,
    /// With a value between its expiries.
    Stale,
    /// With nothing: there was no value, or none that may be served any more.
    Missing,
}

/// Something that happened to the cache, or to the jobs beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RefreshEvent {
    /// When. The clock starts at the age of the oldest value that there may be at first.
    pub at: Time,
    /// What.
    pub what: RefreshWhat,
}

/// What happened. Loads are numbered in the order of their starts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is made where it is looked at, and not kept")]
#[non_exhaustive]
pub enum RefreshWhat {
    /// Somebody asked for an entry.
    Answered {
        /// The entry.
        id: u32,
        /// What the cache said.
        answer: Answered,
        /// Whether that was what the backend would have said.
        is_current: bool,
    },
    /// The policy started a load: it runs, or is handed to the scheduler.
    Started {
        /// The entry.
        id: u32,
        /// The load.
        load: u64,
        /// How urgent it is. Without a planner, a load of something that is missing is demanded,
        /// and every other a refresh.
        urgency: Urgency,
        /// What it costs the backend.
        cost: f64,
    },
    /// A load has become urgent.
    Raised {
        /// The entry.
        id: u32,
        /// The load.
        load: u64,
        /// By when it must be done now.
        deadline: Time,
    },
    /// A load's value was stored.
    Stored {
        /// The entry.
        id: u32,
        /// The load.
        load: u64,
        /// Whether it is another value than before; `false` if there was none.
        has_changed: bool,
        /// The value's hard expiry.
        hard: Time,
    },
    /// A load ended without a value that could be stored.
    Failed {
        /// The entry.
        id: u32,
        /// The load.
        load: u64,
    },
    /// A load was refused or shed by the scheduler, or cancelled there when it was overdue.
    Dropped {
        /// The entry.
        id: u32,
        /// The load.
        load: u64,
    },
    /// A load has taken too long: it doesn't count any more. If it ends later, its value is stored
    /// if nothing newer was.
    Overdue {
        /// The entry.
        id: u32,
        /// The load.
        load: u64,
    },
    /// An entry's value was dropped at its hard expiry.
    Expired {
        /// The entry.
        id: u32,
    },
    /// Something happened to a job in the scheduler, be it a load's or one beside them; those of
    /// loads have the stream [`LOADS`](Self::LOADS).
    Job(Event),
}

impl RefreshWhat {
    /// The stream of the tickets of loads.
    pub const LOADS: usize = usize::MAX;

    /// The event's number in a trace's hash, and what it says.
    pub(super) fn digest(&self) -> [u64; 4] {
        let ns = |time: Option<Time>| time.map_or(u64::MAX, Time::as_nanos);
        match *self {
            Self::Answered { id, answer, is_current } => {
                [101, id.into(), answer as u64, is_current.into()]
            }
            Self::Started { id, load, urgency, .. } => {
                let (kind, by) = match urgency {
                    Urgency::Demanded { deadline } => (0, deadline),
                    Urgency::Expiring { hard } => (1, Some(hard)),
                    Urgency::Refresh => (2, None),
                };
                [102 + (kind << 8), id.into(), load, ns(by)]
            }
            Self::Raised { id, load, deadline } => [103, id.into(), load, ns(Some(deadline))],
            Self::Stored { id, load, hard, has_changed } => {
                [104 + (u64::from(has_changed) << 8), id.into(), load, ns(Some(hard))]
            }
            Self::Failed { id, load } => [105, id.into(), load, 0],
            Self::Dropped { id, load } => [106, id.into(), load, 0],
            Self::Overdue { id, load } => [107, id.into(), load, 0],
            Self::Expired { id } => [108, id.into(), 0, 0],
            Self::Job(event) => event.what.digest(),
        }
    }
}
