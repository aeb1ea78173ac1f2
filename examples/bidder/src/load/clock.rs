//! The only place of this module that reads a clock.

use std::sync::OnceLock;
use std::time::Duration;

use punctual::time::{Clock, MonotonicClock, Time};

/// Returns the time since the first call in this process; it never goes back.
pub(crate) fn now() -> Duration {
    static CLOCK: OnceLock<MonotonicClock> = OnceLock::new();
    CLOCK.get_or_init(MonotonicClock::new).now().saturating_since(Time::ZERO)
}
