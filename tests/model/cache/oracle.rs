//! What a cache must know and answer, as plain lists that are searched from end to end.

use core::time::Duration;
use std::collections::VecDeque;

use punctual::cache::{Answer, Order, Removal};

use super::configs::Settings;
use super::ops::{Brings, Ttls};

pub(super) const NEVER: u64 = u64::MAX;

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A time that is somewhere from the first to the second, as far as anybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) u64, pub(super) u64);

impl Span {
    pub(super) const fn at(time: u64) -> Self {
        Self(time, time)
    }

    pub(super) const fn has(self, time: u64) -> bool {
        self.0 <= time && time <= self.1
    }
}

/// What there is for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Nothing,
    /// It was invalidated, or failed without a value.
    Gone,
    Absent,
    Value(u32),
}

/// Why a load brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// What the loader read before it failed.
    Failed(u32),
    Panicked,
    Overdue,
    Dropped,
    /// There was nothing that could be unchanged.
    Nothing,
}

/// What one who waits must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Answer(Answer<u32>),
    /// A value whose TTL may be over already.
    Value(u32),
    Elapsed,
    Failed(Fault),
    BackedOff(Option<Fault>, Span),
    Full,
    Closed,
}

/// A key is not loaded before some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackOff {
    pub(super) until: Span,
    /// Whether the cache must still know of it.
    pub(super) is_certain: bool,
}

/// All that is known of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) stored: Stored,
    /// Written by this operation: its exact times are not known yet.
    pub(super) is_new: bool,
    pub(super) made: u64,
    pub(super) soft: Span,
    /// Until when it is served.
    pub(super) hard: Span,
    /// The hard expiry without what errors add.
    pub(super) own_hard: Span,
    pub(super) is_expired: bool,
    /// When a refresh may start, and when it must have started.
    pub(super) due: Span,
    /// When the last write or invalidation was, in the order of these and loads.
    pub(super) written: u64,
    /// When it was expired: what began before is stale.
    pub(super) expired: u64,
    pub(super) flight: Option<usize>,
    pub(super) is_loading: bool,
    /// How many loads in a row have failed, at least and at most.
    pub(super) failures: [u32; 2],
    pub(super) fault: Option<Fault>,
    /// How many refreshes in a row their dispatcher has dropped, at least and at most.
    pub(super) drops: [u32; 2],
    pub(super) back_off: Option<BackOff>,
    /// Counts how often everything about the key was forgotten.
    pub(super) life: u32,
    /// Refreshes in a row for which nobody had asked.
    pub(super) idle: u32,
    /// Somebody has had an answer, and the cache has taken note of that.
    pub(super) is_wanted: bool,
    /// Somebody has had one since.
    pub(super) is_hit: bool,
    /// No refresh starts before, since one was dropped.
    pub(super) pause: Span,
}

const UNKNOWN: Entry = Entry {
    stored: Stored::Nothing,
    is_new: false,
    made: 0,
    soft: Span::at(0),
    hard: Span::at(0),
    own_hard: Span::at(0),
    is_expired: false,
    due: Span::at(NEVER),
    written: 0,
    expired: 0,
    flight: None,
    is_loading: false,
    failures: [0; 2],
    fault: None,
    drops: [0; 2],
    back_off: None,
    life: 0,
    idle: 0,
    is_wanted: false,
    is_hit: false,
    pause: Span::at(0),
};

impl Entry {
    /// The cache may have forgotten its failures.
    pub(super) fn doubt(&mut self) {
        (self.failures[0], self.drops[0]) = (0, 0);
        if let Some(back_off) = &mut self.back_off {
            back_off.is_certain = false;
        }
    }
}

/// A load for one key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Landing {
    pub(super) key: u8,
    pub(super) sequence: u64,
    pub(super) life: u32,
    pub(super) flight: usize,
    pub(super) is_demanded: bool,
    /// The deadline that it started with.
    pub(super) asked: Option<u64>,
    pub(super) until: u64,
    /// Whether it takes one of the places.
    pub(super) occupies: bool,
    /// Its entry was pushed out.
    pub(super) is_let_go: bool,
    pub(super) version: u32,
}

/// What was submitted at once.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) order: Order,
    pub(super) landings: Vec<Landing>,
    pub(super) began: Option<u64>,
    pub(super) is_called_off: bool,
    /// The earliest deadline that its dispatcher knows of.
    pub(super) announced: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flight {
    pub(super) outcome: Option<Expected>,
}

/// Somebody who waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) flight: usize,
    pub(super) deadline: Option<u64>,
    /// An end that comes before that of the flight.
    pub(super) end: Option<Expected>,
    pub(super) is_here: bool,
}

/// A load that somebody wants, and that has not started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued {
    pub(super) key: u8,
    /// What decides: none counts as further ahead than a load may take.
    pub(super) by: u64,
    pub(super) number: u64,
    /// The first deadline of those who wait, if anybody does.
    pub(super) deadline: Option<u64>,
}

/// A value that must be told to the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leave {
    pub(super) key: u8,
    pub(super) value: u32,
    pub(super) why: Removal,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) fresh: u64,
    pub(super) stale: u64,
    pub(super) missing: u64,
    pub(super) demanded: u64,
    pub(super) expiring: u64,
    pub(super) refreshes: u64,
    pub(super) loaded: u64,
    pub(super) superseded: u64,
    pub(super) failed: u64,
    pub(super) overdue: u64,
    pub(super) dropped: u64,
    pub(super) waits: u64,
    pub(super) elapsed: u64,
    pub(super) evicted: u64,
    pub(super) expired: u64,
}

pub(super) struct Oracle {
    pub(super) settings: Settings,
    pub(super) now: u64,
    pub(super) entries: [Entry; super::KEYS],
    pub(super) flights: Vec<Flight>,
    pub(super) waiters: Vec<Waiting>,
    pub(super) loads: Vec<Load>,
    pub(super) queue: Vec<Queued>,
    pub(super) demanded: u64,
    /// Loads that must be submitted next, in this order.
    pub(super) starts: VecDeque<Landing>,
    pub(super) leaves: Vec<Leave>,
    pub(super) sequence: u64,
    pub(super) counts: Counts,
    /// The most that all values weighed together during the last operation.
    pub(super) peak: u64,
    /// The budget that is saved up, and since when.
    pub(super) tokens: f64,
    pub(super) refilled_at: u64,
}

impl Oracle {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            now: settings.start_ns,
            entries: [UNKNOWN; super::KEYS],
            flights: Vec::new(),
            waiters: Vec::new(),
            loads: Vec::new(),
            queue: Vec::new(),
            demanded: 0,
            starts: VecDeque::new(),
            leaves: Vec::new(),
            sequence: 0,
            counts: Counts::default(),
            peak: 0,
            tokens: f64::from(settings.plan.burst),
            refilled_at: settings.start_ns,
        }
    }

    pub(super) fn entry(&mut self, key: u8) -> &mut Entry {
        &mut self.entries[usize::from(key)]
    }

    pub(super) const fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// What is known of a key, without a trace.
    pub(super) fn peek(&self, key: u8) -> Answer<u32> {
        let entry = &self.entries[usize::from(key)];
        if self.now >= entry.hard.0 && entry.hard.0 != NEVER {
            return Answer::Missing;
        }
        match entry.stored {
            Stored::Nothing | Stored::Gone => Answer::Missing,
            Stored::Absent => Answer::Absent,
            Stored::Value(value) if self.is_fresh(key) => Answer::Fresh(value),
            Stored::Value(value) => Answer::Stale(value),
        }
    }

    pub(super) fn is_fresh(&self, key: u8) -> bool {
        let entry = &self.entries[usize::from(key)];
        !entry.is_expired && (self.now < entry.soft.0 || entry.soft.0 == NEVER)
    }

    /// What is answered to somebody who asks.
    pub(super) fn find(&mut self, key: u8) -> Answer<u32> {
        let answer = self.peek(key);
        match answer {
            Answer::Missing => self.counts.missing += 1,
            _ if self.is_fresh(key) => self.counts.fresh += 1,
            _ => self.counts.stale += 1,
        }
        let entry = self.entry(key);
        entry.idle = 0;
        entry.is_hit |= !answer.is_missing();
        answer
    }

    /// When a TTL ends of which a share may be missing.
    fn span(&self, ttl: Duration) -> Span {
        let (longest, jitter) = (nanos(ttl), self.settings.jitter);
        // A few nanoseconds are lost where a TTL is multiplied.
        let shortest = match jitter > 0.0 {
            true => ((longest as f64 * (1.0 - jitter)) as u64).saturating_sub(100),
            false => longest,
        };
        Span(self.end_of(shortest), self.end_of(longest))
    }

    /// When a time ends that begins now, as entries keep it: in units of 1,024 ns since the
    /// cache's start, rounded down, and not beyond some years.
    pub(super) const fn end_of(&self, length: u64) -> u64 {
        let end = self.now.saturating_add(length);
        self.rounded(end)
    }

    pub(super) const fn rounded(&self, time: u64) -> u64 {
        let units = (time - self.settings.start_ns) >> 10;
        let is_never = time == NEVER || units >= (1 << 48) - 2;
        if is_never { NEVER } else { self.settings.start_ns + (units << 10) }
    }

    /// Writes what was loaded or put; times are known roughly until the cache was asked.
    pub(super) fn store(&mut self, key: u8, brings: Brings, version: u32, made: u64) {
        let settings = &self.settings;
        let before = self.entries[usize::from(key)].stored;
        let (stored, Ttls { soft, hard }) = match brings {
            Brings::Value(ttls) => (Stored::Value(version), ttls),
            Brings::Absent(ttls) => (Stored::Absent, ttls),
            _ => (before, Ttls::default()),
        };
        let (own_soft, own_hard) = match stored {
            Stored::Absent => (settings.negative, settings.negative * 4),
            _ => (settings.soft, settings.hard),
        };
        let (soft, hard) = (soft.map(super::units), hard.map(super::units));
        let hard = hard.unwrap_or_else(|| own_hard.max(soft.unwrap_or_default()));
        let soft = soft.unwrap_or(own_soft).min(hard);
        let lifetime = (self.span(soft), self.span(hard));
        if let (Stored::Value(value), true) = (before, brings != Brings::Unchanged) {
            self.leaves.push(Leave { key, value, why: Removal::Replaced });
        }
        self.write(key, stored, lifetime, made);
    }

    pub(super) fn write(&mut self, key: u8, stored: Stored, (soft, hard): (Span, Span), made: u64) {
        let entry = self.entry(key);
        *entry = Entry {
            stored,
            is_new: true,
            made,
            soft,
            hard,
            own_hard: hard,
            is_expired: false,
            due: Span(0, NEVER),
            failures: [0; 2],
            fault: None,
            drops: [0; 2],
            back_off: None,
            pause: Span::at(0),
            ..*entry
        };
        self.peak = self.peak.max(self.weight());
    }

    /// Nothing is worth knowing about the key any more.
    pub(super) fn forget_if_idle(&mut self, key: u8) {
        let entry = self.entry(key);
        if entry.stored == Stored::Nothing && entry.flight.is_none() {
            *entry = Entry { life: entry.life + 1, ..UNKNOWN };
        }
    }

    /// Whether a value may have been pushed out for want of room.
    pub(super) fn may_evict(&self, key: u8, value: u32) -> bool {
        let expired = Leave { key, value, why: Removal::Expired };
        let is_there = self.entries[usize::from(key)].stored == Stored::Value(value);
        self.peak > self.settings.capacity && (is_there || self.leaves.contains(&expired))
    }

    /// It was.
    pub(super) fn evict(&mut self, key: u8, value: u32) {
        // What expires at once may have been pushed out before that.
        let expired = Leave { key, value, why: Removal::Expired };
        if let Some(at) = self.leaves.iter().position(|it| *it == expired) {
            self.leaves.remove(at);
            self.counts.expired -= 1;
        }
        let entry = self.entry(key);
        entry.stored = Stored::Nothing;
        entry.doubt();
        entry.idle = 0;
        self.counts.evicted += 1;
        for landing in self.loads.iter_mut().flat_map(|load| &mut load.landings) {
            landing.is_let_go |= landing.key == key;
        }
        if self.queue.iter().any(|queued| queued.key == key) {
            self.want_again(|queued| queued == key);
        }
        self.forget_if_idle(key);
    }

    /// What all values weigh.
    pub(super) fn weight(&self) -> u64 {
        let weights = self.entries.iter().map(|entry| match entry.stored {
            Stored::Value(value) => self.settings.weight(value),
            Stored::Absent | Stored::Nothing | Stored::Gone => 0,
        });
        weights.sum()
    }

    pub(super) fn len(&self) -> usize {
        let is_entry = |it: &&Entry| matches!(it.stored, Stored::Value(_) | Stored::Absent);
        self.entries.iter().filter(is_entry).count()
    }
}
