//! Medians and other quantiles, the same for all tables.

/// The values at these shares of the way from the least to the greatest; `None` of no values.
pub(crate) fn quantiles<const N: usize>(
    values: impl IntoIterator<Item = f64>,
    shares: [f64; N],
) -> Option<[f64; N]> {
    let mut values = values.into_iter().collect::<Vec<_>>();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(shares.map(|share| values[(share * last as f64).round() as usize]))
}

/// Of an even number of values the upper one in the middle; `None` of no values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantiles(values, [0.5]).map(|[median]| median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_there() {
        let nine = || (1..=9).rev().map(f64::from);
        assert_eq!(quantiles(nine(), [0.0, 0.25, 0.5, 0.75, 1.0]), Some([1.0, 3.0, 5.0, 7.0, 9.0]));
        assert_eq!(median([4.0, 1.0, 3.0, 2.0]), Some(3.0));
        assert_eq!(median([]), None);
    }
}
