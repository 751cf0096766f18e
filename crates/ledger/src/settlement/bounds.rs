//! What the sum of many floored parts may be, when only the sum of the wholes is known.

use openledger_types::{Amount, BasisPoints};

/// A closed range of amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) low: u128,
    pub(super) high: u128,
}

impl Bounds {
    /// No numbers at all.
    pub(super) const NOTHING: Self = Self { low: 0, high: 0 };

    /// `count` numbers sum to `total`; each is multiplied by `numerator / denominator` and floored. Their sum is at most
    /// the floored part of the total, and less by at most one unit per further number: the sum of `count` fractional
    /// parts is below `count`.
    pub(super) fn of_floors(total: Amount, numerator: u64, denominator: u64, count: u32) -> Self {
        let product = u128::from(total.0).saturating_mul(u128::from(numerator));
        let high = product.checked_div(u128::from(denominator)).unwrap_or(0);
        Self { low: high.saturating_sub(u128::from(count.saturating_sub(1))), high }
    }

    /// The same for a ratio in basis points.
    pub(super) fn of_shares(total: Amount, share: BasisPoints, count: u32) -> Self {
        Self::of_floors(total, u64::from(share.0), u64::from(BasisPoints::WHOLE.0), count)
    }

    /// The part that takes what `others` floored parts leave: at least its own exact part, and more by less than one
    /// unit per other part and number, but never more than the total.
    pub(super) fn of_remainder(total: Amount, share: BasisPoints, others: u32, count: u32) -> Self {
        let exact = Self::of_shares(total, share, 1);
        let left = u128::from(others).saturating_mul(u128::from(count));
        Self { low: exact.high, high: exact.high.saturating_add(left).min(u128::from(total.0)) }
    }

    /// Parts of parts: each of `count` numbers is floored to `first` of it, and that to `second`.
    pub(super) fn of_nested(total: Amount, first: BasisPoints, second: BasisPoints, count: u32) -> Self {
        let inner = Self::of_shares(total, first, count);
        let part = |whole: u128| {
            let product = whole.saturating_mul(u128::from(second.0));
            product.checked_div(u128::from(BasisPoints::WHOLE.0)).unwrap_or(0)
        };
        let low = part(inner.low).saturating_sub(u128::from(count.saturating_sub(1)));
        Self { low, high: part(inner.high) }
    }

    /// What is left of `total` when both are taken from it.
    pub(super) fn rest_of(total: Amount, one: Self, other: Self) -> Self {
        let rest = |taken: u128| u128::from(total.0).saturating_sub(taken);
        Self { low: rest(one.high.saturating_add(other.high)), high: rest(one.low.saturating_add(other.low)) }
    }

    /// Both sums together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self { low: self.low.saturating_add(other.low), high: self.high.saturating_add(other.high) }
    }

    pub(super) fn contain(self, amount: Amount) -> bool {
        (self.low..=self.high).contains(&u128::from(amount.0))
    }
}
