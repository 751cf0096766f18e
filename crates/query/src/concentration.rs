//! How unevenly something is spread: the largest part, and the effective number of parts (the inverse of the sum of
//! squared parts: Hill number of order 2, Laakso and Taagepera 1979). Integers in millionths, so that the same facts
//! print the same digits everywhere.

const PARTS_PER_WHOLE: u128 = 1_000_000;

/// The largest part in basis points, and the effective number of parts in thousandths; zeros when there is nothing.
pub(crate) fn concentration(amounts: impl Iterator<Item = i128>) -> (u64, u64) {
    let amounts: Vec<u128> = amounts.filter_map(|amount| u128::try_from(amount).ok()).collect();
    let total: u128 = amounts.iter().sum();
    let Some(largest) = amounts.iter().max().filter(|_| total > 0) else { return (0, 0) };
    let squares: u128 = amounts.iter().map(|amount| (amount * PARTS_PER_WHOLE / total).pow(2)).sum();
    let effective = (PARTS_PER_WHOLE * PARTS_PER_WHOLE * 1_000).checked_div(squares);
    // So many parts that each is below a millionth: the number of parts is the best bound that there is.
    let effective = effective.unwrap_or(amounts.len() as u128 * 1_000).min(amounts.len() as u128 * 1_000);
    let narrow = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
    (narrow(largest * 10_000 / total), narrow(effective))
}

#[cfg(test)]
mod tests {
    use super::concentration;

    #[test]
    fn equal_parts_count_fully_and_a_monopoly_counts_once() {
        for (amounts, expected) in [
            (vec![], (0, 0)),
            (vec![0, 0], (0, 0)),
            (vec![7], (10_000, 1_000)),
            (vec![5, 5, 5, 5], (2_500, 4_000)),
            (vec![3, 1], (7_500, 1_600)),
            (vec![1_000_000, 1], (9_999, 1_000)),
        ] {
            let case = format!("{amounts:?}");
            assert_eq!(concentration(amounts.into_iter()), expected, "{case}");
        }
    }
}
