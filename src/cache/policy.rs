//! How long values live, and how long failures are waited out.

use core::time::Duration;

use super::loaded::{Content, Loaded};
use crate::refresh::Terms;
use crate::time::Time;

/// What the builder was told.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) soft_ttl: Duration,
    pub(super) hard_ttl: Option<Duration>,
    pub(super) negative_ttl: Option<Duration>,
    /// The largest share by which a TTL is shortened.
    pub(super) jitter: f64,
    /// The share of the soft TTL at whose end a refresh should end.
    pub(super) refresh_after: f64,
    pub(super) stale_if_error: Duration,
    pub(super) first_back_off: Duration,
    pub(super) most_back_off: Duration,
    /// How late the coarse clock is allowed to be.
    pub(super) guard: Duration,
}

/// A hard TTL that nobody has set is so many times the soft one.
const HARD_BY_SOFT: u32 = 4;

/// A negative TTL that nobody has set is the soft one, divided by this.
const SOFT_BY_NEGATIVE: u32 = 10;

impl Default for Policy {
    fn default() -> Self {
        Self {
            soft_ttl: Duration::from_secs(60),
            hard_ttl: None,
            negative_ttl: None,
            jitter: 0.05,
            refresh_after: 1.0,
            stale_if_error: Duration::ZERO,
            first_back_off: Duration::from_millis(100),
            most_back_off: Duration::from_secs(60),
            guard: Duration::ZERO,
        }
    }
}

/// How long a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lifetime {
    pub(super) soft: Duration,
    pub(super) hard: Duration,
}

impl Policy {
    /// How long what was loaded lives, shortened by `chance` (0.0 to 1.0) of the jitter.
    pub(super) fn lifetime<V>(&self, loaded: &Loaded<V>, chance: f64) -> Lifetime {
        let (soft, hard) = match loaded.content {
            Content::Absent => {
                let soft = self.negative_ttl.unwrap_or(self.soft_ttl / SOFT_BY_NEGATIVE);
                (soft, soft.saturating_mul(HARD_BY_SOFT))
            }
            Content::Value(_) | Content::Unchanged => {
                let hard = self.hard_ttl.unwrap_or(self.soft_ttl.saturating_mul(HARD_BY_SOFT));
                (self.soft_ttl, hard)
            }
        };
        let soft = loaded.soft_ttl.unwrap_or(soft);
        let hard = loaded.hard_ttl.unwrap_or(hard.max(loaded.soft_ttl.unwrap_or_default()));
        let share = 1.0 - self.jitter * chance;
        Lifetime { soft: shortened(soft.min(hard), share), hard: shortened(hard, share) }
    }

    /// What the planner is told of a value that was made at `made` and has come at `now`.
    pub(super) fn terms(
        &self,
        lifetime: Lifetime,
        (made, now): (Time, Time),
        lead: Duration,
        cost: f64,
    ) -> Terms {
        let Lifetime { soft, hard } = lifetime;
        // A load that takes longer than a value is fresh must not be all that the backend does.
        let wanted = now + shortened(soft, self.refresh_after) - lead;
        let not_before = wanted.max(now + soft / 4);
        let change_rate = 1.0 / soft.as_secs_f64().max(1e-9);
        let (soft, hard) = (now + soft, now + hard);
        Terms { stored: made, not_before, soft, hard, lead, cost, change_rate }
    }

    /// How long is waited after so many failures in a row, from half of that on.
    pub(super) fn back_off(&self, failures: u32, chance: f64) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.first_back_off.saturating_mul(doubled).min(self.most_back_off);
        shortened(longest, 1.0 - chance / 2.0)
    }

    /// By how much before its end a value leaves the fast path.
    pub(super) fn guard(&self, hard: Duration) -> Duration {
        self.guard.min(hard / 8)
    }
}

/// A share of a duration, which is the whole if the share is 1.0.
fn shortened(duration: Duration, share: f64) -> Duration {
    if share >= 1.0 {
        return duration;
    }
    // A product of u64 and f64 is exact enough, and can't overflow.
    let ns = crate::time::saturating_nanos(duration);
    Duration::from_nanos((ns as f64 * share.max(0.0)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn lifetimes_follow_what_the_loader_says() {
        let policy = Policy { soft_ttl: ms(100), ..Policy::default() };
        let of = |loaded: Loaded<u8>| policy.lifetime(&loaded, 0.0);
        assert_eq!(of(Loaded::new(1)), Lifetime { soft: ms(100), hard: ms(400) });
        assert_eq!(of(Loaded::absent()), Lifetime { soft: ms(10), hard: ms(40) });
        let long = Loaded::new(1).soft_ttl(ms(900));
        assert_eq!(of(long), Lifetime { soft: ms(900), hard: ms(900) });
        let short = Loaded::new(1).hard_ttl(ms(50));
        assert_eq!(of(short), Lifetime { soft: ms(50), hard: ms(50) });
        let for_ever = Loaded::new(1).hard_ttl(Duration::MAX);
        assert_eq!(of(for_ever).hard, Duration::MAX);
    }

    #[test]
    fn jitter_only_shortens() {
        let policy = Policy { soft_ttl: ms(100), jitter: 0.2, ..Policy::default() };
        assert_eq!(policy.lifetime(&Loaded::new(1), 1.0), Lifetime { soft: ms(80), hard: ms(320) });
        assert_eq!(policy.lifetime(&Loaded::new(1), 0.5).soft, ms(90));
    }

    #[test]
    fn back_offs_double_up_to_the_longest() {
        let policy = Policy::default();
        let back_offs = [1, 2, 3, 10, 11, 500].map(|failures| policy.back_off(failures, 0.0));
        assert_eq!(back_offs, [100, 200, 400, 51_200, 60_000, 60_000].map(ms));
        assert_eq!(policy.back_off(1, 1.0), ms(50));
    }

    #[test]
    fn a_slow_load_leaves_the_backend_some_time() {
        let policy = Policy::default();
        let (now, lifetime) = (Time::from_nanos(5), Lifetime { soft: ms(100), hard: ms(400) });
        let not_before = |lead| policy.terms(lifetime, (now, now), lead, 1.0).not_before;
        assert_eq!(not_before(ms(20)), now + ms(80));
        assert_eq!(not_before(ms(2_000)), now + ms(25));
    }
}
