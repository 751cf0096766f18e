//! The integer products for x86-64 with AVX2, FMA and F16C.
//!
//! Rule: the same bits as `portable`. Integer sums are exact: 4-bit products of a whole block fit 16
//! bits (8 * 2 * 15 * 127 = 30480), 8-bit pairs do too (2 * 128 * 127 = 32512) and are widened at once.
//! Floating-point steps are the portable ones, eight rows at a time.
//! Absent: raw pointers; blocks are arrays of known size, so that checks cost nothing in the loops.

use std::arch::x86_64::*;

use super::Quantised;
use super::portable::{BLOCK, GROUP, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES};

/// Rows that one vector holds.
const ROWS: usize = 8;

/// Blocks of activations of `T` tokens, and their scales and sums.
struct Tile<'a, const T: usize> {
    values: [&'a [[i8; BLOCK]]; T],
    scales: [&'a [f32]; T],
    sums: [&'a [f32]; T],
}

impl<'a, const T: usize> Tile<'a, T> {
    fn new(input: &'a Quantised, token: usize) -> Tile<'a, T> {
        let blocks = input.width / BLOCK;
        let values = input.values.as_chunks::<BLOCK>().0;
        Tile {
            values: std::array::from_fn(|t| &values[(token + t) * blocks..][..blocks]),
            scales: std::array::from_fn(|t| &input.scales[(token + t) * blocks..][..blocks]),
            sums: std::array::from_fn(|t| &input.sums[(token + t) * blocks..][..blocks]),
        }
    }
}

/// Calls `$tile::<T>` for runs of up to four tokens until all are done.
macro_rules! tile_tokens {
    ($tile:ident, $group:expr, $input:expr, $tokens:expr, $output:expr) => {
        for (index, output) in $output.chunks_mut(4 * GROUP).enumerate() {
            match output.len() / GROUP {
                1 => $tile($group, &Tile::<1>::new($input, index * 4), output),
                2 => $tile($group, &Tile::<2>::new($input, index * 4), output),
                3 => $tile($group, &Tile::<3>::new($input, index * 4), output),
                _ => $tile($group, &Tile::<4>::new($input, index * 4), output),
            }
        }
    };
}

/// Interleaved 4-bit rows times every token.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn multiply_q4(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = groups.as_chunks::<Q4_BLOCK_BYTES>().0;
    let groups = blocks.chunks_exact(input.width / BLOCK);
    for (group, output) in groups.zip(output.chunks_exact_mut(tokens * GROUP)) {
        tile_tokens!(tile_q4, group, input, tokens, output);
    }
}

/// Interleaved 8-bit rows times every token.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn multiply_q8(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = groups.as_chunks::<Q8_BLOCK_BYTES>().0;
    let groups = blocks.chunks_exact(input.width / BLOCK);
    for (group, output) in groups.zip(output.chunks_exact_mut(tokens * GROUP)) {
        tile_tokens!(tile_q8, group, input, tokens, output);
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn tile_q4<const T: usize>(group: &[[u8; Q4_BLOCK_BYTES]], tile: &Tile<'_, T>, output: &mut [f32]) {
    half_q4::<T, 0>(group, tile, output);
    half_q4::<T, 1>(group, tile, output);
}

#[target_feature(enable = "avx2,fma,f16c")]
fn tile_q8<const T: usize>(group: &[[u8; Q8_BLOCK_BYTES]], tile: &Tile<'_, T>, output: &mut [f32]) {
    half_q8::<T, 0>(group, tile, output);
    half_q8::<T, 1>(group, tile, output);
}

/// Eight rows, the first or the second half of a group, times `T` tokens.
#[target_feature(enable = "avx2,fma,f16c")]
fn half_q4<const T: usize, const HALF: usize>(
    group: &[[u8; Q4_BLOCK_BYTES]],
    tile: &Tile<'_, T>,
    output: &mut [f32],
) {
    let nibble = _mm256_set1_epi8(15);
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_ps(); T];
    for (index, block) in group.iter().enumerate() {
        let mut products = [_mm256_setzero_si256(); T];
        macro_rules! pair {
            ($pair:literal) => {
                let packed = load::<{ $pair * 64 }, HALF, Q4_BLOCK_BYTES>(block);
                let low = _mm256_and_si256(packed, nibble);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(packed), nibble);
                for (products, values) in products.iter_mut().zip(&tile.values) {
                    let values = &values[index];
                    let first = _mm256_maddubs_epi16(low, broadcast::<{ $pair * 8 }>(values));
                    let second = _mm256_maddubs_epi16(high, broadcast::<{ $pair * 8 + 4 }>(values));
                    *products = _mm256_add_epi16(*products, _mm256_add_epi16(first, second));
                }
            };
        }
        pair!(0);
        pair!(1);
        pair!(2);
        pair!(3);
        let scale = halves::<{ GROUP * BLOCK / 2 }, HALF, Q4_BLOCK_BYTES>(block);
        let minimum = halves::<{ GROUP * BLOCK / 2 + 2 * GROUP }, HALF, Q4_BLOCK_BYTES>(block);
        for (t, sums) in sums.iter_mut().enumerate() {
            let product = _mm256_cvtepi32_ps(_mm256_madd_epi16(products[t], ones));
            let scale = _mm256_mul_ps(scale, _mm256_set1_ps(tile.scales[t][index]));
            *sums = _mm256_fmadd_ps(product, scale, *sums);
            *sums = _mm256_fmadd_ps(minimum, _mm256_set1_ps(tile.sums[t][index]), *sums);
        }
    }
    store::<T, HALF>(&sums, output);
}

/// Eight rows, the first or the second half of a group, times `T` tokens.
#[target_feature(enable = "avx2,fma,f16c")]
fn half_q8<const T: usize, const HALF: usize>(
    group: &[[u8; Q8_BLOCK_BYTES]],
    tile: &Tile<'_, T>,
    output: &mut [f32],
) {
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_ps(); T];
    for (index, block) in group.iter().enumerate() {
        let mut products = [_mm256_setzero_si256(); T];
        macro_rules! quad {
            ($quad:literal) => {
                let signed = load::<{ $quad * 64 }, HALF, Q8_BLOCK_BYTES>(block);
                let magnitude = _mm256_abs_epi8(signed);
                for (products, values) in products.iter_mut().zip(&tile.values) {
                    // |w| * (x with the sign of w) = w * x; x is never -128, so its sign can turn.
                    let turned = _mm256_sign_epi8(broadcast::<{ $quad * 4 }>(&values[index]), signed);
                    let pairs = _mm256_maddubs_epi16(magnitude, turned);
                    *products = _mm256_add_epi32(*products, _mm256_madd_epi16(pairs, ones));
                }
            };
        }
        quad!(0);
        quad!(1);
        quad!(2);
        quad!(3);
        quad!(4);
        quad!(5);
        quad!(6);
        quad!(7);
        let scale = halves::<{ GROUP * BLOCK }, HALF, Q8_BLOCK_BYTES>(block);
        for (t, sums) in sums.iter_mut().enumerate() {
            let scale = _mm256_mul_ps(scale, _mm256_set1_ps(tile.scales[t][index]));
            *sums = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products[t]), scale, *sums);
        }
    }
    store::<T, HALF>(&sums, output);
}

#[target_feature(enable = "avx2,fma,f16c")]
fn store<const T: usize, const HALF: usize>(sums: &[__m256; T], output: &mut [f32]) {
    for (sums, output) in sums.iter().zip(output.chunks_exact_mut(GROUP)) {
        let target: &mut [f32; ROWS] =
            (&mut output[HALF * ROWS..][..ROWS]).try_into().expect("half a group is eight rows");
        *target = lanes(*sums);
    }
}

/// The 32 bytes at `AT`, or those after them for the second half.
#[target_feature(enable = "avx2")]
fn load<const AT: usize, const HALF: usize, const SIZE: usize>(block: &[u8; SIZE]) -> __m256i {
    let bytes: &[u8; 32] = block[AT + HALF * 32..][..32].try_into().expect("32 bytes");
    from_bytes(*bytes)
}

/// Four activations in every lane.
#[target_feature(enable = "avx2")]
fn broadcast<const AT: usize>(values: &[i8; BLOCK]) -> __m256i {
    let [a, b, c, d] = [values[AT], values[AT + 1], values[AT + 2], values[AT + 3]].map(i8::cast_unsigned);
    _mm256_set1_epi32(i32::from_le_bytes([a, b, c, d]))
}

/// Eight half-precision numbers at `AT`, or those after them for the second half.
#[target_feature(enable = "avx2,f16c")]
fn halves<const AT: usize, const HALF: usize, const SIZE: usize>(block: &[u8; SIZE]) -> __m256 {
    let bytes: &[u8; 16] = block[AT + HALF * 16..][..16].try_into().expect("16 bytes");
    _mm256_cvtph_ps(from_half_bytes(*bytes))
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as a vector")]
fn from_bytes(bytes: [u8; 32]) -> __m256i {
    // SAFETY: both types are 32 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<[u8; 32], __m256i>(bytes) }
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as a vector")]
fn from_half_bytes(bytes: [u8; 16]) -> __m128i {
    // SAFETY: both types are 16 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<[u8; 16], __m128i>(bytes) }
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as an array")]
fn lanes(vector: __m256) -> [f32; ROWS] {
    // SAFETY: both types are 32 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<__m256, [f32; ROWS]>(vector) }
}
