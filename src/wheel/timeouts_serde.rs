//! A lane as the time that its timers have left: see `serde` for the wheels.

use alloc::format;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::timeouts::{Entry, NONE, Timeouts};
use crate::time::{Time, saturating_nanos};

/// The timers of [`Timeouts`] with the time that they have left, from [`Timeouts::snapshot`].
pub struct TimeoutsSnapshot<'a, T> {
    timeouts: &'a Timeouts<T>,
    now: Time,
}

impl<T> Timeouts<T> {
    /// What is left at `now`, to be serialised: a sequence of (nanoseconds left, payload) in the
    /// order of deadlines and without keys, in which a timer that is due has zero. A `now` before
    /// that of an earlier call counts as that one. [`TimeoutsSeed`] reads it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::time::Time;
    /// use punctual::wheel::{Timeouts, TimeoutsSeed};
    /// use serde::de::DeserializeSeed;
    ///
    /// let ms = Duration::from_millis;
    /// let mut idle = Timeouts::new(ms(30));
    /// idle.insert(Time::ZERO, "ada".to_owned());
    /// let text = serde_json::to_string(&idle.snapshot(Time::ZERO + ms(10)))?;
    ///
    /// let now = Time::from_nanos(5);
    /// let mut json = serde_json::Deserializer::from_str(&text);
    /// let restored = TimeoutsSeed::<String>::new(ms(30), now).deserialize(&mut json)?;
    /// assert_eq!(restored.next_wakeup(), Some(now + ms(20)));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn snapshot(&self, now: Time) -> TimeoutsSnapshot<'_, T> {
        TimeoutsSnapshot { timeouts: self, now: now.max(self.now) }
    }
}

impl<T> Clone for TimeoutsSnapshot<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TimeoutsSnapshot<'_, T> {}

impl<T: fmt::Debug> fmt::Debug for TimeoutsSnapshot<'_, T> {
    /// A list of (time left, payload).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timers = self.timeouts.iter();
        let left = timers.map(|(_, at, payload)| (at.saturating_since(self.now), payload));
        formatter.debug_list().entries(left).finish()
    }
}

impl<T: Serialize> Serialize for TimeoutsSnapshot<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.timeouts.iter().map(|(_, deadline, payload)| {
            (saturating_nanos(deadline.saturating_since(self.now)), payload)
        }))
    }
}

/// Reads [`Timeouts`] from what [`Timeouts::snapshot`] has written.
///
/// What is out of order, or has more time left than the lane's duration, is refused: no lane has
/// written it.
pub struct TimeoutsSeed<T> {
    duration: Duration,
    now: Time,
    most: usize,
    payload: PhantomData<fn() -> T>,
}

impl<T> TimeoutsSeed<T> {
    /// Reads a lane of the duration with which it was written, whose timers have the time left
    /// that counts from `now`. Its keys are numbered anew, and [`Timeouts::iter`] tells them: a key
    /// from before may find another timer here.
    #[must_use]
    pub const fn new(duration: Duration, now: Time) -> Self {
        Self { duration, now, most: usize::MAX, payload: PhantomData }
    }

    /// ... and refuses more than so many timers.
    #[must_use]
    pub const fn with_most(self, timers: usize) -> Self {
        Self { most: timers, ..self }
    }
}

impl<T> Clone for TimeoutsSeed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TimeoutsSeed<T> {}

impl<T> fmt::Debug for TimeoutsSeed<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duration, now, most, .. } = self;
        let mut fields = formatter.debug_struct("TimeoutsSeed");
        fields.field("duration", duration).field("now", now).field("most", most).finish()
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for TimeoutsSeed<T> {
    type Value = Timeouts<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for TimeoutsSeed<T> {
    type Value = Timeouts<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a sequence of (nanoseconds left, payload) in the order of deadlines")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut timers: A) -> Result<Self::Value, A::Error> {
        let mut timeouts = Timeouts::new(self.duration);
        timeouts.now = self.now;
        let mut latest = Duration::ZERO;
        while let Some((left_ns, payload)) = timers.next_element()? {
            let left = Duration::from_nanos(left_ns);
            if timeouts.len() >= self.most {
                return Err(A::Error::custom(format!("more than {} timers", self.most)));
            }
            if left < latest || left > timeouts.duration() {
                let number = timeouts.len();
                return Err(A::Error::custom(format!("timer {number} can't have {left:?} left")));
            }
            latest = left;
            let (deadline, before) = (self.now + left, timeouts.last);
            let key = timeouts.entries.insert(Entry { deadline, before, after: NONE, payload });
            timeouts.link_last(key.slot());
        }
        Ok(timeouts)
    }
}
