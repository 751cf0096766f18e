//! The integer products for x86-64 with AVX2, FMA and F16C.
//!
//! Rule: the same bits as `portable`. Integer sums are exact: 4-bit products of a whole block fit 16
//! bits (8 * 2 * 15 * 127 = 30480), 8-bit pairs do too (2 * 128 * 127 = 32512) and are widened at once.
//! Floating-point steps are the portable ones, eight rows at a time.
//! Absent: bounds checks inside of loops; `table` checks the shapes before every call.

#![expect(unsafe_code, reason = "vector loads through pointers; the caller has checked the shapes")]

use std::arch::x86_64::*;

use super::Quantised;
use super::portable::{BLOCK, GROUP, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES};

/// Rows that one vector holds.
const ROWS: usize = 8;

/// Calls `$tile::<T>` for runs of up to four tokens until all are done.
macro_rules! tile_tokens {
    ($tile:ident, $group:expr, $input:expr, $tokens:expr, $output:expr) => {
        let mut token = 0;
        while token < $tokens {
            let output = &mut $output[token * GROUP..];
            // SAFETY: `token` plus the size of the tile is at most `tokens`, for which the caller has
            // checked values, scales, sums and outputs; the group holds all blocks of its rows.
            unsafe {
                match $tokens - token {
                    1 => $tile::<1>($group, $input, token, output),
                    2 => $tile::<2>($group, $input, token, output),
                    3 => $tile::<3>($group, $input, token, output),
                    _ => $tile::<4>($group, $input, token, output),
                }
            }
            token += 4;
        }
    };
}

/// Interleaved 4-bit rows times every token.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn multiply_q4(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let group_bytes = input.width / BLOCK * Q4_BLOCK_BYTES;
    for (group, output) in groups.chunks_exact(group_bytes).zip(output.chunks_exact_mut(tokens * GROUP)) {
        tile_tokens!(tile_q4, group, input, tokens, output);
    }
}

/// Interleaved 8-bit rows times every token.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn multiply_q8(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let group_bytes = input.width / BLOCK * Q8_BLOCK_BYTES;
    for (group, output) in groups.chunks_exact(group_bytes).zip(output.chunks_exact_mut(tokens * GROUP)) {
        tile_tokens!(tile_q8, group, input, tokens, output);
    }
}

/// # Safety
/// `group` holds `width / 32` blocks; `input` holds tokens `token..token + T`; `output` holds `T * 16`.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile_q4<const T: usize>(group: &[u8], input: &Quantised, token: usize, output: &mut [f32]) {
    let blocks = input.width / BLOCK;
    let nibble = _mm256_set1_epi8(15);
    let ones = _mm256_set1_epi16(1);
    for half in 0..GROUP / ROWS {
        let mut sums = [_mm256_setzero_ps(); T];
        for block in 0..blocks {
            // SAFETY: all offsets stay inside of block `block` of the group, and inside of block
            // `block` of tokens `token..token + T`, which the caller vouches for.
            unsafe {
                let weights = group.as_ptr().add(block * Q4_BLOCK_BYTES);
                let mut products = [_mm256_setzero_si256(); T];
                for pair in 0..4 {
                    let packed = load(weights.add(pair * 64 + half * 32));
                    let low = _mm256_and_si256(packed, nibble);
                    let high = _mm256_and_si256(_mm256_srli_epi16::<4>(packed), nibble);
                    for t in 0..T {
                        let values =
                            input.values.as_ptr().add((token + t) * input.width + block * BLOCK + pair * 8);
                        let first = _mm256_maddubs_epi16(low, broadcast(values));
                        let second = _mm256_maddubs_epi16(high, broadcast(values.add(4)));
                        products[t] = _mm256_add_epi16(products[t], _mm256_add_epi16(first, second));
                    }
                }
                let scale = halves(weights.add(256 + half * 16));
                let minimum = halves(weights.add(256 + 32 + half * 16));
                for t in 0..T {
                    let at = (token + t) * blocks + block;
                    let product = _mm256_cvtepi32_ps(_mm256_madd_epi16(products[t], ones));
                    let scale = _mm256_mul_ps(scale, _mm256_set1_ps(*input.scales.get_unchecked(at)));
                    sums[t] = _mm256_fmadd_ps(product, scale, sums[t]);
                    let sum = _mm256_set1_ps(*input.sums.get_unchecked(at));
                    sums[t] = _mm256_fmadd_ps(minimum, sum, sums[t]);
                }
            }
        }
        store(&sums, half, output);
    }
}

/// # Safety
/// As for `tile_q4`.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile_q8<const T: usize>(group: &[u8], input: &Quantised, token: usize, output: &mut [f32]) {
    let blocks = input.width / BLOCK;
    let ones = _mm256_set1_epi16(1);
    for half in 0..GROUP / ROWS {
        let mut sums = [_mm256_setzero_ps(); T];
        for block in 0..blocks {
            // SAFETY: as in `tile_q4`.
            unsafe {
                let weights = group.as_ptr().add(block * Q8_BLOCK_BYTES);
                let mut products = [_mm256_setzero_si256(); T];
                for quad in 0..8 {
                    let signed = load(weights.add(quad * 64 + half * 32));
                    let magnitude = _mm256_abs_epi8(signed);
                    for t in 0..T {
                        let values =
                            input.values.as_ptr().add((token + t) * input.width + block * BLOCK + quad * 4);
                        // |w| * (x with the sign of w) = w * x; x is never -128, so its sign can turn.
                        let turned = _mm256_sign_epi8(broadcast(values), signed);
                        let pairs = _mm256_maddubs_epi16(magnitude, turned);
                        products[t] = _mm256_add_epi32(products[t], _mm256_madd_epi16(pairs, ones));
                    }
                }
                let scale = halves(weights.add(512 + half * 16));
                for t in 0..T {
                    let at = (token + t) * blocks + block;
                    let scale = _mm256_mul_ps(scale, _mm256_set1_ps(*input.scales.get_unchecked(at)));
                    sums[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products[t]), scale, sums[t]);
                }
            }
        }
        store(&sums, half, output);
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn store<const T: usize>(sums: &[__m256; T], half: usize, output: &mut [f32]) {
    for (sums, output) in sums.iter().zip(output.chunks_exact_mut(GROUP)) {
        let output = &mut output[half * ROWS..][..ROWS];
        // SAFETY: `output` is a slice of exactly eight floats.
        unsafe { _mm256_storeu_ps(output.as_mut_ptr(), *sums) };
    }
}

/// # Safety
/// 32 bytes can be read at `bytes`.
#[target_feature(enable = "avx2")]
unsafe fn load(bytes: *const u8) -> __m256i {
    // SAFETY: the caller vouches for the bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.cast()) }
}

/// # Safety
/// Four bytes can be read at `values`.
#[target_feature(enable = "avx2")]
unsafe fn broadcast(values: *const i8) -> __m256i {
    // SAFETY: the caller vouches for the bytes; the read needs no alignment.
    _mm256_set1_epi32(unsafe { values.cast::<i32>().read_unaligned() })
}

/// # Safety
/// 16 bytes can be read at `bytes`.
#[target_feature(enable = "avx2,f16c")]
unsafe fn halves(bytes: *const u8) -> __m256 {
    // SAFETY: the caller vouches for the bytes; the load needs no alignment.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(bytes.cast()) })
}
