//! Amounts of money. Integers only: 1 credit (C) is 1,000,000 microcredits (uC), and OPEN is counted the same way.
//! Products are taken in 128 bits; every operation that could overflow returns an `Option`.
//! Absent: prices in other currencies, and any floating point.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// How many units make one whole credit or one whole OPEN.
pub const UNITS_PER_WHOLE: u64 = 1_000_000;

/// What an amount is an amount of.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Asset {
    /// The unit of prices, deposited and withdrawn.
    Credit,
    /// Stake, bond and vote. Nothing pays OPEN for volume.
    Open,
}

impl Asset {
    /// The symbol printed after an amount.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Credit => "C",
            Self::Open => "OPEN",
        }
    }
}

/// An amount in millionths of its asset (uC for credits).
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Amount(pub u64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole units (credits or OPEN), or `None` on overflow.
    pub fn whole(count: u64) -> Option<Self> {
        count.checked_mul(UNITS_PER_WHOLE).map(Self)
    }

    /// Sum, or `None` on overflow.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Difference, or `None` when `other` is larger.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `floor(self * numerator / denominator)` in 128 bits; `None` when the denominator is zero or the result
    /// does not fit.
    pub fn fraction(self, numerator: u64, denominator: u64) -> Option<Self> {
        let product = u128::from(self.0).checked_mul(u128::from(numerator))?;
        u64::try_from(product.checked_div(u128::from(denominator))?).ok().map(Self)
    }

    /// The part in basis points, floored.
    pub fn basis_points(self, share: BasisPoints) -> Self {
        self.fraction(u64::from(share.0), u64::from(BasisPoints::WHOLE.0)).unwrap_or(Self::ZERO)
    }

    /// Sum of many, or `None` on overflow.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / UNITS_PER_WHOLE, self.0 % UNITS_PER_WHOLE)
    }
}

/// A ratio in ten-thousandths, at most [`BasisPoints::WHOLE`].
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct BasisPoints(pub u16);

impl BasisPoints {
    /// All of it: 10,000.
    pub const WHOLE: Self = Self(10_000);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_six_decimals_and_never_overflow() {
        assert_eq!(Amount(1_234_567).to_string(), "1.234567");
        assert_eq!(Amount(7).to_string(), "0.000007");
        assert_eq!(Amount(u64::MAX).plus(Amount(1)), None);
        assert_eq!(Amount(1).minus(Amount(2)), None);
        assert_eq!(Amount(u64::MAX).basis_points(BasisPoints::WHOLE), Amount(u64::MAX));
        assert_eq!(Amount(10_007).basis_points(BasisPoints(4_500)), Amount(4_503));
        assert_eq!(Amount(1).fraction(1, 0), None);
    }
}
