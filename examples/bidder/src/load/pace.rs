//! Waits until an exact time on a runtime whose timer has ticks of a millisecond.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::sleep;

use super::clock;

/// How long before a due time the sleep ends and the spin begins.
///
/// Tokio rounds a sleep up to its next tick and `epoll` rounds up once more, so a sleep may end
/// nearly 2 ms late; a shorter margin would make the generator itself late.
const SPIN: Duration = Duration::from_millis(2);

/// Waits until the clock reaches `due`, and yields at least once even if it has.
///
/// The end of the wait is a spin, because at 5,000 requests a second the mean gap is a fifth of
/// a timer tick. Each turn yields, and the runtime polls its sockets before it resumes a task that
/// yielded, so answers are read while the spin lasts; the yield of an overdue call gives the same
/// chance to a generator that has fallen behind. The price is one busy core: a server measured on
/// the same machine needs another.
pub(crate) async fn until(due: Duration) {
    let wait = due.saturating_sub(clock::now());
    if wait > SPIN {
        sleep(wait - SPIN).await;
    }
    loop {
        yield_now().await;
        if clock::now() >= due {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn never_returns_early() {
        for wait in [0, 300, 5_000].map(Duration::from_micros) {
            let due = clock::now() + wait;
            until(due).await;
            assert!(clock::now() >= due);
        }
    }

    #[tokio::test]
    async fn an_overdue_wait_still_lets_other_tasks_run() {
        let other = tokio::spawn(async {});
        until(Duration::ZERO).await;
        assert!(other.is_finished());
    }
}
