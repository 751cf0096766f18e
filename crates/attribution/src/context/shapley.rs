//! Exact Shapley values from the values of all sets. Absent: more players than all sets can be valued for.

use super::Parts;

/// `values[S]` is the value of the set whose bits are `S`; `1 << players` of them.
pub(super) fn parts(players: usize, values: &[i64]) -> Parts {
    // How many orders have a given set of this size before the player and the others behind.
    let orders = |before: usize| factorial(before) * factorial(players.saturating_sub(before + 1));
    let numerators = (0..players).map(|player| {
        let without = (0..values.len()).filter(|set| set & (1 << player) == 0);
        without
            .map(|set| {
                let adds = i128::from(values[set | 1 << player]) - i128::from(values[set]);
                orders(set.count_ones() as usize) * adds
            })
            .sum()
    });
    Parts { numerators: numerators.collect(), denominator: factorial(players) }
}

fn factorial(n: usize) -> i128 {
    (1..=n as i128).product()
}
