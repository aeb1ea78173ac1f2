//! Sessions that time out: every request re-arms a session's timer, a logout cancels it.
//!
//! The loop sleeps until the next event or the wheel's next wake-up, whichever comes first. Here
//! a `ManualClock` stands for the sleep; with `MonotonicClock` nothing else would change.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::collections::HashMap;
use std::time::Duration;

use punctual::key::Key;
use punctual::time::{Clock, ManualClock, Time};
use punctual::wheel::TimerWheel;

const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Who does what, by the second.
const EVENTS: [(u64, &str, Event); 8] = [
    (0, "ada", Event::Request),
    (5, "bob", Event::Request),
    (9, "cyd", Event::Request),
    (21, "ada", Event::Request),
    (24, "cyd", Event::Logout),
    (40, "bob", Event::Request),
    (50, "ada", Event::Request),
    (3_600, "cyd", Event::Request),
];

#[derive(Clone, Copy)]
enum Event {
    Request,
    Logout,
}

struct Sessions {
    wheel: TimerWheel<&'static str>,
    timers: HashMap<&'static str, Key>,
}

impl Sessions {
    fn handle(&mut self, now: Time, name: &'static str, event: Event) -> &'static str {
        let timer = self.timers.get(name).copied();
        match (event, timer) {
            (Event::Request, Some(timer)) => {
                self.wheel.reset(timer, now + IDLE_TIMEOUT);
                "goes on"
            }
            (Event::Request, None) => {
                self.timers.insert(name, self.wheel.insert(now + IDLE_TIMEOUT, name));
                "signs in"
            }
            (Event::Logout, _) => {
                self.timers.remove(name).and_then(|timer| self.wheel.cancel(timer));
                "signs out"
            }
        }
    }

    /// Ends the sessions whose time is over.
    fn expire(&mut self, now: Time) {
        while let Some((_, name)) = self.wheel.pop_due(now) {
            self.timers.remove(name);
            say(now, name, "is signed out after 30 s without a request");
        }
    }
}

fn main() {
    let clock = ManualClock::new(Time::ZERO);
    let wheel = TimerWheel::new(Duration::from_millis(1), clock.now());
    let mut sessions = Sessions { wheel, timers: HashMap::new() };

    let mut events = EVENTS.into_iter().peekable();
    loop {
        let event_at = events.peek().map(|&(second, ..)| Time::ZERO + Duration::from_secs(second));
        let wakeup_at = sessions.wheel.next_wakeup();
        let Some(next) = [event_at, wakeup_at].into_iter().flatten().min() else { break };
        clock.set(next);
        sessions.expire(clock.now());
        if event_at == Some(next)
            && let Some((_, name, event)) = events.next()
        {
            say(clock.now(), name, sessions.handle(clock.now(), name, event));
        }
    }
    assert!(sessions.wheel.is_empty() && sessions.timers.is_empty());
}

fn say(now: Time, name: &str, what: &str) {
    println!("{:>5} s  {name} {what}", now.saturating_since(Time::ZERO).as_secs());
}
