//! What a cache answers.

use core::time::Duration;

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<V> {
    /// A value that is younger than its soft TTL.
    Fresh(V),
    /// A value that is older than its soft TTL, or was [expired](super::RefreshCache::expire), and
    /// younger than its hard TTL.
    Stale(V),
    /// The loader has said that there is no value, a while ago at most.
    Absent,
    /// Nothing is known yet, or not any more.
    Missing,
}

impl<V> Answer<V> {
    /// The value, fresh or stale.
    #[must_use]
    pub fn value(self) -> Option<V> {
        match self {
            Self::Fresh(value) | Self::Stale(value) => Some(value),
            Self::Absent | Self::Missing => None,
        }
    }

    /// The same answer about a reference.
    #[must_use]
    pub const fn as_ref(&self) -> Answer<&V> {
        match self {
            Self::Fresh(value) => Answer::Fresh(value),
            Self::Stale(value) => Answer::Stale(value),
            Self::Absent => Answer::Absent,
            Self::Missing => Answer::Missing,
        }
    }

    /// Whether there is a value that is younger than its soft TTL.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        matches!(self, Self::Fresh(_))
    }

    /// Whether nothing is known.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

/// The time that a value has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    /// For how long it is fresh; zero if it is stale.
    pub soft: Duration,
    /// For how long it is served.
    pub hard: Duration,
}

/// Why a value has left a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removal {
    /// There was no room for it.
    Evicted,
    /// Its hard TTL was over.
    Expired,
    /// [`RefreshCache::invalidate`](super::RefreshCache::invalidate) was called.
    Invalidated,
    /// Another value has come for its key, or the loader says that there is none any more.
    Replaced,
    /// [`RefreshCache::clear`](super::RefreshCache::clear) was called.
    Cleared,
}
