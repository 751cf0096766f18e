//! The arithmetic of votes: pure functions over integers, so that anyone can recompute a tally.
//!
//! Sums are kept without a list of voters, so rounding has a direction: what a voter has is rounded down and what a house
//! has is rounded up. So the parts never exceed the whole, whatever the order in which records are touched, and dividing a
//! lock gains nothing.

use openledger_types::governance::{House, HouseSum, Tally, Terms, Weight};
use openledger_types::{BasisPoints, GovernanceParameters};

/// One in 2^-62.
const ONE: u128 = 1 << 62;

/// Which way a result is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Down,
    Up,
}

fn shifted(product: u128, bits: u32, rounding: Rounding) -> u128 {
    let last = (1u128 << bits).saturating_sub(1);
    match rounding {
        Rounding::Down => product >> bits,
        Rounding::Up => product.saturating_add(last) >> bits,
    }
}

fn times(one: u128, other: u128, rounding: Rounding) -> u128 {
    shifted(one.saturating_mul(other), 62, rounding)
}

fn power(base: u128, exponent: u64, rounding: Rounding) -> u128 {
    let (mut result, mut square, mut left) = (ONE, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = times(result, square, rounding);
        }
        square = times(square, square, rounding);
        left >>= 1;
    }
    result
}

/// `2^(-1 / half_life)`: the last number from below whose power, rounded up, is at most a half; or the first from above.
fn root(half_life: u64, rounding: Rounding) -> u128 {
    let half = ONE >> 1;
    let (mut low, mut high) = (half, ONE);
    while high.saturating_sub(low) > 1 {
        let middle = low.saturating_add(high) >> 1;
        let below = match rounding {
            Rounding::Down => power(middle, half_life, Rounding::Up) <= half,
            Rounding::Up => power(middle, half_life, Rounding::Down) < half,
        };
        if below {
            low = middle;
        } else {
            high = middle;
        }
    }
    if rounding == Rounding::Down { low } else { high }
}

/// What remains of `amount` after `elapsed` epochs: `amount * 2^(-elapsed / half_life)`, never above the true value when
/// rounded down, never below it when rounded up.
pub(super) fn decay(amount: u64, elapsed: u64, half_life: u64, rounding: Rounding) -> u64 {
    let half_life = half_life.max(1);
    let whole = elapsed.checked_div(half_life).unwrap_or(0);
    let Some(whole) = u32::try_from(whole).ok().filter(|whole| *whole < u64::BITS) else {
        return u64::from(rounding == Rounding::Up && amount > 0);
    };
    let rest = elapsed.checked_rem(half_life).unwrap_or(0);
    let factor = if rest == 0 { ONE } else { power(root(half_life, rounding), rest, rounding) };
    let left = shifted(u128::from(amount).saturating_mul(factor), whole.saturating_add(62), rounding);
    u64::try_from(left).expect("a part of a number is at most the number")
}

/// `floor(amount * numerator / denominator)` for a part of a whole; nothing of nothing.
pub(super) fn part(amount: u64, numerator: u64, denominator: u64) -> u64 {
    let product = u128::from(amount).saturating_mul(u128::from(numerator));
    let part = product.checked_div(u128::from(denominator)).unwrap_or(0);
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// The sum of a house after `elapsed` epochs without a change.
pub(super) fn grown(
    sum: HouseSum,
    house: House,
    elapsed: u64,
    parameters: &GovernanceParameters,
) -> HouseSum {
    let (full, missing) = (sum.full, sum.missing);
    match house {
        House::Token => {
            let half_life = parameters.token_half_life_epochs;
            HouseSum { full, missing: decay(missing, elapsed, half_life, Rounding::Down) }
        }
        House::Contributors => {
            let half_life = parameters.contributor_half_life_epochs;
            HouseSum { full: decay(full, elapsed, half_life, Rounding::Up), missing }
        }
    }
}

/// The same for one voter, rounded the other way.
pub(super) fn aged(weight: Weight, house: House, epoch: u64, parameters: &GovernanceParameters) -> Weight {
    let elapsed = epoch.saturating_sub(weight.epoch);
    let (full, missing) = (weight.full, weight.missing);
    match house {
        House::Token => {
            let half_life = parameters.token_half_life_epochs;
            Weight { epoch, full, missing: decay(missing, elapsed, half_life, Rounding::Up) }
        }
        House::Contributors => {
            let half_life = parameters.contributor_half_life_epochs;
            Weight { epoch, full: decay(full, elapsed, half_life, Rounding::Down), missing }
        }
    }
}

/// What counts of a sum: all of it less what conviction lacks.
pub(super) fn counted(sum: HouseSum) -> u64 {
    sum.full.saturating_sub(sum.missing)
}

/// What counted of a voter at the beginning of an epoch: whatever was registered in that epoch or later does not.
pub(super) fn weight_at(
    weights: &[Weight],
    house: House,
    epoch: u64,
    parameters: &GovernanceParameters,
) -> u64 {
    let before = weights.iter().rev().find(|weight| weight.epoch < epoch);
    before.map_or(0, |weight| {
        let weight = aged(*weight, house, epoch, parameters);
        weight.full.saturating_sub(weight.missing)
    })
}

/// What a cluster counts: everything it gave, or the cap, divided like what it gave. A function of what was given alone,
/// so the order of votes does not matter.
pub(super) fn capped(given: &[u64], cap: u64) -> Vec<u64> {
    let sum = given.iter().fold(0u64, |sum, one| sum.saturating_add(*one));
    given.iter().map(|one| if sum <= cap { *one } else { part(cap, *one, sum) }).collect()
}

/// Whether `votes` are at least this part of the house. Nobody is no quorum.
pub(super) fn reaches(votes: u64, total: u64, share: u16) -> bool {
    let votes = u128::from(votes).saturating_mul(u128::from(BasisPoints::WHOLE.0));
    total > 0 && votes >= u128::from(total).saturating_mul(u128::from(share))
}

/// Objections in basis points of the house that objects more.
pub(super) fn objections(token: &Tally, contributors: &Tally) -> u64 {
    let whole = u64::from(BasisPoints::WHOLE.0);
    part(whole, token.no, token.total).max(part(whole, contributors.no, contributors.total))
}

/// Epochs from approval to execution: from the low end to the high end as objections go from their low to their high end.
pub(super) fn delay(terms: &Terms, objections: u64) -> u64 {
    let (low, high) = (u64::from(terms.objection_low), u64::from(terms.objection_high));
    let over = objections.clamp(low, high.max(low)).saturating_sub(low);
    let stretch = terms.delay_high_epochs.saturating_sub(terms.delay_low_epochs);
    let range = high.saturating_sub(low);
    let grown = if range == 0 { 0 } else { part(stretch, over, range) };
    terms.delay_low_epochs.saturating_add(grown)
}

/// Whether a value is within the band around its anchor.
pub(super) fn within_band(value: u64, anchor: u64, band: BasisPoints) -> bool {
    let difference = u128::from(value.abs_diff(anchor)).saturating_mul(u128::from(BasisPoints::WHOLE.0));
    difference <= u128::from(anchor).saturating_mul(u128::from(band.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_remains_after_a_half_life() {
        for half_life in [1, 2, 7, 90, 3_650] {
            let down = decay(1_000_000, half_life, half_life, Rounding::Down);
            let up = decay(1_000_000, half_life, half_life, Rounding::Up);
            assert_eq!((down, up), (500_000, 500_000), "{half_life}");
        }
        assert_eq!(decay(1_000_000, 1, 7, Rounding::Down), 905_723);
        assert_eq!(decay(1_000_000, 1, 7, Rounding::Up), 905_724);
        // Nine tenths of the weight after 3.32 half-lives.
        assert_eq!(decay(1_000, 23, 7, Rounding::Up), 103);
        assert_eq!(decay(u64::MAX, 0, 7, Rounding::Down), u64::MAX);
        assert_eq!((decay(5, u64::MAX, 7, Rounding::Down), decay(5, u64::MAX, 7, Rounding::Up)), (0, 1));
    }

    #[test]
    fn a_delay_grows_with_objections() {
        let terms = Terms {
            token: 0,
            contributors: 0,
            token_cap: 0,
            contributor_cap: 0,
            delay_low_epochs: 7,
            delay_high_epochs: 45,
            objection_low: 100,
            objection_high: 1_000,
            execution_epochs: 30,
            sunset_epochs: 365,
        };
        let delays = [0, 100, 325, 550, 1_000, 10_000].map(|objections| delay(&terms, objections));
        assert_eq!(delays, [7, 7, 16, 26, 45, 45]);
    }

    #[test]
    fn a_bound_is_inside() {
        assert!(reaches(1_000, 10_000, 1_000) && !reaches(999, 10_000, 1_000));
        assert!(reaches(0, 1, 0) && !reaches(0, 0, 0), "nobody is no quorum");
        let values = [899, 900, 1_100, 1_101].map(|value| within_band(value, 1_000, BasisPoints(1_000)));
        assert_eq!(values, [false, true, true, false]);
        assert_eq!(capped(&[30, 10], 40), [30, 10]);
        assert_eq!(capped(&[30, 11], 40), [29, 10], "each part is floored");
        assert_eq!((part(7, 3, 2), part(7, 3, 0)), (10, 0));
        assert_eq!(counted(HouseSum { full: 3, missing: 4 }), 0);
    }

    /// Half a half-life's rest: the house is rounded so that it never has less than its voters.
    #[test]
    fn weights_age_by_house_and_count_from_the_next_epoch() {
        let parameters = crate::tests::World::new().parameters.governance;
        let (token, work) = (parameters.token_half_life_epochs, parameters.contributor_half_life_epochs);
        let sum = HouseSum { full: 101, missing: 41 };
        assert_eq!(grown(sum, House::Token, token, &parameters), HouseSum { full: 101, missing: 20 });
        assert_eq!(grown(sum, House::Contributors, work, &parameters), HouseSum { full: 51, missing: 41 });
        let weights = [Weight { epoch: 3, full: 9, missing: 0 }, Weight { epoch: 5, full: 101, missing: 41 }];
        let at = |house, epoch| weight_at(&weights, house, epoch, &parameters);
        assert_eq!(at(House::Token, 3), 0);
        assert_eq!(at(House::Token, 5), 9, "what was registered in an epoch does not count in it");
        assert_eq!(at(House::Token, 5 + token), 101 - 21);
        assert_eq!(at(House::Contributors, 5 + work), 50 - 41);
    }

    #[test]
    fn objections_are_those_of_the_house_that_objects_more() {
        let tally = |no| Tally { no, yes: 0, total: 1_000 };
        assert_eq!(objections(&tally(10), &tally(7)), 100);
        assert_eq!(objections(&tally(1), &tally(7)), 70);
    }

    proptest! {
        #[test]
        fn rounding_encloses_and_composes(amount in any::<u64>(), one in 0u64..400, two in 0u64..400, half_life in 1u64..200) {
            let at_once = |rounding| decay(amount, one + two, half_life, rounding);
            let in_steps = |rounding| decay(decay(amount, one, half_life, rounding), two, half_life, rounding);
            prop_assert!(in_steps(Rounding::Down) <= at_once(Rounding::Up));
            prop_assert!(at_once(Rounding::Down) <= in_steps(Rounding::Up));
            prop_assert!(at_once(Rounding::Up) - at_once(Rounding::Down) <= 1 + (amount >> 40));
        }

        #[test]
        fn a_cap_is_never_exceeded_and_never_gives(given in prop::collection::vec(any::<u32>(), 1..8), cap in any::<u32>()) {
            let given: Vec<u64> = given.into_iter().map(u64::from).collect();
            let counted = capped(&given, u64::from(cap));
            prop_assert!(counted.iter().sum::<u64>() <= u64::from(cap).min(given.iter().sum()));
            prop_assert!(counted.iter().zip(&given).all(|(counted, given)| counted <= given));
        }
    }
}
