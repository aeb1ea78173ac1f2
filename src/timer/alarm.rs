//! A waker that the shells arm again and again.

use core::task::Waker;

use super::Timer;
use crate::key::Key;
use crate::sync::{Arc, Mutex, Ordering, SharedU64};
use crate::time::Time;

/// Wakes its waker at the earliest time that it was set to since it went off last.
///
/// What a shell needs to poll a scheduler in time: after every poll it says when the next one is
/// due, and is woken at that time or before. The waker should hold its shell weakly: the alarm
/// holds the waker, and the shell the alarm.
///
/// `set` never misses a wake-up: if it finds the alarm armed early enough, that alarm goes off
/// after it. So if the waker takes a lock that the caller of `set` took before, it sees what was
/// done under it.
pub(crate) struct Alarm {
    timer: Timer,
    armed: Arc<Armed>,
    /// Stale once the alarm has gone off. Taken before the timer's lock.
    key: Mutex<Option<Key>>,
}

/// What the timer's queue holds of an alarm.
pub(super) struct Armed {
    waker: Waker,
    /// When it goes off, in nanoseconds; [`UNARMED`] if it doesn't. Written only under the timer's
    /// lock.
    at_ns: SharedU64,
}

/// The end of time never comes.
const UNARMED: u64 = u64::MAX;

impl Alarm {
    /// An alarm that is not set.
    pub(crate) fn new(timer: &Timer, waker: Waker) -> Self {
        let armed = Armed { waker, at_ns: SharedU64::new(UNARMED) };
        Self { timer: timer.clone(), armed: Arc::new(armed), key: Mutex::new(None) }
    }

    /// Wakes at `at`, or earlier if that was asked for. One atomic load if it was; otherwise two
    /// locks and an insertion, and it allocates only by growth.
    pub(crate) fn set(&self, at: Time) {
        if self.armed.is_armed_by(at) {
            return;
        }
        let mut key = self.key.lock();
        if self.armed.is_armed_by(at) {
            return;
        }
        let (waiting, is_first) = self.timer.queue().arm(*key, at, &self.armed);
        *key = Some(waiting);
        drop(key);
        if is_first.0 {
            self.timer.wake();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let key = self.key.lock().take();
        if let Some(key) = key {
            drop(self.timer.queue().cancel(key));
        }
    }
}

impl Armed {
    fn is_armed_by(&self, at: Time) -> bool {
        self.at_ns.load(Ordering::SeqCst) <= at.as_nanos()
    }

    /// Goes off at `at`. Call it under the timer's lock.
    pub(super) fn arm(&self, at: Time) {
        self.at_ns.store(at.as_nanos(), Ordering::SeqCst);
    }

    /// Is about to wake. Call it under the timer's lock.
    pub(super) fn disarm(&self) {
        self.at_ns.store(UNARMED, Ordering::SeqCst);
    }

    pub(super) fn wake(&self) {
        self.waker.wake_by_ref();
    }
}

#[cfg(all(test, not(any(punctual_loom, punctual_shuttle))))]
mod tests {
    use core::time::Duration;
    use std::task::Wake;

    use super::*;
    use crate::sync::{Thread, current, park};
    use crate::time::{Clock, ManualClock};

    /// Notes at what time it is woken, and unparks who waits for that.
    struct Log {
        clock: Arc<ManualClock>,
        woken_at: Mutex<Vec<Time>>,
        waiting: Thread,
    }

    impl Wake for Log {
        fn wake(self: Arc<Self>) {
            self.woken_at.lock().push(self.clock.now());
            self.waiting.unpark();
        }
    }

    struct Bench {
        clock: Arc<ManualClock>,
        timer: Timer,
        log: Arc<Log>,
        alarm: Alarm,
    }

    impl Bench {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::new(Time::ZERO));
            let timer = Timer::new(Arc::clone(&clock)).expect("the system gives threads");
            let (woken_at, waiting) = (Mutex::new(Vec::new()), current());
            let log = Arc::new(Log { clock: Arc::clone(&clock), woken_at, waiting });
            let alarm = Alarm::new(&timer, Arc::clone(&log).into());
            Self { clock, timer, log, alarm }
        }

        /// When it has been woken so far, at least so often.
        fn woken_at(&self, count: usize) -> Vec<Time> {
            loop {
                let woken_at = self.log.woken_at.lock().clone();
                if woken_at.len() >= count {
                    return woken_at;
                }
                park();
            }
        }

        fn move_to(&self, now: Time) {
            self.clock.set(now);
            self.timer.wake();
        }
    }

    fn at(ms: u64) -> Time {
        Time::ZERO + Duration::from_millis(ms)
    }

    #[test]
    fn the_earliest_time_counts_and_goes_off_once() {
        let bench = Bench::new();
        bench.alarm.set(Time::MAX);
        for ms in [50, 20, 90, 30] {
            bench.alarm.set(at(ms));
        }
        bench.move_to(at(25));
        assert_eq!(bench.woken_at(1), [at(25)]);
        // It is free again, for earlier times and for later ones.
        bench.alarm.set(at(90));
        bench.alarm.set(at(60));
        bench.move_to(at(70));
        assert_eq!(bench.woken_at(2), [at(25), at(70)]);
        bench.alarm.set(at(10));
        assert_eq!(bench.woken_at(3), [at(25), at(70), at(70)]);
    }

    #[test]
    fn what_is_armed_early_enough_leaves_the_timer_alone() {
        let bench = Bench::new();
        bench.alarm.set(at(20));
        let key = *bench.alarm.key.lock();
        // Whoever took the lock now would wait for ever.
        let held = bench.alarm.key.lock();
        bench.alarm.set(at(20));
        bench.alarm.set(at(21));
        drop(held);
        bench.alarm.set(at(19));
        assert_eq!(*bench.alarm.key.lock(), key, "one alarm waits under one key");
    }

    #[test]
    fn a_dropped_alarm_is_silent_and_lets_go_of_its_waker() {
        let bench = Bench::new();
        bench.alarm.set(at(20));
        let Bench { clock, timer, log, alarm } = bench;
        drop(alarm);
        assert_eq!(Arc::strong_count(&log), 1);
        clock.set(at(30));
        drop(timer);
        assert_eq!(*log.woken_at.lock(), []);
    }
}

#[cfg(all(test, punctual_loom))]
mod models {
    use core::time::Duration;
    use std::task::Wake;

    use super::*;
    use crate::sync::{AtomicBool, Thread, current, park};
    use crate::time::ManualClock;

    struct Flag(AtomicBool, Thread);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
            self.1.unpark();
        }
    }

    /// No time-out fires in a model: an alarm that the thread isn't told of is lost.
    #[test]
    fn no_wake_up_is_lost_between_a_look_and_a_park() {
        loom::model(|| {
            let due = Time::ZERO + Duration::from_millis(1);
            let timer = Timer::new(ManualClock::new(due)).expect("a model gives threads");
            let flag = Arc::new(Flag(AtomicBool::new(false), current()));
            let alarm = Alarm::new(&timer, Arc::clone(&flag).into());
            alarm.set(due);
            while !flag.0.load(Ordering::SeqCst) {
                park();
            }
        });
    }
}
