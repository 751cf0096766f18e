//! Half-precision numbers as checkpoints store them.
//!
//! Rule: conversions to `f32` are exact for every bit pattern; the one back rounds to nearest, ties
//! to even.
//! Absent: arithmetic in half precision.

/// The value of an IEEE 754 binary16 bit pattern, exactly.
pub(crate) const fn f16_to_f32(bits: u16) -> f32 {
    let sign = ((bits >> 15) as u32) << 31;
    let exponent = ((bits >> 10) & 0x1f) as u32;
    let fraction = (bits & 0x3ff) as u32;
    match exponent {
        0 => {
            // Zero and subnormals: fraction / 2^24 is exact in f32.
            let magnitude = fraction as f32 * (1.0 / 16_777_216.0);
            f32::from_bits(magnitude.to_bits() | sign)
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | (fraction << 13)),
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (fraction << 13)),
    }
}

/// The value of a bfloat16 bit pattern, exactly: the upper half of a binary32.
pub(crate) const fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits((bits as u32) << 16)
}

/// Whether the bit pattern is neither infinite nor "not a number".
pub(crate) const fn f16_is_finite(bits: u16) -> bool {
    bits & 0x7c00 != 0x7c00
}

/// The nearest binary16 bit pattern, ties to even; too large magnitudes become infinite.
pub(crate) fn f32_to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = value.abs();
    if magnitude.is_nan() {
        return sign | 0x7e00;
    }
    if magnitude >= 65_520.0 {
        return sign | 0x7c00;
    }
    if magnitude < 1.0 / 16_384.0 {
        // Subnormal: a whole number of 2^-24; the scaling is exact.
        return sign | (magnitude * 16_777_216.0).round_ties_even() as u16;
    }
    let bits = magnitude.to_bits();
    let rounded = bits + 0x0fff + ((bits >> 13) & 1);
    sign | ((rounded >> 13) - (112 << 10)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_half_survives_the_round_trip() {
        for bits in 0..=u16::MAX {
            if f16_is_finite(bits) {
                assert_eq!(f32_to_f16(f16_to_f32(bits)), bits, "{bits:#06x}");
            }
        }
        assert_eq!(f32_to_f16(65_519.0), 0x7bff);
        assert_eq!(f32_to_f16(65_520.0), 0x7c00);
        assert_eq!(f32_to_f16(1.0 + 1.0 / 2048.0), 0x3c00);
        assert_eq!(f32_to_f16(1.0 + 3.0 / 2048.0), 0x3c02);
    }

    #[test]
    fn known_values_convert_exactly() {
        let rows = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xbc00, -1.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0xc000, -2.0),
        ];
        for (bits, expected) in rows {
            assert_eq!(f16_to_f32(bits), expected, "{bits:#06x}");
        }
        assert_eq!(f16_to_f32(0x8000).to_bits(), 0x8000_0000);
        assert!(f16_to_f32(0x7c00).is_infinite() && !f16_is_finite(0x7c00));
        assert_eq!((bf16_to_f32(0x3fc0), bf16_to_f32(0xc2f7)), (1.5, -123.5));
        assert!(bf16_to_f32(0x7f80).is_infinite() && bf16_to_f32(0x7fc0).is_nan());
        assert!(f16_to_f32(0x7e00).is_nan() && !f16_is_finite(0x7e00));
    }
}
