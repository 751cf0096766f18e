//! The natural logarithm in fixed point, by integers alone, so that every machine computes the same weights.
//! Absent: anything but positive integers as arguments.

/// ln 2 in units of 2^-32.
const LN_2: u64 = 2_977_044_472;

/// log2(x) in units of 2^-32, rounded down, for `x >= 1`: squaring the mantissa gives one binary digit a time.
fn log2(x: u64) -> u64 {
    let whole = 63 - u64::from(x.leading_zeros());
    let mut mantissa = x << x.leading_zeros();
    let mut result = whole;
    for _ in 0..32 {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let digit = u64::from(square >= 1 << 64);
        mantissa = (square >> digit) as u64;
        result = result << 1 | digit;
    }
    result
}

/// ln(numerator / denominator) in units of 2^-16, rounded to the nearest; 0 where it would be negative.
///
/// Both arguments are at least 1; 0 is read as 1.
pub(crate) fn ln_ratio(numerator: u64, denominator: u64) -> u64 {
    let difference = log2(numerator.max(1)).saturating_sub(log2(denominator.max(1)));
    let nats = (u128::from(difference) * u128::from(LN_2)) >> 32;
    ((nats + (1 << 15)) >> 16) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let rows = [
            (1, 1, 0),
            (2, 1, 45426),
            (10, 1, 150902),
            (3, 2, 26573),
            (u64::MAX, 1, 2907270),
            (1, 2, 0),
            (0, 0, 0),
        ];
        for (numerator, denominator, expected) in rows {
            assert_eq!(ln_ratio(numerator, denominator), expected, "ln({numerator}/{denominator})");
        }
    }

    proptest! {
        #[test]
        fn is_the_logarithm(numerator in 1u64..1 << 50, denominator in 1u64..1 << 50) {
            let expected = ((numerator as f64 / denominator as f64).ln() * 65536.0).max(0.0);
            prop_assert!((ln_ratio(numerator, denominator) as f64 - expected).abs() <= 0.51);
        }

        #[test]
        fn rises(a in 1u64.., b in 1u64..) {
            prop_assert!(log2(a.min(b)) <= log2(a.max(b)));
        }
    }
}
