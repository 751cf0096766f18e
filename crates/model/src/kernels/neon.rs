//! The integer products for AArch64 with its integer dot products: one instruction multiplies four weights of four rows.
//!
//! Rule: the same bits as `portable`: integer sums are exact in any order, floating-point steps are the portable ones, four
//! rows at a time. Everything else is the portable source, which a compiler turns into vectors by itself: every AArch64 has NEON
//! and fused multiply-adds.
//! Absent: raw pointers; processors without the dot products (Armv8.0), which run `portable`; what it gains, which was
//! measured on no machine yet: its bits were checked under emulation.

use std::arch::aarch64::*;

use super::Quantised;
use super::portable::{BLOCK, GROUP, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES};
pub(super) use super::portable::{attend, quantise};
use super::tile::{Tile, bytes_at, each_tile, four_at};

/// Floats that one vector holds.
const FLOATS: usize = 4;
/// Vectors that hold one number of each row of a group.
const VECTORS: usize = GROUP / FLOATS;

/// Interleaved 4-bit rows times every token.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn multiply_q4(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = groups.as_chunks::<Q4_BLOCK_BYTES>().0;
    each_tile!(tile_q4, blocks, input, tokens, output);
}

/// Interleaved 8-bit rows times every token.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn multiply_q8(groups: &[u8], input: &Quantised, tokens: usize, output: &mut [f32]) {
    let blocks = groups.as_chunks::<Q8_BLOCK_BYTES>().0;
    each_tile!(tile_q8, blocks, input, tokens, output);
}

/// The rows of a group times `T` tokens from `token` on.
#[target_feature(enable = "neon,dotprod")]
fn tile_q4<const T: usize>(
    group: &[[u8; Q4_BLOCK_BYTES]],
    input: &Quantised,
    token: usize,
    output: &mut [f32],
) {
    const SCALES: usize = GROUP * BLOCK / 2;
    const MINIMA: usize = SCALES + 2 * GROUP;
    let tile = Tile::<T>::new(input, token, group.len());
    let nibble = vdupq_n_u8(15);
    let mut sums = [[vdupq_n_f32(0.0); VECTORS]; T];
    for (index, block) in group.iter().enumerate() {
        let mut products = [[vdupq_n_s32(0); VECTORS]; T];
        for pair in 0..4 {
            let mut low = [vdupq_n_s8(0); VECTORS];
            let mut high = low;
            for v in 0..VECTORS {
                let packed = load(block, pair * 64 + v * 16);
                low[v] = vreinterpretq_s8_u8(vandq_u8(packed, nibble));
                high[v] = vreinterpretq_s8_u8(vshrq_n_u8::<4>(packed));
            }
            for (products, values) in products.iter_mut().zip(&tile.values) {
                let first = broadcast(&values[index], pair * 8);
                let second = broadcast(&values[index], pair * 8 + 4);
                for v in 0..VECTORS {
                    products[v] = dot(dot(products[v], low[v], first), high[v], second);
                }
            }
        }
        for v in 0..VECTORS {
            let (scale, minimum) = (halves(block, SCALES + v * 8), halves(block, MINIMA + v * 8));
            for t in 0..T {
                let scale = vmulq_f32(scale, vdupq_n_f32(tile.scales[t][index]));
                let sum = vfmaq_f32(sums[t][v], vcvtq_f32_s32(products[t][v]), scale);
                sums[t][v] = vfmaq_f32(sum, minimum, vdupq_n_f32(tile.sums[t][index]));
            }
        }
    }
    store(&sums, output);
}

/// The rows of a group times `T` tokens from `token` on.
#[target_feature(enable = "neon,dotprod")]
fn tile_q8<const T: usize>(
    group: &[[u8; Q8_BLOCK_BYTES]],
    input: &Quantised,
    token: usize,
    output: &mut [f32],
) {
    const SCALES: usize = GROUP * BLOCK;
    let tile = Tile::<T>::new(input, token, group.len());
    let mut sums = [[vdupq_n_f32(0.0); VECTORS]; T];
    for (index, block) in group.iter().enumerate() {
        let mut products = [[vdupq_n_s32(0); VECTORS]; T];
        for quad in 0..8 {
            let mut weights = [vdupq_n_s8(0); VECTORS];
            for (v, weights) in weights.iter_mut().enumerate() {
                *weights = vreinterpretq_s8_u8(load(block, quad * 64 + v * 16));
            }
            for (products, values) in products.iter_mut().zip(&tile.values) {
                let values = broadcast(&values[index], quad * 4);
                for (product, weights) in products.iter_mut().zip(&weights) {
                    *product = dot(*product, *weights, values);
                }
            }
        }
        for v in 0..VECTORS {
            let scale = halves(block, SCALES + v * 8);
            for t in 0..T {
                let scale = vmulq_f32(scale, vdupq_n_f32(tile.scales[t][index]));
                sums[t][v] = vfmaq_f32(sums[t][v], vcvtq_f32_s32(products[t][v]), scale);
            }
        }
    }
    store(&sums, output);
}

/// The products of four weights with four values, added to each of the four sums.
#[target_feature(enable = "neon,dotprod")]
#[expect(unsafe_code, reason = "the standard library offers this instruction to nightly compilers alone")]
fn dot(sums: int32x4_t, weights: int8x16_t, values: int8x16_t) -> int32x4_t {
    let mut sums = sums;
    // SAFETY: the instruction reads and writes the named registers and nothing else, and whoever calls this has it.
    unsafe {
        std::arch::asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {values:v}.16b",
            sums = inout(vreg) sums,
            weights = in(vreg) weights,
            values = in(vreg) values,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// The sums of every token, to `[token][16]`.
#[target_feature(enable = "neon")]
fn store<const T: usize>(sums: &[[float32x4_t; VECTORS]; T], output: &mut [f32]) {
    for (sums, output) in sums.iter().zip(output.as_chunks_mut::<GROUP>().0) {
        for (output, sums) in output.as_chunks_mut::<FLOATS>().0.iter_mut().zip(sums) {
            *output = lanes(*sums);
        }
    }
}

/// The 16 bytes from `at` on.
#[target_feature(enable = "neon")]
fn load<const SIZE: usize>(block: &[u8; SIZE], at: usize) -> uint8x16_t {
    from_bytes(bytes_at(block, at))
}

/// Four activations from `at` on, in every lane.
#[target_feature(enable = "neon")]
fn broadcast(values: &[i8; BLOCK], at: usize) -> int8x16_t {
    vreinterpretq_s8_s32(vdupq_n_s32(four_at(values, at)))
}

/// Four half-precision numbers from `at` on.
#[target_feature(enable = "neon")]
fn halves<const SIZE: usize>(block: &[u8; SIZE], at: usize) -> float32x4_t {
    vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(u64::from_le_bytes(bytes_at(block, at)))))
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as a vector")]
fn from_bytes(bytes: [u8; 16]) -> uint8x16_t {
    // SAFETY: both types are 16 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<[u8; 16], uint8x16_t>(bytes) }
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as an array")]
fn lanes(vector: float32x4_t) -> [f32; FLOATS] {
    // SAFETY: both types are 16 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<float32x4_t, [f32; FLOATS]>(vector) }
}
