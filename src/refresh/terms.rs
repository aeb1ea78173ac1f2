//! What goes into a planner, and what comes out of it.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::key::Key;
use crate::time::Time;

/// What is said of a value when it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// When it was made, from which its age counts.
    pub stored: Time,
    /// No refresh starts before.
    pub not_before: Time,
    /// Answers are stale from then on.
    pub soft: Time,
    /// It is not served from then on; [`Time::MAX`]: never.
    pub hard: Time,
    /// How long a load takes, as a high quantile, with what it depends on.
    pub lead: Duration,
    /// What a load costs the backend beside others, from 1e-9 to 1e9; what is no positive number
    /// counts as 1.0.
    pub cost: f64,
    /// How often it is expected to change, a second, until refreshes show it.
    pub change_rate: f64,
}

impl Terms {
    /// A value that is made now, turns stale after its soft TTL, is gone after its hard TTL, and
    /// is refreshed from its soft TTL on. Its loads take no time and cost 1.0, and it is expected
    /// to change once in its soft TTL.
    #[must_use]
    pub fn new(now: Time, soft_ttl: Duration, hard_ttl: Duration) -> Self {
        Self {
            stored: now,
            not_before: now + soft_ttl,
            soft: now + soft_ttl,
            hard: now + hard_ttl,
            lead: Duration::ZERO,
            cost: 1.0,
            change_rate: 1.0 / soft_ttl.as_secs_f64().max(1e-9),
        }
    }
}

/// What became of a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// A load will be started, as soon as one more may be in flight. It was wanted already, or is
    /// so from now on.
    Queued,
    /// This load is under way.
    Joined(Key),
    /// Loads of it have failed: none before this time.
    BackedOff(Time),
    /// As many demands wait as may, or the id is beyond the bound.
    Full,
}

/// Why a load is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Somebody asked for it, and with a deadline waits until then.
    Demanded {
        /// The first deadline of those who wait.
        deadline: Option<Time>,
    },
    /// The hard expiry is near.
    Expiring {
        /// When it comes.
        hard: Time,
    },
    /// It is worth its price.
    Refresh,
}

/// What [`Planner::poll`](super::Planner::poll) asks its shell to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what it asks for is not asked for again"]
pub enum Next {
    /// Start this load now. It is in flight until [`finish`](super::Planner::finish), or until it
    /// is overdue.
    Load {
        /// Of the entry.
        id: u32,
        /// Of the load.
        load: Key,
        /// Why it is started.
        urgency: Urgency,
        /// When it is overdue.
        until: Time,
    },
    /// A load in flight has become more urgent.
    Raise {
        /// Of the entry.
        id: u32,
        /// Of the load.
        load: Key,
        /// When it must be done from now on.
        deadline: Time,
    },
    /// A load's time is over: it doesn't count any more.
    Overdue {
        /// Of the entry, if it was its load still: that may be loaded again, at once unless it is
        /// told to [back off](super::Planner::back_off).
        id: Option<u32>,
        /// Of the load, and stale from now on.
        load: Key,
    },
    /// The hard expiry has come: the value must not be served any more. What is known of the id's
    /// hits and changes stays until it is removed.
    Expired {
        /// Of the entry.
        id: u32,
    },
    /// Nothing to do before this time, unless something is called; `None` if only a call can bring
    /// work.
    Wait(Option<Time>),
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It brought another value.
    Changed,
    /// It brought the same value.
    Unchanged,
    /// It brought a value, which nobody has compared.
    Loaded,
    /// It failed, and is not tried again before this time.
    Failed {
        /// When it may be tried again.
        retry_at: Time,
    },
    /// It was never done, which says nothing of the backend: a refresh is not tried again before
    /// this time, and a demand at once.
    Dropped {
        /// When a refresh may be tried again.
        retry_at: Time,
    },
}

/// What is known of an entry, a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learned {
    /// How often it is asked for.
    pub hit_rate: f64,
    /// How often it changes.
    pub change_rate: f64,
}

/// An id is beyond the bound of its planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the id is beyond the bound")
    }
}

impl Error for IdError {}
