//! A bound of how many jobs can be done in some time, for traces that are too long for an exact
//! answer.

/// How many jobs fit into so much worker time, the shortest first, whenever they come and are due:
/// nobody can do more. Costs and capacity have the same unit.
pub(crate) fn most_done(costs: impl IntoIterator<Item = u64>, capacity: u64) -> usize {
    let mut sorted: Vec<u64> = costs.into_iter().collect();
    sorted.sort_unstable();
    let mut left = capacity;
    let fits = |cost: &u64| {
        let rest = left.checked_sub(*cost);
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    sorted.iter().copied().take_while(fits).count()
}
