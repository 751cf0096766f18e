//! The arithmetic of evaluations: bounds of a mean in integers, rounded outwards, so that nothing follows from rounding.

use openledger_types::BasisPoints;
use openledger_types::maturity::EvaluationRecord;

/// The 90 % quantile of the normal distribution, in ten-thousandths.
const QUANTILE: i128 = 12_816;
/// An uplift of one.
pub(super) const WHOLE: i32 = 1 << 16;

/// Both ends of the one-sided 90 % intervals of the mean uplift, in 1/2^16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The mean is above this.
    pub lower: i64,
    /// The mean is below this.
    pub upper: i64,
}

/// The bounds; with fewer than two evaluations nothing is known.
pub fn bounds(record: &EvaluationRecord) -> Bounds {
    let unknown = Bounds { lower: i64::from(-WHOLE), upper: i64::from(WHOLE) };
    if record.count < 2 {
        return unknown;
    }
    known(record).unwrap_or(unknown)
}

fn known(record: &EvaluationRecord) -> Option<Bounds> {
    let (count, sum) = (i128::from(record.count), i128::from(record.sum));
    // (n * squares - sum^2) / (n^2 * (n - 1)) is the squared standard error, in 1/2^32; a thousandth of a unit is kept.
    let spread = count.checked_mul(i128::from(record.squares))?.checked_sub(sum.checked_mul(sum)?)?;
    let divisor = count.checked_mul(count)?.checked_mul(count.checked_sub(1)?)?;
    let squared = spread.max(0).checked_mul(1_000_000)?.checked_div(divisor)?.checked_add(1)?;
    let error = i128::try_from(u128::try_from(squared).ok()?.isqrt()).ok()?.checked_add(1)?;
    let margin = error.checked_mul(QUANTILE)?.checked_div(10_000_000)?.checked_add(1)?;
    let mean = sum.checked_div_euclid(count)?;
    Some(Bounds {
        lower: i64::try_from(mean.checked_sub(margin)?).ok()?,
        upper: i64::try_from(mean.checked_add(margin)?.checked_add(1)?).ok()?,
    })
}

/// The quality that follows: whole while the upper bound is not below zero, and less by `slope` times what it is below.
pub fn quality(upper: i64, slope: u64) -> BasisPoints {
    let below = u64::try_from(upper.saturating_neg()).unwrap_or(0);
    let whole = u64::from(BasisPoints::WHOLE.0);
    let lost = (below.saturating_mul(whole) >> 16).saturating_mul(slope).min(whole);
    BasisPoints(u16::try_from(whole.saturating_sub(lost)).unwrap_or(0))
}
