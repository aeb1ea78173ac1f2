//! The best that a budget can do: computed, not simulated.
//!
//! J. Cho and H. Garcia-Molina, Effective page refresh policies for web crawlers, 2003. An entry
//! that changes with rate *d* and is loaded after each time *t* is current for the share
//! (1 - e^(-*dt*)) / *dt* of the time. The shares, weighted by how often the entries are asked
//! for, are largest together where the marginal freshness of one more load per cost is the same
//! for all that are loaded at all.

/// What is true of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    /// How often it is asked for, a second.
    pub(super) accesses: f64,
    /// How often it changes, a second.
    pub(super) changes: f64,
    /// What a load costs.
    pub(super) cost: f64,
}

/// Halvings of an interval: more than a double has bits.
const HALVINGS: usize = 64;

/// The largest share of answers that are current, if loads may cost `budget` a second. 1.0 if
/// nobody asks. O(entries), times a few thousand exponentials.
pub(super) fn freshness(entries: &[Rates], budget: f64) -> f64 {
    let asked: f64 = entries.iter().map(|entry| entry.accesses).sum();
    if asked == 0.0 {
        return 1.0;
    }
    let dearest = entries.iter().filter(|it| it.changes > 0.0).map(worth).fold(0.0, f64::max);
    let (mut low, mut high) = (dearest * 1e-15, dearest);
    for _ in 0..HALVINGS {
        let price = libm::sqrt(low * high);
        let rate = |entry: &Rates| period(entry, price).map_or(0.0, |period| entry.cost / period);
        let spent: f64 = entries.iter().map(rate).sum();
        *(if spent > budget { &mut low } else { &mut high }) = price;
    }
    let current = |entry: &Rates| match (entry.changes > 0.0, period(entry, high)) {
        (false, _) => 1.0,
        (true, None) => 0.0,
        (true, Some(period)) => {
            let changes = entry.changes * period;
            -libm::expm1(-changes) / changes
        }
    };
    entries.iter().map(|entry| entry.accesses * current(entry)).sum::<f64>() / asked
}

/// The marginal freshness per cost of a load after an endless time.
fn worth(entry: &Rates) -> f64 {
    entry.accesses / (entry.changes * entry.cost)
}

/// The time between two loads at which one more is worth this price; `None` if it never is.
fn period(entry: &Rates, price: f64) -> Option<f64> {
    if entry.changes == 0.0 || worth(entry) <= price {
        return None;
    }
    let share = price / worth(entry);
    let (mut low, mut high) = (0.0, 800.0);
    for _ in 0..HALVINGS {
        let changes = 0.5 * (low + high);
        let gained = -libm::expm1(-changes) - changes * libm::exp(-changes);
        *(if gained < share { &mut low } else { &mut high }) = changes;
    }
    Some(0.5 * (low + high) / entry.changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(accesses: f64, changes: f64) -> Rates {
        Rates { accesses, changes, cost: 1.0 }
    }

    #[test]
    fn equal_entries_are_loaded_equally_often() {
        let entries = [entry(3.0, 0.5); 10];
        let share = freshness(&entries, 5.0);
        assert!((share - (1.0 - libm::exp(-1.0))).abs() < 1e-6, "{share}");
        let dear = [Rates { cost: 2.0, ..entry(3.0, 0.5) }; 10];
        assert!((freshness(&dear, 10.0) - share).abs() < 1e-6);
    }

    /// No other division of the budget is better: tried on a grid.
    #[test]
    fn no_division_of_the_budget_is_better() {
        let entries = [entry(1.0, 0.1), entry(2.0, 3.0)];
        let best = freshness(&entries, 1.0);
        let current = |entry: &Rates, rate: f64| {
            entry.accesses * (1.0 - libm::exp(-entry.changes / rate)) * rate / entry.changes
        };
        let divisions = (1..10_000).map(|part| f64::from(part) / 10_000.0);
        let shares =
            divisions.map(|part| current(&entries[0], part) + current(&entries[1], 1.0 - part));
        let tried = shares.fold(0.0, f64::max) / 3.0;
        assert!((best - tried).abs() < 1e-4, "{best}, not {tried}");
    }

    #[test]
    fn extremes_are_what_they_should_be() {
        assert_eq!(freshness(&[entry(0.0, 1.0)], 1.0), 1.0);
        assert_eq!(freshness(&[entry(1.0, 0.0)], 1.0), 1.0);
        assert!(freshness(&[entry(1.0, 1.0)], 1e6) > 0.999_999);
        assert!(freshness(&[entry(1.0, 1.0)], 1e-9) < 1e-6);
        // What changes too fast for its price is given up.
        let given_up = freshness(&[entry(1.0, 1e9), entry(1.0, 0.01)], 0.1);
        assert!((0.45..0.5).contains(&given_up), "{given_up}");
    }
}
