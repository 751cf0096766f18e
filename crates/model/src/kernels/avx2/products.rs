//! The integer products.
//!
//! Rule: integer sums are exact in any order: 4-bit products of a whole block fit 16
//! bits (8 * 2 * 15 * 127 = 30480), 8-bit pairs do too (2 * 128 * 127 = 32512) and are widened at once.
//! Floating-point steps are the portable ones, eight rows at a time.

use std::arch::x86_64::*;

use super::super::Quantised;
use super::super::portable::{BLOCK, GROUP, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES};
use super::super::tile::{Tile, bytes_at, each_tile, four_at};
use super::{FLOATS, from_bytes, from_half_bytes, lanes};

/// Vectors that hold one number of each row of a group.
const VECTORS: usize = GROUP / FLOATS;

/// Interleaved 4-bit rows times every token.
#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::kernels) fn multiply_q4(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = groups.as_chunks::<Q4_BLOCK_BYTES>().0;
    each_tile!(tile_q4, blocks, input, tokens, output);
}

/// Interleaved 8-bit rows times every token.
#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::kernels) fn multiply_q8(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = groups.as_chunks::<Q8_BLOCK_BYTES>().0;
    each_tile!(tile_q8, blocks, input, tokens, output);
}

/// The rows of a group times `T` tokens from `token` on.
#[target_feature(enable = "avx2,fma,f16c")]
fn tile_q4<const T: usize>(
    group: &[[u8; Q4_BLOCK_BYTES]],
    input: &Quantised,
    token: usize,
    output: &mut [f32],
) {
    const SCALES: usize = GROUP * BLOCK / 2;
    const MINIMA: usize = SCALES + 2 * GROUP;
    let tile = Tile::<T>::new(input, token, group.len());
    let nibble = _mm256_set1_epi8(15);
    let ones = _mm256_set1_epi16(1);
    let mut sums = [[_mm256_setzero_ps(); VECTORS]; T];
    for (index, block) in group.iter().enumerate() {
        let mut products = [[_mm256_setzero_si256(); VECTORS]; T];
        for pair in 0..4 {
            let mut low = [_mm256_setzero_si256(); VECTORS];
            let mut high = low;
            for v in 0..VECTORS {
                let packed = load(block, pair * 64 + v * 32);
                low[v] = _mm256_and_si256(packed, nibble);
                high[v] = _mm256_and_si256(_mm256_srli_epi16::<4>(packed), nibble);
            }
            for (products, values) in products.iter_mut().zip(&tile.values) {
                let first = broadcast(&values[index], pair * 8);
                let second = broadcast(&values[index], pair * 8 + 4);
                for v in 0..VECTORS {
                    let first = _mm256_maddubs_epi16(low[v], first);
                    let second = _mm256_maddubs_epi16(high[v], second);
                    products[v] = _mm256_add_epi16(products[v], _mm256_add_epi16(first, second));
                }
            }
        }
        for v in 0..VECTORS {
            let scale = halves(block, SCALES + v * 16);
            let minimum = halves(block, MINIMA + v * 16);
            for t in 0..T {
                let product = _mm256_cvtepi32_ps(_mm256_madd_epi16(products[t][v], ones));
                let scale = _mm256_mul_ps(scale, _mm256_set1_ps(tile.scales[t][index]));
                let sum = _mm256_fmadd_ps(product, scale, sums[t][v]);
                sums[t][v] = _mm256_fmadd_ps(minimum, _mm256_set1_ps(tile.sums[t][index]), sum);
            }
        }
    }
    store(&sums, output);
}

/// The rows of a group times `T` tokens from `token` on.
#[target_feature(enable = "avx2,fma,f16c")]
fn tile_q8<const T: usize>(
    group: &[[u8; Q8_BLOCK_BYTES]],
    input: &Quantised,
    token: usize,
    output: &mut [f32],
) {
    const SCALES: usize = GROUP * BLOCK;
    let tile = Tile::<T>::new(input, token, group.len());
    let ones = _mm256_set1_epi16(1);
    let mut sums = [[_mm256_setzero_ps(); VECTORS]; T];
    for (index, block) in group.iter().enumerate() {
        let mut products = [[_mm256_setzero_si256(); VECTORS]; T];
        for quad in 0..8 {
            let mut signed = [_mm256_setzero_si256(); VECTORS];
            let mut magnitude = signed;
            for v in 0..VECTORS {
                signed[v] = load(block, quad * 64 + v * 32);
                magnitude[v] = _mm256_abs_epi8(signed[v]);
            }
            for (products, values) in products.iter_mut().zip(&tile.values) {
                let values = broadcast(&values[index], quad * 4);
                for v in 0..VECTORS {
                    // |w| * (x with the sign of w) = w * x; x is never -128, so its sign can turn.
                    let turned = _mm256_sign_epi8(values, signed[v]);
                    let pairs = _mm256_maddubs_epi16(magnitude[v], turned);
                    products[v] = _mm256_add_epi32(products[v], _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        for v in 0..VECTORS {
            let scale = halves(block, SCALES + v * 16);
            for t in 0..T {
                let scale = _mm256_mul_ps(scale, _mm256_set1_ps(tile.scales[t][index]));
                sums[t][v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products[t][v]), scale, sums[t][v]);
            }
        }
    }
    store(&sums, output);
}

/// The sums of every token, to `[token][16]`.
#[target_feature(enable = "avx2")]
fn store<const T: usize>(sums: &[[__m256; VECTORS]; T], output: &mut [f32]) {
    for (sums, output) in sums.iter().zip(output.as_chunks_mut::<GROUP>().0) {
        for (output, sums) in output.as_chunks_mut::<FLOATS>().0.iter_mut().zip(sums) {
            *output = lanes(*sums);
        }
    }
}

/// The 32 bytes from `at` on.
#[target_feature(enable = "avx2")]
fn load<const SIZE: usize>(block: &[u8; SIZE], at: usize) -> __m256i {
    from_bytes(bytes_at(block, at))
}

/// Four activations from `at` on, in every lane.
#[target_feature(enable = "avx2")]
fn broadcast(values: &[i8; BLOCK], at: usize) -> __m256i {
    _mm256_set1_epi32(four_at(values, at))
}

/// Eight half-precision numbers from `at` on.
#[target_feature(enable = "avx2,f16c")]
fn halves<const SIZE: usize>(block: &[u8; SIZE], at: usize) -> __m256 {
    _mm256_cvtph_ps(from_half_bytes(bytes_at(block, at)))
}
