//! What a refresh is worth, and when it is worth a price.
//!
//! A value that changes `d` times a second and was made `t` seconds ago is still true with
//! probability `e^(-d t)`. Asked for `l` times a second, an entry that is refreshed every `t`
//! seconds gives `(l / (d t)) (1 - e^(-d t))` true answers a second. How many more of them one load
//! more brings, for what it costs, is
//!
//! ```text
//! V(t) = l / (d c) * g(d t)      g(x) = 1 - e^(-x) (1 + x)
//! ```
//!
//! (J. Cho and H. Garcia-Molina, "Effective page refresh policies for Web crawlers", 2003, with
//! weights.) A budget is spent best if every entry is refreshed when its V reaches the same price.

/// Below this, the series is exact and the formula is not.
const SMALL: f64 = 1e-2;

/// `1 - e^(-x) (1 + x)` for `x >= 0`: rises from 0 to 1.
pub(super) fn gain(x: f64) -> f64 {
    if x < SMALL {
        let square = x * x;
        return square * (0.5 - x / 3.0 + square / 8.0 - square * x / 30.0);
    }
    1.0 - libm::exp(-x) * (1.0 + x)
}

/// More hits than these in a life are certain enough.
const MOST_HITS: f64 = 50.0;

/// The `x` whose [`gain`] is `y`, for `0 <= y < 1`.
///
/// With `r = -ln(1 - y)` it is the root of `x - ln(1 + x) = r`, which is convex and rises: a few of
/// Newton's steps from above reach it.
pub(super) fn inverse_gain(y: f64) -> f64 {
    let r = -libm::log1p(-y);
    let near = libm::sqrt(2.0 * r) + 2.0 * r / 3.0;
    if r < 1e-8 {
        return near;
    }
    let mut x = if r < 2.0 { near } else { r + libm::log1p(r + libm::log1p(r)) };
    for _ in 0..4 {
        x -= (x - libm::log1p(x) - r) * (1.0 + x) / x;
    }
    x
}

/// How often an entry is asked for and changes, and what a load of it costs; from these follows
/// what a refresh is worth.
///
/// ```
/// use punctual::refresh::Rates;
///
/// let rates = Rates { hits: 20.0, changes: 0.1, cost: 1.0 };
/// let age = rates.crossing(50.0).expect("at most it is worth 200 true answers");
/// assert!((rates.value(age) - 50.0).abs() < 1e-6);
/// assert_eq!(rates.crossing(200.0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Hits a second; above zero.
    pub hits: f64,
    /// Changes a second; above zero.
    pub changes: f64,
    /// What a load costs the backend beside others; above zero.
    pub cost: f64,
}

impl Rates {
    /// The most that a load can be worth for its cost, in true answers: that of an entry which is
    /// certainly not true any more.
    #[must_use]
    pub fn most(self) -> f64 {
        self.hits / (self.changes * self.cost)
    }

    /// What a load is worth for its cost, in true answers, for a value of this age in seconds.
    #[must_use]
    pub fn value(self, age: f64) -> f64 {
        self.most() * gain(self.changes * age)
    }

    /// The age in seconds at which a load is worth the price, if it ever is.
    #[must_use]
    pub fn crossing(self, price: f64) -> Option<f64> {
        if price <= 0.0 {
            return Some(0.0);
        }
        let share = price / self.most();
        (share < 1.0).then(|| inverse_gain(share) / self.changes)
    }

    /// What it is worth for a load's cost, in true answers, that a value which lives so many
    /// seconds doesn't go.
    ///
    /// If it goes, somebody may have to wait, which is worth so many true answers; and if somebody
    /// asks anyway, the load costs nothing more. So the wait counts by the odds that somebody asks
    /// during a life.
    #[must_use]
    pub fn keeping(self, life: f64, wait_weight: f64) -> f64 {
        let odds = libm::expm1((self.hits * life).min(MOST_HITS));
        ((self.hits / self.changes + odds * wait_weight) / self.cost).min(f64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_is_smooth_and_rises_from_zero_to_one() {
        assert_eq!(gain(0.0), 0.0);
        let (below, above) = (gain(SMALL * (1.0 - 1e-9)), gain(SMALL * (1.0 + 1e-9)));
        assert!((above - below).abs() < 1e-12, "{below} {above}");
        let mut last = 0.0;
        for step in 1..3_000 {
            let next = gain(f64::from(step) * 0.01);
            assert!(next > last && next < 1.0, "at {step}");
            last = next;
        }
        assert_eq!(gain(1e300), 1.0);
    }

    #[test]
    fn the_inverse_is_one() {
        for step in 1..2_000 {
            let x = libm::exp(f64::from(step) * 0.02 - 16.0);
            let y = gain(x);
            if y >= 1.0 - 1e-9 {
                break;
            }
            let found = inverse_gain(y);
            assert!((found / x - 1.0).abs() < 1e-6, "{x} {found}");
        }
        assert_eq!(inverse_gain(0.0), 0.0);
        assert!(inverse_gain(1.0 - 1e-15).is_finite());
    }

    #[test]
    fn an_entry_crosses_where_its_value_is_the_price() {
        let rates = Rates { hits: 3.0, changes: 0.1, cost: 2.0 };
        for price in [1e-9, 0.01, 1.0, 7.0, 14.9] {
            let age = rates.crossing(price).expect("it is below the most");
            assert!((rates.value(age) / price - 1.0).abs() < 1e-6, "{price}");
        }
        assert_eq!(rates.crossing(15.0), None);
        assert_eq!(rates.crossing(0.0), Some(0.0));
    }
}
