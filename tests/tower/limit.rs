//! The adaptive limit, beside services whose capacity is known.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use punctual::adapters::tower::limit::{Adaptive, Limiter, Sample};
use punctual::time::Time;

use crate::bench::{at, ms};

/// How much comes.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// More than can be served: whoever gets a place has waited for it.
    Saturated,
    /// So many at a time, if they get a place: nobody waits.
    Light { running: u32 },
}

/// A service that can do so much at once, and takes longer in proportion beyond that.
pub(crate) struct Simulated {
    pub(crate) capacity: u32,
    pub(crate) service: Duration,
    is_random: bool,
    /// It serves nobody.
    is_out: bool,
    now: Time,
    random: u64,
    /// (end, start)
    running: BinaryHeap<Reverse<(Time, Time)>>,
}

impl Simulated {
    pub(crate) const fn new(capacity: u32, service: Duration) -> Self {
        let running = BinaryHeap::new();
        Self {
            capacity,
            service,
            is_random: false,
            is_out: false,
            now: Time::ZERO,
            random: 7,
            running,
        }
    }

    /// Exponentially distributed times.
    fn random(capacity: u32, service: Duration) -> Self {
        Self { is_random: true, ..Self::new(capacity, service) }
    }

    /// How long a request takes that is one of so many.
    fn time(&mut self, running: u32) -> Duration {
        let slowed = self.service.mul_f64(f64::from(running.max(self.capacity)));
        let time = slowed / self.capacity;
        if !self.is_random {
            return time;
        }
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = ((self.random >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        time.mul_f64(-share.ln())
    }

    /// Serves so many; returns what the limit was meanwhile.
    pub(crate) fn run(&mut self, limiter: &mut Limiter, load: Load, requests: u32) -> Seen {
        let mut seen = Seen { lowest: limiter.limit(), highest: limiter.limit(), mean: 0.0 };
        for _ in 0..requests {
            let wanted = match load {
                Load::Saturated => limiter.limit(),
                Load::Light { running } => running.min(limiter.limit()),
            };
            while self.running.len() < wanted as usize {
                let time = self.time(wanted);
                self.running.push(Reverse((self.now + time, self.now)));
            }
            let Some(Reverse((ended, started))) = self.running.pop() else { continue };
            self.now = ended;
            let has_waited = matches!(load, Load::Saturated);
            limiter.observe(Sample { started, ended, has_waited, is_served: !self.is_out });
            seen.lowest = seen.lowest.min(limiter.limit());
            seen.highest = seen.highest.max(limiter.limit());
            seen.mean += f64::from(limiter.limit()) / f64::from(requests);
        }
        seen
    }

    /// What part of the capacity is too few or too many places, on the mean, once the limiter had
    /// its time.
    fn mean_share(&mut self, limiter: &mut Limiter) -> f64 {
        self.run(limiter, Load::Saturated, 100_000);
        self.run(limiter, Load::Saturated, 100_000).mean / f64::from(self.capacity)
    }
}

/// What a limit was in a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) lowest: u32,
    pub(crate) highest: u32,
    pub(crate) mean: f64,
}

#[test]
fn the_limit_comes_to_the_capacity() {
    for capacity in [1, 2, 8, 40, 200] {
        for service in [Simulated::new, Simulated::random] {
            let mut limiter = Limiter::new(Adaptive::between(1, 1_000));
            let share = service(capacity, ms(5)).mean_share(&mut limiter);
            assert!((0.9..1.5).contains(&share), "capacity {capacity}: {share}");
        }
    }
}

#[test]
fn the_limit_stays_in_its_range() {
    for (capacity, range) in [(500, (1, 30)), (2, (40, 60)), (20, (25, 25)), (9, (40, 30))] {
        let (least, most) = range;
        let mut limiter = Limiter::new(Adaptive::between(least, most));
        let seen = Simulated::new(capacity, ms(5)).run(&mut limiter, Load::Saturated, 100_000);
        assert!(seen.lowest >= least && seen.highest <= most.max(least), "{range:?}: {seen:?}");
    }
    let none = Adaptive::between(0, 0);
    assert_eq!((none.least(), none.most(), Limiter::new(none).limit()), (1, 1, 1));
}

#[test]
fn slower_and_faster_requests_need_as_many_places() {
    let mut limiter = Limiter::new(Adaptive::between(2, 1_000));
    let mut service = Simulated::random(20, ms(5));
    for pace in [5, 60, 1, 30, 1] {
        service.service = ms(pace);
        let share = service.mean_share(&mut limiter);
        assert!((0.9..1.5).contains(&share), "{pace} ms: {share}");
    }
}

#[test]
fn the_limit_follows_the_capacity_down_and_up_again() {
    let mut limiter = Limiter::new(Adaptive::between(1, 1_000));
    let mut service = Simulated::random(64, ms(5));
    for capacity in [64, 8, 64, 2, 64, 256, 2] {
        service.capacity = capacity;
        let share = service.mean_share(&mut limiter);
        assert!((0.9..1.5).contains(&share), "capacity {capacity}: {share}");
    }
}

#[test]
fn another_pace_under_a_light_load_changes_nothing() {
    let mut limiter = Limiter::new(Adaptive::between(8, 1_000));
    let mut service = Simulated::new(64, ms(5));
    for pace in [5, 50, 1, 20] {
        service.service = ms(pace);
        let seen = service.run(&mut limiter, Load::Light { running: 7 }, 20_000);
        assert_eq!((seen.lowest, seen.highest), (8, 8));
    }
}

#[test]
fn what_was_gained_under_load_stays_when_the_load_is_gone() {
    let mut limiter = Limiter::new(Adaptive::between(2, 1_000));
    let mut service = Simulated::new(20, ms(5));
    service.run(&mut limiter, Load::Saturated, 100_000);
    service.run(&mut limiter, Load::Light { running: 10 }, 1_000);
    let before = limiter.limit();
    let seen = service.run(&mut limiter, Load::Light { running: 10 }, 100_000);
    assert_eq!((seen.lowest, seen.highest), (before, before));
}

#[test]
fn one_stall_changes_nothing() {
    let mut limiter = Limiter::new(Adaptive::between(1, 100));
    let mut service = Simulated::new(16, ms(5));
    service.mean_share(&mut limiter);
    // All that run stand still, and end a minute later.
    let stalled = core::mem::take(&mut service.running);
    service.running = stalled
        .into_iter()
        .map(|Reverse((end, start))| Reverse((end + ms(60_000), start)))
        .collect();
    let seen = service.run(&mut limiter, Load::Saturated, 20_000);
    assert!(seen.lowest >= 10 && seen.highest <= 30, "{seen:?}");
}

#[test]
fn what_started_under_another_limit_doesn_t_count() {
    let mut limiter = Limiter::new(Adaptive::between(1, 100));
    let sample = |start_ms, end_ms| Sample {
        started: at(start_ms),
        ended: at(end_ms),
        has_waited: true,
        is_served: true,
    };
    let changed = (1..).find(|&end| limiter.observe(sample(end - 1, end)).is_some());
    let changed = changed.expect("it grows");
    assert_eq!(limiter.limit(), 2);
    // These took very long, but began before.
    for end in changed + 1_000..changed + 2_000 {
        assert_eq!(limiter.observe(sample(changed - 1, end)), None);
    }
    assert_eq!(limiter.limit(), 2);
}

#[test]
fn whatever_changes_the_limit_comes_back_to_the_capacity() {
    let mut worst = (1.0_f64, 1.0_f64);
    for seed in 1..=20_u64 {
        let mut limiter = Limiter::new(Adaptive::between(1, 2_000));
        let mut service = Simulated::random(16, ms(5));
        service.random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for _ in 0..6 {
            let drawn = service.random;
            service.capacity = 2 << (drawn % 7);
            service.service = ms(1 + drawn / 64 % 40);
            let share = service.mean_share(&mut limiter);
            worst = (worst.0.min(share), worst.1.max(share));
        }
    }
    assert!(worst.0 > 0.8 && worst.1 < 1.6, "{worst:?}");
}

/// Nine in ten take a millisecond, and the tenth waits for one that serves two in a millisecond.
/// The limit was compared by the usual time, which that didn't change, and crept to its most.
#[test]
fn a_tenth_that_waits_for_a_backend_is_enough_to_see_that_it_is_saturated() {
    let mut limiter = Limiter::new(Adaptive::between(4, 2_000));
    let mut running = BinaryHeap::new();
    let (mut now, mut backend_free, mut drawn) = (Time::ZERO, Time::ZERO, 7_u64);
    let mut highest = 0;
    for _ in 0..400_000 {
        while running.len() < limiter.limit() as usize {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let ended = if (drawn >> 33) % 10 == 0 {
                backend_free = backend_free.max(now) + Duration::from_micros(500);
                backend_free + ms(1)
            } else {
                now + ms(1)
            };
            running.push(Reverse((ended, now)));
        }
        let Some(Reverse((ended, started))) = running.pop() else { continue };
        now = ended;
        limiter.observe(Sample { started, ended, has_waited: true, is_served: true });
        highest = highest.max(limiter.limit());
    }
    assert!(highest < 200, "{highest}");
}

/// Everybody waits, and everybody is given up at the deadline: that looked like a service that
/// takes the same time however many places there are.
#[test]
fn an_outage_lifts_no_limit() {
    let mut limiter = Limiter::new(Adaptive::between(4, 1_000));
    let mut service = Simulated::new(16, ms(5));
    service.run(&mut limiter, Load::Saturated, 100_000);
    let before = limiter.limit();
    (service.capacity, service.service, service.is_out) = (10_000, ms(1_000), true);
    let seen = service.run(&mut limiter, Load::Saturated, 100_000);
    assert!(seen.highest <= before.max(32), "{before}: {seen:?}");
}
