//! What a loader brings.

use core::time::Duration;

use super::answer::Answer;

/// A value, or that there is none, and what the loader knows of it. Made of a value, of an
/// `Option`, whose `None` is [absent](Loaded::absent), or by [`Loaded::new`].
///
/// ```
/// use core::time::Duration;
/// use punctual::cache::Loaded;
///
/// let until_midnight = Duration::from_secs(5_400);
/// let rates = Loaded::new("1.07").soft_ttl(until_midnight).hard_ttl(until_midnight);
/// # let _ = rates;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<V> {
    pub(super) content: Content<V>,
    pub(super) soft_ttl: Option<Duration>,
    pub(super) hard_ttl: Option<Duration>,
    pub(super) cost: f64,
}

/// What was loaded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content<V> {
    Value(V),
    Absent,
    Unchanged,
}

impl<V> Loaded<V> {
    /// A value.
    #[must_use]
    pub const fn new(value: V) -> Self {
        Self::of(Content::Value(value))
    }

    /// There is no value. That is remembered for the cache's
    /// [negative TTL](super::Builder::negative_ttl).
    #[must_use]
    pub const fn absent() -> Self {
        Self::of(Content::Absent)
    }

    /// The value is still the one that was loaded before, and is fresh again: an HTTP 304. If it
    /// has left the cache meanwhile, the load counts as failed.
    #[must_use]
    pub const fn unchanged() -> Self {
        Self::of(Content::Unchanged)
    }

    const fn of(content: Content<V>) -> Self {
        Self { content, soft_ttl: None, hard_ttl: None, cost: 1.0 }
    }

    /// Sets for how long this value is fresh.
    #[must_use]
    pub const fn soft_ttl(mut self, ttl: Duration) -> Self {
        self.soft_ttl = Some(ttl);
        self
    }

    /// Sets for how long this value is served.
    #[must_use]
    pub const fn hard_ttl(mut self, ttl: Duration) -> Self {
        self.hard_ttl = Some(ttl);
        self
    }

    /// Sets what loading this key again costs the backend beside other keys; 1.0 by default, and
    /// from a millionth to a million. What is not a positive number counts as 1.0.
    #[must_use]
    pub const fn cost(mut self, cost: f64) -> Self {
        self.cost = if cost.is_finite() && cost > 0.0 { cost.clamp(1e-6, 1e6) } else { 1.0 };
        self
    }
}

impl<V> Loaded<V> {
    /// What is unchanged was absent before.
    pub(super) fn or_absent(mut self) -> Self {
        if matches!(self.content, Content::Unchanged) {
            self.content = Content::Absent;
        }
        self
    }
}

impl<V: Clone> Loaded<V> {
    /// What who waits is told of it, if it says that itself.
    pub(super) fn answer(&self) -> Option<Answer<V>> {
        match &self.content {
            Content::Value(value) => Some(Answer::Fresh(value.clone())),
            Content::Absent => Some(Answer::Absent),
            Content::Unchanged => None,
        }
    }
}

impl<V> From<V> for Loaded<V> {
    fn from(value: V) -> Self {
        Self::new(value)
    }
}

impl<V> From<Option<V>> for Loaded<V> {
    fn from(value: Option<V>) -> Self {
        value.map_or_else(Self::absent, Self::new)
    }
}
