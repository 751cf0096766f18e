//! Quantising, eight values at a time.

use std::arch::x86_64::*;

use super::super::portable::{BLOCK, QUANTISE_MIN};
use super::{FLOATS, from_lanes, lanes, to_half_bytes};
use crate::elementary::ROUND_F32;

/// Quantises a row in blocks of 32; see `portable::quantise`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::kernels) fn quantise(row: &[f32], values: &mut [i8], scales: &mut [f32], sums: &mut [f32]) {
    let values = values.as_chunks_mut::<BLOCK>().0;
    let blocks = row.as_chunks::<BLOCK>().0.iter().zip(values);
    for ((block, values), (scale, sum)) in blocks.zip(scales.iter_mut().zip(sums)) {
        let block = block.as_chunks::<FLOATS>().0;
        let mut largest = _mm256_setzero_ps();
        for floats in block {
            // The second operand stands where the first is no number, as in the portable comparison.
            largest = _mm256_max_ps(magnitude(from_lanes(*floats)), largest);
        }
        let largest =
            lanes(largest).iter().fold(0.0_f32, |most, lane| if *lane > most { *lane } else { most });
        let (step, inverse) =
            if largest < QUANTISE_MIN { (0.0, 0.0) } else { (largest / 127.0, 127.0 / largest) };
        let inverse = _mm256_set1_ps(inverse);
        let mut total = _mm256_setzero_si256();
        for (pair, values) in block.as_chunks::<2>().0.iter().zip(values.as_chunks_mut::<16>().0) {
            let [low, high] = [round(pair[0], inverse), round(pair[1], inverse)];
            total = _mm256_add_epi32(total, _mm256_add_epi32(low, high));
            *values = narrow(low, high);
        }
        *scale = step;
        *sum = step * sum_integers(total) as f32;
    }
}

/// The floats without their signs.
#[target_feature(enable = "avx2")]
fn magnitude(floats: __m256) -> __m256 {
    _mm256_andnot_ps(_mm256_set1_ps(-0.0), floats)
}

/// The floats times `inverse`, rounded to whole numbers from -127 to 127, ties to even.
#[target_feature(enable = "avx2")]
fn round(floats: [f32; FLOATS], inverse: __m256) -> __m256i {
    let shift = _mm256_set1_ps(ROUND_F32);
    let shifted = _mm256_add_ps(_mm256_mul_ps(from_lanes(floats), inverse), shift);
    let whole = _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_castps_si256(shift));
    _mm256_min_epi32(_mm256_max_epi32(whole, _mm256_set1_epi32(-127)), _mm256_set1_epi32(127))
}

/// Sixteen integers that fit a byte, as bytes.
#[target_feature(enable = "avx2")]
fn narrow(low: __m256i, high: __m256i) -> [i8; 16] {
    // Packing works within halves of a vector; the permutation puts its quarters back in order.
    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
    to_half_bytes(_mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words)))
}

#[target_feature(enable = "avx2")]
fn sum_integers(integers: __m256i) -> i32 {
    let quads = _mm_add_epi32(_mm256_castsi256_si128(integers), _mm256_extracti128_si256::<1>(integers));
    let pairs = _mm_add_epi32(quads, _mm_shuffle_epi32::<0b01_00_11_10>(quads));
    _mm_cvtsi128_si32(_mm_add_epi32(pairs, _mm_shuffle_epi32::<0b10_11_00_01>(pairs)))
}
