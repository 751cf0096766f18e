//! The arithmetic of the funds: pure functions over integers.

use openledger_types::{Amount, BasisPoints};

/// The budget of a class of rewards: at most what is there, times the part of the verification that was reached, and at
/// most a step above the last budget; a class opens small. So payouts never grow faster than they can be verified.
pub fn budget(
    last: Option<Amount>,
    most: Amount,
    verified: u64,
    target: u64,
    opening: BasisPoints,
    growth: BasisPoints,
) -> Amount {
    let covered = most.fraction(verified.min(target), target.max(1)).unwrap_or(Amount::ZERO);
    let limit = match last.filter(|last| *last > Amount::ZERO) {
        None => most.basis_points(opening),
        Some(last) => {
            // A very small budget grows too.
            let step = last.basis_points(growth).max(Amount(1));
            last.plus(step).unwrap_or(Amount(u64::MAX))
        }
    };
    covered.min(limit)
}

/// The median of counts; of an even number the lower of the two in the middle. Nothing of nothing.
pub(super) fn median(counts: &[u64]) -> u64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len().saturating_sub(1) >> 1;
    sorted.get(middle).copied().unwrap_or_default()
}

/// How much of what maintenance costs was paid, at most all of it.
pub(super) fn coverage(paid: Amount, required: Amount) -> BasisPoints {
    let whole = u64::from(BasisPoints::WHOLE.0);
    let part = Amount(whole).fraction(paid.0, required.0).map_or(whole, |part| part.0.min(whole));
    BasisPoints(u16::try_from(part).expect("at most the whole"))
}

/// What the burn gives while maintenance is not covered: the more is missing, the more.
pub(super) fn shift(coverage: BasisPoints, most: BasisPoints) -> BasisPoints {
    let missing = u32::from(BasisPoints::WHOLE.0.saturating_sub(coverage.0));
    let part = u32::from(most.0).saturating_mul(missing).div_ceil(u32::from(BasisPoints::WHOLE.0));
    BasisPoints(u16::try_from(part).expect("at most the most"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_floor_follows_the_coverage() {
        let cover = |paid, required| coverage(Amount(paid), Amount(required));
        assert_eq!(
            (cover(5, 10).0, cover(10, 10).0, cover(11, 10).0, cover(0, 0).0),
            (5_000, 10_000, 10_000, 10_000)
        );
        let most = BasisPoints(300);
        assert_eq!([0, 5_000, 9_999, 10_000].map(|part| shift(BasisPoints(part), most).0), [300, 150, 1, 0]);
        assert_eq!((median(&[]), median(&[7]), median(&[9, 1]), median(&[9, 1, 5])), (0, 7, 1, 5));
    }

    proptest! {
        /// A22: however the money that could be paid jumps, a budget opens at 5 % and grows by a quarter at most.
        #[test]
        fn a_shock_is_paid_slowly(pool in prop::collection::vec(1u64..1_000_000_000_000, 1..40), verified in 0u64..5) {
            let mut last = None;
            for most in pool {
                let next = budget(last, Amount(most), verified, 3, BasisPoints(500), BasisPoints(2_500));
                prop_assert!(next <= Amount(most));
                match last {
                    Some(Amount(before)) if before > 0 => prop_assert!(next.0 <= before + (before / 4).max(1)),
                    _ => prop_assert!(next.0 <= most / 20),
                }
                if verified == 0 { prop_assert_eq!(next, Amount(0)); }
                last = Some(next);
            }
        }
    }
}
