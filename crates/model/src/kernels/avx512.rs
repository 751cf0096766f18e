//! The integer products for x86-64 with AVX-512 and its integer dot products (VNNI): one vector holds a number of each of
//! the sixteen rows of a group, and one instruction multiplies four weights of each of them.
//!
//! Rule: the same bits as `portable`: integer sums are exact in any order, floating-point steps are the portable ones,
//! sixteen rows at a time. Attention and quantising are AVX2's.
//! Absent: raw pointers, as in `avx2`; attention in wider vectors, which nobody has measured.

use std::arch::x86_64::*;

use super::Quantised;
pub(super) use super::avx2::{attend, quantise};
use super::portable::{BLOCK, GROUP, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES};
use super::tile::{TOKENS_AT_ONCE, Tile, bytes_at, four_at};

/// Tokens that meet a group of rows at once: as many sums as the registers hold.
const TILE_TOKENS: usize = 8;

/// Calls `$tile::<T>` for runs of up to eight tokens until all groups have met all tokens.
macro_rules! each_tile {
    ($tile:ident, $blocks:expr, $input:expr, $tokens:expr, $output:expr $(, $more:expr)?) => {
        for from in (0..$tokens).step_by(TOKENS_AT_ONCE) {
            let to = $tokens.min(from + TOKENS_AT_ONCE);
            let groups = $blocks.chunks_exact($input.width / BLOCK);
            for (group, output) in groups.zip($output.chunks_exact_mut($tokens * GROUP)) {
                for token in (from..to).step_by(TILE_TOKENS) {
                    let output = &mut output[token * GROUP..];
                    match to - token {
                        1 => $tile::<1>(group, $input, token, output $(, $more)?),
                        2 => $tile::<2>(group, $input, token, output $(, $more)?),
                        3 => $tile::<3>(group, $input, token, output $(, $more)?),
                        4 => $tile::<4>(group, $input, token, output $(, $more)?),
                        5 => $tile::<5>(group, $input, token, output $(, $more)?),
                        6 => $tile::<6>(group, $input, token, output $(, $more)?),
                        7 => $tile::<7>(group, $input, token, output $(, $more)?),
                        _ => $tile::<8>(group, $input, token, output $(, $more)?),
                    }
                }
            }
        }
    };
}

/// Interleaved 4-bit rows times every token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn multiply_q4(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = groups.as_chunks::<Q4_BLOCK_BYTES>().0;
    each_tile!(tile_q4, blocks, input, tokens, output);
}

/// Interleaved 8-bit rows times every token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn multiply_q8(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = groups.as_chunks::<Q8_BLOCK_BYTES>().0;
    let values = &input.values[..tokens * input.width];
    let excesses: Vec<i32> = values.as_chunks::<BLOCK>().0.iter().map(excess).collect();
    each_tile!(tile_q8, blocks, input, tokens, output, &excesses);
}

/// The rows of a group times `T` tokens from `token` on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tile_q4<const T: usize>(
    group: &[[u8; Q4_BLOCK_BYTES]],
    input: &Quantised,
    token: usize,
    output: &mut [f32],
) {
    const SCALES: usize = GROUP * BLOCK / 2;
    const MINIMA: usize = SCALES + 2 * GROUP;
    let tile = Tile::<T>::new(input, token, group.len());
    let nibble = _mm512_set1_epi8(15);
    let mut sums = [_mm512_setzero_ps(); T];
    for (index, block) in group.iter().enumerate() {
        let mut products = [_mm512_setzero_si512(); T];
        for pair in 0..4 {
            let packed = load(block, pair * 64);
            let low = _mm512_and_si512(packed, nibble);
            let high = _mm512_and_si512(_mm512_srli_epi16::<4>(packed), nibble);
            for (product, values) in products.iter_mut().zip(&tile.values) {
                *product = _mm512_dpbusd_epi32(*product, low, broadcast(&values[index], pair * 8));
                *product = _mm512_dpbusd_epi32(*product, high, broadcast(&values[index], pair * 8 + 4));
            }
        }
        let scale = halves(block, SCALES);
        let minimum = halves(block, MINIMA);
        for t in 0..T {
            let scale = _mm512_mul_ps(scale, _mm512_set1_ps(tile.scales[t][index]));
            let sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[t]), scale, sums[t]);
            sums[t] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(tile.sums[t][index]), sum);
        }
    }
    store(&sums, output);
}

/// The rows of a group times `T` tokens from `token` on; `excesses` are those of all blocks of all tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tile_q8<const T: usize>(
    group: &[[u8; Q8_BLOCK_BYTES]],
    input: &Quantised,
    token: usize,
    output: &mut [f32],
    excesses: &[i32],
) {
    const SCALES: usize = GROUP * BLOCK;
    let tile = Tile::<T>::new(input, token, group.len());
    let turn = _mm512_set1_epi8(i8::MIN);
    let mut sums = [_mm512_setzero_ps(); T];
    for (index, block) in group.iter().enumerate() {
        // The instruction wants one side without signs: (w + 128) * x, of which 128 * x was taken away before.
        let mut products = [_mm512_setzero_si512(); T];
        for (t, product) in products.iter_mut().enumerate() {
            *product = _mm512_set1_epi32(excesses[(token + t) * group.len() + index]);
        }
        for quad in 0..8 {
            let weights = _mm512_xor_si512(load(block, quad * 64), turn);
            for (product, values) in products.iter_mut().zip(&tile.values) {
                *product = _mm512_dpbusd_epi32(*product, weights, broadcast(&values[index], quad * 4));
            }
        }
        let scale = halves(block, SCALES);
        for t in 0..T {
            let scale = _mm512_mul_ps(scale, _mm512_set1_ps(tile.scales[t][index]));
            sums[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[t]), scale, sums[t]);
        }
    }
    store(&sums, output);
}

/// -128 times the sum of a block's activations.
fn excess(values: &[i8; BLOCK]) -> i32 {
    values.iter().map(|value| i32::from(*value)).sum::<i32>() * -128
}

/// The sums of every token, to `[token][16]`.
#[target_feature(enable = "avx512f")]
fn store<const T: usize>(sums: &[__m512; T], output: &mut [f32]) {
    for (sum, output) in sums.iter().zip(output.as_chunks_mut::<GROUP>().0) {
        *output = lanes(*sum);
    }
}

/// The 64 bytes from `at` on.
#[target_feature(enable = "avx512f")]
fn load<const SIZE: usize>(block: &[u8; SIZE], at: usize) -> __m512i {
    from_bytes(bytes_at(block, at))
}

/// Four activations from `at` on, in every lane.
#[target_feature(enable = "avx512f")]
fn broadcast(values: &[i8; BLOCK], at: usize) -> __m512i {
    _mm512_set1_epi32(four_at(values, at))
}

/// Sixteen half-precision numbers from `at` on.
#[target_feature(enable = "avx512f")]
fn halves<const SIZE: usize>(block: &[u8; SIZE], at: usize) -> __m512 {
    _mm512_cvtph_ps(super::avx2::from_bytes(bytes_at(block, at)))
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as a vector")]
fn from_bytes(bytes: [u8; 64]) -> __m512i {
    // SAFETY: both types are 64 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<[u8; 64], __m512i>(bytes) }
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as an array")]
fn lanes(vector: __m512) -> [f32; GROUP] {
    // SAFETY: both types are 64 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<__m512, [f32; GROUP]>(vector) }
}
