//! Exponential, logarithm, sine and cosine with one result on every machine.
//!
//! Rule: only addition, subtraction, multiplication, division, square root and fused multiply-add,
//! all of which IEEE 754 rounds in one way. The system's mathematical library is never asked, because
//! its results differ between systems.
//! Absent: the last bit. Errors stay under two units in the last place, which is enough here.

/// `1.5 * 2^23`: adding and subtracting it rounds an `f32` of small magnitude to a whole number, ties
/// to even, on every machine and without an instruction for it.
pub(crate) const ROUND_F32: f32 = 12_582_912.0;

pub(crate) const LN_2_HIGH: f32 = std::f32::consts::LN_2;
/// What `LN_2_HIGH` lacks of the true logarithm of two.
pub(crate) const LN_2_LOW: f32 = -1.904_654_3e-9;

/// Bounds of the arguments of [`exp_f32`].
pub(crate) const EXP_MIN: f32 = -87.0;
pub(crate) const EXP_MAX: f32 = 88.0;
/// Taylor's coefficients of `e^r`, from the seventh down.
pub(crate) const EXP_TERMS: [f32; 8] =
    [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

/// `e^x` for finite `x`; arguments outside of -87 to 88 are taken as the nearer bound.
///
/// `n = round(x / ln 2)`, `r = x - n ln 2`, then the Taylor polynomial of degree 7 of `e^r` by Horner
/// with fused steps, times `2^n`.
#[inline(always)]
pub(crate) fn exp_f32(x: f32) -> f32 {
    let x = if x > EXP_MIN { x } else { EXP_MIN };
    let x = if x < EXP_MAX { x } else { EXP_MAX };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND_F32);
    let n = shifted - ROUND_F32;
    let r = n.mul_add(-LN_2_HIGH, x);
    let r = n.mul_add(-LN_2_LOW, r);
    let mut p = EXP_TERMS[0];
    for term in &EXP_TERMS[1..] {
        p = p.mul_add(r, *term);
    }
    // The low bits of `shifted` are n; shifted left they become the exponent of 2^n.
    let power = shifted.to_bits().wrapping_add(127).wrapping_shl(23);
    p * f32::from_bits(power)
}

/// `x / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn silu_f32(x: f32) -> f32 {
    x / (1.0 + exp_f32(-x))
}

/// `e^x` in double precision, for `x` of magnitude up to 700; the same bits on every machine.
pub fn exp_f64(x: f64) -> f64 {
    let n = round_f64(x * std::f64::consts::LOG2_E);
    // r is at most ln 2 / 2; 24 terms leave an error far below the last bit.
    let r = (x - n * 0.693_147_180_369_123_8) - n * 1.908_214_929_270_587_7e-10;
    let mut sum = 1.0;
    for k in (1..=24).rev() {
        sum = 1.0 + sum * r / f64::from(k);
    }
    let exponent = (n as i64 + 1023).clamp(1, 2046) as u64;
    sum * f64::from_bits(exponent << 52)
}

/// The natural logarithm of a positive normal number.
pub fn ln_f64(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = ((bits >> 52) as i64 - 1023) as f64;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    // ln m = 2 artanh((m - 1) / (m + 1)); the quotient is below 1/3.
    let q = (mantissa - 1.0) / (mantissa + 1.0);
    let square = q * q;
    let mut sum = 0.0;
    for k in (0..30).rev() {
        sum = sum * square + 1.0 / f64::from(2 * k + 1);
    }
    exponent * std::f64::consts::LN_2 + 2.0 * q * sum
}

/// Sine and cosine of `x`, for `x` of magnitude up to about a million.
pub(crate) fn sin_cos_f64(x: f64) -> (f64, f64) {
    // Quarter turns, in three parts so that the remainder keeps its digits.
    const QUARTER_HIGH: f64 = 1.570_796_326_734_125_6;
    const QUARTER_MIDDLE: f64 = 6.077_100_506_303_966e-11;
    const QUARTER_LOW: f64 = 2.022_266_248_795_950_6e-21;
    let n = round_f64(x * std::f64::consts::FRAC_2_PI);
    let r = ((x - n * QUARTER_HIGH) - n * QUARTER_MIDDLE) - n * QUARTER_LOW;
    let square = r * r;
    let (mut sine, mut cosine) = (1.0, 1.0);
    for k in (1..=10).rev() {
        sine = 1.0 - sine * square / f64::from((2 * k) * (2 * k + 1));
        cosine = 1.0 - cosine * square / f64::from((2 * k - 1) * (2 * k));
    }
    sine *= r;
    match (n as i64).rem_euclid(4) {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// Rounds to a whole number, ties to even, for magnitudes below 2^51.
fn round_f64(x: f64) -> f64 {
    const ROUND_F64: f64 = 6_755_399_441_055_744.0;
    (x + ROUND_F64) - ROUND_F64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exp_f32_is_within_two_units(x in -86.9_f32..87.9) {
            let exact = f64::from(x).exp();
            let error = (f64::from(exp_f32(x)) - exact).abs() / exact;
            prop_assert!(error < 2.0 * f64::from(f32::EPSILON), "{x}: {error:e}");
        }

        #[test]
        fn exp_and_ln_f64_agree_with_the_library(x in -600.0_f64..600.0, y in 1e-200_f64..1e200) {
            prop_assert!((exp_f64(x) / x.exp() - 1.0).abs() < 1e-13);
            prop_assert!((ln_f64(y) - y.ln()).abs() < 1e-12);
        }

        #[test]
        fn sin_cos_f64_agrees_with_the_library(x in -200_000.0_f64..200_000.0) {
            let (sine, cosine) = sin_cos_f64(x);
            prop_assert!((sine - x.sin()).abs() < 1e-10, "{x}");
            prop_assert!((cosine - x.cos()).abs() < 1e-10, "{x}");
        }
    }

    #[test]
    fn exp_f32_is_bounded_and_exact_at_zero() {
        assert_eq!(exp_f32(0.0), 1.0);
        assert!(exp_f32(f32::MAX).is_finite());
        assert!(exp_f32(f32::MIN) > 0.0);
    }
}
