//! What a distribution of payouts looks like in one number. Integers in, floats out: these numbers are printed and
//! compared with bars, and nothing in the state is made from them.
//! Sources: mechanism notes, sections 1 (concentration) and 8 (A1). Absent: intervals; see `statistics`.

fn sum(values: &[u64]) -> f64 {
    values.iter().map(|value| *value as f64).sum()
}

/// Gini coefficient: with the values `x` sorted upwards and numbered from 1,
/// `G = 2 Σ i x_i / (n Σ x) - (n + 1) / n`. 0 when all are equal, `(n - 1) / n` when one has everything; 0 for nothing.
pub fn gini(values: &[u64]) -> f64 {
    let total = sum(values);
    if total == 0.0 {
        return 0.0;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let count = sorted.len() as f64;
    let ranked: f64 = sorted.iter().zip(1u32..).map(|(value, rank)| f64::from(rank) * *value as f64).sum();
    2.0 * ranked / (count * total) - (count + 1.0) / count
}

/// Herfindahl-Hirschman index in points: `HHI = Σ (100 x_i / Σ x)²`; 10,000 is a monopoly, 0 stands for nothing.
pub fn hhi(values: &[u64]) -> f64 {
    let total = sum(values);
    if total == 0.0 {
        return 0.0;
    }
    let points = values.iter().map(|value| 100.0 * *value as f64 / total);
    points.map(|share| share * share).sum()
}

/// Nakamoto coefficient: the least number of entities that together hold more than half; 0 for nothing.
pub fn nakamoto(values: &[u64]) -> usize {
    let total: u128 = values.iter().map(|value| u128::from(*value)).sum();
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    let mut held = 0u128;
    for (place, value) in sorted.iter().enumerate() {
        held += u128::from(*value);
        if held * 2 > total {
            return place + 1;
        }
    }
    0
}

/// Residual supply index: what is left of the capacity without its `largest` owners, over the demand; 0 for no demand. Below
/// one, demand cannot be met without them.
pub fn residual_supply(capacities: &[u64], largest: usize, demand: u64) -> f64 {
    let mut sorted = capacities.to_vec();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    ratio(sum(sorted.get(largest..).unwrap_or_default()), demand as f64)
}

/// The share of what was paid that went to junk: `Σ paid to junk / Σ paid`; 0 when nothing was paid. Each line is what
/// was paid and whether it went to junk.
pub fn junk_share(lines: &[(u64, bool)]) -> f64 {
    let of = |wanted: &dyn Fn(bool) -> bool| -> f64 {
        lines.iter().filter(|(_, junk)| wanted(*junk)).map(|(paid, _)| *paid as f64).sum()
    };
    ratio(of(&|junk| junk), of(&|_| true))
}

/// `part / whole`, 0 when there is no whole.
pub fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-12, "{one} is not {other}");
    }

    #[test]
    fn gini_of_known_distributions() {
        near(gini(&[5, 5, 5, 5]), 0.0);
        near(gini(&[0, 0, 0, 9]), 0.75);
        near(gini(&[3, 1]), 0.25);
        near(gini(&[1, 2, 3, 4]), 0.25);
        near(gini(&[]), 0.0);
        near(gini(&[0, 0]), 0.0);
    }

    #[test]
    fn residual_supply_of_known_markets() {
        near(residual_supply(&[30, 20, 60, 10, 15], 3, 20), 1.25);
        near(residual_supply(&[5, 5, 5], 3, 20), 0.0);
        near(residual_supply(&[5, 5], 3, 20), 0.0);
        near(residual_supply(&[5, 5], 0, 0), 0.0);
    }

    #[test]
    fn hhi_of_known_distributions() {
        near(hhi(&[7]), 10_000.0);
        near(hhi(&[1, 1]), 5_000.0);
        near(hhi(&[1; 10]), 1_000.0);
        near(hhi(&[60, 30, 10]), 4_600.0);
        near(hhi(&[]), 0.0);
    }

    #[test]
    fn nakamoto_counts_who_holds_more_than_half() {
        for (values, expected) in [
            (&[51, 49][..], 1),
            (&[50, 50], 2),
            (&[1, 1, 1, 1], 3),
            (&[10, 40, 20, 30], 2),
            (&[], 0),
            (&[0, 0], 0),
        ] {
            assert_eq!(nakamoto(values), expected, "{values:?}");
        }
        assert_eq!(nakamoto(&[u64::MAX, u64::MAX, u64::MAX]), 2);
    }

    #[test]
    fn junk_is_a_share_of_what_was_paid() {
        near(junk_share(&[(3, true), (1, false)]), 0.75);
        near(junk_share(&[(3, false)]), 0.0);
        near(junk_share(&[(0, true)]), 0.0);
        near(junk_share(&[]), 0.0);
    }
}
