//! Wheels as the time that their timers have left.
//!
//! A tick or a [`Time`] means nothing outside of the process that counts it: what is written is
//! what remains at some `now`, and what is read counts from another one. No timer fires earlier
//! for it. What is read may come from somebody hostile: a wheel grows only with the timers that
//! are really there, and over ids only up to a bound.

use alloc::format;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::id_wheel::IdWheel;
use super::timer_wheel::TimerWheel;
use crate::time::{Time, saturating_nanos};

/// The timers of an [`IdWheel`] with the ticks that they have left, from [`IdWheel::snapshot`].
#[derive(Clone, Copy, Debug)]
pub struct IdSnapshot<'a> {
    wheel: &'a IdWheel,
    now: u64,
}

impl IdWheel {
    /// What is left at tick `now`, to be serialised: a sequence of (id, ticks left), in which a
    /// timer that is due has zero. [`IdWheelSeed`] reads it.
    ///
    /// ```
    /// use punctual::wheel::{IdWheel, IdWheelSeed};
    /// use serde::de::DeserializeSeed;
    ///
    /// let mut wheel = IdWheel::new(0);
    /// wheel.insert(7, 1_000)?;
    /// let text = serde_json::to_string(&wheel.snapshot(400))?;
    /// assert_eq!(text, "[[7,600]]");
    ///
    /// let mut json = serde_json::Deserializer::from_str(&text);
    /// let restored = IdWheelSeed::new(10_000, 100).deserialize(&mut json)?;
    /// assert_eq!(restored.deadline(7), Some(10_600));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn snapshot(&self, now: u64) -> IdSnapshot<'_> {
        IdSnapshot { wheel: self, now }
    }
}

impl Serialize for IdSnapshot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let left = self.wheel.iter().map(|(id, tick)| (id, tick.saturating_sub(self.now)));
        serializer.collect_seq(left)
    }
}

/// Reads an [`IdWheel`] from what [`IdWheel::snapshot`] has written.
#[derive(Clone, Copy, Debug)]
pub struct IdWheelSeed {
    now: u64,
    bound: u32,
}

impl IdWheelSeed {
    /// Reads a wheel that stands at tick `now` and takes ids below `bound`.
    #[must_use]
    pub const fn new(now: u64, bound: u32) -> Self {
        Self { now, bound }
    }
}

impl<'de> DeserializeSeed<'de> for IdWheelSeed {
    type Value = IdWheel;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<IdWheel, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for IdWheelSeed {
    type Value = IdWheel;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a sequence of (id, ticks left) with ids below {}", self.bound)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut timers: A) -> Result<IdWheel, A::Error> {
        let mut wheel = IdWheel::with_bound(self.now, self.bound);
        while let Some((id, ticks_left)) = timers.next_element::<(u32, u64)>()? {
            let inserted = wheel.insert(id, self.now.saturating_add(ticks_left));
            inserted.map_err(|error| A::Error::custom(format!("id {id}: {error}")))?;
        }
        Ok(wheel)
    }
}

/// The timers of a [`TimerWheel`] with the time that they have left, from
/// [`TimerWheel::snapshot`].
pub struct TimerSnapshot<'a, T> {
    wheel: &'a TimerWheel<T>,
    now: Time,
}

impl<T> TimerWheel<T> {
    /// What is left at `now`, to be serialised: a sequence of (nanoseconds left, payload) without
    /// keys, in which a timer that is due has zero. [`TimerWheelSeed`] reads it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use punctual::time::Time;
    /// use punctual::wheel::{TimerWheel, TimerWheelSeed};
    /// use serde::de::DeserializeSeed;
    ///
    /// let ms = Duration::from_millis;
    /// let mut wheel = TimerWheel::new(ms(1), Time::ZERO);
    /// wheel.insert(Time::ZERO + ms(30), "retry".to_owned());
    /// let text = serde_json::to_string(&wheel.snapshot(Time::ZERO + ms(10)))?;
    ///
    /// let now = Time::from_nanos(5);
    /// let mut json = serde_json::Deserializer::from_str(&text);
    /// let mut restored = TimerWheelSeed::<String>::new(ms(1), now).deserialize(&mut json)?;
    /// assert_eq!(restored.next_wakeup(), Some(now + ms(20)));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub const fn snapshot(&self, now: Time) -> TimerSnapshot<'_, T> {
        TimerSnapshot { wheel: self, now }
    }
}

impl<T> Clone for TimerSnapshot<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TimerSnapshot<'_, T> {}

impl<T: fmt::Debug> fmt::Debug for TimerSnapshot<'_, T> {
    /// A list of (time left, payload).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self
            .wheel
            .iter()
            .map(|(_, deadline, payload)| (deadline.saturating_since(self.now), payload));
        formatter.debug_list().entries(left).finish()
    }
}

impl<T: Serialize> Serialize for TimerSnapshot<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.wheel.iter().map(|(_, deadline, payload)| {
            (saturating_nanos(deadline.saturating_since(self.now)), payload)
        }))
    }
}

/// Reads a [`TimerWheel`] from what [`TimerWheel::snapshot`] has written.
pub struct TimerWheelSeed<T> {
    resolution: Duration,
    now: Time,
    most: usize,
    payload: PhantomData<fn() -> T>,
}

impl<T> TimerWheelSeed<T> {
    /// Reads a wheel that stands at `now` and counts in ticks of `resolution`. Its keys are
    /// numbered anew, and [`TimerWheel::iter`] tells them: a key from before may find another timer
    /// here.
    #[must_use]
    pub const fn new(resolution: Duration, now: Time) -> Self {
        Self { resolution, now, most: usize::MAX, payload: PhantomData }
    }

    /// ... and refuses more than so many timers.
    #[must_use]
    pub const fn with_most(self, timers: usize) -> Self {
        Self { most: timers, ..self }
    }
}

impl<T> Clone for TimerWheelSeed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TimerWheelSeed<T> {}

impl<T> fmt::Debug for TimerWheelSeed<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resolution, now, most, .. } = self;
        let mut fields = formatter.debug_struct("TimerWheelSeed");
        fields.field("resolution", resolution).field("now", now).field("most", most).finish()
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for TimerWheelSeed<T> {
    type Value = TimerWheel<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for TimerWheelSeed<T> {
    type Value = TimerWheel<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a sequence of (nanoseconds left, payload)")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut timers: A) -> Result<Self::Value, A::Error> {
        let mut wheel = TimerWheel::new(self.resolution, self.now);
        while let Some((left_ns, payload)) = timers.next_element()? {
            if wheel.len() >= self.most {
                return Err(A::Error::custom(format!("more than {} timers", self.most)));
            }
            wheel.insert_after(self.now, Duration::from_nanos(left_ns), payload);
        }
        Ok(wheel)
    }
}
