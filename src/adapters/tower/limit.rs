//! How many requests are served at once, where nobody knows the right number: a controller without
//! clock or lock.
//!
//! It looks at whether requests have to wait for a place, and at how many are served in a time.
//! While most have to wait, it tries half as many places more, or a fifth fewer, for as long
//! as it takes to know the difference, and keeps what is better:
//!
//! - If more are served with more places, there should be more.
//! - If as many are served, they take longer in proportion: they wait for each other inside the
//!   service, where nobody minds their deadlines, and there should be fewer.
//!
//! What fails, or is given up, serves nobody: an outage lifts no limit. A trial that ends without
//! an answer, since nobody waits any more, leaves the limit as it was before.
//!
//! Between two trials it waits longer and longer while they change nothing, up to 32 windows of 100
//! ms or more. What is compared is always the present with the moment before, so that nothing
//! that was true once can mislead it for long. A limit that isn't reached stays what it is. Nobody
//! is turned away for a trial but by what a fifth of the places would have served in that window.

use core::time::Duration;

use crate::time::{Time, saturating_nanos};

/// The range of a limit that adapts itself.
///
/// ```
/// use punctual::adapters::tower::limit::Adaptive;
///
/// let adaptive = Adaptive::between(4, 200);
/// # let _ = adaptive;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adaptive {
    least: u32,
    most: u32,
    interval: Duration,
}

impl Adaptive {
    /// Between `least`, at which it begins, and `most`. Zero counts as 1, and a `most` that is less
    /// than `least` as that.
    ///
    /// A second place that is worth less than a quarter of the first isn't found: where requests
    /// hand their work to other threads, a `least` of 2 keeps those busy while a place changes
    /// hands.
    #[must_use]
    pub const fn between(least: u32, most: u32) -> Self {
        let least = if least == 0 { 1 } else { least };
        let most = if most < least { least } else { most };
        Self { least, most, interval: Duration::from_millis(100) }
    }

    /// The shortest time between two changes; 100 ms by default. It takes 64 requests
    /// too, more if their times differ much, and as many as there are places.
    #[must_use]
    pub const fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// The lower end, at which it begins.
    #[must_use]
    pub const fn least(self) -> u32 {
        self.least
    }

    /// The upper end.
    #[must_use]
    pub const fn most(self) -> u32 {
        self.most
    }
}

/// What is seen of one request that had a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it got its place.
    pub started: Time,
    /// When it gave it back.
    pub ended: Time,
    /// Whether it had to wait for the place.
    pub has_waited: bool,
    /// Whether it was served. What failed or was given up holds a place and serves nobody.
    pub is_served: bool,
}

/// What was seen since the last decision.
#[derive(Clone, Copy, Debug)]
struct Window {
    opened: Option<Time>,
    samples: u32,
    waited: u32,
    served: u32,
    /// The sums of the times in nanoseconds, and of their squares.
    times: f64,
    squares: f64,
}

/// How many requests are served in a nanosecond with so many places.
#[derive(Clone, Copy, Debug)]
struct Measured {
    limit: u32,
    rate: f64,
}

/// Where the limit goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// The controller of an [`Adaptive`] limit: tell it of every request, and use the limit that it
/// says.
///
/// ```
/// use core::time::Duration;
/// use punctual::adapters::tower::limit::{Adaptive, Limiter, Sample};
/// use punctual::time::Time;
///
/// let mut limiter = Limiter::new(Adaptive::between(2, 50));
/// let mut ended = Time::ZERO + Duration::from_secs(1);
/// for _ in 0..1_000 {
///     // All wait for a place, and each takes 5 ms once it has one, however many there are.
///     ended += Duration::from_millis(5) / limiter.limit();
///     let started = ended - Duration::from_millis(5);
///     limiter.observe(Sample { started, ended, has_waited: true, is_served: true });
/// }
/// assert!(limiter.limit() > 2);
/// ```
#[derive(Clone, Debug)]
pub struct Limiter {
    range: Adaptive,
    limit: u32,
    /// What started before that tells of another limit.
    changed: Time,
    /// So many requests are left out until those from before are gone: of those that come after a
    /// change, the short ones end first.
    left_out: u32,
    window: Window,
    /// What was before the trial that goes on.
    trial: Option<Measured>,
    /// What was seen in the last window without a trial.
    usual_rate: f64,
    next: Direction,
    /// How many trials in a row have changed nothing.
    failed: u32,
    /// So many windows pass before the next trial, and so many after the next failure.
    quiet: u32,
    pause: u32,
}

/// More places are better if at least this share of them becomes throughput.
const WORTH: f64 = 0.25;

/// If the usual rate changes by more than this factor, something has happened.
const SUDDEN: f64 = 1.25;

/// How well the rate is known when something is decided: the standard deviation of its share.
const ERROR: f64 = 0.05;

/// At least so many requests are seen before the limit changes, and at most so many, or as many as
/// there are places: until it is known how long they take.
const LEAST_SAMPLES: f64 = 64.0;
const MOST_SAMPLES: f64 = 1_024.0;

/// After so many requests for each place, nearly none are left from before.
const TURNOVERS: u32 = 3;

/// The fewest and the most windows between two trials, while they change nothing.
const SHORT_PAUSE: u32 = 2;
const LONG_PAUSE: u32 = 32;

impl Limiter {
    /// Begins at the lower end of the range.
    #[must_use]
    pub const fn new(range: Adaptive) -> Self {
        Self {
            range,
            limit: range.least,
            changed: Time::ZERO,
            left_out: 0,
            window: Window::EMPTY,
            trial: None,
            usual_rate: 0.0,
            next: Direction::Up,
            failed: 0,
            quiet: 0,
            pause: SHORT_PAUSE,
        }
    }

    /// How many may have a place.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Takes note of a request; the new limit, if there is one. O(1).
    ///
    /// Those that failed or were given up belong here too: what they took from others is seen in
    /// how many are served.
    pub fn observe(&mut self, sample: Sample) -> Option<u32> {
        let settled = self.changed + self.range.interval / 2;
        if self.left_out > 0 || sample.started < self.changed || sample.ended < settled {
            self.left_out = self.left_out.saturating_sub(1);
            return None;
        }
        let opened = self.window.add(sample);
        let is_old_enough = sample.ended.saturating_since(opened) >= self.range.interval;
        let samples = self.window.needed_samples().max(f64::from(self.limit));
        if !is_old_enough || f64::from(self.window.samples) < samples {
            return None;
        }
        let (window, old) = (core::mem::replace(&mut self.window, Window::EMPTY), self.limit);
        self.decide(&window, sample.ended.saturating_since(opened));
        if self.limit == old {
            return None;
        }
        self.changed = sample.ended;
        self.left_out = self.limit.saturating_mul(TURNOVERS);
        Some(self.limit)
    }

    fn decide(&mut self, window: &Window, lasted: Duration) {
        if !window.is_binding() || window.served == 0 {
            // Not the places decided how many were served: there is nothing to compare.
            self.limit = self.trial.take().map_or(self.limit, |before| before.limit);
            return;
        }
        let lasted_ns = saturating_nanos(lasted).max(1);
        let now = Measured { limit: self.limit, rate: f64::from(window.served) / lasted_ns as f64 };
        let Some(before) = self.trial.take() else {
            return self.pass(now);
        };
        let is_better = match before.limit < now.limit {
            true => now.is_worth_more_than(before),
            false => !before.is_worth_more_than(now),
        };
        if is_better {
            (self.failed, self.pause) = (0, SHORT_PAUSE);
            return self.begin(now);
        }
        self.limit = before.limit;
        self.fail();
    }

    /// A window without a trial has passed.
    fn pass(&mut self, now: Measured) {
        let changed = now.rate / self.usual_rate;
        if !(1.0 / SUDDEN..SUDDEN).contains(&changed) {
            (self.quiet, self.pause) = (0, SHORT_PAUSE);
        }
        self.usual_rate = now.rate;
        match self.quiet.checked_sub(1) {
            Some(left) => self.quiet = left,
            None => self.begin(now),
        }
    }

    /// Tries another limit, if there is one in that direction.
    fn begin(&mut self, now: Measured) {
        let limit = match self.next {
            Direction::Up => self.limit.saturating_add((self.limit / 2).max(1)),
            Direction::Down => self.limit - (self.limit / 5).max(1),
        };
        self.limit = limit.clamp(self.range.least, self.range.most);
        match self.limit == now.limit {
            true => self.fail(),
            false => self.trial = Some(now),
        }
    }

    /// Next time the other direction; if neither was better, a while later.
    fn fail(&mut self) {
        self.next = match self.next {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        };
        self.failed += 1;
        if self.failed >= 2 {
            (self.failed, self.quiet) = (0, self.pause);
            self.pause = (2 * self.pause).min(LONG_PAUSE);
        }
    }
}

impl Measured {
    /// Whether enough of these places, which are more, becomes throughput.
    fn is_worth_more_than(self, fewer: Self) -> bool {
        let places = f64::from(self.limit) / f64::from(fewer.limit);
        self.rate / fewer.rate - 1.0 > WORTH * (places - 1.0)
    }
}

impl Window {
    const EMPTY: Self =
        Self { opened: None, samples: 0, waited: 0, served: 0, times: 0.0, squares: 0.0 };

    /// Returns when the window was opened.
    fn add(&mut self, sample: Sample) -> Time {
        let took_ns = saturating_nanos(sample.ended.saturating_since(sample.started)).max(1) as f64;
        // The first opens the window, and isn't in the time that it lasts.
        self.served += u32::from(sample.is_served && self.opened.is_some());
        self.samples = self.samples.saturating_add(1);
        self.waited += u32::from(sample.has_waited);
        self.times += took_ns;
        self.squares += took_ns * took_ns;
        *self.opened.get_or_insert(sample.ended)
    }

    /// So many samples tell the rate to within an [`ERROR`].
    fn needed_samples(&self) -> f64 {
        let samples = f64::from(self.samples.max(1));
        let mean = self.times / samples;
        let variance = (self.squares / samples / (mean * mean) - 1.0).max(0.0);
        (variance / (ERROR * ERROR)).clamp(LEAST_SAMPLES, MOST_SAMPLES)
    }

    /// Whether most had to wait for a place.
    fn is_binding(&self) -> bool {
        2 * u64::from(self.waited) >= u64::from(self.samples)
    }
}
